package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

// one asks for one object with further members and returns the answer.
func (g *gateway) one(t testing.TB, person, key, members string) server.ReadURL {
	t.Helper()
	recorder := g.do(t, person, http.MethodPost, "/v1/read-urls", fmt.Sprintf(`{"items":[{"key":%q%s}]}`, key, members))
	if recorder.Code != http.StatusOK {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	return decode[readURLs](t, recorder).Items[0]
}

func TestConditionsAreSignedAsAskedFor(t *testing.T) {
	g := newGateway(t, nil)
	in, there := start.Add(90*time.Second), netip.MustParseAddr("203.0.113.7")
	for name, test := range map[string]struct {
		members string
		address netip.Addr
		want    bool // now, from that address
	}{
		"a range":               {`,"address":"203.0.113.0/24"`, there, true},
		"a range with host":     {`,"address":"203.0.113.9/24"`, there, true},
		"a range, elsewhere":    {`,"address":"203.0.114.0/24"`, there, false},
		"one address":           {`,"address":"203.0.113.7"`, there, true},
		"the caller's own":      {`,"address":"caller"`, netip.MustParseAddr("192.0.2.1"), true}, // httptest's
		"the caller's, not his": {`,"address":"caller"`, there, false},
		"a beginning to come":   {`,"notBefore":"2026-11-21T12:01:00Z"`, there, false},
		"a beginning past":      {`,"notBefore":"2026-11-21T11:00:00Z"`, there, true},
		"an offset":             {`,"notBefore":"2026-11-21T13:30:00+02:00"`, there, true},
	} {
		answer := g.one(t, "alice", "users/alice/a.png", test.members)
		_, err := g.verifier.Verify(signedurl.Viewer{URL: answer.URL, Address: test.address})
		if (err == nil) != test.want || !strings.Contains(answer.URL, "sg-id="+answer.ID) {
			t.Errorf("%s: %v, want %t", name, err, test.want)
		}
	}
	later := g.one(t, "alice", "users/alice/a.png", `,"notBefore":"2026-11-21T12:01:00Z"`)
	g.now = in
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: later.URL}); err != nil {
		t.Errorf("after its beginning: %v", err)
	}
}

func TestWishesThatCannotBeGrantedNameTheMember(t *testing.T) {
	g := newGateway(t, nil)
	for members, member := range map[string]string{
		`,"address":"somewhere"`:              "address",
		`,"address":"2001:db8::1"`:            "address",
		`,"address":"2001:db8::/32"`:          "address",
		`,"address":"203.0.113.0/33"`:         "address",
		`,"notBefore":"2026-11-21T12:05:00Z"`: "notBefore", // the end
		`,"notBefore":"2030-01-01T00:00:00Z"`: "notBefore",
		`,"expiresIn":300000`:                 "expiresIn",
		`,"filename":"a/b"`:                   "filename",
		`,"filename":"a\nb"`:                  "filename",
		`,"contentType":"html"`:               "contentType",
		`,"cacheControl":"a\r\nb"`:            "cacheControl",
		`,"versionId":"a b"`:                  "versionId",
		`,"from":"s3"`:                        "from",
	} {
		answer := g.one(t, "alice", "users/alice/a.png", members)
		if answer.Problem == nil || answer.Problem.Code != problem.InvalidRequest.Code || len(answer.Problem.Errors) != 1 || answer.Problem.Errors[0].Pointer != "/items/0/"+member {
			t.Errorf("%s: %+v", members, answer.Problem)
		}
	}
	millis := g.one(t, "alice", "users/alice/a.png", `,"expiresIn":300000`)
	if !strings.Contains(millis.Problem.Errors[0].Detail, "milliseconds") {
		t.Errorf("no hint at milliseconds: %+v", millis.Problem)
	}
	if g.trail.Len() != 0 {
		t.Errorf("something was recorded: %s", g.trail)
	}
}

func TestOverridesArriveInTheURL(t *testing.T) {
	g := newGateway(t, nil)
	answer := g.one(t, "alice", "users/alice/a.png", `,"filename":"Größe \"1\" + 2.png","contentType":"image/png","cacheControl":"no-store","versionId":"v.1"`)
	u, err := url.Parse(answer.URL)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"response-content-disposition": `attachment; filename="Gr__e _1_ + 2.png"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22%20%2B%202.png`,
		"response-content-type":        "image/png", "response-cache-control": "no-store", "versionId": "v.1",
	}
	for name, value := range want {
		if got := u.Query().Get(name); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: answer.URL}); err != nil {
		t.Error(err)
	}
}

