package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/signedurl"
)

// Parts are what the server is made of. Each is an interface or a function so
// that a test can stand in for it; all are needed.
type Parts struct {
	Callers   Authenticator
	Access    Authorizer
	Signer    URLSigner
	Presigner Presigner
	Audit     Recorder
	Checks    []Check // what /readyz asks
	Limits    Limits
	Origins   []string // of browser pages that may call; none allowed if empty
	Build     Build
	Log       *slog.Logger
	Now       func() time.Time
	NewID     func() string // issue ids and request ids: unguessable, letters and digits
}

// Authenticator says who holds a token; an error wraps callers.ErrToken.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (callers.Caller, error)
}

// Authorizer decides who may do what.
type Authorizer interface {
	Authorize(principal access.Principal, action access.Action, key objectkey.Key) access.Decision
}

// URLSigner makes signed URLs for reading.
type URLSigner interface {
	Sign(request signedurl.Request) (string, error)
	KeyID() string
}

// Presigner makes S3 requests for writing.
type Presigner interface {
	Put(ctx context.Context, upload presign.Upload, life time.Duration) (presign.Request, error)
	Delete(ctx context.Context, key objectkey.Key, life time.Duration) (presign.Request, error)
}

// Recorder keeps the audit trail; after an error nothing may leave.
type Recorder interface {
	Record(ctx context.Context, records ...audit.Record) error
}

// Server answers requests. Make one with New or FromSettings.
type Server struct {
	parts Parts
	echo  *echo.Echo
}

// New puts the server together.
func New(parts Parts) (*Server, error) {
	if parts.Callers == nil || parts.Access == nil || parts.Signer == nil || parts.Presigner == nil ||
		parts.Audit == nil || parts.Log == nil || parts.Now == nil || parts.NewID == nil {
		return nil, errors.New("server: a part is missing")
	}
	if err := parts.Limits.check(); err != nil {
		return nil, err
	}
	s := &Server{parts: parts, echo: echo.New()}
	s.use()
	api := s.newAPI()
	s.routes(api)
	if err := s.serveDocs(api); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

// use installs the middleware, outermost first.
func (s *Server) use() {
	s.echo.HTTPErrorHandler = s.echoError
	s.echo.IPExtractor = echo.ExtractIPDirect() // X-Forwarded-For is anybody's to write
	s.echo.Pre(keepKeyTogether)
	s.echo.Use(
		s.requestID(),
		s.accessLog(),
		s.recoverPanics(),
		securityHeaders,
		s.cors(),
	)
}

// routes names every operation of the interface.
func (s *Server) routes(api huma.API) {
	register(s, api, readURLsOperation(), s.readURLs)
	register(s, api, readOperation(), s.read)
	register(s, api, uploadOperation(), s.upload)
	register(s, api, deleteURLsOperation(), s.deleteURLs)
	register(s, api, public(liveOperation()), s.live)
	register(s, api, public(readyOperation()), s.ready)
	register(s, api, public(versionOperation()), s.version)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }
