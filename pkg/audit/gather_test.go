package audit_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/audit"
)

// gathered is what files come to.
func gathered(t testing.TB, limit int, files ...[]byte) ([]byte, int64) {
	t.Helper()
	dir := t.TempDir()
	g := audit.NewGather(dir)
	if limit > 0 {
		g.SetLimit(limit)
	}
	for _, file := range files {
		if err := g.Add(bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	written, err := g.WriteTo(&out)
	if err != nil || written != int64(out.Len()) {
		t.Fatalf("%d of %d bytes, %v", written, out.Len(), err)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files are left behind", len(left))
	}
	return out.Bytes(), g.Duplicates
}

// runs are several runs that know nothing of one another, as sinks keep them.
func runs(t testing.TB, count, records int) []byte {
	t.Helper()
	var out bytes.Buffer
	for range count {
		log := audit.New(audit.Config{Out: &out, Signer: fixedKey(t), KeyID: keyID, Now: noon})
		for n := range records {
			write(t, log, strings.Repeat("x", n%7+1))
			if n%5 == 4 {
				finish(t, log.Checkpoint)
			}
		}
		finish(t, log.Close)
	}
	return out.Bytes()
}

func TestATrailInPiecesInAnyOrderAndTwiceComesBackWhole(t *testing.T) {
	for name, limit := range map[string]int{"in memory": 0, "through files": 4 << 10, "through files of files": 400} {
		t.Run(name, func(t *testing.T) {
			trail := runs(t, 3, 40)
			want := lines(trail)
			all := slices.Concat(want, want[:len(want)/2])
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			var files [][]byte
			for part := range slices.Chunk(all, 17) {
				file := bytes.Join(part, nil)
				if len(files)%2 == 1 {
					file = bytes.TrimSuffix(file, []byte("\n")) // some end without it
				}
				files = append(files, append(file, "\n\n"...))
			}
			got, duplicates := gathered(t, limit, files...)
			if duplicates != int64(len(want)/2) || len(lines(got)) != len(want) {
				t.Errorf("%d lines, %d duplicates", len(lines(got)), duplicates)
			}
			if result := verify(t, got); !result.Complete() || result.Runs != 3 {
				t.Errorf("%+v", result)
			}
			slices.SortFunc(want, bytes.Compare)
			sorted := lines(got)
			slices.SortFunc(sorted, bytes.Compare)
			if !slices.EqualFunc(sorted, want, bytes.Equal) {
				t.Error("not the lines that were written")
			}
		})
	}
}

func TestGatheringHidesNothing(t *testing.T) {
	trail := lines(runs(t, 2, 10))
	for name, change := range map[string]func([][]byte) [][]byte{
		"a line that is gone": func(all [][]byte) [][]byte { return slices.Delete(all, 4, 5) },
		"a line that is another": func(all [][]byte) [][]byte {
			all[4] = bytes.Replace(all[4], []byte(`"issued"`), []byte(`"denied"`), 1)
			return all
		},
		"one more in its place": func(all [][]byte) [][]byte {
			return append(all, bytes.Replace(all[4], []byte(`"issued"`), []byte(`"denied"`), 1))
		},
		"a line of nobody's":      func(all [][]byte) [][]byte { return append(all, []byte("{\"time\":\"now\"}\n")) },
		"a beginning that's gone": func(all [][]byte) [][]byte { return all[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := gathered(t, 0, bytes.Join(change(slices.Clone(trail)), nil))
			if result := verify(t, got); result.Findings == 0 {
				t.Errorf("%+v", result)
			}
		})
	}
}

type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errors.New("gone") }

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWhatCannotBeGatheredIsAnError(t *testing.T) {
	g := audit.NewGather(t.TempDir())
	if err := g.Add(unreadable{}); err == nil {
		t.Error("a file that can't be read")
	}
	if err := g.Add(bytes.NewReader(runs(t, 1, 3))); err != nil {
		t.Fatal(err)
	}
	if _, err := g.WriteTo(full{}); err == nil {
		t.Error("a writer that takes nothing")
	}
	g = audit.NewGather(t.TempDir() + "/nowhere")
	g.SetLimit(1)
	if err := g.Add(bytes.NewReader(runs(t, 1, 3))); err == nil {
		t.Error("no room for its files")
	}
}

// Whatever the lines are, each comes back, once, and in one order.
func FuzzGather(f *testing.F) {
	f.Add(runs(f, 2, 3), uint16(100))
	f.Add([]byte("a\n\nb\na"), uint16(1))
	f.Fuzz(func(t *testing.T, text []byte, limit uint16) {
		want := map[string]bool{}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSuffix(line, []byte("\n")); len(line) > 0 {
				want[string(line)] = true
			}
		}
		once, _ := gathered(t, int(limit)+1, text)
		twice, _ := gathered(t, 0, once, text)
		if !bytes.Equal(once, twice) {
			t.Error("another order, or other lines, the second time")
		}
		for line := range bytes.Lines(once) {
			if !want[string(bytes.TrimSuffix(line, []byte("\n")))] {
				t.Errorf("%q was never there", line)
			}
			delete(want, string(bytes.TrimSuffix(line, []byte("\n"))))
		}
		if len(want) > 0 {
			t.Errorf("lost %v", want)
		}
	})
}
