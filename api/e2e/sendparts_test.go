package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/client"
)

// unsteady is a network that fails some requests to S3 and counts all.
type unsteady struct {
	mu    sync.Mutex
	puts  map[string]int // by part number
	fails func(part string, try int) error
}

// RoundTrip sends a request, or fails it.
func (u *unsteady) RoundTrip(request *http.Request) (*http.Response, error) {
	if part := request.URL.Query().Get("partNumber"); request.Method == http.MethodPut && part != "" {
		u.mu.Lock()
		u.puts[part]++
		err := u.fails(part, u.puts[part])
		u.mu.Unlock()
		if err != nil {
			if request.Body != nil {
				_ = request.Body.Close()
			}
			if status, ok := errors.AsType[statusError](err); ok {
				return &http.Response{StatusCode: int(status), Body: http.NoBody, Header: http.Header{}, Request: request}, nil
			}
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(request)
}

type statusError int

func (s statusError) Error() string { return http.StatusText(int(s)) }

func TestTheClientGoesOnWhereAnUploadBrokeOff(t *testing.T) {
	g := startStack(t).startGateway(t)
	content := random(3*partBytes + 1)
	token := g.token(t, "alice")
	network := &unsteady{puts: map[string]int{}, fails: func(part string, try int) error {
		switch {
		case part == "1" && try == 1:
			return io.ErrUnexpectedEOF // the connection breaks
		case part == "3" && try == 1:
			return statusError(http.StatusForbidden) // the request has died
		case part == "4" && try == 1:
			return statusError(http.StatusServiceUnavailable)
		}
		return nil
	}}
	caller, err := client.New(client.Config{
		URL: g.url, HTTP: &http.Client{Transport: network}, Pause: time.Millisecond,
		Token: func(context.Context) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	const key = "users/alice/resumed.bin"
	upload := g.begin(t, "alice", client.UploadRequest{Key: key, ContentLength: new(int64(len(content))), PartSize: partBytes})
	if got := g.sendPart(t, "alice", upload, client.PartItem{PartNumber: 2}, content[partBytes:2*partBytes]); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	object, err := caller.SendParts(t.Context(), upload, bytes.NewReader(content), int64(len(content)))
	if err != nil || object.Size != int64(len(content)) {
		t.Fatalf("%+v, %v", object, err)
	}
	g.mustRead(t, "alice", key, content)
	if network.puts["2"] != 0 || network.puts["1"] != 2 || network.puts["3"] != 2 || network.puts["4"] != 2 {
		t.Errorf("the parts were sent %v times", network.puts)
	}
}

func TestTheClientGivesUpWhereS3RefusesAPart(t *testing.T) {
	g := startStack(t).startGateway(t)
	token := g.token(t, "alice")
	network := &unsteady{puts: map[string]int{}, fails: func(string, int) error { return statusError(http.StatusBadRequest) }}
	caller, err := client.New(client.Config{
		URL: g.url, HTTP: &http.Client{Transport: network}, Pause: time.Millisecond,
		Token: func(context.Context) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	upload := g.begin(t, "alice", client.UploadRequest{Key: "users/alice/refused", ContentLength: new(int64(5))})
	_, err = caller.SendParts(t.Context(), upload, strings.NewReader("hello"), 5)
	if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Status != http.StatusBadRequest || network.puts["1"] != 1 {
		t.Errorf("%v after %v", err, network.puts)
	}
}
