package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// results are all measures.
type results struct {
	ours, rsa, ec, batch, half series
	raw                        float64 // signatures per second on all cores
	oursPeak, rsaPeak, ecPeak  float64 // MiB
}

// report writes medians and ratios, and of each target whether it is met.
func report(out io.Writer, r results) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Medians of %d rounds, one URL per request:\n\n", len(r.ours))
	fmt.Fprintf(&text, "  %-34s %12s %10s %10s %14s %10s\n", "", "requests/s", "p50", "p99", "CPU per URL", "peak MiB")
	for _, side := range []struct {
		name string
		of   series
		peak float64
	}{{"signgate, P-256", r.ours, r.oursPeak}, {"Node.js and AWS's signer, RSA-2048", r.rsa, r.rsaPeak}, {"Node.js and AWS's signer, P-256", r.ec, r.ecPeak}} {
		fmt.Fprintf(&text, "  %-34s %12.0f %10s %10s %14s %10.0f\n", side.name, side.of.median(perSecond),
			brief(side.of.median(p50)), brief(side.of.median(p99)), brief(side.of.median(cpu)), side.peak)
	}
	fmt.Fprintf(&text, "\nRatios of signgate to the others:\n\n")
	for _, line := range []struct {
		name    string
		other   series
		peak    float64
		atLeast float64
	}{{"RSA-2048", r.rsa, r.rsaPeak, 10}, {"P-256", r.ec, r.ecPeak, 4}} {
		rate := r.ours.median(perSecond) / line.other.median(perSecond)
		fmt.Fprintf(&text, "  to %-9s requests/s %.1f (target %.0f: %s), p50 %.2f, p99 %.2f, CPU per URL %.2f, peak memory %.2f\n",
			line.name+":", rate, line.atLeast, met(rate >= line.atLeast), r.ours.median(p50)/line.other.median(p50),
			r.ours.median(p99)/line.other.median(p99), r.ours.median(cpu)/line.other.median(cpu), r.oursPeak/line.peak)
	}
	share := r.batch.median(perSecond) / r.raw
	fmt.Fprintf(&text, "\nA batch of %d: %.0f URLs/s, %.0f %% of the %.0f that the raw signature allows (target 80 %%: %s).\n",
		batchSize, r.batch.median(perSecond), 100*share, r.raw, met(share >= 0.8))
	fmt.Fprintf(&text, "p99 at half of the capacity: %s (target 5 ms: %s).\n", brief(r.half.median(p99)), met(r.half.median(p99) < float64(5*time.Millisecond)))
	fmt.Fprintf(&text, "Peak memory: %.0f MiB (target 64 MiB: %s).\n", r.oursPeak, met(r.oursPeak > 0 && r.oursPeak < 64))
	_, err := io.WriteString(out, text.String())
	return err
}

func brief(nanoseconds float64) string {
	return time.Duration(nanoseconds).Round(time.Microsecond).String()
}

func met(yes bool) string {
	if yes {
		return "met"
	}
	return "missed"
}
