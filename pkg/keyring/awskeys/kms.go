package awskeys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/signgate/signgate/pkg/keyring"
)

var (
	// ErrDigest is wrapped where a key in KMS can't sign what it is given: KMS
	// signs nothing by SHA-1 (AWS KMS Developer Guide, "Key spec reference").
	ErrDigest = errors.New("a key in KMS signs SHA-256 digests only")
	// ErrMismatch is wrapped where KMS has another key than the one that
	// CloudFront knows.
	ErrMismatch = errors.New("the key in KMS is not the one that was configured")
)

// What bounds calls of KMS where KMSConfig doesn't say otherwise.
const (
	DefaultTimeout    = 2 * time.Second
	DefaultAtOnce     = 32
	DefaultRemembered = 20000
)

// KMSConfig says how KMS is reached.
type KMSConfig struct {
	Endpoint    string // empty for AWS itself
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient // nil for the SDK's own
	Timeout     time.Duration  // of a call with all its retries, and of waiting for it; 0: DefaultTimeout
	AtOnce      int            // calls to sign at most; 0: DefaultAtOnce
	Remembered  int            // signatures of each key that are kept; 0: DefaultRemembered
}

// KMS opens keys in KMS. It is safe for concurrent use.
type KMS struct {
	config KMSConfig
	turns  chan struct{}

	mu     sync.Mutex
	opened map[string]*KMSKey // by ARN and public half
}

// NewKMS makes an opener of keys. It asks nobody.
func NewKMS(config KMSConfig) *KMS {
	config.Timeout = orDefault(config.Timeout, DefaultTimeout)
	config.AtOnce = orDefault(config.AtOnce, DefaultAtOnce)
	config.Remembered = orDefault(config.Remembered, DefaultRemembered)
	return &KMS{config: config, turns: make(chan struct{}, config.AtOnce), opened: map[string]*KMSKey{}}
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// Open is a keyring.Opener: it returns the key of a slot, after KMS has said
// that it signs and has the very public half that the slot names. A retired
// key isn't asked for: nobody signs with it. Errors wrap ErrMismatch,
// keyring.ErrUnsupportedKey or keyring.ErrUnavailable.
func (k *KMS) Open(ctx context.Context, slot keyring.Slot) (crypto.Signer, error) {
	if err := keyring.CheckKMSKey(slot.KMSKey); err != nil {
		return nil, err
	}
	public, err := keyring.ParsePublicPEM([]byte(slot.PublicKey))
	if err != nil {
		return nil, err
	}
	id := slot.KMSKey + " " + slot.PublicKey
	k.mu.Lock()
	known := k.opened[id]
	k.mu.Unlock()
	if known != nil {
		return known, nil
	}
	key, err := k.newKey(slot.KMSKey, public)
	if err != nil {
		return nil, err
	}
	if !slot.RetiredAt.IsZero() {
		return key, nil // and ask when it is active again
	}
	if err := key.confirm(ctx); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened[id] = key
	return key, nil
}

// KMSKey is one key in KMS. It is a crypto.Signer, safe for concurrent use.
type KMSKey struct {
	client    *kms.Client
	arn       string
	public    crypto.PublicKey
	algorithm types.SigningAlgorithmSpec
	timeout   time.Duration
	turns     chan struct{}
	known     *lru.Cache[[sha256.Size]byte, []byte] // signatures by digest
	calls     singleflight.Group
}

func (k *KMS) newKey(keyARN string, public crypto.PublicKey) (*KMSKey, error) {
	parsed, err := arn.Parse(keyARN)
	if err != nil {
		return nil, fmt.Errorf("%w: kmsKey", keyring.ErrDocument)
	}
	known, err := lru.New[[sha256.Size]byte, []byte](k.config.Remembered)
	if err != nil {
		return nil, err
	}
	key := &KMSKey{arn: keyARN, public: public, timeout: k.config.Timeout, turns: k.turns, known: known}
	switch public.(type) {
	case *ecdsa.PublicKey:
		key.algorithm = types.SigningAlgorithmSpecEcdsaSha256
	case *rsa.PublicKey:
		key.algorithm = types.SigningAlgorithmSpecRsassaPkcs1V15Sha256
	}
	key.client = kms.New(kms.Options{Region: parsed.Region, Credentials: k.config.Credentials}, func(o *kms.Options) {
		o.Retryer = retryer()
		if k.config.Endpoint != "" {
			o.BaseEndpoint = aws.String(k.config.Endpoint)
		}
		if k.config.HTTP != nil {
			o.HTTPClient = k.config.HTTP
		}
	})
	return key, nil
}

// PublicKey asks KMS for the public half of a key, where it is one that signs
// what CloudFront takes. Errors wrap keyring.ErrDocument where the ARN is none
// of a key, keyring.ErrUnsupportedKey or keyring.ErrUnavailable.
func (k *KMS) PublicKey(ctx context.Context, keyARN string) (crypto.PublicKey, error) {
	if err := keyring.CheckKMSKey(keyARN); err != nil {
		return nil, err
	}
	key, err := k.newKey(keyARN, nil)
	if err != nil {
		return nil, err
	}
	return key.read(ctx)
}

// confirm asks KMS whether the key is what it has to be.
func (k *KMSKey) confirm(ctx context.Context) error {
	public, err := k.read(ctx)
	if err != nil {
		return err
	}
	if same, ok := public.(interface {
		Equal(other crypto.PublicKey) bool
	}); !ok || !same.Equal(k.public) {
		return fmt.Errorf("%w: its public half is not the slot's publicKey", ErrMismatch)
	}
	return nil
}

// read is the public half that KMS has.
func (k *KMSKey) read(ctx context.Context) (crypto.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	answer, err := k.client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: aws.String(k.arn)})
	if unfit, ok := errors.AsType[*types.UnsupportedOperationException](err); ok { // a symmetric key
		return nil, fmt.Errorf("%w: KMS has no public half of it: %s", keyring.ErrUnsupportedKey, unfit.ErrorMessage())
	}
	if err != nil {
		return nil, failure("KMS", "GetPublicKey", err)
	}
	if answer.KeyUsage != types.KeyUsageTypeSignVerify {
		return nil, fmt.Errorf("%w: the key in KMS is for %s; it must be for %s", keyring.ErrUnsupportedKey, answer.KeyUsage, types.KeyUsageTypeSignVerify)
	}
	public, err := x509.ParsePKIXPublicKey(answer.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%w: KMS has a key of the kind %s; CloudFront takes ECC_NIST_P256 and RSA_2048", keyring.ErrUnsupportedKey, answer.KeySpec)
	}
	if err := keyring.CheckPublic(public); err != nil {
		return nil, fmt.Errorf("the key in KMS: %w", err)
	}
	return public, nil
}

