package audit

// Change is what must have happened to a trail.
type Change string

// The changes.
const (
	Changed Change = "changed" // a line is not what it was
	Removed Change = "removed" // lines are missing
	Added   Change = "added"   // a line is there that no log wrote there
	Moved   Change = "moved"   // a line stands behind one that it came before, or twice
	Unknown Change = "unknown" // signed by a key that isn't at hand
)

// Finding says where a trail is not what was written, and how.
type Finding struct {
	Line   int64  `json:"line"`            // its number, from 1
	Chain  string `json:"chain,omitempty"` // the run that wrote it
	Seq    uint64 `json:"seq,omitempty"`   // its place in that chain
	Change Change `json:"change"`
	Detail string `json:"detail"`
}

// OpenRun is a run whose end is not in the trail: it goes on, it was killed,
// or its end was cut off.
type OpenRun struct {
	Chain    string `json:"chain"`
	Line     int64  `json:"line"`     // of its last line
	Seq      uint64 `json:"seq"`      // of its last line
	Unsigned int64  `json:"unsigned"` // lines since its last signed one
}

// maxOpen bounds how many open runs a report lists.
const maxOpen = 100

// Report is what a verification saw.
type Report struct {
	Lines       int64     `json:"lines"`
	Records     int64     `json:"records"`
	Checkpoints int64     `json:"checkpoints"` // signed lines whose signature fits
	Runs        int64     `json:"runs"`
	Findings    int64     `json:"findings"`
	Torn        int64     `json:"torn"`       // unfinished lines that the line after them vouches for
	Unfinished  int64     `json:"unfinished"` // number of the last line, where it is not whole; otherwise 0
	Unsigned    int64     `json:"unsigned"`   // lines that no signature covers
	OpenRuns    int64     `json:"openRuns"`
	Open        []OpenRun `json:"open,omitempty"` // the first hundred of them
	LastChain   string    `json:"lastChain,omitempty"`
	LastSeq     uint64    `json:"lastSeq,omitempty"`
	LastDigest  string    `json:"lastDigest,omitempty"` // of the last whole line: whoever notes it sees later that the end was cut off
}

// Complete says that nothing was found and nothing is open: every run has
// ended, or the run after it vouches for its last line.
func (r Report) Complete() bool {
	return r.Runs > 0 && r.Findings == 0 && r.OpenRuns == 0 && r.Unfinished == 0
}

// tally sums up the runs.
func (v *verifier) tally() {
	for _, run := range v.order {
		if run.ended || run.vouched {
			continue
		}
		v.report.OpenRuns++
		v.report.Unsigned += run.unsigned
		if len(v.report.Open) < maxOpen {
			v.report.Open = append(v.report.Open, OpenRun{run.chain, run.line, run.seq, run.unsigned})
		}
	}
	v.report.Runs = int64(len(v.order))
	if last := v.last; last != nil {
		v.report.LastChain, v.report.LastSeq, v.report.LastDigest = last.chain, last.seq, last.digest.String()
	}
}
