package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/signedurl"
)

// Verifier decides about a URL as the viewer sent it. *signedurl.Verifier is
// one.
type Verifier interface {
	Verify(viewer signedurl.Viewer) (*signedurl.Verified, error)
}

// Config is what an edge needs.
type Config struct {
	Origin   Origin
	Verifier Verifier
	Log      *slog.Logger
	Now      func() time.Time
}

// Edge serves one distribution with one behaviour: signed requests only, GET,
// HEAD and OPTIONS.
type Edge struct {
	verifier Verifier
	proxy    *httputil.ReverseProxy
	log      *slog.Logger
}

// New makes an edge. It fails where a part is missing: an edge without a
// verifier would be an open bucket.
func New(config Config) (*Edge, error) {
	if config.Verifier == nil || config.Log == nil || config.Now == nil {
		return nil, errors.New("edge: a verifier, a log and a clock are needed")
	}
	transport, err := newTransport(config.Origin, config.Now)
	if err != nil {
		return nil, err
	}
	edge := &Edge{verifier: config.Verifier, log: config.Log}
	edge.proxy = &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { toOrigin(r, transport.bucket) },
		Transport:      transport,
		ModifyResponse: fromOrigin,
		ErrorHandler:   edge.originFailed,
		ErrorLog:       slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
	}
	return edge, nil
}

// ServeHTTP answers one viewer.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method) {
		e.refuse(w, r, methodNotAllowed, "the method is not one of the behaviour's")
		return
	}
	verified, err := e.verifier.Verify(viewer(r))
	if err != nil {
		e.refuse(w, r, bodyFor(err), err.Error())
		return
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	key, err := objectkey.FromPath(path)
	if err != nil {
		// No object can have this key: the origin would answer as for a missing one.
		e.refuse(w, r, missingObject, err.Error())
		return
	}
	e.log.InfoContext(r.Context(), "served", "method", r.Method, "key", key.String(), "issue", verified.IssueID, "keyId", verified.KeyID)
	e.proxy.ServeHTTP(w, r.WithContext(withKey(r.Context(), key)))
}

// viewer is the request as it was sent: the URL from the raw bytes of the
// request line and the Host header, the address from the connection.
func viewer(r *http.Request) signedurl.Viewer {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	address, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address fits no range
	return signedurl.Viewer{URL: scheme + "://" + r.Host + r.RequestURI, Cookies: r.Cookies(), Address: address.Addr()}
}

func (e *Edge) refuse(w http.ResponseWriter, r *http.Request, answer refusal, reason string) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	e.log.InfoContext(r.Context(), "refused", "method", r.Method, "path", path, "code", answer.code, "reason", reason)
	answer.write(w)
}

func (e *Edge) originFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the viewer went away
	}
	e.log.ErrorContext(r.Context(), "the origin failed", "error", fmt.Sprint(err))
	originUnreachable.write(w)
}
