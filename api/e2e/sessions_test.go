package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// promised are the ends that a gateway gives to what it presigns in every way
// that needs no S3, where two hours are asked for.
func (g *gateway) promised(t *testing.T) map[string]time.Time {
	t.Helper()
	ends := map[string]time.Time{}
	for name, ask := range map[string]struct{ path, body string }{
		"PUT":    {"/v1/uploads", `{"key":"users/alice/put.bin","contentType":"text/plain","contentLength":5,"expiresIn":7200}`},
		"form":   {"/v1/uploads", `{"key":"users/alice/form.bin","contentType":"text/plain","method":"form","maxLength":5,"overwrite":true,"expiresIn":7200}`},
		"DELETE": {"/v1/delete-urls", `{"items":[{"key":"users/alice/a.bin","expiresIn":7200}]}`},
		"GET":    {"/v1/read-urls", `{"items":[{"key":"users/alice/a.bin","from":"s3","expiresIn":7200}]}`},
		"CDN":    {"/v1/read-urls", `{"items":[{"key":"users/alice/a.bin","expiresIn":7200}]}`},
	} {
		got := g.ask(t, "alice", http.MethodPost, ask.path, ask.body)
		var answer struct {
			ExpiresAt time.Time
			Items     []struct{ ExpiresAt time.Time }
		}
		if err := json.Unmarshal(got.body, &answer); err != nil || got.status >= http.StatusBadRequest {
			t.Fatalf("%s: %d %s", name, got.status, got.body)
		}
		for _, item := range answer.Items {
			answer.ExpiresAt = item.ExpiresAt
		}
		ends[name] = answer.ExpiresAt
	}
	return ends
}

func mustEnd(t *testing.T, where string, ends map[string]time.Time, begin time.Time, life time.Duration) {
	t.Helper()
	for way, end := range ends {
		want := life
		if way == "CDN" {
			want = 2 * time.Hour // it rests on no session
		}
		if got := end.Sub(begin); got > want+patience || got < want-patience {
			t.Errorf("%s: %s lives %s, want %s", where, way, got, want)
		}
	}
}

// A task's credentials say when they end; a function's don't, and nothing is
// promised beyond what they are taken to live on.
func TestWhatIsPresignedEndsWithTheSessionOfTheRole(t *testing.T) {
	s := startStack(t)
	begin := time.Now()
	task := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": "ASIATASK", "SecretAccessKey": "secret", "Token": "token", "Expiration": begin.Add(47 * time.Minute).UTC().Format(time.RFC3339),
		})
	}))
	t.Cleanup(task.Close)
	lives := []string{"SIGNGATE_MAX_UPLOAD_LIFE=3h", "SIGNGATE_MAX_DELETE_LIFE=3h", "SIGNGATE_S3_READS=true"}
	plain := append(without(s.environment(t), "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), lives...)
	g := s.startGatewayIn(t, append(plain, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+task.URL))
	const renewal = 5 * time.Minute // that the SDK renews a task's credentials before their end, which it takes for it
	mustEnd(t, "a task", g.promised(t), begin, 47*time.Minute-renewal)

	function, api := s.startFunction(t, append(lives, "AWS_SESSION_TOKEN=token")...)
	mustEnd(t, "a function", function.promised(t), begin, time.Hour)
	api.end(t)
	function, api = s.startFunction(t, append(lives, "AWS_SESSION_TOKEN=token", "SIGNGATE_CREDENTIAL_REST=13m")...)
	mustEnd(t, "a function that is trusted less", function.promised(t), begin, 13*time.Minute)
	api.end(t)
}
