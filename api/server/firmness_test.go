package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/uploads"
)

func loaded(t *testing.T, policies string) *access.Authorizer {
	t.Helper()
	authorizer, err := access.Load(fstest.MapFS{"test.cedar": {Data: []byte(policies)}})
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

func (g *gateway) sessionPath(t *testing.T, person, body string, headers ...string) string {
	t.Helper()
	got := g.do(t, person, http.MethodPost, "/v1/upload-sessions", body, headers...)
	if got.Code != http.StatusCreated {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	return strings.TrimPrefix(decode[server.Session](t, got).URL, "https://api.example.com")
}

// Files saved from signed URLs are called by what followed the last slash.
func TestAFileNamedAfterASignedURLBringsNoSignatureIntoTheTrail(t *testing.T) {
	b := &bucket{}
	g := withBucket(t, b, nil)
	session := g.sessionPath(t, "alice", `{"prefix":"users/alice/"}`)
	for _, name := range []string{"a.png?sg-id=X&Expires=1&Signature=SECRET", "a.png%3FSignature%3DSECRET", "Signature=SECRET"} {
		text, _ := json.Marshal(name)
		g.do(t, "", http.MethodPost, session+"/s3/multipart", `{"filename":`+string(text)+`,"type":"image/png"}`)
		g.do(t, "", http.MethodGet, session+"/s3/params?type=image/png&filename="+url.QueryEscape(name), "")
	}
	if written := g.log.String() + g.trail.String(); strings.Contains(written, "SECRET") {
		t.Errorf("written: %s", written)
	}
	if len(b.created) != 1 || !strings.HasSuffix(b.created[0].Key.String(), "-a.png") {
		t.Errorf("%+v", b.created)
	}
}

func TestWhatDoesNotFitIntoAnAddressIsTheCallersToMend(t *testing.T) {
	b := &bucket{}
	g := withBucket(t, b, func(p *server.Parts) { p.Access = everything{} })
	long := strings.Repeat("&<>/", 250) + "x"
	if got := g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"`+long+`","contentType":"text/plain","contentLength":1}`); got.Code != http.StatusCreated {
		t.Errorf("a key of odd characters: %d %s", got.Code, got.Body)
	}
	tags := make([]string, 10)
	for n := range tags {
		tags[n] = `"` + strings.Repeat("ä", 120) + string(rune('0'+n)) + `":"` + strings.Repeat("ö", 256) + `"`
	}
	body := `{"key":"` + long + `","contentType":"text/plain","method":"multipart","tags":{` + strings.Join(tags, ",") + `}}`
	if got := g.do(t, "alice", http.MethodPost, "/v1/uploads", body); got.Code != http.StatusUnprocessableEntity || len(b.created) != len(b.aborted) {
		t.Errorf("too much together: %d %s; %d begun, %d given up", got.Code, got.Body, len(b.created), len(b.aborted))
	}
}

func TestOverwritingDoesNotOutliveTheShareThatWritingRestsOn(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) {
		p.Grants = newShares(t, start)
		p.Access = loaded(t, `
			permit (principal == Person::"alice", action, resource);
			permit (principal is Person, action == Action::"overwrite", resource);
			permit (principal, action == Action::"write", resource) when { context.granted.contains("write") };`)
	})
	grant := g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["write"],"expiresIn":60}`)
	got := g.do(t, "bob", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a/x","contentType":"text/plain","contentLength":1,"overwrite":true}`)
	if upload := decode[server.NewUpload](t, got); got.Code != http.StatusCreated || !upload.ExpiresAt.Equal(start.Add(time.Minute)) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if !strings.Contains(g.trail.String(), `"action":"overwrite","key":"users/alice/a/x","step":"start","grant":"`+grant.ID) {
		t.Errorf("%s", g.trail)
	}
}

func TestAListTellsStrangersNothingOfHowMuchThereIs(t *testing.T) {
	var names shelf
	for range 40 {
		names = append(names, "users/alice/x")
	}
	g := newGateway(t, func(p *server.Parts) { p.Listing = names })
	if page, got := g.lists(t, "bob", "prefix=users/alice/&limit=1"); len(got) != 0 || page.NextCursor != "" {
		t.Errorf("%v, goes on: %t", got, page.NextCursor != "")
	}
}

func TestASessionSpeaksWithTheGroupsTenantAndLinkOfItsPerson(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) {
		p.Callers, p.Grants = grouped{}, newShares(t, start)
		p.Access = loaded(t, `
			permit (principal == Person::"alice", action, resource);
			permit (principal in Group::"editors", action == Action::"write", resource in Prefix::"editors/");
			forbid (principal in Tenant::"a", action, resource in Prefix::"editors/not-a/");
			permit (principal, action == Action::"write", resource) when { context.granted.contains("write") };`)
	})
	params := "/s3/params?filename=a&type=text/plain"
	if got := g.do(t, "", http.MethodGet, g.sessionPath(t, "bob", `{"prefix":"editors/"}`)+params, ""); got.Code != http.StatusOK {
		t.Errorf("by a group: %d %s", got.Code, got.Body)
	}
	if got := g.do(t, "bob", http.MethodPost, "/v1/upload-sessions", `{"prefix":"editors/not-a/"}`); got.Code != http.StatusForbidden {
		t.Errorf("against a tenant: %d", got.Code)
	}
	link := g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"link"},"actions":["write"]}`).Link
	session := g.sessionPath(t, "bob", `{"prefix":"users/alice/a/"}`, "X-Signgate-Link", link)
	if got := g.do(t, "", http.MethodGet, session+params, ""); got.Code != http.StatusOK {
		t.Errorf("by a link: %d %s", got.Code, got.Body)
	}
}

func TestNoAnswerToAWidgetLeavesUnrecorded(t *testing.T) {
	b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
	trail := &refusing{after: 2} // the session and the upload that the steps are about
	g := withBucket(t, b, func(p *server.Parts) { p.Audit = trail })
	session := g.sessionPath(t, "alice", `{"prefix":"users/alice/"}`)
	made := decode[struct{ Key, UploadID string }](t, g.do(t, "", http.MethodPost, session+"/s3/multipart", `{"filename":"a","type":"text/plain"}`))
	step := session + "/s3/multipart/" + made.UploadID
	key := "?key=" + url.QueryEscape(made.Key)
	for _, request := range [][3]string{
		{http.MethodGet, session + "/s3/params?filename=a&type=text/plain", ""}, {http.MethodGet, session + "/presign?filename=a&type=text/plain", ""},
		{http.MethodPost, session + "/s3/multipart", `{"filename":"a","type":"text/plain"}`},
		{http.MethodPost, session + "/direct_uploads", `{"blob":{"filename":"a","content_type":"text/plain","byte_size":5,"checksum":"XUFAKrxLKna5cZ2REBfFkg=="}}`},
		{http.MethodGet, step + "/1" + key, ""}, {http.MethodGet, step + key, ""}, {http.MethodGet, step + "/batch" + key + "&partNumbers=1", ""},
		{http.MethodPost, step + "/complete" + key, `{"parts":[{"PartNumber":1,"ETag":"one"}]}`}, {http.MethodDelete, step + key, ""},
	} {
		if got := g.do(t, "", request[0], request[1], request[2]); got.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %s: %d %s", request[0], strings.TrimPrefix(request[1], session), got.Code, got.Body)
		}
	}
	if len(b.completed) != 0 || !slices.Equal(b.aborted, []string{b.created[1].Key.String()}) {
		t.Errorf("completed %v, given up %v", b.completed, b.aborted)
	}
}

func TestPartsMustBeTheWholeUploadEachOnce(t *testing.T) {
	b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 8 << 20}, {Number: 2, ETag: `"two"`, Size: 7}}}
	g := withBucket(t, b, func(p *server.Parts) { p.Limits.MaxUploadBytes = 1 << 30 })
	id := g.begin(t, `{"key":"users/alice/film","contentType":"video/mp4","method":"multipart","contentLength":8388615}`).UploadID
	for body, want := range map[string]int{
		`{"parts":[{"partNumber":1,"etag":"one"}]}`:                                                             http.StatusUnprocessableEntity,
		`{"parts":[{"partNumber":1,"etag":"one"},{"partNumber":1,"etag":"one"}]}`:                               http.StatusUnprocessableEntity,
		`{"parts":[{"partNumber":1,"etag":"one"},{"partNumber":2,"etag":"two"},{"partNumber":2,"etag":"two"}]}`: http.StatusUnprocessableEntity,
		`{"parts":[{"partNumber":1,"etag":"one"},{"partNumber":2,"etag":"other"}]}`:                             http.StatusUnprocessableEntity,
		`{"parts":[{"partNumber":2,"etag":"two"},{"partNumber":1,"etag":"one"}]}`:                               http.StatusOK,
	} {
		if got := g.do(t, "alice", http.MethodPost, "/v1/uploads/"+id+"/complete", body); got.Code != want {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	put := g.begin(t, `{"key":"users/alice/a","contentType":"text/plain","contentLength":1}`).UploadID
	for _, step := range [][3]string{{http.MethodPost, "/complete", "{}"}, {http.MethodGet, "/parts", ""}, {http.MethodDelete, "", ""}} {
		if got := g.do(t, "alice", step[0], "/v1/uploads/"+put+step[1], step[2]); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("of a plain PUT: %s %s: %d %s", step[0], step[1], got.Code, got.Body)
		}
	}
}

func TestACallInS3sWordsIsDecidedAgainAndForItsKeyOnly(t *testing.T) {
	b, decide := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}, &changeable{}
	g := withBucket(t, b, func(p *server.Parts) { p.Access = decide })
	id := g.begin(t, inParts).UploadID
	addresses := map[string]string{}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		got := g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", `{"method":"`+method+`","key":"users/alice/film","uploadId":"`+id+`"}`)
		addresses[method] = strings.TrimPrefix(decode[server.SignedCall](t, got).URL, "https://api.example.com")
		if got := g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", `{"method":"`+method+`","key":"users/alice/other","uploadId":"`+id+`"}`); got.Code != http.StatusNotFound {
			t.Errorf("%s for another key: %d %s", method, got.Code, got.Body)
		}
	}
	decide.denied = access.Write
	for method, address := range addresses {
		if got := g.do(t, "", method, address, ""); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "AccessDenied") {
			t.Errorf("%s, after the permission is gone: %d %s", method, got.Code, got.Body)
		}
	}
	if len(b.completed)+len(b.aborted) != 0 {
		t.Errorf("completed %v, aborted %v", b.completed, b.aborted)
	}
}

func TestUploadRulesAreNotTold(t *testing.T) {
	g := newGateway(t, verifyAll(t))
	for person, want := range map[string]int{"bob": http.StatusForbidden, "alice": http.StatusUnprocessableEntity} {
		if got := g.do(t, person, http.MethodPost, "/v1/uploads/sign", `{"method":"PUT","key":"users/alice/a.txt"}`); got.Code != want {
			t.Errorf("%s: %d %s", person, got.Code, got.Body)
		}
	}
}
