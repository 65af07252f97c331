package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/apikeys/bolt"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/settings"
)

// machines is a gateway with API keys, and the operator's hands on their file.
type machines struct {
	configured
	store *bolt.Store
}

func withMachines(t *testing.T, policies string, change func(*settings.Gateway)) machines {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.db")
	store, err := bolt.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	g := fromSettings(t, generateKey(t, keyring.P256), func(s *settings.Gateway) {
		s.APIKeysFile, s.GrantsFile = file, filepath.Join(filepath.Dir(file), "grants.db")
		writePolicies(t, s.Policies, policies)
		if change != nil {
			change(s)
		}
	})
	return machines{g, store}
}

// key makes a key of the machine reporter.
func (m machines) key(t *testing.T, scopes ...string) (apikeys.Secret, string) {
	t.Helper()
	secret := apikeys.NewSecret()
	err := m.store.Create(t.Context(), apikeys.Key{
		ID: secret.ID(), Digest: secret.Digest(), Name: "test", Machine: "reporter", Groups: []string{"jobs"}, Tenant: "a",
		Scopes: scopes, CreatedAt: start, ExpiresAt: start.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret, secret.Reveal()
}

const everythingAllowed = `permit (principal, action, resource);`

func TestAMachineIsWhatItsKeySays(t *testing.T) {
	m := withMachines(t, `
		permit (principal == Machine::"key:reporter", action, resource in Prefix::"own/");
		permit (principal is Machine in Group::"jobs", action, resource in Prefix::"jobs/");
		permit (principal in Tenant::"a", action, resource in Prefix::"a/");
		permit (principal == Person::"key:reporter", action, resource in Prefix::"people/");
		permit (principal == Machine::"reporter", action, resource in Prefix::"bare/");`, nil)
	secret, key := m.key(t, "read")
	for object, want := range map[string]bool{"own/x": true, "jobs/x": true, "a/x": true, "people/x": false, "bare/x": false} {
		if got := m.reads(t, key, object); got != want {
			t.Errorf("%s: %t", object, got)
		}
	}
	if !strings.Contains(m.trail.String(), `"principal":"key:reporter","authenticated":"api-key:`+secret.ID()+`"`) {
		t.Errorf("the trail doesn't say whose key it was: %s", m.trail)
	}
	if hidden := key[len(key)-59:]; strings.Contains(m.trail.String()+m.log.String(), hidden[:20]) {
		t.Error("the secret is written down")
	}
}

func TestAKeyDoesNoMoreThanItsScopesAndThePoliciesSay(t *testing.T) {
	m := withMachines(t, `permit (principal, action, resource in Prefix::"reports/");`, nil)
	_, reader := m.key(t, "read:reports/2026/", "read:elsewhere/")
	_, writer := m.key(t, "write")
	for _, test := range []struct {
		key, object string
		want        bool
	}{
		{reader, "reports/2026/a", true}, {reader, "reports/2025/a", false}, {reader, "elsewhere/a", false},
		{writer, "reports/2026/a", false}, {m.token, "reports/2025/a", true},
	} {
		if got := m.reads(t, test.key, test.object); got != test.want {
			t.Errorf("%s: %t", test.object, got)
		}
	}
	const upload = `{"key":"reports/2026/new","contentType":"text/plain","contentLength":1}`
	for _, test := range []struct {
		method, target, body string
		reader, writer       int
	}{
		{http.MethodPost, "/v1/uploads", upload, 403, 201},
		{http.MethodPost, "/v1/uploads", strings.Replace(upload, "}", `,"overwrite":true}`, 1), 403, 403},
		{http.MethodPost, "/v1/uploads", strings.Replace(upload, "reports", "inbox", 1), 403, 403},
		{http.MethodPost, "/v1/read-prefixes", `{"prefix":"reports/2026/"}`, 201, 404},
		{http.MethodPost, "/v1/read-prefixes", `{"prefix":"reports/"}`, 404, 404},
		{http.MethodPost, "/v1/upload-sessions", `{"prefix":"reports/2026/"}`, 403, 201},
		{http.MethodPost, "/v1/grants", `{"resource":"reports/2026/a","grantee":{"kind":"everyone"},"actions":["read"]}`, 403, 404},
		{http.MethodGet, "/v1/access?resource=reports/2026/a", "", 403, 404},
	} {
		for key, want := range map[string]int{reader: test.reader, writer: test.writer} {
			if got := m.do(t, key, test.method, test.target, test.body); got.Code != want {
				t.Errorf("%s %s: %d, want %d: %s", test.target, test.body, got.Code, want, got.Body)
			}
		}
	}
}

// What a machine may do anyway as the maker of a share takes the scope as well.
func TestAKeyWithoutTheScopeNeitherSeesNorTakesBackTheMachinesShares(t *testing.T) {
	m := withMachines(t, everythingAllowed, nil)
	_, sharer := m.key(t, "share", "read", "revoke")
	_, reader := m.key(t, "read:other/")
	made := m.do(t, sharer, http.MethodPost, "/v1/grants", `{"resource":"reports/a","grantee":{"kind":"person","name":"key:reporter"},"actions":["read"]}`)
	if made.Code != http.StatusCreated {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	grant := "/v1/grants/" + decode[server.Grant](t, made).ID
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		mustProblem(t, m.do(t, reader, method, grant, ""), problem.NotFound)
	}
	for key, want := range map[string]int{reader: 0, sharer: 1} {
		page := decode[server.GrantPage](t, m.do(t, key, http.MethodGet, "/v1/shared-with-me", ""))
		if len(page.Items) != want {
			t.Errorf("%d shares, want %d", len(page.Items), want)
		}
	}
	if got := m.do(t, sharer, http.MethodDelete, grant, ""); got.Code != http.StatusNoContent {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// An address for uploads is no way round the scopes of the key that asked for
// it, nor does a machine become a person there.
func TestAnUploadSessionOfAKeyStaysWithinItsScopes(t *testing.T) {
	m := withMachines(t, `
		permit (principal is Machine, action, resource);
		forbid (principal is Person, action, resource);`, nil)
	_, key := m.key(t, "write:inbox/")
	path := m.sessionPath(t, key, `{"prefix":"inbox/"}`)
	got := m.do(t, "", http.MethodGet, path+"/presign?filename=a.txt&type=text/plain", "")
	if got.Code != http.StatusOK || !strings.Contains(m.trail.String(), `"principal":"key:reporter","authenticated":"upload-session"`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := m.do(t, key, http.MethodPost, "/v1/upload-sessions", `{"prefix":"other/"}`); got.Code != http.StatusForbidden {
		t.Errorf("another prefix: %d", got.Code)
	}
}

func TestAnUploadSessionOfAKeyGivesNoCredentialsThatItsScopesDontCover(t *testing.T) {
	for _, test := range []struct {
		scopes []string
		want   int
	}{{[]string{"write:inbox/"}, http.StatusForbidden}, {[]string{"write:inbox/", "overwrite:inbox/"}, http.StatusOK}} {
		g := newGateway(t, func(p *server.Parts) {
			p.Access, p.Credentials = loaded(t, everythingAllowed), &lender{}
			p.Callers = oneCaller{callers.Caller{Kind: callers.Machine, Subject: "key:reporter", Authenticated: "api-key:x", Scopes: test.scopes}}
		})
		if got := g.sts(t, `{"prefix":"inbox/"}`); got.Code != test.want {
			t.Errorf("%q: %d %s", test.scopes, got.Code, got.Body)
		}
	}
}

// An application that decides in place of policies isn't even asked.
func TestAnApplicationThatDecidesAllowsAKeyNothingBeyondItsScopes(t *testing.T) {
	for _, instead := range []bool{false, true} {
		d := newDecider(t)
		g := newGateway(t, func(p *server.Parts) {
			p.Access, p.DecisionHook, p.HookInstead = loaded(t, everythingAllowed), d.hook(t), instead
			p.Callers = oneCaller{callers.Caller{Kind: callers.Machine, Subject: "key:reporter", Authenticated: "api-key:x", Scopes: []string{"read:reports/"}}}
		})
		for key, want := range map[string]bool{"reports/a": true, "inbox/a": false} {
			if got := g.reads(t, "key", key); got != want {
				t.Errorf("instead %t, %s: %t", instead, key, got)
			}
		}
		for prefix, want := range map[string]int{"reports/": http.StatusCreated, "inbox/": http.StatusNotFound} {
			if got := g.do(t, "key", http.MethodPost, "/v1/read-prefixes", `{"prefix":"`+prefix+`"}`); got.Code != want {
				t.Errorf("instead %t, %s: %d", instead, prefix, got.Code)
			}
		}
		if asked := strings.Join(d.about(), ","); asked != "read reports/,read reports/a" {
			t.Errorf("instead %t: it was asked about %s", instead, asked)
		}
	}
}

func TestAKeyThatWasRevokedOrExpiredIsRefused(t *testing.T) {
	m := withMachines(t, everythingAllowed, nil)
	secret, key := m.key(t, "read")
	_, other := m.key(t, "read")
	for _, one := range []string{key, other} {
		if !m.asks(t, one) {
			t.Fatal("a good key is refused")
		}
	}
	if err := m.store.Revoke(t.Context(), secret.ID(), m.now); err != nil {
		t.Fatal(err)
	}
	m.now = m.now.Add(apikeys.BelievedFor)
	if m.asks(t, key) || !m.asks(t, other) {
		t.Error("not that key, or not that key alone, is refused")
	}
	m.now = start.Add(time.Hour)
	if m.asks(t, other) {
		t.Error("an expired key is accepted")
	}
	stranger := apikeys.NewSecret().Reveal()
	refusals := map[string]bool{}
	for name, one := range map[string]string{"revoked": key, "expired": other, "of no gateway": stranger, "cut off": key[:len(key)-1]} {
		got := m.do(t, one, http.MethodGet, "/v1/read/a", "", "X-Request-Id", "the-same")
		if got.Code != http.StatusUnauthorized || !strings.HasPrefix(got.Header().Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %d", name, got.Code)
		}
		refusals[got.Body.String()] = true
	}
	if len(refusals) != 1 {
		t.Errorf("the answers tell the reasons: %v", refusals)
	}
	if kept, err := m.store.Get(t.Context(), secret.ID()); err != nil || kept.LastUsedAt.IsZero() {
		t.Errorf("the last use isn't noted: %+v, %v", kept, err)
	}
}

func TestWithoutTheFileOfKeysNobodyWithAKeyGetsIn(t *testing.T) {
	m := withMachines(t, everythingAllowed, func(s *settings.Gateway) { s.Issuer, s.Audience = "", "" })
	_, key := m.key(t, "read")
	if !m.asks(t, key) {
		t.Fatal("a gateway with keys alone refuses one")
	}
	if m.asks(t, m.token) {
		t.Error("a gateway without an issuer accepts a token")
	}
	g := fromSettings(t, generateKey(t, keyring.P256), nil)
	if g.asks(t, key) {
		t.Error("a gateway without keys accepts one")
	}
}

// down is a store of keys that can't be asked.
type down struct{ apikeys.Store }

func (down) Get(context.Context, string) (apikeys.Key, error) {
	return apikeys.Key{}, apikeys.ErrUnavailable
}

func TestKeysThatCantBeLookedUpAreAProblemOfThisHour(t *testing.T) {
	g := newGateway(t, func(p *server.Parts) {
		keys, err := apikeys.NewVerifier(down{}, p.Log, p.Now)
		if err != nil {
			t.Fatal(err)
		}
		p.Callers = server.Bearers{Tokens: names{}, Keys: keys}
	})
	mustProblem(t, g.do(t, apikeys.NewSecret().Reveal(), http.MethodGet, "/v1/read/a", ""), problem.Unavailable)
	if got := g.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a", ""); got.Code != http.StatusFound {
		t.Errorf("a token: %d", got.Code)
	}
}

const awsCallers = `{"callers":[{"arn":"arn:aws:iam::123456789012:role/reporter","machine":"reporter","groups":["jobs"],"tenant":"a"}],"accounts":["210987654321"]}`

// signed sends a request as an in-process front door would that has found out
// who signed it.
func (g *gateway) signed(t *testing.T, arn, account string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(
		callers.WithIAM(t.Context(), callers.IAMIdentity{ARN: arn, Account: account}), http.MethodGet, "/v1/read/a", nil)
	for n := 0; n < len(headers); n += 2 {
		request.Header.Set(headers[n], headers[n+1])
	}
	recorder := newRecorder()
	g.handler.ServeHTTP(recorder, request)
	return recorder
}

func TestWhomAWSHasAuthenticatedIsAMachine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "aws.json")
	if err := os.WriteFile(file, []byte(awsCallers), 0o600); err != nil {
		t.Fatal(err)
	}
	const session = "arn:aws:sts::123456789012:assumed-role/reporter/i-1"
	const signature = "AWS4-HMAC-SHA256 Credential=ASIA/20261121/eu-central-1/execute-api/aws4_request, SignedHeaders=host, Signature=00"
	g := fromSettings(t, generateKey(t, keyring.P256), func(s *settings.Gateway) {
		s.AWSCallers, s.Anonymous = file, true
		writePolicies(t, s.Policies, `
			permit (principal == Machine::"aws:reporter", action, resource);
			permit (principal == Machine::"aws:arn:aws:iam::210987654321:role/builder", action, resource);
			permit (principal == Person::"alice", action, resource);`)
	})
	for name, test := range map[string]struct {
		arn, account string
		want         int
	}{
		"the role":            {session, "123456789012", http.StatusFound},
		"any of the account":  {"arn:aws:sts::210987654321:assumed-role/builder/x", "210987654321", http.StatusFound},
		"another of it":       {"arn:aws:sts::210987654321:assumed-role/other/x", "210987654321", http.StatusNotFound},
		"another role":        {"arn:aws:sts::123456789012:assumed-role/other/x", "123456789012", http.StatusUnauthorized},
		"one with its path":   {"arn:aws:iam::123456789012:role/x/reporter", "123456789012", http.StatusFound},
		"nobody that we know": {"arn:aws:sts::999999999999:assumed-role/reporter/x", "999999999999", http.StatusUnauthorized},
		"an empty identity":   {"", "", http.StatusUnauthorized},
	} {
		if got := g.signed(t, test.arn, test.account, "Authorization", signature); got.Code != test.want {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	if !strings.Contains(g.trail.String(), `"principal":"aws:reporter","authenticated":"aws-iam"`) {
		t.Errorf("%s", g.trail)
	}
	if got := g.signed(t, session, "123456789012", "Authorization", "Bearer "+g.token); got.Code != http.StatusUnauthorized {
		t.Errorf("with a token as well: %d", got.Code)
	}
	// A client can write what it likes into headers.
	for _, header := range []string{"X-Amzn-Request-Context", "X-Amzn-Iam-User-Arn", "X-Amz-User-Arn", "X-Signgate-Iam", "X-Forwarded-User"} {
		if got := g.do(t, "", http.MethodGet, "/v1/read/a", "", header, session, "Authorization", signature); got.Code != http.StatusUnauthorized {
			t.Errorf("by %s: %d", header, got.Code)
		}
		if got := g.do(t, "", http.MethodGet, "/v1/read/a", "", header, session); got.Code != http.StatusNotFound { // anybody
			t.Errorf("by %s alone: %d", header, got.Code)
		}
	}
	if !g.asks(t, g.token) {
		t.Error("a token is refused beside it")
	}
}

func TestWithoutTheSettingAnAWSIdentityIsNobodys(t *testing.T) {
	const session = "arn:aws:sts::123456789012:assumed-role/reporter/i-1"
	g := fromSettings(t, generateKey(t, keyring.P256), nil)
	if got := g.signed(t, session, "123456789012"); got.Code != http.StatusUnauthorized {
		t.Errorf("%d", got.Code)
	}
	if got := g.signed(t, session, "123456789012", "Authorization", "Bearer "+g.token); got.Code != http.StatusFound {
		t.Errorf("a token: %d", got.Code)
	}
}

func TestBrokenFilesOfCallersStopTheGateway(t *testing.T) {
	for name, change := range map[string]func(*settings.Gateway, string){
		"issuers": func(s *settings.Gateway, file string) { s.Issuers = file }, "aws-callers": func(s *settings.Gateway, file string) { s.AWSCallers = file },
		"api-keys-file": func(s *settings.Gateway, file string) { s.APIKeysFile = file },
	} {
		for what, content := range map[string]string{"nonsense": strings.Repeat("nonsense", 2000), "a file that isn't there": ""} {
			file := filepath.Join(t.TempDir(), "nowhere", "file")
			if content != "" {
				file = filepath.Join(t.TempDir(), "file")
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := failingSettings(t, func(s *settings.Gateway) { change(s, file) })
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	// what the file says may not fit what the plain settings say
	i := newIssuer(t, nil)
	file := filepath.Join(t.TempDir(), "issuers.json")
	if err := os.WriteFile(file, []byte(`[{"issuer":"`+i.URL+`","audience":"a","algorithms":["ES256"]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := failingSettings(t, func(s *settings.Gateway) { s.Issuers = file }); err == nil || !strings.Contains(err.Error(), "prefix") {
		t.Errorf("two issuers without a prefix: %v", err)
	}
}

// oneCaller is one caller, whatever the token.
type oneCaller struct{ caller callers.Caller }

func (a oneCaller) Authenticate(context.Context, string) (callers.Caller, error) {
	return a.caller, nil
}

// asking notes who asks.
type asking struct{ who *access.Principal }

func (a asking) Authorize(who access.Principal, _ access.Action, _ objectkey.Key, _ ...access.Action) access.Decision {
	*a.who = who
	return access.Decision{}
}

func (a asking) AuthorizePrefix(access.Principal, access.Action, objectkey.Prefix, ...access.Action) access.Decision {
	return access.Decision{}
}

func TestASubjectNeverSpeaksForAnotherKindOfCaller(t *testing.T) {
	seen := map[access.Kind]bool{}
	for _, who := range []callers.Caller{
		{Subject: "x", Authenticated: "oidc"}, {Kind: callers.Person, Subject: "x", Authenticated: "oidc"},
		{Kind: callers.Machine, Subject: "x", Authenticated: "oidc"}, {Authenticated: "anonymous"},
	} {
		var asked access.Principal
		g := newGateway(t, func(p *server.Parts) {
			p.Callers, p.Access = oneCaller{who}, asking{&asked}
		})
		g.do(t, "whoever", http.MethodGet, "/v1/read/a", "")
		seen[asked.Kind] = true
		if (asked.Kind == access.Machine) != (who.Kind == callers.Machine) || (asked.Kind == access.Anonymous) != (who.Subject == "") {
			t.Errorf("%+v is %+v", who, asked)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
}