// Public returns the public half.
func (k *KMSKey) Public() crypto.PublicKey { return k.public }

// Parallel is how many calls to sign are under way at a time at most, of all
// keys together.
func (k *KMSKey) Parallel() int { return cap(k.turns) }

// Sign is SignContext for nobody in particular.
func (k *KMSKey) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, options)
}

// SignContext signs a SHA-256 digest: ECDSA as ASN.1 DER, or RSA by PKCS #1
// v1.5. The same digest gets the same signature as long as that is remembered.
// The wait for it ends with ctx; the call goes on for those who wait with it.
// Errors wrap ErrDigest or keyring.ErrUnavailable.
func (k *KMSKey) SignContext(ctx context.Context, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if _, pss := options.(*rsa.PSSOptions); pss || options == nil || options.HashFunc() != crypto.SHA256 || len(digest) != sha256.Size {
		return nil, ErrDigest
	}
	wanted := [sha256.Size]byte(digest)
	if signature, ok := k.known.Get(wanted); ok {
		return bytes.Clone(signature), nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: KMS isn't asked any more: %w", keyring.ErrUnavailable, err)
	}
	asked := k.calls.DoChan(string(digest), func() (made any, err error) {
		defer func() {
			if cause := recover(); cause != nil { // nobody else could: it would end the process
				err = fmt.Errorf("sign in KMS: panic: %v\n%s", cause, debug.Stack())
			}
		}()
		signature, err := k.ask(context.WithoutCancel(ctx), wanted[:])
		if err == nil {
			k.known.Add(wanted, signature)
		}
		return signature, err
	})
	select {
	case made := <-asked:
		signature, _ := made.Val.([]byte)
		return bytes.Clone(signature), made.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: KMS hasn't signed yet: %w", keyring.ErrUnavailable, ctx.Err())
	}
}

// ask has KMS sign, when it is its turn.
func (k *KMSKey) ask(ctx context.Context, digest []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	select {
	case k.turns <- struct{}{}:
		defer func() { <-k.turns }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %d calls of KMS are under way already", keyring.ErrUnavailable, cap(k.turns))
	}
	answer, err := k.client.Sign(ctx, &kms.SignInput{
		KeyId: aws.String(k.arn), Message: digest, MessageType: types.MessageTypeDigest, SigningAlgorithm: k.algorithm,
	})
	if err != nil {
		return nil, failure("KMS", "Sign", err)
	}
	if !k.fits(digest, answer.Signature) {
		return nil, fmt.Errorf("%w: %w: its signature doesn't fit", keyring.ErrUnavailable, ErrMismatch)
	}
	return answer.Signature, nil
}

// fits keeps what no edge would take from being handed out.
func (k *KMSKey) fits(digest, signature []byte) bool {
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(public, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, signature) == nil
	}
	return false
}
