package awskeys_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
)

// now is when the tests' documents were changed.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// managed is a document as a deployment writes it: slot a in the document,
// slot b in KMS.
func managed(t testing.TB) *keyring.Document {
	t.Helper()
	key, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	document := keyring.NewDocument(true)
	for _, step := range []error{
		document.Add("a", keyring.Slot{}.WithPrivateKey(text), now), document.Bind("a", "KSLOTA0001", now),
		document.Add("b", kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify), now),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	return document
}

func marshal(t testing.TB, document *keyring.Document) string {
	t.Helper()
	text, err := document.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestASwitchInTheSecretIsTakenOverAndAskedForByItsVersion(t *testing.T) {
	secret := newFaulty(t).secret(newSecret(t, marshal(t, managed(t))))
	first, err := secret.Load(t.Context(), nil)
	if err != nil || first.Ring.Active().ID != "KSLOTA0001" || len(first.Ring.Keys()) != 2 {
		t.Fatalf("%v, %v", first, err)
	}
	if again, err := secret.Load(t.Context(), first); err != nil || again != first {
		t.Errorf("nothing changed: %v", err)
	}
	document, version, err := secret.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Switch("b", now); err != nil {
		t.Fatal(err)
	}
	if err := secret.Write(t.Context(), document, version); err != nil {
		t.Fatal(err)
	}
	second, err := secret.Load(t.Context(), first)
	if err != nil || second.Ring.Active().ID != "KINKMS0001" || first.Ring.Active().ID != "KSLOTA0001" {
		t.Errorf("after the switch: %v", err)
	}
	if retired := second.Document.Slots["a"].RetiredAt; !retired.Equal(now) {
		t.Errorf("a stopped signing at %s", retired)
	}
}

// Two who change the secret at once: the second finds out and changes nothing.
func TestAChangeThatCrossesAnotherIsRefused(t *testing.T) {
	secret := newFaulty(t).secret(newSecret(t, marshal(t, managed(t))))
	mine, version, err := secret.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := secret.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(theirs.Switch("b", now), secret.Write(t.Context(), theirs, version)); err != nil {
		t.Fatal(err)
	}
	if err := mine.Remove("b", now); err != nil {
		t.Fatal(err)
	}
	if err := secret.Write(t.Context(), mine, version); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("Write = %v", err)
	}
	if kept, _, err := secret.Read(t.Context()); err != nil || kept.Active != "b" {
		t.Errorf("%+v, %v", kept, err)
	}
}

func TestAnEmptySecretHasNoDocumentUntilOneIsWritten(t *testing.T) {
	secret := newFaulty(t).secret(newSecret(t, ""))
	_, version, err := secret.Read(t.Context())
	if !errors.Is(err, keyring.ErrNoDocument) || version != "" {
		t.Fatalf("Read = %q, %v", version, err)
	}
	if err := secret.Write(t.Context(), managed(t), version); err != nil {
		t.Fatal(err)
	}
	if document, _, err := secret.Read(t.Context()); err != nil || document.Active != "a" {
		t.Errorf("%v, %v", document, err)
	}
	if _, err := newFaulty(t).secret("nobody-made-this").Load(t.Context(), nil); !errors.Is(err, keyring.ErrNoDocument) {
		t.Errorf("a secret that isn't there: %v", err)
	}
}

// Two who find the secret empty, such as CloudFormation's request that Lambda
// delivers twice: one key is written, and the other finds out.
func TestOnlyOneWritesTheFirstDocument(t *testing.T) {
	id := newSecret(t, "")
	one, other := newFaulty(t).secret(id), newFaulty(t).secret(id)
	if _, version, err := other.Read(t.Context()); !errors.Is(err, keyring.ErrNoDocument) || version != "" {
		t.Fatalf("Read = %q, %v", version, err)
	}
	first := managed(t)
	if err := one.Write(t.Context(), first, ""); err != nil {
		t.Fatal(err)
	}
	if err := other.Write(t.Context(), managed(t), ""); !errors.Is(err, keyring.ErrConflict) {
		t.Errorf("the second Write = %v", err)
	}
	kept, _, err := other.Read(t.Context())
	if err != nil || kept.Slots["a"].PublicPEM() != first.Slots["a"].PublicPEM() {
		t.Errorf("the key that was told to CloudFront is lost: %v", err)
	}
}

