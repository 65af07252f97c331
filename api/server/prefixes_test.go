package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/problem"
)

func TestNoAccessBelowAPrefixLeavesThatCouldNotBeRecorded(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Audit = fullDisk{} })
	for _, path := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
		for person, prefix := range map[string]string{"alice": "users/alice/albums/7/", "bob": "users/alice/albums/7/"} {
			recorder := g.do(t, person, http.MethodPost, path, fmt.Sprintf(`{"prefix":%q}`, prefix), "Host", "api.example.com")
			mustProblem(t, recorder, problem.Unavailable)
			if recorder.Header().Get("Set-Cookie") != "" || strings.Contains(recorder.Body.String(), "Signature") {
				t.Errorf("%s for %s: %v %s", path, person, recorder.Header(), recorder.Body)
			}
		}
	}
}

// Somebody who pastes a signed URL doesn't leave its signature in the trail.
func TestASignedURLForAPrefixIsRefusedAndNotRecorded(t *testing.T) {
	g := newGateway(t, nil)
	for _, path := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
		for _, text := range []string{
			"users/alice/a.png?Signature=secret/", "users/alice/a.png?sg-id=1&Signature=secret&Key-Pair-Id=K/", "users/alice/a.png%3FSignature%3Dsecret/",
			"users/bob/a.png?Signature%253Dsecret/", "users/bob/a.png?X-Amz-Signature=secret/", "users/bob/a.png?signature=secret/", "users/bob/a.png?x=1&amp;Signature=secret/",
		} {
			recorder := g.do(t, "alice", http.MethodPost, path, fmt.Sprintf(`{"prefix":%q}`, text))
			document := mustProblem(t, recorder, problem.InvalidRequest)
			if len(document.Errors) != 1 || document.Errors[0].Pointer != "/prefix" || !strings.Contains(document.Errors[0].Detail, "signature") || strings.Contains(recorder.Body.String(), "secret") {
				t.Errorf("%s: %s", text, recorder.Body)
			}
		}
	}
	if strings.Contains(g.trail.String()+g.log.String(), "secret") {
		t.Errorf("%s %s", g.trail, g.log)
	}
}
