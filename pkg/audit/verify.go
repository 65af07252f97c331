package audit

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrTooManyRuns is returned where a trail claims more runs than memory is for.
var ErrTooManyRuns = errors.New("the trail claims too many runs")

const (
	maxRuns = 1 << 18
	// recentLines is how far behind the end of the file a run may link: other
	// processes may write to it while one is looking for its end.
	recentLines = 4096
)

// VerifyOptions say what a trail is held to.
type VerifyOptions struct {
	Keys    map[string]crypto.PublicKey // that may have signed, by their ids
	Partial bool                        // the beginning may be missing: an export, a rotated file
}

// Verify reads a trail and calls found for everything that is not as it was
// written. Several runs may be interleaved; the order of lines of different
// runs is held only where one begins. Memory doesn't grow with the number of
// lines, only, little, with that of runs. The error is one of reading.
func Verify(r io.Reader, options VerifyOptions, found func(Finding)) (Report, error) {
	v := &verifier{options: options, found: found, runs: map[string]*run{}}
	if err := eachLine(r, v.line); err != nil {
		return v.report, fmt.Errorf("read the audit trail: %w", err)
	}
	if v.torn != nil && v.torn.ended {
		v.find(v.torn.line, place{}, Added, notALine)
	} else if v.torn != nil {
		v.report.Unfinished = v.torn.line
	}
	v.tally()
	return v.report, nil
}

const notALine = "not a line that a log wrote, and the line after it doesn't vouch for it"

// run is what is remembered of one process's chain.
type run struct {
	chain    string
	seq      uint64 // of its last line
	digest   digest // of its last line
	line     int64  // number of its last line
	unsigned int64  // lines since its last signature
	ended    bool
	vouched  bool // the run after it links to its last line
}

type verifier struct {
	options VerifyOptions
	found   func(Finding)
	report  Report
	runs    map[string]*run
	order   []*run
	last    *run // that wrote the last line
	torn    *tornText
	recent  [recentLines]recentLine
}

// recentLine is a line that a new run may link to.
type recentLine struct {
	run    *run
	seq    uint64
	digest digest
}

// tornText is text that belongs to no whole line.
type tornText struct {
	line  int64 // where it begins
	lines int64
	bytes int64
	hash  hash.Hash
	ended bool
}

func (v *verifier) find(number int64, at place, change Change, detail string) {
	v.report.Findings++
	v.found(Finding{Line: number, Chain: string(at.chain), Seq: at.seq, Change: change, Detail: detail})
}

func (v *verifier) line(l line) error {
	if !l.continues {
		v.report.Lines++
	}
	at, whole := parsePlace(l.text)
	if !whole || l.continues {
		v.tear(l)
		return nil
	}
	v.checkTorn(l, at)
	sum := digest(sha256.Sum256(l.text))
	mark := v.checkSignature(l, at)
	current := v.runs[string(at.chain)]
	if current == nil {
		if len(v.order) >= maxRuns {
			return ErrTooManyRuns
		}
		current = v.begin(l, at, mark)
	} else if !v.follows(current, l, at, sum) {
		return nil
	}
	current.seq, current.digest, current.line, current.vouched = at.seq, sum, l.number, false
	current.unsigned++
	if mark != "" {
		current.unsigned = 0
	}
	current.ended = mark == kindEnd
	v.last = current
	v.recent[v.report.Lines%recentLines] = recentLine{current, at.seq, sum}
	return nil
}

// tear takes text that is no whole line.
func (v *verifier) tear(l line) {
	if v.torn == nil {
		v.torn = &tornText{line: l.number, hash: sha256.New()}
	} else if !l.continues {
		v.torn.write([]byte("\n"))
	}
	v.torn.write(l.text)
	v.torn.ended = l.ended
	if l.ended {
		v.torn.lines++
	}
}

func (t *tornText) write(text []byte) {
	_, _ = t.hash.Write(text) // a hash takes everything
	t.bytes += int64(len(text))
}

