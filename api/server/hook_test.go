package server_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/decisionhook"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/settings"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// decider is an application behind a real socket: no is what it denies, broken
// what it has no answer to, extra what it says besides.
type decider struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []decisionhook.Question
	no     func(decisionhook.Question) bool
	broken func(decisionhook.Question) bool
	extra  string
}

func newDecider(t testing.TB) *decider {
	t.Helper()
	nothing := func(decisionhook.Question) bool { return false }
	d := &decider{no: nothing, broken: nothing}
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var question struct{ Data decisionhook.Question }
		if err := json.Unmarshal(body, &question); err != nil || verifier.VerifyIgnoringTimestamp(body, r.Header) != nil {
			t.Errorf("asked %s: %v", body, err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked = append(d.asked, question.Data)
		decision := "allow"
		if d.no(question.Data) {
			decision = "deny"
		}
		if d.broken(question.Data) {
			w.WriteHeader(http.StatusInternalServerError)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"decision":%q%s}`, decision, d.extra)
	}))
	t.Cleanup(d.Close)
	return d
}

// about returns what it was asked about, "read users/alice/a".
func (d *decider) about() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var about []string
	for _, q := range d.asked {
		about = append(about, q.Action+" "+q.Key+q.Prefix)
	}
	slices.Sort(about)
	d.asked = nil
	return about
}

func (d *decider) hook(t testing.TB) *decisionhook.Hook {
	t.Helper()
	secrets, err := decisionhook.ParseSecrets([]byte(hookSecret))
	if err != nil {
		t.Fatal(err)
	}
	hook, err := decisionhook.New(decisionhook.Config{
		URL: d.URL, Secrets: secrets, Timeout: 10 * time.Second, Parallel: 32, Now: func() time.Time { return start }, NewID: rand.Text,
	})
	if err != nil {
		t.Fatal(err)
	}
	return hook
}

// deciding is a gateway that asks an application.
func deciding(t testing.TB, d *decider, change func(*server.Parts)) *gateway {
	t.Helper()
	return newGateway(t, func(p *server.Parts) {
		p.DecisionHook = d.hook(t)
		if change != nil {
			change(p)
		}
	})
}

func always(decisionhook.Question) bool { return true }

func TestTheApplicationHasToAllowWhatPoliciesAndSharesDo(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, func(p *server.Parts) { p.Grants = newShares(t, start) })
	if !g.reads(t, "alice", "users/alice/a") {
		t.Error("what all allow")
	}
	if got := d.about(); !slices.Equal(got, []string{"read users/alice/a"}) {
		t.Errorf("asked %q", got)
	}
	if g.reads(t, "bob", "users/alice/a") || len(d.about()) != 0 {
		t.Error("it was asked about what no policy allows, or allowed it")
	}
	grant := g.share(t, `{"resource":"users/alice/","grantee":{"kind":"person","name":"bob"},"actions":["read"],"maxUses":1}`)
	d.no = always
	if g.reads(t, "bob", "users/alice/a") || g.reads(t, "alice", "users/alice/a") {
		t.Error("against the application")
	}
	d.no = func(q decisionhook.Question) bool { return q.Principal.Subject != "bob" }
	if !g.reads(t, "bob", "users/alice/a") {
		t.Error("shared, and the application agrees: a refusal has used the share up")
	}
	if !strings.Contains(g.trail.String(), `"grant":"`+grant.ID+`","policies":["shared-read"],"hook":"`) {
		t.Errorf("the trail doesn't say that the application was asked: %s", g.trail)
	}
}

func TestTheApplicationDecidesInsteadWherePoliciesDontForbid(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, func(p *server.Parts) {
		p.HookInstead, p.Anonymous = true, true
		p.Access = loaded(t, `
			permit (principal == Person::"alice", action, resource in Prefix::"users/alice/");
			@id("never") forbid (principal == Person::"bob", action, resource in Prefix::"secret/");`)
	})
	for key, want := range map[string]bool{"users/alice/a": true, "anywhere/b": true, "secret/c": false, "quarantine/d": false} {
		d.no = func(decisionhook.Question) bool { return false }
		if got := g.reads(t, "bob", key); got != want {
			t.Errorf("%s: %t, want %t", key, got, want)
		}
		if asked := len(d.about()) > 0; asked != want {
			t.Errorf("%s: asked %t", key, asked)
		}
		d.no = always
		if g.reads(t, "alice", key) {
			t.Errorf("%s: against the application", key)
		}
		d.about()
	}
	if !strings.Contains(g.trail.String(), `"key":"anywhere/b","hook":"`) {
		t.Errorf("not on record: %s", g.trail)
	}
	d.no = func(decisionhook.Question) bool { return false }
	if g.do(t, "", http.MethodPost, "/v1/uploads", `{"key":"a","contentType":"text/plain","contentLength":1}`).Code == http.StatusCreated || len(d.about()) != 0 {
		t.Error("anybody may write")
	}
	for person, want := range map[string]int{"alice": http.StatusCreated, "bob": http.StatusNotFound} {
		if got := g.do(t, person, http.MethodPost, "/v1/read-prefixes", `{"prefix":"anywhere/"}`); got.Code != want {
			t.Errorf("%s: %d %s", person, got.Code, got.Body)
		}
	}
	if got := d.about(); !slices.Equal(got, []string{"read anywhere/"}) {
		t.Errorf("asked %q", got)
	}
}

