package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/client"
)

func (g *gateway) session(t testing.TB, request client.SessionRequest) client.Session {
	t.Helper()
	session, err := g.as(t, "alice").CreateSession(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// asWidget sends what a widget would and returns its answer.
func asWidget(t testing.TB, method, address string, body any) (map[string]any, int) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	got := send(t, method, address, map[string]string{"Content-Type": "application/json"}, text)
	var answer map[string]any
	if err := json.Unmarshal(got.body, &answer); err != nil && got.status == http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return answer, got.status
}

func TestASessionUploadsBelowItsPrefixOnly(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t)
	inbox := g.session(t, client.SessionRequest{Prefix: "users/alice/inbox/", ContentTypes: []string{"image/*"}, MaxBytes: 6 << 20})
	other := g.session(t, client.SessionRequest{Prefix: "users/alice/other/"})
	create := map[string]any{"filename": "../../bob/ä b.png", "type": "image/png", "metadata": map[string]any{"name": "ä", "relativePath": nil}}
	made, status := asWidget(t, http.MethodPost, inbox.URL+"/s3/multipart", create)
	key, _ := made["key"].(string)
	id, _ := made["uploadId"].(string)
	if status != http.StatusOK || !strings.HasPrefix(key, "users/alice/inbox/") || strings.Count(key, "/") != 3 || id == "" {
		t.Fatalf("%d %v", status, made)
	}
	steps := func(base, key, id string) map[string][2]string {
		query := "?key=" + url.QueryEscape(key)
		return map[string][2]string{
			"sign":     {http.MethodGet, base + "/s3/multipart/" + id + "/1" + query},
			"batch":    {http.MethodGet, base + "/s3/multipart/" + id + "/batch" + query + "&partNumbers=1,2"},
			"list":     {http.MethodGet, base + "/s3/multipart/" + id + query},
			"complete": {http.MethodPost, base + "/s3/multipart/" + id + "/complete" + query},
			"abort":    {http.MethodDelete, base + "/s3/multipart/" + id + query},
		}
	}
	for name, wrong := range map[string]map[string][2]string{
		"another session's prefix": steps(other.URL, key, id),
		"another key":              steps(inbox.URL, "users/alice/inbox/x", id),
		"no session":               steps(strings.TrimSuffix(inbox.URL, inbox.URL[len(inbox.URL)-1:])+"!", key, id),
		"no upload":                steps(inbox.URL, key, "x"),
	} {
		for step, request := range wrong {
			if _, status := asWidget(t, request[0], request[1], map[string]any{"parts": []any{}}); status != http.StatusNotFound {
				t.Errorf("%s with %s: %d", step, name, status)
			}
		}
	}
	for n, size := range []int{partBytes, partBytes} {
		part, status := asWidget(t, http.MethodGet, strings.Replace(steps(inbox.URL, key, id)["sign"][1], "/1?", "/"+string(rune('1'+n))+"?", 1), nil)
		address, _ := part["url"].(string)
		if got := send(t, http.MethodPut, address, nil, random(size)); status != http.StatusOK || got.status != http.StatusOK {
			t.Fatalf("part %d: %d, %d %s", n+1, status, got.status, got.body)
		}
	}
	listed := send(t, http.MethodGet, steps(inbox.URL, key, id)["list"][1], nil, nil)
	var parts []map[string]any
	if err := json.Unmarshal(listed.body, &parts); err != nil || len(parts) != 2 {
		t.Fatalf("%s: %v", listed.body, err)
	}
	if _, status := asWidget(t, http.MethodPost, steps(inbox.URL, key, id)["complete"][1], map[string]any{"parts": parts}); status != http.StatusUnprocessableEntity {
		t.Errorf("10 MiB, where 6 are allowed: %d", status)
	}
	mustHideCapability(t, s, g, inbox.URL)
}

