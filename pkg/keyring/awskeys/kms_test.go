package awskeys_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

func publicPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func verifies(public crypto.PublicKey, digest, signature []byte) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	}
	return false
}

func open(t testing.TB, from *awskeys.KMS, slot keyring.Slot) crypto.Signer {
	t.Helper()
	signer, err := from.Open(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestAKeyInKMSSignsWhatADistributionTakes(t *testing.T) {
	for _, spec := range []types.KeySpec{types.KeySpecEccNistP256, types.KeySpecRsa2048} {
		key := open(t, newFaulty(t).kms(), kmsKey(t, spec, types.KeyUsageTypeSignVerify))
		signer, err := signedurl.NewSigner("https://cdn.example.com", "KINKMS0001", key, signedurl.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		object, err := objectkey.Parse("a.png")
		if err != nil {
			t.Fatal(err)
		}
		url, err := signer.Sign(signedurl.Request{Key: object, IssueID: "one", Conditions: signedurl.Conditions{Expires: time.Now().Add(time.Hour)}})
		if err != nil {
			t.Fatalf("%s: %v", spec, err)
		}
		verifier, err := signedurl.NewVerifier(map[string]crypto.PublicKey{"KINKMS0001": key.Public()}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifier.Verify(signedurl.Viewer{URL: url}); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// ECDSA in KMS signs otherwise each time, and each time costs.
func TestTheSameGrantIsSignedOnceHoweverManyAsk(t *testing.T) {
	f := newFaulty(t)
	key := open(t, f.kms(), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify))
	digest := sha256.Sum256([]byte("a policy"))
	signatures := make([][]byte, 20)
	var all sync.WaitGroup
	for i := range signatures {
		all.Go(func() { signatures[i], _ = key.Sign(nil, digest[:], crypto.SHA256) })
	}
	all.Wait()
	for _, signature := range signatures {
		if !bytes.Equal(signature, signatures[0]) || !verifies(key.Public(), digest[:], signature) {
			t.Fatal("signatures differ or don't fit")
		}
	}
	for _, signature := range signatures[:len(signatures)-1] {
		signature[0] ^= 1 // what was handed out is the caller's
	}
	known, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	known[0] ^= 1
	again, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil || !bytes.Equal(again, signatures[len(signatures)-1]) || f.count("Sign") != 1 {
		t.Errorf("%v, %d calls", err, f.count("Sign"))
	}
	other := sha256.Sum256([]byte("another policy"))
	if _, err := key.Sign(nil, other[:], crypto.SHA256); err != nil || f.count("Sign") != 2 {
		t.Errorf("another policy: %v, %d calls", err, f.count("Sign"))
	}
}

func TestOnlySoManySignaturesAreRemembered(t *testing.T) {
	f := newFaulty(t)
	key := open(t, awskeys.NewKMS(awskeys.KMSConfig{Endpoint: f.URL, Credentials: anybody, Remembered: 2}), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify))
	for _, policy := range []string{"a", "b", "c", "a"} {
		digest := sha256.Sum256([]byte(policy))
		if _, err := key.Sign(nil, digest[:], crypto.SHA256); err != nil {
			t.Fatal(err)
		}
	}
	if f.count("Sign") != 4 {
		t.Errorf("%d calls", f.count("Sign"))
	}
}

func TestKMSIsAskedForNothingThatItCannotSign(t *testing.T) {
	f := newFaulty(t)
	key := open(t, f.kms(), kmsKey(t, types.KeySpecRsa2048, types.KeyUsageTypeSignVerify))
	digest := sha256.Sum256(nil)
	for name, test := range map[string]struct {
		digest  []byte
		options crypto.SignerOpts
	}{
		"SHA-1": {digest[:20], crypto.SHA1}, "a digest cut off": {digest[:20], crypto.SHA256}, "no hash": {digest[:], crypto.Hash(0)},
		"nothing said": {digest[:], nil}, "PSS": {digest[:], &rsa.PSSOptions{Hash: crypto.SHA256}},
	} {
		if _, err := key.Sign(nil, test.digest, test.options); !errors.Is(err, awskeys.ErrDigest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.count("Sign") != 0 {
		t.Errorf("%d calls", f.count("Sign"))
	}
}

func TestAKeyThatCloudFrontWouldNotTakeIsRefusedBeforeItSigns(t *testing.T) {
	good, other := kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	withPublic := func(slot keyring.Slot) keyring.Slot { slot.PublicKey = good.PublicKey; return slot }
	for name, test := range map[string]struct {
		slot keyring.Slot
		want error
	}{
		"another curve":            {withPublic(kmsKey(t, types.KeySpecEccNistP384, types.KeyUsageTypeSignVerify)), keyring.ErrUnsupportedKey},
		"a curve of its own":       {withPublic(kmsKey(t, types.KeySpecEccSecgP256k1, types.KeyUsageTypeSignVerify)), keyring.ErrUnsupportedKey},
		"another size":             {withPublic(kmsKey(t, types.KeySpecRsa3072, types.KeyUsageTypeSignVerify)), keyring.ErrUnsupportedKey},
		"a key that encrypts":      {withPublic(kmsKey(t, types.KeySpecRsa2048, types.KeyUsageTypeEncryptDecrypt)), keyring.ErrUnsupportedKey},
		"a symmetric key":          {withPublic(kmsKey(t, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt)), keyring.ErrUnsupportedKey},
		"another key of its kind":  {withPublic(other), awskeys.ErrMismatch},
		"a key that isn't there":   {withPublic(keyring.Slot{KMSKey: good.KMSKey[:len(good.KMSKey)-4] + "0000"}), keyring.ErrUnavailable},
		"an alias":                 {withPublic(keyring.Slot{KMSKey: "alias/signing"}), keyring.ErrDocument},
		"no public half to expect": {keyring.Slot{KMSKey: good.KMSKey}, keyring.ErrPEM},
	} {
		f := newFaulty(t)
		if _, err := f.kms().Open(t.Context(), test.slot); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		ownFault := errors.Is(test.want, awskeys.ErrMismatch) || errors.Is(test.want, keyring.ErrPEM) // the slot's, and not the key's
		if _, err := f.kms().PublicKey(t.Context(), test.slot.KMSKey); !ownFault && !errors.Is(err, test.want) || ownFault && err != nil {
			t.Errorf("%s: its public half: %v", name, err)
		}
		if f.count("Sign") != 0 {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestAKeyTellsItsPublicHalf(t *testing.T) {
	f := newFaulty(t)
	for _, spec := range []types.KeySpec{types.KeySpecEccNistP256, types.KeySpecRsa2048} {
		slot := kmsKey(t, spec, types.KeyUsageTypeSignVerify)
		public, err := f.kms().PublicKey(t.Context(), slot.KMSKey)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := keyring.MarshalPublicPEM(public); err != nil || string(text) != slot.PublicKey {
			t.Errorf("%s: %s, %v", spec, text, err)
		}
	}
	f.inject(refuse(http.StatusBadRequest, "UnsupportedOperationException")) // what KMS says of a symmetric key, and moto doesn't
	if _, err := f.kms().PublicKey(t.Context(), kmsKey(t, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt).KMSKey); !errors.Is(err, keyring.ErrUnsupportedKey) {
		t.Errorf("a key without one: %v", err)
	}
}

func TestAKeyIsLookedAtOnceAndARetiredOneNever(t *testing.T) {
	f := newFaulty(t)
	from := f.kms()
	slot := kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	if open(t, from, slot) != open(t, from, slot) || f.count("GetPublicKey") != 1 {
		t.Errorf("%d calls", f.count("GetPublicKey"))
	}
	f.inject(refuse(http.StatusBadRequest, "KMSInvalidStateException"))
	retired := kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	retired.RetiredAt = time.Now()
	open(t, from, retired)
	retired.RetiredAt = time.Time{}
	if _, err := from.Open(t.Context(), retired); !errors.Is(err, keyring.ErrUnavailable) {
		t.Errorf("a key that is to sign again: %v", err)
	}
}

// faults are what AWS answers where it doesn't answer well.
func faults() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"throttled":           refuse(http.StatusBadRequest, "ThrottlingException"),
		"hanging":             hang,
		"broken":              refuse(http.StatusInternalServerError, "InternalFailure"),
		"expired credentials": refuse(http.StatusBadRequest, "ExpiredTokenException"),
		"forbidden":           refuse(http.StatusBadRequest, "AccessDeniedException"),
		"not AWS":             func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>") },
	}
}

func TestWhateverKMSAnswersNothingWrongIsHandedOutAndNobodyWaitsLong(t *testing.T) {
	for name, fault := range faults() {
		f := newFaulty(t)
		slot := kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
		key := open(t, f.kms(), slot)
		known, fresh := sha256.Sum256([]byte("known")), sha256.Sum256([]byte("fresh"))
		if _, err := key.Sign(nil, known[:], crypto.SHA256); err != nil {
			t.Fatal(err)
		}
		f.inject(fault)
		if _, err := key.Sign(nil, known[:], crypto.SHA256); err != nil {
			t.Errorf("%s: what was signed before: %v", name, err)
		}
		_, err := key.Sign(nil, fresh[:], crypto.SHA256)
		if !errors.Is(err, keyring.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		mustTellNothing(t, err)
		if _, err := f.kms().Open(t.Context(), slot); !errors.Is(err, keyring.ErrUnavailable) && !errors.Is(err, keyring.ErrUnsupportedKey) {
			t.Errorf("%s, at start: %v", name, err)
		}
		f.inject(nil)
		if _, err := key.Sign(nil, fresh[:], crypto.SHA256); err != nil {
			t.Errorf("%s, after it is over: %v", name, err)
		}
	}
}

func mustTellNothing(t testing.TB, err error) {
	t.Helper()
	for _, secret := range []string{"hidden-secret", "hidden-session", "Signature=", "PRIVATE"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %s: %v", secret, err)
		}
	}
}

// A throttled call is tried again before anybody hears of it.
func TestAThrottledCallIsTriedAgain(t *testing.T) {
	f := newFaulty(t)
	key := open(t, awskeys.NewKMS(awskeys.KMSConfig{Endpoint: f.URL, Credentials: anybody, Timeout: 20 * time.Second}), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify))
	f.inject(func(w http.ResponseWriter, r *http.Request) {
		f.inject(nil)
		refuse(http.StatusBadRequest, "ThrottlingException")(w, r)
	})
	digest := sha256.Sum256(nil)
	if _, err := key.Sign(nil, digest[:], crypto.SHA256); err != nil || f.count("Sign") != 2 {
		t.Errorf("%v, %d calls", err, f.count("Sign"))
	}
}

func TestNoMoreCallsAreUnderWayThanAllowed(t *testing.T) {
	const atOnce, asked = 3, 10
	f := newFaulty(t)
	key := open(t, awskeys.NewKMS(awskeys.KMSConfig{Endpoint: f.URL, Credentials: anybody, Timeout: 20 * time.Second, AtOnce: atOnce}), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify))
	var underWay atomic.Int64
	arrived, release := make(chan int64, asked), make(chan struct{})
	f.inject(func(w http.ResponseWriter, r *http.Request) {
		arrived <- underWay.Add(1)
		<-release
		underWay.Add(-1) // before the caller hears of it and lets the next one go
		refuse(http.StatusBadRequest, "AccessDeniedException")(w, r)
	})
	var all sync.WaitGroup
	for i := range asked {
		all.Go(func() {
			digest := sha256.Sum256([]byte{byte(i)})
			if _, err := key.Sign(nil, digest[:], crypto.SHA256); err == nil {
				t.Error("what was refused is a signature")
			}
		})
	}
	most := int64(0)
	for range atOnce {
		most = max(most, <-arrived)
	}
	for range asked {
		release <- struct{}{}
	}
	all.Wait()
	close(arrived)
	for now := range arrived {
		most = max(most, now)
	}
	if most != atOnce || f.count("Sign") != asked {
		t.Errorf("%d calls at once, %d in all", most, f.count("Sign"))
	}
}

// What KMS signs by another key, or damages, would be a URL that no edge takes.
func TestASignatureThatDoesNotFitIsNotHandedOut(t *testing.T) {
	f := newFaulty(t)
	key := open(t, f.kms(), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify))
	digest := sha256.Sum256(nil)
	other, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	f.inject(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = fmt.Fprintf(w, `{"Signature":%q}`, base64.StdEncoding.EncodeToString(foreign))
	})
	if _, err := key.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, keyring.ErrUnavailable) || !errors.Is(err, awskeys.ErrMismatch) {
		t.Error(err)
	}
}

// Whoever gives up waits no longer, and takes nothing from those who wait for
// the same signature.
func TestAWaitForKMSEndsWithItsContextAlone(t *testing.T) {
	f := newFaulty(t)
	key, ok := open(t, awskeys.NewKMS(awskeys.KMSConfig{Endpoint: f.URL, Credentials: anybody, Timeout: 20 * time.Second}), kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)).(*awskeys.KMSKey)
	if !ok {
		t.Fatal("another key")
	}
	digest := sha256.Sum256(nil)
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	f.inject(func(w http.ResponseWriter, r *http.Request) {
		f.inject(nil)
		arrived <- struct{}{}
		<-release
		refuse(http.StatusBadRequest, "ThrottlingException")(w, r) // and tried again
	})
	impatient, giveUp := context.WithCancel(t.Context())
	gone, patient := make(chan error), make(chan error)
	go func() {
		_, err := key.SignContext(impatient, digest[:], crypto.SHA256)
		gone <- err
	}()
	<-arrived
	go func() {
		_, err := key.SignContext(t.Context(), digest[:], crypto.SHA256)
		patient <- err
	}()
	giveUp()
	if err := <-gone; !errors.Is(err, keyring.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("whoever gave up: %v", err)
	}
	close(release)
	if err := <-patient; err != nil {
		t.Errorf("whoever waits: %v", err)
	}
	asked := f.count("Sign")
	if _, err := key.SignContext(impatient, []byte(strings.Repeat("x", sha256.Size)), crypto.SHA256); !errors.Is(err, keyring.ErrUnavailable) || f.count("Sign") != asked {
		t.Errorf("KMS is asked for whoever is gone: %v", err)
	}
	if key.Parallel() != awskeys.DefaultAtOnce {
		t.Errorf("%d at once", key.Parallel())
	}
}

// panicking breaks where KMS is to sign.
type panicking struct{ next http.RoundTripper }

func (p panicking) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Sign") {
		panic("hunter2")
	}
	return p.next.RoundTrip(r)
}

// The call goes on beyond its caller's reach, and ends no process.
func TestAPanicWhileKMSSignsIsAnError(t *testing.T) {
	slot := kmsKey(t, types.KeySpecEccNistP256, types.KeyUsageTypeSignVerify)
	key := open(t, awskeys.NewKMS(awskeys.KMSConfig{Endpoint: newFaulty(t).URL, Credentials: anybody, HTTP: panicking{http.DefaultTransport}}), slot)
	for range 2 { // it isn't stuck either
		digest := sha256.Sum256([]byte("a"))
		if signature, err := key.Sign(nil, digest[:], crypto.SHA256); err == nil || len(signature) > 0 || !strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%x, %v", signature, err)
		}
	}
}
