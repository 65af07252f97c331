package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/settings"
)

// rotatable is a gateway whose folder of keys has a document, and whose clock
// the test moves.
type rotatable struct {
	configured
	folder *keyring.Folder
	dir    string
	ahead  *atomic.Int64 // of the clock that it began with
	log    *bytes.Buffer
}

func newRotatable(t *testing.T, withTokenSecret bool) *rotatable {
	t.Helper()
	r := &rotatable{dir: t.TempDir(), ahead: &atomic.Int64{}}
	document := keyring.NewDocument(withTokenSecret)
	for _, id := range []string{"KSLOTA001", "KSLOTB001"} {
		text, err := keyring.MarshalPrivatePEM(generateKey(t, keyring.P256))
		if err != nil {
			t.Fatal(err)
		}
		if err := document.Add(id, keyring.Slot{KeyID: id}.WithPrivateKey(text), start); err != nil {
			t.Fatal(err)
		}
	}
	r.folder = keyring.NewFolder(r.dir, "", nil)
	_, revision, _ := r.folder.Read(t.Context())
	if err := r.folder.Write(t.Context(), document, revision); err != nil {
		t.Fatal(err)
	}
	r.log = &bytes.Buffer{}
	r.configured = inEnvironment(t, generateKey(t, keyring.P256), func(s *settings.Gateway) {
		s.SigningKeys, s.ActiveKeyID = r.dir, ""
		s.SigningRefresh, s.SigningGrace, s.MaxReadLife = time.Hour, 24*time.Hour, 12*time.Hour // the clock stands still: only the first call after hours looks
	}, func(env *server.Environment) {
		env.Now = func() time.Time { return start.Add(7 * time.Minute).Add(time.Duration(r.ahead.Load())) }
		env.Log = slog.New(slog.NewTextHandler(r.log, nil))
	})
	return r
}

func (r *rotatable) switchTo(t *testing.T, slot string) {
	t.Helper()
	document, revision, err := r.folder.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Switch(slot, start); err != nil {
		t.Fatal(err)
	}
	if err := r.folder.Write(t.Context(), document, revision); err != nil {
		t.Fatal(err)
	}
}

func (r *rotatable) read(t *testing.T) server.ReadURL {
	t.Helper()
	return r.one(t, r.issue(t), "shared/a.png", "")
}

func TestAProcessThatStoodStillLooksForTheActiveKeyBeforeItSigns(t *testing.T) {
	for _, withTokenSecret := range []bool{true, false} {
		r := newRotatable(t, withTokenSecret)
		if url := r.read(t).URL; !strings.Contains(url, "Key-Pair-Id=KSLOTA001") {
			t.Fatalf("%s", url)
		}
		r.switchTo(t, "KSLOTB001")
		if url := r.read(t).URL; !strings.Contains(url, "Key-Pair-Id=KSLOTA001") {
			t.Errorf("before its time: %s", url)
		}
		r.ahead.Store(int64(4 * time.Hour))
		if url := r.read(t).URL; !strings.Contains(url, "Key-Pair-Id=KSLOTB001") {
			t.Errorf("after four hours: %s", url)
		}
		records := r.records(t)
		if last := records[len(records)-1]; last.KeyID != "KSLOTB001" {
			t.Errorf("on record is %s", last.KeyID)
		}
		if strings.Contains(r.log.String(), "PRIVATE") || !strings.Contains(r.log.String(), "KSLOTB001") {
			t.Errorf("the log: %s", r.log)
		}
	}
}

func TestKnownKeysGoOnReadinessSaysSoAndNoURLOutlivesWhatIsKnown(t *testing.T) {
	r := newRotatable(t, true)
	ready := func() (int, string) {
		answer := r.do(t, "", http.MethodGet, "/readyz", "")
		return answer.Code, answer.Body.String()
	}
	if code, body := ready(); code != http.StatusOK || strings.Contains(body, "degraded") {
		t.Fatalf("%d %s", code, body)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "keys.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := `,"expiresIn":43200`
	r.ahead.Store(int64(23 * time.Hour)) // within the grace
	if answer := r.one(t, r.issue(t), "shared/a.png", long); answer.URL == "" {
		t.Errorf("within the grace: %+v", answer.Problem)
	}
	if code, body := ready(); code != http.StatusOK || !strings.Contains(body, "degraded") {
		t.Errorf("within the grace: %d %s", code, body)
	}
	r.ahead.Store(int64(25 * time.Hour))
	if answer := r.do(t, r.issue(t), http.MethodPost, "/v1/read-urls", `{"items":[{"key":"shared/a.png"`+long+`}]}`); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("a long life after the grace: %d %s", answer.Code, answer.Body)
	}
	for _, path := range []string{"/v1/read-prefixes", "/v1/read-cookies"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(`{"prefix":"shared/"`+long+`}`))
		request.Host = "api.example.com" // of the CDN's domain, for cookies
		request.Header.Set("Authorization", "Bearer "+r.issue(t))
		request.Header.Set("Content-Type", "application/json")
		answer := newRecorder()
		if r.handler.ServeHTTP(answer, request); answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%s after the grace: %d %s", path, answer.Code, answer.Body)
		}
	}
	if answer := r.read(t); answer.URL == "" {
		t.Errorf("a short life after the grace: %+v", answer.Problem)
	}
	if code, _ := ready(); code != http.StatusServiceUnavailable {
		t.Errorf("after the grace: %d", code)
	}
}

// A gateway that may not use a key which only waits starts and goes on, past
// the grace of those who can't see their keys, and says what is wrong.
func TestAKeyThatWaitsAndMayNotBeUsedStopsNobody(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:keys-AbCdEf"
	key, another := generateKey(t, keyring.P256), generateKey(t, keyring.P256)
	private, err := keyring.MarshalPrivatePEM(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keyring.MarshalPublicPEM(another.Public())
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(map[string]any{"version": 1, "active": "a", "tokenSecrets": []string{strings.Repeat("A", 43) + "="}, "slots": map[string]any{
		"a": map[string]any{"keyId": "KSLOTA001", "privateKey": string(private)},
		"b": map[string]any{"keyId": "KSLOTB001", "kmsKey": "arn:aws:kms:eu-central-1:111122223333:key/1", "publicKey": string(public)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	kms := httptest.NewServer(answeringCode(http.StatusBadRequest, "AccessDeniedException"))
	t.Cleanup(kms.Close)
	g := inEnvironment(t, key, func(s *settings.Gateway) {
		s.SigningKeys, s.ActiveKeyID, s.SigningSecret, s.SecretsEndpoint, s.KMSEndpoint = "", "", arn, secretsManager(t, arn, string(document)), kms.URL
	}, frozen)
	g.now = g.now.Add(48 * time.Hour)
	g.server.CatchUp(t.Context())
	g.token, err = g.issuer.Token("alice")
	if err != nil {
		t.Fatal(err)
	}
	if got := g.do(t, g.token, http.MethodGet, "/v1/read/users/alice/a.png", ""); got.Code != http.StatusFound {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if ready := g.do(t, "", http.MethodGet, "/readyz", ""); ready.Code != http.StatusOK || !strings.Contains(ready.Body.String(), "degraded") || !strings.Contains(g.log.String(), "slot b") {
		t.Errorf("nobody hears of it: %d %s; %s", ready.Code, ready.Body, g.log)
	}
}
