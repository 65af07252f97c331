package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/signgate/signgate/api/server"
)

// serveObjects serves a handler as the local edge is served and returns its
// address.
func serveObjects(t *testing.T, stall time.Duration, handler http.HandlerFunc) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.ServeObjects(ctx, listener, handler, time.Millisecond, stall, time.Now) }()
	t.Cleanup(func() {
		cancel()
		t.Log(<-ended) // an error where the last client is still there
	})
	return listener.Addr().String()
}

func TestADownloadTakesAsLongAsItMoves(t *testing.T) {
	const stall, pieces = 400 * time.Millisecond, 8
	address := serveObjects(t, stall, func(w http.ResponseWriter, r *http.Request) {
		for range pieces { // twice the limit in all
			select {
			case <-time.After(stall / 4):
			case <-r.Context().Done():
				return
			}
			_, _ = w.Write(bytes.Repeat([]byte("x"), 64<<10))
			_ = http.NewResponseController(w).Flush()
		}
	})
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for range 2 { // the limit of the first answer isn't that of the next
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		if _ = response.Body.Close(); err != nil || n != pieces*64<<10 {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

func TestAClientThatTakesNothingLosesTheConnection(t *testing.T) {
	failed := make(chan error, 1)
	address := serveObjects(t, 100*time.Millisecond, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
				failed <- err
				return
			}
		}
	})
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Log(err)
	case <-time.After(20 * time.Second):
		t.Error("it is still waited for")
	}
}

// A gateway whose address fails doesn't go on as a page of metrics alone, nor
// the other way round.
func TestWhatIsServedTogetherEndsTogether(t *testing.T) {
	for broken := range 2 {
		var sites []server.Site
		for range 2 {
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			sites = append(sites, server.Site{Listener: listener, Handler: http.NotFoundHandler()})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := sites[broken].Listener.Close(); err != nil {
			t.Fatal(err)
		}
		if err := server.ServeAll(ctx, time.Second, sites...); !errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			t.Errorf("site %d fails: %v, %v", broken, err, ctx.Err())
		}
		cancel()
	}
}
