package apikeys_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/apikeys/storetest"
)

// forScanners is the regular expression of the documentation.
var forScanners = regexp.MustCompile(`sgk_[A-Z2-7]{16}_[A-Z2-7]{59}`)

func TestAKeyIsFoundByScannersAndToldFromAChanceFind(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		secret := apikeys.NewSecret()
		text := secret.Reveal()
		if forScanners.FindString("token="+text+"\n") != text || seen[text] || seen[secret.ID()] {
			t.Fatalf("%s", text)
		}
		sum, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text[len(text)-7:])
		if err != nil || binary.BigEndian.Uint32(sum) != crc32.ChecksumIEEE([]byte(text[:len(text)-7])) {
			t.Fatalf("%s: %v", text, err)
		}
		back, err := apikeys.ParseSecret(text)
		if err != nil || back != secret {
			t.Fatalf("%v, %v", back, err)
		}
		seen[text], seen[secret.ID()] = true, true
	}
}

func TestNothingButAKeyIsRead(t *testing.T) {
	good := apikeys.NewSecret().Reveal()
	for name, text := range map[string]string{
		"nothing": "", "the prefix": "sgk_", "no prefix": good[4:], "another prefix": "ghp_" + good[4:], "lower case": strings.ToLower(good),
		"one character less": good[:len(good)-1], "one more": good + "A", "a space": good + " ", "a line": good + "\n", "twice": good + good,
		"id too short": "sgk_" + good[5:], "no underscore": strings.Replace(good, "_", "-", 2), "the prefix twice": "sgk_" + good,
		"another alphabet": good[:30] + "0" + good[31:],
	} {
		if _, err := apikeys.ParseSecret(text); !errors.Is(err, apikeys.ErrRefused) || len(text) > 20 && strings.Contains(err.Error(), text[20:]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range good { // any other character anywhere
		other := "A"
		if good[n] == 'A' {
			other = "B"
		}
		if _, err := apikeys.ParseSecret(good[:n] + other + good[n+1:]); err == nil {
			t.Errorf("another character %d is read", n)
		}
	}
}

func TestASecretPrintsAsAPlaceholder(t *testing.T) {
	secret := apikeys.NewSecret()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("made", "key", secret)
	text, err := json.Marshal(map[string]any{"key": secret})
	if err != nil {
		t.Fatal(err)
	}
	printed := out.String() + string(text) + fmt.Sprintf("%v %+v %#v %s %q", secret, secret, secret, secret, secret)
	if hidden := secret.Reveal()[len("sgk_")+17:]; strings.Contains(printed, hidden) || strings.Contains(printed, hidden[:20]) {
		t.Error(printed)
	}
}

func TestWhatIsNoKeyIsntKept(t *testing.T) {
	long := strings.Repeat("x", 257)
	for name, spoil := range map[string]func(*apikeys.Key){
		"no id": func(k *apikeys.Key) { k.ID = "" }, "a lower-case id": func(k *apikeys.Key) { k.ID = strings.ToLower(k.ID) },
		"no digest": func(k *apikeys.Key) { k.Digest = [32]byte{} },
		"no name":   func(k *apikeys.Key) { k.Name = "" }, "two lines": func(k *apikeys.Key) { k.Name = "a\nb" }, "a long name": func(k *apikeys.Key) { k.Name = long },
		"no machine": func(k *apikeys.Key) { k.Machine = "" }, "a path": func(k *apikeys.Key) { k.Machine = "a/b" }, "dots": func(k *apikeys.Key) { k.Machine = ".." },
		"a prefix": func(k *apikeys.Key) { k.Machine = "aws:a" }, "a long machine": func(k *apikeys.Key) { k.Machine = long },
		"an empty group": func(k *apikeys.Key) { k.Groups = []string{"a", ""} }, "many groups": func(k *apikeys.Key) { k.Groups = strings.Split(strings.Repeat("x ", 257)+"x", " ") },
		"a long tenant": func(k *apikeys.Key) { k.Tenant = long }, "not UTF-8": func(k *apikeys.Key) { k.Tenant = "\xff" },
		"no scopes": func(k *apikeys.Key) { k.Scopes = nil }, "an empty scope": func(k *apikeys.Key) { k.Scopes = []string{""} },
		"many scopes":   func(k *apikeys.Key) { k.Scopes = strings.Split(strings.Repeat("x ", 64)+"x", " ") },
		"never expires": func(k *apikeys.Key) { k.ExpiresAt = time.Time{} }, "expires at once": func(k *apikeys.Key) { k.ExpiresAt = k.CreatedAt },
		"expires in 2300": func(k *apikeys.Key) { k.ExpiresAt = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) },
		"used":            func(k *apikeys.Key) { k.LastUsedAt = storetest.Start }, "revoked": func(k *apikeys.Key) { k.RevokedAt = storetest.Start },
	} {
		key, _ := storetest.NewKey()
		if err := key.Check(); err != nil {
			t.Fatal(err)
		}
		if spoil(&key); !errors.Is(key.Check(), apikeys.ErrInvalid) {
			t.Errorf("%s: %v", name, key.Check())
		}
	}
}

// memory is a store that counts what it is asked and can fail.
type memory struct {
	apikeys.Store // what isn't needed here

	mu            sync.Mutex
	keys          map[string]apikeys.Key
	gets, touches int
	fail          error
	hold          chan struct{} // answers wait for it; nil: they don't
}

func (m *memory) Get(_ context.Context, id string) (apikeys.Key, error) {
	m.mu.Lock()
	m.gets++
	hold := m.hold
	m.mu.Unlock()
	if hold != nil {
		<-hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return apikeys.Key{}, m.fail
	}
	key, ok := m.keys[id]
	if !ok {
		return key, apikeys.ErrNotFound
	}
	return key, nil
}

func (m *memory) Touch(_ context.Context, id string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.touches++
	if m.fail != nil {
		return m.fail
	}
	key := m.keys[id]
	key.LastUsedAt = at
	m.keys[id] = key
	return nil
}

func (m *memory) change(id string, change func(*apikeys.Key)) {
	key := m.keys[id]
	change(&key)
	m.keys[id] = key
}

// verifying is a verifier of one key, whose clock a test moves.
type verifying struct {
	*apikeys.Verifier
	store  *memory
	secret apikeys.Secret
	now    time.Time
	log    bytes.Buffer
}

func newVerifying(t *testing.T) *verifying {
	t.Helper()
	key, secret := storetest.NewKey()
	v := &verifying{store: &memory{keys: map[string]apikeys.Key{key.ID: key}}, secret: secret, now: storetest.Start}
	var err error
	v.Verifier, err = apikeys.NewVerifier(v.store, slog.New(slog.NewTextHandler(&v.log, nil)), func() time.Time { return v.now })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *verifying) good(t *testing.T) bool {
	t.Helper()
	key, err := v.Verify(t.Context(), v.secret.Reveal())
	if err != nil && !errors.Is(err, apikeys.ErrRefused) || (key.ID != "") != (err == nil) {
		t.Fatalf("%+v, %v", key, err)
	}
	return err == nil
}

func TestAKeyHoldsUntilItExpires(t *testing.T) {
	v := newVerifying(t)
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {24*time.Hour - 1, true}, {24 * time.Hour, false}, {48 * time.Hour, false}} {
		if v.now = storetest.Start.Add(step.after); v.good(t) != step.want {
			t.Errorf("after %s: %t", step.after, !step.want)
		}
	}
	// one that expires while it is believed
	v = newVerifying(t)
	v.store.change(v.secret.ID(), func(k *apikeys.Key) { k.ExpiresAt = storetest.Start.Add(time.Second) })
	if first, second := v.good(t), func() bool { v.now = v.now.Add(time.Second); return v.good(t) }(); !first || second {
		t.Errorf("before: %t, after: %t", first, second)
	}
}

