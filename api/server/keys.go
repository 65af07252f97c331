package server

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/capability"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/signedurl"
)

// KeyStore is where the settings say that the signing keys are: a source of
// them, and what `signgate keys` changes.
type KeyStore interface {
	keyring.Source
	Read(ctx context.Context) (document *keyring.Document, revision string, err error)
	Write(ctx context.Context, document *keyring.Document, revision string) error
	Signer(ctx context.Context, slot keyring.Slot) (crypto.Signer, error)
}

// NewKeyStore makes it. Nobody is asked for anything yet. A client of nil is
// the SDK's own.
func NewKeyStore(signing settings.Signing, credentials aws.CredentialsProvider, client aws.HTTPClient) KeyStore {
	inKMS := awskeys.NewKMS(awskeys.KMSConfig{Endpoint: signing.KMSEndpoint, Credentials: credentials, HTTP: client})
	if signing.SigningSecret != "" {
		return awskeys.NewSecret(awskeys.SecretConfig{
			ID: signing.SigningSecret, Region: signing.Region, Endpoint: signing.SecretsEndpoint, Credentials: credentials, HTTP: client, Open: inKMS.Open,
		})
	}
	return keyring.NewFolder(signing.SigningKeys, signing.ActiveKeyID, inKMS.Open)
}

// keySetting is the setting that an error of the keys is about.
func keySetting(signing settings.Signing) string {
	if signing.SigningSecret != "" {
		return "signing-secret"
	}
	return "signing-keys"
}

// What secrets are derived for. A change of these texts ends every upload that
// is under way.
const (
	purposeStable = "signgate: ids of stable URLs"
	purposeSeal   = "signgate: ids of uploads"
)

// LongestCursorLife is how long the cursors of lists can be opened.
const LongestCursorLife = cursorLife

// signing is all that depends on the signing keys, of one time.
type signing struct {
	keys     *keyring.Keys
	signer   *signedurl.Signer
	verifier *signedurl.Verifier
	stable   []byte
	sealer   *capability.Sealer
}

// liveKeys is signing as it is now.
type liveKeys struct {
	settings  settings.Signing
	env       Environment
	reloading *keyring.Reloading
	current   atomic.Pointer[signing]
	onActive  func(keyID string, signer crypto.Signer) // hears of another active key
}

func newLiveKeys(ctx context.Context, settings settings.Signing, env Environment) (*liveKeys, error) {
	l := &liveKeys{settings: settings, env: env}
	var err error
	if l.reloading, err = keyring.NewReloading(ctx, NewKeyStore(settings, env.Credentials, env.aws), env.Now, l.accept); err != nil {
		return nil, fmt.Errorf("%s: %w", keySetting(settings), err)
	}
	return l, nil
}

// accept makes all that is needed of new keys, or refuses them.
func (l *liveKeys) accept(keys *keyring.Keys) error {
	active := keys.Ring.Active()
	hash := signedurl.Hash(l.settings.SigningHash)
	if _, inKMS := active.Signer.(*awskeys.KMSKey); inKMS && hash != signedurl.SHA256 {
		return fmt.Errorf("%w: signing-hash must be %s", awskeys.ErrDigest, signedurl.SHA256)
	}
	signer, err := signedurl.NewSigner(l.settings.CDNURL, active.ID, active.Signer, hash)
	if err != nil {
		return err
	}
	verifier, err := signedurl.NewVerifier(keys.Ring.PublicKeys(), l.env.Now)
	if err != nil {
		return err
	}
	stable, err := keys.Secrets(purposeStable)
	if err != nil {
		return err
	}
	sealing, err := keys.Secrets(purposeSeal)
	if err != nil {
		return err
	}
	sealer, err := capability.New(l.env.Now, sealing...)
	if err != nil {
		return err
	}
	if keys.Unusable != nil {
		l.env.Log.Error("a signing key that waits can't be used; let the gateway use it before it is made to sign", "error", keys.Unusable)
	}
	before := l.current.Swap(&signing{keys: keys, signer: signer, verifier: verifier, stable: stable[0], sealer: sealer})
	if before != nil && l.onActive != nil && before.keys.Ring.Active() != active {
		l.onActive(active.ID, active.Signer)
	}
	return nil
}

// refresh takes over changed keys.
func (l *liveKeys) refresh(ctx context.Context) {
	taken, err := l.reloading.Refresh(ctx)
	l.tell(ctx, taken, err)
}

func (l *liveKeys) tell(ctx context.Context, taken bool, err error) {
	switch {
	case err != nil:
		l.env.Log.ErrorContext(ctx, "the signing keys can't be looked at, or not be used; those from before go on", "error", err)
	case taken:
		l.env.Log.InfoContext(ctx, "changed signing keys are used now", "active", l.active().ID, "trusted", l.current.Load().keys.Ring.IDs())
	}
}

func (l *liveKeys) active() keyring.Key { return l.current.Load().keys.Ring.Active() }

// since is when the active key was made, as the document of keys says; zero
// where there is none.
func (l *liveKeys) since() time.Time {
	keys := l.current.Load().keys
	if keys.Document == nil {
		return time.Time{}
	}
	return keys.Document.Slots[keys.Document.Active].AddedAt
}

