package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/problem"
)

// Whatever alice sends: it is answered or it is a problem, never a fault; and
// no URL that comes back leads out of her folder.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"items":[{"key":"users/alice/a.png","expiresIn":60}]}`, `{"items":[{"key":"users/bob/a.png"}]}`,
		`{"items":[{"key":"users/alice/../bob/a.png"}]}`, `{"items":[{"key":"users/alice/%2e%2e/x"},{"key":"users/alice/*"}]}`,
		`{"key":"users/alice/a","contentType":"text/plain","contentLength":1,"overwrite":true,"metadata":{"a":"b"}}`,
		`{"key":"users/alice/a","contentLength":-1}`, `{"items":[{"key":"a","key":"b"}]}`, `{"items":null}`, `[]`, `{`, "", "\xff",
		`{"key":"users/alice/a","contentType":"text/plain\r\nx-amz-acl: public-read","contentLength":1}`,
	} {
		for operation := range 3 {
			f.Add(uint8(operation), []byte(body))
		}
	}
	g := newGateway(f, nil)
	f.Fuzz(func(t *testing.T, operation uint8, body []byte) {
		path := []string{"/v1/read-urls", "/v1/uploads", "/v1/delete-urls"}[operation%3]
		recorder := g.do(t, "alice", http.MethodPost, path, string(body))
		mustAnswerOrRefuse(t, recorder)
		if recorder.Code < http.StatusBadRequest {
			for _, address := range addresses(t, recorder.Body.Bytes()) {
				mustStayBelow(t, address, "/users/alice/")
			}
		}
	})
}

// The same for keys in a path.
func FuzzReadPath(f *testing.F) {
	for _, path := range []string{"users/alice/a.png", "users/alice/../bob/a", "users%2Falice%2Fa", "users/alice/%2e%2e/bob/a", "users/alice/a?b", "%", "users/alice/%ff", "users/alice//a", "*", ""} {
		f.Add(path)
	}
	g := newGateway(f, nil)
	f.Fuzz(func(t *testing.T, path string) {
		target, err := url.Parse("http://gateway/v1/read/" + path)
		if err != nil {
			return // no client could send it
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.URL = target
		request.RequestURI = target.RequestURI()
		request.Header.Set("Authorization", "Bearer alice")
		recorder := httptest.NewRecorder()
		g.handler.ServeHTTP(recorder, request)
		mustAnswerOrRefuse(t, recorder)
		if recorder.Code == http.StatusFound {
			mustStayBelow(t, recorder.Header().Get("Location"), "/users/alice/")
		}
	})
}

func mustAnswerOrRefuse(t *testing.T, recorder *httptest.ResponseRecorder) {
	t.Helper()
	if recorder.Code < http.StatusBadRequest {
		return
	}
	var document problem.Document
	if err := json.Unmarshal(recorder.Body.Bytes(), &document); err != nil || recorder.Code >= http.StatusInternalServerError ||
		document.Status != recorder.Code || document.Type == "" || recorder.Header().Get("Content-Type") != problem.ContentType {
		t.Errorf("%d %s: %v", recorder.Code, recorder.Body, err)
	}
}

// addresses finds the URLs of an answer, whichever operation gave it.
func addresses(t *testing.T, body []byte) []string {
	t.Helper()
	var answer struct {
		URL   string
		Items []server.ReadURL
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	found := []string{answer.URL}
	for _, item := range answer.Items {
		found = append(found, item.URL)
	}
	return found
}

// mustStayBelow reads the path as an origin would at its worst: decoded and
// cleaned.
func mustStayBelow(t *testing.T, address, folder string) {
	t.Helper()
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(u.JoinPath().Path, folder) || !strings.HasPrefix(u.EscapedPath(), folder) {
		t.Errorf("%s leads out of %s", u.EscapedPath(), folder)
	}
}
