package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/audit"
)

func TestARecordCoversItsKeyAndWhatIsBelowItsPrefix(t *testing.T) {
	for _, test := range []struct {
		recorded, asked string
		want            bool
	}{
		{"users/alice/a.png", "users/alice/a.png", true},
		{"users/alice/", "users/alice/a.png", true},
		{"users/alice/", "users/alice/album/a.png", true},
		{"users/alice/", "users/alice/", true},
		{"users/alice/", "users/alice2/a.png", false},
		{"users/alice/a.png", "users/alice/a.png2", false},
		{"users/alice/a.png", "users/alice/", false},
		{"users/alice", "users/alice/a.png", false},
	} {
		if got := (audit.Record{Key: test.recorded}).Covers(test.asked); got != test.want {
			t.Errorf("%s covers %s: %v", test.recorded, test.asked, got)
		}
	}
}

func TestRecordsAreReadAndTheRestIsCounted(t *testing.T) {
	var ids []string
	others, err := audit.Read(bytes.NewReader(threeRuns(t)), func(r audit.Record) error {
		ids = append(ids, r.ID)
		return nil
	})
	if want := "A0 B0 C0 D0 A1 B1 C1 A2 B2 C2 D2"; strings.Join(ids, " ") != want || others != 1 || err != nil {
		t.Errorf("%v, %d others, %v", ids, others, err)
	}
	if _, err := audit.Read(bytes.NewReader(threeRuns(t)), func(audit.Record) error { return errEnough }); !errors.Is(err, errEnough) {
		t.Error(err)
	}
}

func joined(t *testing.T, file string) (*audit.Join, string) {
	t.Helper()
	join := audit.NewJoin()
	others, err := audit.ReadAccessLog(bytes.NewReader(read(t, file)), "sg-id", join.Fetched)
	if err != nil || others != 0 {
		t.Fatalf("%d others, %v", others, err)
	}
	expires := noon().Add(5 * time.Minute)
	for _, r := range []audit.Record{
		{Time: noon(), ID: "IDALICE1", Outcome: audit.Denied, Principal: "mallory", Key: "users/alice/a.png"},
		{Time: noon(), ID: "IDALICE1", Outcome: audit.Issued, Principal: "alice", Key: "users/alice/a.png", ExpiresAt: &expires, Policies: []string{"owner"}},
		{Time: noon(), ID: "IDALICE1", Outcome: audit.Issued, Principal: "later", Key: "users/alice/a.png"},
		{Time: noon(), ID: "IDALBUM1", Outcome: audit.Issued, Principal: "bob", Key: "users/bob/album/"},
		{Time: noon(), ID: "IDUNUSED", Outcome: audit.Issued, Principal: "carol", Key: "users/carol/x.png"},
	} {
		if err := join.Given(r); err != nil {
			t.Fatal(err)
		}
	}
	var text strings.Builder
	for _, use := range join.Uses() {
		fmt.Fprintln(&text, use.ID, use.Known, use.Principal, use.Key, use.Policies, use.Path, use.Fetched, use.Refused, use.Bytes,
			use.First.Format(time.TimeOnly), use.Last.Format(time.TimeOnly), use.Addresses)
	}
	return join, text.String()
}

// What CloudFront's documentation shows and what the gateway's URLs look like
// in it; see testdata/README.md.
func TestTheAccessLogIsJoinedToTheTrail(t *testing.T) {
	const want = `IDNOBODYS false   [] /users/carol/x.png 1 0 1400 12:04:00 12:04:00 1
IDALICE1 true alice users/alice/a.png [owner] /users/alice/a.png 3 1 2090 12:00:30 12:09:00 4
IDALBUM1 true bob users/bob/album/ [] /users/bob/album/1.png 1 0 1400 12:03:00 12:03:00 1
IDALBUM1 true bob users/bob/album/ [] /users/bob/album/2%2520b.png 1 0 1400 12:03:01 12:03:01 1
`
	for _, file := range []string{"testdata/access.log", "testdata/access.json"} {
		join, got := joined(t, file)
		if got != want {
			t.Errorf("%s:\n%s", file, got)
		}
		if join.WithoutID != 5 { // three of the documentation, one with two ids, one with none that is one
			t.Errorf("%s: %d without an id", file, join.WithoutID)
		}
		if strings.Contains(fmt.Sprintf("%+v", join.Uses()), "secret") {
			t.Errorf("%s: a signature", file)
		}
	}
}

func TestTheTimeOfVersion2MayBeAnEpoch(t *testing.T) {
	for _, member := range []string{`"timestamp":"1795262400"`, `"timestamp(ms)":1795262400000`, `"date":"2026-11-21","time":"12:00:00"`} {
		line := `{"c-ip":"192.0.2.1","cs-uri-stem":"/a","sc-status":"200",` + member + `}`
		_, err := audit.ReadAccessLog(strings.NewReader(line), "sg-id", func(f audit.Fetch) error {
			if !f.Time.Equal(noon()) {
				t.Errorf("%s: %s", member, f.Time)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestLinesThatAreNoRequestsAreCounted(t *testing.T) {
	log := "no header\tyet\n#Fields: c-ip cs-uri-stem sc-status\n192.0.2.1\t/a\t200\n192.0.2.1\t/a\n192.0.2.1\t/a\tmany\n{\"c-ip\":\n\n"
	var seen int
	others, err := audit.ReadAccessLog(strings.NewReader(log), "sg-id", func(audit.Fetch) error { seen++; return nil })
	if seen != 1 || others != 4 || err != nil {
		t.Errorf("%d requests, %d others, %v", seen, others, err)
	}
}

func TestAJoinThatWouldTakeTooMuchEnds(t *testing.T) {
	join := audit.NewJoin()
	for n := range 2 << 20 {
		if err := join.Fetched(audit.Fetch{ID: fmt.Sprint("ID", n), Address: "192.0.2.1", Status: 200}); err != nil {
			if !errors.Is(err, audit.ErrTooMany) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("it never ends")
}

func FuzzReadAccessLog(f *testing.F) {
	for _, file := range []string{"testdata/access.log", "testdata/access.json"} {
		log, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(log)
	}
	f.Add([]byte("#Fields: sc-status c-ip cs-uri-stem cs-uri-query\n200\t::1\t/\tsg-id=A&sg-id=B\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		_, err := audit.ReadAccessLog(bytes.NewReader(log), "sg-id", func(fetch audit.Fetch) error {
			notPlain := func(r rune) bool {
				return !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
			}
			if strings.ContainsFunc(fetch.ID, notPlain) || len(fetch.ID) > 64 {
				t.Fatalf("id %q", fetch.ID)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever a file holds, a run that begins in it either refuses or verifies.
func FuzzTail(f *testing.F) {
	trail := slices.Collect(bytes.Lines(read(f, "testdata/trail.jsonl")))
	f.Add([]byte(nil))
	f.Add(bytes.Join(trail[:14], nil))
	f.Add(append(bytes.Join(trail[:4], nil), "half\n"...))
	f.Add([]byte(`{"time":"20`))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := t.TempDir() + "/trail"
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		log := openTrail(t, path, fixedKey(t))
		before := verify(t, content)
		if err := log.Record(t.Context(), record("NEW")); err != nil {
			if !errors.Is(err, audit.ErrNoTrail) {
				t.Fatal(err)
			}
			return
		}
		finish(t, log.Close)
		if after := verify(t, read(t, path)); after.Findings > before.Findings {
			t.Fatalf("before %+v, after %+v", before, after)
		}
	})
}
