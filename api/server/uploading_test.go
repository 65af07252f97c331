package server_test

import (
	"context"
	"encoding/json"

	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/uploads"
)

// withBucket is a gateway over a bucket that does as it is told.
func withBucket(t *testing.T, b *bucket, change func(*server.Parts)) *gateway {
	t.Helper()
	return newGateway(t, func(parts *server.Parts) {
		parts.Uploads = b
		if change != nil {
			change(parts)
		}
	})
}

func (g *gateway) begin(t *testing.T, body string) server.NewUpload {
	t.Helper()
	recorder := g.do(t, "alice", http.MethodPost, "/v1/uploads", body)
	if recorder.Code != http.StatusCreated {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	return decode[server.NewUpload](t, recorder)
}

const inParts = `{"key":"users/alice/film","contentType":"video/mp4","method":"multipart","contentLength":7}`

// refusing is a trail that can't be written after some records.
type refusing struct{ after int }

func (r *refusing) Record(context.Context, ...audit.Record) error {
	if r.after--; r.after < 0 {
		return audit.ErrNotRecorded
	}
	return nil
}

func TestAnUploadThatCannotBeRecordedIsGivenUp(t *testing.T) {
	b := &bucket{}
	g := withBucket(t, b, func(p *server.Parts) { p.Audit = &refusing{} })
	if got := g.do(t, "alice", http.MethodPost, "/v1/uploads", inParts); got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "uploadId") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if len(b.created) != 1 || !slices.Equal(b.aborted, []string{"users/alice/film"}) {
		t.Errorf("%d begun, given up: %v", len(b.created), b.aborted)
	}
}

func TestNothingIsDoneToAnUploadThatCouldNotBeRecorded(t *testing.T) {
	b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
	trail := &refusing{after: 1}
	g := withBucket(t, b, func(p *server.Parts) { p.Audit = trail })
	id := g.begin(t, inParts).UploadID
	for _, step := range []struct{ method, path, body string }{
		{http.MethodPost, "/parts", `{"items":[{"partNumber":1}]}`}, {http.MethodGet, "/parts", ""},
		{http.MethodPost, "/complete", `{}`}, {http.MethodDelete, "", ""},
	} {
		if got := g.do(t, "alice", step.method, "/v1/uploads/"+id+step.path, step.body); got.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %s: %d %s", step.method, step.path, got.Code, got.Body)
		}
	}
	if len(b.aborted)+len(b.completed) != 0 {
		t.Errorf("aborted %v, completed %v", b.aborted, b.completed)
	}
}

// changeable is an authorizer whose answers a test can change.
type changeable struct{ denied access.Action }

func (c *changeable) Authorize(_ access.Principal, action access.Action, _ objectkey.Key, _ ...access.Action) access.Decision {
	return access.Decision{Allowed: action != c.denied}
}

func (c *changeable) AuthorizePrefix(access.Principal, access.Action, objectkey.Prefix, ...access.Action) access.Decision {
	return access.Decision{}
}

func TestEveryStepIsDecidedAgain(t *testing.T) {
	for _, test := range []struct {
		body   string
		denied access.Action
	}{
		{inParts, access.Write},
		{strings.Replace(inParts, `{`, `{"overwrite":true,`, 1), access.Overwrite},
	} {
		b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
		decide := &changeable{}
		g := withBucket(t, b, func(p *server.Parts) { p.Access = decide })
		id := g.begin(t, test.body).UploadID
		decide.denied = test.denied
		for _, step := range []struct{ method, path, body string }{
			{http.MethodPost, "/parts", `{"items":[{"partNumber":1}]}`}, {http.MethodGet, "/parts", ""},
			{http.MethodPost, "/complete", `{}`}, {http.MethodDelete, "", ""},
		} {
			if got := g.do(t, "alice", step.method, "/v1/uploads/"+id+step.path, step.body); got.Code != http.StatusForbidden {
				t.Errorf("%s: %s %s: %d %s", test.denied, step.method, step.path, got.Code, got.Body)
			}
		}
		if !strings.Contains(g.trail.String(), `"outcome":"denied"`) || len(b.aborted)+len(b.completed) != 0 {
			t.Errorf("%s: the trail has %s", test.denied, g.trail)
		}
	}
}

