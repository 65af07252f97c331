package signedurl_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

// Where several things are wrong, the answer is CloudFront's to the first.
func TestTheFirstMistakeDecidesTheAnswer(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	url := signed(t, newSigner(t, key, signedurl.SHA256))
	noKey, otherKey := strings.NewReplacer(keyID, ""), strings.NewReplacer(keyID, "KOTHER001")
	badPolicy, badSignature := strings.NewReplacer("Expires=", "Expires=x"), strings.NewReplacer("Signature=", "Signature=!")
	for name, test := range map[string]struct {
		mistakes []*strings.Replacer
		want     error
		answer   string
	}{
		"no key id before all":               {[]*strings.Replacer{noKey, badPolicy, badSignature}, signedurl.ErrMissingKey, "MissingKey"},
		"unknown key before policy":          {[]*strings.Replacer{otherKey, badPolicy}, signedurl.ErrUnknownKey, "InvalidKey"},
		"unknown key before signature":       {[]*strings.Replacer{otherKey, badSignature}, signedurl.ErrUnknownKey, "InvalidKey"},
		"policy before the signature":        {[]*strings.Replacer{badPolicy, badSignature}, signedurl.ErrMalformedPolicy, "MalformedPolicy"},
		"signature before what it is for":    {[]*strings.Replacer{badSignature, strings.NewReplacer("a.png", "b.png")}, signedurl.ErrMalformedSignature, "MalformedSignature"},
		"signature before an unknown hash":   {[]*strings.Replacer{badSignature, strings.NewReplacer("SHA256", "SHA512")}, signedurl.ErrMalformedSignature, "MalformedSignature"},
		"denied where nothing else is amiss": {[]*strings.Replacer{strings.NewReplacer("a.png", "b.png")}, signedurl.ErrAccessDenied, "AccessDenied"},
	} {
		sent := url
		for _, mistake := range test.mistakes {
			sent = mistake.Replace(sent)
		}
		_, err := verifier.Verify(signedurl.Viewer{URL: sent})
		if explanation := verifier.Explain(signedurl.Viewer{URL: sent}); !errors.Is(err, test.want) || explanation.Answer != test.answer {
			t.Errorf("%s: %v, explained as %s", name, err, explanation.Answer)
		}
	}
}