func TestARevokedKeyIsRefusedAfterSecondsAtTheLatest(t *testing.T) {
	v := newVerifying(t)
	if !v.good(t) {
		t.Fatal("refused")
	}
	v.store.change(v.secret.ID(), func(k *apikeys.Key) { k.RevokedAt = v.now })
	v.now = v.now.Add(apikeys.BelievedFor)
	if v.good(t) {
		t.Error("it is still believed")
	}
	if apikeys.BelievedFor > 5*time.Second {
		t.Error("the documents say five seconds")
	}
}

func TestOfAKeyNobodyIsToldWhatIsWrong(t *testing.T) {
	v := newVerifying(t)
	other := apikeys.NewSecret()
	// the id of the one with the secret of the other, as somebody would make it
	mixed := func() string {
		text := v.secret.Reveal()[:21] + other.Reveal()[21:73]
		sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
		return text + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum)
	}()
	if _, err := apikeys.ParseSecret(mixed); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"another key": other.Reveal(), "another secret": mixed, "no key": "sgk_"} {
		key, err := v.Verify(t.Context(), text)
		if !errors.Is(err, apikeys.ErrRefused) || errors.Is(err, apikeys.ErrNotFound) || key.ID != "" {
			t.Errorf("%s: %+v, %v", name, key, err)
		}
		if len(text) > 30 && strings.Contains(err.Error(), text[25:]) {
			t.Errorf("%s: the error repeats the secret", name)
		}
	}
	if v.store.touches != 0 {
		t.Error("a wrong secret counts as a use")
	}
}

