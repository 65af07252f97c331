package keyring_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
)

var day = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func privatePEM(t testing.TB) []byte {
	t.Helper()
	text, err := keyring.MarshalPrivatePEM(generate(t, keyring.P256))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// twoSlots has a, which signs, and b, which waits.
func twoSlots(t testing.TB, withTokenSecret bool) *keyring.Document {
	t.Helper()
	document := keyring.NewDocument(withTokenSecret)
	for i, name := range []string{"a", "b"} {
		if err := document.Add(name, keyring.Slot{KeyID: "KSLOT" + strings.ToUpper(name) + "001"}.WithPrivateKey(privatePEM(t)), day.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return document
}

func marshalled(t testing.TB, document *keyring.Document) string {
	t.Helper()
	text, err := document.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestADocumentIsReadBackAsItWasWritten(t *testing.T) {
	document := twoSlots(t, true)
	if err := document.Switch("b", day.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	text := marshalled(t, document)
	read, err := keyring.ParseDocument([]byte(text))
	if err != nil || marshalled(t, read) != text || read.Active != "b" || !read.HasTokenSecret() {
		t.Fatalf("%v\n%s", err, text)
	}
	keys, err := read.Keys(t.Context(), "1", nil)
	if err != nil || keys.Ring.Active().ID != "KSLOTB001" || len(keys.Ring.Keys()) != 2 {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestADocumentThatCouldMeanSomethingElseIsRefused(t *testing.T) {
	good := marshalled(t, twoSlots(t, true))
	replaced := func(old, with string) string {
		changed := strings.Replace(good, old, with, 1)
		if changed == good {
			t.Fatalf("%s is not in it", old)
		}
		return changed
	}
	secret := base64.StdEncoding.EncodeToString(make([]byte, 32))
	public, err := keyring.MarshalPublicPEM(generate(t, keyring.P256).Public())
	if err != nil {
		t.Fatal(err)
	}
	escaped := strings.ReplaceAll(string(public), "\n", `\n`)
	other := `"publicKey": "` + escaped + `", "keyId": "KSLOTA001"`
	_, private, _ := strings.Cut(good, `"privateKey": "`)
	private, _, _ = strings.Cut(private, `"`)
	for name, text := range map[string]string{
		"nothing":                   "",
		"not JSON":                  "-----BEGIN PRIVATE KEY-----",
		"an array":                  "[]",
		"no version":                replaced(`"version": 1,`, ``),
		"a later version":           replaced(`"version": 1`, `"version": 2`),
		"an unknown member":         replaced(`"active"`, `"retired": [], "active"`),
		"an unknown member of slot": replaced(`"keyId"`, `"key": "x", "keyId"`),
		"a member twice":            replaced(`"active": "a"`, `"active": "a", "active": "b"`),
		"something after it":        good + "{}",
		"no slots":                  `{"version": 1, "active": "a", "slots": {}}`,
		"an active slot not there":  replaced(`"active": "a"`, `"active": "c"`),
		"no active slot":            replaced(`"active": "a"`, `"active": ""`),
		"a retired active slot":     replaced(`"activeAt": "2026-11-21T00:00:00Z"`, `"retiredAt": "2026-11-21T00:00:00Z"`),
		"two slots with one id":     replaced("KSLOTB001", "KSLOTA001"),
		"an id that isn't one":      replaced("KSLOTB001", "AKIAIOSFODNN7EXAMPLE"),
		"a name that isn't one":     replaced(`"b": {`, `"b c": {`),
		"a damaged key":             replaced(`PRIVATE KEY-----\nMI`, `PRIVATE KEY-----\nXX`),
		"the other half of another": replaced(`"keyId": "KSLOTA001"`, other),
		"a key in two places":       replaced(`"keyId": "KSLOTA001"`, other+`, "kmsKey": "arn:aws:kms:eu-central-1:123456789012:key/1"`),
		"an alias in KMS":           `{"version":1,"active":"a","slots":{"a":{"keyId":"KSLOTA001","kmsKey":"alias/x","publicKey":"` + escaped + `"}}}`,
		"KMS without a public half": `{"version":1,"active":"a","slots":{"a":{"keyId":"KSLOTA001","kmsKey":"arn:aws:kms:eu-central-1:123456789012:key/1"}}}`,
		"one key in two slots":      `{"version":1,"active":"a","slots":{"a":{"keyId":"KSLOTA001","privateKey":"` + private + `"},"b":{"privateKey":"` + private + `"}}}`,
		"a short token secret":      replaced(`"tokenSecrets": [`, `"tokenSecrets": ["c2hvcnQ=",`),
		"a token secret twice":      replaced(`"tokenSecrets": [`, `"tokenSecrets": ["`+secret+`","`+secret+`",`),
		"too long":                  good + strings.Repeat(" ", 1<<16),
	} {
		_, err := keyring.ParseDocument([]byte(text))
		if !errors.Is(err, keyring.ErrDocument) && !errors.Is(err, keyring.ErrKeyID) && !errors.Is(err, keyring.ErrPEM) && !errors.Is(err, keyring.ErrNoActiveKey) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "BEGIN") || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), private[30:60]) {
			t.Errorf("%s: the error repeats what was read: %v", name, err)
		}
	}
}

func TestASlotThatCloudFrontDoesNotKnowYetSignsNothing(t *testing.T) {
	document := twoSlots(t, true)
	if err := document.Add("c", keyring.Slot{}.WithPrivateKey(privatePEM(t)), day); err != nil {
		t.Fatal(err)
	}
	keys, err := document.Keys(t.Context(), "", nil)
	if err != nil || len(keys.Ring.Keys()) != 2 {
		t.Errorf("%v", err)
	}
	if err := document.Switch("c", day); !errors.Is(err, keyring.ErrSlot) {
		t.Errorf("Switch = %v", err)
	}
	first := keyring.NewDocument(true)
	if err := first.Add("a", keyring.Slot{}.WithPrivateKey(privatePEM(t)), day); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Keys(t.Context(), "", nil); !errors.Is(err, keyring.ErrNoActiveKey) {
		t.Errorf("nothing can sign: %v", err)
	}
	if err := errors.Join(first.Bind("a", "KSLOTA001", day), first.Bind("a", "KSLOTA001", day.Add(time.Hour))); err != nil {
		t.Error(err)
	}
	if err := first.Bind("a", "KOTHER001", day); !errors.Is(err, keyring.ErrSlot) {
		t.Errorf("another id for the same key: %v", err)
	}
	if err := document.Bind("c", "KSLOTC001", day); err != nil {
		t.Error(err)
	}
	if err := document.Unbind("c"); err != nil || document.Slots["c"].KeyID != "" || !document.Slots["c"].BoundAt.IsZero() {
		t.Errorf("%v: %+v", err, document.Slots["c"])
	}
	for _, name := range []string{document.Active, "nobody"} {
		if err := document.Unbind(name); !errors.Is(err, keyring.ErrSlot) {
			t.Errorf("Unbind %s: %v", name, err)
		}
	}
	if known := first.Slots["a"].KnownFrom(); !known.Equal(day) {
		t.Errorf("gateways can know it since %s", known)
	}
}

// Whatever is done to a document in whatever order, one key signs, and no key
// goes that signed within the life of a URL.
func TestNoOrderOfChangesRemovesAKeyThatURLsNeed(t *testing.T) {
	const life = 12 * time.Hour
	names := []string{"a", "b", "c", "d"}
	keys := map[string][]byte{}
	for _, name := range names {
		keys[name] = privatePEM(t)
	}
	for seed := range uint64(60) {
		chance := rand.New(rand.NewPCG(seed, 1))
		document, now := keyring.NewDocument(true), day
		signedLast := map[string]time.Time{}
		for range 40 {
			now = now.Add(time.Duration(chance.IntN(10)) * time.Hour)
			if document.Active != "" {
				signedLast[document.Active] = now
			}
			name := names[chance.IntN(len(names))]
			_, there := document.Slots[name]
			switch chance.IntN(3) {
			case 0:
				_ = document.Add(name, keyring.Slot{KeyID: "KSLOT00" + strings.ToUpper(name)}.WithPrivateKey(keys[name]), now)
			case 1:
				_ = document.Switch(name, now)
			case 2:
				if err := document.Remove(name, now.Add(-life)); err == nil && there && now.Before(signedLast[name].Add(life)) && !signedLast[name].IsZero() {
					t.Fatalf("seed %d: %s was removed %s after it signed", seed, name, now.Sub(signedLast[name]))
				}
			}
			if _, there := document.Slots[name]; !there {
				delete(signedLast, name)
			}
			if document.Active != "" {
				if _, err := document.Keys(t.Context(), "", nil); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
	}
}

// random stands for a key in KMS: its signatures differ each time.
type random struct{ crypto.Signer }

func TestSecretsOutliveSigningKeysOnlyWhereTheyAreTheirOwn(t *testing.T) {
	secrets := func(document *keyring.Document) [][]byte {
		t.Helper()
		keys, err := document.Keys(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		found, err := keys.Secrets("a purpose")
		if err != nil {
			t.Fatal(err)
		}
		other, err := keys.Secrets("another purpose")
		if err != nil || bytes.Equal(other[0], found[0]) {
			t.Errorf("one secret for two purposes: %v", err)
		}
		return found
	}
	for _, own := range []bool{true, false} {
		document := twoSlots(t, own)
		before := secrets(document)
		if err := document.Switch("b", day); err != nil {
			t.Fatal(err)
		}
		after := secrets(document)
		if bytes.Equal(before[0], after[0]) != own {
			t.Errorf("own %t: the secret stays: %t", own, !own)
		}
		opens := false
		for _, secret := range after {
			opens = opens || bytes.Equal(secret, before[0])
		}
		if !opens {
			t.Errorf("own %t: what was sealed before the switch can't be opened", own)
		}
	}
}

func TestNothingIsDerivedFromSignaturesThatDifferEachTime(t *testing.T) {
	private := generate(t, keyring.P256)
	public, err := keyring.MarshalPublicPEM(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	inKMS := func(context.Context, keyring.Slot) (crypto.Signer, error) { return random{private}, nil }
	for _, own := range []bool{false, true} {
		document := keyring.NewDocument(own)
		if err := document.Add("a", keyring.Slot{KeyID: "KSLOTA001", KMSKey: "arn:aws:kms:eu-central-1:123456789012:key/1", PublicKey: string(public)}, day); err != nil {
			t.Fatal(err)
		}
		keys, err := document.Keys(t.Context(), "", inKMS)
		if err != nil {
			t.Fatal(err)
		}
		_, err = keys.Secrets("a purpose")
		if own == (err != nil) || (!own && (!errors.Is(err, keyring.ErrNoTokenSecret) || !strings.Contains(err.Error(), "tokenSecrets"))) {
			t.Errorf("a token secret %t: %v", own, err)
		}
	}
}

func (random) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("nobody should ask")
}

func writeDocument(t *testing.T, dir string, document *keyring.Document) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(marshalled(t, document)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderIsFollowedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	writeKey(t, dir, "KPLAIN001.pem", keyring.RSA2048)
	document := twoSlots(t, true)
	writeDocument(t, dir, document)
	var accepted []string
	refuse := ""
	keys, err := keyring.NewReloading(t.Context(), keyring.NewFolder(dir, "", nil), time.Now, func(k *keyring.Keys) error {
		if id := k.Ring.Active().ID; id != refuse {
			accepted = append(accepted, id)
			return nil
		}
		return errors.New("not this one")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(keys.Keys().Ring.IDs(), " "); got != "KPLAIN001 KSLOTA001 KSLOTB001" {
		t.Errorf("trusted: %s", got)
	}
	refresh := func(want bool, active string) {
		t.Helper()
		if taken, err := keys.Refresh(t.Context()); taken != want || keys.Keys().Ring.Active().ID != active {
			t.Errorf("taken %t, %v; %s signs", taken, err, keys.Keys().Ring.Active().ID)
		}
	}
	refresh(false, "KSLOTA001")
	if err := os.WriteFile(filepath.Join(dir, "KHALF0001.pem"), []byte("-----BEGIN PRIV"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := document.Switch("b", day.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	writeDocument(t, dir, document)
	refresh(false, "KSLOTA001") // a file is half written
	if _, failure := keys.Seen(); failure == nil || !strings.Contains(failure.Error(), "KHALF0001.pem") {
		t.Errorf("the failure is %v", failure)
	}
	if err := os.Remove(filepath.Join(dir, "KHALF0001.pem")); err != nil {
		t.Fatal(err)
	}
	refuse = "KSLOTB001"
	refresh(false, "KSLOTA001") // nobody could use it
	refuse = ""
	refresh(true, "KSLOTB001")
	if _, failure := keys.Seen(); failure != nil || fmt.Sprint(accepted) != "[KSLOTA001 KSLOTB001]" {
		t.Errorf("%v, %v", failure, accepted)
	}
}

func TestTheSettingAndTheDocumentMustNotDisagree(t *testing.T) {
	dir := t.TempDir()
	writeDocument(t, dir, twoSlots(t, true))
	for active, want := range map[string]error{"": nil, "KSLOTA001": nil, "KSLOTB001": keyring.ErrNoActiveKey} {
		if _, err := keyring.NewFolder(dir, active, nil).Load(t.Context(), nil); !errors.Is(err, want) {
			t.Errorf("%q: %v", active, err)
		}
	}
}

func TestADocumentOfAFolderIsChangedByOneAtATime(t *testing.T) {
	dir := t.TempDir()
	folder := keyring.NewFolder(dir, "", nil)
	if _, _, err := folder.Read(t.Context()); !errors.Is(err, keyring.ErrNoDocument) {
		t.Errorf("an empty folder: %v", err)
	}
	writeKey(t, dir, "KPLAIN001.pem", keyring.P256)
	folder = keyring.NewFolder(dir, "KPLAIN001", nil)
	document, revision, err := folder.Read(t.Context())
	if err != nil || document.Active != "KPLAIN001" || document.HasTokenSecret() {
		t.Fatalf("%v, %v", document, err)
	}
	if err := document.Add("new", keyring.Slot{KeyID: "KSLOTA001"}.WithPrivateKey(privatePEM(t)), day); err != nil {
		t.Fatal(err)
	}
	if err := folder.Write(t.Context(), document, revision); err != nil {
		t.Fatal(err)
	}
	if err := folder.Write(t.Context(), document, revision); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("again, having read what was before: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "keys.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	keys, err := folder.Load(t.Context(), nil)
	if err != nil || len(keys.Ring.Keys()) != 2 || keys.Ring.Active().ID != "KPLAIN001" {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestAGroupTrustsWhatWasAddedAndNothingElseUnderItsId(t *testing.T) {
	group := keyring.NewGroup(t.TempDir())
	one, two := generate(t, keyring.P256).Public(), generate(t, keyring.RSA2048).Public()
	for range 2 {
		if err := errors.Join(group.Add(t.Context(), "KONE00001", one), group.Add(t.Context(), "KTWO00001", two)); err != nil {
			t.Fatal(err)
		}
	}
	if err := group.Add(t.Context(), "KONE00001", two); !errors.Is(err, keyring.ErrKeyID) {
		t.Errorf("another key under the same id: %v", err)
	}
	if err := group.Add(t.Context(), "../KONE", one); !errors.Is(err, keyring.ErrKeyID) {
		t.Errorf("a path: %v", err)
	}
	for range 2 {
		if err := group.Remove(t.Context(), "KTWO00001"); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := group.Keys(); err != nil || len(keys) != 1 || keys["KONE00001"] == nil {
		t.Errorf("%v, %v", keys, err)
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(marshalled(f, twoSlots(f, true))))
	f.Add([]byte(`{"version":1,"active":"a","slots":{"a":{"keyId":"KSLOTA001"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := keyring.ParseDocument(text)
		if err != nil {
			return
		}
		again, err := keyring.ParseDocument([]byte(marshalled(t, document)))
		if err != nil || marshalled(t, again) != marshalled(t, document) {
			t.Fatalf("what was accepted isn't read back: %v", err)
		}
	})
}

// A key that waits is nobody's need yet: where KMS doesn't let this gateway use
// it, or not yet, the others are there all the same. One that signs is needed.
func TestAKeyThatWaitsAndCannotBeReachedIsLeftOut(t *testing.T) {
	away := func(context.Context, keyring.Slot) (crypto.Signer, error) {
		return nil, fmt.Errorf("%w: AccessDenied", keyring.ErrUnavailable)
	}
	another := func(context.Context, keyring.Slot) (crypto.Signer, error) { return generate(t, keyring.P256), nil }
	public, err := keyring.MarshalPublicPEM(generate(t, keyring.P256).Public())
	if err != nil {
		t.Fatal(err)
	}
	document := twoSlots(t, true)
	slot := keyring.Slot{KeyID: "KINKMS0001", KMSKey: "arn:aws:kms:eu-central-1:123456789012:key/1", PublicKey: string(public)}
	if err := document.Add("inkms", slot, time.Now()); err != nil {
		t.Fatal(err)
	}
	keys, err := document.Keys(t.Context(), "1", away)
	if err != nil || len(keys.Ring.Keys()) != 2 || !errors.Is(keys.Unusable, keyring.ErrUnavailable) || !strings.Contains(keys.Unusable.Error(), "slot inkms") {
		t.Errorf("%+v, %v", keys, err)
	}
	if _, err := document.Keys(t.Context(), "1", another); err == nil {
		t.Error("another key than the document's is taken")
	}
	if err := document.Switch("inkms", time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := document.Keys(t.Context(), "1", away); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("it signs: %v", err)
	}
}
