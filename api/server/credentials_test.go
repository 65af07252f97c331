package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/uploads"
)

// lender stands where STS is and keeps what it was asked for.
type lender struct {
	asked []rolecredentials.Request
	err   error
}

func (l *lender) ForPrefix(_ context.Context, request rolecredentials.Request) (rolecredentials.Credentials, error) {
	l.asked = append(l.asked, request)
	return rolecredentials.Credentials{
		AccessKeyID: "ASIATEST", SecretAccessKey: "secret-key", SessionToken: "secret-token", Expires: start.Add(request.Life + time.Second),
	}, l.err
}

// mustKeepSecret wants no part of the credentials that matters anywhere.
func (g *gateway) mustKeepSecret(t testing.TB, recorder *httptest.ResponseRecorder) {
	t.Helper()
	if told := recorder.Body.String() + g.trail.String() + g.log.String(); strings.Contains(told, "secret-") {
		t.Errorf("a secret is told: %s", told)
	}
}

const credentialsPath = "/v1/upload-credentials"

func allow(t testing.TB, text string) func(*server.Parts) {
	t.Helper()
	authorizer, err := access.Load(policies(text))
	if err != nil {
		t.Fatal(err)
	}
	return func(p *server.Parts) { p.Access = authorizer }
}

func rule(t testing.TB, text string) func(*server.Parts) {
	t.Helper()
	rules, err := uploads.ParseRules([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return func(p *server.Parts) { p.Rules = rules }
}

func TestCredentialsAreForThePrefixAndRecordedWithoutTheirSecrets(t *testing.T) {
	sts := &lender{}
	g := newGateway(t, func(p *server.Parts) { p.Credentials = sts })
	for n, test := range []struct {
		body string
		life time.Duration
	}{
		{`{"prefix":"users/alice/inbox/"}`, 15 * time.Minute}, {`{"prefix":"users/alice/inbox/","expiresIn":3600}`, time.Hour},
	} {
		recorder := g.do(t, "alice", http.MethodPost, credentialsPath, test.body)
		if recorder.Code != http.StatusCreated || recorder.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s", recorder.Code, recorder.Body)
		}
		expires := start.Add(test.life + time.Second) // STS's own word
		lent := decode[server.UploadCredentials](t, recorder)
		if lent.AccessKeyID != "ASIATEST" || lent.SecretAccessKey != "secret-key" || lent.SessionToken != "secret-token" || !lent.ExpiresAt.Equal(expires) ||
			lent.Bucket != "media" || lent.Region != "eu-central-1" || lent.Prefix != "users/alice/inbox/" {
			t.Errorf("%+v", lent)
		}
		if got := sts.asked[n]; got.Subject != "alice" || got.Prefix.String() != "users/alice/inbox/" || got.Life != test.life {
			t.Errorf("STS is asked for %+v", got)
		}
		record := g.records(t)[n]
		if record.ID != lent.ID || record.Outcome != audit.Issued || record.Step != "credentials" || record.Action != "overwrite" ||
			record.Key != "users/alice/inbox/" || record.Principal != "alice" || !record.ExpiresAt.Equal(expires) {
			t.Errorf("%+v", record)
		}
	}
	g.mustKeepSecret(t, newRecorder())
}

func TestNobodyGetsCredentialsWhereNoRoleIsSet(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Access = everything{} })
	for _, body := range []string{`{"prefix":"users/alice/"}`, `{"prefix":"no prefix","expiresIn":1}`} {
		if document := mustProblem(t, g.do(t, "alice", http.MethodPost, credentialsPath, body), problem.Denied); !strings.Contains(document.Detail, "gives no credentials away") {
			t.Errorf("%+v", document)
		}
	}
	mustProblem(t, g.sts(t, `{"prefix":"users/alice/inbox/"}`), problem.Denied)
}