func TestAStoreThatFailsIsANoAndSaysSo(t *testing.T) {
	v := newVerifying(t)
	if !v.good(t) {
		t.Fatal("refused")
	}
	v.store.fail = fmt.Errorf("%w: down", apikeys.ErrUnavailable)
	if !v.good(t) {
		t.Error("it isn't believed for its seconds")
	}
	v.now = v.now.Add(apikeys.BelievedFor)
	if _, err := v.Verify(t.Context(), v.secret.Reveal()); !errors.Is(err, apikeys.ErrUnavailable) || errors.Is(err, apikeys.ErrRefused) {
		t.Errorf("%v", err)
	}
	if err := v.Ready(t.Context()); !errors.Is(err, apikeys.ErrUnavailable) {
		t.Errorf("Ready: %v", err)
	}
	v.store.fail = nil
	if err := v.Ready(t.Context()); err != nil || !v.good(t) {
		t.Errorf("Ready: %v", err)
	}
}

func TestAStoreIsAskedOncePerFewSecondsAndTheUseIsWrittenNowAndThen(t *testing.T) {
	v := newVerifying(t)
	for range 10 * 60 * 10 { // ten times a second for ten minutes
		if !v.good(t) {
			t.Fatal("refused")
		}
		v.now = v.now.Add(100 * time.Millisecond)
	}
	if v.store.gets > 10*60/5 || v.store.touches != 2 {
		t.Errorf("asked %d times, written %d times", v.store.gets, v.store.touches)
	}
	if used := v.store.keys[v.secret.ID()].LastUsedAt; v.now.Sub(used) > apikeys.LastUseEvery+time.Second {
		t.Errorf("noted %s, used %s", used, v.now)
	}
}

func TestAUseThatCantBeWrittenRefusesNobody(t *testing.T) {
	v := newVerifying(t)
	if !v.good(t) {
		t.Fatal("refused")
	}
	v.now = v.now.Add(apikeys.LastUseEvery)
	if !v.good(t) {
		t.Fatal("refused")
	}
	touched := v.store.touches
	v.now = v.now.Add(apikeys.LastUseEvery)
	failing := &unwritable{v.store}
	var err error
	v.Verifier, err = apikeys.NewVerifier(failing, slog.New(slog.NewTextHandler(&v.log, nil)), func() time.Time { return v.now })
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if !v.good(t) {
			t.Fatal("refused")
		}
		v.now = v.now.Add(time.Second)
	}
	if got := strings.Count(v.log.String(), "can't be written"); got != 1 || v.store.touches != touched {
		t.Errorf("%d complaints: %s", got, &v.log)
	}
}

type unwritable struct{ *memory }

func (*unwritable) Touch(context.Context, string, time.Time) error { return apikeys.ErrUnavailable }

func TestAHundredAtOnceAskTheStoreOnce(t *testing.T) {
	v := newVerifying(t)
	v.store.hold = make(chan struct{})
	var begun, group sync.WaitGroup
	for range 100 {
		begun.Add(1)
		group.Go(func() {
			begun.Done()
			if _, err := v.Verify(t.Context(), v.secret.Reveal()); err != nil {
				t.Error(err)
			}
		})
	}
	begun.Wait()
	close(v.store.hold)
	group.Wait()
	if v.store.gets != 1 || v.store.touches != 1 {
		t.Errorf("asked %d times, written %d times", v.store.gets, v.store.touches)
	}
}

func BenchmarkVerify(b *testing.B) {
	key, secret := storetest.NewKey()
	verifier, err := apikeys.NewVerifier(&memory{keys: map[string]apikeys.Key{key.ID: key}}, slog.New(slog.DiscardHandler), func() time.Time { return storetest.Start })
	if err != nil {
		b.Fatal(err)
	}
	text := secret.Reveal()
	for b.Loop() {
		if _, err := verifier.Verify(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(apikeys.NewSecret().Reveal())
	f.Add("sgk_AAAAAAAAAAAAAAAA_")
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := apikeys.ParseSecret(text)
		if (err == nil) != (secret.ID() != "") || err == nil && (secret.Reveal() != text || !forScanners.MatchString(text)) {
			t.Fatalf("%q: %v, %v", text, secret, err)
		}
	})
}
