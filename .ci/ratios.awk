# Reads what `go test -bench` printed and writes the median of each
# benchmark's runs and, of those that belong together, the ratio. Ratios hold on any machine
# that ran both; times hold on the one that they were taken on.

/^Benchmark/ && $4 == "ns/op" {
	name = $1
	sub(/^Benchmark/, "", name)
	sub(/-[0-9]+$/, "", name)
	if (!(name in runs)) order[++names] = name
	for (place = ++runs[name]; place > 1 && time[name, place - 1] > $3; place--) time[name, place] = time[name, place - 1]
	time[name, place] = $3
}

function median(name) { return time[name, int((runs[name] + 1) / 2)] }

function ratio(text, a, b, share) {
	if (!(a in runs) || !(b in runs)) {
		print "ratios: no benchmark " (a in runs ? b : a) > "/dev/stderr"
		failed = 1
		exit
	}
	printf "  %-66s %6.2f\n", text, median(a) / median(b) / (share ? share : 1)
}

END {
	if (failed) exit 1
	print "Median time in microseconds:\n"
	for (n = 1; n <= names; n++) printf "  %-66s %9.1f\n", order[n], median(order[n]) / 1000
	print "\nRatios:\n"
	ratio("a signed URL to its P-256 signature alone", "Sign/P-256", "RawSignature/P-256")
	ratio("a signed URL to its RSA-2048 signature alone", "Sign/RSA-2048", "RawSignature/RSA-2048")
	ratio("a URL signed with RSA-2048 to one signed with P-256", "Sign/RSA-2048", "Sign/P-256")
	ratio("a presigned PUT to the same by the SDK's PresignClient", "Put", "PutByPresignClient")
	ratio("a URL in a batch of 100 to a URL in a request of its own, over HTTP", "ReadURLs100", "ReadURL", 100)
}
