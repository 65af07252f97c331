package demoissuer_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
	"github.com/signgate/signgate/pkg/callers"
)

// start serves an issuer and returns it with the authenticator that the
// gateway would use.
func start(t *testing.T) (*demoissuer.Issuer, *httptest.Server, *callers.OIDC) {
	t.Helper()
	var issuer *demoissuer.Issuer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { issuer.Handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	var err error
	issuer, err = demoissuer.New(t.Context(), demoissuer.Config{URL: server.URL, Audience: "signgate", People: []string{"alice", "bob"}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	authenticator, err := callers.NewOIDC(t.Context(), callers.OIDCConfig{
		Issuers: []callers.Issuer{{Issuer: server.URL, Audience: "signgate", Algorithms: []string{"ES256"}}},
		HTTP:    server.Client(), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return issuer, server, authenticator
}

func fetch(t *testing.T, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestItsTokensPassTheGatewaysCheckBeforeAndAfterARotation(t *testing.T) {
	_, server, authenticator := start(t)
	_, before := fetch(t, http.MethodGet, server.URL+"/token/alice")
	if status, _ := fetch(t, http.MethodPost, server.URL+"/rotate"); status != http.StatusOK {
		t.Fatalf("rotate: %d", status)
	}
	_, after := fetch(t, http.MethodGet, server.URL+"/token/bob")
	if strings.Split(before, ".")[0] == strings.Split(after, ".")[0] {
		t.Error("the rotation changed no key id")
	}
	for token, want := range map[string]string{before: "alice", after: "bob"} {
		if caller, err := authenticator.Authenticate(t.Context(), token); err != nil || caller.Subject != want {
			t.Errorf("%s: %+v, %v", want, caller, err)
		}
	}
}

func TestItPublishesNoPrivateKeyAndKnowsOnlyItsPeople(t *testing.T) {
	issuer, server, _ := start(t)
	if _, keys := fetch(t, http.MethodGet, server.URL+"/jwks"); strings.Contains(keys, `"d"`) || !strings.Contains(keys, `"kid"`) {
		t.Errorf("keys: %s", keys)
	}
	if status, body := fetch(t, http.MethodGet, server.URL+"/token/mallory"); status != http.StatusNotFound || !strings.Contains(body, "alice, bob") {
		t.Errorf("mallory: %d %s", status, body)
	}
	if _, err := issuer.Token("mallory"); !errors.Is(err, demoissuer.ErrUnknownPerson) {
		t.Errorf("Token = %v", err)
	}
}
