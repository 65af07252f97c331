package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send uses plain net/http and follows no redirect.
func send(t testing.TB, method, url string, headers map[string]string, body []byte) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		if name != "Content-Length" { // net/http takes it from the body
			request.Header.Set(name, value)
		}
	}
	defer trusting().CloseIdleConnections()
	client := &http.Client{Transport: trusting(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, content}
}

func get(t testing.TB, url string) answer {
	t.Helper()
	return send(t, http.MethodGet, url, nil, nil)
}
