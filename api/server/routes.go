package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/signedurl"
	"github.com/signgate/signgate/pkg/uploads"
)

// Parts are what the server is made of. Each is an interface or a function so
// that a test can stand in for it; all are needed.
type Parts struct {
	Callers   Authenticator // of those who bring a key or a token
	Access    Authorizer
	Signer    func(ctx context.Context) Signer // with the key that signs now; one for what belongs together
	Verifier  Explainer
	Presigner Presigner
	Audit     Recorder
	Checks    []Check // what /readyz asks
	Limits    Limits
	Origins   []string // of browser pages that may call; none allowed if empty

	Bucket     string
	Region     string // of the bucket
	PublicURL  string // where callers reach this server, without a closing slash
	Uploads    Uploads
	Sealer     Sealer // seals the ids of uploads and the addresses of sessions
	Rules      uploads.Rules
	Quarantine objectkey.Prefix // where bytes land that are to be verified; nobody reads or writes there by a decision

	Listing        Listing
	AWSCallers     AWSCallers      // nil: nobody is called by an AWS identity
	Grants         Grants          // nil: nothing is shared
	DecisionHook   DecisionHook    // nil: no application is asked
	HookInstead    bool            // the application decides what policies don't forbid, and shares nothing; otherwise it has to agree
	Credentials    RoleCredentials // nil: nobody gets any
	Anonymous      bool            // whether callers without a token may ask to read
	CookieSameSite http.SameSite   // of signed cookies
	StableKey      func() []byte   // keys the ids of stable URLs; the same in every process with the same keys
	TrustedProxies []netip.Prefix  // whose X-Forwarded-For is believed; none if empty

	RequestTime time.Duration // longest that anything but a completion may take; 0: as long as an answer can leave

	Telemetry Telemetry
	Build     Build
	Log       *slog.Logger
	Now       func() time.Time
	NewID     func() string // issue ids and request ids: unguessable, letters and digits
}

// Authenticator says who holds a token; an error wraps callers.ErrToken, or
// what Bearers says of keys.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (callers.Caller, error)
}

// AWSCallers says who is behind an AWS identity that the front door has
// authenticated; an error wraps callers.ErrIdentity.
type AWSCallers interface {
	Authenticate(identity callers.IAMIdentity) (callers.Caller, error)
}

// Authorizer decides who may do what.
type Authorizer interface {
	Authorize(principal access.Principal, action access.Action, key objectkey.Key, granted ...access.Action) access.Decision
	AuthorizePrefix(principal access.Principal, action access.Action, prefix objectkey.Prefix, granted ...access.Action) access.Decision
}

// Signer makes signed URLs and cookies for reading.
type Signer interface {
	Sign(request signedurl.Request) (string, error)
	SignPrefix(request signedurl.PrefixRequest) (signedurl.PrefixGrant, error)
	SignCookies(request signedurl.CookieRequest) ([]*http.Cookie, error)
	CookieDomain(host string) (string, error)
	KeyID() string
	URL() string
	Parallel() int // signatures that are worth asking for side by side
}

// Sealer seals state into tokens. capability.Sealer is one.
type Sealer interface {
	Seal(kind string, state any, expires time.Time) (string, error)
	Open(kind, token string, state any) (time.Time, error)
}

// Explainer says of each check of a signed URL how it goes.
type Explainer interface {
	Explain(viewer signedurl.Viewer) signedurl.Explanation
}

// Presigner makes S3 requests for writing.
type Presigner interface {
	Get(ctx context.Context, key objectkey.Key, set overrides.Set, life time.Duration) (presign.Request, error)
	Put(ctx context.Context, upload presign.Upload, life time.Duration) (presign.Request, error)
	Form(ctx context.Context, form presign.Form, life time.Duration) (presign.FormRequest, error)
	Parts(ctx context.Context, key objectkey.Key, uploadID string, parts []presign.Part, life time.Duration) ([]presign.Request, error)
	Delete(ctx context.Context, key objectkey.Key, life time.Duration) (presign.Request, error)
	Address(key objectkey.Key) string
}

// Uploads carries out on S3 what no presigned request should.
type Uploads interface {
	Create(ctx context.Context, object presign.Upload, algorithm uploads.Algorithm) (string, error)
	Parts(ctx context.Context, key objectkey.Key, s3ID string) ([]uploads.Part, error)
	Complete(ctx context.Context, upload uploads.Upload, parts []uploads.Part, size int64) (uploads.Object, error)
	Abort(ctx context.Context, key objectkey.Key, s3ID string) error
	Inspect(ctx context.Context, key objectkey.Key) (uploads.Object, error)
	Promote(ctx context.Context, from uploads.Object, to objectkey.Key, tags map[string]string, overwrite bool) (uploads.Object, error)
	Remove(ctx context.Context, key objectkey.Key) error
}

