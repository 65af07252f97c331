package edge_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/edge"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

// What is refused is told to the operator, who may pass it on: the reason, the
// path and the key are said without what opens anything.
func TestNoSecretOfAnySpellingReachesTheReasonOrTheLog(t *testing.T) {
	const secret = "kTXsecretQ~-0_"
	l := newLocal(t, func(c *edge.Config) {
		open := edge.ReadBehavior(nil, edge.Lifetime{})
		open.PathPattern, open.Unsigned = "/public/*", true
		c.Behaviors = append([]edge.Behavior{open}, c.Behaviors...)
	})
	key, err := objectkey.Parse("b.png")
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.signer.Sign(signedurl.Request{Key: key, IssueID: "I1", Conditions: signedurl.Conditions{Expires: start.Add(time.Hour), NotBefore: start.Add(-time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(other, "?")
	for _, address := range []string{
		"/a.png?x=1&amp;Signature=" + secret + "&" + query, "/a.png?X-Amz-Signature=" + secret + "&" + query, "/a.png?X-Amz-Credential=" + secret + "&X-Amz-Security-Token=" + secret + "&" + query,
		"/a.png%3Fsignature=" + secret, "/a.png%3FSIGNATURE%3D" + secret, "/a.png%3FSi%67nature=" + secret, "/a.png/signature/" + secret, "/public/a.png%3FSignature%3D" + secret,
	} {
		response, body := l.do(t, http.MethodGet, l.edge.URL+address, nil)
		reason := response.Header.Get(edge.ReasonHeader)
		if strings.Contains(reason+l.log.String()+body, secret) {
			t.Errorf("%s: %q, log %s", address, reason, l.log)
		}
		if strings.Contains(address, query) && !strings.Contains(reason, "not covered by") {
			t.Errorf("%s: %q", address, reason)
		}
	}
}
