package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrNoTrail is wrapped where a file holds something, but no audit trail.
var ErrNoTrail = errors.New("no audit trail")

// Tail is what a file ends in: the last whole line and what a crash may have
// left behind it.
type Tail struct {
	prev    digest // of the last whole line
	found   bool   // there is one
	unended bool   // it lacks its newline
	torn    []byte // what follows it
}

// tailWindow is how much of a file's end is looked at. A whole line lies in
// it, unless a crash has torn off more than fits into one.
const tailWindow = 4 * maxLine

// TailOf returns a function that reads what a file ends in, as Config wants
// it. Where the file is none that keeps what it is given, such as a pipe or a
// device, there is no tail.
func TailOf(path string) func() (Tail, error) {
	return func() (Tail, error) {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return Tail{}, err
		}
		file, err := os.Open(path)
		if err != nil {
			return Tail{}, err
		}
		defer func() { _ = file.Close() }()
		start := max(0, info.Size()-tailWindow)
		end, err := io.ReadAll(io.NewSectionReader(file, start, tailWindow))
		if err != nil {
			return Tail{}, err
		}
		return readTail(end)
	}
}

// readTail finds the last whole line.
func readTail(end []byte) (Tail, error) {
	for to := len(end); to > 0; {
		from := bytes.LastIndexByte(end[:to], '\n') + 1
		if _, whole := parsePlace(end[from:to]); whole {
			tail := Tail{prev: sha256.Sum256(end[from:to]), found: true, unended: to == len(end)}
			if !tail.unended {
				tail.torn = end[to+1:]
			}
			return tail, nil
		}
		to = from - 1
	}
	if onlyTorn(end) {
		return Tail{torn: end}, nil
	}
	return Tail{}, fmt.Errorf("%w: no line of one is in the last %d bytes; move the file away", ErrNoTrail, len(end))
}

// onlyTorn says whether this is what a crash leaves that comes with the very
// first record.
func onlyTorn(text []byte) bool {
	const first = `{"time":"`
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		known := min(len(line), len(first))
		if string(line[:known]) != first[:known] || bytes.HasSuffix(line, []byte("}")) {
			return false
		}
	}
	return true
}
