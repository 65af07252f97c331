package server_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/uploads"
)

// steps notes whatever a request does that takes time: what it asks of S3 and
// STS, of the policies and of the store of shares.
type steps struct {
	server.Uploads
	server.Listing
	server.RoleCredentials
	server.Authorizer

	mu    sync.Mutex
	taken []string
}

func (s *steps) note(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, step)
}

func (s *steps) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.taken
	s.taken = nil
	return taken
}

func (s *steps) Create(ctx context.Context, object presign.Upload, algorithm uploads.Algorithm) (string, error) {
	s.note("S3 create")
	return s.Uploads.Create(ctx, object, algorithm)
}

func (s *steps) Parts(ctx context.Context, key objectkey.Key, id string) ([]uploads.Part, error) {
	s.note("S3 parts")
	return s.Uploads.Parts(ctx, key, id)
}

func (s *steps) Complete(ctx context.Context, upload uploads.Upload, parts []uploads.Part, size int64) (uploads.Object, error) {
	s.note("S3 complete")
	return s.Uploads.Complete(ctx, upload, parts, size)
}

func (s *steps) Abort(ctx context.Context, key objectkey.Key, id string) error {
	s.note("S3 abort")
	return s.Uploads.Abort(ctx, key, id)
}

func (s *steps) Inspect(ctx context.Context, key objectkey.Key) (uploads.Object, error) {
	s.note("S3 inspect")
	return s.Uploads.Inspect(ctx, key)
}

func (s *steps) Promote(ctx context.Context, from uploads.Object, to objectkey.Key, tags map[string]string, overwrite bool) (uploads.Object, error) {
	s.note("S3 promote")
	return s.Uploads.Promote(ctx, from, to, tags, overwrite)
}

func (s *steps) Remove(ctx context.Context, key objectkey.Key) error {
	s.note("S3 remove")
	return s.Uploads.Remove(ctx, key)
}

func (s *steps) Page(ctx context.Context, question listing.Question) (listing.Page, error) {
	s.note("S3 list")
	return s.Listing.Page(ctx, question)
}

func (s *steps) ForPrefix(ctx context.Context, request rolecredentials.Request) (rolecredentials.Credentials, error) {
	s.note("STS")
	return s.RoleCredentials.ForPrefix(ctx, request)
}

func (s *steps) Authorize(principal access.Principal, action access.Action, key objectkey.Key, granted ...access.Action) access.Decision {
	s.note("decide " + string(action))
	return s.Authorizer.Authorize(principal, action, key, granted...)
}

func (s *steps) AuthorizePrefix(principal access.Principal, action access.Action, prefix objectkey.Prefix, granted ...access.Action) access.Decision {
	s.note("decide below " + string(action))
	return s.Authorizer.AuthorizePrefix(principal, action, prefix, granted...)
}

// sharesOf notes what is asked of the store of shares.
type sharesOf struct {
	server.Grants
	steps *steps
}

func (s sharesOf) Find(ctx context.Context, now time.Time, resources []string, grantees []grants.Grantee) ([]grants.Grant, error) {
	s.steps.note("find shares")
	return s.Grants.Find(ctx, now, resources, grantees)
}

// stepping is a gateway whose every step is noted. There is users/alice/present,
// and something below users/alice/full/; there is no users/alice/absentee, and
// nothing below users/alice/void/.
func stepping(t *testing.T) (*gateway, *steps) {
	t.Helper()
	s := &steps{}
	g := newGateway(t, func(p *server.Parts) {
		s.Uploads, s.Listing = &bucket{arrived: []uploads.Part{{Number: 1, ETag: `"one"`, Size: 7}}}, shelf{"users/alice/full/a", "users/alice/present"}
		s.RoleCredentials, s.Authorizer = &lender{}, p.Access
		p.Uploads, p.Listing, p.Credentials, p.Access, p.Grants = s, s, s, s, sharesOf{newShares(t, start), s}
	})
	return g, s
}

// alike is an answer without what names the request.
func alike(body string) string {
	body = regexp.MustCompile(`"requestId":"[A-Z0-9]+"`).ReplaceAllString(body, "")
	return strings.NewReplacer("absentee", "present", "void", "full").Replace(body)
}