func TestAnUploadEndsWithItsTime(t *testing.T) {
	g := withBucket(t, &bucket{}, nil)
	upload := g.begin(t, strings.Replace(inParts, `{`, `{"expiresIn":120,`, 1))
	if !upload.ExpiresAt.Equal(start.Add(2 * time.Minute)) {
		t.Errorf("until %s", upload.ExpiresAt)
	}
	sign := func() *httptest.ResponseRecorder {
		return g.do(t, "alice", http.MethodPost, "/v1/uploads/"+upload.UploadID+"/parts", `{"items":[{"partNumber":1}],"expiresIn":600}`)
	}
	var signed struct{ ExpiresAt time.Time }
	if err := json.Unmarshal(sign().Body.Bytes(), &signed); err != nil || !signed.ExpiresAt.Equal(upload.ExpiresAt) {
		t.Errorf("a part lives until %s, the upload until %s", signed.ExpiresAt, upload.ExpiresAt)
	}
	g.now = start.Add(2 * time.Minute)
	if got := sign(); got.Code != http.StatusNotFound {
		t.Errorf("afterwards: %d %s", got.Code, got.Body)
	}
}

func TestATokenOfOneKindIsNoneOfAnother(t *testing.T) {
	g := withBucket(t, &bucket{}, nil)
	id := g.begin(t, inParts).UploadID
	session := decode[server.Session](t, g.do(t, "alice", http.MethodPost, "/v1/upload-sessions", `{"prefix":"users/alice/"}`))
	capability := strings.TrimPrefix(session.URL, "https://api.example.com/u/")
	call := decode[server.SignedCall](t, g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", `{"method":"POST","key":"users/alice/film"}`))
	address := strings.TrimSuffix(strings.TrimPrefix(call.URL, "https://api.example.com/u/"), "/multipart")
	for name, request := range map[string][2]string{
		"an upload's id for a session":     {http.MethodGet, "/u/" + id + "/presign?filename=a&type=text/plain"},
		"a call's for a session":           {http.MethodGet, "/u/" + address + "/presign?filename=a&type=text/plain"},
		"a session for an upload's id":     {http.MethodGet, "/v1/uploads/" + capability + "/parts"},
		"a call's for an upload's id":      {http.MethodGet, "/v1/uploads/" + address + "/parts"},
		"a session for a call's":           {http.MethodPost, "/u/" + capability + "/multipart"},
		"an upload's id for a call's":      {http.MethodPost, "/u/" + id + "/multipart"},
		"one for creating used to abort":   {http.MethodDelete, "/u/" + address + "/multipart"},
		"one for creating used for a list": {http.MethodGet, "/u/" + address + "/multipart"},
	} {
		if got := g.do(t, "alice", request[0], request[1], ""); got.Code != http.StatusNotFound && got.Code != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

func TestS3sFailuresBecomeProblems(t *testing.T) {
	for failure, want := range map[error]string{
		uploads.ErrGone: "404 not-found", uploads.ErrExists: "409 conflict", uploads.ErrConflict: "409 conflict",
		uploads.ErrRefused: "422 invalid-request", uploads.ErrUnavailable: "503 unavailable",
	} {
		b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
		g := withBucket(t, b, nil)
		id := g.begin(t, inParts).UploadID
		b.failure = fmt.Errorf("%w: secret detail", failure)
		got := g.do(t, "alice", http.MethodPost, "/v1/uploads/"+id+"/complete", `{}`)
		if document := decode[struct{ Code string }](t, got); fmt.Sprintf("%d %s", got.Code, document.Code) != want || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%v: %d %s, want %s", failure, got.Code, got.Body, want)
		}
	}
}

// verifyAll is a rule for everything.
func verifyAll(t *testing.T) func(*server.Parts) {
	t.Helper()
	rules, err := uploads.ParseRules([]byte(`[{"prefix":"","verify":true}]`))
	if err != nil {
		t.Fatal(err)
	}
	return func(p *server.Parts) { p.Rules = rules }
}

func TestWhatIsNotAsAnnouncedIsRemovedFromQuarantine(t *testing.T) {
	const announced = `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`
	for name, landed := range map[string]uploads.Object{
		"another size": {Size: 6, ContentType: "image/png"}, "another type": {Size: 5, ContentType: "text/html"},
	} {
		b := &bucket{landed: landed}
		g := withBucket(t, b, verifyAll(t))
		id := g.begin(t, announced).UploadID
		got := g.do(t, "alice", http.MethodPost, "/v1/uploads/"+id+"/complete", `{}`)
		if got.Code != http.StatusUnprocessableEntity || len(b.removed) != 1 || !strings.HasPrefix(b.removed[0], "quarantine/") || len(b.promoted) != 0 {
			t.Errorf("%s: %d %s, removed %v, promoted %v", name, got.Code, got.Body, b.removed, b.promoted)
		}
	}
	b := &bucket{landed: uploads.Object{Size: 5, ContentType: "image/png"}}
	g := withBucket(t, b, verifyAll(t))
	upload := g.begin(t, strings.Replace(announced, `{`, `{"tags":{"kind":"photo"},"overwrite":true,`, 1))
	if upload.Headers["If-None-Match"] != "*" {
		t.Errorf("what lands in quarantine may replace something there: %v", upload.Headers)
	}
	id := upload.UploadID
	g.now = upload.ExpiresAt.Add(time.Minute) // the request is over, its completion isn't
	if got := g.do(t, "alice", http.MethodPost, "/v1/uploads/"+id+"/complete", `{}`); got.Code != http.StatusOK || !slices.Equal(b.promoted, []string{"users/alice/a.png"}) || b.tags["kind"] != "photo" {
		t.Errorf("as announced: %d %s, %v", got.Code, got.Body, b.promoted)
	}
}

func TestACompletionThatBrokeOffGoesOn(t *testing.T) {
	b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}, landed: uploads.Object{Size: 7, ContentType: "video/mp4"}}
	g := withBucket(t, b, verifyAll(t))
	id := g.begin(t, inParts).UploadID
	b.listing = uploads.ErrGone // the parts were put together, and then the connection broke
	if got := g.do(t, "alice", http.MethodPost, "/v1/uploads/"+id+"/complete", `{}`); got.Code != http.StatusOK || len(b.promoted) != 1 {
		t.Errorf("%d %s, %v", got.Code, got.Body, b.promoted)
	}
}

