package signedurl_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

// What CloudFront wouldn't read as we do, the edge doesn't read at all: a
// condition that is overlooked opens more than was signed for.
func TestAPolicyThatCouldBeReadInTwoWaysIsMalformed(t *testing.T) {
	key := generate(t, keyring.RSA2048)
	verifier := newVerifier(t, key, start)
	const less = `"DateLessThan":{"AWS:EpochTime":1795262460}`
	const good = `{"Statement":[{"Resource":"https://cdn.example.com/*","Condition":{` + less + `}}]}`
	if _, err := verifier.Verify(signedurl.Viewer{URL: signedPolicy(t, key, good)}); err != nil {
		t.Fatal(err)
	}
	for name, policy := range map[string]string{
		"a resource of null":             strings.Replace(good, `"https://cdn.example.com/*"`, `null`, 1),
		"an address of null":             strings.Replace(good, less, less+`,"IpAddress":null`, 1),
		"an IP of null":                  strings.Replace(good, less, less+`,"IpAddress":{"AWS:SourceIp":null}`, 1),
		"an address without IP":          strings.Replace(good, less, less+`,"IpAddress":{}`, 1),
		"a beginning of null":            strings.Replace(good, less, less+`,"DateGreaterThan":null`, 1),
		"a beginning without time":       strings.Replace(good, less, less+`,"DateGreaterThan":{}`, 1),
		"a beginning at nothing":         strings.Replace(good, less, less+`,"DateGreaterThan":{"AWS:EpochTime":0}`, 1),
		"a beginning before 1970":        strings.Replace(good, less, less+`,"DateGreaterThan":{"AWS:EpochTime":-1}`, 1),
		"a beginning in milliseconds":    strings.Replace(good, less, less+`,"DateGreaterThan":{"AWS:EpochTime":1795262000000}`, 1),
		"a beginning in text":            strings.Replace(good, less, less+`,"DateGreaterThan":{"AWS:EpochTime":"1795262000"}`, 1),
		"an end in text":                 strings.Replace(good, `1795262460`, `"1795262460"`, 1),
		"an end with an exponent":        strings.Replace(good, `1795262460`, `1.79526246e9`, 1),
		"an end of null":                 strings.Replace(good, `1795262460`, `null`, 1),
		"statements of null":             `{"Statement":null}`,
		"a statement of null":            `{"Statement":[null]}`,
		"a condition of null":            `{"Statement":[{"Resource":"*","Condition":null}]}`,
		"two resources":                  strings.Replace(good, `"Condition"`, `"Resource":"*","Condition"`, 1),
		"two ends":                       strings.Replace(good, less, less+`,`+strings.Replace(less, "1795262460", "2000000000", 1), 1),
		"two ends of one":                strings.Replace(good, `1795262460`, `1,"AWS:EpochTime":1795262460`, 1),
		"two statements' members":        strings.Replace(good, `{"Statement"`, `{"Statement":[],"Statement"`, 1),
		"a resource in lower case":       strings.Replace(good, `"Resource"`, `"resource"`, 1),
		"an end in another case":         strings.Replace(good, `DateLessThan`, `datelessthan`, 1),
		"an address in another case":     strings.Replace(good, less, less+`,"IPAddress":{"AWS:SourceIp":"192.0.2.7"}`, 1),
		"an unknown condition":           strings.Replace(good, less, less+`,"StringEquals":{}`, 1),
		"an unknown member":              strings.Replace(good, `"Resource"`, `"Effect":"Allow","Resource"`, 1),
		"a member beside the statements": strings.Replace(good, `{"Statement"`, `{"Version":"2012-10-17","Statement"`, 1),
		"broken UTF-8":                   strings.Replace(good, "cdn", "\xff", 1),
		"half a surrogate":               strings.Replace(good, "cdn", `\ud800`, 1),
		"a single IPv6 address":          strings.Replace(good, less, less+`,"IpAddress":{"AWS:SourceIp":"2001:db8::7"}`, 1),
		"IPv4 in IPv6's form":            strings.Replace(good, less, less+`,"IpAddress":{"AWS:SourceIp":"::ffff:192.0.2.7"}`, 1),
		"an IPv6 range":                  strings.Replace(good, less, less+`,"IpAddress":{"AWS:SourceIp":"::/0"}`, 1),
	} {
		if policy == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		for _, address := range []string{"192.0.2.7", "2001:db8::7"} {
			viewer := signedurl.Viewer{URL: signedPolicy(t, key, policy), Address: netip.MustParseAddr(address)}
			if _, err := verifier.Verify(viewer); !errors.Is(err, signedurl.ErrMalformedPolicy) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A policy is not repeated where it can't be read: it may be a secret in the
// wrong place.
func TestAMalformedPolicyIsNotRepeated(t *testing.T) {
	key := generate(t, keyring.RSA2048)
	verifier := newVerifier(t, key, start)
	const secret = "kTXsecretQ-and-much-more-of-it"
	for _, policy := range []string{secret, `{"` + secret + `":1}`, `{"Statement":{"` + secret + `":1}}`, `{"Statement":"` + secret + `"}`, `{"Statement":{"Resource":["` + secret + `"]}}`} {
		viewer := signedurl.Viewer{URL: signedPolicy(t, key, policy)}
		_, err := verifier.Verify(viewer)
		if !errors.Is(err, signedurl.ErrMalformedPolicy) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", policy, err)
		}
	}
}
