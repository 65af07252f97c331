package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

// A URL that would be too long for CloudFront is a problem of its item that
// says what to shorten.
func TestAURLThatIsTooLongSaysWhatToShorten(t *testing.T) {
	g := newGateway(t, nil)
	long := `,"versionId":"` + strings.Repeat("/", 1024) + `","cacheControl":"` + strings.Repeat(",", 256) + `","filename":"` + strings.Repeat("ü", 127) + `"`
	key := "users/alice/" + strings.Repeat("ü", 500)
	answer := g.one(t, "alice", key, long)
	if answer.URL != "" || answer.Problem == nil || answer.Problem.Code != problem.InvalidRequest.Code || !strings.Contains(answer.Problem.Detail, "Shorten the key") {
		t.Errorf("%+v", answer.Problem)
	}
	if g.trail.Len() != 0 {
		t.Errorf("it was recorded as issued: %s", g.trail)
	}
	items := decode[readURLs](t, g.do(t, "alice", http.MethodPost, "/v1/read-urls", fmt.Sprintf(`{"items":[{"key":%q%s},{"key":%q}]}`, key, long, key))).Items
	if items[0].Problem == nil || items[1].URL == "" {
		t.Errorf("beside one without the overrides: %+v", items)
	}
}

func TestAWindowThatWouldNeverBeOpenIsRefused(t *testing.T) {
	g := newGateway(t, nil)
	for seconds, open := range map[int]bool{299: false, 298: true, 0: true, -1: true} {
		answer := g.one(t, "alice", "users/alice/a.png", fmt.Sprintf(`,"expiresIn":300,"notBefore":%q`, start.Add(time.Duration(seconds)*time.Second).Format(time.RFC3339)))
		if (answer.URL != "") != open || (!open && answer.Problem.Errors[0].Pointer != "/items/0/notBefore") {
			t.Errorf("%d seconds: %+v", seconds, answer)
		}
		if !open {
			continue
		}
		g.now = start.Add(299 * time.Second)
		if _, err := g.verifier.Verify(signedurl.Viewer{URL: answer.URL}); err != nil {
			t.Errorf("%d seconds: in its last second: %v", seconds, err)
		}
		g.now = start
	}
	if brief := g.one(t, "alice", "users/alice/a.png", `,"expiresIn":1,"notBefore":"2026-11-21T12:00:00Z"`); brief.URL == "" {
		t.Errorf("a second from now on: %+v", brief.Problem)
	}
}

// A share ends when it says, and so does what rests on it: what would begin
// later is a problem of its item.
func TestWhatWouldBeginAfterItsShareEndsIsRefused(t *testing.T) {
	g := sharing(t)
	g.share(t, `{"resource":"users/alice/a/","grantee":{"kind":"person","name":"bob"},"actions":["read"],"expiresIn":120}`)
	for moment, open := range map[string]bool{"12:01:58": true, "12:01:59": false, "12:03:00": false} {
		members := fmt.Sprintf(`,"notBefore":"2026-11-21T%sZ"`, moment)
		answer := g.one(t, "bob", "users/alice/a/x.png", members)
		if (answer.URL != "") != open || (!open && (answer.Problem == nil || answer.Problem.Errors[0].Pointer != "/items/0/notBefore")) {
			t.Errorf("%s: %+v", moment, answer)
		}
		for _, path := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(`{"prefix":"users/alice/a/"`+members+`}`))
			request.Host = "api.example.com"
			request.Header.Set("Authorization", "Bearer bob")
			request.Header.Set("Content-Type", "application/json")
			recorder := newRecorder()
			if g.handler.ServeHTTP(recorder, request); (recorder.Code == http.StatusCreated) != open || (!open && recorder.Code != http.StatusUnprocessableEntity) {
				t.Errorf("%s at %s: %d %s", path, moment, recorder.Code, recorder.Body)
			}
		}
	}
}