func TestTheTrailTellsEveryStep(t *testing.T) {
	b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
	g := withBucket(t, b, nil)
	upload := g.begin(t, `{"key":"users/alice/film","contentType":"video/mp4","method":"multipart"}`)
	for _, step := range []struct{ method, path, body string }{
		{http.MethodPost, "/parts", `{"items":[{"partNumber":5},{"partNumber":1},{"partNumber":2},{"partNumber":3}]}`},
		{http.MethodGet, "/parts", ""}, {http.MethodPost, "/complete", `{}`}, {http.MethodDelete, "", ""},
	} {
		if got := g.do(t, "alice", step.method, "/v1/uploads/"+upload.UploadID+step.path, step.body); got.Code >= 300 {
			t.Errorf("%s %s: %d %s", step.method, step.path, got.Code, got.Body)
		}
	}
	var steps []string
	for line := range strings.Lines(g.trail.String()) {
		var record audit.Record
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		if record.ID != upload.ID || record.Key != "users/alice/film" || record.Principal != "alice" || record.Action != "write" {
			t.Errorf("%s", line)
		}
		steps = append(steps, strings.TrimSpace(record.Step+" "+record.Parts))
	}
	if want := []string{"start", "parts 1-3,5", "list", "complete", "abort"}; !slices.Equal(steps, want) {
		t.Errorf("%q, want %q", steps, want)
	}
	if written := g.log.String() + g.trail.String(); strings.Contains(written, upload.UploadID) || strings.Contains(written, "Signature") {
		t.Errorf("a secret was written: %s", written)
	}
}

func TestUppysCallsSpeakS3sWords(t *testing.T) {
	b := &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}
	g := withBucket(t, b, nil)
	sign := func(body string) string {
		recorder := g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", body)
		if recorder.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", body, recorder.Code, recorder.Body)
		}
		return strings.TrimPrefix(decode[server.SignedCall](t, recorder).URL, "https://api.example.com")
	}
	created := g.do(t, "", http.MethodPost, sign(`{"method":"POST","key":"users/alice/film"}`), "", "Content-Type", "video/mp4")
	_, rest, _ := strings.Cut(created.Body.String(), "<UploadId>")
	id, _, found := strings.Cut(rest, "</UploadId>")
	if created.Code != http.StatusOK || !found || b.created[0].ContentType != "video/mp4" || created.Header().Get("Content-Type") != "application/xml; charset=UTF-8" {
		t.Fatalf("%d %v %s", created.Code, created.Header(), created.Body)
	}
	step := func(method, body string) *httptest.ResponseRecorder {
		return g.do(t, "", method, sign(fmt.Sprintf(`{"method":%q,"key":"users/alice/film","uploadId":%q}`, method, id)), body)
	}
	if got := step(http.MethodGet, "").Body.String(); !strings.Contains(got, "<Part><PartNumber>1</PartNumber><ETag>&#34;one&#34;</ETag><Size>7</Size></Part>") {
		t.Errorf("list: %s", got)
	}
	for body, want := range map[string]int{
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>one</ETag></Part></CompleteMultipartUpload>":   http.StatusOK,
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>other</ETag></Part></CompleteMultipartUpload>": http.StatusUnprocessableEntity,
		"<CompleteMultipartUpload></CompleteMultipartUpload>":                                                          http.StatusUnprocessableEntity,
		"text": http.StatusBadRequest,
	} {
		got := step(http.MethodPost, body)
		if got.Code != want || want == http.StatusOK && !strings.Contains(got.Body.String(), "/users/alice/film</Location>") || want != http.StatusOK && !strings.Contains(got.Body.String(), "<Error><Code>InvalidRequest") {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	if got := step(http.MethodDelete, ""); got.Code != http.StatusNoContent || len(b.aborted) != 1 {
		t.Errorf("abort: %d %s", got.Code, got.Body)
	}
	late := sign(`{"method":"POST","key":"users/alice/film","expiresIn":10}`)
	g.now = start.Add(10 * time.Second)
	if got := g.do(t, "", http.MethodPost, late, ""); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "<Code>AccessDenied") {
		t.Errorf("afterwards: %d %s", got.Code, got.Body)
	}
}

