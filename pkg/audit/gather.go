package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

const (
	// gatherBytes is how much is sorted in memory: lines, and what is remembered
	// of each.
	gatherBytes = 32 << 20
	// gatherFiles is how many sorted files there are before they become one.
	gatherFiles = 64
)

// Gather takes the lines of a trail as a sink has kept them, in any order, in
// any number of files, some of them more than once, and gives them back in the
// order of their chains, each once. It holds about 32 MiB of lines, and 16 MiB
// more to read sorted ones back; the rest is in temporary files, which take as
// much room as the lines. Make one with NewGather, and close it.
type Gather struct {
	Duplicates int64 // lines that were there before, exactly the same; known after WriteTo

	dir   string
	limit int
	text  []byte
	index []span
	files []*os.File
}

// span is a line in memory, and its place.
type span struct {
	start, end int
	chain      int // length of the chain's id, which ends before seq
	at         int // where the chain's id begins
	seq        uint64
}

// NewGather makes an empty one. Its files are in dir, or in the system's
// folder for such files where that is empty.
func NewGather(dir string) *Gather { return &Gather{dir: dir, limit: gatherBytes} }

// Add takes the lines of a file. What a log never wrote is kept too, for
// Verify to see. The error is one of reading or of a temporary file.
func (g *Gather) Add(r io.Reader) error {
	err := eachLine(r, func(l line) error { return g.add(l.text) })
	if err != nil {
		return fmt.Errorf("read the audit trail: %w", err)
	}
	return nil
}

// AddLine takes one line.
func (g *Gather) AddLine(text []byte) error { return g.Add(bytes.NewReader(text)) }

func (g *Gather) add(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	one := span{start: len(g.text), end: len(g.text) + len(text)}
	if at, whole := parsePlace(text); whole {
		one.seq, one.chain = at.seq, len(at.chain)
		one.at = one.start + bytes.LastIndex(text, []byte(chainMember)) + len(chainMember)
	}
	g.text, g.index = append(g.text, text...), append(g.index, one)
	const remembered = 48 // bytes of a span, and its share of the room to grow
	if len(g.text)+remembered*len(g.index) < g.limit {
		return nil
	}
	return g.spill()
}

// key is a line of a sorted run.
type key struct {
	chain, text []byte
	seq         uint64
}

func (k key) compare(other key) int {
	return cmp.Or(bytes.Compare(k.chain, other.chain), cmp.Compare(k.seq, other.seq), bytes.Compare(k.text, other.text))
}

func (g *Gather) key(s span) key {
	return key{chain: g.text[s.at : s.at+s.chain], seq: s.seq, text: g.text[s.start:s.end]}
}

func (g *Gather) sort() {
	slices.SortFunc(g.index, func(a, b span) int { return g.key(a).compare(g.key(b)) })
}

// spill writes what is in memory to a file, sorted.
func (g *Gather) spill() error {
	g.sort()
	file, err := g.create(func(w *bufio.Writer) error {
		for _, one := range g.index {
			if err := writeLine(w, g.text[one.start:one.end]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.text, g.index, g.files = g.text[:0], g.index[:0], append(g.files, file)
	if len(g.files) < gatherFiles {
		return nil
	}
	file, err = g.create(func(w *bufio.Writer) error {
		return g.merge(func(text []byte) error { return writeLine(w, text) })
	})
	if err != nil {
		return err
	}
	err = g.Close()
	g.files = []*os.File{file}
	return err
}

// create makes a temporary file, which only its owner can read, and goes to its
// beginning.
func (g *Gather) create(fill func(*bufio.Writer) error) (*os.File, error) {
	file, err := os.CreateTemp(g.dir, "signgate-audit-")
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(file)
	err = fill(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, discard(file))
	}
	return file, nil
}

func discard(file *os.File) error { return errors.Join(file.Close(), os.Remove(file.Name())) }

// Close removes the temporary files.
func (g *Gather) Close() error {
	failures := make([]error, len(g.files))
	for n, file := range g.files {
		failures[n] = discard(file)
	}
	g.files = nil
	return errors.Join(failures...)
}

// WriteTo writes the lines, each with its newline, in the order of their
// chains. It can be called once.
func (g *Gather) WriteTo(w io.Writer) (int64, error) {
	g.sort()
	buffered := bufio.NewWriter(w)
	written := int64(0)
	var last []byte
	err := g.merge(func(text []byte) error {
		if last != nil && bytes.Equal(text, last) {
			g.Duplicates++
			return nil
		}
		last = append(last[:0], text...)
		written += int64(len(text)) + 1
		return writeLine(buffered, text)
	})
	if err == nil {
		err = buffered.Flush()
	}
	return written, err
}

func writeLine(w *bufio.Writer, text []byte) error {
	_, err := w.Write(text)
	if err == nil {
		err = w.WriteByte('\n')
	}
	return err
}

// merge hands over the lines of all files and of the memory in their order.
func (g *Gather) merge(take func([]byte) error) error {
	var runs sortedRuns
	for _, file := range g.files {
		runs = append(runs, &sortedRun{lines: bufio.NewReaderSize(file, maxLine+2)})
	}
	runs = append(runs, &sortedRun{memory: g})
	runs = slices.DeleteFunc(runs, func(r *sortedRun) bool { return !r.next() && r.err == nil })
	for _, r := range runs {
		if r.err != nil {
			return r.err
		}
	}
	heap.Init(&runs)
	for len(runs) > 0 {
		if err := take(runs[0].key.text); err != nil {
			return err
		}
		switch more := runs[0].next(); {
		case more:
			heap.Fix(&runs, 0)
		case runs[0].err != nil:
			return runs[0].err
		default:
			heap.Pop(&runs)
		}
	}
	return nil
}

// sortedRun is a file of sorted lines, or those in memory.
type sortedRun struct {
	lines  *bufio.Reader
	memory *Gather
	n      int
	key    key
	err    error
}

// next moves to the next line; the one before is no longer valid then.
func (r *sortedRun) next() bool {
	if r.memory != nil {
		if r.n == len(r.memory.index) {
			return false
		}
		r.key = r.memory.key(r.memory.index[r.n])
		r.n++
		return true
	}
	text, err := r.lines.ReadSlice('\n')
	if err != nil {
		if err != io.EOF { // ReadSlice doesn't wrap it
			r.err = err
		}
		return false
	}
	text = text[:len(text)-1]
	r.key = key{text: text}
	if at, whole := parsePlace(text); whole {
		r.key.chain, r.key.seq = at.chain, at.seq
	}
	return true
}

// sortedRuns is a heap: the one with the least line first.
type sortedRuns []*sortedRun

// Len is heap.Interface's.
func (s *sortedRuns) Len() int { return len(*s) }

// Less is heap.Interface's.
func (s *sortedRuns) Less(i, j int) bool { return (*s)[i].key.compare((*s)[j].key) < 0 }

// Swap is heap.Interface's.
func (s *sortedRuns) Swap(i, j int) { (*s)[i], (*s)[j] = (*s)[j], (*s)[i] }

// Push is heap.Interface's.
func (s *sortedRuns) Push(x any) {
	if run, ok := x.(*sortedRun); ok {
		*s = append(*s, run)
	}
}

// Pop is heap.Interface's.
func (s *sortedRuns) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
