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

# need ends in failure where a benchmark hasn't run.
function need(name) {
	if (name in runs) return
	print "ratios: no benchmark " name > "/dev/stderr"
	exit 1
}

# line writes a value and, where there is a target, whether it is met.
function line(text, value, most) {
	printf "  %-66s %6.2f%s\n", text, value, most ? sprintf("  (target %g: %s)", most, value <= most ? "met" : "missed") : ""
}

function ratio(text, a, b, share, most) {
	need(a)
	need(b)
	line(text, median(a) / median(b) / (share ? share : 1), most)
}

# more is how many microseconds one takes beyond another.
function more(text, a, b, most) {
	need(a)
	need(b)
	line(text, (median(a) - median(b)) / 1e3, most)
}

function milliseconds(text, a, most) {
	need(a)
	line(text, median(a) / 1e6, most)
}

END {
	print "Median time in microseconds:\n"
	for (n = 1; n <= names; n++) printf "  %-66s %9.1f\n", order[n], median(order[n]) / 1000
	print "\nRatios:\n"
	ratio("a signed URL to its P-256 signature alone", "Sign/P-256", "RawSignature/P-256")
	ratio("a signed URL to its RSA-2048 signature alone", "Sign/RSA-2048", "RawSignature/RSA-2048")
	ratio("a URL signed with RSA-2048 to one signed with P-256", "Sign/RSA-2048", "Sign/P-256")
	ratio("a presigned PUT to its signature by AWS's PresignHTTP alone", "Put", "PresignHTTP", 1, 1.3)
	ratio("a presigned PUT to the same by the SDK's PresignClient", "Put", "PutByPresignClient")
	ratio("a URL in a batch of 100 to a URL in a request of its own, over HTTP", "ReadURLs100", "ReadURL", 100)
	ratio("an audit record in its chain to one without a chain", "Record/chained", "Record/plain")
	ratio("a look-up among 1 million shares to one among 1 thousand", "Find/1M", "Find/1k", 1, 1.5)
	ratio("a URL with metrics to one without, over HTTP", "ReadURLMeasured", "ReadURL", 1, 1.05)
	print "\nMicroseconds:\n"
	more("policies and shares, beyond a comparison of names", "Decision/policies_and_shares", "Decision/identity", 15)
	print "\nMilliseconds:\n"
	milliseconds("all 10,000 parts of an upload signed", "Parts10000", 100)
}
