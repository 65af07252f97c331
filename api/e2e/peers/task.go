package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// putBytes is the size of the object that a PUT is asked for.
const putBytes = 2048

// task is the request that a side answers over and over.
type task struct {
	method string
	path   string // with the query
	body   string // JSON; none if empty
	open   bool   // asks for no access token
	urls   int    // that one answer holds, signed or with a signed form
	status int    // of a good answer
	check  func(answer []byte) error
}

// entry is a side with its task, and the turns that it has had.
type entry struct {
	name  string
	side  *side
	task  task
	turns series
}

// readTask asks for URLs to read so many objects by.
func readTask(items int) task {
	keys := make([]string, items)
	for i := range keys {
		keys[i] = fmt.Sprintf(`{"key":"users/alice/pictures/%d.png"}`, i)
	}
	return task{
		method: http.MethodPost, path: "/v1/read-urls", body: `{"items":[` + strings.Join(keys, ",") + `]}`,
		urls: items, status: http.StatusOK, check: func(answer []byte) error { return checkRead(answer, items) },
	}
}

// putTask asks for one PUT of an exact size and type to a key that is free.
func putTask() task {
	return task{
		method: http.MethodPost, path: "/v1/uploads",
		body: fmt.Sprintf(`{"key":"users/alice/pictures/0.png","contentType":"image/png","contentLength":%d}`, putBytes),
		urls: 1, status: http.StatusCreated, check: checkPut,
	}
}

// formTask asks for one form as Uppy does, below a path.
func formTask(below string) task {
	return task{
		method: http.MethodGet, path: below + "/s3/params?filename=0.png&type=image%2Fpng",
		open: true, urls: 1, status: http.StatusOK, check: checkForm,
	}
}

func (t task) request(address, token string) *fasthttp.Request {
	request := &fasthttp.Request{}
	request.Header.SetMethod(t.method)
	request.SetRequestURI("http://" + address + t.path)
	if !t.open {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if t.body != "" {
		request.Header.SetContentType("application/json")
		request.SetBodyString(t.body)
	}
	return request
}

// once has a side answer a task one time and returns the answer.
func (t task) once(s *side, token string) ([]byte, error) {
	client := &fasthttp.HostClient{Addr: s.address}
	defer client.CloseIdleConnections()
	response := &fasthttp.Response{}
	if err := client.DoTimeout(t.request(s.address, token), response, startTime); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if response.StatusCode() != t.status {
		return nil, fmt.Errorf("%s: %w: %d %s", s.name, errFailed, response.StatusCode(), response.Body())
	}
	return response.Body(), nil
}

// openSession asks the gateway for an upload session and returns the path
// below which Uppy finds what it needs.
func openSession(gateway *side, token string) (string, error) {
	asked := task{method: http.MethodPost, path: "/v1/upload-sessions", body: `{"prefix":"users/alice/inbox/"}`, status: http.StatusCreated}
	answer, err := asked.once(gateway, token)
	if err != nil {
		return "", err
	}
	var session struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal(answer, &session); err != nil {
		return "", err
	}
	address, err := url.Parse(session.URL)
	if err != nil {
		return "", err
	}
	return address.Path, nil
}
