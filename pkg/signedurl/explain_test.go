package signedurl_test

import (
	"crypto"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

func TestAnExplanationNamesTheMistake(t *testing.T) {
	key, other := generate(t, keyring.P256), generate(t, keyring.RSA2048)
	verifier, err := signedurl.NewVerifier(map[string]crypto.PublicKey{keyID: key.Public(), "KOTHERKEY": other.Public()}, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	sign := func(name string, conditions signedurl.Conditions) string {
		url, err := newSigner(t, key, signedurl.SHA256).Sign(signedurl.Request{Key: parseKey(t, name), IssueID: issueID, Conditions: conditions})
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	url := sign("users/alice/it's a+b.png", minute)
	for name, test := range map[string]struct {
		url, answer, check, says string
	}{
		"accepted":            {url, "", "", ""},
		"unsigned":            {base + "/a.png", "MissingKey", "key-id", "whole query"},
		"an access key":       {strings.Replace(url, keyID, "AKIAEXAMPLE", 1), "InvalidKey", "key", keyID},
		"milliseconds":        {strings.Replace(url, "Expires=1795262460", "Expires=1795262460000", 1), "MalformedPolicy", "policy", "seconds"},
		"plain Base64":        {strings.Replace(url, "Signature=", "Signature=%2B", 1), "MalformedSignature", "signature-form", "replaced by"},
		"the wrong hash":      {strings.Replace(url, "&Hash-Algorithm=SHA256", "", 1), "AccessDenied", "signature", "signed with SHA256"},
		"the wrong key":       {strings.Replace(url, keyID, "KOTHERKEY", 1), "AccessDenied", "signature", "signed with the key " + keyID},
		"drifting spaces":     {strings.Replace(url, "%20", "+", 1), "AccessDenied", "signature", "it%27s%20a%2Bb.png"},
		"drifting quotes":     {strings.Replace(url, "%27", "'", 1), "AccessDenied", "signature", "rewrote the URL"},
		"another scheme":      {strings.Replace(url, "https://", "http://", 1), "AccessDenied", "signature", "signed for https://"},
		"a port":              {strings.Replace(url, "example.com", "example.com:443", 1), "AccessDenied", "signature", "signed for " + base},
		"an added parameter":  {strings.Replace(url, "?", "?utm=1&", 1), "AccessDenied", "signature", "changed after signing"},
		"expired":             {sign("a.png", signedurl.Conditions{Expires: start.Add(-90 * time.Second)}), "AccessDenied", "expiry", "1m30s ago"},
		"not yet valid":       {sign("a.png", signedurl.Conditions{Expires: start.Add(time.Hour), NotBefore: start.Add(time.Minute)}), "AccessDenied", "not-before", "begins in 1m1s"},
		"another address":     {sign("a.png", signedurl.Conditions{Expires: start.Add(time.Hour), Address: netip.MustParsePrefix("203.0.113.0/24")}), "AccessDenied", "address", "192.0.2.1, not from 203.0.113.0/24"},
		"a policy for others": {strings.Replace(sign("a.png", signedurl.Conditions{Expires: start.Add(time.Hour), NotBefore: start.Add(-time.Minute)}), "a.png", "b.png", 1), "AccessDenied", "resource", "byte for byte"},
	} {
		t.Run(name, func(t *testing.T) {
			viewer := signedurl.Viewer{URL: test.url, Address: netip.MustParseAddr("192.0.2.1")}
			explanation := verifier.Explain(viewer)
			_, err := verifier.Verify(viewer)
			if explanation.Accepted != (err == nil) || explanation.Answer != test.answer {
				t.Errorf("accepted %t, answer %q, and Verify says %v", explanation.Accepted, explanation.Answer, err)
			}
			for _, check := range explanation.Checks {
				if check.Result == "failed" {
					if check.Name != test.check || !strings.Contains(check.Found+" "+check.Advice, test.says) {
						t.Errorf("%s: %s %s; want %s to say %q", check.Name, check.Found, check.Advice, test.check, test.says)
					}
					break
				}
			}
			if at := strings.Index(test.url, "Signature="); at > 0 {
				signature, _, _ := strings.Cut(test.url[at+len("Signature="):], "&")
				if strings.Contains(fmt.Sprintf("%+v", explanation), signature[3:]) {
					t.Error("the explanation holds the signature")
				}
			}
		})
	}
}