// thawed is how many intervals without a look mean that this process stood
// still, as a function does between its calls. Then the first call looks.
const (
	thawed      = 3
	thawTimeout = 3 * time.Second
)

// signer returns what signs now.
func (l *liveKeys) signer(ctx context.Context) Signer {
	l.lookAfterThaw(context.WithoutCancel(ctx))
	return heldSigner{l.current.Load().signer.WithContext(ctx), l.latest()}
}

func (l *liveKeys) lookAfterThaw(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, thawTimeout)
	defer cancel()
	if taken, err := l.reloading.RefreshAfter(ctx, thawed*l.settings.SigningRefresh); taken || err != nil {
		l.tell(ctx, taken, err)
	}
}

// latest is the latest expiry that may be signed: where nobody knows any more
// which key is active, lives end sooner, so that a key can be removed when
// the longest life and the grace are over since it was retired.
func (l *liveKeys) latest() time.Time {
	seen, _ := l.reloading.Seen()
	return seen.Add(l.settings.SigningGrace + l.settings.MaxReadLife)
}

// Explain is signedurl.Verifier's, with the keys as they are now.
func (l *liveKeys) Explain(viewer signedurl.Viewer) signedurl.Explanation {
	return l.current.Load().verifier.Explain(viewer)
}

// Seal is capability.Sealer's.
func (l *liveKeys) Seal(kind string, state any, expires time.Time) (string, error) {
	return l.current.Load().sealer.Seal(kind, state, expires)
}

// Open is capability.Sealer's.
func (l *liveKeys) Open(kind, token string, state any) (time.Time, error) {
	return l.current.Load().sealer.Open(kind, token, state)
}

func (l *liveKeys) stableKey() []byte { return l.current.Load().stable }

// probeWindow has the probe sign the same for so long: a key in KMS is paid
// by the signature.
const probeWindow = time.Minute

// ready signs a URL that opens nothing and verifies it, so that a key that
// stopped working is noticed. Where the source of the keys can't be reached,
// those known go on: that is degraded at first, and no longer ready when the
// grace is over. A key that waits and can't be used is degraded too.
func (l *liveKeys) ready(ctx context.Context) error {
	current := l.current.Load()
	key, err := objectkey.Parse("readyz")
	if err != nil {
		return err
	}
	expires := l.env.Now().Truncate(probeWindow).Add(2 * probeWindow)
	url, err := current.signer.WithContext(ctx).Sign(signedurl.Request{Key: key, IssueID: "readyz", Conditions: signedurl.Conditions{Expires: expires}})
	if err != nil {
		return err
	}
	active := current.keys.Ring.Active()
	verifier, err := signedurl.NewVerifier(map[string]crypto.PublicKey{active.ID: active.Signer.Public()}, l.env.Now)
	if err != nil {
		return err
	}
	if _, err := verifier.Verify(signedurl.Viewer{URL: url}); err != nil {
		return err
	}
	seen, failure := l.reloading.Seen()
	age := l.env.Now().Sub(seen)
	if failure == nil && age < thawed*l.settings.SigningRefresh {
		if unusable := current.keys.Unusable; unusable != nil {
			return fmt.Errorf("%w: a key that waits: %w", errDegraded, unusable)
		}
		return nil
	}
	failure = fmt.Errorf("%w: seen %s for the last time (%w)", keyring.ErrUnavailable, seen.UTC().Format(time.RFC3339), cmp.Or(failure, errSlow))
	if age < l.settings.SigningGrace {
		return fmt.Errorf("%w: %w", errDegraded, failure)
	}
	return failure
}

// errSlow says that a look at the keys takes long, and hasn't failed yet.
var errSlow = errors.New("no answer yet")

// errKeysUnseen says that a URL would outlive what is known of its key.
var errKeysUnseen = fmt.Errorf("%w: which of them is active has not been seen for too long to sign for so long a life", keyring.ErrUnavailable)

// heldSigner signs nothing that expires later than latest.
type heldSigner struct {
	*signedurl.Signer
	latest time.Time
}

func (h heldSigner) hold(conditions signedurl.Conditions) error {
	if conditions.Expires.After(h.latest) {
		return errKeysUnseen
	}
	return nil
}

// Sign is signedurl.Signer's.
func (h heldSigner) Sign(request signedurl.Request) (string, error) {
	if err := h.hold(request.Conditions); err != nil {
		return "", err
	}
	return h.Signer.Sign(request)
}

// SignPrefix is signedurl.Signer's.
func (h heldSigner) SignPrefix(request signedurl.PrefixRequest) (signedurl.PrefixGrant, error) {
	if err := h.hold(request.Conditions); err != nil {
		return signedurl.PrefixGrant{}, err
	}
	return h.Signer.SignPrefix(request)
}

// SignCookies is signedurl.Signer's.
func (h heldSigner) SignCookies(request signedurl.CookieRequest) ([]*http.Cookie, error) {
	if err := h.hold(request.Conditions); err != nil {
		return nil, err
	}
	return h.Signer.SignCookies(request)
}

var _ Signer = heldSigner{}