func TestAPolicyThatErrsIsNotDecidedInstead(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, func(p *server.Parts) {
		p.HookInstead = true
		p.Access = loaded(t, `permit (principal, action, resource) when { 9223372036854775807 + 1 == 0 };`)
	})
	if g.reads(t, "alice", "users/alice/a") || len(d.about()) != 0 {
		t.Error("an error while deciding was decided by the application")
	}
}

func TestAPrefixIsAskedForAsOne(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, nil)
	d.no = func(q decisionhook.Question) bool { return q.Prefix != "" }
	for _, path := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
		if got := g.do(t, "alice", http.MethodPost, path, `{"prefix":"users/alice/albums/"}`, "Host", "api.example.com"); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		if got := d.about(); !slices.Equal(got, []string{"read users/alice/albums/"}) {
			t.Errorf("%s: asked %q", path, got)
		}
	}
}

func TestNoAnswerIssuesNothingAndSaysSo(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, func(p *server.Parts) { p.Grants, p.Listing = newShares(t, start), shelf{"users/alice/a"} })
	d.broken = always
	for target, body := range map[string]string{
		"/v1/read-prefixes": `{"prefix":"users/alice/"}`, "/v1/uploads": `{"key":"users/alice/a","contentType":"text/plain","contentLength":1}`,
		"/v1/upload-sessions": `{"prefix":"users/alice/"}`, "/v1/decisions": `{"action":"read","key":"users/alice/a"}`,
		"/v1/uploads/sign": `{"method":"PUT","key":"users/alice/a"}`,
		"/v1/grants":       `{"resource":"users/alice/a","grantee":{"kind":"everyone"},"actions":["read"]}`,
	} {
		mustProblem(t, g.do(t, "alice", http.MethodPost, target, body), problem.Unavailable)
	}
	for _, target := range []string{"/v1/read/users/alice/a", "/v1/objects?prefix=users/alice/", "/v1/access?resource=users/alice/a"} {
		mustProblem(t, g.do(t, "alice", http.MethodGet, target, ""), problem.Unavailable)
	}
	if strings.Contains(g.trail.String(), `"issued"`) {
		t.Errorf("recorded as issued: %s", g.trail)
	}
}

func TestABatchAsksAboutEachObjectOnceAndAnswersEachOnItsOwn(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, nil)
	d.no = func(q decisionhook.Question) bool { return strings.HasSuffix(q.Key, "no") }
	d.broken = func(q decisionhook.Question) bool { return strings.HasSuffix(q.Key, "broken") }
	const items = `{"items":[{"key":"users/alice/a"},{"key":"users/alice/no"},{"key":"users/alice/broken"},{"key":"users/alice/a"},{"key":"users/bob/x"},{"key":"../x"},{"key":"users/alice/y?Signature=secret"},{"key":"users/alice/b"}]}`
	for path, action := range map[string]string{"/v1/read-urls": "read", "/v1/delete-urls": "delete"} {
		answers := decode[readURLs](t, g.do(t, "alice", http.MethodPost, path, items)).Items
		var got []string
		for _, answer := range answers {
			switch {
			case answer.URL != "":
				got = append(got, "yes")
			case answer.Problem != nil:
				got = append(got, answer.Problem.Code)
			}
		}
		if want := []string{"yes", "not-found", "unavailable", "yes", "not-found", "invalid-request", "invalid-request", "yes"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		asked := slices.DeleteFunc(d.about(), func(about string) bool { return !strings.HasPrefix(about, action+" ") })
		if want := []string{action + " users/alice/a", action + " users/alice/b", action + " users/alice/broken", action + " users/alice/no"}; !slices.Equal(asked, want) {
			t.Errorf("%s: asked %q", path, asked)
		}
	}
}

