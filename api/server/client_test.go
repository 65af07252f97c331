package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/uploads"
)

// The Go client is written by hand; this holds it to the OpenAPI document.
func TestTheClientKnowsEveryMemberOfTheDocument(t *testing.T) {
	document := decode[struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
				Required   []string                   `json:"required"`
			} `json:"schemas"`
		} `json:"components"`
	}](t, newGateway(t, nil).do(t, "", http.MethodGet, "/openapi.json", ""))
	types := map[string]reflect.Type{
		"Problem": reflect.TypeFor[problem.Document](), "ProblemField": reflect.TypeFor[problem.Field](),
		"ReadItem": reflect.TypeFor[client.ReadItem](), "ReadURL": reflect.TypeFor[client.ReadURL](),
		"PrefixRequest": reflect.TypeFor[client.PrefixRequest](), "PrefixGrant": reflect.TypeFor[client.PrefixGrant](),
		"ExplainRequest": reflect.TypeFor[client.ExplainRequest](), "Explanation": reflect.TypeFor[client.Explanation](),
		"CheckResult": reflect.TypeFor[client.CheckResult](), "Answerer": reflect.TypeFor[client.Answerer](),
		"UploadRequest": reflect.TypeFor[client.UploadRequest](), "NewUpload": reflect.TypeFor[client.Upload](),
		"PartItem": reflect.TypeFor[client.PartItem](), "SignedPart": reflect.TypeFor[client.SignedPart](),
		"UploadedPart": reflect.TypeFor[client.UploadedPart](), "UploadedObject": reflect.TypeFor[client.UploadedObject](),
		"SessionRequest": reflect.TypeFor[client.SessionRequest](), "Session": reflect.TypeFor[client.Session](),
		"CredentialsRequest": reflect.TypeFor[client.CredentialsRequest](), "UploadCredentials": reflect.TypeFor[client.UploadCredentials](),
		"Grantee": reflect.TypeFor[client.Grantee](), "GrantRequest": reflect.TypeFor[client.GrantRequest](),
		"Grant": reflect.TypeFor[client.Grant](), "DecisionRequest": reflect.TypeFor[client.DecisionRequest](), "Decision": reflect.TypeFor[client.Decision](),
		"ListedObject": reflect.TypeFor[client.ListedObject](), "ObjectPage": reflect.TypeFor[client.ObjectPage](),
		"GrantPage":   reflect.TypeFor[client.GrantPage](),
		"SignRequest": reflect.TypeFor[client.SignRequest](), "SignedCall": reflect.TypeFor[client.SignedCall](),
		"Item": reflect.TypeFor[client.Item](), "DeleteURL": reflect.TypeFor[client.DeleteURL](), "Build": reflect.TypeFor[client.Build](),
	}
	// What only holds a list of items, or is a probe's status, has no type of
	// its own name in the client.
	inline := []string{
		"ReadBatch", "Batch", "ReadURLsOutputBody", "DeleteURLsOutputBody", "StatusOutputBody",
		"SignPartsInputBody", "SignPartsOutputBody", "ListPartsOutputBody", "CompleteInputBody",
	}
	for name, schema := range document.Components.Schemas {
		if slices.Contains(inline, name) {
			continue
		}
		known, ok := types[name]
		if !ok {
			t.Errorf("the client has no type for %s", name)
			continue
		}
		delete(types, name)
		want, got := slices.Sorted(maps.Keys(schema.Properties)), members(known)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the client knows %v, the document %v", name, got, want)
		}
	}
	if len(types) > 0 {
		t.Errorf("the document has no schema for %v", slices.Sorted(maps.Keys(types)))
	}
}

