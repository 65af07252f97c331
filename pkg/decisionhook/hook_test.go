package decisionhook_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/decisionhook"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const secretText = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// application answers questions and remembers the last.
type application struct {
	*httptest.Server
	asked atomic.Int64
	last  atomic.Pointer[http.Request]
	body  atomic.Pointer[string]
}

func newApplication(t testing.TB, answer http.HandlerFunc) *application {
	t.Helper()
	app := &application{}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		app.asked.Add(1)
		app.last.Store(r)
		app.body.Store(&text)
		answer(w, r)
	}))
	t.Cleanup(app.Close)
	return app
}

// says answers with a document.
func says(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, document)
	}
}

func newHook(t testing.TB, url string, change func(*decisionhook.Config)) *decisionhook.Hook {
	t.Helper()
	secrets, err := decisionhook.ParseSecrets([]byte(secretText))
	if err != nil {
		t.Fatal(err)
	}
	config := decisionhook.Config{
		URL: url, Secrets: secrets, Timeout: 10 * time.Second, Parallel: 4, CacheLife: time.Minute,
		Now: func() time.Time { return start }, NewID: rand.Text,
	}
	if change != nil {
		change(&config)
	}
	hook, err := decisionhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return hook
}

var question = decisionhook.Question{
	Principal: decisionhook.Principal{Kind: "person", Subject: "alice", Groups: []string{"staff"}, Tenant: "a"},
	Action:    "read", Key: "users/bob/a.png", Address: "192.0.2.7",
}

func TestTheApplicationIsAskedWhoWantsWhatAndItsAnswerCounts(t *testing.T) {
	for document, want := range map[string]decisionhook.Answer{
		`{"decision":"allow"}`: {Allowed: true},
		`{"decision":"deny"}`:  {},
		`{"decision":"allow","expiresIn":60,"cacheFor":0,"reason":"friend","message":"Shared by Bob"}`: {Allowed: true, Life: time.Minute, Reason: "friend", Message: "Shared by Bob"},
	} {
		app := newApplication(t, says(document))
		got, err := newHook(t, app.URL+"/decide", nil).Ask(t.Context(), question)
		want.ID = app.last.Load().Header.Get("Webhook-Id")
		if err != nil || got != want || want.ID == "" {
			t.Errorf("%s: %+v %v", document, got, err)
		}
		r := app.last.Load()
		const body = `{"type":"signgate.decision","timestamp":"2026-11-21T12:00:00Z","data":{"principal":{"kind":"person","subject":"alice","groups":["staff"],"tenant":"a"},"action":"read","key":"users/bob/a.png","address":"192.0.2.7"}}`
		if r.Method != http.MethodPost || r.URL.Path != "/decide" || r.Header.Get("Content-Type") != "application/json" || *app.body.Load() != body {
			t.Errorf("asked %s %s: %s", r.Method, r.URL, *app.body.Load())
		}
	}
}

