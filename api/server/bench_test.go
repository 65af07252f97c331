package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
)

// BenchmarkReadURL is one URL over HTTP on loopback, with everything real:
// token, decision, P-256 signature, audit record.
func BenchmarkReadURL(b *testing.B) { benchmarkReadURLs(b, 1) }

// BenchmarkReadURLs100 is a batch of 100 in one request.
func BenchmarkReadURLs100(b *testing.B) { benchmarkReadURLs(b, 100) }

// BenchmarkUpload is one PUT presigned over HTTP, and its id sealed.
func BenchmarkUpload(b *testing.B) {
	benchmarkPost(b, "/v1/uploads", `{"key":"users/alice/pictures/0.png","contentType":"image/png","contentLength":2048}`, http.StatusCreated)
}

func benchmarkReadURLs(b *testing.B, count int) {
	b.Helper()
	items := make([]string, count)
	for n := range items {
		items[n] = fmt.Sprintf(`{"key":"users/alice/pictures/%d.png"}`, n)
	}
	benchmarkPost(b, "/v1/read-urls", `{"items":[`+strings.Join(items, ",")+`]}`, http.StatusOK)
}

func benchmarkPost(b *testing.B, path, body string, status int) {
	b.Helper()
	benchmarkPostOn(b, func(*server.Parts) {}, path, body, status)
}

// benchmarkPostOn is benchmarkPost on another gateway.
func benchmarkPostOn(b *testing.B, change func(*server.Parts), path, body string, status int) {
	b.Helper()
	web, token := newWeb(b, change)
	b.ReportAllocs()
	for b.Loop() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, web.URL+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		response, err := web.Client().Do(request)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != status {
			b.Fatalf("%d %v", response.StatusCode, err)
		}
	}
}

// newWeb is a gateway behind a real socket, and a token of alice's.
func newWeb(b *testing.B, change func(*server.Parts)) (*httptest.Server, string) {
	b.Helper()
	mux := http.NewServeMux()
	issuerWeb := httptest.NewServer(mux)
	b.Cleanup(issuerWeb.Close)
	now := func() time.Time { return start }
	issuer, err := demoissuer.New(b.Context(), demoissuer.Config{URL: issuerWeb.URL, Audience: "signgate", People: []string{"alice"}, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	mux.Handle("/", issuer.Handler())
	tokens, err := callers.NewOIDC(b.Context(), callers.OIDCConfig{
		Issuers: []callers.Issuer{{Issuer: issuerWeb.URL, Audience: "signgate", Algorithms: []string{"ES256"}}},
		HTTP:    issuerWeb.Client(), Log: slog.New(slog.DiscardHandler), Now: now,
	})
	if err != nil {
		b.Fatal(err)
	}
	token, err := issuer.Token("alice")
	if err != nil {
		b.Fatal(err)
	}
	g := newGateway(b, func(parts *server.Parts) {
		parts.Callers, parts.Audit = tokens, audit.NewLog(io.Discard)
		parts.Log = slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // writing the line is part of the cost
		change(parts)
	})
	web := httptest.NewServer(g.handler)
	b.Cleanup(web.Close)
	return web, token
}

// identity lets people read what lies below their own name, and nothing else:
// the least that any service has to check.
type identity struct{}

func (identity) Authorize(principal access.Principal, _ access.Action, key objectkey.Key, _ ...access.Action) access.Decision {
	return access.Decision{Allowed: strings.HasPrefix(key.String(), "users/"+principal.Subject+"/")}
}

func (identity) AuthorizePrefix(access.Principal, access.Action, objectkey.Prefix, ...access.Action) access.Decision {
	return access.Decision{}
}

// BenchmarkDecision is what Cedar and a store of a thousand shares take for a
// decision, beside a comparison of names.
func BenchmarkDecision(b *testing.B) {
	store := newShares(b, start)
	grant := func(resource, person string) {
		grantee, err := grants.Person(person)
		if err != nil {
			b.Fatal(err)
		}
		if err := store.Create(b.Context(), grants.Grant{
			ID: grants.NewID(resource, grantee, start), Resource: resource, Grantee: grantee, Actions: []grants.Action{grants.Read}, CreatedBy: "alice", CreatedAt: start,
		}); err != nil {
			b.Fatal(err)
		}
	}
	grant("users/alice/albums/7/", "bob")
	for n := range 1_000 {
		grant(fmt.Sprintf("users/%d/albums/7/", n), "carol")
	}
	groups := []string{"staff", "friends", "family"}
	for _, test := range []struct {
		name, person string
		change       func(*server.Parts)
	}{
		{"identity", "alice", func(p *server.Parts) { p.Access = identity{} }},
		{"policies", "alice", func(p *server.Parts) { p.Grants = store }},
		{"policies and shares", "bob", func(p *server.Parts) { p.Grants = store }},
	} {
		b.Run(test.name, func(b *testing.B) {
			gateway, ok := newGateway(b, test.change).handler.(*server.Server)
			if !ok {
				b.Fatal("another handler than the server")
			}
			caller := callers.Caller{Subject: test.person, Groups: groups, Authenticated: "oidc"}
			key, err := objectkey.Parse("users/alice/albums/7/sunrise.png")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if allowed, err := gateway.MayRead(b.Context(), caller, key); err != nil || !allowed {
					b.Fatal(allowed, err)
				}
			}
		})
	}
}
