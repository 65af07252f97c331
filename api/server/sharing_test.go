package server_test

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
)

// newShares is a store of shares of a test's own.
func newShares(t testing.TB, now time.Time) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "grants.db"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// sharing is a gateway where people share, and anybody may ask.
func sharing(t *testing.T) *gateway {
	t.Helper()
	return newGateway(t, func(p *server.Parts) { p.Grants, p.Anonymous = newShares(t, start), true })
}

// share has alice share something.
func (g *gateway) share(t *testing.T, body string) server.Grant {
	t.Helper()
	recorder := g.do(t, "alice", http.MethodPost, "/v1/grants", body)
	if recorder.Code != http.StatusCreated {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	return decode[server.Grant](t, recorder)
}

// reads says whether somebody gets a URL for a key.
func (g *gateway) reads(t *testing.T, person, key string, headers ...string) bool {
	t.Helper()
	switch got := g.do(t, person, http.MethodGet, "/v1/read/"+key, "", headers...); got.Code {
	case http.StatusFound:
		return true
	case http.StatusNotFound:
		return false
	default:
		t.Fatalf("%s reads %s: %d %s", person, key, got.Code, got.Body)
		return false
	}
}

func TestAShareGivesWhatItSaysToWhomItSays(t *testing.T) {
	for name, test := range map[string]struct {
		grant         string
		bob, anybody  bool // read the object shared
		bobsNeighbour bool // bob reads another object beside it
	}{
		"an object, to a person":  {`{"resource":"users/alice/a/x.png","grantee":{"kind":"person","name":"bob"},"actions":["read"]}`, true, false, false},
		"a prefix, to a person":   {`{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["read"]}`, true, false, true},
		"an object, to everyone":  {`{"resource":"users/alice/a/x.png","grantee":{"kind":"everyone"},"actions":["read"]}`, true, true, false},
		"an object, to another":   {`{"resource":"users/alice/a/x.png","grantee":{"kind":"person","name":"carol"},"actions":["read"]}`, false, false, false},
		"to a group of nobody's":  {`{"resource":"users/alice/a/x.png","grantee":{"kind":"group","name":"bob"},"actions":["read"]}`, false, false, false},
		"writing is not reading":  {`{"resource":"users/alice/a/x.png","grantee":{"kind":"everyone"},"actions":["write"]}`, false, false, false},
		"another prefix":          {`{"resource":"users/alice/b/","grantee":{"kind":"everyone"},"actions":["read"]}`, false, false, false},
		"one that only begins so": {`{"resource":"users/alice/a/x/","grantee":{"kind":"everyone"},"actions":["read"]}`, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := sharing(t)
			if g.reads(t, "bob", "users/alice/a/x.png") || g.reads(t, "", "users/alice/a/x.png") {
				t.Fatal("readable before it was shared")
			}
			grant := g.share(t, test.grant)
			if got := g.reads(t, "bob", "users/alice/a/x.png"); got != test.bob {
				t.Errorf("bob: %t", got)
			}
			if got := g.reads(t, "", "users/alice/a/x.png"); got != test.anybody {
				t.Errorf("anybody: %t", got)
			}
			if got := g.reads(t, "bob", "users/alice/a/y.png"); got != test.bobsNeighbour {
				t.Errorf("bob, beside it: %t", got)
			}
			if test.bob && !strings.Contains(g.trail.String(), `"grant":"`+grant.ID+`","policies":["shared-read"]`) {
				t.Errorf("the trail doesn't say through what: %s", g.trail)
			}
			if got := g.do(t, "alice", http.MethodDelete, "/v1/grants/"+grant.ID, ""); got.Code != http.StatusNoContent {
				t.Errorf("taken back: %d %s", got.Code, got.Body)
			}
			if g.reads(t, "bob", "users/alice/a/x.png") || g.reads(t, "", "users/alice/a/x.png") {
				t.Error("readable after it was taken back")
			}
		})
	}
}

