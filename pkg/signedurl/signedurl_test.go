package signedurl_test

import (
	"crypto"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

const (
	base    = "https://cdn.example.com"
	keyID   = "K2JCJMDEHXQW5F"
	issueID = "ISSUE7"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func generate(t testing.TB, algorithm keyring.Algorithm) crypto.Signer {
	t.Helper()
	key, err := keyring.Generate(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newSigner(t testing.TB, key crypto.Signer, hash signedurl.Hash) *signedurl.Signer {
	t.Helper()
	signer, err := signedurl.NewSigner(base, keyID, key, hash)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// newVerifier trusts key under keyID, its clock standing at now.
func newVerifier(t testing.TB, key crypto.Signer, now time.Time) *signedurl.Verifier {
	t.Helper()
	verifier, err := signedurl.NewVerifier(map[string]crypto.PublicKey{keyID: key.Public()}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

func parseKey(t testing.TB, name string) objectkey.Key {
	t.Helper()
	key, err := objectkey.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signed returns a URL for users/alice/a.png that expires in a minute.
func signed(t testing.TB, signer *signedurl.Signer) string {
	t.Helper()
	url, err := signer.Sign(signedurl.Request{Key: parseKey(t, "users/alice/a.png"), IssueID: issueID, Conditions: signedurl.Conditions{Expires: start.Add(time.Minute)}})
	if err != nil {
		t.Fatal(err)
	}
	return url
}

var combinations = map[string]struct {
	algorithm keyring.Algorithm
	hash      signedurl.Hash
}{
	"P-256 with SHA-256":    {keyring.P256, signedurl.SHA256},
	"P-256 with SHA-1":      {keyring.P256, signedurl.SHA1},
	"RSA-2048 with SHA-256": {keyring.RSA2048, signedurl.SHA256},
	"RSA-2048 with SHA-1":   {keyring.RSA2048, signedurl.SHA1},
}

func TestEveryKeyAndHashSignsWhatTheVerifierAccepts(t *testing.T) {
	for name, test := range combinations {
		t.Run(name, func(t *testing.T) {
			key := generate(t, test.algorithm)
			url := signed(t, newSigner(t, key, test.hash))
			verified, err := newVerifier(t, key, start).Verify(signedurl.Viewer{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			want := signedurl.Verified{
				Resource: base + "/users/alice/a.png?sg-id=" + issueID,
				IssueID:  issueID,
				KeyID:    keyID,
				Expires:  start.Add(time.Minute),
			}
			if *verified != want {
				t.Errorf("Verify = %+v, want %+v", *verified, want)
			}
			if announced := strings.Contains(url, "&Hash-Algorithm=SHA256"); announced != (test.hash == signedurl.SHA256) {
				t.Errorf("Hash-Algorithm announced: %v", announced)
			}
		})
	}
}

func TestVerifyRefusesAsCloudFrontDoes(t *testing.T) {
	key := generate(t, keyring.P256)
	url := signed(t, newSigner(t, key, signedurl.SHA256))
	other := signed(t, newSigner(t, generate(t, keyring.P256), signedurl.SHA256))
	replace := func(from, to string) string {
		t.Helper()
		if !strings.Contains(url, from) {
			t.Fatalf("the URL holds no %q", from)
		}
		return strings.Replace(url, from, to, 1)
	}
	signature := url[strings.Index(url, "&Signature=")+len("&Signature=") : strings.Index(url, "&Key-Pair-Id=")]
	for name, test := range map[string]struct {
		url  string
		want error
	}{
		"unsigned":                     {base + "/users/alice/a.png", signedurl.ErrMissingKey},
		"no key id":                    {replace("&Key-Pair-Id="+keyID, ""), signedurl.ErrMissingKey},
		"empty key id":                 {replace(keyID, ""), signedurl.ErrMissingKey},
		"key not in the group":         {replace(keyID, "KOTHER001"), signedurl.ErrUnknownKey},
		"unknown key, bad signature":   {strings.Replace(replace(keyID, "KOTHER001"), signature, "==", 1), signedurl.ErrUnknownKey},
		"no expiry":                    {replace("Expires=", "expires="), signedurl.ErrMalformedPolicy},
		"expiry in milliseconds":       {replace("Expires=1795262460", "Expires=1795262460000"), signedurl.ErrMalformedPolicy},
		"expiry with a leading zero":   {replace("Expires=", "Expires=0"), signedurl.ErrMalformedPolicy},
		"expiry with a sign":           {replace("Expires=", "Expires=%2B"), signedurl.ErrMalformedPolicy},
		"negative expiry":              {replace("Expires=", "Expires=-"), signedurl.ErrMalformedPolicy},
		"expiry zero":                  {replace("Expires=1795262460", "Expires=0"), signedurl.ErrMalformedPolicy},
		"no signature":                 {replace("&Signature="+signature, ""), signedurl.ErrMalformedSignature},
		"signature not Base64":         {replace(signature, "!!!!"), signedurl.ErrMalformedSignature},
		"signature in plain Base64":    {replace(signature, "ab+/"), signedurl.ErrMalformedSignature},
		"signature padded too far":     {replace(signature, signature+"____"), signedurl.ErrMalformedSignature},
		"signature of nothing":         {replace(signature, "AAAA"), signedurl.ErrAccessDenied},
		"signed by another key":        {other, signedurl.ErrAccessDenied},
		"another object":               {replace("a.png", "b.png"), signedurl.ErrAccessDenied},
		"another host":                 {replace("cdn.example.com", "cdn.example.org"), signedurl.ErrAccessDenied},
		"another scheme":               {replace("https://", "http://"), signedurl.ErrAccessDenied},
		"another issue id":             {replace(issueID, "ISSUE8"), signedurl.ErrAccessDenied},
		"issue id dropped":             {replace("sg-id="+issueID+"&", ""), signedurl.ErrAccessDenied},
		"later expiry":                 {replace("Expires=1795262460", "Expires=1795262461"), signedurl.ErrAccessDenied},
		"hash left out":                {replace("&Hash-Algorithm=SHA256", ""), signedurl.ErrAccessDenied},
		"another hash":                 {replace("SHA256", "SHA1"), signedurl.ErrAccessDenied},
		"unknown hash":                 {replace("SHA256", "SHA512"), signedurl.ErrAccessDenied},
		"hash in lower case":           {replace("SHA256", "sha256"), signedurl.ErrAccessDenied},
		"parameter added":              {url + "&versionId=1", signedurl.ErrAccessDenied},
		"empty parameter added":        {url + "&", signedurl.ErrAccessDenied},
		"path percent-encoded further": {replace("a.png", "%61.png"), signedurl.ErrAccessDenied},
		"path with a dot segment":      {replace("/a.png", "/./a.png"), signedurl.ErrAccessDenied},
		"expiry twice":                 {url + "&Expires=1795262460", signedurl.ErrAccessDenied},
		"custom policy on top":         {url + "&Policy=eyJ9", signedurl.ErrMalformedPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newVerifier(t, key, start).Verify(signedurl.Viewer{URL: test.url})
			if !errors.Is(err, test.want) {
				t.Fatalf("Verify = %v, want %v", err, test.want)
			}
			var refusal *signedurl.Refusal
			if !errors.As(err, &refusal) || refusal.Reason == "" {
				t.Errorf("the refusal gives no reason: %v", err)
			}
			if strings.Contains(err.Error(), signature) {
				t.Errorf("the refusal repeats the signature: %v", err)
			}
		})
	}
}

func TestAURLEndsAtItsExpiryToTheSecond(t *testing.T) {
	key := generate(t, keyring.P256)
	url := signed(t, newSigner(t, key, signedurl.SHA256))
	if _, err := newVerifier(t, key, start.Add(time.Minute-time.Nanosecond)).Verify(signedurl.Viewer{URL: url}); err != nil {
		t.Errorf("just before the expiry: %v", err)
	}
	_, err := newVerifier(t, key, start.Add(time.Minute)).Verify(signedurl.Viewer{URL: url})
	if !errors.Is(err, signedurl.ErrAccessDenied) {
		t.Errorf("at the expiry: %v", err)
	}
	_, err = newVerifier(t, key, start.Add(90*time.Second)).Verify(signedurl.Viewer{URL: url})
	if !errors.Is(err, signedurl.ErrAccessDenied) || !strings.Contains(err.Error(), "expired 30s ago") {
		t.Errorf("half a minute after the expiry: %v", err)
	}
}

func TestARetiringKeyStaysTrustedUntilItIsTakenOut(t *testing.T) {
	retiring, active := generate(t, keyring.RSA2048), generate(t, keyring.P256)
	url := signed(t, newSigner(t, retiring, signedurl.SHA256))
	now := func() time.Time { return start }
	both, err := signedurl.NewVerifier(map[string]crypto.PublicKey{keyID: retiring.Public(), "KACTIVE01": active.Public()}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Verify(signedurl.Viewer{URL: url}); err != nil {
		t.Errorf("both trusted: %v", err)
	}
	after, err := signedurl.NewVerifier(map[string]crypto.PublicKey{"KACTIVE01": active.Public()}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.Verify(signedurl.Viewer{URL: url}); !errors.Is(err, signedurl.ErrUnknownKey) {
		t.Errorf("taken out: %v", err)
	}
}

// TestNoSingleByteOfASignedURLMayChange tries every position with bytes that
// matter somewhere: digits, letters, and every delimiter.
func TestNoSingleByteOfASignedURLMayChange(t *testing.T) {
	key := generate(t, keyring.P256)
	url := signed(t, newSigner(t, key, signedurl.SHA256))
	verifier := newVerifier(t, key, start)
	for position := range len(url) {
		for _, replacement := range []byte("0A1az9Zb*?&=/%+-_~.# \x00\xff") {
			if url[position] == replacement {
				continue
			}
			changed := []byte(url)
			changed[position] = replacement
			if _, err := verifier.Verify(signedurl.Viewer{URL: string(changed)}); err == nil {
				t.Fatalf("position %d may be %q", position, replacement)
			}
		}
	}
}

func TestNamesOfObjectsNeverBecomeWildcards(t *testing.T) {
	key := generate(t, keyring.P256)
	signer, verifier := newSigner(t, key, signedurl.SHA256), newVerifier(t, key, start)
	for _, name := range []string{"*", "?", "%2A", "a b+c", "users/*", "x?Expires=1", "x&Policy=y", "#", "\\", "\"", "<&>"} {
		url, err := signer.Sign(signedurl.Request{Key: parseKey(t, name), IssueID: issueID, Conditions: signedurl.Conditions{Expires: start.Add(time.Minute)}})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		verified, err := verifier.Verify(signedurl.Viewer{URL: url})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		path := strings.TrimSuffix(strings.TrimPrefix(verified.Resource, base), "?sg-id="+issueID)
		if strings.ContainsAny(path, "*?&#\\\"") {
			t.Errorf("%q: the resource %q holds a character with a meaning", name, verified.Resource)
		}
		if back, err := objectkey.FromPath(path); err != nil || back.String() != name {
			t.Errorf("%q: the resource means %q, %v", name, back, err)
		}
	}
}

func TestSignRefusesWhatItCannotMeanExactly(t *testing.T) {
	signer := newSigner(t, generate(t, keyring.P256), signedurl.SHA256)
	good := signedurl.Request{Key: parseKey(t, "a"), IssueID: issueID, Conditions: signedurl.Conditions{Expires: start}}
	for name, change := range map[string]func(*signedurl.Request){
		"no key":                      func(r *signedurl.Request) { r.Key = objectkey.Key{} },
		"no issue id":                 func(r *signedurl.Request) { r.IssueID = "" },
		"issue id adds a parameter":   func(r *signedurl.Request) { r.IssueID = "x&Policy=y" },
		"no expiry":                   func(r *signedurl.Request) { r.Expires = time.Time{} },
		"expiry past 2^31-1":          func(r *signedurl.Request) { r.Expires = time.Unix(1<<31, 0) },
		"expiry from milliseconds":    func(r *signedurl.Request) { r.Expires = time.Unix(start.UnixMilli(), 0) },
		"expiry at the epoch's start": func(r *signedurl.Request) { r.Expires = time.Unix(0, 0) },
	} {
		request := good
		change(&request)
		if url, err := signer.Sign(request); !errors.Is(err, signedurl.ErrRequest) {
			t.Errorf("%s: Sign = %q, %v, want ErrRequest", name, url, err)
		}
	}
}

func TestNewSignerRefusesAddressesThatWouldNotMatch(t *testing.T) {
	key := generate(t, keyring.P256)
	for _, good := range []string{"https://cdn.example.com", "http://127.0.0.1:8601", "http://localhost:8601", "http://[::1]:8601"} {
		if _, err := signedurl.NewSigner(good, keyID, key, signedurl.SHA256); err != nil {
			t.Errorf("NewSigner(%q): %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "cdn.example.com", "ftp://cdn.example.com", "http://cdn.example.com", "https://cdn.example.com/", "https://cdn.example.com/a",
		"https://cdn.example.com?x", "https://u@cdn.example.com", "https://*.example.com", "https://CDN.example.com", "https://bücher.example", "https://", "https://cdn.example.com:443", "http://localhost:80",
	} {
		if _, err := signedurl.NewSigner(bad, keyID, key, signedurl.SHA256); !errors.Is(err, signedurl.ErrBaseURL) {
			t.Errorf("NewSigner(%q) = %v, want ErrBaseURL", bad, err)
		}
	}
	if _, err := signedurl.NewSigner(base, keyID, key, "MD5"); !errors.Is(err, signedurl.ErrHash) {
		t.Errorf("MD5: %v, want ErrHash", err)
	}
}

func TestAVerifierWithoutUsableKeysIsRefused(t *testing.T) {
	now := func() time.Time { return start }
	if _, err := signedurl.NewVerifier(nil, now); err == nil {
		t.Error("a verifier without keys was made")
	}
	if _, err := signedurl.NewVerifier(map[string]crypto.PublicKey{keyID: "not a key"}, now); err == nil {
		t.Error("a verifier with a key of no use was made")
	}
}

// FuzzVerify holds that no URL opens anything but the resource that was
// signed, and that the verifier survives whatever it is sent.
func FuzzVerify(f *testing.F) {
	key := generate(f, keyring.P256)
	url := signed(f, newSigner(f, key, signedurl.SHA256))
	verifier := newVerifier(f, key, start)
	resource := base + "/users/alice/a.png?sg-id=" + issueID
	f.Add(url)
	f.Add(resource + "&Expires=1795262460&Signature=AA__&Key-Pair-Id=" + keyID)
	f.Add(base + "/?Policy=eyJ9&Signature=~~~~&Key-Pair-Id=" + keyID + "&Hash-Algorithm=SHA1")
	f.Add("?&&=&%")
	f.Fuzz(func(t *testing.T, raw string) {
		verified, err := verifier.Verify(signedurl.Viewer{URL: raw})
		if err == nil && verified.Resource != resource {
			t.Fatalf("%q opened %q", raw, verified.Resource)
		}
		var refusal *signedurl.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("not a refusal: %v", err)
		}
	})
}

// A Base64 text may end in bits that mean nothing. They must be zero, or one
// signature would have several spellings.
func TestASignatureHasOneSpelling(t *testing.T) {
	key := generate(t, keyring.RSA2048) // 256 bytes: two characters of padding, four idle bits
	url, verifier := signed(t, newSigner(t, key, signedurl.SHA256)), newVerifier(t, key, start)
	end := strings.Index(url, "__&")
	if end < 0 {
		t.Fatal("the signature has no padding")
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~"
	next := alphabet[strings.IndexByte(alphabet, url[end-1])+1]
	if _, err := verifier.Verify(signedurl.Viewer{URL: url[:end-1] + string(next) + url[end:]}); !errors.Is(err, signedurl.ErrMalformedSignature) {
		t.Errorf("Verify = %v", err)
	}
}
