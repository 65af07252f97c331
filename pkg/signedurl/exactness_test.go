package signedurl_test

import (
	"crypto"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

// A policy that binds one URL to an address opens this one URL and none that
// begins like it.
func TestAnAddressDoesNotOpenTheNeighbours(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	conditions := signedurl.Conditions{Expires: start.Add(time.Hour), Address: netip.MustParsePrefix("203.0.113.0/24")}
	url, err := newSigner(t, key, signedurl.SHA256).Sign(signedurl.Request{Key: parseKey(t, "users/alice/a.png"), IssueID: issueID, Conditions: conditions})
	if err != nil {
		t.Fatal(err)
	}
	there := netip.MustParseAddr("203.0.113.9")
	if _, err := verifier.Verify(signedurl.Viewer{URL: url, Address: there}); err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{
		"a longer name":    strings.Replace(url, "a.png?", "a.png2?", 1),
		"something below":  strings.Replace(url, "a.png?", "a.png/x?", 1),
		"another version":  strings.Replace(url, "sg-id=", "versionId=v1&sg-id=", 1),
		"another issue":    strings.Replace(url, "sg-id="+issueID, "sg-id="+issueID+"8", 1),
		"no query":         strings.Replace(url, "sg-id="+issueID+"&", "", 1),
		"a further query":  url + "&response-content-type=text%2Fhtml",
		"a longer prefix":  strings.Replace(url, "/users/", "/x/users/", 1),
		"a different host": strings.Replace(url, "cdn.", "cdn.cdn.", 1),
	} {
		if changed == url {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := verifier.Verify(signedurl.Viewer{URL: changed, Address: there}); !errors.Is(err, signedurl.ErrAccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// SHA-1 is what no hash means; another name for it isn't one.
func TestAHashThatCloudFrontDoesNotKnowOpensNothing(t *testing.T) {
	for _, algorithm := range []keyring.Algorithm{keyring.P256, keyring.RSA2048} {
		key := generate(t, algorithm)
		verifier := newVerifier(t, key, start)
		url := signed(t, newSigner(t, key, signedurl.SHA1))
		for _, hash := range []string{"SHA512", "sha1", "MD5", "none", "SHA-1", "SHA1%20"} {
			_, err := verifier.Verify(signedurl.Viewer{URL: url + "&Hash-Algorithm=" + hash})
			var refusal *signedurl.Refusal
			if !errors.As(err, &refusal) || refusal.Check != "hash" || !errors.Is(err, signedurl.ErrAccessDenied) {
				t.Errorf("%s: %v", hash, err)
			}
		}
		for _, hash := range []string{"", "&Hash-Algorithm=SHA1", "&Hash-Algorithm="} {
			if _, err := verifier.Verify(signedurl.Viewer{URL: url + hash}); err != nil {
				t.Errorf("%q: %v", hash, err)
			}
		}
	}
}

// Which of two cookies of one name counts is nobody's guess.
func TestACookieThatComesTwiceOpensNothing(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	viewer := album(t, newSigner(t, key, signedurl.SHA256), "cookies", minute)("/users/alice/albums/7/a.png")
	good := viewer.Cookies
	if _, err := verifier.Verify(viewer); err != nil {
		t.Fatal(err)
	}
	for _, cookie := range good {
		for _, value := range []string{cookie.Value, "other"} {
			viewer.Cookies = append([]*http.Cookie{{Name: cookie.Name, Value: value}}, good...)
			if _, err := verifier.Verify(viewer); !errors.Is(err, signedurl.ErrAccessDenied) {
				t.Errorf("%s: %v", cookie.Name, err)
			}
		}
	}
	viewer.Cookies = append([]*http.Cookie{{Name: "session", Value: "a"}, {Name: "session", Value: "b"}}, good...)
	if _, err := verifier.Verify(viewer); err != nil {
		t.Errorf("another cookie twice: %v", err)
	}
}

// An expiry in cookies is CloudFront's too, and for one exact URL.
func TestCannedCookiesOpenTheirOneURL(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	address, query, _ := strings.Cut(signed(t, newSigner(t, key, signedurl.SHA256)), "&")
	viewer := signedurl.Viewer{URL: address}
	for parameter := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		viewer.Cookies = append(viewer.Cookies, &http.Cookie{Name: "CloudFront-" + name, Value: value})
	}
	if verified, err := verifier.Verify(viewer); err != nil || verified.IssueID != "" {
		t.Errorf("%+v, %v", verified, err)
	}
	if explanation := verifier.Explain(viewer); explanation.Source != "cookies" {
		t.Errorf("it is said to be signed by %s", explanation.Source)
	}
	viewer.URL = strings.Replace(viewer.URL, "a.png", "b.png", 1)
	if _, err := verifier.Verify(viewer); !errors.Is(err, signedurl.ErrAccessDenied) {
		t.Errorf("another object: %v", err)
	}
	if explanation := verifier.Explain(signedurl.Viewer{URL: address}); explanation.Source != "none" {
		t.Errorf("unsigned, it is said to be signed by %s", explanation.Source)
	}
}

// Labels of an IP address are not domains: "0.0.1" is nobody's.
func TestCookiesForAnAddressComeFromThatAddressOnly(t *testing.T) {
	key := generate(t, keyring.P256)
	for cdn, gateway := range map[string]string{
		"http://127.0.0.1:8601": "2.0.0.1", "https://192.0.2.7": "198.51.2.7", "http://[::1]:8601": "127.0.0.1", "https://cdn.example.com": "xexample.com",
	} {
		signer, err := signedurl.NewSigner(cdn, keyID, key, signedurl.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if domain, err := signer.CookieDomain(gateway); !errors.Is(err, signedurl.ErrCookieDomain) || domain != "" {
			t.Errorf("%s and %s: %q, %v", cdn, gateway, domain, err)
		}
	}
}

// Pages of other sites need None, those that want no links in need Strict.
func TestCookiesAreAsStrictAsAskedFor(t *testing.T) {
	signer := newSigner(t, generate(t, keyring.P256), signedurl.SHA256)
	for _, mode := range []http.SameSite{http.SameSiteNoneMode, http.SameSiteStrictMode, http.SameSiteLaxMode} {
		cookies, err := signer.SignCookies(signedurl.CookieRequest{Prefix: parsePrefix(t, "a/"), Conditions: minute, SameSite: mode})
		if err != nil {
			t.Fatal(err)
		}
		for _, cookie := range cookies {
			if cookie.SameSite != mode {
				t.Errorf("%s: %v, want %v", cookie.Name, cookie.SameSite, mode)
			}
		}
	}
}

// failing is a key that can't be reached.
type failing struct{ crypto.Signer }

var errAway = errors.New("the key is away")

func (failing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errAway }

// Whoever asked has to know why there is no signature: AWS's signer passes on
// the text of a key's error alone.
func TestTheErrorOfAKeyIsPassedOnAsItIs(t *testing.T) {
	signer := newSigner(t, failing{generate(t, keyring.P256)}, signedurl.SHA256)
	key, err := objectkey.Parse("a.png")
	if err != nil {
		t.Fatal(err)
	}
	_, err = signer.Sign(signedurl.Request{Key: key, IssueID: "a", Conditions: signedurl.Conditions{Expires: time.Now().Add(time.Hour)}})
	if !errors.Is(err, errAway) {
		t.Error(err)
	}
}
