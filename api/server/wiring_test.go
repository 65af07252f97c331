package server_test

import (
	"bytes"
	"crypto"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/settings"
)

// configured is a gateway made of settings alone, as the binary makes it, its
// caller alice.
type configured struct {
	*gateway
	token  string
	issuer *demoissuer.Issuer
	dir    string // of the policies
	server *server.Server
}

// issue makes a token that is fresh now.
func (c configured) issue(t *testing.T) string {
	t.Helper()
	token, err := c.issuer.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (c configured) writePolicies(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "all.cedar"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fromSettings(t *testing.T, key crypto.Signer, change func(*settings.Gateway)) configured {
	t.Helper()
	return inEnvironment(t, key, change, nil)
}

// frozen is an environment that stands still between requests.
func frozen(env *server.Environment) { env.Frozen = true }

// inEnvironment is fromSettings with something else than settings changed.
func inEnvironment(t *testing.T, key crypto.Signer, change func(*settings.Gateway), surround func(*server.Environment)) configured {
	t.Helper()
	g := configured{gateway: &gateway{trail: &bytes.Buffer{}, log: &bytes.Buffer{}, now: start.Add(7 * time.Minute)}}
	environment := g.environment()
	if surround != nil {
		surround(&environment)
	}
	described, token, issuer := describe(t, key, environment.Now)
	if change != nil {
		change(&described)
	}
	g.token, g.issuer, g.dir = token, issuer, described.Policies
	var closeParts func() error
	var err error
	if g.server, closeParts, err = server.FromSettings(t.Context(), described, environment); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeParts(); err != nil {
			t.Error(err)
		}
	})
	g.handler = g.server
	return g
}

// failingSettings returns the error of a gateway that can't be made.
func failingSettings(t *testing.T, change func(*settings.Gateway)) error {
	t.Helper()
	g := gateway{trail: &bytes.Buffer{}, log: &bytes.Buffer{}, now: start}
	described, _, _ := describe(t, generateKey(t, keyring.P256), func() time.Time { return start.Add(7 * time.Minute) })
	change(&described)
	_, closeParts, err := server.FromSettings(t.Context(), described, g.environment())
	if err == nil {
		err = closeParts()
	}
	return err
}

func (g *gateway) environment() server.Environment {
	return server.Environment{
		Credentials: credentials(nil), Stdout: g.trail, Log: slog.New(slog.NewTextHandler(g.log, nil)), Now: func() time.Time { return g.now },
	}
}

