package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
)

// What fetch(…, {credentials: "include"}) of a page needs to be given the
// bytes: its origin by name, credentials allowed, and the cookies.
func TestAPageReadsAtTheEdgeWithItsCookies(t *testing.T) {
	s := startStack(t, "--allowed-origin=https://app.example.com")
	grant, err := s.startGateway(t).as(t, "alice").ReadCookies(t.Context(), client.PrefixRequest{Prefix: "users/alice/pictures/"})
	if err != nil {
		t.Fatal(err)
	}
	values := make([]string, len(grant.Cookies))
	for i, cookie := range grant.Cookies {
		values[i] = cookie.Name + "=" + cookie.Value
	}
	for origin, want := range map[string]string{"http://localhost:3000": "true", "http://127.0.0.1:3000": "true", "https://app.example.com": "true", "https://evil.example.com": ""} {
		got := send(t, http.MethodGet, "http://"+s.edge+"/users/alice/pictures/sunrise.png", map[string]string{"Origin": origin, "Cookie": strings.Join(values, "; ")}, nil)
		allowed := strings.Repeat(origin, len(want)/len("true"))
		if got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Origin") != allowed || got.header.Get("Access-Control-Allow-Credentials") != want {
			t.Errorf("%s: %d %v", origin, got.status, got.header)
		}
	}
}
