package pairs_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/signgate/signgate/infra/signingkeys/pairs"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
)

// newKey makes a key in KMS and returns its ARN.
func newKey(t *testing.T, spec types.KeySpec, usage types.KeyUsageType) string {
	t.Helper()
	client := kms.New(kms.Options{Region: region, Credentials: anybody, BaseEndpoint: aws.String(emulator)})
	made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})
	if err != nil {
		t.Fatal(err)
	}
	return *made.KeyMetadata.Arn
}

func signs(t *testing.T) string {
	t.Helper()
	return newKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
}

// inKMS asks for a slot whose key is in KMS.
func inKMS(kind cfn.RequestType, secret, slot, key string) cfn.Event {
	event := pair(kind, secret, slot)
	event.ResourceProperties["KMSKey"] = key
	return event
}

// faultyKMS is moto's KMS that answers so many times otherwise first.
func faultyKMS(t *testing.T, times int64, code string) (keys *awskeys.KMS, asked *atomic.Int64) {
	t.Helper()
	target, err := url.Parse(emulator)
	if err != nil {
		t.Fatal(err)
	}
	proxy, asked := httputil.NewSingleHostReverseProxy(target), new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > times {
			proxy.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"as injected"}`, code)
	}))
	t.Cleanup(server.Close)
	return awskeys.NewKMS(awskeys.KMSConfig{Endpoint: server.URL, Credentials: anybody}), asked
}

func TestAKeyInKMSStaysThereAndTheSecretSaysWhichItIs(t *testing.T) {
	t.Parallel()
	handler, at := newHandler()
	secret, key := newSecret(t, ""), signs(t)
	id, data := handle(t, handler, inKMS(cfn.RequestCreate, secret, "a", key))
	if !strings.HasPrefix(id, secret+"#a#") || !strings.HasSuffix(key, id[strings.LastIndex(id, "#")+1:]) || len(data) != 1 {
		t.Fatalf("%s: %v", id, data)
	}
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1"}))
	document := read(t, secret)
	text, err := document.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	slot := document.Slots["a"]
	if slot.KMSKey != key || slot.PublicKey != data["PublicKey"] || document.Active != "a" || !document.HasTokenSecret() || strings.Contains(string(text), "PRIVATE") {
		t.Errorf("the document: active %q, slot %+v", document.Active, slot)
	}
	opened, err := awskeys.NewSecret(awskeys.SecretConfig{
		ID: secret, Endpoint: emulator, Credentials: anybody, Open: awskeys.NewKMS(awskeys.KMSConfig{Endpoint: emulator, Credentials: anybody}).Open,
	}).Load(t.Context(), nil)
	if err != nil || opened.Ring.Active().ID != "KEXAMPLE1" {
		t.Errorf("a gateway can't take it: %v", err)
	}
	at.Time = at.Add(time.Hour)
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate, cfn.RequestDelete} {
		event := inKMS(kind, secret, "a", key)
		event.PhysicalResourceID = id
		if againID, again := handle(t, handler, event); againID != id || kind != cfn.RequestDelete && again["PublicKey"] != data["PublicKey"] {
			t.Errorf("%s: %s, %v", kind, againID, again)
		}
	}
	if again := read(t, secret).Slots["a"]; !again.AddedAt.Equal(slot.AddedAt) {
		t.Error("it was written again")
	}
}

func TestManagedKeysAreFollowedByOnesInKMS(t *testing.T) {
	t.Parallel()
	handler, at := newHandler()
	secret, key := newSecret(t, ""), signs(t)
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	handle(t, handler, inKMS(cfn.RequestCreate, secret, "b", key))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	retire(t, secret, "b", at.now())
	if _, _, err := handler.Handle(t.Context(), ids(secret, map[string]any{"b": "KEXAMPLE2"})); !errors.Is(err, pairs.ErrNeeded) {
		t.Errorf("a is taken from the distribution too early: %v", err)
	}
	at.Time = at.Add(13 * time.Hour)
	handle(t, handler, ids(secret, map[string]any{"b": "KEXAMPLE2"}))
}

// A key that signs, or has signed, is never another's slot: CloudFormation
// would change its public key in place.
func TestASlotsKeyIsAnotherOnlyIfItHasNeverSigned(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret, first, other := newSecret(t, ""), signs(t), signs(t)
	handle(t, handler, inKMS(cfn.RequestCreate, secret, "a", first))
	for name, event := range map[string]cfn.Event{"another in KMS": inKMS(cfn.RequestUpdate, secret, "a", other), "a managed one": pair(cfn.RequestUpdate, secret, "a")} {
		if _, _, err := handler.Handle(t.Context(), event); !errors.Is(err, pairs.ErrNeeded) || read(t, secret).Slots["a"].KMSKey != first {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, rolledBack := handle(t, handler, inKMS(cfn.RequestCreate, secret, "b", other))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	again := signs(t)
	_, made := handle(t, handler, inKMS(cfn.RequestCreate, secret, "b", again))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE3"}))
	if slot := read(t, secret).Slots["b"]; slot.KMSKey != again || slot.PublicKey != made["PublicKey"] || made["PublicKey"] == rolledBack["PublicKey"] || slot.KeyID != "KEXAMPLE3" {
		t.Errorf("after a deployment that was rolled back: %+v", slot)
	}
}

func TestAKeyThatKMSCannotReadYetIsWaitedForAndNotForever(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"NotFoundException", "AccessDeniedException", "KMSInvalidStateException", "ThrottlingException", "DisabledException"} {
		for patience, want := range map[time.Duration]error{10 * time.Second: nil, time.Nanosecond: keyring.ErrUnavailable} {
			t.Run(code+" for "+patience.String(), func(t *testing.T) {
				t.Parallel()
				const faults = 4
				keys, asked := faultyKMS(t, faults, code)
				handler := pairs.NewHandler(pairs.Config{Open: func(secret string) pairs.Store { return open(secret) }, KMS: keys, Now: time.Now, Patience: patience})
				secret := newSecret(t, "")
				_, data, err := handler.Handle(t.Context(), inKMS(cfn.RequestCreate, secret, "a", signs(t)))
				if !errors.Is(err, want) || (want == nil) != (data["PublicKey"] != nil) || want == nil && asked.Load() <= faults {
					t.Errorf("%v, %v", data, err)
				}
				if want != nil && !strings.Contains(err.Error(), code) {
					t.Errorf("it isn't said: %v", err)
				}
				if _, _, err := open(secret).Read(t.Context()); (want == nil) != (err == nil) {
					t.Errorf("the document: %v", err)
				}
			})
		}
	}
}

// counted counts the questions.
type counted struct {
	pairs.Keys
	n int
}

func (c *counted) PublicKey(ctx context.Context, key string) (crypto.PublicKey, error) {
	c.n++
	return c.Keys.PublicKey(ctx, key)
}

func TestAKeyThatCloudFrontWouldNotTakeIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key  string
		want error
	}{
		"another curve":       {newKey(t, types.KeySpecEccNistP384, types.KeyUsageTypeSignVerify), keyring.ErrUnsupportedKey},
		"another size":        {newKey(t, types.KeySpecRsa4096, types.KeyUsageTypeSignVerify), keyring.ErrUnsupportedKey},
		"a key that encrypts": {newKey(t, types.KeySpecRsa2048, types.KeyUsageTypeEncryptDecrypt), keyring.ErrUnsupportedKey},
		"a symmetric key":     {newKey(t, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt), keyring.ErrUnsupportedKey},
		"an alias":            {"arn:aws:kms:eu-central-1:123456789012:alias/signing", keyring.ErrDocument},
		"no ARN":              {"1234abcd-12ab-34cd-56ef-1234567890ab", keyring.ErrDocument},
	} {
		keys := &counted{Keys: awskeys.NewKMS(awskeys.KMSConfig{Endpoint: emulator, Credentials: anybody})}
		handler := pairs.NewHandler(pairs.Config{Open: func(secret string) pairs.Store { return open(secret) }, KMS: keys, Now: time.Now})
		secret := newSecret(t, "")
		if _, _, err := handler.Handle(t.Context(), inKMS(cfn.RequestCreate, secret, "a", c.key)); !errors.Is(err, c.want) || keys.n != 1 {
			t.Errorf("%s: asked %d times, %v", name, keys.n, err)
		}
		if _, _, err := open(secret).Read(t.Context()); !errors.Is(err, keyring.ErrNoDocument) {
			t.Errorf("%s: it was written: %v", name, err)
		}
	}
}