// A secret that Secrets Manager filled by itself is no document, and can be
// written over by whoever has seen that.
func TestASecretOfSomethingElseIsNotTakenForADocument(t *testing.T) {
	for name, content := range map[string]string{
		"a random value": "2-^BA|m8RLPIQ3[hidden-value]", "a PEM file": "-----BEGIN PRIVATE KEY-----\nhidden-value",
		"JSON of something else": `{"username":"hidden-value"}`,
	} {
		secret := newFaulty(t).secret(newSecret(t, content))
		_, version, err := secret.Read(t.Context())
		if !errors.Is(err, keyring.ErrDocument) || version == "" || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %q, %v", name, version, err)
		}
		if err := secret.Write(t.Context(), managed(t), version); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhateverSecretsManagerAnswersKnownKeysGoOn(t *testing.T) {
	for name, fault := range faults() {
		f := newFaulty(t)
		source := f.secret(newSecret(t, marshal(t, managed(t))))
		keys, err := keyring.NewReloading(t.Context(), source, time.Now, func(*keyring.Keys) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		f.inject(fault)
		taken, err := keys.Refresh(t.Context())
		if taken || err == nil || keys.Keys().Ring.Active().ID != "KSLOTA0001" {
			t.Errorf("%s: %t %v", name, taken, err)
		}
		mustTellNothing(t, err)
		if _, failure := keys.Seen(); failure == nil {
			t.Errorf("%s: nobody could know", name)
		}
		if _, err := keyring.NewReloading(t.Context(), source, time.Now, func(*keyring.Keys) error { return nil }); err == nil {
			t.Errorf("%s: a start without any key", name)
		}
		f.inject(nil)
		if _, err := keys.Refresh(t.Context()); err != nil {
			t.Errorf("%s, after it is over: %v", name, err)
		}
		if _, failure := keys.Seen(); failure != nil {
			t.Errorf("%s, after it is over: %v", name, failure)
		}
	}
}

// A new key that KMS can't vouch for isn't taken over with the rest.
func TestADocumentWhoseNewKeyCannotBeReachedIsTakenWholeOrNotAtAll(t *testing.T) {
	f := newFaulty(t)
	source := f.secret(newSecret(t, marshal(t, managed(t))))
	keys, err := keyring.NewReloading(t.Context(), source, time.Now, func(*keyring.Keys) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	document, version, err := source.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wrong := kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	wrong.KeyID, wrong.PublicKey = "KWRONG0001", kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify).PublicKey
	if err := errors.Join(document.Switch("b", now), document.Add("c", wrong, now), source.Write(t.Context(), document, version)); err != nil {
		t.Fatal(err)
	}
	if taken, err := keys.Refresh(t.Context()); taken || err == nil || keys.Keys().Ring.Active().ID != "KSLOTA0001" {
		t.Errorf("%t %v", taken, err)
	}
}

// A start needs the key that signs. One that waits may have no way to KMS yet,
// as while a deployment brings both, and mustn't keep functions from starting.
func TestAKeyThatWaitsAndCannotBeReachedKeepsNobodyFromStarting(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{"refused": refuse(http.StatusBadRequest, "AccessDeniedException"), "no way": hang} {
		f := newFaulty(t)
		secret := newSecret(t, marshal(t, managed(t)))
		source := awskeys.NewSecret(awskeys.SecretConfig{ID: secret, Endpoint: emulator, Credentials: anybody, Open: f.kms().Open})
		f.inject(fault)
		keys, err := keyring.NewReloading(t.Context(), source, time.Now, func(*keyring.Keys) error { return nil })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if ring := keys.Keys().Ring; ring.Active().ID != "KSLOTA0001" || len(ring.IDs()) != 1 {
			t.Errorf("%s: %v", name, ring.IDs())
		}
		if unusable := keys.Keys().Unusable; !errors.Is(unusable, keyring.ErrUnavailable) {
			t.Errorf("%s: nobody could know: %v", name, unusable)
		}
		f.inject(nil)
		document, version, err := source.Read(t.Context())
		if err = errors.Join(err, document.Switch("b", now), source.Write(t.Context(), document, version)); err != nil {
			t.Fatal(err)
		}
		if taken, err := keys.Refresh(t.Context()); !taken || err != nil || keys.Keys().Ring.Active().ID != "KINKMS0001" {
			t.Errorf("%s, after it is over and made to sign: %t, %v, %v", name, taken, err, keys.Keys().Ring.IDs())
		}
		f.inject(fault)
		fresh := awskeys.NewSecret(awskeys.SecretConfig{ID: secret, Endpoint: emulator, Credentials: anybody, Open: f.kms().Open})
		if _, err := fresh.Load(t.Context(), nil); !errors.Is(err, keyring.ErrUnavailable) {
			t.Errorf("%s: a start without the key that signs: %v", name, err)
		}
	}
}

func TestNothingThatPrintsADocumentTellsItsSecrets(t *testing.T) {
	document := managed(t)
	text := marshal(t, document)
	_, private, _ := strings.Cut(text, `PRIVATE KEY-----\n`)
	_, token, _ := strings.Cut(text, `"tokenSecrets": [`)
	private, token = private[:20], strings.TrimSpace(token)[1:45]
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	secret := newFaulty(t).secret(newSecret(t, text))
	keys, err := secret.Load(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("keys", "document", document, "slots", document.Slots, "keys", keys, "value", *document)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		_, _ = fmt.Fprintf(&log, strings.Repeat(format, 5), document, *document, keys, document.Slots["a"], keys.Ring.Active())
	}
	for what, secret := range map[string]string{"private half": private, "token secret": token, "marker": "PRIVATE KEY", "token secret in bytes": fmt.Sprintf("%d", raw)[1:20]} {
		if strings.Contains(log.String(), secret) || strings.Contains(log.String(), fmt.Sprintf("%x", secret)) {
			t.Errorf("the %s is told:\n%s", what, log.String())
		}
	}
}
