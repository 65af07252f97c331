package keyring

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// Algorithm is a kind of key that CloudFront takes.
type Algorithm string

// The kinds of key, P-256 being the default: it signs some thirty times
// faster than RSA-2048 and its signatures are a third as long.
const (
	P256    Algorithm = "P-256"
	RSA2048 Algorithm = "RSA-2048"
)

// Generate makes a new private key. The error wraps ErrUnsupportedKey for an
// algorithm that CloudFront doesn't take.
func Generate(algorithm Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return nil, fmt.Errorf("%w: algorithm %q", ErrUnsupportedKey, algorithm)
	}
}

// ParsePrivatePEM reads one private key from PEM: PKCS#8 ("PRIVATE KEY"),
// PKCS#1 ("RSA PRIVATE KEY") or SEC1 ("EC PRIVATE KEY", with or without the
// "EC PARAMETERS" that OpenSSL puts before it). Errors wrap ErrPEM or
// ErrUnsupportedKey and hold nothing of the file's content.
func ParsePrivatePEM(data []byte) (crypto.Signer, error) {
	block, err := onlyBlock(data)
	if err != nil {
		return nil, err
	}
	parsed, err := parsePrivate(block)
	if err != nil {
		return nil, err
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: %T can't sign", ErrUnsupportedKey, parsed)
	}
	if err := CheckPublic(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

// onlyBlock returns the one block of the file that is not "EC PARAMETERS".
func onlyBlock(data []byte) (*pem.Block, error) {
	var only *pem.Block
	rest := data
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type == "EC PARAMETERS" {
			continue
		}
		if only != nil {
			return nil, fmt.Errorf("%w: it holds more than one block; keep one key in a file", ErrPEM)
		}
		only = block
	}
	if only == nil {
		return nil, fmt.Errorf("%w: no PEM block found", ErrPEM)
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, fmt.Errorf("%w: something follows the key", ErrPEM)
	}
	return only, nil
}

func parsePrivate(block *pem.Block) (any, error) {
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, fmt.Errorf("%w: it is encrypted; decrypt it first", ErrPEM)
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("%w: it is encrypted; decrypt it first", ErrPEM)
	case "PUBLIC KEY":
		return nil, fmt.Errorf("%w: it is the public half; the private half is needed to sign", ErrPEM)
	default:
		return nil, fmt.Errorf("%w: block of type %q is not a private key", ErrPEM, block.Type)
	}
	if err != nil {
		// The cause is dropped: x509's errors may quote what they could not read.
		return nil, fmt.Errorf("%w: the %s block is damaged", ErrPEM, block.Type)
	}
	return key, nil
}

// ParsePublicPEM reads one public key from PEM ("PUBLIC KEY", the form in
// which CloudFront takes and shows it). Errors wrap ErrPEM or
// ErrUnsupportedKey.
func ParsePublicPEM(data []byte) (crypto.PublicKey, error) {
	block, err := onlyBlock(data)
	if err != nil {
		return nil, err
	}
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%w: block of type %q is not a public key", ErrPEM, block.Type)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: the public key is damaged", ErrPEM)
	}
	if err := CheckPublic(public); err != nil {
		return nil, err
	}
	return public, nil
}

// MarshalPrivatePEM writes a private key as PKCS#8, the form that
// ParsePrivatePEM and OpenSSL read back.
func MarshalPrivatePEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %T", ErrUnsupportedKey, key)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// MarshalPublicPEM writes a public key in the form in which CloudFront takes it.
func MarshalPublicPEM(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %T", ErrUnsupportedKey, key)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
