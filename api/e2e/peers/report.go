package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// report writes medians and ratios, and of each target whether it is met.
func report(out io.Writer, l *lineup) error {
	var text strings.Builder
	fmt.Fprintf(&text, "Medians of %d rounds:\n\n", len(l.read.turns))
	fmt.Fprintf(&text, "  %-36s %10s %10s %10s %14s %10s %10s\n", "", "requests/s", "p50", "p99", "CPU per URL", "peak MiB", "strangers")
	for _, group := range []struct {
		title   string
		entries []*entry
	}{
		{"one URL to read by", []*entry{&l.read, &l.readRSA, &l.readEC}},
		{"one PUT", []*entry{&l.put, &l.putPeer}},
		{"one form for Uppy", []*entry{&l.form, &l.formPeer}},
	} {
		fmt.Fprintf(&text, "  %s:\n", group.title)
		for _, entry := range group.entries {
			fmt.Fprintf(&text, "    %-34s %10.0f %10s %10s %14s %10.0f %10.2f\n", entry.name, entry.turns.median(perSecond),
				brief(entry.turns.median(p50)), brief(entry.turns.median(p99)), brief(entry.turns.median(cpu)), entry.side.peakMiB(),
				entry.turns.median(strangers))
		}
	}
	fmt.Fprintf(&text, "\nStrangers are the cores, of %d, that neither the side nor the load generator computed on. Where they differ, so do the chances of the sides.\n", runtime.NumCPU())
	reportRatios(&text, l)
	raw := median(l.raw)
	share := l.batch.turns.median(perSecond) / raw
	fmt.Fprintf(&text, "\nA batch of %d: %.0f URLs/s, %.0f %% of the %.0f that the raw signature allows (target 80 %%: %s).\n",
		batchSize, l.batch.turns.median(perSecond), 100*share, raw, met(share >= 0.8))
	fmt.Fprintf(&text, "p99 at half of the capacity: %s (target 5 ms: %s).\n", brief(l.half.median(p99)), met(l.half.median(p99) < float64(5*time.Millisecond)))
	peak := l.read.side.peakMiB()
	fmt.Fprintf(&text, "Peak memory: %.0f MiB (target 64 MiB: %s).\n", peak, met(peak > 0 && peak < 64))
	_, err := io.WriteString(out, text.String())
	return err
}

// reportRatios writes how ours compares to each of the others.
func reportRatios(text *strings.Builder, l *lineup) {
	fmt.Fprintf(text, "\nRatios of signgate to the others:\n\n")
	for _, line := range []struct {
		name        string
		ours, other *entry
		atLeast     float64 // 0: no target
	}{
		{"reading, RSA-2048", &l.read, &l.readRSA, 10},
		{"reading, P-256", &l.read, &l.readEC, 4},
		{"one PUT", &l.put, &l.putPeer, 10},
		{"one form, Companion", &l.form, &l.formPeer, 0},
	} {
		ours, other := line.ours.turns, line.other.turns
		rate := ours.median(perSecond) / other.median(perSecond)
		target := "no target"
		if line.atLeast > 0 {
			target = fmt.Sprintf("target %.0f: %s", line.atLeast, met(rate >= line.atLeast))
		}
		fmt.Fprintf(text, "  %-20s requests/s %.1f (%s), p50 %.2f, p99 %.2f, CPU per URL %.2f, peak memory %.2f\n",
			line.name+":", rate, target, ours.median(p50)/other.median(p50), ours.median(p99)/other.median(p99),
			ours.median(cpu)/other.median(cpu), line.ours.side.peakMiB()/line.other.side.peakMiB())
	}
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