func mustHideCapability(t *testing.T, s *stack, g *gateway, address string) {
	t.Helper()
	capability := address[strings.LastIndexByte(address, '/')+1:]
	trail, err := os.ReadFile(filepath.Join(s.data, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"stack": s.stdout.String() + s.stderr.String(), "gateway": g.stdout.String() + g.stderr.String(), "trail": string(trail)} {
		if strings.Contains(text, capability[:40]) {
			t.Errorf("the %s tells the address of a session", where)
		}
	}
	if !strings.Contains(string(trail), `"step":"complete"`) || !strings.Contains(string(trail), `"authenticated":"upload-session"`) {
		t.Errorf("the trail doesn't tell the steps:\n%s", trail)
	}
}

func sessionRefuses(t *testing.T, g *gateway) {
	t.Helper()
	session := g.session(t, client.SessionRequest{Prefix: "users/alice/inbox/", ContentTypes: []string{"image/*"}, MaxBytes: 10})
	for name, request := range map[string]struct {
		method, path string
		body         any
		status       int
	}{
		"a form of another type":        {http.MethodGet, "/s3/params?filename=a.html&type=text/html", nil, http.StatusUnprocessableEntity},
		"parts of another type":         {http.MethodPost, "/s3/multipart", map[string]any{"filename": "a", "type": "text/html"}, http.StatusUnprocessableEntity},
		"Shrine's form of another type": {http.MethodGet, "/presign?filename=a&type=text/html", nil, http.StatusUnprocessableEntity},
		"a blob of another type":        {http.MethodPost, "/direct_uploads", blob("text/html", 5, "XUFAKrxLKna5cZ2REBfFkg=="), http.StatusUnprocessableEntity},
		"a blob too large":              {http.MethodPost, "/direct_uploads", blob("image/png", 11, "XUFAKrxLKna5cZ2REBfFkg=="), http.StatusUnprocessableEntity},
		"a blob without checksum":       {http.MethodPost, "/direct_uploads", blob("image/png", 5, ""), http.StatusUnprocessableEntity},
		"a checksum that is none":       {http.MethodPost, "/direct_uploads", blob("image/png", 5, "XUFA"), http.StatusUnprocessableEntity},
		"credentials":                   {http.MethodGet, "/s3/sts", nil, http.StatusForbidden},
		"a body that is none":           {http.MethodPost, "/s3/multipart", "text", http.StatusBadRequest},
		"another path":                  {http.MethodGet, "/s3/objects", nil, http.StatusNotFound},
	} {
		if _, status := asWidget(t, request.method, session.URL+request.path, request.body); status != request.status {
			t.Errorf("%s: %d, want %d", name, status, request.status)
		}
	}
	form, status := asWidget(t, http.MethodGet, session.URL+"/s3/params?filename=a.png&type=image/png&metadata%5Bname%5D=a.png", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, form)
	}
	upload := client.Upload{SignedRequest: client.SignedRequest{URL: form["url"].(string)}, Fields: map[string]string{}}
	for name, value := range form["fields"].(map[string]any) {
		upload.Fields[name] = value.(string)
	}
	caller := g.as(t, "alice")
	if _, err := caller.SendForm(t.Context(), upload, strings.NewReader("12345678901"), 11); err == nil {
		t.Error("a file too large is taken")
	}
	if _, err := caller.SendForm(t.Context(), upload, strings.NewReader("1234567890"), 10); err != nil {
		t.Error(err)
	}
	g.mustRead(t, "alice", upload.Fields["key"], []byte("1234567890"))
}

func blob(contentType string, size int, checksum string) any {
	return map[string]any{"blob": map[string]any{"filename": "a  b.png", "content_type": contentType, "byte_size": size, "checksum": checksum}}
}

// Uppy 5 shows the member message to people, or else the address.
func refusalInTheWidgetsWords(t *testing.T, g *gateway) {
	t.Helper()
	session := g.session(t, client.SessionRequest{Prefix: "users/alice/inbox/", ContentTypes: []string{"image/*"}})
	for address, want := range map[string]string{
		session.URL + "/s3/params?filename=a&type=text/html": "may not be uploaded here", g.url + "/u/none/s3/params": "no such upload session",
	} {
		if refusal, _ := asWidget(t, http.MethodGet, address, nil); !strings.Contains(fmt.Sprint(refusal["message"]), want) {
			t.Errorf("%v", refusal)
		}
	}
}

func TestAnExpiredSessionIsWorthless(t *testing.T) {
	g := startStack(t).startGateway(t)
	session := g.session(t, client.SessionRequest{Prefix: "users/alice/inbox/", ExpiresIn: client.Seconds(time.Second)})
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if _, status := asWidget(t, http.MethodGet, session.URL+"/s3/params?filename=a&type=text/plain", nil); status == http.StatusNotFound {
			return
		}
	}
	t.Error("it never expires")
}

func sessionNeedsToken(t *testing.T, g *gateway) {
	t.Helper()
	session := g.session(t, client.SessionRequest{Prefix: "users/alice/inbox/", WithToken: true})
	address := session.URL + "/s3/params?filename=a&type=text/plain"
	for person, want := range map[string]int{"": http.StatusUnauthorized, "bob": http.StatusNotFound, "alice": http.StatusOK} {
		headers := map[string]string{}
		if person != "" {
			headers["Authorization"] = "Bearer " + g.token(t, person)
		}
		if got := send(t, http.MethodGet, address, headers, nil); got.status != want {
			t.Errorf("%q: %d, want %d", person, got.status, want)
		}
	}
}