func TestALinkOpensWhatIsSharedByIt(t *testing.T) {
	g := sharing(t)
	grant := g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"link"},"actions":["read"]}`)
	if !strings.HasPrefix(grant.Link, "sglink_") || strings.Contains(g.trail.String()+g.log.String(), grant.Link) {
		t.Fatalf("%q, written: %s", grant.Link, g.trail)
	}
	other := g.share(t, `{"resource":"users/alice/b/","grantee":{"kind":"link"},"actions":["read"]}`)
	for secret, want := range map[string]bool{grant.Link: true, other.Link: false, grant.Link + "x": false, "": false} {
		if got := g.reads(t, "", "users/alice/a/x.png", "X-Signgate-Link", secret); got != want {
			t.Errorf("by header: %t, want %t", got, want)
		}
		if got := g.reads(t, "bob", "users/alice/a/x.png?link="+secret); got != want {
			t.Errorf("by address: %t, want %t", got, want)
		}
	}
	if got := g.do(t, "alice", http.MethodGet, "/v1/grants/"+grant.ID, ""); got.Code != http.StatusOK || strings.Contains(got.Body.String(), "sglink_") {
		t.Errorf("shown again: %d %s", got.Code, got.Body)
	}
}

func TestNothingIssuedOutlivesTheShareItRestsOn(t *testing.T) {
	g := sharing(t)
	g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["read","write"],"expiresIn":60}`)
	until := start.Add(time.Minute)
	urls := decode[readURLs](t, g.do(t, "bob", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a/x","expiresIn":3600},{"key":"users/alice/a/y","expiresIn":3600},{"key":"users/alice/a/z","expiresIn":3600}]}`))
	for _, item := range urls.Items {
		if item.ExpiresAt == nil || !item.ExpiresAt.Equal(until) {
			t.Errorf("%s until %v", item.Key, item.ExpiresAt)
		}
	}
	for target, body := range map[string]string{
		"/v1/read-prefixes": `{"prefix":"users/alice/a/","expiresIn":3600}`,
		"/v1/uploads":       `{"key":"users/alice/a/new","contentType":"text/plain","contentLength":1,"expiresIn":3600}`,
	} {
		got := g.do(t, "bob", http.MethodPost, target, body)
		if answer := decode[struct{ ExpiresAt time.Time }](t, got); got.Code != http.StatusCreated || !answer.ExpiresAt.Equal(until) {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	g.now = until.Add(-time.Second)
	if g.reads(t, "bob", "users/alice/a/x") {
		t.Error("a share that is as good as over still gives")
	}
}

func TestASharesUsesAreCounted(t *testing.T) {
	g := sharing(t)
	grant := g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"everyone"},"actions":["read"],"maxUses":3}`)
	var got []bool
	for range 5 {
		got = append(got, g.reads(t, "bob", "users/alice/a/x"))
	}
	if want := []bool{true, true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if g.reads(t, "alice", "users/alice/a/x"); decode[server.Grant](t, g.do(t, "alice", http.MethodGet, "/v1/grants/"+grant.ID, "")).Uses != 3 {
		t.Error("her own reading counts")
	}
	g = sharing(t)
	g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"everyone"},"actions":["read"],"maxUses":2}`)
	urls := decode[readURLs](t, g.do(t, "bob", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a/x"},{"key":"users/alice/a/y"},{"key":"users/alice/a/z"},{"key":"users/alice/a/w"}]}`))
	issued := 0
	for _, item := range urls.Items {
		if item.URL != "" {
			issued++
		}
	}
	if issued != 2 {
		t.Errorf("a batch counts as %d of 2 uses", issued)
	}
}

func TestOnlyWhoMayShareShares(t *testing.T) {
	g := sharing(t)
	toCarol := `{"resource":"users/alice/a/x","grantee":{"kind":"person","name":"carol"},"actions":["read"]}`
	for person, want := range map[string]int{"bob": http.StatusNotFound, "": http.StatusNotFound} {
		if got := g.do(t, person, http.MethodPost, "/v1/grants", toCarol); got.Code != want {
			t.Errorf("%q shares: %d %s", person, got.Code, got.Body)
		}
	}
	grant := g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["read","write"]}`)
	if got := g.do(t, "bob", http.MethodPost, "/v1/grants", toCarol); got.Code != http.StatusForbidden {
		t.Errorf("bob passes on what he was given: %d %s", got.Code, got.Body)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		for _, person := range []string{"bob", ""} {
			if got := g.do(t, person, method, "/v1/grants/"+grant.ID, ""); got.Code != http.StatusNotFound {
				t.Errorf("%q: %s: %d %s", person, method, got.Code, got.Body)
			}
		}
	}
	for _, target := range []string{"/v1/access?resource=users/alice/a/", "/v1/access?resource=users/alice/b"} {
		if got := g.do(t, "bob", http.MethodGet, target, ""); got.Code != http.StatusForbidden && got.Code != http.StatusNotFound || strings.Contains(got.Body.String(), grant.ID) {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	mine := decode[server.GrantPage](t, g.do(t, "bob", http.MethodGet, "/v1/shared-with-me", ""))
	if len(mine.Items) != 1 || mine.Items[0].ID != grant.ID {
		t.Errorf("shared with bob: %+v", mine)
	}
	if got := g.do(t, "bob", http.MethodGet, "/v1/shared-with-me?group=editors", ""); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("of a group that isn't bob's: %d", got.Code)
	}
}

// Whoever may share, and by policy no more, shares nothing.
func TestNobodySharesWhatPoliciesDoNotLetThemDo(t *testing.T) {
	authorizer, err := access.Load(fstest.MapFS{"test.cedar": {Data: []byte(`
		permit (principal, action in [Action::"share", Action::"revoke"], resource);
		permit (principal == Person::"alice", action == Action::"read", resource);
		permit (principal, action == Action::"read", resource) when { context.granted.contains("read") };`)}})
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, func(p *server.Parts) { p.Grants, p.Access = newShares(t, start), authorizer })
	g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["read"]}`)
	for _, resource := range []string{"users/alice/a/", "users/alice/a/x"} {
		for _, actions := range []string{`["read"]`, `["write"]`, `["read","write"]`} {
			body := `{"resource":"` + resource + `","grantee":{"kind":"everyone"},"actions":` + actions + `}`
			if got := g.do(t, "bob", http.MethodPost, "/v1/grants", body); got.Code != http.StatusForbidden {
				t.Errorf("bob, who was only given it: %s %s: %d %s", resource, actions, got.Code, got.Body)
			}
			if got := g.do(t, "alice", http.MethodPost, "/v1/grants", body); (got.Code == http.StatusCreated) != (actions == `["read"]`) {
				t.Errorf("alice, who may read: %s %s: %d %s", resource, actions, got.Code, got.Body)
			}
		}
	}
}

