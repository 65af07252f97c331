package signedurl_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/signedurl"
)

// CloudFront takes URLs of 8,192 bytes at most: a longer one would open
// nothing.
func TestAURLThatCloudFrontWouldNotTakeIsNotSigned(t *testing.T) {
	const most = 8192
	signer := newSigner(t, generate(t, keyring.RSA2048), signedurl.SHA256)
	sign := func(version string, conditions signedurl.Conditions) (string, error) {
		return signer.Sign(signedurl.Request{Key: parseKey(t, strings.Repeat("/ü", 340)[1:]), IssueID: issueID, Conditions: conditions, Overrides: overrides.Set{
			VersionID: version, CacheControl: strings.Repeat(",", 256), ContentType: "a/" + strings.Repeat("b", 300), Filename: strings.Repeat("ü", 127),
		}})
	}
	short, err := sign("v", minute)
	if err != nil {
		t.Fatal(err)
	}
	room := most - len(short)
	longest := strings.Repeat("/", room/3) + strings.Repeat("v", room%3+1) // a slash becomes three bytes
	if url, err := sign(longest, minute); err != nil || len(url) != most {
		t.Errorf("the longest: %d bytes, %v", len(url), err)
	}
	if url, err := sign(longest+"v", minute); !errors.Is(err, signedurl.ErrTooLong) || !errors.Is(err, signedurl.ErrRequest) || url != "" {
		t.Errorf("one byte more: %d bytes, %v", len(url), err)
	}
	bound := signedurl.Conditions{Expires: start.Add(time.Hour), Address: netip.MustParsePrefix("203.0.113.0/24")}
	if url, err := sign(longest, bound); !errors.Is(err, signedurl.ErrTooLong) || url != "" {
		t.Errorf("with a policy: %d bytes, %v", len(url), err)
	}
	long := parsePrefix(t, strings.Repeat("ü", 511)+"/")
	if _, err := signer.SignPrefix(signedurl.PrefixRequest{Prefix: long, IssueID: issueID, Conditions: minute}); err != nil {
		t.Errorf("a long prefix: %v", err)
	}
	if _, err := signer.SignPrefix(signedurl.PrefixRequest{Prefix: long, IssueID: strings.Repeat("A", 3000), Conditions: minute}); !errors.Is(err, signedurl.ErrTooLong) {
		t.Errorf("a prefix without room below it: %v", err)
	}
}

// At NotBefore itself nothing is open yet, at the expiry nothing is any more.
func TestAURLThatWouldNeverBeOpenIsNotSigned(t *testing.T) {
	key := generate(t, keyring.P256)
	signer := newSigner(t, key, signedurl.SHA256)
	for seconds, want := range map[int]error{0: signedurl.ErrRequest, 1: signedurl.ErrRequest, 2: nil} {
		conditions := signedurl.Conditions{Expires: start.Add(time.Hour), NotBefore: start.Add(time.Hour - time.Duration(seconds)*time.Second)}
		url, err := signer.Sign(signedurl.Request{Key: parseKey(t, "a"), IssueID: issueID, Conditions: conditions})
		if !errors.Is(err, want) || (want == nil && err != nil) {
			t.Errorf("%d seconds: %v", seconds, err)
		}
		if err == nil {
			if _, err := newVerifier(t, key, start.Add(time.Hour-time.Second)).Verify(signedurl.Viewer{URL: url}); err != nil {
				t.Errorf("in its only second: %v", err)
			}
		}
	}
}
