package server_test

import (
	"bufio"
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

// Behind a load balancer the gateway must not be the first to give up a
// connection.
func TestAConnectionIsKeptForAsLongAsItsSiteSays(t *testing.T) {
	var sites []server.Site
	for _, keptAlive := range []time.Duration{50 * time.Millisecond, time.Minute, 0} {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sites = append(sites, server.Site{Listener: listener, Handler: http.NotFoundHandler(), KeepAlive: keptAlive})
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.ServeAll(ctx, time.Millisecond, sites...) }()
	defer func() {
		cancel()
		t.Log(<-ended)
	}()
	var connections []net.Conn
	for _, site := range sites {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", site.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		connections = append(connections, connection)
		if answered := ask(t, connection); answered != http.StatusNotFound {
			t.Fatalf("it answers %d", answered)
		}
	}
	if err := connections[0].SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := connections[0].Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("it is kept longer: %v", err)
	}
	for _, kept := range connections[1:] {
		if answered := ask(t, kept); answered != http.StatusNotFound {
			t.Errorf("it answers %d", answered)
		}
	}
}

// ask sends a request on a connection and returns the status of its answer, 0
// where there is none.
func ask(t *testing.T, connection net.Conn) int {
	t.Helper()
	if _, err := io.WriteString(connection, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return 0
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return 0
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Error(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
