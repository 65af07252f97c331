package signedurl_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

// The tests of this file have OpenSSL judge: it verifies what we sign and
// signs what we verify, over bytes written out here by hand from CloudFront's
// documentation rather than built by our code.

const (
	resource = base + "/users/alice/a.png?sg-id=" + issueID
	policy   = `{"Statement":[{"Resource":"` + resource + `","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`
)

func openssl(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("this test needs the openssl command: install OpenSSL")
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// digestFlag is OpenSSL's name of a hash.
func digestFlag(hash signedurl.Hash) string { return "-" + strings.ToLower(string(hash)) }

func TestOpenSSLVerifiesWhatWeSign(t *testing.T) {
	for name, test := range combinations {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			key := generate(t, test.algorithm)
			url := signed(t, newSigner(t, key, test.hash))
			_, rest, _ := strings.Cut(url, "&Signature=")
			encoded, _, _ := strings.Cut(rest, "&")
			signature, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(encoded))
			if err != nil {
				t.Fatal(err)
			}
			public, err := keyring.MarshalPublicPEM(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			openssl(t, "dgst", digestFlag(test.hash),
				"-verify", write(t, filepath.Join(dir, "public.pem"), public),
				"-signature", write(t, filepath.Join(dir, "signature"), signature),
				write(t, filepath.Join(dir, "policy.json"), []byte(policy)))
		})
	}
}

func TestWeVerifyWhatOpenSSLSigns(t *testing.T) {
	for name, test := range combinations {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			key := generate(t, test.algorithm)
			private, err := keyring.MarshalPrivatePEM(key)
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, "signature")
			openssl(t, "dgst", digestFlag(test.hash),
				"-sign", write(t, filepath.Join(dir, "private.pem"), private), "-out", out,
				write(t, filepath.Join(dir, "policy.json"), []byte(policy)))
			signature, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			encoded := strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString(signature))
			verifier := newVerifier(t, key, start)
			for form, url := range map[string]string{
				"as our signer orders it": fmt.Sprintf("%s&Expires=1795262460&Signature=%s&Key-Pair-Id=%s&Hash-Algorithm=%s", resource, encoded, keyID, test.hash),
				"as AWS's JavaScript":     fmt.Sprintf("%s&Hash-Algorithm=%s&Expires=1795262460&Key-Pair-Id=%s&Signature=%s", resource, test.hash, keyID, encoded),
				"without padding":         fmt.Sprintf("%s&Expires=1795262460&Signature=%s&Key-Pair-Id=%s&Hash-Algorithm=%s", resource, strings.TrimRight(encoded, "_"), keyID, test.hash),
				"percent-encoded":         fmt.Sprintf("%s&Expires=1795262460&Signature=%s&Key-Pair-Id=%s&Hash-Algorithm=%s", resource, strings.ReplaceAll(encoded, "~", "%7E"), keyID, test.hash),
			} {
				if _, err := verifier.Verify(signedurl.Viewer{URL: url}); err != nil {
					t.Errorf("%s: %v", form, err)
				}
			}
		})
	}
}
