package signedurl_test

import (
	"fmt"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

const secret = "kTXsecretQ~-0_"

func TestNoFormOfASecretParameterIsRepeated(t *testing.T) {
	for _, name := range []string{
		"Signature", "signature", "SIGNATURE", "Policy", "X-Amz-Signature", "x-amz-signature", "X-Amz-Credential", "X-Amz-Security-Token",
		"CloudFront-Signature", "CloudFront-Policy", "%53ignature", "Si%67nature", "&#83;ignature", "amp;Signature", "Signature ",
	} {
		plain := "https://cdn.example.com/a.png?Expires=1&" + name + "=" + secret + "&Key-Pair-Id=K1"
		for form, text := range map[string]string{
			"as it is": plain, "in HTML": html.EscapeString(plain), "in HTML twice": html.EscapeString(html.EscapeString(plain)),
			"in a query": "https://x/?to=" + url.QueryEscape(plain), "in a query of a query": "https://x/?to=" + url.QueryEscape("?to="+url.QueryEscape(plain)),
			"with an escaped ?": strings.Replace(plain, "?", "%3F", 1), "at the end": strings.TrimSuffix(plain, "&Key-Pair-Id=K1"),
			"with an escaped =": strings.Replace(plain, name+"=", name+"%3d", 1), "with a referenced =": strings.Replace(plain, name+"=", name+"&#x3D;", 1),
		} {
			shown := signedurl.Redact(text)
			if strings.Contains(shown, secret) || !strings.Contains(shown, "withheld") || !strings.Contains(shown, "Expires") {
				t.Errorf("%s %s: %s", name, form, shown)
			}
			if !strings.HasSuffix(form, "end") && !strings.Contains(shown, "K1") {
				t.Errorf("%s %s: more is gone than the secret: %s", name, form, shown)
			}
		}
	}
	if shown := signedurl.Redact(strings.Replace("a?Signature="+secret, "S", "%"+strings.Repeat("25", 40)+"53", 1)); strings.Contains(shown, secret) {
		t.Errorf("escaped without end: %s", shown)
	}
}

func TestWhatIsNoSecretStaysReadable(t *testing.T) {
	for _, text := range []string{
		"https://cdn.example.com/a%20b.png?response-content-type=image%2Fpng&sg-id=ISSUE7", "it expired 5s ago, at 2026-11-21T12:00:00Z",
		"users/alice/Größe & 日本語.png", "policies/signature.txt", "a?Signature=&x=1", "100%", "%zz&nope;&", "",
	} {
		if shown := signedurl.Redact(text); shown != text {
			t.Errorf("%q became %q", text, shown)
		}
		if signedurl.HoldsSignature(text) && !strings.Contains(text, "Signature=") {
			t.Errorf("%q is said to hold a signature", text)
		}
	}
	for _, text := range []string{"a?Signature=x", "a%3FSignature%3Dx", "a?X-Amz-Signature=x", "a?signature=x", "a&amp;Signature&#61;x"} {
		if !signedurl.HoldsSignature(text) {
			t.Errorf("%q is not said to hold a signature", text)
		}
	}
}

// A policy that a trusted key has signed may still hold anything.
func TestNothingThatATerminalActsOnIsShown(t *testing.T) {
	key := generate(t, keyring.RSA2048)
	verifier := newVerifier(t, key, start)
	for _, raw := range []string{"\x1b[2J", "\u009b2J", "\r\n", "\x07", "\u202e", "\u2066", "\u2028", "\ufeff", "\xff"} {
		inJSON := strings.NewReplacer("\x1b", `\u001b`, "\x07", `\u0007`, "\r\n", `\r\n`, "\xff", `\u0000`).Replace(raw)
		policy := `{"Statement":[{"Resource":"https://cdn.example.com/` + inJSON + `?Signature\u003d` + secret + `","Condition":{"DateLessThan":{"AWS:EpochTime":1795262460}}}]}`
		for _, address := range []string{signedPolicy(t, key, policy), base + "/" + raw, base + "/a?" + raw + "=1", base + "/a?Expires=" + raw + "&Key-Pair-Id=" + raw} {
			from := netip.MustParseAddr("fe80::1%zone" + strings.ToValidUTF8(raw, ""))
			explanation := verifier.Explain(signedurl.Viewer{URL: address, Address: from})
			_, err := verifier.Verify(signedurl.Viewer{URL: address, Address: from})
			shown := fmt.Sprintf("%+v %v", explanation, err)
			if at := strings.IndexFunc(strings.ReplaceAll(shown, "\n", " "), func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }); at >= 0 {
				t.Errorf("%q in %q is shown: %q", raw, address, shown)
			}
			if strings.Contains(explanation.Resource+explanation.Checks[0].Found, "\n") || strings.Contains(shown, secret) {
				t.Errorf("%q: %q", raw, shown)
			}
		}
	}
}

func TestAnExplanationTellsWhatBecameOfTheQuery(t *testing.T) {
	key := generate(t, keyring.P256)
	verifier, address := newVerifier(t, key, start), signed(t, newSigner(t, key, signedurl.SHA256))
	presigned := "https://media.s3.eu-central-1.amazonaws.com/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + secret + "&X-Amz-Security-Token=" + secret + "&X-Amz-Signature=" + secret
	for says, sent := range map[string]string{
		"belongs to S3": presigned, "escaped for HTML": html.EscapeString(address), "percent-encoded (%3F)": strings.Replace(address, "?", "%3F", 1),
	} {
		explanation := verifier.Explain(signedurl.Viewer{URL: sent})
		if explanation.Accepted || !strings.Contains(explanation.Checks[0].Advice, says) {
			t.Errorf("%q isn't said: %+v", says, explanation.Checks[0])
		}
		_, signature, _ := strings.Cut(address, "Signature=")
		if shown := fmt.Sprintf("%+v", explanation); strings.Contains(shown, secret) || strings.Contains(shown, signature[:40]) {
			t.Errorf("%q: it is repeated: %s", says, shown)
		}
	}
}

// FuzzRedaction holds that an explanation never holds the signature, whatever
// stands around it.
func FuzzRedaction(f *testing.F) {
	key := generate(f, keyring.P256)
	verifier, address := newVerifier(f, key, start), signed(f, newSigner(f, key, signedurl.SHA256))
	before, rest, _ := strings.Cut(address, "Signature=")
	signature, after, _ := strings.Cut(rest, "&")
	for _, prefix := range []string{before, strings.Replace(before, "?", "%3F", 1), html.EscapeString(before), "?Policy=", "&#", "%", "x-", "\x1b"} {
		f.Add(prefix, "&"+after, false)
		f.Add(prefix, "%26"+url.QueryEscape(after), true)
	}
	f.Fuzz(func(t *testing.T, prefix, suffix string, escaped bool) {
		sent := prefix + "Signature=" + signature + suffix
		if escaped {
			sent = prefix + "Signature%3D" + signature + suffix
		}
		viewer := signedurl.Viewer{URL: sent, Cookies: []*http.Cookie{{Name: "CloudFront-Signature", Value: signature}, {Name: "CloudFront-Key-Pair-Id", Value: signature}}}
		_, err := verifier.Verify(viewer)
		if shown := fmt.Sprintf("%+v %v", verifier.Explain(viewer), err); strings.Contains(shown, signature) {
			t.Errorf("%q: %s", sent, shown)
		}
	})
}