// Questions that wait for one another would never end here.
func TestTheQuestionsOfABatchAreAskedSideBySide(t *testing.T) {
	together := make(chan struct{})
	var arrived sync.WaitGroup
	arrived.Add(8)
	go func() { arrived.Wait(); close(together) }()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		<-together
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"decision":"allow"}`)
	}))
	t.Cleanup(web.Close)
	var names shelf
	items := make([]string, 8)
	for n := range items {
		items[n] = fmt.Sprintf(`{"key":"users/alice/%d"}`, n)
		names = append(names, fmt.Sprintf("users/alice/%d", n))
	}
	g := deciding(t, &decider{Server: web}, func(p *server.Parts) { p.Listing = names })
	for _, answer := range decode[readURLs](t, g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[`+strings.Join(items, ",")+`]}`)).Items {
		if answer.URL == "" {
			t.Errorf("%+v", answer.Problem)
		}
	}
}

func TestAListHoldsNothingThatTheApplicationDenies(t *testing.T) {
	d := newDecider(t)
	names := shelf{"users/alice/a", "users/alice/album/", "users/alice/b", "users/alice/private/", "users/bob/c"}
	g := deciding(t, d, func(p *server.Parts) { p.Listing = names })
	d.no = func(q decisionhook.Question) bool {
		return q.Key == "users/alice/b" || q.Prefix == "users/alice/private/" || q.Action == "read"
	}
	page, got := g.lists(t, "alice", "folders=true&urls=true&prefix=users/alice/")
	if want := []string{"users/alice/album/", "users/alice/a"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if item := page.Items[0]; item.URL != "" || item.Problem == nil || item.Problem.Code != problem.NotFound.Code {
		t.Errorf("a URL against the application: %+v", item)
	}
	d.no = always
	if page, got := g.lists(t, "alice", "prefix=users/alice/&limit=1"); len(got) != 0 || page.NextCursor != "" {
		t.Errorf("%q, goes on: %t", got, page.NextCursor != "")
	}
}

// silent is an application that never answers: asked is how many wait for it.
type silent struct {
	parallel int
	asked    atomic.Int32
}

func (s *silent) Parallel() int { return s.parallel }

func (s *silent) Ask(ctx context.Context, _ decisionhook.Question) (decisionhook.Answer, error) {
	s.asked.Add(1)
	defer s.asked.Add(-1)
	<-ctx.Done()
	return decisionhook.Answer{}, fmt.Errorf("%w: %w", decisionhook.ErrUnavailable, ctx.Err())
}

// openFirst answers about a prefix that is listed at once.
type openFirst struct {
	*silent
	prefix string
}

func (o openFirst) Ask(ctx context.Context, question decisionhook.Question) (decisionhook.Answer, error) {
	if question.Prefix == o.prefix {
		return decisionhook.Answer{ID: "1", Allowed: true}, nil
	}
	return o.silent.Ask(ctx, question)
}

func TestTheFoldersOfAListAreAskedAboutSideBySideAndWithinTheTimeOfOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names shelf
		for n := range 60 {
			names = append(names, fmt.Sprintf("users/alice/%02d/", n))
		}
		hook, begin := &silent{parallel: 32}, time.Now()
		ahead := start.Sub(begin)
		g := newGateway(t, func(p *server.Parts) {
			p.DecisionHook, p.Listing, p.Now = openFirst{hook, "users/alice/"}, names, func() time.Time { return time.Now().Add(ahead) }
		})
		answered := make(chan *httptest.ResponseRecorder, 1)
		go func() {
			answered <- g.do(t, "alice", http.MethodGet, "/v1/objects?folders=true&prefix=users/alice/", "")
		}()
		synctest.Wait()
		if got := hook.asked.Load(); got < 2 {
			t.Errorf("%d asked at a time", got)
		}
		mustProblem(t, <-answered, problem.Unavailable)
		if now := time.Now(); now.After(begin.Add(20 * time.Second)) {
			t.Errorf("it took from %s to %s", begin, now)
		}
	})
}

