package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
)

// In a process that stands still between requests nothing is left to a
// background: the trail is signed, and policies are looked at, when it is said
// that now is the time, and no more often than the settings want.
func TestAFrozenGatewayCatchesUpWhenItIsAskedTo(t *testing.T) {
	g := inEnvironment(t, generateKey(t, keyring.P256), nil, frozen)
	signed := func() int { return strings.Count(g.trail.String(), `"signature"`) }
	read := func() { g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", "") }

	read()
	if signed() != 1 { // the beginning
		t.Fatalf("%d signed lines:\n%s", signed(), g.trail)
	}
	g.server.CatchUp(t.Context())
	if signed() != 1 {
		t.Errorf("signed before the interval is over:\n%s", g.trail)
	}
	g.now = g.now.Add(time.Minute)
	g.server.CatchUp(t.Context())
	if signed() != 2 || !strings.Contains(g.trail.String(), `"checkpoint"`) {
		t.Errorf("not signed after the interval:\n%s", g.trail)
	}
	g.now = g.now.Add(time.Minute)
	g.server.CatchUp(t.Context())
	if signed() != 2 {
		t.Errorf("signed where nothing was written:\n%s", g.trail)
	}

	g.writePolicies(t, `forbid (principal, action, resource);`)
	for range 2 { // seen, then taken
		g.now = g.now.Add(time.Minute)
		g.server.CatchUp(t.Context())
	}
	if recorder := g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", ""); recorder.Code != http.StatusNotFound {
		t.Errorf("the policies from before decide: %d", recorder.Code)
	}
}