// members are the names of a struct's fields in JSON.
func members(of reflect.Type) []string {
	var names []string
	for field := range of.Fields() {
		if field.Anonymous {
			names = append(names, members(field.Type)...)
			continue
		}
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Every operation of the document is called by the client, and answered.
func TestTheClientCallsEveryOperation(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) {
		p.Grants = newShares(t, start)
		p.Uploads = &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
		p.Credentials = &lender{}
		p.Checks = []server.Check{{Name: "all", Run: func(context.Context) error { return nil }}}
	})
	g.now = time.Now() // the deadlines of a real connection are of the real clock
	called := map[string]bool{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		path = regexp.MustCompile("^/v1/read/.*").ReplaceAllString(path, "/v1/read/{key}")
		path = regexp.MustCompile("^/v1/grants/.+").ReplaceAllString(path, "/v1/grants/{id}")
		path = regexp.MustCompile("^/v1/uploads/[^/]{40,}").ReplaceAllString(path, "/v1/uploads/{uploadId}")
		called[strings.ToLower(r.Method)+" "+path] = true
		r.Host = "api.example.com" // of the CDN's domain, for cookies
		g.handler.ServeHTTP(w, r)
	}))
	defer web.Close()
	c, err := client.New(client.Config{URL: web.URL, Token: func(context.Context) (string, error) { return "alice", nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	read, err := c.ReadURL(ctx, client.ReadItem{Key: "users/alice/a.png", Filename: "ä.png", Stable: true})
	if err != nil || read.URL == "" || read.ExpiresAt == nil {
		t.Errorf("ReadURL: %+v, %v", read, err)
	}
	if location, err := c.ReadLocation(ctx, "users/alice/a b.png"); err != nil || !strings.HasPrefix(location, cdn+"/users/alice/a%20b.png?") {
		t.Errorf("ReadLocation: %v", err)
	}
	if grant, err := c.ReadPrefix(ctx, client.PrefixRequest{Prefix: "users/alice/albums/"}); err != nil || grant.Query == "" {
		t.Errorf("ReadPrefix: %v", err)
	}
	if grant, err := c.ReadCookies(ctx, client.PrefixRequest{Prefix: "users/alice/albums/"}); err != nil || len(grant.Cookies) != 4 {
		t.Errorf("ReadCookies: %d cookies, %v", len(grant.Cookies), err)
	}
	if explanation, err := c.Explain(ctx, client.ExplainRequest{URL: read.URL}); err != nil || !explanation.Accepted {
		t.Errorf("Explain: %+v, %v", explanation, err)
	}
	if signed, err := c.CreateUpload(ctx, client.UploadRequest{Key: "users/alice/a", ContentType: "text/plain", ContentLength: new(int64(1))}); err != nil || signed.URL == "" {
		t.Errorf("CreateUpload: %v", err)
	}
	callUploads(t, c)
	callGrants(t, c)
	if decision, err := c.Decide(ctx, client.DecisionRequest{Action: "read", Key: "users/alice/a"}); err != nil || !decision.Allowed {
		t.Errorf("Decide: %+v, %v", decision, err)
	}
	if page, err := c.List(ctx, client.ListRequest{Prefix: "users/alice/", Folders: true, URLs: true, Limit: 5, ExpiresIn: time.Minute}); err != nil || len(page.Items) != 0 {
		t.Errorf("List: %+v, %v", page, err)
	}
	if items, err := c.DeleteURLs(ctx, client.Item{Key: "users/alice/a"}, client.Item{Key: "users/bob/a"}); err != nil || items[0].URL == "" || items[1].Problem == nil {
		t.Errorf("DeleteURLs: %v", err)
	}
	if status, err := c.Live(ctx); err != nil || status.Status != "ok" {
		t.Errorf("Live: %v", err)
	}
	if status, err := c.Ready(ctx); err != nil || status.Checks["all"] != "ok" {
		t.Errorf("Ready: %v", err)
	}
	if build, err := c.Version(ctx); err != nil || build.Version != "test" {
		t.Errorf("Version: %v", err)
	}

	document := decode[struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}](t, g.do(t, "", http.MethodGet, "/openapi.json", ""))
	for path, methods := range document.Paths {
		for method := range methods {
			if operation := fmt.Sprintf("%s %s", method, path); !called[operation] {
				t.Errorf("the client never calls %s", operation)
			}
		}
	}
}

func callUploads(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	upload, err := c.CreateUpload(ctx, client.UploadRequest{Key: "users/alice/a", ContentType: "text/plain", Method: "multipart", ContentLength: new(int64(7))})
	if err != nil || upload.Method != "MULTIPART" || upload.PartCount != 1 {
		t.Errorf("CreateUpload in parts: %v", err)
	}
	if parts, expires, err := c.SignParts(ctx, upload.UploadID, client.PartItem{PartNumber: 1}); err != nil || parts[0].URL == "" || expires.IsZero() {
		t.Errorf("SignParts: %v", err)
	}
	if parts, err := c.ListParts(ctx, upload.UploadID); err != nil || len(parts) != 1 || parts[0].Size != 7 {
		t.Errorf("ListParts: %v, %v", parts, err)
	}
	if object, err := c.CompleteUpload(ctx, upload.UploadID); err != nil || object.Key != "users/alice/a" || object.Size != 7 {
		t.Errorf("CompleteUpload: %+v, %v", object, err)
	}
	if err := c.AbortUpload(ctx, upload.UploadID); err != nil {
		t.Errorf("AbortUpload: %v", err)
	}
	if session, err := c.CreateSession(ctx, client.SessionRequest{Prefix: "users/alice/inbox/"}); err != nil || !strings.HasPrefix(session.URL, "https://api.example.com/u/") {
		t.Errorf("CreateSession: %v", err)
	}
	if lent, err := c.CreateUploadCredentials(ctx, client.CredentialsRequest{Prefix: "users/alice/inbox/"}); err != nil || lent.SecretAccessKey != "secret-key" {
		t.Errorf("CreateUploadCredentials: %v", err)
	}
	if signed, err := c.Sign(ctx, client.SignRequest{Method: http.MethodPut, Key: "users/alice/a", ContentType: "text/plain"}); err != nil || signed.Fields["key"] != "users/alice/a" {
		t.Errorf("Sign: %v", err)
	}
}

func callGrants(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	grant, err := c.CreateGrant(ctx, client.GrantRequest{Resource: "users/alice/albums/", Grantee: client.Grantee{Kind: "link"}, Actions: []string{"read"}})
	if err != nil || grant.Link == "" {
		t.Fatalf("CreateGrant: %v", err)
	}
	if got, err := c.Grant(ctx, grant.ID); err != nil || got.Resource != "users/alice/albums/" || got.Link != "" {
		t.Errorf("Grant: %+v, %v", got, err)
	}
	if page, err := c.Access(ctx, "users/alice/albums/7/a", "", ""); err != nil || len(page.Items) != 1 || page.Items[0].ID != grant.ID {
		t.Errorf("Access: %+v, %v", page, err)
	}
	if page, err := c.SharedWithMe(ctx, "", ""); err != nil || len(page.Items) != 0 {
		t.Errorf("SharedWithMe: %+v, %v", page, err)
	}
	if err := c.DeleteGrant(ctx, grant.ID); err != nil {
		t.Errorf("DeleteGrant: %v", err)
	}
}