func TestSharesThatMakeNoSenseAreRefused(t *testing.T) {
	g := sharing(t)
	for body, pointer := range map[string]string{
		`"resource":"users/alice//a","grantee":{"kind":"everyone"},"actions":["read"]`:                           "/resource",
		`"resource":"users/alice/a","grantee":{"kind":"person"},"actions":["read"]`:                              "/grantee/name",
		`"resource":"users/alice/a","grantee":{"kind":"everyone","name":"bob"},"actions":["read"]`:               "/grantee/name",
		`"resource":"users/alice/a","grantee":{"kind":"everybody"},"actions":["read"]`:                           "/grantee/kind",
		`"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["delete"]`:                          "/actions/0",
		`"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":[]`:                                  "/actions",
		`"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["read","write"],"maxUses":1`:        "/maxUses",
		`"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["read"],"expiresIn":0`:              "/expiresIn",
		`"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["read"],"expiresIn":99999999999999`: "/expiresIn",
	} {
		got := g.do(t, "alice", http.MethodPost, "/v1/grants", "{"+body+"}")
		if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `"pointer":"`+pointer) {
			t.Errorf("%s: %d %s, want %s", body, got.Code, got.Body, pointer)
		}
	}
	if got := newGateway(t, nil).do(t, "alice", http.MethodPost, "/v1/grants", `{"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["read"]}`); got.Code != http.StatusForbidden {
		t.Errorf("without a store: %d", got.Code)
	}
}

// broken is a store that can't be asked.
type broken struct{ *bolt.Store }

func (broken) Find(context.Context, time.Time, []string, []grants.Grantee) ([]grants.Grant, error) {
	return nil, grants.ErrUnavailable
}

func TestSharesThatCannotBeLookedUpGiveNothing(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Grants = broken{newShares(t, start)} })
	if got := g.do(t, "bob", http.MethodGet, "/v1/read/users/alice/a", ""); got.Code != http.StatusServiceUnavailable {
		t.Errorf("bob: %d %s", got.Code, got.Body)
	}
	if !g.reads(t, "alice", "users/alice/a") {
		t.Error("what policies give needs no store")
	}
}

