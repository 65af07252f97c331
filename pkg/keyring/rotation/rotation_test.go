package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/rotation"
	"github.com/signgate/signgate/pkg/signedurl"
)

const (
	life, grace, settle = 12 * time.Hour, time.Hour, time.Minute
)

// world is a folder of keys, a key group and a clock that waiting moves.
type world struct {
	store  *keyring.Folder
	group  *keyring.Group
	now    time.Time
	said   []string
	trusts func(key keyring.Key) (bool, error)
	waits  func(d time.Duration) error
}

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{store: keyring.NewFolder(dir, "", nil), group: keyring.NewGroup(t.TempDir()), now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	w.trusts = func(key keyring.Key) (bool, error) {
		keys, err := w.group.Keys()
		return keys[key.ID] != nil, err
	}
	w.waits = func(time.Duration) error { return nil }
	document := keyring.NewDocument(true)
	private := private(t)
	if err := document.Add("a", keyring.Slot{KeyID: "KSLOTA001"}.WithPrivateKey(private), w.now); err != nil {
		t.Fatal(err)
	}
	signer, err := keyring.ParsePrivatePEM(private)
	if err != nil {
		t.Fatal(err)
	}
	_, revision, err := w.store.Read(t.Context())
	if !errors.Is(err, keyring.ErrNoDocument) {
		t.Fatal(err)
	}
	if err := errors.Join(w.store.Write(t.Context(), document, revision), w.group.Add(t.Context(), "KSLOTA001", signer.Public())); err != nil {
		t.Fatal(err)
	}
	return w
}