// A signature has one spelling, or two URLs would be one. Percent-encoding
// alone may differ: clients do that.
func TestASignatureIsNotReadInOtherSpellings(t *testing.T) {
	key := generate(t, keyring.RSA2048) // 256 bytes: two characters of padding
	verifier := newVerifier(t, key, start)
	url := signed(t, newSigner(t, key, signedurl.SHA256))
	begin := strings.Index(url, "Signature=") + len("Signature=")
	end := begin + strings.Index(url[begin:], "&")
	signature := url[begin:end]
	for name, test := range map[string]struct {
		signature string
		opens     bool
	}{
		"as it is":              {signature, true},
		"percent-encoded":       {strings.ReplaceAll(strings.ReplaceAll(signature, "~", "%7E"), "_", "%5F"), true},
		"without padding":       {strings.TrimRight(signature, "_"), true},
		"half the padding":      {strings.TrimSuffix(signature, "_"), false},
		"more padding":          {signature + "_", false},
		"padding of a whole":    {signature + "____", false},
		"wrapped":               {signature[:64] + "%0A" + signature[64:], false},
		"wrapped by CR LF":      {signature[:76] + "%0D%0A" + signature[76:], false},
		"with a line feed last": {signature + "%0A", false},
		"wrapped four times":    {signature[:64] + "%0A%0A%0A%0A" + signature[64:], false},
		"wrapped, unpadded":     {signature[:64] + "%0A" + strings.TrimRight(signature[64:], "_"), false},
		"with a space":          {signature[:64] + "%20" + signature[64:], false},
		"with a plus":           {signature[:64] + "+" + signature[64:], false},
		"plain Base64":          {strings.NewReplacer("-", "%2B", "~", "%2F", "_", "%3D").Replace(signature), false},
		"encoded twice":         {strings.ReplaceAll(signature, "_", "%255F"), false},
	} {
		_, err := verifier.Verify(signedurl.Viewer{URL: url[:begin] + test.signature + url[end:]})
		if (err == nil) != test.opens || (err != nil && !errors.Is(err, signedurl.ErrMalformedSignature)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A plus is a plus in a value: to read it as a space would be to read another
// one than CloudFront.
func TestAPlusIsNoSpaceInCloudFrontsParameters(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	url := signed(t, newSigner(t, key, signedurl.SHA256))
	explanation := verifier.Explain(signedurl.Viewer{URL: strings.Replace(url, keyID, "K+1", 1)})
	if found := explanation.Checks[0].Found; !strings.Contains(found, "K+1") {
		t.Errorf("it was read as %s", found)
	}
}

// Empty parameters are part of the URL that is compared.
func TestEmptyParametersCountInTheURL(t *testing.T) {
	key := generate(t, keyring.RSA2048)
	verifier := newVerifier(t, key, start)
	policy := func(resource string) string {
		return strings.SplitN(signedPolicy(t, key, `{"Statement":[{"Resource":"`+resource+`","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`), "?", 2)[1]
	}
	for _, sent := range []string{base + "/a.png?&", base + "/a.png?x=&&", base + "/a.png?&&"} {
		verified, err := verifier.Verify(signedurl.Viewer{URL: sent + "&" + policy("*")})
		if err != nil || verified.Resource != sent {
			t.Errorf("%s: %+v, %v", sent, verified, err)
		}
		if _, err := verifier.Verify(signedurl.Viewer{URL: sent + "&" + policy(base+"/a.png")}); !errors.Is(err, signedurl.ErrAccessDenied) {
			t.Errorf("%s is taken for the bare URL: %v", sent, err)
		}
	}
}

// A host that ends in a wildcard covers any path, but not the queries that a
// query of the pattern's own rules out; a lone * covers what isn't even a URL.
func TestWildcardsOfHostsKeepTheirQuery(t *testing.T) {
	key := generate(t, keyring.RSA2048)
	verifier := newVerifier(t, key, start)
	for _, test := range []struct {
		resource, url string
		want          bool
	}{
		{"https://cdn.example.com*?x=1", base + "/a.png?x=2", false},
		{"https://cdn.example.com*?x=1", base + "/a.png?y=1", false},
		{`https://cdn.example.com*\\?x=1`, base + "/a.png?x=2", false},
		{"https://cdn.example.com*", base + "/a.png?x=2", true},
		{"*", "http://any.where", true},
		{"*", "no URL at all", true},
		{"*://*", "no URL at all", false},
	} {
		policy := `{"Statement":[{"Resource":"` + test.resource + `","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`
		_, parameters, _ := strings.Cut(signedPolicy(t, key, policy), "?")
		separator := "?"
		if strings.Contains(test.url, "?") {
			separator = "&"
		}
		if _, err := verifier.Verify(signedurl.Viewer{URL: test.url + separator + parameters}); (err == nil) != test.want {
			t.Errorf("%s covers %s: %v", test.resource, test.url, err)
		}
	}
}

// What stands in a range beside its network is no part of it, and of no policy.
func TestARangeIsSignedByItsNetwork(t *testing.T) {
	key := generate(t, keyring.P256)
	signer := newSigner(t, key, signedurl.SHA256)
	sign := func(address string) string {
		url, err := signer.Sign(signedurl.Request{Key: parseKey(t, "a"), IssueID: issueID, Conditions: signedurl.Conditions{Expires: start.Add(time.Minute), Address: netip.MustParsePrefix(address)}})
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	byHost := sign("203.0.113.77/24")
	if byHost != sign("203.0.113.0/24") {
		t.Error("one network, two URLs")
	}
	explanation := newVerifier(t, key, start).Explain(signedurl.Viewer{URL: byHost, Address: netip.MustParseAddr("203.0.113.9")})
	if !explanation.Accepted || !strings.Contains(explanation.Policy, `"203.0.113.0/24"`) {
		t.Errorf("%+v", explanation)
	}
}

// A key id is short; what is longer is a secret in the wrong place.
func TestASecretInThePlaceOfAKeyIDIsNotShown(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier := newVerifier(t, key, start)
	for length, visible := range map[int]bool{20: true, 24: true, 25: false, 40: false, 500: false} {
		id := strings.Repeat("s", length)
		viewer := signedurl.Viewer{URL: base + "/a.png?Expires=1795262460&Signature=AAAA&Key-Pair-Id=" + id}
		explanation := verifier.Explain(viewer)
		_, err := verifier.Verify(viewer)
		for _, text := range []string{explanation.Checks[0].Found, explanation.Checks[1].Found, err.Error()} {
			if strings.Contains(text, id) != visible {
				t.Errorf("%d bytes: %s", length, text)
			}
		}
	}
}

// S3 spells "Access Denied" in its own way, even without its ids.
func TestWhoAnsweredIsToldByTheSpelling(t *testing.T) {
	const before, after = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>`, `</Message></Error>`
	for body, who := range map[string]string{
		before + "Access Denied" + after: "s3", before + "Access denied" + after: "cloudfront", "<Error><Code>NoSuchKey</Code></Error>": "s3", "<html>403</html>": "unknown",
		`<Error><Code>MissingKey</Code><Message>Access Denied</Message></Error>`: "s3", `<Error><Code>MissingKey</Code><RequestId>1</RequestId></Error>`: "s3", `<Error><Code>MissingKey</Code><HostId>1</HostId></Error>`: "s3",
	} {
		if got := signedurl.WhoAnswered(body); got.Who != who {
			t.Errorf("%s: %s", body, got.Who)
		}
	}
}