// checkTorn holds torn text to what the line after it says of it.
func (v *verifier) checkTorn(l line, at place) {
	torn := v.torn
	v.torn = nil
	switch {
	case torn == nil && at.tornBytes > 0:
		v.find(l.number, at, Removed, fmt.Sprintf("%d bytes of an unfinished line stood before it", at.tornBytes))
	case torn == nil:
	case torn.bytes != at.tornBytes || base64.StdEncoding.EncodeToString(torn.hash.Sum(nil)) != string(at.torn):
		v.find(torn.line, place{}, Added, notALine)
	default:
		v.report.Torn += torn.lines
	}
}

// checkSignature returns what a signed line is, and nothing for any other or
// where the signature doesn't fit.
func (v *verifier) checkSignature(l line, at place) kind {
	if at.signature == nil {
		v.report.Records++
		return ""
	}
	var signed mark
	if err := json.Unmarshal(l.text, &signed); err != nil {
		v.find(l.number, at, Changed, "a signed line that can't be read")
		return ""
	}
	key, ok := v.options.Keys[signed.KeyID]
	if !ok {
		v.find(l.number, at, Unknown, fmt.Sprintf("signed by %q, whose public key was not given", signed.KeyID))
		return ""
	}
	if !fits(key, signedDigest(at.signed), at.signature) {
		v.find(l.number, at, Changed, "the signature of "+signed.KeyID+" doesn't fit")
		return ""
	}
	v.report.Checkpoints++
	return signed.Kind
}

func fits(key crypto.PublicKey, digest, signature []byte) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	}
	return false
}

// begin takes the first line of a run.
func (v *verifier) begin(l line, at place, mark kind) *run {
	current := &run{chain: string(at.chain)}
	v.runs[current.chain] = current
	v.order = append(v.order, current)
	switch {
	case at.seq > 1 && !v.options.Partial:
		v.find(l.number, at, Removed, fmt.Sprintf("the lines before it in its chain, %d of them", at.seq-1))
	case at.seq == 1 && mark != kindStart:
		v.find(l.number, at, Added, "a run that begins without a signature")
	case at.seq == 1 && len(at.prev) > 0 && !v.vouch(string(at.prev)) && !v.options.Partial:
		v.find(l.number, at, Removed, "the run before this one, or its end, is not where it was")
	}
	return current
}

// vouch finds the line that a new run links to. All of its run up to there is
// now as good as signed.
func (v *verifier) vouch(prev string) bool {
	wanted, err := base64.StdEncoding.Strict().DecodeString(prev)
	if err != nil {
		return false
	}
	for _, recent := range v.recent {
		if recent.run == nil || !bytes.Equal(recent.digest[:], wanted) {
			continue
		}
		recent.run.unsigned = min(recent.run.unsigned, int64(recent.run.seq-recent.seq)) //nolint:gosec // a difference within the window
		recent.run.vouched = recent.run.seq == recent.seq
		return true
	}
	return false
}

// follows says whether a line moves its run on.
func (v *verifier) follows(current *run, l line, at place, sum digest) bool {
	next := current.seq + 1
	switch {
	case at.seq == current.seq && sum == current.digest:
		v.find(l.number, at, Moved, fmt.Sprintf("the same as line %d", current.line))
		return false
	case at.seq < next:
		v.find(l.number, at, Moved, fmt.Sprintf("it stands behind line %d, which is seq %d of its chain: moved, repeated or added", current.line, current.seq))
		return false
	case at.seq > next:
		v.find(l.number, at, Removed, fmt.Sprintf("seq %d to %d of its chain, which stood between line %d and this one", next, at.seq-1, current.line))
	case string(at.prev) != current.digest.String():
		v.find(current.line, place{chain: at.chain, seq: current.seq}, Changed, fmt.Sprintf("line %d, the next of its chain, was written after another line than this", l.number))
	}
	if current.ended {
		v.find(l.number, at, Added, fmt.Sprintf("the run ended in line %d", current.line))
	}
	return true
}