// A clock has fractions of a second, a policy hasn't.
func TestAnExpiryIsAWholeSecondWhateverTheClock(t *testing.T) {
	g := newGateway(t, nil)
	g.now = start.Add(7*time.Minute + 999_999_999*time.Nanosecond)
	for members, want := range map[string]time.Time{``: start.Add(12 * time.Minute), `,"stable":true`: start.Add(time.Hour), `,"notBefore":"2026-11-21T12:07:30.9Z"`: start.Add(12 * time.Minute)} {
		answer := g.one(t, "alice", "users/alice/a.png", members)
		if answer.ExpiresAt == nil || !answer.ExpiresAt.Equal(want) {
			t.Errorf("%s: it expires at %v, want %s", members, answer.ExpiresAt, want)
		}
	}
	for _, record := range g.records(t) {
		if record.ExpiresAt.Nanosecond() != 0 {
			t.Errorf("the trail says %s", record.ExpiresAt)
		}
	}
}

// Where the window is longer than anything may live, a stable URL can't wait
// for its end.
func TestAStableURLNeverOutlivesTheLongestLife(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) {
		p.Limits.StableWindow = 24 * time.Hour
		p.Limits.Read = server.Life{Default: 5 * time.Minute, Longest: time.Hour}
	})
	answer := g.one(t, "alice", "users/alice/a.png", `,"stable":true`)
	if answer.ExpiresAt == nil || !answer.ExpiresAt.Equal(start.Add(5*time.Minute)) {
		t.Errorf("%+v", answer)
	}
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: answer.URL}); err != nil {
		t.Error(err)
	}
}

// What has begun needs no policy, so its URL is the short one.
func TestABeginningThatIsPastMakesNoLongerURL(t *testing.T) {
	g := newGateway(t, nil)
	for members, custom := range map[string]bool{``: false, `,"notBefore":"2026-11-21T12:00:00Z"`: false, `,"notBefore":"2026-11-21T11:00:00Z"`: false, `,"notBefore":"2026-11-21T12:00:01Z"`: true} {
		if answer := g.one(t, "alice", "users/alice/a.png", members); strings.Contains(answer.URL, "Policy=") != custom {
			t.Errorf("%s: %s", members, answer.URL)
		}
	}
}

// A server that listens on IPv6 sees IPv4 callers in IPv6's form.
func TestACallerInIPv6sFormOfIPv4IsBoundToIPv4(t *testing.T) {
	g := newGateway(t, nil)
	request := func(remote string) server.ReadURL {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/read-urls", strings.NewReader(`{"items":[{"key":"users/alice/a.png","address":"caller"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = remote
		r.Header.Set("Authorization", "Bearer alice")
		r.Header.Set("Content-Type", "application/json")
		recorder := newRecorder()
		g.handler.ServeHTTP(recorder, r)
		return decode[readURLs](t, recorder).Items[0]
	}
	answer := request("[::ffff:203.0.113.7]:1")
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: answer.URL, Address: netip.MustParseAddr("203.0.113.7")}); err != nil {
		t.Errorf("%+v: %v", answer.Problem, err)
	}
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: answer.URL, Address: netip.MustParseAddr("203.0.113.8")}); err == nil {
		t.Error("it works from elsewhere")
	}
	if v6 := request("[2001:db8::7]:1"); v6.URL != "" || !strings.Contains(v6.Problem.Errors[0].Detail, "IPv6") {
		t.Errorf("from IPv6: %+v", v6)
	}
}

// A range with a host in it is the same range, and the same stable URL.
func TestARangeIsTheSameWhateverHostItIsNamedBy(t *testing.T) {
	g := newGateway(t, nil)
	byNet := g.one(t, "alice", "users/alice/a.png", `,"stable":true,"address":"203.0.113.0/24"`)
	byHost := g.one(t, "alice", "users/alice/a.png", `,"stable":true,"address":"203.0.113.9/24"`)
	if byNet.URL == "" || byNet.URL != byHost.URL {
		t.Errorf("%s\n%s", byNet.URL, byHost.URL)
	}
}