// Within a window the same caller gets the same URL; nobody else does, and
// another question gets another one.
func TestAStableURLStaysTheSameForItsCallerAndItsWindow(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Access = everything{} })
	g.now = start.Add(7 * time.Minute)
	first := g.one(t, "alice", "shared/a.png", `,"stable":true`)
	if want := start.Add(time.Hour); !first.ExpiresAt.Equal(want) {
		t.Errorf("it expires at %s, want %s", first.ExpiresAt, want)
	}
	g.now = start.Add(54 * time.Minute)
	if again := g.one(t, "alice", "shared/a.png", `,"stable":true`); again.URL != first.URL || again.ID != first.ID {
		t.Errorf("within the window:\n%s\n%s", first.URL, again.URL)
	}
	if records := g.records(t); len(records) != 2 {
		t.Errorf("%d records, want one for each answer", len(records))
	}
	for name, other := range map[string]server.ReadURL{
		"another caller":  g.one(t, "bob", "shared/a.png", `,"stable":true`),
		"another object":  g.one(t, "alice", "shared/b.png", `,"stable":true`),
		"another name":    g.one(t, "alice", "shared/a.png", `,"stable":true,"filename":"b.png"`),
		"another address": g.one(t, "alice", "shared/a.png", `,"stable":true,"address":"203.0.113.0/24"`),
		"not asked for":   g.one(t, "alice", "shared/a.png", ``),
	} {
		if other.ID == first.ID {
			t.Errorf("%s: the same id", name)
		}
	}
	g.now = start.Add(56 * time.Minute) // five minutes from here end in the next window
	if later := g.one(t, "alice", "shared/a.png", `,"stable":true`); later.ID == first.ID || !later.ExpiresAt.Equal(start.Add(2*time.Hour)) {
		t.Errorf("in the next window: %s until %s", later.ID, later.ExpiresAt)
	}
	g.now = start.Add(time.Minute)
	if longest := g.one(t, "alice", "shared/a.png", `,"stable":true,"expiresIn":43200`); longest.ExpiresAt.After(g.now.Add(12 * time.Hour)) {
		t.Errorf("it lives longer than anything may: %s", longest.ExpiresAt)
	}
}

func TestReadingFromS3ItselfWhereThatIsPermitted(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Limits.S3Reads = true })
	answer := g.one(t, "alice", "users/alice/a b.png", `,"from":"s3","filename":"ä.png","expiresIn":60`)
	u, err := url.Parse(answer.URL)
	if err != nil || u.Host != "media.s3.eu-central-1.amazonaws.com" || u.EscapedPath() != "/users/alice/a%20b.png" || u.Query().Get("X-Amz-Expires") != "60" ||
		!strings.HasPrefix(u.Query().Get("response-content-disposition"), "attachment") || !answer.ExpiresAt.Equal(start.Add(time.Minute)) {
		t.Errorf("%s until %s, %v", answer.URL, answer.ExpiresAt, err)
	}
	if records := g.records(t); len(records) != 1 || records[0].ID != answer.ID || records[0].Action != "read" {
		t.Errorf("%+v", records)
	}
	if other := g.one(t, "bob", "users/alice/a.png", `,"from":"s3"`); other.Problem == nil || other.Problem.Code != problem.NotFound.Code {
		t.Errorf("bob: %+v", other)
	}
	for members, member := range map[string]string{`"address":"203.0.113.7"`: "address", `"notBefore":"2026-11-21T12:01:00Z"`: "notBefore", `"stable":true`: "stable"} {
		answer := g.one(t, "alice", "users/alice/a.png", `,"from":"s3",`+members)
		if answer.Problem == nil || answer.Problem.Errors[0].Pointer != "/items/0/"+member {
			t.Errorf("%s: %+v", members, answer)
		}
	}
}

func TestAPrefixIsGivenToWhomAllOfItBelongs(t *testing.T) {
	g := newGateway(t, nil)
	recorder := g.do(t, "alice", http.MethodPost, "/v1/read-prefixes", `{"prefix":"users/alice/albums/7/","expiresIn":60}`)
	if recorder.Code != http.StatusCreated {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	grant := decode[server.PrefixGrant](t, recorder)
	if grant.URL != cdn+"/users/alice/albums/7/" || !grant.ExpiresAt.Equal(start.Add(time.Minute)) || !strings.HasPrefix(grant.Query, "sg-id="+grant.ID+"&") {
		t.Errorf("%+v", grant)
	}
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: grant.URL + "a%20b.png?" + grant.Query}); err != nil {
		t.Error(err)
	}
	if records := g.records(t); len(records) != 1 || records[0].Key != "users/alice/albums/7/" || records[0].ID != grant.ID {
		t.Errorf("%+v", records)
	}
	for _, path := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
		for _, prefix := range []string{"users/bob/", "users/", "users/alice2/"} {
			mustProblem(t, g.do(t, "alice", http.MethodPost, path, fmt.Sprintf(`{"prefix":%q}`, prefix), "Host", "cdn.example.com"), problem.NotFound)
		}
		for _, prefix := range []string{"", "/", "users/alice", "users/alice/../", "*", "users/alice//"} {
			document := mustProblem(t, g.do(t, "alice", http.MethodPost, path, fmt.Sprintf(`{"prefix":%q}`, prefix)), problem.InvalidRequest)
			if len(document.Errors) != 1 || document.Errors[0].Pointer != "/prefix" {
				t.Errorf("%q: %+v", prefix, document)
			}
		}
	}
	if denied := g.records(t)[1:]; len(denied) != 6 || denied[0].Outcome != "denied" {
		t.Errorf("%+v", denied)
	}
}