// RoleCredentials makes AWS credentials that upload below one prefix.
type RoleCredentials interface {
	ForPrefix(ctx context.Context, request rolecredentials.Request) (rolecredentials.Credentials, error)
}

// Listing reads the names in the bucket, whoever's they are.
type Listing interface {
	Page(ctx context.Context, question listing.Question) (listing.Page, error)
}

// Grants keeps what is shared; an error is a no to nobody and a yes to nobody.
type Grants interface {
	Create(ctx context.Context, grant grants.Grant) error
	Get(ctx context.Context, id string) (grants.Grant, error)
	Delete(ctx context.Context, id string) error
	Find(ctx context.Context, now time.Time, resources []string, grantees []grants.Grantee) ([]grants.Grant, error)
	OnResource(ctx context.Context, resource, cursor string, limit int) (grants.Page, error)
	ForGrantee(ctx context.Context, grantee grants.Grantee, cursor string, limit int) (grants.Page, error)
	Use(ctx context.Context, id string, now time.Time) error
}

// Recorder keeps the audit trail; after an error nothing may leave.
type Recorder interface {
	Record(ctx context.Context, records ...audit.Record) error
}

// Server answers requests. Make one with New or FromSettings.
type Server struct {
	parts  Parts
	echo   *echo.Echo
	chores *chores // of FromSettings; nil: none

	instruments *instruments
	paths       []string // of all routes
}

// New puts the server together.
func New(parts Parts) (*Server, error) {
	if parts.Callers == nil || parts.Access == nil || parts.Signer == nil || parts.Verifier == nil || parts.Presigner == nil ||
		parts.Uploads == nil || parts.Listing == nil || parts.Sealer == nil || parts.Quarantine.IsZero() || parts.PublicURL == "" || parts.Audit == nil || parts.Log == nil || parts.Now == nil || parts.NewID == nil || parts.StableKey == nil {
		return nil, errors.New("server: a part is missing")
	}
	if err := parts.Limits.check(); err != nil {
		return nil, err
	}
	parts.Audit = lateTrail{parts.Audit}
	s := &Server{parts: parts, echo: echo.New()}
	if err := s.measure(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s.use()
	api := s.newAPI()
	s.routes(api)
	s.routeWidgets()
	if err := s.serveDocs(api); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	for _, route := range s.echo.Routes() {
		s.paths = append(s.paths, route.Path)
	}
	return s, nil
}

// use installs the middleware, outermost first.
func (s *Server) use() {
	s.echo.HTTPErrorHandler = s.echoError
	s.echo.IPExtractor = clientAddress(s.parts.TrustedProxies)
	s.echo.Pre(keepKeyTogether)
	if s.parts.Telemetry.Tracer != nil || s.instruments != nil {
		s.echo.Use(s.observe)
	}
	s.echo.Use(
		s.requestID(),
		s.accessLog(),
		s.recoverPanics(),
		securityHeaders,
		s.patient,
		s.cors(),
	)
}

// routes names every operation of the interface.
func (s *Server) routes(api huma.API) {
	register(s, api, readURLsOperation(), s.readURLs)
	register(s, api, readOperation(), s.read)
	register(s, api, readPrefixOperation(), s.readPrefix)
	register(s, api, readCookiesOperation(), s.readCookies)
	register(s, api, explainOperation(), s.explain)
	register(s, api, uploadOperation(), s.upload)
	register(s, api, signPartsOperation(), s.signPartURLs)
	register(s, api, listPartsOperation(), s.listUploadedParts)
	register(s, api, completeOperation(), s.complete)
	register(s, api, abortOperation(), s.abort)
	register(s, api, signOperation(), s.sign)
	register(s, api, sessionOperation(), s.createSession)
	register(s, api, credentialsOperation(), s.createCredentials)
	register(s, api, decideOperation(), s.explainDecision)
	register(s, api, listObjectsOperation(), s.listObjects)
	register(s, api, createGrantOperation(), s.createGrant)
	register(s, api, getGrantOperation(), s.getGrant)
	register(s, api, deleteGrantOperation(), s.deleteGrant)
	register(s, api, sharedWithMeOperation(), s.sharedWithMe)
	register(s, api, accessOperation(), s.listAccess)
	register(s, api, deleteURLsOperation(), s.deleteURLs)
	register(s, api, public(liveOperation()), s.live)
	register(s, api, public(readyOperation()), s.ready)
	register(s, api, public(versionOperation()), s.version)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }
