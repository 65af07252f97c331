package keyring_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/keyring"
)

func generate(t testing.TB, algorithm keyring.Algorithm) crypto.Signer {
	t.Helper()
	signer, err := keyring.Generate(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestRingSignsWithTheActiveKeyAndTrustsAll(t *testing.T) {
	active, retiring := generate(t, keyring.P256), generate(t, keyring.RSA2048)
	ring, err := keyring.New("KACTIVE01", keyring.Key{ID: "KRETIRING1", Signer: retiring}, keyring.Key{ID: "KACTIVE01", Signer: active})
	if err != nil {
		t.Fatal(err)
	}
	if got := ring.Active(); got.ID != "KACTIVE01" || got.Signer != active {
		t.Errorf("Active() = %v", got.ID)
	}
	if got := strings.Join(ring.IDs(), " "); got != "KACTIVE01 KRETIRING1" {
		t.Errorf("IDs() = %s", got)
	}
	if public := ring.PublicKeys(); public["KACTIVE01"] != active.Public() || public["KRETIRING1"] != retiring.Public() {
		t.Errorf("PublicKeys() = %v", public)
	}
}

func TestNewRefusesARingThatCouldNotSign(t *testing.T) {
	good := generate(t, keyring.P256)
	rsa3072, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		active string
		keys   []keyring.Key
		want   error
	}{
		"no keys":        {"KACTIVE01", nil, keyring.ErrNoActiveKey},
		"active missing": {"KACTIVE01", []keyring.Key{{ID: "KOTHER001", Signer: good}}, keyring.ErrNoActiveKey},
		"active empty":   {"", []keyring.Key{{ID: "KOTHER001", Signer: good}}, keyring.ErrKeyID},
		"two of one id":  {"KACTIVE01", []keyring.Key{{ID: "KACTIVE01", Signer: good}, {ID: "KACTIVE01", Signer: good}}, keyring.ErrKeyID},
		"nil signer":     {"KACTIVE01", []keyring.Key{{ID: "KACTIVE01"}}, keyring.ErrUnsupportedKey},
		"RSA-3072":       {"KACTIVE01", []keyring.Key{{ID: "KACTIVE01", Signer: rsa3072}}, keyring.ErrUnsupportedKey},
		"P-384":          {"KACTIVE01", []keyring.Key{{ID: "KACTIVE01", Signer: p384}}, keyring.ErrUnsupportedKey},
		"Ed25519":        {"KACTIVE01", []keyring.Key{{ID: "KACTIVE01", Signer: ed}}, keyring.ErrUnsupportedKey},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := keyring.New(test.active, test.keys...); !errors.Is(err, test.want) {
				t.Errorf("New = %v, want %v", err, test.want)
			}
		})
	}
}

func TestCheckIDRefusesTheUsualMistakesWithoutRepeatingThem(t *testing.T) {
	for _, id := range []string{"K2JCJMDEHXQW5F", "APKA0123456789ABCDEF", "KLOCAL01"} {
		if err := keyring.CheckID(id); err != nil {
			t.Errorf("CheckID(%q): %v", id, err)
		}
	}
	for name, id := range map[string]string{
		"empty":             "",
		"IAM access key":    "AKIA" + "IOSFODNN7EXAMPLE",
		"session key":       "ASIA" + "IOSFODNN7EXAMPLE",
		"PEM":               "-----BEGIN PUBLIC KEY-----\nMIIB",
		"lower case":        "k2jcjmdehxqw5f",
		"another beginning": "E2JCJMDEHXQW5F",
		"ampersand":         "K2JCJMDE&Policy=x",
		"too short":         "K2",
		"too long":          "K" + strings.Repeat("A", 64),
		"undefined":         "undefined",
	} {
		err := keyring.CheckID(id)
		if !errors.Is(err, keyring.ErrKeyID) {
			t.Errorf("%s: CheckID = %v, want ErrKeyID", name, err)
			continue
		}
		if len(id) > 4 && strings.Contains(err.Error(), id) {
			t.Errorf("%s: the error repeats what was given: %v", name, err)
		}
	}
}

// TestReadsEveryFormThatOpenSSLWrites has OpenSSL, not us, write the keys.
func TestReadsEveryFormThatOpenSSLWrites(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("this test needs the openssl command: install OpenSSL")
	}
	for name, args := range map[string][]string{
		"PKCS#8 RSA":              {"genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"PKCS#1 RSA":              {"genrsa", "-traditional", "2048"},
		"PKCS#8 EC":               {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"SEC1 EC with parameters": {"ecparam", "-name", "prime256v1", "-genkey"},
		"SEC1 EC":                 {"ecparam", "-name", "prime256v1", "-genkey", "-noout"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), openssl, args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			signer, err := keyring.ParsePrivatePEM(out)
			if err != nil {
				t.Fatal(err)
			}
			pubCommand := exec.CommandContext(t.Context(), openssl, "pkey", "-pubout")
			pubCommand.Stdin = bytes.NewReader(out)
			pub, err := pubCommand.Output()
			if err != nil {
				t.Fatal(err)
			}
			ours, err := keyring.MarshalPublicPEM(signer.Public())
			if err != nil || !bytes.Equal(ours, pub) {
				t.Errorf("our public half differs from OpenSSL's (%v)", err)
			}
			if _, err := keyring.ParsePublicPEM(pub); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestParsePrivatePEMRefusesWhatIsNotOnePrivateKey(t *testing.T) {
	good, err := keyring.MarshalPrivatePEM(generate(t, keyring.P256))
	if err != nil {
		t.Fatal(err)
	}
	public, err := keyring.MarshalPublicPEM(generate(t, keyring.P256).Public())
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384DER, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":         {nil, keyring.ErrPEM},
		"not PEM":         {[]byte("K2JCJMDEHXQW5F"), keyring.ErrPEM},
		"public half":     {public, keyring.ErrPEM},
		"two keys":        {append(bytes.Clone(good), good...), keyring.ErrPEM},
		"trailing text":   {append(bytes.Clone(good), "secret"...), keyring.ErrPEM},
		"damaged":         {block("PRIVATE KEY", []byte("damaged")), keyring.ErrPEM},
		"damaged PKCS#1":  {block("RSA PRIVATE KEY", []byte("damaged")), keyring.ErrPEM},
		"damaged SEC1":    {block("EC PRIVATE KEY", []byte("damaged")), keyring.ErrPEM},
		"encrypted":       {block("ENCRYPTED PRIVATE KEY", []byte("x")), keyring.ErrPEM},
		"encrypted PKCS1": {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}}), keyring.ErrPEM},
		"certificate":     {block("CERTIFICATE", []byte("x")), keyring.ErrPEM},
		"P-384":           {block("PRIVATE KEY", p384DER), keyring.ErrUnsupportedKey},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := keyring.ParsePrivatePEM(test.data); !errors.Is(err, test.want) {
				t.Errorf("ParsePrivatePEM = %v, want %v", err, test.want)
			}
		})
	}
}

func writeKey(t *testing.T, dir, name string, algorithm keyring.Algorithm) {
	t.Helper()
	data, err := keyring.MarshalPrivatePEM(generate(t, algorithm))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func loadDir(t *testing.T, dir, active string) (*keyring.Ring, error) {
	t.Helper()
	keys, err := keyring.NewFolder(dir, active, nil).Load(t.Context(), nil)
	if err != nil {
		return nil, err
	}
	return keys.Ring, nil
}

func TestAFolderNamesTheFileThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if _, err := loadDir(t, dir, "KACTIVE01"); !errors.Is(err, keyring.ErrNoActiveKey) {
		t.Errorf("an empty folder: %v", err)
	}
	writeKey(t, dir, "KACTIVE01.pem", keyring.P256)
	writeKey(t, dir, "KRETIRING1.pem", keyring.RSA2048)
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	ring, err := loadDir(t, dir, "KACTIVE01")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(ring.IDs(), " "); got != "KACTIVE01 KRETIRING1" {
		t.Errorf("IDs() = %s", got)
	}
	if _, err := loadDir(t, dir, "KGONE0001"); !errors.Is(err, keyring.ErrNoActiveKey) {
		t.Errorf("an active key that isn't there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "KBROKEN01.pem"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadDir(t, dir, "KACTIVE01"); !errors.Is(err, keyring.ErrPEM) || !strings.Contains(err.Error(), "KBROKEN01.pem") {
		t.Errorf("a broken file: %v", err)
	}
}

func FuzzParsePrivatePEM(f *testing.F) {
	data, err := keyring.MarshalPrivatePEM(generate(f, keyring.P256))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		signer, err := keyring.ParsePrivatePEM(data)
		if err != nil {
			return
		}
		if err := keyring.CheckPublic(signer.Public()); err != nil {
			t.Fatalf("accepted a key that CloudFront would refuse: %v", err)
		}
	})
}