// Absent and forbidden objects answer alike, in status, body and, as the same
// is done for both and nothing that knows what there is gets asked, in time.
func TestWhatIsForbiddenAnswersAsWhatIsntThereByTheSameSteps(t *testing.T) {
	g, s := stepping(t)
	for _, request := range [][3]string{
		{http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/present"},{"key":"users/alice/present","from":"cdn","stable":true}]}`},
		{http.MethodGet, "/v1/read/users/alice/present", ""},
		{http.MethodPost, "/v1/delete-urls", `{"items":[{"key":"users/alice/present"}]}`},
		{http.MethodPost, "/v1/decisions", `{"action":"read","key":"users/alice/present"}`},
		{http.MethodPost, "/v1/decisions", `{"action":"delete","key":"users/alice/present"}`},
		{http.MethodPost, "/v1/uploads", `{"key":"users/alice/present","contentType":"text/plain","contentLength":1}`},
		{http.MethodPost, "/v1/uploads", `{"key":"users/alice/present","contentType":"text/plain","contentLength":1,"overwrite":true}`},
		{http.MethodPost, "/v1/uploads", `{"key":"users/alice/present","contentType":"text/plain","method":"multipart"}`},
		{http.MethodPost, "/v1/uploads/sign", `{"method":"PUT","key":"users/alice/present"}`},
		{http.MethodPost, "/v1/uploads/sign", `{"method":"POST","key":"users/alice/present"}`},
		{http.MethodPost, "/v1/grants", `{"resource":"users/alice/present","grantee":{"kind":"everyone"},"actions":["read"]}`},
		{http.MethodGet, "/v1/access?resource=users/alice/present", ""},
		{http.MethodPost, "/v1/read-prefixes", `{"prefix":"users/alice/full/"}`},
		{http.MethodPost, "/v1/read-cookies", `{"prefix":"users/alice/full/"}`},
		{http.MethodPost, "/v1/upload-sessions", `{"prefix":"users/alice/full/"}`},
		{http.MethodPost, "/v1/upload-credentials", `{"prefix":"users/alice/full/"}`},
		{http.MethodGet, "/v1/access?resource=users/alice/full/", ""},
	} {
		absent := strings.NewReplacer("present", "absentee", "full", "void")
		there := g.do(t, "bob", request[0], request[1], request[2])
		taken := s.take()
		gone := g.do(t, "bob", request[0], absent.Replace(request[1]), absent.Replace(request[2]))
		if there.Code != gone.Code || alike(there.Body.String()) != alike(gone.Body.String()) {
			t.Errorf("%s %s:\n%d %s\n%d %s", request[0], request[1], there.Code, there.Body, gone.Code, gone.Body)
		}
		if again := s.take(); !slices.Equal(taken, again) || len(taken) == 0 {
			t.Errorf("%s %s: %q, and for what isn't there %q", request[0], request[1], taken, again)
		}
		for _, step := range taken {
			if strings.HasPrefix(step, "S3 ") || step == "STS" {
				t.Errorf("%s %s asks what there is: %q", request[0], request[1], taken)
			}
		}
	}
}

// A signed URL is explained by itself.
func TestExplainingAURLAsksNothingOfWhatThereIs(t *testing.T) {
	g, s := stepping(t)
	url := g.one(t, "alice", "users/alice/present", "").URL
	s.take()
	if got := g.do(t, "bob", http.MethodPost, "/v1/explain", `{"url":"`+url+`"}`); got.Code != http.StatusOK || len(s.take()) != 0 {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestStepsOfAnUploadThatIsNoLongerAllowedDontReachS3(t *testing.T) {
	g, s := stepping(t)
	id := g.begin(t, inParts).UploadID
	s.Authorizer = loaded(t, `permit (principal == Person::"nobody", action, resource);`)
	s.take()
	for _, request := range [][3]string{
		{http.MethodPost, "/parts", `{"items":[{"partNumber":1}]}`}, {http.MethodGet, "/parts", ""}, {http.MethodPost, "/complete", "{}"}, {http.MethodDelete, "", ""},
	} {
		for _, person := range []string{"alice", "bob"} {
			got := g.do(t, person, request[0], "/v1/uploads/"+id+request[1], request[2])
			if taken := s.take(); got.Code < 400 || slices.ContainsFunc(taken, func(step string) bool { return strings.HasPrefix(step, "S3 ") }) {
				t.Errorf("%s %s as %s: %d by %q", request[0], request[1], person, got.Code, taken)
			}
		}
	}
}

// A list asks S3, and for a stranger its answer is the same whatever lies
// there.
func TestAListOfWhatIsForbiddenAnswersAsAnEmptyOne(t *testing.T) {
	g, s := stepping(t)
	for _, query := range []string{"", "&folders=true", "&urls=true", "&limit=1"} {
		there := g.do(t, "bob", http.MethodGet, "/v1/objects?prefix=users/alice/full/"+query, "")
		steps := slices.DeleteFunc(s.take(), func(step string) bool { return !strings.HasPrefix(step, "S3 ") })
		gone := g.do(t, "bob", http.MethodGet, "/v1/objects?prefix=users/alice/void/"+query, "")
		again := slices.DeleteFunc(s.take(), func(step string) bool { return !strings.HasPrefix(step, "S3 ") })
		if there.Code != gone.Code || alike(there.Body.String()) != alike(gone.Body.String()) || !slices.Equal(steps, again) {
			t.Errorf("%s: %d %s by %q, %d %s by %q", query, there.Code, there.Body, steps, gone.Code, gone.Body, again)
		}
	}
}