// describe makes settings that a gateway works with, and a token of alice's.
func describe(t *testing.T, key crypto.Signer, now func() time.Time) (settings.Gateway, string, *demoissuer.Issuer) {
	t.Helper()
	dir := t.TempDir()
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	issuer, err := demoissuer.New(t.Context(), demoissuer.Config{
		URL: web.URL, Audience: "signgate", People: []string{"alice"}, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", issuer.Handler())
	token, err := issuer.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"KTESTKEY1.pem": text, "all.cedar": []byte("permit (principal, action, resource);")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	described, err := settings.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	described.PublicURL, described.CDNURL = "https://api.example.com", cdn
	described.SigningKeys, described.ActiveKeyID, described.Policies = dir, "KTESTKEY1", dir
	described.Bucket, described.Region = "media", "eu-central-1"
	described.Issuer, described.Audience = web.URL, "signgate"
	return described, token, issuer
}

func generateKey(t *testing.T, algorithm keyring.Algorithm) crypto.Signer {
	t.Helper()
	key, err := keyring.Generate(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Every process behind one balancer gives the same stable URL; who knows the
// settings but not the signing key can't tell who asked for it.
func TestStableURLsAreTheSameInEveryProcessWithTheKeyAndInNoOther(t *testing.T) {
	for _, algorithm := range []keyring.Algorithm{keyring.P256, keyring.RSA2048} {
		key := generateKey(t, algorithm)
		ask := func(key crypto.Signer) server.ReadURL {
			g := fromSettings(t, key, nil)
			return g.one(t, g.token, "shared/a.png", `,"stable":true`)
		}
		first, second, other := ask(key), ask(key), ask(generateKey(t, algorithm))
		if first.URL == "" || first.URL != second.URL {
			t.Errorf("two processes:\n%s\n%s", first.URL, second.URL)
		}
		if other.ID == "" || other.ID == first.ID {
			t.Errorf("another signing key: %s and %s", other.ID, first.ID)
		}
	}
}

func TestReadsFromS3ItselfNeedASetting(t *testing.T) {
	key := generateKey(t, keyring.P256)
	for _, permitted := range []bool{false, true} {
		g := fromSettings(t, key, func(s *settings.Gateway) { s.S3Reads = permitted })
		answer := g.one(t, g.token, "shared/a.png", `,"from":"s3"`)
		if (answer.URL != "") != permitted || (!permitted && answer.Problem.Errors[0].Pointer != "/items/0/from") {
			t.Errorf("permitted %t: %+v", permitted, answer)
		}
	}
}

func TestProxiesAreTrustedWhereTheSettingsSaySo(t *testing.T) {
	key := generateKey(t, keyring.P256)
	for trusted, want := range map[string]string{"": "192.0.2.1", "192.0.2.0/24": "203.0.113.9", "198.51.100.0/24": "192.0.2.1"} { // 192.0.2.1 is httptest's
		g := fromSettings(t, key, func(s *settings.Gateway) {
			if trusted != "" {
				s.TrustedProxies = []string{trusted}
			}
		})
		g.do(t, g.token, http.MethodGet, "/v1/read/shared/a.png", "", "X-Forwarded-For", "203.0.113.9")
		records := g.records(t) // the first is that of the trail itself
		if last := records[len(records)-1]; last.Key != "shared/a.png" || last.Address != want {
			t.Errorf("%q is trusted: %+v", trusted, records)
		}
	}
}

func TestCookiesAreForTheSitesThatTheSettingsSay(t *testing.T) {
	key := generateKey(t, keyring.P256)
	for name, want := range map[string]string{"none": "SameSite=None", "lax": "SameSite=Lax", "strict": "SameSite=Strict"} {
		g := fromSettings(t, key, func(s *settings.Gateway) { s.CookieSameSite = name })
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/read-cookies", strings.NewReader(`{"prefix":"shared/"}`))
		request.Host = "api.example.com"
		request.Header.Set("Authorization", "Bearer "+g.token)
		request.Header.Set("Content-Type", "application/json")
		recorder := newRecorder()
		g.handler.ServeHTTP(recorder, request)
		cookies := recorder.Header().Values("Set-Cookie")
		if recorder.Code != http.StatusCreated || len(cookies) != 4 {
			t.Fatalf("%d %s", recorder.Code, recorder.Body)
		}
		for _, cookie := range cookies {
			if !strings.Contains(cookie, want) || !strings.Contains(cookie, "Secure") {
				t.Errorf("%s: %s", name, cookie)
			}
		}
	}
}

// Settings that Validate would refuse don't become a server either.
func TestASettingThatMakesNoSenseStopsTheGateway(t *testing.T) {
	for name, change := range map[string]func(*server.Limits){
		"a window of nothing":      func(l *server.Limits) { l.StableWindow = 0 },
		"a window below a second":  func(l *server.Limits) { l.StableWindow = time.Second - 1 },
		"no size of uploads":       func(l *server.Limits) { l.MaxUploadBytes = 0 },
		"no size of bodies":        func(l *server.Limits) { l.MaxBodyBytes = 0 },
		"a life below a second":    func(l *server.Limits) { l.Session.Default = time.Millisecond },
		"a default past the limit": func(l *server.Limits) { l.Read.Default = l.Read.Longest + 1 },
	} {
		var parts server.Parts
		newGateway(t, func(p *server.Parts) { parts = *p })
		change(&parts.Limits)
		if _, err := server.New(parts); err == nil {
			t.Errorf("%s: a server was made", name)
		}
	}
}

// Only those ranges are trusted that are named, however near others seem:
// whoever is inside could otherwise write any address into the trail.
func TestNoNeighbourIsTrustedLikeAProxy(t *testing.T) {
	for forwarded, want := range map[string]string{
		"203.0.113.9, 10.0.0.5, 192.0.2.77": "10.0.0.5", "203.0.113.9, 127.0.0.1, 192.0.2.77": "127.0.0.1", "203.0.113.9, 169.254.1.1": "169.254.1.1",
		"203.0.113.9, ::1": "::1", "203.0.113.9, 192.168.1.1": "192.168.1.1", "203.0.113.9, fd00::1": "fd00::1",
	} {
		g := newGateway(t, func(p *server.Parts) { p.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
		g.do(t, "alice", http.MethodGet, "/v1/read/users/alice/a.png", "", "X-Forwarded-For", forwarded)
		if records := g.records(t); len(records) != 1 || records[0].Address != want {
			t.Errorf("%s: %+v", forwarded, records)
		}
	}
}