func TestCookiesAreSetForThePrefixAndTheSharedDomain(t *testing.T) {
	g := newGateway(t, nil)
	ask := func(host string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/read-cookies", strings.NewReader(`{"prefix":"users/alice/albums/7/"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Host, request.RemoteAddr = host, "192.0.2.1:1"
		request.Header.Set("Authorization", "Bearer alice")
		request.Header.Set("Content-Type", "application/json")
		recorder := newRecorder()
		g.handler.ServeHTTP(recorder, request)
		return recorder.Result()
	}
	response := ask("api.example.com:8443")
	cookies := response.Cookies()
	if response.StatusCode != http.StatusCreated || len(cookies) != 4 || response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", response.StatusCode, response.Header)
	}
	for _, cookie := range cookies {
		if cookie.Domain != "example.com" || cookie.Path != "/users/alice/albums/7/" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 0 || !cookie.Expires.IsZero() {
			t.Errorf("%+v", cookie)
		}
	}
	if _, err := g.verifier.Verify(signedurl.Viewer{URL: cdn + "/users/alice/albums/7/a.png", Cookies: cookies}); err != nil {
		t.Error(err)
	}
	var body bytes.Buffer
	_, _ = body.ReadFrom(response.Body)
	var grant server.PrefixGrant
	if err := json.Unmarshal(body.Bytes(), &grant); err != nil || grant.Query != "" || strings.Contains(body.String(), cookies[1].Value) || grant.URL != cdn+"/users/alice/albums/7/" {
		t.Errorf("%s %v", &body, err)
	}
	if elsewhere := ask("api.example.org"); elsewhere.StatusCode != http.StatusUnprocessableEntity || len(elsewhere.Cookies()) != 0 {
		t.Errorf("from another domain: %d %v", elsewhere.StatusCode, elsewhere.Cookies())
	}
}

func TestAnExplanationHelpsAndKeepsTheSignature(t *testing.T) {
	g := newGateway(t, nil)
	answer := g.one(t, "alice", "users/alice/a.png", ``)
	signature := answer.URL[strings.Index(answer.URL, "Signature=")+10:][:40]
	for name, test := range map[string]struct {
		url, answer, check, who string
	}{
		"accepted":  {answer.URL, "", "", ""},
		"drifted":   {strings.Replace(answer.URL, "a.png", "b.png", 1), "", "signature", ""},
		"S3's":      {answer.URL, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>X</RequestId></Error>`, "", "s3"},
		"the CDN's": {answer.URL, `<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>`, "", "cloudfront"},
	} {
		request, err := json.Marshal(map[string]string{"url": test.url, "answer": test.answer})
		if err != nil {
			t.Fatal(err)
		}
		recorder := g.do(t, "bob", http.MethodPost, "/v1/explain", string(request))
		explanation := decode[server.Explanation](t, recorder)
		failed := ""
		for _, check := range explanation.Checks {
			if check.Result == "failed" {
				failed = check.Name
				break
			}
		}
		who := ""
		if explanation.AnsweredBy != nil {
			who = explanation.AnsweredBy.Who
		}
		if recorder.Code != http.StatusOK || failed != test.check || explanation.Accepted != (failed == "") || who != test.who || strings.Contains(recorder.Body.String(), signature) {
			t.Errorf("%s: %d %s", name, recorder.Code, recorder.Body)
		}
	}
	mustProblem(t, g.do(t, "bob", http.MethodPost, "/v1/explain", `{"url":"https://x","address":"nowhere"}`), problem.InvalidRequest)
}

// A proxy that is trusted may say where a request comes from; what stands
// further left in the header is anybody's to write.
func TestATrustedProxySaysWhereARequestComesFrom(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	g.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a.png", "", "X-Forwarded-For", "10.9.9.9, 203.0.113.9, 192.0.2.77")
	if records := g.records(t); len(records) != 1 || records[0].Address != "203.0.113.9" {
		t.Errorf("%+v", records)
	}
}