// OpenSSL computes what Standard Webhooks describes.
func TestAQuestionIsSignedByEverySecretAsStandardWebhooksSays(t *testing.T) {
	app := newApplication(t, says(`{"decision":"allow"}`))
	const other = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	hook := newHook(t, app.URL, func(c *decisionhook.Config) {
		var err error
		if c.Secrets, err = decisionhook.ParseSecrets([]byte(secretText + "\n" + other + "\n")); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := hook.Ask(t.Context(), question); err != nil {
		t.Fatal(err)
	}
	headers := app.last.Load().Header
	if headers.Get("Webhook-Timestamp") != "1795262400" {
		t.Errorf("timestamp %s", headers.Get("Webhook-Timestamp"))
	}
	var want []string
	for _, secret := range []string{secretText, other} {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), "openssl", "dgst", "-sha256", "-binary", "-mac", "HMAC", "-macopt", fmt.Sprintf("hexkey:%x", key))
		command.Stdin = strings.NewReader(headers.Get("Webhook-Id") + ".1795262400." + *app.body.Load())
		sum, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, "v1,"+base64.StdEncoding.EncodeToString(sum))
	}
	if got := headers.Get("Webhook-Signature"); got != strings.Join(want, " ") {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestWhateverIsNoAnswerIsAnErrorAndAllowsNothing(t *testing.T) {
	elsewhere := newApplication(t, says(`{"decision":"allow"}`))
	answered := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const kind, allow = "application/json", `{"decision":"allow"}`
	for name, answer := range map[string]http.HandlerFunc{
		"a fault":                   answered(http.StatusInternalServerError, kind, allow),
		"created":                   answered(http.StatusCreated, kind, allow),
		"no content":                answered(http.StatusNoContent, kind, ""),
		"a page":                    answered(http.StatusOK, "text/html", allow),
		"no type":                   answered(http.StatusOK, "", allow),
		"nothing":                   answered(http.StatusOK, kind, ""),
		"another decision":          answered(http.StatusOK, kind, `{"decision":"maybe"}`),
		"another case":              answered(http.StatusOK, kind, `{"decision":"Allow"}`),
		"no decision":               answered(http.StatusOK, kind, `{}`),
		"a member that isn't known": answered(http.StatusOK, kind, `{"decision":"allow","until":"never"}`),
		"two decisions":             answered(http.StatusOK, kind, `{"decision":"deny","decision":"allow"}`),
		"something behind it":       answered(http.StatusOK, kind, allow+`{}`),
		"a list":                    answered(http.StatusOK, kind, `[{"decision":"allow"}]`),
		"null":                      answered(http.StatusOK, kind, `null`),
		"no life":                   answered(http.StatusOK, kind, `{"decision":"allow","expiresIn":0}`),
		"a life before now":         answered(http.StatusOK, kind, `{"decision":"allow","expiresIn":-1}`),
		"a life without end":        answered(http.StatusOK, kind, `{"decision":"allow","expiresIn":9223372036854775807}`),
		"a standing without end":    answered(http.StatusOK, kind, `{"decision":"allow","cacheFor":9223372036854775807}`),
		"a standing before now":     answered(http.StatusOK, kind, `{"decision":"allow","cacheFor":-1}`),
		"more than is read":         answered(http.StatusOK, kind, `{"decision":"allow","reason":"`+strings.Repeat("x", 16<<10)+`"}`),
		"less than was announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, allow)
		},
		"a redirect to a yes": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"a connection that breaks": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"headers without end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
			says(allow)(w, nil)
		},
		"compressed beyond knowing": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			answered(http.StatusOK, kind, "\x1f\x8b")(w, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			app := newApplication(t, answer)
			hook := newHook(t, app.URL, nil)
			for range 2 {
				got, err := hook.Ask(t.Context(), question)
				if !errors.Is(err, decisionhook.ErrUnavailable) || got.Allowed {
					t.Errorf("%+v %v", got, err)
				}
			}
			if app.asked.Load() < 2 {
				t.Error("an error was remembered")
			}
		})
	}
	if elsewhere.asked.Load() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestAnApplicationThatIsSlowOrGoneAllowsNothing(t *testing.T) {
	release := make(chan struct{})
	app := newApplication(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	hook := newHook(t, app.URL, func(c *decisionhook.Config) { c.Timeout = 50 * time.Millisecond })
	if got, err := hook.Ask(t.Context(), question); !errors.Is(err, decisionhook.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || got.Allowed {
		t.Errorf("slow: %+v %v", got, err)
	}
	if got, err := newHook(t, "http://127.0.0.1:1", nil).Ask(t.Context(), question); !errors.Is(err, decisionhook.ErrUnavailable) || got.Allowed {
		t.Errorf("gone: %+v %v", got, err)
	}
}

func TestNoMoreQuestionsThanAllowedAreAskedAtATime(t *testing.T) {
	var running, most atomic.Int64
	full, release := make(chan struct{}), make(chan struct{})
	app := newApplication(t, func(w http.ResponseWriter, _ *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		for {
			seen := most.Load()
			if n <= seen || most.CompareAndSwap(seen, n) {
				break
			}
		}
		if n == 3 {
			close(full)
		}
		<-release
		says(`{"decision":"allow"}`)(w, nil)
	})
	hook := newHook(t, app.URL, func(c *decisionhook.Config) { c.Parallel = 3 })
	errs := make(chan error)
	for n := range 9 {
		go func() {
			asked := question
			asked.Key += strconv.Itoa(n)
			_, err := hook.Ask(t.Context(), asked)
			errs <- err
		}()
	}
	<-full
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hook.Ask(ctx, question); !errors.Is(err, decisionhook.ErrUnavailable) {
		t.Errorf("one whose caller is gone: %v", err)
	}
	close(release)
	for range 9 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 3 {
		t.Errorf("%d at a time", most.Load())
	}
}

func TestAnAnswerStandsAsLongAsItSaysAndTheSettingsAllow(t *testing.T) {
	for name, test := range map[string]struct {
		answer  string
		setting time.Duration
		stands  time.Duration
	}{
		"as it says":            {`{"decision":"allow","cacheFor":30}`, time.Minute, 30 * time.Second},
		"as the settings say":   {`{"decision":"allow","cacheFor":300}`, time.Minute, time.Minute},
		"a no too":              {`{"decision":"deny","cacheFor":30}`, time.Minute, 30 * time.Second},
		"not where it's silent": {`{"decision":"allow"}`, time.Minute, 0},
		"not where it's off":    {`{"decision":"allow","cacheFor":30}`, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			app, now := newApplication(t, says(test.answer)), start
			hook := newHook(t, app.URL, func(c *decisionhook.Config) {
				c.CacheLife, c.Now = test.setting, func() time.Time { return now }
			})
			ask := func(q decisionhook.Question, want int64) {
				t.Helper()
				if _, err := hook.Ask(t.Context(), q); err != nil || app.asked.Load() != want {
					t.Errorf("asked %d times, want %d; %v", app.asked.Load(), want, err)
				}
			}
			ask(question, 1)
			if test.stands == 0 {
				ask(question, 2)
				return
			}
			now = start.Add(test.stands - time.Second)
			ask(question, 1)
			now = start.Add(test.stands)
			ask(question, 2)
		})
	}
}

func TestAnAnswerStandsForItsOwnQuestionOnly(t *testing.T) {
	app := newApplication(t, says(`{"decision":"allow","cacheFor":60}`))
	hook := newHook(t, app.URL, nil)
	changes := []func(*decisionhook.Question){
		func(*decisionhook.Question) {},
		func(q *decisionhook.Question) { q.Principal.Kind = "machine" },
		func(q *decisionhook.Question) { q.Principal.Subject = "bob" },
		func(q *decisionhook.Question) { q.Principal.Groups = []string{"staff", "x"} },
		func(q *decisionhook.Question) { q.Principal.Tenant = "b" },
		func(q *decisionhook.Question) { q.Principal.Scopes = []string{"read"} },
		func(q *decisionhook.Question) { q.Action = "write" },
		func(q *decisionhook.Question) { q.Key = "users/bob/b.png" },
		func(q *decisionhook.Question) { q.Key, q.Prefix = "", "users/bob/a.png" },
		func(q *decisionhook.Question) { q.Address = "192.0.2.8" },
	}
	for n, change := range changes {
		asked := question
		change(&asked)
		if _, err := hook.Ask(t.Context(), asked); err != nil || app.asked.Load() != int64(n+1) {
			t.Errorf("change %d: asked %d times, %v", n, app.asked.Load(), err)
		}
	}
}

func TestASecretShowsItselfToNobody(t *testing.T) {
	secrets, err := decisionhook.ParseSecrets([]byte(secretText + "\r\n"))
	if err != nil || len(secrets) != 1 {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", secrets, secrets[0], secrets[0], secrets[0].LogValue()); strings.Contains(shown, "0123") || strings.Contains(shown, "48, 49") || strings.Contains(shown, "0x30") {
		t.Error(shown)
	}
	for _, text := range []string{
		"", "\n", "whsec_", secretText[:20], strings.TrimPrefix(secretText, "whsec_"), secretText + " ", secretText + "\n\n", "whsec_!!!",
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)),
		secretText + "\n" + secretText + "\n" + secretText,
	} {
		if _, err := decisionhook.ParseSecrets([]byte(text)); !errors.Is(err, decisionhook.ErrConfig) || strings.Contains(err.Error(), "MDEyMzQ1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAHookWithoutWhatItNeedsIsNone(t *testing.T) {
	secrets, err := decisionhook.ParseSecrets([]byte(secretText))
	if err != nil {
		t.Fatal(err)
	}
	for n, change := range []func(*decisionhook.Config){
		func(c *decisionhook.Config) { c.URL = "" }, func(c *decisionhook.Config) { c.Secrets = nil },
		func(c *decisionhook.Config) { c.Timeout = 0 }, func(c *decisionhook.Config) { c.Parallel = 0 },
		func(c *decisionhook.Config) { c.CacheLife = -1 }, func(c *decisionhook.Config) { c.Now = nil }, func(c *decisionhook.Config) { c.NewID = nil },
	} {
		config := decisionhook.Config{URL: "https://app.example.com", Secrets: secrets, Timeout: 1, Parallel: 1, Now: time.Now, NewID: rand.Text}
		change(&config)
		if _, err := decisionhook.New(config); !errors.Is(err, decisionhook.ErrConfig) {
			t.Errorf("%d: %v", n, err)
		}
	}
}
