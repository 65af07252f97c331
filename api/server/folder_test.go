package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

// withPolicies is a gateway that decides by these.
func withPolicies(t *testing.T, policies string) *gateway {
	t.Helper()
	authorizer, err := access.Load(fstest.MapFS{"test.cedar": {Data: []byte(policies)}})
	if err != nil {
		t.Fatal(err)
	}
	return newGateway(t, func(p *server.Parts) { p.Access = authorizer })
}

// Objects of one folder may be decided together; what comes of it must be what
// would have come of each alone.
func TestABatchGivesNothingThatEachAloneWouldNot(t *testing.T) {
	const all = `permit (principal, action, resource);`
	for name, test := range map[string]struct{ policies, target, want string }{
		"reading doesn't give deleting": {`permit (principal, action == Action::"read", resource);`, "/v1/delete-urls", "nnnn"},
		"one object is an exception":    {all + `forbid (principal, action, resource == Object::"users/alice/secret");`, "/v1/read-urls", "yyny"},
		"one name is an exception":      {all + `forbid (principal, action, resource) when { resource.key like "*secret" };`, "/v1/read-urls", "yyny"},
		"another object's being there":  {all + `forbid (principal, action, resource) when { Object::"users/alice/secret" has key };`, "/v1/read-urls", "yyny"},
		"and for deleting":              {all + `forbid (principal, action == Action::"delete", resource) when { Object::"users/alice/secret" has key };`, "/v1/delete-urls", "yyny"},
		"one object is all":             {`permit (principal, action, resource == Object::"users/alice/a");`, "/v1/read-urls", "ynnn"},
		"everything":                    {all, "/v1/read-urls", "yyyy"},
		"another person":                {`permit (principal == Person::"bob", action, resource);`, "/v1/read-urls", "nnnn"},
	} {
		t.Run(name, func(t *testing.T) {
			g := withPolicies(t, test.policies)
			var got strings.Builder
			recorder := g.do(t, "alice", http.MethodPost, test.target, `{"items":[{"key":"users/alice/a"},{"key":"users/alice/b"},{"key":"users/alice/secret"},{"key":"users/alice/c"}]}`)
			for _, item := range decode[struct{ Items []struct{ URL string } }](t, recorder).Items {
				if item.URL == "" {
					got.WriteByte('n')
				} else {
					got.WriteByte('y')
				}
			}
			if got.String() != test.want {
				t.Errorf("%s, want %s", &got, test.want)
			}
		})
	}
}

func TestAPrefixIsNotDecidedByOneObjectBelowIt(t *testing.T) {
	g := withPolicies(t, `permit (principal, action, resource); forbid (principal, action, resource == Object::"users/alice/secret");`)
	for _, target := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
		if got := g.do(t, "alice", http.MethodPost, target, `{"prefix":"users/alice/"}`); got.Code != http.StatusNotFound || len(got.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
}

func TestASignatureInPlaceOfAKeyIsNotRecorded(t *testing.T) {
	g := newGateway(t, nil)
	for _, name := range []string{"users/alice/a?Signature=SECRET", "users/alice/a%3Fsignature%3DSECRET", "users/alice/a%253FX-Amz-Signature%253DSECRET"} {
		for target, body := range map[string]string{
			"/v1/read-urls": `{"items":[{"key":"` + name + `"}]}`, "/v1/upload-sessions": `{"prefix":"` + name + `/"}`,
			"/v1/uploads": `{"contentType":"text/plain","contentLength":1,"key":"` + name + `"}`,
		} {
			if got := g.do(t, "alice", http.MethodPost, target, body); !strings.Contains(got.Body.String(), "holds a signature") {
				t.Errorf("%s %s: %d %s", target, body, got.Code, got.Body)
			}
		}
	}
	if written := g.log.String() + g.trail.String(); strings.Contains(written, "SECRET") {
		t.Errorf("written: %s", written)
	}
}

// Where everything is permitted, what lies in quarantine still is nobody's.
func TestNoPolicyOpensTheQuarantine(t *testing.T) {
	g := withPolicies(t, `permit (principal, action, resource);`)
	for target, body := range map[string]string{
		"/v1/read-urls":       `{"items":[{"key":"quarantine/x"},{"key":"quarantine/y"},{"key":"quarantine/z"}]}`,
		"/v1/delete-urls":     `{"items":[{"key":"quarantine/x"},{"key":"quarantine/y"},{"key":"quarantine/z"}]}`,
		"/v1/read-prefixes":   `{"prefix":"quarantine/"}`,
		"/v1/read-cookies":    `{"prefix":"quarantine/deeper/"}`,
		"/v1/uploads":         `{"key":"quarantine/x","contentType":"text/plain","contentLength":1}`,
		"/v1/upload-sessions": `{"prefix":"quarantine/"}`,
		"/v1/uploads/sign":    `{"method":"PUT","key":"quarantine/x"}`,
	} {
		if got := g.do(t, "alice", http.MethodPost, target, body); strings.Contains(got.Body.String(), `"url"`) || strings.Contains(got.Body.String(), `"query"`) {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	if got := g.do(t, "alice", http.MethodGet, "/v1/read/quarantine/x", ""); got.Code != http.StatusNotFound {
		t.Errorf("the redirect: %d", got.Code)
	}
	if strings.Contains(g.trail.String(), "issued") {
		t.Errorf("%s", g.trail)
	}
}

// A prefix above the quarantine holds it too.
func TestAPrefixAroundTheQuarantineIsNotGranted(t *testing.T) {
	authorizer, err := access.Load(fstest.MapFS{"test.cedar": {Data: []byte(`permit (principal, action, resource);`)}})
	if err != nil {
		t.Fatal(err)
	}
	quarantine, err := objectkey.ParsePrefix("uploads/quarantine/")
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, func(p *server.Parts) { p.Access, p.Quarantine = authorizer, quarantine })
	for prefix, want := range map[string]int{"uploads/": http.StatusNotFound, "uploads/quarantine/": http.StatusNotFound, "uploads/other/": http.StatusCreated} {
		if got := g.do(t, "alice", http.MethodPost, "/v1/read-prefixes", `{"prefix":"`+prefix+`"}`); got.Code != want {
			t.Errorf("%s: %d %s", prefix, got.Code, got.Body)
		}
	}
}