func TestWhoCanSeeIsListedThroughWhat(t *testing.T) {
	g := sharing(t)
	above := g.share(t, `{"resource":"users/alice/","grantee":{"kind":"group","name":"family"},"actions":["read"]}`)
	here := g.share(t, `{"resource":"users/alice/a/x","grantee":{"kind":"everyone"},"actions":["read"]}`)
	g.share(t, `{"resource":"users/alice/b/","grantee":{"kind":"everyone"},"actions":["read"]}`)
	list := func(query string) []server.Grant {
		return decode[server.GrantPage](t, g.do(t, "alice", http.MethodGet, "/v1/access?resource="+query, "")).Items
	}
	if all := list("users/alice/a/x"); len(all) != 2 || all[0].ID != above.ID || all[1].ID != here.ID || all[0].Grantee != (server.Grantee{Kind: "group", Name: "family"}) {
		t.Errorf("%+v", all)
	}
	if through := list("users/alice/a/x&through=users/alice/"); len(through) != 1 || through[0].ID != above.ID {
		t.Errorf("%+v", through)
	}
	for _, through := range []string{"users/alice/b/", "users/bob/", "users/alice/a"} {
		if got := g.do(t, "alice", http.MethodGet, "/v1/access?resource=users/alice/a/x&through="+through, ""); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("through %s: %d %s", through, got.Code, got.Body)
		}
	}
}

func TestPartsDoNotOutliveTheShareThatTheUploadRestsOn(t *testing.T) {
	g := sharing(t)
	g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["write"]}`)
	upload := decode[server.NewUpload](t, g.do(t, "bob", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a/film","contentType":"video/mp4","method":"multipart"}`))
	g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["write"],"expiresIn":60}`)
	sign := func() time.Time {
		got := g.do(t, "bob", http.MethodPost, "/v1/uploads/"+upload.UploadID+"/parts", `{"items":[{"partNumber":1}]}`)
		return decode[struct{ ExpiresAt time.Time }](t, got).ExpiresAt
	}
	if got := sign(); !got.Equal(start.Add(15 * time.Minute)) {
		t.Errorf("the longer share counts: %s", got)
	}
	shares := decode[server.GrantPage](t, g.do(t, "alice", http.MethodGet, "/v1/access?resource=users/alice/a/", "")).Items
	for _, share := range shares {
		if share.ExpiresAt == nil {
			g.do(t, "alice", http.MethodDelete, "/v1/grants/"+share.ID, "")
		}
	}
	if got := sign(); !got.Equal(start.Add(time.Minute)) {
		t.Errorf("what is left of it: %s", got)
	}
}

// What it says of an object that the caller may not read is what it says of one
// that isn't there.
func TestWhyIsSafeToShowToPeople(t *testing.T) {
	g := sharing(t)
	ask := func(person, action, key string) server.Decision {
		got := g.do(t, person, http.MethodPost, "/v1/decisions", `{"action":"`+action+`","key":"`+key+`"}`)
		if got.Code != http.StatusOK {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		return decode[server.Decision](t, got)
	}
	if got := ask("alice", "share", "users/alice/a"); !got.Allowed || !slices.Equal(got.Policies, []string{"home"}) {
		t.Errorf("by policy: %+v", got)
	}
	for _, action := range []string{"read", "delete", "share"} {
		hidden, nowhere := ask("bob", action, "users/alice/a"), ask("bob", action, "nowhere/at/all")
		if hidden.Allowed || hidden.Policies != nil || hidden.Detail != nowhere.Detail {
			t.Errorf("%s: %+v, %+v", action, hidden, nowhere)
		}
	}
	grant := g.share(t, `{"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["read"],"maxUses":1}`)
	for range 3 {
		if got := ask("", "read", "users/alice/a"); !got.Allowed || got.Grant != grant.ID {
			t.Errorf("by a share: %+v", got)
		}
	}
	if got := ask("bob", "delete", "users/alice/a"); got.Allowed || !strings.HasPrefix(got.Detail, "You may read it;") {
		t.Errorf("readable, not to be deleted: %+v", got)
	}
	if strings.Contains(g.trail.String(), "denied") {
		t.Errorf("asking why is on record as trying: %s", g.trail)
	}
}
