package server

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Limits on a connection. Requests and answers are small: no bytes of objects
// pass through, but for ServeObjects.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// Serve answers on the listener until ctx ends, then gives running requests
// the grace to end.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration) error {
	return serve(ctx, listener, handler, grace, writeTimeout, idleTimeout)
}

// Site is something that is served at an address.
type Site struct {
	Listener net.Listener
	Handler  http.Handler
	// KeepAlive is how long a connection stays open on which nothing is asked;
	// 0: two minutes.
	KeepAlive time.Duration
}

// ServeAll is Serve for several sites. Where one fails all end: nobody would
// notice a process of which only a part still answers.
func ServeAll(ctx context.Context, grace time.Duration, sites ...Site) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	failures := make([]error, len(sites))
	var all sync.WaitGroup
	for n, site := range sites {
		all.Go(func() {
			defer end()
			failures[n] = serve(ctx, site.Listener, site.Handler, grace, writeTimeout, cmp.Or(site.KeepAlive, idleTimeout))
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

// Stall is how long a client of ServeObjects may take nothing.
const Stall = writeTimeout

// ServeObjects is Serve for what passes the bytes of objects, as the local
// edge does: an answer may take any time as long as the client takes more of
// it. A client that takes nothing for as long as stall loses the connection.
func ServeObjects(ctx context.Context, listener net.Listener, handler http.Handler, grace, stall time.Duration, now func() time.Time) error {
	moving := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(&mover{ResponseWriter: w, stall: stall, now: now}, r)
	})
	return serve(ctx, listener, moving, grace, stall, idleTimeout)
}

// mover gives every piece of an answer a time limit of its own.
type mover struct {
	http.ResponseWriter
	stall time.Duration
	now   func() time.Time
}

// Write moves the limit before it writes.
func (m *mover) Write(p []byte) (int, error) {
	// Where the connection knows no deadlines there is none to move.
	_ = http.NewResponseController(m.ResponseWriter).SetWriteDeadline(m.now().Add(m.stall))
	return m.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (m *mover) Unwrap() http.ResponseWriter { return m.ResponseWriter }

func serve(ctx context.Context, listener net.Listener, handler http.Handler, grace, write, idle time.Duration) error {
	web := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      write,
		IdleTimeout:       idle,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := web.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, web.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// CurrentBuild reads what the Go tool wrote into the binary.
func CurrentBuild() Build {
	build := Build{Version: "(devel)", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	if info.Main.Version != "" {
		build.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			build.Commit = setting.Value
		}
	}
	return build
}