func TestOneBatchLeavesTurnsToOthers(t *testing.T) {
	for parallel, want := range map[int]int32{1: 1, 4: 1, 8: 2, 32: 8} {
		synctest.Test(t, func(t *testing.T) {
			hook := &silent{parallel: parallel}
			g := newGateway(t, func(p *server.Parts) { p.DecisionHook = hook })
			items := strings.Repeat(`{"key":"users/alice/%d"},`, 40)
			for n := range 40 {
				items = strings.Replace(items, "%d", strconv.Itoa(n), 1)
			}
			go g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[`+strings.TrimSuffix(items, ",")+`]}`)
			synctest.Wait()
			if got := hook.asked.Load(); got != want {
				t.Errorf("of %d turns one request takes %d, want %d", parallel, got, want)
			}
		})
	}
}

func TestTheFirstQuestionOfAListEndsWithTheTimeOfTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, func(p *server.Parts) { p.DecisionHook, p.Listing = &silent{parallel: 1}, shelf{} })
		begin := time.Now()
		mustProblem(t, g.do(t, "alice", http.MethodGet, "/v1/objects?prefix=users/alice/", ""), problem.Unavailable)
		if now := time.Now(); !now.Equal(begin.Add(20 * time.Second)) {
			t.Errorf("it took from %s to %s", begin, now)
		}
	})
}

func TestNothingLivesLongerThanTheApplicationSays(t *testing.T) {
	d := newDecider(t)
	d.extra = `,"expiresIn":30`
	g := deciding(t, d, func(p *server.Parts) { p.Access, p.Credentials = everything{}, &lender{} })
	until := start.Add(30 * time.Second)
	for target, body := range map[string]string{
		"/v1/read-urls":     `{"items":[{"key":"a","expiresIn":3600}]}`,
		"/v1/delete-urls":   `{"items":[{"key":"a","expiresIn":60}]}`,
		"/v1/read-prefixes": `{"prefix":"a/","expiresIn":3600}`,
		"/v1/uploads":       `{"key":"a","contentType":"text/plain","contentLength":1,"expiresIn":3600,"overwrite":true}`,
	} {
		got := g.do(t, "alice", http.MethodPost, target, body)
		if !strings.Contains(got.Body.String(), `"expiresAt":"`+until.Format(time.RFC3339)+`"`) {
			t.Errorf("%s: %d %s", target, got.Code, got.Body)
		}
	}
	mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/upload-credentials", `{"prefix":"a/"}`), problem.Denied)
}

// What is asked later in a second lives no shorter, and its life is never none.
func TestWhatTheApplicationSaysOfLivesDoesNotDependOnTheClocksFractions(t *testing.T) {
	const upload = `{"key":"users/alice/a","contentType":"text/plain","contentLength":5,"method":%q}`
	for _, fraction := range []time.Duration{0, 400 * time.Millisecond, 999 * time.Millisecond} {
		d := newDecider(t)
		g := deciding(t, d, func(p *server.Parts) { p.Access, p.Credentials = everything{}, &lender{} })
		g.now = start.Add(fraction)
		d.extra = `,"expiresIn":900`
		if got := g.do(t, "alice", http.MethodPost, "/v1/upload-credentials", `{"prefix":"users/alice/x/"}`); got.Code != http.StatusCreated {
			t.Errorf("%s, credentials that live as long as it says: %d %s", fraction, got.Code, got.Body)
		}
		d.extra = `,"expiresIn":899`
		mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/upload-credentials", `{"prefix":"users/alice/x/"}`), problem.Denied)
		d.extra = `,"expiresIn":1`
		until := `"expiresAt":"` + start.Add(time.Second).Format(time.RFC3339) + `"`
		for name, got := range map[string]*httptest.ResponseRecorder{
			"put":       g.do(t, "alice", http.MethodPost, "/v1/uploads", fmt.Sprintf(upload, "put")),
			"multipart": g.do(t, "alice", http.MethodPost, "/v1/uploads", fmt.Sprintf(upload, "multipart")),
			"delete":    g.do(t, "alice", http.MethodPost, "/v1/delete-urls", `{"items":[{"key":"users/alice/a"}]}`),
		} {
			if !strings.Contains(got.Body.String(), until) {
				t.Errorf("%s, %s: %d %s", fraction, name, got.Code, got.Body)
			}
		}
	}
}

func TestASecondThatPassesBetweenTwoQuestionsShortensNoLife(t *testing.T) {
	d := newDecider(t)
	d.extra = `,"expiresIn":900`
	g := deciding(t, d, func(p *server.Parts) { p.Access, p.Credentials = everything{}, &lender{} })
	d.no = func(decisionhook.Question) bool {
		g.now = g.now.Add(time.Second)
		return false
	}
	if got := g.do(t, "alice", http.MethodPost, "/v1/upload-credentials", `{"prefix":"users/alice/x/"}`); got.Code != http.StatusCreated {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestAShareThatEndsWhileTheApplicationIsAskedBeginsNoUpload(t *testing.T) {
	d, b := newDecider(t), &bucket{}
	g := deciding(t, d, func(p *server.Parts) { p.Grants, p.Uploads = newShares(t, start), b })
	ends := start.Add(time.Minute)
	g.share(t, `{"resource":"users/alice/inbox/","grantee":{"kind":"person","name":"bob"},"actions":["write"],"expiresIn":60}`)
	for _, method := range []string{"put", "multipart"} {
		g.now = ends.Add(-2 * time.Second)
		d.no = func(decisionhook.Question) bool {
			g.now = ends.Add(-time.Millisecond)
			return false
		}
		body := `{"key":"users/alice/inbox/a","contentType":"text/plain","contentLength":5,"method":"` + method + `"}`
		mustProblem(t, g.do(t, "bob", http.MethodPost, "/v1/uploads", body), problem.Denied)
	}
	if len(b.created) > 0 || strings.Contains(g.trail.String(), `"step":"start"`) {
		t.Errorf("created %v: %s", b.created, g.trail)
	}
}

func TestWhoMayKnowIsToldThatTheApplicationDecidedAndWhatItSaysToPeople(t *testing.T) {
	d := newDecider(t)
	d.extra = `,"reason":"account 4711 frozen","message":"Ask your team lead."`
	g := deciding(t, d, nil)
	decide := func(person, action string) (server.Decision, string) {
		got := g.do(t, person, http.MethodPost, "/v1/decisions", `{"action":"`+action+`","key":"users/alice/a"}`)
		return decode[server.Decision](t, got), got.Body.String()
	}
	if got, _ := decide("alice", "read"); !got.Allowed || got.Hook == "" || got.Message == "" || !strings.Contains(got.Detail, "the application agrees") {
		t.Errorf("allowed: %+v", got)
	}
	d.no = func(q decisionhook.Question) bool { return q.Action == "delete" }
	if got, text := decide("alice", "delete"); got.Allowed || got.Hook == "" || got.Message != "Ask your team lead." || !strings.Contains(got.Detail, "denied by the application") || strings.Contains(text, "4711") {
		t.Errorf("denied what may be read: %s", text)
	}
	d.no = always
	absent, _ := decide("bob", "read")
	for _, action := range []string{"read", "delete"} {
		got, text := decide("alice", action)
		if want := strings.ReplaceAll(absent.Detail, "read", action); got.Detail != want || got.Hook != "" || got.Message != "" || strings.Contains(text, "4711") {
			t.Errorf("denied what may not be read: %s", text)
		}
	}
	mustProblem(t, g.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a", ""), problem.NotFound)
	if !strings.Contains(g.log.String(), "account 4711 frozen") {
		t.Error("the reason isn't in the log")
	}
	if strings.Contains(g.trail.String(), "4711") {
		t.Error("the reason is in the trail")
	}
}

func TestNobodySharesWhatTheApplicationDeniesThem(t *testing.T) {
	d := newDecider(t)
	g := deciding(t, d, func(p *server.Parts) { p.Grants = newShares(t, start) })
	d.no = func(q decisionhook.Question) bool { return q.Action == "write" }
	body := `{"resource":"users/alice/a","grantee":{"kind":"person","name":"bob"},"actions":["read","write"]}`
	mustProblem(t, g.do(t, "alice", http.MethodPost, "/v1/grants", body), problem.Denied)
}

func TestAWidgetsFileGetsANewKeyWhereTheApplicationDeniesOverwriting(t *testing.T) {
	d := newDecider(t)
	d.no = func(q decisionhook.Question) bool { return q.Action == "overwrite" }
	g := deciding(t, d, nil)
	got := g.do(t, "alice", http.MethodPost, "/v1/uploads/sign", `{"method":"PUT","key":"users/alice/a.txt"}`)
	if call := decode[server.SignedCall](t, got); got.Code != http.StatusOK || call.Key == "users/alice/a.txt" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// secretsManager answers GetSecretValue with one secret.
func secretsManager(t *testing.T, arn, secret string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || asked.SecretId != arn {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_ = json.NewEncoder(w).Encode(map[string]string{"ARN": arn, "SecretString": secret, "VersionId": "1"})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTheSecretOfTheHookMayBeInSecretsManager(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:hook-AbCdEf"
	d, key := newDecider(t), generateKey(t, keyring.P256)
	from := func(address string) func(*settings.Gateway) {
		return func(s *settings.Gateway) {
			s.DecisionHook, s.DecisionHookSecret, s.SecretsEndpoint = d.URL+"/decisions", arn, address
		}
	}
	asked := 0
	d.no = func(decisionhook.Question) bool { asked++; return false } // the decider verifies the signature
	g := fromSettings(t, key, from(secretsManager(t, arn, hookSecret+"\n")))
	if answer := g.one(t, g.token, "users/alice/a.txt", ""); answer.URL == "" || asked == 0 {
		t.Errorf("asked %d times: %+v", asked, answer)
	}
	if err := failingSettings(t, from(secretsManager(t, arn, "not a secret"))); strings.Contains(err.Error(), "not a secret") {
		t.Errorf("%v", err)
	}
	if err := failingSettings(t, from(secretsManager(t, "another", hookSecret))); !strings.Contains(err.Error(), "decision-hook-secret") {
		t.Errorf("%v", err)
	}
}

// A start that is slow says what it waited for.
func TestTheReadingOfTheHooksSecretIsASpan(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:hook-AbCdEf"
	w := newWatched(t, nil)
	inEnvironment(t, generateKey(t, keyring.P256), func(s *settings.Gateway) {
		s.DecisionHook, s.DecisionHookSecret, s.SecretsEndpoint = "http://127.0.0.1:1/decisions", arn, secretsManager(t, arn, hookSecret)
	}, func(env *server.Environment) { env.Telemetry = w.measured })
	if err := w.measured.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if sent := w.sent["/v1/traces"]; !strings.Contains(sent, "Secrets Manager/GetSecretValue") || strings.Contains(sent, "whsec") {
		t.Errorf("%q", sent)
	}
}

func TestTheSettingsSayWhichApplicationDecides(t *testing.T) {
	d, key := newDecider(t), generateKey(t, keyring.P256)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(hookSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, policy := range map[string]string{"also": "permit (principal, action, resource);", "instead": `permit (principal == Person::"nobody", action, resource);`} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "all.cedar"), []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, no := range []bool{false, true} {
			d.no = func(decisionhook.Question) bool { return no }
			g := fromSettings(t, key, func(s *settings.Gateway) {
				s.Policies, s.DecisionHook, s.DecisionHookSecret, s.DecisionHookMode = folder, d.URL+"/decisions", file, mode
			})
			if answer := g.one(t, g.token, "anything", ""); (answer.URL == "") != no {
				t.Errorf("%s, denied %t: %+v", mode, no, answer)
			}
		}
	}
}

// shattered is an application whose client has a defect.
type shattered struct{ server.DecisionHook }

func (shattered) Ask(context.Context, decisionhook.Question) (decisionhook.Answer, error) {
	panic("hunter2")
}
func (shattered) Parallel() int { return 8 }

// What panics while several questions are asked at a time ends one request, and
// not the gateway.
func TestAPanicWhileTheApplicationIsAskedEndsOneRequest(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.DecisionHook = shattered{} })
	recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"},{"key":"users/alice/b.png"}]}`)
	mustProblem(t, recorder, problem.Internal)
	if strings.Contains(recorder.Body.String(), "hunter2") || !strings.Contains(g.log.String(), "hunter2") {
		t.Errorf("%s, in the log: %s", recorder.Body, g.log)
	}
}