// What credentials can't be held to is refused before STS is asked.
func TestCredentialsAreRefusedWhereTheyCouldDoMoreThanTheirOwner(t *testing.T) {
	const everywhere = `permit (principal, action, resource);`
	for name, test := range map[string]struct {
		change func(*server.Parts)
		body   string
		kind   problem.Kind
		detail string
	}{
		"somebody else's":     {nil, `{"prefix":"users/bob/"}`, problem.Denied, "write whatever lies below"},
		"more than one's own": {nil, `{"prefix":"users/"}`, problem.Denied, "write whatever lies below"},
		"not all of it": {allow(t, everywhere+`forbid (principal, action == Action::"write", resource in Prefix::"users/alice/locked/");`),
			`{"prefix":"users/alice/"}`, problem.Denied, "write whatever lies below"},
		"overwriting without writing": {allow(t, `permit (principal, action == Action::"overwrite", resource);`), `{"prefix":"users/alice/"}`, problem.Denied, "write whatever lies below"},
		"writing without overwriting": {allow(t, `permit (principal, action == Action::"write", resource);`), `{"prefix":"users/alice/"}`, problem.Denied, "overwrite whatever lies below"},
		"not overwriting all of it": {allow(t, everywhere+`forbid (principal, action == Action::"overwrite", resource) when { resource.key like "*.keep" };`),
			`{"prefix":"users/alice/"}`, problem.Denied, "overwrite whatever lies below"},
		"quarantine":           {allow(t, everywhere), `{"prefix":"quarantine/"}`, problem.Denied, "whatever lies below"},
		"below quarantine":     {allow(t, everywhere), `{"prefix":"quarantine/a/"}`, problem.Denied, "whatever lies below"},
		"a rule above":         {rule(t, `[{"prefix":"users/","maxBytes":10}]`), `{"prefix":"users/alice/"}`, problem.InvalidRequest, "rule for uploads"},
		"a rule below":         {rule(t, `[{"prefix":"users/alice/a/b/","verify":true}]`), `{"prefix":"users/alice/"}`, problem.InvalidRequest, "rule for uploads"},
		"no prefix":            {nil, `{"prefix":"users/alice"}`, problem.InvalidRequest, "must end with a slash"},
		"the whole bucket":     {allow(t, everywhere), `{"prefix":""}`, problem.InvalidRequest, "must end with a slash"},
		"shorter than AWS can": {nil, `{"prefix":"users/alice/","expiresIn":899}`, problem.InvalidRequest, "between 900 and 3600"},
		"longer than AWS can":  {nil, `{"prefix":"users/alice/","expiresIn":3601}`, problem.InvalidRequest, "between 900 and 3600"},
	} {
		t.Run(name, func(t *testing.T) {
			sts := &lender{}
			g := newGateway(t, func(p *server.Parts) {
				p.Credentials = sts
				if test.change != nil {
					test.change(p)
				}
			})
			document := mustProblem(t, g.do(t, "alice", http.MethodPost, credentialsPath, test.body), test.kind)
			if told := document.Detail + joined(document.Errors); !strings.Contains(told, test.detail) || len(sts.asked) != 0 {
				t.Errorf("%s; STS was asked for %v", told, sts.asked)
			}
			if records := g.records(t); test.kind == problem.Denied && (len(records) != 1 || records[0].Outcome != audit.Denied) {
				t.Errorf("%+v", records)
			}
		})
	}
}

func joined(fields []problem.Field) string {
	var text strings.Builder
	for _, field := range fields {
		text.WriteString(field.Detail)
	}
	return text.String()
}

func TestCredentialsStayWhereSTSOrTheTrailFails(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*server.Parts)
		kind   problem.Kind
	}{
		"STS": {func(p *server.Parts) { p.Credentials = &lender{err: rolecredentials.ErrUnavailable} }, problem.Unavailable},
		"a policy's size": {func(p *server.Parts) {
			p.Credentials = &lender{err: &rolecredentials.PrefixError{Reason: "is too long"}}
		}, problem.InvalidRequest},
		"the trail": {func(p *server.Parts) { p.Credentials, p.Audit = &lender{}, fullDisk{} }, problem.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, test.change)
			recorder := g.do(t, "alice", http.MethodPost, credentialsPath, `{"prefix":"users/alice/"}`)
			mustProblem(t, recorder, test.kind)
			g.mustKeepSecret(t, recorder)
		})
	}
}

