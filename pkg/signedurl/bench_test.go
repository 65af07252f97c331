package signedurl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

// BenchmarkSign is a whole signed URL; BenchmarkRawSignature is what its
// signature alone costs.
func BenchmarkSign(b *testing.B) {
	for _, algorithm := range []keyring.Algorithm{keyring.P256, keyring.RSA2048} {
		b.Run(string(algorithm), func(b *testing.B) {
			signer := newSigner(b, generate(b, algorithm), signedurl.SHA256)
			b.ReportAllocs()
			for b.Loop() {
				signed(b, signer)
			}
		})
	}
}

func BenchmarkRawSignature(b *testing.B) {
	for _, algorithm := range []keyring.Algorithm{keyring.P256, keyring.RSA2048} {
		b.Run(string(algorithm), func(b *testing.B) {
			key, digest := generate(b, algorithm), sha256.Sum256([]byte("policy"))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []keyring.Algorithm{keyring.P256, keyring.RSA2048} {
		b.Run(string(algorithm), func(b *testing.B) {
			key := generate(b, algorithm)
			url, verifier := signed(b, newSigner(b, key, signedurl.SHA256)), newVerifier(b, key, start)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(signedurl.Viewer{URL: url}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
