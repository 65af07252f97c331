package audit_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/keyring"
)

// threeRuns is a trail of three runs, one of which was killed in a line.
func threeRuns(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trail")
	for run := range 3 {
		log := openTrail(t, path, fixedKey(t))
		write(t, log, fmt.Sprint("A", run), fmt.Sprint("B", run))
		finish(t, log.Checkpoint)
		write(t, log, fmt.Sprint("C", run), fmt.Sprint("D", run))
		if run != 1 {
			finish(t, log.Close)
			continue
		}
		whole := read(t, path)
		if err := os.WriteFile(path, whole[:len(whole)-20], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, path)
}

func lines(trail []byte) [][]byte { return slices.Collect(bytes.Lines(trail)) }

// Every single edit is found, but for one: what the end of the file loses is
// not evident from the file; that a run has no end is.
func TestAnySingleEditIsFound(t *testing.T) {
	trail := threeRuns(t)
	if got := verify(t, trail); !got.Complete() || got.Torn != 1 {
		t.Fatalf("%+v\n%s", got, trail)
	}
	random := rand.New(rand.NewPCG(5, 21))
	must := func(what string, edited []byte, atEnd bool) {
		t.Helper()
		got := verify(t, edited)
		if got.Complete() || (got.Findings == 0 && !atEnd) {
			t.Fatalf("%s: not found: %+v\n%s", what, got, edited)
		}
		if int64(len(got.found)) != got.Findings {
			t.Fatalf("%s: %d findings, %d told", what, got.Findings, len(got.found))
		}
	}
	for at := random.IntN(3); at < len(trail); at += 1 + random.IntN(3) {
		edited := bytes.Clone(trail)
		edited[at] ^= byte(1 + random.IntN(255))
		must(fmt.Sprintf("byte %d changed", at), edited, at == len(trail)-1)
	}
	must("the last newline changed", append(bytes.Clone(trail[:len(trail)-1]), 'x'), true)
	all := lines(trail)
	for i := range all {
		last := i == len(all)-1
		must(fmt.Sprintf("line %d deleted", i+1), bytes.Join(slices.Delete(slices.Clone(all), i, i+1), nil), last)
		for j := range len(all) + 1 {
			must(fmt.Sprintf("line %d repeated at %d", i+1, j+1), bytes.Join(slices.Insert(slices.Clone(all), j, all[i]), nil), false)
		}
		for j := range i {
			swapped := slices.Clone(all)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			must(fmt.Sprintf("lines %d and %d swapped", i+1, j+1), bytes.Join(swapped, nil), false)
		}
		for _, text := range []string{"\n", "{}\n", `{"time":"2026-11-21T12:00:00Z","outcome":"issued","principal":"eve"}` + "\n", string(all[i][:len(all[i])/2]) + "\n"} {
			must(fmt.Sprintf("%q inserted before line %d", text, i+1), bytes.Join(slices.Insert(slices.Clone(all), i, []byte(text)), nil), false)
		}
	}
	for from := range all {
		for to := from + 1; to < len(all); to++ {
			must(fmt.Sprintf("lines %d to %d deleted", from+1, to), bytes.Join(slices.Delete(slices.Clone(all), from, to), nil), false)
		}
	}
}

// The findings say where.
func TestAFindingSaysWhereAndWhat(t *testing.T) {
	var out bytes.Buffer
	log := audit.New(audit.Config{Out: &out, Chain: "RUN1", Signer: fixedKey(t), KeyID: keyID, Now: noon})
	write(t, log, "A", "B", "C", "D") // lines 2 to 5, after the beginning
	finish(t, log.Close)
	all := lines(out.Bytes())
	stranger := bytes.Replace(all[2], []byte("RUN1"), []byte("RUN2"), 1)
	for name, test := range map[string]struct {
		edited []([]byte)
		line   int64
		chain  string
		seq    uint64
		change audit.Change
	}{
		"changed":            {slices.Concat(all[:2], [][]byte{bytes.Replace(all[2], []byte("alice"), []byte("mally"), 1)}, all[3:]), 3, "RUN1", 3, audit.Changed},
		"removed":            {slices.Delete(slices.Clone(all), 2, 4), 3, "RUN1", 5, audit.Removed},
		"beginning removed":  {all[2:], 1, "RUN1", 3, audit.Removed},
		"repeated":           {slices.Insert(slices.Clone(all), 3, all[2]), 4, "RUN1", 3, audit.Moved},
		"added":              {slices.Insert(slices.Clone(all), 3, []byte("{}\n")), 4, "", 0, audit.Added},
		"a run of its own":   {slices.Insert(slices.Clone(all), 3, bytes.Replace(stranger, []byte(`"seq":3`), []byte(`"seq":1`), 1)), 4, "RUN2", 1, audit.Added},
		"added behind":       {append(slices.Clone(all), []byte(`{"a":1,"chain":"RUN1","seq":7,"prev":""}`+"\n")), 6, "RUN1", 6, audit.Changed},
		"signature changed":  {append(slices.Clone(all[:5]), bytes.Replace(all[5], []byte(`"signature":"ME`), []byte(`"signature":"MF`), 1)), 6, "RUN1", 6, audit.Changed},
		"signed by a nobody": {append(slices.Clone(all[:5]), bytes.Replace(all[5], []byte(keyID), []byte("KNOBODY01"), 1)), 6, "RUN1", 6, audit.Unknown},
	} {
		got := verify(t, bytes.Join(test.edited, nil))
		if len(got.found) == 0 {
			t.Errorf("%s: nothing found", name)
			continue
		}
		if f := got.found[0]; f.Line != test.line || f.Chain != test.chain || f.Seq != test.seq || f.Change != test.change || f.Detail == "" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestWhatNoSignatureCoversIsSaid(t *testing.T) {
	var out bytes.Buffer
	log := audit.New(audit.Config{Out: &out, Chain: "RUN1", Signer: fixedKey(t), KeyID: keyID, Now: noon})
	write(t, log, "A")
	finish(t, log.Checkpoint)
	write(t, log, "B", "C")
	got := verify(t, out.Bytes())
	want := audit.OpenRun{Chain: "RUN1", Line: 5, Seq: 5, Unsigned: 2}
	if got.Findings != 0 || got.Complete() || got.Unsigned != 2 || len(got.Open) != 1 || got.Open[0] != want {
		t.Errorf("%+v", got)
	}
	if got := verify(t, nil); got.Complete() || got.Findings != 0 {
		t.Errorf("nothing: %+v", got)
	}
}

// What is no more than out of place is called that.
func TestWhatStandsInAnotherPlaceIsSaidToBeMoved(t *testing.T) {
	var out bytes.Buffer
	log := audit.New(audit.Config{Out: &out, Chain: "RUN1", Signer: fixedKey(t), KeyID: keyID, Now: noon})
	write(t, log, "A", "B", "C", "D")
	finish(t, log.Close)
	all := lines(out.Bytes())
	swapped := slices.Clone(all)
	swapped[2], swapped[3] = all[3], all[2]
	for name, test := range map[string]struct {
		edited [][]byte
		says   []string
	}{
		"two swapped": {swapped, []string{"3: removed: seq 3 to 3", "4: moved: it stands behind line 3"}},
		"one again":   {slices.Insert(slices.Clone(all), 3, all[2]), []string{"4: moved: the same as line 3"}},
	} {
		got := verify(t, bytes.Join(test.edited, nil))
		if len(got.found) != len(test.says) {
			t.Errorf("%s: %+v", name, got.found)
			continue
		}
		for i, f := range got.found {
			if said := fmt.Sprintf("%d: %s: %s", f.Line, f.Change, f.Detail); !strings.HasPrefix(said, test.says[i]) {
				t.Errorf("%s: %s", name, said)
			}
		}
	}
}

func TestNothingFollowsTheEndOfARun(t *testing.T) {
	var out bytes.Buffer
	log := audit.New(audit.Config{Out: &out, Chain: "RUN1", Signer: fixedKey(t), KeyID: keyID, Now: noon})
	write(t, log, "A")
	finish(t, log.Close)
	all := lines(out.Bytes())
	sum := sha256.Sum256(bytes.TrimSuffix(all[2], []byte("\n")))
	fmt.Fprintf(&out, `{"id":"B","chain":"RUN1","seq":4,"prev":"%s"}`+"\n", base64.StdEncoding.EncodeToString(sum[:]))
	if got := verify(t, out.Bytes()); len(got.found) != 1 || got.found[0].Line != 4 || got.found[0].Change != audit.Added {
		t.Errorf("%+v", got)
	}
}

// Whoever has no key can write a chain anew, but not its signatures.
func TestAChainWrittenAnewIsFound(t *testing.T) {
	trail := threeRuns(t)
	var forged bytes.Buffer
	_, err := audit.Read(bytes.NewReader(trail), func(r audit.Record) error {
		r.Principal = "mallory"
		return audit.New(audit.Config{Out: &forged, Chain: r.ID}).Record(t.Context(), r)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := verify(t, forged.Bytes()); got.Findings != got.Runs || got.Runs == 0 {
		t.Errorf("%+v", got)
	}
}

func TestInterleavedRunsVerify(t *testing.T) {
	var out bytes.Buffer
	logs := make([]*audit.Log, 4)
	for i := range logs {
		logs[i] = audit.New(audit.Config{Out: &out, Signer: fixedKey(t), KeyID: keyID, Now: noon})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 400 {
		log := logs[random.IntN(len(logs))]
		write(t, log, strconv.Itoa(n))
		if n%50 == 0 {
			finish(t, log.Checkpoint)
		}
	}
	for _, log := range logs {
		finish(t, log.Close)
	}
	if got := verify(t, out.Bytes()); !got.Complete() || got.Runs != 4 || got.Records != 400 {
		t.Errorf("%+v", got)
	}
}

// Two processes that append to one file: the second links to where the first
// was when it began.
func TestARunMayBeginWhileAnotherGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trail")
	first, second := openTrail(t, path, fixedKey(t)), openTrail(t, path, fixedKey(t))
	for range 3 {
		write(t, first, "A", "B")
		write(t, second, "C")
	}
	finish(t, first.Close)
	write(t, second, "D")
	finish(t, second.Close)
	if got := verify(t, read(t, path)); !got.Complete() || got.Runs != 2 {
		t.Errorf("%+v", got)
	}
}

// What the second run doesn't link to isn't covered by it.
func TestARunThatLinksHalfwayVouchesForHalf(t *testing.T) {
	for name, stale := range map[string]bool{"the first went on before": true, "the first went on after": false} {
		path := filepath.Join(t.TempDir(), "trail")
		first := openTrail(t, path, fixedKey(t))
		write(t, first, "A")
		tail, err := audit.TailOf(path)()
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		second := audit.New(audit.Config{Out: file, Tail: func() (audit.Tail, error) { return tail, nil }, Signer: fixedKey(t), KeyID: keyID, Now: noon})
		if stale {
			write(t, first, "B")
			write(t, second, "C")
		} else {
			write(t, second, "C")
			write(t, first, "B")
		}
		finish(t, second.Close)
		if got := verify(t, read(t, path)); got.Findings != 0 || got.OpenRuns != 1 || got.Complete() {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestASignatureHasOneSpelling(t *testing.T) {
	trail := read(t, "testdata/trail.jsonl")
	edited := bytes.Replace(trail, []byte(`2urls="}`), []byte(`2urlt="}`), 1) // bits that Base64 leaves over
	if got := verify(t, edited); bytes.Equal(edited, trail) || got.Complete() || got.Findings == 0 {
		t.Errorf("%+v", got)
	}
}

func TestAPartOfATrailVerifiesAsOne(t *testing.T) {
	all := lines(threeRuns(t))
	part := bytes.Join(all[3:], nil)
	options := audit.VerifyOptions{Keys: map[string]crypto.PublicKey{keyID: fixedKey(t).Public()}, Partial: true}
	if got := verify(t, part); got.Findings == 0 {
		t.Error("not seen to be a part")
	}
	if got := verifyWith(t, part, options); !got.Complete() {
		t.Errorf("%+v", got)
	}
	if got := verifyWith(t, bytes.Join(slices.Delete(all[3:], 2, 3), nil), options); got.Findings == 0 {
		t.Error("a line is missing in the middle, and nothing found")
	}
}

// TestOpenSSLJudgesACheckpoint has OpenSSL compute the hash and verify the
// signature, over bytes put together by hand.
func TestOpenSSLJudgesACheckpoint(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("this test needs the openssl command: install OpenSSL")
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) []byte {
		output, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %s: %v\n%s", args[0], err, output)
		}
		return output
	}
	all := lines(threeRuns(t))
	record, checkpoint := bytes.TrimSuffix(all[2], []byte("\n")), string(all[3])
	hash := run("dgst", "-sha256", "-binary", file("record", record))
	if !strings.Contains(checkpoint, `"prev":"`+base64.StdEncoding.EncodeToString(hash)+`"`) {
		t.Errorf("OpenSSL finds another hash than %s", checkpoint)
	}
	public, err := keyring.MarshalPublicPEM(fixedKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	signed, rest, _ := strings.Cut(checkpoint, `,"signature":"`)
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(rest, "\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	run("dgst", "-sha256", "-verify", file("public.pem", public), "-signature", file("signature", signature),
		file("message", []byte("signgate audit checkpoint v1\n"+signed)))
}

// errEnough ends a stream.
var errEnough = errors.New("enough")

// generate writes records in batches, with a checkpoint now and then.
func generate(t testing.TB, out io.Writer, count int) {
	t.Helper()
	log := audit.New(audit.Config{Out: out, Signer: fixedKey(t), KeyID: keyID, Now: noon})
	batch := make([]audit.Record, 100)
	for n := range batch {
		batch[n] = record(fmt.Sprintf("ID%024d", n))
	}
	for n := range count / len(batch) {
		if err := log.Record(t.Context(), batch...); err != nil {
			t.Error(err)
			return
		}
		if n%100 == 0 {
			finish(t, log.Checkpoint)
		}
	}
	finish(t, log.Close)
}

// Memory stays where it is however long the trail: the command verified ten
// million records, 4.6 GB, in 35 MB.
func TestVerifyingTakesTheSameMemoryHoweverLongTheTrail(t *testing.T) {
	const records, most = 200_000, 16 << 20 // 85 MB of trail
	from, to := io.Pipe()
	go func() {
		generate(t, to, records)
		_ = to.Close()
	}()
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	var highest, before runtime.MemStats
	runtime.ReadMemStats(&before)
	watch := &watching{from: from, every: 8 << 20, look: func() {
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		if now.HeapAlloc > highest.HeapAlloc {
			highest = now
		}
	}}
	report, err := audit.Verify(watch, audit.VerifyOptions{Keys: map[string]crypto.PublicKey{keyID: fixedKey(t).Public()}}, nil)
	if err != nil || !report.Complete() || report.Records != records {
		t.Fatalf("%+v %v", report, err)
	}
	if grown := int64(highest.HeapAlloc) - int64(before.HeapAlloc); grown > most || watch.looks < 5 {
		t.Errorf("the heap grew by %d bytes in %d looks", grown, watch.looks)
	}
}

// watching looks after every so many bytes.
type watching struct {
	from         io.Reader
	every, count int
	looks        int
	look         func()
}

func (w *watching) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if w.count += n; w.count >= w.every {
		w.count = 0
		w.looks++
		w.look()
	}
	return n, err
}

func TestALineWithoutEndIsOneFinding(t *testing.T) {
	trail := lines(threeRuns(t))
	long := append(bytes.Repeat([]byte("x"), 1<<20), '\n')
	got := verify(t, bytes.Join(slices.Insert(trail, 2, long), nil))
	if len(got.found) != 1 || got.found[0].Line != 3 || got.found[0].Change != audit.Added {
		t.Errorf("%+v", got)
	}
}

func TestATrailThatCannotBeReadIsAnError(t *testing.T) {
	from, to := io.Pipe()
	_ = to.CloseWithError(errEnough)
	if _, err := audit.Verify(from, audit.VerifyOptions{}, nil); !errors.Is(err, errEnough) {
		t.Error(err)
	}
}

// Whatever is accepted whole holds no line that was not written.
func FuzzVerify(f *testing.F) {
	trail, err := os.ReadFile("testdata/trail.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	known := map[string]bool{}
	for _, line := range lines(trail) {
		known[string(line)] = true
	}
	f.Add(trail)
	f.Add(trail[:len(trail)-1])
	f.Add(bytes.Join(lines(trail)[1:], nil))
	f.Add([]byte(`{"a":1,"chain":"X","seq":1,"prev":""}` + "\n" + `{"chain":"X","seq":18446744073709551615,"prev":"","tornBytes":1,"torn":"","signature":"AA=="}`))
	keys := map[string]crypto.PublicKey{keyID: fixedKey(f).Public()}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, partial := range []bool{false, true} {
			var found int64
			report, err := audit.Verify(bytes.NewReader(data), audit.VerifyOptions{Keys: keys, Partial: partial}, func(audit.Finding) { found++ })
			if err != nil || report.Findings != found {
				t.Fatalf("%d findings, %d told, %v", report.Findings, found, err)
			}
			if !report.Complete() || partial {
				continue
			}
			for _, line := range lines(append(bytes.TrimSuffix(data, []byte("\n")), '\n')) {
				if !known[string(line)] {
					t.Fatalf("accepted %q", line)
				}
			}
		}
	})
}

// The form of the trail stays what it was: this file was kept.
func TestAKeptTrailStillVerifies(t *testing.T) {
	if got := verify(t, read(t, "testdata/trail.jsonl")); !got.Complete() || got.Records != 11 || got.Runs != 3 || got.Torn != 1 {
		t.Errorf("%+v", got)
	}
}

// A key that was rotated away signs no line more, and the run is one chain
// under both.
func TestARunGoesOnUnderAnotherKey(t *testing.T) {
	var trail bytes.Buffer
	keys := map[string]crypto.PublicKey{}
	var signers [2]crypto.Signer
	for i, id := range []string{"KOLD00001", "KNEW00001"} {
		key, err := keyring.Generate(keyring.P256)
		if err != nil {
			t.Fatal(err)
		}
		signers[i], keys[id] = key, key.Public()
	}
	log := audit.New(audit.Config{Out: &trail, Signer: signers[0], KeyID: "KOLD00001", Now: time.Now})
	record := func() {
		t.Helper()
		if err := log.Record(t.Context(), audit.Record{Outcome: audit.Issued, Key: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	record()
	log.SignWith("KNEW00001", signers[1])
	record()
	if err := errors.Join(log.Checkpoint(), log.Close()); err != nil {
		t.Fatal(err)
	}
	if old, renewed := strings.Count(trail.String(), `"keyId":"KOLD00001"`), strings.Count(trail.String(), `"keyId":"KNEW00001"`); old != 1 || renewed != 2 {
		t.Errorf("signed %d times by the old key and %d by the new:\n%s", old, renewed, &trail)
	}
	for id := range keys {
		without := maps.Clone(keys)
		delete(without, id)
		for _, test := range []struct {
			keys map[string]crypto.PublicKey
			want bool
		}{{keys, true}, {without, false}} {
			report, err := audit.Verify(bytes.NewReader(trail.Bytes()), audit.VerifyOptions{Keys: test.keys}, func(audit.Finding) {})
			if err != nil || (report.Findings == 0) != test.want {
				t.Errorf("with %d keys: %d findings, %v", len(test.keys), report.Findings, err)
			}
		}
	}
}
