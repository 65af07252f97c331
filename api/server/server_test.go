package server_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/capability"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

const cdn = "https://cdn.example.com"

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// names are callers whose token is their name.
type names struct{}

func (names) Authenticate(_ context.Context, token string) (callers.Caller, error) {
	switch token {
	case "alice", "bob":
		return callers.Caller{Subject: token, Authenticated: "oidc"}, nil
	}
	return callers.Caller{}, callers.ErrToken
}

// grouped are callers of whom bob is in a group and a tenant.
type grouped struct{}

func (grouped) Authenticate(ctx context.Context, token string) (callers.Caller, error) {
	caller, err := names{}.Authenticate(ctx, token)
	if token == "bob" {
		caller.Groups, caller.Tenant = []string{"editors"}, "a"
	}
	return caller, err
}

// gateway is a server whose clock stands still, with everything real but the
// tokens.
type gateway struct {
	handler  http.Handler
	verifier *signedurl.Verifier
	trail    *bytes.Buffer
	log      *bytes.Buffer
	now      time.Time
}

// everything lets everybody do everything.
type everything struct{}

func (everything) Authorize(access.Principal, access.Action, objectkey.Key, ...access.Action) access.Decision {
	return access.Decision{Allowed: true}
}

func (everything) AuthorizePrefix(access.Principal, access.Action, objectkey.Prefix, ...access.Action) access.Decision {
	return access.Decision{Allowed: true}
}

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newGateway(t testing.TB, change func(*server.Parts)) *gateway {
	t.Helper()
	key, err := keyring.Generate(keyring.P256)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{trail: &bytes.Buffer{}, log: &bytes.Buffer{}, now: start}
	now := func() time.Time { return g.now }
	signer, err := signedurl.NewSigner(cdn, "KTESTKEY1", key, signedurl.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := signedurl.NewVerifier(map[string]crypto.PublicKey{"KTESTKEY1": key.Public()}, now)
	if err != nil {
		t.Fatal(err)
	}
	presigner, err := presign.New(t.Context(), presign.Config{Bucket: "media", Region: "eu-central-1", Credentials: credentials(nil), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	authorizer, err := access.Load(access.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := capability.New(now, make([]byte, capability.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	quarantine, err := objectkey.ParsePrefix("quarantine/")
	if err != nil {
		t.Fatal(err)
	}
	g.verifier = verifier
	parts := server.Parts{
		Callers: names{}, Access: authorizer, Signer: func(ctx context.Context) server.Signer { return signer.WithContext(ctx) }, Verifier: verifier, Presigner: presigner, Audit: audit.NewLog(g.trail),
		Limits: server.Limits{
			Read:           server.Life{Default: 5 * time.Minute, Longest: 12 * time.Hour},
			Upload:         server.Life{Default: 15 * time.Minute, Longest: time.Hour},
			Delete:         server.Life{Default: time.Minute, Longest: 5 * time.Minute},
			OpenUpload:     server.Life{Default: 24 * time.Hour, Longest: 48 * time.Hour},
			Session:        server.Life{Default: time.Hour, Longest: 24 * time.Hour},
			MaxUploadBytes: 1 << 20, MaxBodyBytes: 64 << 10, StableWindow: time.Hour,
		},
		Bucket: "media", Region: "eu-central-1", PublicURL: "https://api.example.com", Uploads: &bucket{}, Listing: shelf{}, Sealer: sealer, Quarantine: quarantine,
		Build: server.Build{Version: "test"}, StableKey: func() []byte { return []byte("of the test") }, CookieSameSite: http.SameSiteLaxMode,
		Log: slog.New(slog.NewTextHandler(g.log, nil)), Now: now, NewID: rand.Text,
	}
	if change != nil {
		change(&parts)
	}
	g.handler, err = server.New(parts)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func credentials(err error) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, err
	})
}

// do sends a request as a person, or as nobody if that is empty.
func (g *gateway) do(t testing.TB, person, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if person != "" {
		request.Header.Set("Authorization", "Bearer "+person)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	g.handler.ServeHTTP(recorder, request)
	return recorder
}

func decode[T any](t testing.TB, recorder *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(recorder.Body.Bytes(), &value); err != nil {
		t.Fatalf("%d %s: %v", recorder.Code, recorder.Body, err)
	}
	return value
}

// mustProblem wants a problem document of a kind, complete and consistent.
func mustProblem(t testing.TB, recorder *httptest.ResponseRecorder, kind problem.Kind) problem.Document {
	t.Helper()
	if recorder.Code != kind.Status || recorder.Header().Get("Content-Type") != problem.ContentType {
		t.Fatalf("%d %s %s, want %d %s", recorder.Code, recorder.Header().Get("Content-Type"), recorder.Body, kind.Status, kind.Code)
	}
	document := decode[problem.Document](t, recorder)
	if document.Code != kind.Code || document.Status != kind.Status || !strings.HasSuffix(document.Type, "#"+kind.Code) {
		t.Errorf("%+v, want %s", document, kind.Code)
	}
	if document.RequestID == "" || document.RequestID != recorder.Header().Get("X-Request-ID") {
		t.Errorf("request id %q, in the header %q", document.RequestID, recorder.Header().Get("X-Request-ID"))
	}
	return document
}

type readURLs struct{ Items []server.ReadURL }

func (g *gateway) records(t testing.TB) []audit.Record {
	t.Helper()
	var records []audit.Record
	decoder := json.NewDecoder(bytes.NewReader(g.trail.Bytes()))
	for {
		var record audit.Record
		err := decoder.Decode(&record)
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
}

func TestABatchAnswersEachKeyOnItsOwn(t *testing.T) {
	g := newGateway(t, nil)
	recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[
		{"key":"users/alice/a b*.png"},
		{"key":"users/alice/long.png","expiresIn":43200},
		{"key":"users/bob/secret.png"},
		{"key":"users/alice/../bob/secret.png"},
		{"key":"users/alice/a.png","expiresIn":43201},
		{"key":"users/alice/a.png","expiresIn":300000}]}`)
	if recorder.Code != http.StatusOK {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	items := decode[readURLs](t, recorder).Items
	for n, life := range map[int]time.Duration{0: 5 * time.Minute, 1: 12 * time.Hour} {
		verified, err := g.verifier.Verify(signedurl.Viewer{URL: items[n].URL})
		if err != nil {
			t.Fatalf("item %d: %v", n, err)
		}
		if !verified.Expires.Equal(start.Add(life)) || !items[n].ExpiresAt.Equal(verified.Expires) || verified.IssueID != items[n].ID {
			t.Errorf("item %d: %+v, says %v and %s", n, verified, items[n].ExpiresAt, items[n].ID)
		}
	}
	for n, want := range map[int]struct{ code, pointer, detail string }{
		2: {"not-found", "", ""},
		3: {"invalid-request", "/items/3/key", "dot segment"},
		4: {"invalid-request", "/items/4/expiresIn", "between 1 and 43200"},
		5: {"invalid-request", "/items/5/expiresIn", "looks like milliseconds"},
	} {
		got := items[n].Problem
		if items[n].URL != "" || got == nil || got.Code != want.code {
			t.Fatalf("item %d: %+v", n, items[n])
		}
		if want.pointer != "" && (len(got.Errors) != 1 || got.Errors[0].Pointer != want.pointer || !strings.Contains(got.Errors[0].Detail, want.detail)) {
			t.Errorf("item %d: %+v", n, got.Errors)
		}
	}
	if records := g.records(t); len(records) != 3 || records[0].Outcome != audit.Issued || records[2].Outcome != audit.Denied || records[2].Principal != "alice" {
		t.Errorf("records: %+v", records)
	}
}

func TestReadRedirectsToASignedURLOfExactlyThatKey(t *testing.T) {
	g := newGateway(t, nil)
	for target, resource := range map[string]string{
		"/v1/read/users/alice/a.png":               "/users/alice/a.png",
		"/v1/read/users/alice/a%20b.png":           "/users/alice/a%20b.png",
		"/v1/read/users/alice/a+b.png":             "/users/alice/a%2Bb.png",
		"/v1/read/users/alice/%2A":                 "/users/alice/%2A",
		"/v1/read/users/alice/100%25.png":          "/users/alice/100%25.png",
		"/v1/read/users/alice/%2e%2e%252fa":        "/users/alice/..%252fa",
		"/v1/read/users%2Falice%2Fa.png":           "/users/alice/a.png",
		"/v1/read/users/alice/%D0%BA%D0%BB.png":    "/users/alice/%D0%BA%D0%BB.png",
		"/v1/read/users/alice/x%3FExpires=1&a=%23": "/users/alice/x%3FExpires%3D1%26a%3D%23",
	} {
		recorder := g.do(t, "alice", http.MethodGet, target, "")
		if recorder.Code != http.StatusFound || recorder.Body.Len() != 0 || recorder.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", target, recorder.Code, recorder.Body)
			continue
		}
		verified, err := g.verifier.Verify(signedurl.Viewer{URL: recorder.Header().Get("Location")})
		if err != nil || !strings.HasPrefix(verified.Resource, cdn+resource+"?sg-id=") {
			t.Errorf("%s: %+v, %v", target, verified, err)
		}
	}
	for _, target := range []string{
		"/v1/read/users/alice/../bob/a.png", "/v1/read/users/alice/%2e%2e/bob/a.png", "/v1/read/users//a.png", "/v1/read/users/alice/",
		"/v1/read/users/alice/%00", "/v1/read/users/alice/%ff", "/v1/read/%2Fusers/alice/a.png",
	} {
		recorder := g.do(t, "alice", http.MethodGet, target, "")
		if recorder.Code < 400 || recorder.Code >= 500 || recorder.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", target, recorder.Code, recorder.Header().Get("Location"))
		}
	}
	mustProblem(t, g.do(t, "bob", http.MethodGet, "/v1/read/users/alice/a.png", ""), problem.NotFound)
}

func TestAnUploadIsWhatWasAskedForAndRecorded(t *testing.T) {
	g := newGateway(t, nil)
	recorder := g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5,
		"checksumSha256":"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=","metadata":{"album":"7"},"expiresIn":60}`)
	if recorder.Code != http.StatusCreated {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	signed := decode[server.NewUpload](t, recorder)
	if signed.Method != http.MethodPut || signed.Headers["If-None-Match"] != "*" || signed.Headers["X-Amz-Meta-Album"] != "7" ||
		signed.Headers["Content-Length"] != "5" || !signed.ExpiresAt.Equal(start.Add(time.Minute)) {
		t.Errorf("%+v", signed)
	}
	records := g.records(t)
	if len(records) != 1 || records[0].ID != signed.ID || records[0].Action != "write" || records[0].Key != "users/alice/a.png" {
		t.Errorf("records: %+v", records)
	}
	recorder = g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5,"overwrite":true}`)
	if over := decode[server.NewUpload](t, recorder); over.Headers["If-None-Match"] != "" {
		t.Errorf("an overwriting upload: %+v", over.Headers)
	}
	if records := g.records(t); records[1].Action != "overwrite" {
		t.Errorf("records: %+v", records)
	}
}

func TestWhatSomebodyMayNotDoLooksAsTheContractSays(t *testing.T) {
	g := newGateway(t, nil)
	mustProblem(t, g.do(t, "bob", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`), problem.Denied)
	items := decode[readURLs](t, g.do(t, "bob", http.MethodPost, "/v1/delete-urls", `{"items":[{"key":"users/alice/a.png"}]}`)).Items
	if items[0].URL != "" || items[0].Problem == nil || items[0].Problem.Code != problem.NotFound.Code {
		t.Errorf("%+v", items)
	}
	for _, record := range g.records(t) {
		if record.Outcome != audit.Denied || record.Principal != "bob" {
			t.Errorf("%+v", record)
		}
	}
}

// readOnly lets everybody read and do nothing else.
func readOnly(t *testing.T) *access.Authorizer {
	t.Helper()
	authorizer, err := access.Load(policies(`permit (principal, action in [Action::"read", Action::"write"], resource);`))
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

func TestReadingOrWritingGivesNeitherDeletingNorOverwriting(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Access = readOnly(t) })
	items := decode[readURLs](t, g.do(t, "bob", http.MethodPost, "/v1/delete-urls", `{"items":[{"key":"users/alice/a.png"}]}`)).Items
	if items[0].URL != "" || items[0].Problem == nil || items[0].Problem.Code != problem.Denied.Code {
		t.Errorf("deleting what may be read: %+v", items)
	}
	const body = `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5`
	mustProblem(t, g.do(t, "bob", http.MethodPost, "/v1/uploads", body+`,"overwrite":true}`), problem.Denied)
	if recorder := g.do(t, "bob", http.MethodPost, "/v1/uploads", body+`}`); recorder.Code != http.StatusCreated {
		t.Errorf("writing: %d", recorder.Code)
	}
}