// realSource is the real maker of credentials before a stand-in for STS that
// must not be asked.
func realSource(t testing.TB) *rolecredentials.Source {
	t.Helper()
	unasked := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("STS is asked") }))
	t.Cleanup(unasked.Close)
	source, err := rolecredentials.New(rolecredentials.Config{
		Role: "arn:aws:iam::123456789012:role/uploads", Bucket: "media", Region: "eu-central-1", Endpoint: unasked.URL,
		Credentials: credentials(nil), Now: func() time.Time { return start },
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestAWildcardInAPrefixOpensNoNeighbours(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) { p.Credentials, p.Access = realSource(t), everything{} })
	for _, prefix := range []string{"users/*/", "users/alic?/", "users/${aws:username}/", "users/$/"} {
		document := mustProblem(t, g.do(t, "alice", http.MethodPost, credentialsPath, `{"prefix":"`+prefix+`"}`), problem.InvalidRequest)
		if len(document.Errors) != 1 || document.Errors[0].Pointer != "/prefix" || strings.Contains(document.Errors[0].Detail, prefix) {
			t.Errorf("%s: %+v", prefix, document)
		}
	}
}

// sts asks for an upload session and then for its credentials.
func (g *gateway) sts(t testing.TB, session string) *httptest.ResponseRecorder {
	t.Helper()
	made := decode[server.Session](t, g.do(t, "alice", http.MethodPost, "/v1/upload-sessions", session))
	address, err := url.Parse(made.URL)
	if err != nil || made.URL == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	return g.do(t, "", http.MethodGet, address.Path+"/s3/sts", "")
}

func TestAWidgetGetsCredentialsInCompanionsWords(t *testing.T) {
	sts := &lender{}
	g := newGateway(t, func(p *server.Parts) { p.Credentials = sts })
	recorder := g.sts(t, `{"prefix":"users/alice/inbox/"}`)
	const want = `{"bucket":"media","credentials":{"AccessKeyId":"ASIATEST","Expiration":"2026-11-21T12:15:01Z","SecretAccessKey":"secret-key","SessionToken":"secret-token"},"region":"eu-central-1"}`
	var got any
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("%d %s", recorder.Code, recorder.Body)
	}
	if text, _ := json.Marshal(got); string(text) != want || recorder.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s", text)
	}
	if sts.asked[0].Subject != "alice" || sts.asked[0].Prefix.String() != "users/alice/inbox/" {
		t.Errorf("%+v", sts.asked)
	}
	records := g.records(t)
	if last := records[len(records)-1]; last.Step != "credentials" || last.Authenticated != "upload-session" || last.Principal != "alice" {
		t.Errorf("%+v", last)
	}
	g.mustKeepSecret(t, newRecorder())
}

func TestAWidgetGetsNoCredentialsBeyondItsSession(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*server.Parts)
		session string
		kind    problem.Kind
		detail  string
	}{
		"of limited size":        {nil, `{"prefix":"users/alice/","maxBytes":10}`, problem.InvalidRequest, "limits sizes or types"},
		"of the gateway's limit": {nil, `{"prefix":"users/alice/","maxBytes":1048576}`, problem.InvalidRequest, "limits sizes or types"},
		"of limited types":       {nil, `{"prefix":"users/alice/","contentTypes":["image/*"]}`, problem.InvalidRequest, "limits sizes or types"},
		"about to end":           {nil, `{"prefix":"users/alice/","expiresIn":899}`, problem.InvalidRequest, "less than 15 minutes"},
		"of one who may not overwrite": {allow(t, `permit (principal, action == Action::"write", resource);`),
			`{"prefix":"users/alice/"}`, problem.Denied, "overwrite whatever lies below"},
		"where a rule holds": {rule(t, `[{"prefix":"users/","maxBytes":10}]`), `{"prefix":"users/alice/"}`, problem.InvalidRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sts := &lender{}
			g := newGateway(t, func(p *server.Parts) {
				p.Credentials = sts
				if test.change != nil {
					test.change(p)
				}
			})
			if document := mustProblem(t, g.sts(t, test.session), test.kind); !strings.Contains(document.Detail, test.detail) || len(sts.asked) != 0 {
				t.Errorf("%+v; STS was asked for %v", document, sts.asked)
			}
		})
	}
}