func TestUppyDeletesNothingAndReplacesNothingOfOthers(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Access = &changeable{denied: access.Overwrite} })
	if got := g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", `{"method":"DELETE","key":"users/alice/a"}`); got.Code != http.StatusForbidden {
		t.Errorf("delete: %d %s", got.Code, got.Body)
	}
	signed := decode[server.SignedCall](t, g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", `{"method":"PUT","key":"users/alice/a.png","contentType":"image/png"}`))
	if key := signed.Fields["key"]; key == "users/alice/a.png" || !strings.HasPrefix(key, "users/alice/") || !strings.HasSuffix(key, "-a.png") {
		t.Errorf("who may not overwrite gets the key %q", key)
	}
	if strings.Contains(g.trail.String(), "denied") {
		t.Errorf("a denial on record that nobody asked for: %s", g.trail)
	}
}

func TestFieldsOfAnotherMethodAreRefused(t *testing.T) {
	g := newGateway(t, nil)
	for body, pointer := range map[string]string{
		`"method":"put"`:  "/contentLength",
		`"method":"form"`: "/maxLength",
		`"method":"put","contentLength":1,"maxLength":2`:                                       "/maxLength",
		`"method":"put","contentLength":1,"partSize":5242880`:                                  "/partSize",
		`"method":"form","maxLength":5,"contentLength":1`:                                      "/contentLength",
		`"method":"form","maxLength":5,"minLength":6,"overwrite":true`:                         "/maxLength",
		`"method":"form","maxLength":5,"checksumCrc64nvme":"AAAAAAAAAAA="`:                     "/checksumCrc64nvme",
		`"method":"multipart","checksumSha256":"` + strings.Repeat("A", 43) + `="`:             "/checksumSha256",
		`"method":"multipart","contentLength":0`:                                               "/contentLength",
		`"method":"multipart","partSize":1`:                                                    "/partSize",
		`"method":"multipart","checksumAlgorithm":"sha256","checksumCrc64nvme":"AAAAAAAAAAA="`: "/checksumAlgorithm",
		`"method":"put","contentLength":1048577`:                                               "/contentLength",
		`"method":"put","contentLength":1,"tags":{"aws:x":"y"}`:                                "/tags",
	} {
		got := g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a","contentType":"text/plain",`+body+`}`)
		if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `"pointer":"`+pointer+`"`) {
			t.Errorf("%s: %d %s, want %s", body, got.Code, got.Body, pointer)
		}
	}
}

func TestMetadataOfWidgetsIsKeptAsS3CanKeepIt(t *testing.T) {
	b := &bucket{}
	g := withBucket(t, b, nil)
	session := decode[server.Session](t, g.do(t, "alice", http.MethodPost, "/v1/upload-sessions", `{"prefix":"users/alice/"}`))
	body := `{"filename":"a.png","type":"image/png","metadata":{"Name":"ä.png","caption":"plain","relativePath":null,"bad name":"x","empty":" ","n":5},"more":1}`
	if got := g.do(t, "", http.MethodPost, strings.TrimPrefix(session.URL, "https://api.example.com")+"/s3/multipart", body); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if got := b.created[0].Metadata; len(got) != 2 || got["name"] != "=?UTF-8?b?w6QucG5n?=" || got["caption"] != "plain" {
		t.Errorf("%v", got)
	}
}
