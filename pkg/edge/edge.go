package edge

import (
	"crypto"
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

// ReasonHeader says why the edge refused, and that a behaviour is unsigned.
// CloudFront has no such header; it never holds a signature.
const ReasonHeader = "X-Signgate-Reason"

// Config is what an edge needs.
type Config struct {
	Origin    Origin
	Behaviors []Behavior                  // in order; the last one's pattern is "*"
	Keys      map[string]crypto.PublicKey // those that key groups name, by id
	Log       *slog.Logger
	Now       func() time.Time
}

// Edge serves one distribution.
type Edge struct {
	behaviors []*behavior
	transport *transport
	cache     *cache
	log       *slog.Logger
	now       func() time.Time
}

// behavior is a Behavior that is ready to serve.
type behavior struct {
	Behavior
	verifier *signedurl.Verifier // nil where it is unsigned
}

func (b *behavior) pattern() string { return b.PathPattern }

// New makes an edge. It fails where a part is missing or a behaviour can't be
// meant: an edge that doesn't verify would be an open bucket.
func New(config Config) (*Edge, error) {
	if config.Log == nil || config.Now == nil {
		return nil, errors.New("edge: a log and a clock are needed")
	}
	if len(config.Behaviors) == 0 || config.Behaviors[len(config.Behaviors)-1].PathPattern != "*" {
		return nil, errors.New(`edge: the last behaviour must be the default one, "*"`)
	}
	transport, err := newTransport(config.Origin, config.Now)
	if err != nil {
		return nil, err
	}
	edge := &Edge{transport: transport, cache: newCache(), log: config.Log, now: config.Now}
	for _, described := range config.Behaviors {
		ready, err := newBehavior(described, config)
		if err != nil {
			return nil, fmt.Errorf("edge: %w", err)
		}
		edge.behaviors = append(edge.behaviors, ready)
	}
	return edge, nil
}

func newBehavior(described Behavior, config Config) (*behavior, error) {
	if err := described.Validate(); err != nil {
		return nil, err
	}
	ready := &behavior{Behavior: described}
	if described.Unsigned {
		return ready, nil
	}
	group := map[string]crypto.PublicKey{}
	for _, id := range described.KeyGroup {
		key, ok := config.Keys[id]
		if !ok {
			return nil, fmt.Errorf("the key group of %s names %s, which isn't there", described.PathPattern, id)
		}
		group[id] = key
	}
	var err error
	ready.verifier, err = signedurl.NewVerifier(group, config.Now)
	return ready, err
}

// ServeHTTP answers one viewer: length, behaviour, signature, method, then the object.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := viewer(r)
	if len(from.URL) > signedurl.MaxURLBytes {
		w.Header().Set("Connection", "close")
		e.refuse(w, r, tooLarge, fmt.Sprintf("the URL has %d bytes, and CloudFront takes %d", len(from.URL), signedurl.MaxURLBytes))
		return
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	behavior, err := choose(e.behaviors, path)
	if err != nil {
		e.refuse(w, r, accessDenied, err.Error())
		return
	}
	if !slices.Contains(behavior.Methods, r.Method) {
		e.refuse(w, r, methodNotAllowed, "the method is not one of the behaviour's")
		return
	}
	issueID, err := behavior.verify(w, from)
	if err != nil {
		e.refuse(w, r, bodyFor(err), err.Error())
		return
	}
	key, err := objectkey.FromPath(path)
	if err != nil {
		// No object can have this key: the origin would answer as for a missing one.
		e.refuse(w, r, missingObject, err.Error())
		return
	}
	e.log.InfoContext(r.Context(), "served", "method", r.Method, "key", signedurl.Redact(key.String()), "issue", issueID, "behaviour", behavior.PathPattern)
	parameters := named(query, behavior.CacheKey)
	if behavior.Compress {
		compressor := newCompressor(w, r)
		defer func() { _ = compressor.Close() }() // a viewer that went away gets nothing
		w = compressor
	}
	e.serve(w, r, asked{behavior: behavior, key: key, parameters: parameters, cacheKey: cacheKey(key.Path(), parameters)})
}

// verify checks the signature where the behaviour demands one, and makes it
// visible where it doesn't.
func (b *behavior) verify(w http.ResponseWriter, from signedurl.Viewer) (issueID string, err error) {
	if b.verifier == nil {
		w.Header().Set(ReasonHeader, "unsigned behaviour "+b.PathPattern)
		return "", nil
	}
	verified, err := b.verifier.Verify(from)
	if err != nil {
		return "", err
	}
	return verified.IssueID, nil
}

// asked is one accepted request for an object.
type asked struct {
	behavior   *behavior
	key        objectkey.Key
	parameters []string // those that reach the origin
	cacheKey   string
}

// serve answers from the cache, or from the origin.
func (e *Edge) serve(w http.ResponseWriter, r *http.Request, asked asked) {
	known, ok := e.cache.get(asked.cacheKey)
	if ok && r.Method != http.MethodOptions && known.fresh(e.now()) {
		e.fromCache(w, r, asked, known, "Hit from cloudfront")
		return
	}
	if ok && r.Method != http.MethodOptions && known.header.Get("ETag") != "" {
		if e.refresh(r, asked, known) {
			e.fromCache(w, r, asked, known, "RefreshHit from cloudfront")
			return
		}
		e.cache.remove(asked.cacheKey)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(out *httputil.ProxyRequest) { toOrigin(out, e.transport.bucket, asked) },
		Transport:      e.transport,
		ModifyResponse: func(response *http.Response) error { return e.fromOrigin(response, r, asked) },
		ErrorHandler:   e.originFailed,
		ErrorLog:       slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	proxy.ServeHTTP(w, r)
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
	e.log.InfoContext(r.Context(), "refused", "method", r.Method, "path", loggable(r.RequestURI), "code", answer.code, "reason", reason)
	w.Header().Set(ReasonHeader, headerText(reason))
	answer.write(w)
}

// loggable is the path of a request without its query; nothing of one that
// has got its query into the path, as badly joined or encoded URLs do.
func loggable(requestURI string) string {
	path, _, _ := strings.Cut(requestURI, "?")
	for _, reserved := range signedurl.ReservedParams() {
		if strings.Contains(strings.ToLower(path), strings.ToLower(reserved)) {
			return "withheld: it holds CloudFront's parameters"
		}
	}
	return signedurl.Redact(path)
}

// headerText keeps what came from a viewer from becoming another header.
func headerText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '_'
		}
		return r
	}, text)
}

func (e *Edge) originFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the viewer went away
	}
	e.log.ErrorContext(r.Context(), "the origin failed", "error", fmt.Sprint(err))
	originUnreachable.write(w)
}