func private(t testing.TB) []byte {
	t.Helper()
	key, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Trusts is rotation.Prober's.
func (w *world) Trusts(_ context.Context, key keyring.Key) (bool, error) { return w.trusts(key) }

// Knows is rotation.Prober's.
func (w *world) Knows(_ context.Context, id string) (bool, error) {
	keys, err := w.group.Keys()
	return keys[id] != nil, err
}

func (w *world) config() rotation.Config {
	return rotation.Config{
		Store: w.store, Group: w.group, Prober: w, Life: life, Grace: grace, Settle: settle, Probes: 3, Every: time.Second,
		Now: func() time.Time { return w.now },
		Wait: func(_ context.Context, d time.Duration) error {
			if err := w.waits(d); err != nil {
				return err
			}
			w.now = w.now.Add(d)
			return nil
		},
		Report: func(line string) { w.said = append(w.said, line) },
	}
}

func (w *world) document(t testing.TB) *keyring.Document {
	t.Helper()
	document, _, err := w.store.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// change writes what somebody else does to the document.
func (w *world) change(t testing.TB, do func(*keyring.Document) error) {
	t.Helper()
	document, revision, err := w.store.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(document), w.store.Write(t.Context(), document, revision)); err != nil {
		t.Fatal(err)
	}
}

func TestARotationTakesTheLongestLifeAndLeavesOneKey(t *testing.T) {
	w := newWorld(t)
	began := w.now
	if err := rotation.New(w.config()).Rotate(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	document := w.document(t)
	if len(document.Slots) != 1 || document.Slots["a"].KeyID != "" || w.now.Sub(began) < life+grace+settle {
		t.Errorf("%v after %s", document.Names(), w.now.Sub(began))
	}
	keys, err := w.group.Keys()
	if err != nil || len(keys) != 1 || keys[document.Slots[document.Active].KeyID] == nil {
		t.Errorf("trusted: %v, %v", keys, err)
	}
	var words []string
	for _, line := range w.said {
		word, _, _ := strings.Cut(line, ":")
		if !strings.Contains(word, " ") {
			words = append(words, word)
		}
	}
	if !slices.Equal(words, []string{"added", "switched", "removed", "done"}) {
		t.Errorf("%q", w.said)
	}
}

// A key never signs before the distribution has taken it several times in a
// row and every gateway has had the time to learn of it.
func TestAKeyDoesNotSignBeforeItIsTaken(t *testing.T) {
	w := newWorld(t)
	asked := 0
	w.trusts = func(keyring.Key) (bool, error) {
		if w.document(t).Active != "a" {
			t.Error("it signs already")
		}
		asked++
		return asked > 5 && asked != 7, nil // taken, then not, as by another edge
	}
	w.waits = func(d time.Duration) error {
		if d > settle {
			return rotation.ErrWait // for the lives of URLs
		}
		return nil
	}
	began := w.now
	if err := rotation.New(w.config()).Rotate(t.Context(), ""); !errors.Is(err, rotation.ErrWait) || asked != 10 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	document := w.document(t)
	if activeAt := document.Slots[document.Active].ActiveAt; document.Active == "a" || activeAt.Sub(began) < settle {
		t.Errorf("it signs since %s", activeAt)
	}
}

// Gateways know a key from when its id was written down, however long it lay
// there before.
func TestAKeyDoesNotSignBeforeEveryGatewayCanKnowIt(t *testing.T) {
	w := newWorld(t)
	w.change(t, func(d *keyring.Document) error { return d.Add("b", keyring.Slot{}.WithPrivateKey(private(t)), w.now) })
	w.now = w.now.Add(time.Hour) // a deployment
	bound := w.now
	w.change(t, func(d *keyring.Document) error { return d.Bind("b", "KSLOTB001", bound) })
	w.waits = func(d time.Duration) error {
		if d > settle {
			return rotation.ErrWait // for the lives of URLs
		}
		return nil
	}
	if err := rotation.New(w.config()).Rotate(t.Context(), ""); !errors.Is(err, rotation.ErrWait) {
		t.Fatal(err)
	}
	if slot := w.document(t).Slots["b"]; slot.ActiveAt.Sub(bound) < settle {
		t.Errorf("it signs %s after its id was written down", slot.ActiveAt.Sub(bound))
	}
}

// However often it is broken off, and wherever, one key signs, both are
// trusted as long as they may be needed, and in the end it is done.
func TestARotationBrokenOffAnywhereGoesOn(t *testing.T) {
	broken := errors.New("broken off")
	for seed := range uint64(40) {
		w := newWorld(t)
		chance := rand.New(rand.NewPCG(seed, 7))
		w.waits = func(time.Duration) error {
			if chance.IntN(3) == 0 {
				return broken
			}
			return nil
		}
		trusts := w.trusts
		w.trusts = func(key keyring.Key) (bool, error) {
			if chance.IntN(4) == 0 {
				return false, broken
			}
			return trusts(key)
		}
		err := broken
		for range 200 {
			if err = rotation.New(w.config()).Rotate(t.Context(), ""); err == nil {
				break
			}
			if !errors.Is(err, broken) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			w.mustServe(t, seed)
		}
		if err != nil || len(w.document(t).Slots) != 1 {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// mustServe checks that no URL that may live is refused.
func (w *world) mustServe(t *testing.T, seed uint64) {
	t.Helper()
	document := w.document(t)
	trusted, err := w.group.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for name, slot := range document.Slots {
		needed := name == document.Active || (!slot.RetiredAt.IsZero() && w.now.Before(slot.RetiredAt.Add(life+grace)))
		if needed && trusted[slot.KeyID] == nil {
			t.Errorf("seed %d: %s is needed and not trusted", seed, slot.KeyID)
		}
	}
	if since := document.Slots[document.Active].ActiveAt; document.Active != "a" && w.now.Before(since.Add(life+grace)) && trusted["KSLOTA001"] == nil {
		t.Errorf("seed %d: the first key was removed %s after it stopped signing", seed, w.now.Sub(since))
	}
}

func TestWithoutAGroupDeploymentsAreAskedFor(t *testing.T) {
	w := newWorld(t)
	config := w.config()
	config.Group = nil
	rotate := func(want error, says string) {
		t.Helper()
		err := rotation.New(config).Rotate(t.Context(), "")
		if !errors.Is(err, want) || (err != nil && !strings.Contains(err.Error(), says)) {
			t.Errorf("Rotate = %v", err)
		}
	}
	rotate(rotation.ErrDeploy, "add a slot")
	key := private(t)
	w.change(t, func(d *keyring.Document) error { return d.Add("b", keyring.Slot{}.WithPrivateKey(key), w.now) })
	rotate(rotation.ErrDeploy, "slot b has no keyId")
	w.change(t, func(d *keyring.Document) error { return d.Bind("b", "KSLOTB001", w.now) })
	signer, err := keyring.ParsePrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.group.Add(t.Context(), "KSLOTB001", signer.Public()); err != nil {
		t.Fatal(err)
	}
	rotate(rotation.ErrDeploy, "remove slot a")
	if w.document(t).Slots["a"].KeyID == "" {
		t.Error("the key is gone, and trusted still")
	}
	if err := w.group.Remove(t.Context(), "KSLOTA001"); err != nil {
		t.Fatal(err)
	}
	rotate(nil, "")
}

// Of a key in KMS that only the gateway signs with, nothing is asked, and when
// its slot is removed the key is gone already.
func TestKeysThatMayNotBeUsedAreRotatedToo(t *testing.T) {
	w := newWorld(t)
	config := w.config()
	config.Group, config.WithoutKey = nil, true
	w.trusts = func(keyring.Key) (bool, error) { return false, errors.New("a key was used") }
	rotate := func(want error, says string) {
		t.Helper()
		if err := rotation.New(config).Rotate(t.Context(), ""); !errors.Is(err, want) || (err != nil && !strings.Contains(err.Error(), says)) {
			t.Errorf("Rotate = %v", err)
		}
	}
	for i, slot := range []string{"b", "c"} {
		key, err := keyring.Generate(keyring.P256)
		if err != nil {
			t.Fatal(err)
		}
		text, err := keyring.MarshalPublicPEM(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		id, before := "KSLOT00"+strings.ToUpper(slot), w.document(t).Active
		w.change(t, func(d *keyring.Document) error {
			return d.Add(slot, keyring.Slot{KeyID: id, KMSKey: "arn:aws:kms:eu-central-1:123456789012:key/" + slot, PublicKey: string(text)}, w.now)
		})
		w.waits = func(time.Duration) error { // the deployment isn't done yet
			w.waits = func(time.Duration) error { return nil }
			if w.document(t).Active != before {
				t.Error("it signs before the distribution knows it")
			}
			return w.group.Add(t.Context(), id, key.Public())
		}
		rotate(rotation.ErrDeploy, "remove slot "+before)
		if err := w.group.Remove(t.Context(), w.document(t).Slots[before].KeyID); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			rotate(nil, "") // and a is removed
		}
	}
	rotate(nil, "")
	if document := w.document(t); len(document.Slots) != 1 || document.Active != "c" {
		t.Errorf("left: %v, active %s", document.Names(), document.Active)
	}
}

// A deployment that takes a spent key from the distribution has been let do so
// before the distribution changes, which takes it minutes.
func TestNobodyGoesBackToAKeyThatADeploymentMayBeTakingAway(t *testing.T) {
	w := newWorld(t)
	key := private(t)
	w.change(t, func(d *keyring.Document) error {
		return errors.Join(d.Add("b", keyring.Slot{KeyID: "KSLOT00B"}.WithPrivateKey(key), w.now), d.Switch("b", w.now))
	})
	config := w.config()
	config.Group = nil
	for after, want := range map[time.Duration]error{life + grace - time.Second: nil, life + grace: keyring.ErrSlot} {
		w.now = w.document(t).Slots["a"].RetiredAt.Add(after)
		w.waits = func(d time.Duration) error {
			if d > settle {
				return rotation.ErrDeploy // far enough
			}
			return nil
		}
		err := rotation.New(config).Rotate(t.Context(), "a")
		if went := w.document(t).Active == "a"; went != (want == nil) || want != nil && !errors.Is(err, want) {
			t.Errorf("after %s: %t, %v", after, went, err)
		}
		if w.document(t).Active == "a" {
			w.change(t, func(d *keyring.Document) error { return d.Switch("b", w.now) })
		}
	}
}

func TestWhoWaitsAndWhoIsGoneBackTo(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"b", "c"} {
		key := private(t)
		w.change(t, func(d *keyring.Document) error {
			return d.Add(id, keyring.Slot{KeyID: "KSLOT00" + strings.ToUpper(id)}.WithPrivateKey(key), w.now)
		})
	}
	if err := rotation.New(w.config()).Rotate(t.Context(), ""); !errors.Is(err, rotation.ErrChoose) || !strings.Contains(err.Error(), "b, c") {
		t.Errorf("two wait: %v", err)
	}
	for to, want := range map[string]error{"a": keyring.ErrSlot, "nobody": keyring.ErrSlot} {
		if err := rotation.New(w.config()).Rotate(t.Context(), to); !errors.Is(err, want) {
			t.Errorf("to %s: %v", to, err)
		}
	}
	w.change(t, func(d *keyring.Document) error { return d.Remove("c", w.now) })
	w.waits = func(d time.Duration) error {
		if d > settle {
			return rotation.ErrWait
		}
		return nil
	}
	for _, to := range []string{"b", "a"} { // there, and back while a is retiring
		if err := rotation.New(w.config()).Rotate(t.Context(), to); !errors.Is(err, rotation.ErrWait) || w.document(t).Active != to {
			t.Errorf("to %s: %v, %s signs", to, err, w.document(t).Active)
		}
	}
}

// Who waits for hours to remove a key finds out that it signs again.
func TestAKeyThatIsGoneBackToMeanwhileStaysTrusted(t *testing.T) {
	for name, group := range map[string]bool{"a local edge": true, "a distribution": false} {
		w := newWorld(t)
		key := private(t)
		w.change(t, func(d *keyring.Document) error {
			return errors.Join(d.Add("b", keyring.Slot{KeyID: "KSLOTB001"}.WithPrivateKey(key), w.now), d.Switch("b", w.now))
		})
		signer, err := keyring.ParsePrivatePEM(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.group.Add(t.Context(), "KSLOTB001", signer.Public()); err != nil {
			t.Fatal(err)
		}
		back := false
		w.waits = func(d time.Duration) error {
			switch {
			case !back && d > settle:
				w.change(t, func(document *keyring.Document) error { return document.Switch("a", w.now.Add(d)) })
				back = true
			case back:
				return rotation.ErrWait
			}
			return nil
		}
		config := w.config()
		if !group {
			config.Group = nil
		}
		err = rotation.New(config).Rotate(t.Context(), "")
		if !errors.Is(err, rotation.ErrWait) || !back {
			t.Errorf("%s: b is retired now, and waited for: %v", name, err)
		}
		if keys, err := w.group.Keys(); err != nil || keys["KSLOTA001"] == nil {
			t.Errorf("%s: the key that signs isn't trusted any more: %v", name, err)
		}
	}
}

// somewhere answers by the key id that a request names.
func somewhere(t *testing.T, known map[string]http.HandlerFunc, otherwise http.HandlerFunc) rotation.Distribution {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler, ok := known[r.URL.Query().Get("Key-Pair-Id")]; ok {
			handler(w, r)
			return
		}
		otherwise(w, r)
	}))
	t.Cleanup(web.Close)
	return rotation.Distribution{URL: web.URL, Hash: signedurl.SHA256, Now: time.Now}
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

// The answers are CloudFront's and S3's own, as captured.
func TestAKeyIsTakenWhereS3Answers(t *testing.T) {
	const (
		unknown  = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidKey</Code><Message>Unknown Key</Message></Error>`
		denied   = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>`
		missing  = `<Error><Code>NoSuchKey</Code><RequestId>1</RequestId></Error>`
		s3Denied = `<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>1</RequestId><HostId>2</HostId></Error>`
	)
	signer, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ours, others http.HandlerFunc
		want         bool
		err          error
	}{
		"not known yet":              {says(403, unknown), says(403, unknown), false, nil},
		"known, no such object":      {says(404, missing), says(403, unknown), true, nil},
		"known, S3 hides what isn't": {says(403, s3Denied), says(403, unknown), true, nil},
		"known, the object is there": {says(206, "x"), says(403, unknown), true, nil},
		"another key under this id":  {says(403, denied), says(403, unknown), false, rotation.ErrProbe},
		"no key group at all":        {says(200, "x"), says(200, "x"), false, rotation.ErrProbe},
		"errors behind a page":       {says(200, "<html>"), says(200, "<html>"), false, rotation.ErrProbe},
		"a firewall":                 {says(403, "<html>blocked"), says(403, unknown), false, rotation.ErrProbe},
		"a redirect":                 {says(302, ""), says(403, unknown), false, rotation.ErrProbe},
		"broken just now":            {says(503, ""), says(403, unknown), false, nil},
		"broken for everybody":       {says(503, ""), says(503, ""), false, nil},
	} {
		distribution := somewhere(t, map[string]http.HandlerFunc{"KSLOTA001": test.ours}, test.others)
		trusted, err := distribution.Trusts(t.Context(), keyring.Key{ID: "KSLOTA001", Signer: signer})
		if trusted != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %t, %v", name, trusted, err)
		}
		if err != nil && name == "another key under this id" && !strings.Contains(err.Error(), "another public key") {
			t.Errorf("%s: %v doesn't say what to mend", name, err)
		}
	}
}

// Lives are waited out by the clock here: where it is ahead, they aren't over.
func TestAClockThatIsOffIsNoticedBeforeAnythingIsGivenUp(t *testing.T) {
	signer, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	for off, want := range map[time.Duration]error{0: nil, time.Minute: nil, 14 * time.Hour: rotation.ErrProbe, -time.Hour: rotation.ErrProbe} {
		distribution := somewhere(t, map[string]http.HandlerFunc{"KSLOTA001": says(404, `<Error><Code>NoSuchKey</Code><RequestId>1</RequestId></Error>`)},
			says(403, `<Error><Code>InvalidKey</Code><Message>Unknown Key</Message></Error>`))
		distribution.Now = func() time.Time { return time.Now().Add(off) }
		if _, err := distribution.Trusts(t.Context(), keyring.Key{ID: "KSLOTA001", Signer: signer}); !errors.Is(err, want) {
			t.Errorf("%s ahead: %v", off, err)
		}
	}
}

func TestAKeyIsKnownWhereAWrongSignatureIsRefused(t *testing.T) {
	const (
		unknown = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>InvalidKey</Code><Message>Unknown Key</Message></Error>`
		denied  = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>`
		missing = `<Error><Code>NoSuchKey</Code><RequestId>1</RequestId></Error>`
	)
	for name, test := range map[string]struct {
		ours, others http.HandlerFunc
		want         bool
		err          error
	}{
		"not known":               {says(403, unknown), says(403, unknown), false, nil},
		"known":                   {says(403, denied), says(403, unknown), true, nil},
		"no key group at all":     {says(200, "x"), says(200, "x"), false, rotation.ErrProbe},
		"signatures don't matter": {says(404, missing), says(403, unknown), false, rotation.ErrProbe},
		"a firewall":              {says(403, "<html>blocked"), says(403, unknown), false, rotation.ErrProbe},
		"broken just now":         {says(503, ""), says(403, unknown), false, rotation.ErrProbe},
		"broken for everybody":    {says(503, ""), says(503, ""), false, rotation.ErrProbe},
	} {
		known, err := somewhere(t, map[string]http.HandlerFunc{"KSLOTA001": test.ours}, test.others).Knows(t.Context(), "KSLOTA001")
		if known != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %t, %v", name, known, err)
		}
	}
}

func TestAProbeThatFailsDoesNotTellItsURL(t *testing.T) {
	signer, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer web.Close()
	_, err = rotation.Distribution{URL: web.URL, Hash: signedurl.SHA256, Now: time.Now}.Trusts(t.Context(), keyring.Key{ID: "KSLOTA001", Signer: signer})
	if !errors.Is(err, rotation.ErrProbe) || strings.Contains(err.Error(), "Signature") || strings.Contains(err.Error(), "http://") {
		t.Error(err)
	}
}

var _ rotation.Store = (*keyring.Folder)(nil)
