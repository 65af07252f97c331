package signedurl_test

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/signedurl"
)

func parsePrefix(t testing.TB, name string) objectkey.Prefix {
	t.Helper()
	prefix, err := objectkey.ParsePrefix(name)
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

var minute = signedurl.Conditions{Expires: start.Add(time.Minute)}

// album signs for users/alice/albums/7/ in the given form and returns what a
// viewer of an object there sends.
func album(t testing.TB, signer *signedurl.Signer, form string, conditions signedurl.Conditions) func(path string) signedurl.Viewer {
	t.Helper()
	prefix := parsePrefix(t, "users/alice/albums/7/")
	if form == "cookies" {
		cookies, err := signer.SignCookies(signedurl.CookieRequest{Prefix: prefix, Conditions: conditions})
		if err != nil {
			t.Fatal(err)
		}
		return func(path string) signedurl.Viewer { return signedurl.Viewer{URL: base + path, Cookies: cookies} }
	}
	grant, err := signer.SignPrefix(signedurl.PrefixRequest{Prefix: prefix, IssueID: issueID, Conditions: conditions})
	if err != nil {
		t.Fatal(err)
	}
	return func(path string) signedurl.Viewer { return signedurl.Viewer{URL: base + path + "?" + grant.Query} }
}

func TestAPrefixOpensWhatLiesBelowItAndNothingElse(t *testing.T) {
	for name, combination := range combinations {
		for _, form := range []string{"query", "cookies"} {
			t.Run(name+" "+form, func(t *testing.T) {
				key := generate(t, combination.algorithm)
				view := album(t, newSigner(t, key, combination.hash), form, minute)
				verifier := newVerifier(t, key, start)
				for path, want := range map[string]error{
					"/users/alice/albums/7/a.png":       nil,
					"/users/alice/albums/7/deep/er.png": nil,
					"/users/alice/albums/7/%2A":         nil,
					"/users/alice/albums/70/a.png":      signedurl.ErrAccessDenied,
					"/users/alice/albums/8/a.png":       signedurl.ErrAccessDenied,
					"/users/alice/albums/7":             signedurl.ErrAccessDenied,
					"/users/alice/a.png":                signedurl.ErrAccessDenied,
					"/users/alice/albums%2F7/a.png":     signedurl.ErrAccessDenied,
					"/x/users/alice/albums/7/a.png":     signedurl.ErrAccessDenied,
				} {
					if _, err := verifier.Verify(view(path)); !errors.Is(err, want) || (want == nil && err != nil) {
						t.Errorf("%s: %v, want %v", path, err, want)
					}
				}
			})
		}
	}
}

func TestAPrefixOfOneDistributionFailsAtAnother(t *testing.T) {
	key := generate(t, keyring.P256)
	signer, verifier := newSigner(t, key, signedurl.SHA256), newVerifier(t, key, start)
	for _, form := range []string{"query", "cookies"} {
		viewer := album(t, signer, form, minute)("/users/alice/albums/7/a.png")
		for _, host := range []string{"https://cdn.example.org", "https://cdn.example.com.evil.example", "http://cdn.example.com", "https://cdn.example.com:444"} {
			there := viewer
			there.URL = strings.Replace(viewer.URL, base, host, 1)
			if _, err := verifier.Verify(there); !errors.Is(err, signedurl.ErrAccessDenied) {
				t.Errorf("%s at %s: %v", form, host, err)
			}
		}
	}
}

func TestConditionsHoldWhereTheyAreAskedFor(t *testing.T) {
	key := generate(t, keyring.P256)
	signer := newSigner(t, key, signedurl.SHA256)
	conditions := signedurl.Conditions{
		Expires: start.Add(2 * time.Hour), NotBefore: start.Add(time.Hour), Address: netip.MustParsePrefix("203.0.113.77/24"),
	}
	url, err := signer.Sign(signedurl.Request{Key: parseKey(t, "users/alice/a.png"), IssueID: issueID, Conditions: conditions})
	if err != nil {
		t.Fatal(err)
	}
	inside, outside := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("203.0.114.9")
	for name, test := range map[string]struct {
		after   time.Duration
		address netip.Addr
		want    error
	}{
		"too early":           {time.Hour - time.Second, inside, signedurl.ErrAccessDenied},
		"at the very second":  {time.Hour, inside, signedurl.ErrAccessDenied},
		"in time":             {time.Hour + time.Second, inside, nil},
		"the last second":     {2*time.Hour - time.Second, inside, nil},
		"too late":            {2 * time.Hour, inside, signedurl.ErrAccessDenied},
		"from elsewhere":      {90 * time.Minute, outside, signedurl.ErrAccessDenied},
		"from nowhere":        {90 * time.Minute, netip.Addr{}, signedurl.ErrAccessDenied},
		"from IPv6":           {90 * time.Minute, netip.MustParseAddr("2001:db8::1"), signedurl.ErrAccessDenied},
		"IPv4 in IPv6's form": {90 * time.Minute, netip.MustParseAddr("::ffff:203.0.113.9"), nil},
	} {
		_, err := newVerifier(t, key, start.Add(test.after)).Verify(signedurl.Viewer{URL: url, Address: test.address})
		if !errors.Is(err, test.want) || (test.want == nil && err != nil) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if other := strings.Replace(url, "a.png", "b.png", 1); true {
		if _, err := newVerifier(t, key, start.Add(90*time.Minute)).Verify(signedurl.Viewer{URL: other, Address: inside}); !errors.Is(err, signedurl.ErrAccessDenied) {
			t.Errorf("another object: %v", err)
		}
	}
}

func TestConditionsThatCannotBeAreRefused(t *testing.T) {
	signer := newSigner(t, generate(t, keyring.P256), signedurl.SHA256)
	for name, conditions := range map[string]signedurl.Conditions{
		"no end":              {},
		"begins at its end":   {Expires: start, NotBefore: start},
		"begins after it":     {Expires: start, NotBefore: start.Add(time.Hour)},
		"begins before 1970":  {Expires: start, NotBefore: time.Unix(-1, 0)},
		"IPv6":                {Expires: start, Address: netip.MustParsePrefix("2001:db8::/32")},
		"an impossible range": {Expires: start, Address: netip.PrefixFrom(netip.MustParseAddr("203.0.113.9"), 33)},
	} {
		if _, err := signer.Sign(signedurl.Request{Key: parseKey(t, "a"), IssueID: issueID, Conditions: conditions}); !errors.Is(err, signedurl.ErrRequest) {
			t.Errorf("%s: Sign = %v", name, err)
		}
		if _, err := signer.SignCookies(signedurl.CookieRequest{Prefix: parsePrefix(t, "a/"), Conditions: conditions}); !errors.Is(err, signedurl.ErrRequest) {
			t.Errorf("%s: SignCookies = %v", name, err)
		}
	}
	if _, err := signer.SignPrefix(signedurl.PrefixRequest{IssueID: issueID, Conditions: minute}); !errors.Is(err, signedurl.ErrRequest) {
		t.Errorf("the whole bucket: %v", err)
	}
	if _, err := signer.SignCookies(signedurl.CookieRequest{Conditions: minute}); !errors.Is(err, signedurl.ErrRequest) {
		t.Errorf("the whole bucket by cookies: %v", err)
	}
	if _, err := signer.SignPrefix(signedurl.PrefixRequest{Prefix: parsePrefix(t, "a/"), IssueID: "*", Conditions: minute}); !errors.Is(err, signedurl.ErrRequest) {
		t.Errorf("a wildcard for an issue id: %v", err)
	}
}

func TestOverridesAreSignedWithTheURL(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	url, err := newSigner(t, key, signedurl.SHA256).Sign(signedurl.Request{
		Key: parseKey(t, "users/alice/a.png"), IssueID: issueID, Conditions: minute,
		Overrides: overrides.Set{Filename: "Größe +1.png", VersionID: "v1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := base + "/users/alice/a.png?response-content-disposition=attachment%3B%20filename%3D%22Gr__e%20%2B1.png%22%3B%20filename%2A%3DUTF-8%27%27Gr%25C3%25B6%25C3%259Fe%2520%252B1.png&sg-id=" + issueID + "&versionId=v1&Expires="
	if !strings.HasPrefix(url, want) {
		t.Errorf("\n got %s\nwant %s", url, want)
	}
	if _, err := verifier.Verify(signedurl.Viewer{URL: url}); err != nil {
		t.Error(err)
	}
	for _, changed := range []string{strings.Replace(url, "versionId=v1", "versionId=v2", 1), strings.Replace(url, "&versionId=v1", "", 1), strings.Replace(url, "%20", "+", 1)} {
		if _, err := verifier.Verify(signedurl.Viewer{URL: changed}); !errors.Is(err, signedurl.ErrAccessDenied) {
			t.Errorf("%v for %s", err, changed)
		}
	}
	if _, err := newSigner(t, key, signedurl.SHA256).Sign(signedurl.Request{
		Key: parseKey(t, "a"), IssueID: issueID, Conditions: minute, Overrides: overrides.Set{Filename: "a/b"},
	}); !errors.Is(err, signedurl.ErrRequest) {
		t.Errorf("a bad override: %v", err)
	}
}

func TestAURLCountsAboveCookies(t *testing.T) {
	key := generate(t, keyring.P256)
	viewer := album(t, newSigner(t, key, signedurl.SHA256), "cookies", minute)("/users/alice/albums/7/a.png")
	verifier := newVerifier(t, key, start)
	if _, err := verifier.Verify(viewer); err != nil {
		t.Fatal(err)
	}
	for parameter, want := range map[string]error{
		"Expires=1": signedurl.ErrMissingKey, "Policy=x": signedurl.ErrMissingKey, "Signature=": signedurl.ErrMissingKey,
		"Key-Pair-Id=" + keyID: signedurl.ErrMalformedPolicy, "Hash-Algorithm=SHA256": signedurl.ErrMissingKey,
	} {
		signed := viewer
		signed.URL += "?" + parameter
		if _, err := verifier.Verify(signed); !errors.Is(err, want) {
			t.Errorf("with %s in the URL: %v, want %v", parameter, err, want)
		}
	}
}

// signedPolicy is a URL of the album's a.png under any policy, signed well.
func signedPolicy(t testing.TB, key crypto.Signer, policy string) string {
	t.Helper()
	encode := func(data []byte) string {
		return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString(data))
	}
	digest := crypto.SHA256.New()
	digest.Write([]byte(policy))
	signature, err := key.Sign(rand.Reader, digest.Sum(nil), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base + "/a.png?Policy=" + encode([]byte(policy)) + "&Signature=" + encode(signature) + "&Key-Pair-Id=" + keyID + "&Hash-Algorithm=SHA256"
}

func TestPoliciesOfOthersAreReadAsCloudFrontReadsThem(t *testing.T) {
	key := generate(t, keyring.RSA2048) // signs without randomness of its own
	verifier := newVerifier(t, key, start)
	const end = `"Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}`
	for name, test := range map[string]struct {
		policy string
		want   error
	}{
		"usual":                   {`{"Statement":[{"Resource":"https://cdn.example.com/*",` + end + `}]}`, nil},
		"spaced out":              {"{\n  \"Statement\": [ {\"Resource\":\"*\", " + end + "} ]\n}", nil},
		"a bare statement":        {`{"Statement":{"Resource":"*",` + end + `}}`, nil},
		"no resource":             {`{"Statement":[{` + end + `}]}`, nil},
		"an address":              {`{"Statement":[{"Resource":"*","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.7"},"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`, nil},
		"any address":             {`{"Statement":[{"Resource":"*","Condition":{"IpAddress":{"AWS:SourceIp":"0.0.0.0/0"},"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`, nil},
		"another object":          {`{"Statement":[{"Resource":"https://cdn.example.com/b.png",` + end + `}]}`, signedurl.ErrAccessDenied},
		"two statements":          {`{"Statement":[{"Resource":"*",` + end + `},{"Resource":"*",` + end + `}]}`, signedurl.ErrMalformedPolicy},
		"no statement":            {`{"Statement":[]}`, signedurl.ErrMalformedPolicy},
		"nothing":                 {`{}`, signedurl.ErrMalformedPolicy},
		"an empty resource":       {`{"Statement":[{"Resource":"",` + end + `}]}`, signedurl.ErrMalformedPolicy},
		"two resources":           {`{"Statement":[{"Resource":["*","*"],` + end + `}]}`, signedurl.ErrMalformedPolicy},
		"no end":                  {`{"Statement":[{"Resource":"*","Condition":{}}]}`, signedurl.ErrMalformedPolicy},
		"an end in text":          {`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":"soon"}}}]}`, signedurl.ErrMalformedPolicy},
		"an end in milliseconds":  {`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460000}}}]}`, signedurl.ErrMalformedPolicy},
		"half a second":           {`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460.5}}}]}`, signedurl.ErrMalformedPolicy},
		"an unknown condition":    {`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460},"Bool":{"aws:SecureTransport":true}}}]}`, signedurl.ErrMalformedPolicy},
		"an IPv6 address":         {`{"Statement":[{"Resource":"*","Condition":{"IpAddress":{"AWS:SourceIp":"2001:db8::/32"},"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`, signedurl.ErrMalformedPolicy},
		"not JSON":                {`Resource: *`, signedurl.ErrMalformedPolicy},
		"something after the end": {`{"Statement":[{"Resource":"*",` + end + `}]}{}`, signedurl.ErrMalformedPolicy},
		"over":                    {`{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1}}}]}`, signedurl.ErrAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifier.Verify(signedurl.Viewer{URL: signedPolicy(t, key, test.policy), Address: netip.MustParseAddr("192.0.2.7")})
			if !errors.Is(err, test.want) || (test.want == nil && err != nil) {
				t.Errorf("Verify = %v, want %v", err, test.want)
			}
		})
	}
}

func TestResourcesMatchByCloudFrontsRules(t *testing.T) {
	key := generate(t, keyring.RSA2048)
	verifier := newVerifier(t, key, start)
	for _, test := range []struct {
		resource, url string
		want          bool
	}{
		{"https://cdn.example.com/a.png", "https://cdn.example.com/a.png", true},
		{"https://cdn.example.com/a.png", "https://cdn.example.com/a.png?x=1", false},
		{"https://cdn.example.com/a.png*", "https://cdn.example.com/a.png?x=1", true},
		{"https://cdn.example.com/*", "https://cdn.example.com/a/b.png?x=1&y=2", true},
		{"https://cdn.example.com/*.png", "https://cdn.example.com/a/b.png", true},
		{"https://cdn.example.com/*.png", "https://cdn.example.com/a/b.png?x=1", false},
		{"https://cdn.example.com/a?.png", "https://cdn.example.com/a1.png", true},
		{"https://cdn.example.com/a?.png", "https://cdn.example.com/a12.png", false},
		{"https://cdn.example.com/a?.png", "https://cdn.example.com/a.png", false},
		{"https://cdn.example.com/a.png?x=1", "https://cdn.example.com/a.png?x=1", true},
		{"https://cdn.example.com/a.png?x=1", "https://cdn.example.com/a.png?x=12", false},
		{"https://cdn.example.com/a.png?x=*", "https://cdn.example.com/a.png?x=12", true},
		{`https://cdn.example.com/a.png\?x=1`, "https://cdn.example.com/a.png?x=1", true},
		{`https://cdn.example.com/*\?*`, "https://cdn.example.com/a.png?x=1", true},
		{`https://cdn.example.com/*\?*`, "https://cdn.example.com/a.png", false},
		{"https://cdn.example.com/*?x=1", "https://cdn.example.com/a/b.png?x=1", true},
		{"https://cdn.example.com/*?x=1", "https://cdn.example.com/a/b.png?y=1", false},
		{"https://cdn.example.com/*?x=1", "https://cdn.example.com/a/b.png?x=1&y=1", false},
		{"https://*.example.com/a.png", "https://cdn.example.com/a.png", true},
		{"https://*.example.com/a.png", "https://evil.com/x.example.com/a.png", false},
		{"https://*.example.com*", "https://cdn.example.com/a.png?x=1", true},
		{"https://cdn.example.com*", "https://cdn.example.com.evil.com/a.png", true}, // a domain that ends in * does
		{"https://cdn.example.com", "https://cdn.example.com/a.png", false},
		{"*://cdn.example.com/a.png", "http://cdn.example.com/a.png", true},
		{"https://cdn.example.com/a.png", "http://cdn.example.com/a.png", false},
		{"http*://cdn.example.com/a.png", "https://cdn.example.com/a.png", false},
		{"*.example.com/a.png", "https://cdn.example.com/a.png", true},
		{"cdn.example.com/a.png", "https://cdn.example.com/a.png", false},
		{"*", "http://any.where/at/all?x=1", true},
		{"https://cdn.example.com/a*", "https://cdn.example.com/b", false},
		{"https://cdn.example.com/a%20b", "https://cdn.example.com/a+b", false},
		{"https://cdn.example.com/%C3%A4", "https://cdn.example.com/%c3%a4", false},
		{"https://CDN.example.com/a", "https://cdn.example.com/a", false},
		{"https://cdn.example.com/a*b*c", "https://cdn.example.com/a--b--b--c", true},
		{"https://cdn.example.com/a*b*c", "https://cdn.example.com/a--b--b--d", false},
	} {
		policy := fmt.Sprintf(`{"Statement":[{"Resource":%q,"Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`, test.resource)
		_, parameters, _ := strings.Cut(signedPolicy(t, key, policy), "?")
		url := test.url + "?" + parameters
		if strings.Contains(test.url, "?") {
			url = test.url + "&" + parameters
		}
		_, err := verifier.Verify(signedurl.Viewer{URL: url})
		if (err == nil) != test.want {
			t.Errorf("%s covers %s: %v, want %t", test.resource, test.url, err, test.want)
		}
	}
}

func TestNoSingleByteOfAPrefixGrantMayChange(t *testing.T) {
	key := generate(t, keyring.P256)
	signer, verifier := newSigner(t, key, signedurl.SHA256), newVerifier(t, key, start)
	const path = "/users/alice/albums/7/a.png"
	byQuery := album(t, signer, "query", minute)(path).URL
	begin := strings.Index(byQuery, "?") // what stands before may name any object of the album
	for position := begin; position < len(byQuery); position++ {
		for _, replacement := range []byte("0A1az9Zb*?&=/%+-_~. \x00\xff") {
			changed := []byte(byQuery)
			changed[position] = replacement
			if string(changed) == byQuery {
				continue
			}
			if _, err := verifier.Verify(signedurl.Viewer{URL: string(changed)}); err == nil {
				t.Fatalf("position %d of the query may be %q", position, replacement)
			}
		}
	}
	viewer := album(t, signer, "cookies", minute)(path)
	for i, cookie := range viewer.Cookies {
		for position := range len(cookie.Value) {
			for _, replacement := range []byte("0A1az9Zb*-_~.") {
				if cookie.Value[position] == replacement {
					continue
				}
				value := []byte(cookie.Value)
				value[position] = replacement
				changed := append([]*http.Cookie(nil), viewer.Cookies...)
				changed[i] = &http.Cookie{Name: cookie.Name, Value: string(value)}
				if _, err := verifier.Verify(signedurl.Viewer{URL: viewer.URL, Cookies: changed}); err == nil {
					t.Fatalf("position %d of %s may be %q", position, cookie.Name, replacement)
				}
			}
		}
	}
}

func TestCookiesGoToThePrefixAndNowhereElse(t *testing.T) {
	key := generate(t, keyring.P256)
	for address, secure := range map[string]bool{"https://cdn.example.com": true, "http://127.0.0.1:8601": false} {
		signer, err := signedurl.NewSigner(address, keyID, key, signedurl.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		cookies, err := signer.SignCookies(signedurl.CookieRequest{
			Prefix: parsePrefix(t, "users/alice/ä b/"), Conditions: minute, Domain: "example.com", SameSite: http.SameSiteLaxMode,
		})
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, len(cookies))
		for i, cookie := range cookies {
			names[i] = cookie.Name
			if cookie.Domain != "example.com" || cookie.Path != "/users/alice/%C3%A4%20b/" || !cookie.HttpOnly || cookie.Secure != secure ||
				cookie.SameSite != http.SameSiteLaxMode || !cookie.Expires.IsZero() || cookie.MaxAge != 0 || cookie.Valid() != nil {
				t.Errorf("%s: %+v", address, cookie)
			}
		}
		if got := strings.Join(names, " "); got != "CloudFront-Policy CloudFront-Signature CloudFront-Key-Pair-Id CloudFront-Hash-Algorithm" {
			t.Errorf("cookies %s", got)
		}
	}
}

func TestTheDomainOfCookiesIsAsNarrowAsReachesBoth(t *testing.T) {
	key := generate(t, keyring.P256)
	for _, test := range []struct {
		cdn, gateway, want string
		ok                 bool
	}{
		{"https://cdn.example.com", "api.example.com", "example.com", true},
		{"https://cdn.media.example.com", "api.media.example.com", "media.example.com", true},
		{"https://cdn.example.com", "API.Example.com.", "example.com", true},
		{"https://cdn.example.com", "example.com", "example.com", true},
		{"https://cdn.example.co.uk", "api.example.co.uk", "example.co.uk", true},
		{"https://cdn.example.com", "cdn.example.com", "", true},
		{"http://127.0.0.1:8601", "127.0.0.1", "", true},
		{"http://localhost:8601", "localhost", "", true},
		{"https://cdn.example.com", "api.example.org", "", false},
		{"https://cdn.example.com", "notexample.com", "", false},
		{"https://cdn.example.co.uk", "api.other.co.uk", "", false},
		{"https://d111111abcdef8.cloudfront.net", "api.example.com", "", false},
		{"https://d111111abcdef8.cloudfront.net", "d222222abcdef8.cloudfront.net", "", false},
		{"http://127.0.0.1:8601", "127.0.0.2", "", false},
		{"https://cdn.example.com", "", "", false},
	} {
		signer, err := signedurl.NewSigner(test.cdn, keyID, key, signedurl.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		got, err := signer.CookieDomain(test.gateway)
		if got != test.want || (err == nil) != test.ok || (err != nil && !errors.Is(err, signedurl.ErrCookieDomain)) {
			t.Errorf("%s and %s: %q, %v", test.cdn, test.gateway, got, err)
		}
	}
}

// Whatever a trusted key has signed: the verifier survives it, Explain agrees
// with Verify, and nothing is opened that its resource doesn't cover.
func FuzzPolicy(f *testing.F) {
	for _, policy := range []string{
		`{"Statement":[{"Resource":"https://cdn.example.com/*","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`,
		`{"Statement":{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460},"IpAddress":{"AWS:SourceIp":"10.0.0.0/8"}}}}`,
		`{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1795262460},"DateGreaterThan":{"AWS:EpochTime":1}}}]}`,
		`{"Statement":[{"Resource":"https://*/?*\\?*=","Condition":{"DateLessThan":{"AWS:EpochTime":1e9}}}]}`, `{}`, `[]`, `{"Statement":[[]]}`, "\xff", ``,
	} {
		f.Add(policy)
	}
	key := generate(f, keyring.P256)
	verifier := newVerifier(f, key, start)
	f.Fuzz(func(t *testing.T, policy string) {
		viewer := signedurl.Viewer{URL: signedPolicy(t, key, policy), Address: netip.MustParseAddr("192.0.2.7")}
		_, err := verifier.Verify(viewer)
		explanation := verifier.Explain(viewer)
		if explanation.Accepted != (err == nil) {
			t.Errorf("Verify says %v, Explain %+v", err, explanation)
		}
		var refusal *signedurl.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("not a refusal: %v", err)
		}
	})
}
