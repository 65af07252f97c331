package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/capability"
	"github.com/signgate/signgate/pkg/decisionhook"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/signedurl"
	"github.com/signgate/signgate/pkg/uploads"
)

// problemFor is the one place where errors become problems. What it doesn't
// know is an internal error, whose cause goes to the log and nowhere else.
func problemFor(ctx context.Context, err error) *problem.Document {
	if document, ok := errors.AsType[*problem.Document](err); ok {
		return document
	}
	if broken, ok := errors.AsType[*presign.UploadError](err); ok {
		return invalid(uploadPointer(broken.Field), broken.Reason)
	}
	if unfit, ok := errors.AsType[*rolecredentials.PrefixError](err); ok {
		return invalid("/prefix", unfit.Reason)
	}
	if mismatch, ok := errors.AsType[*uploads.MismatchError](err); ok {
		return problem.New(problem.InvalidRequest, "What was uploaded isn't what was announced, and was removed: "+mismatch.Error()+".")
	}
	for _, known := range []struct {
		err    error
		kind   problem.Kind
		detail string
	}{
		{callers.ErrToken, problem.Unauthenticated, "The access token is missing, expired, or not one that is accepted here."},
		{apikeys.ErrRefused, problem.Unauthenticated, "The API key is none, expired or revoked."},
		{apikeys.ErrUnavailable, problem.Unavailable, "API keys can't be looked up now. Try again."},
		{callers.ErrIdentity, problem.Unauthenticated, "Your AWS identity is none that is accepted here, or came with a token as well."},
		{presign.ErrCredentials, problem.Unavailable, "The gateway has no usable AWS credentials now. Try again."},
		{signedurl.ErrCookieDomain, problem.InvalidRequest, "Cookies of the gateway can't reach the CDN: both must be below one registrable domain. Use signed URLs, or give gateway and CDN names such as api.example.com and cdn.example.com."},
		{keyring.ErrUnavailable, problem.Unavailable, "The signing key can't be reached now. Try again."},
		{rolecredentials.ErrUnavailable, problem.Unavailable, "AWS gives the gateway no credentials for you now. Try again."},
		{signedurl.ErrTooLong, problem.InvalidRequest, "The signed URL would be longer than the 8,192 bytes that CloudFront takes. Shorten the key or prefix, the filename, the content type, the Cache-Control or the version; leave out notBefore and address, which make it longer by half."},
		{uploads.ErrGone, problem.NotFound, "There is no such upload any more: it was completed, aborted, or never begun."},
		{uploads.ErrExists, problem.Conflict, "There is an object under this key already."},
		{uploads.ErrConflict, problem.Conflict, "Another write to this key came between. Begin anew."},
		{uploads.ErrRefused, problem.InvalidRequest, "S3 refuses this: a part is missing, too small, or not what its checksum says."},
		{capability.ErrTooLong, problem.InvalidRequest, "The key, the prefix, the tags, the types or the caller's groups are too long together. Use shorter ones."},
		{listing.ErrUnavailable, problem.Unavailable, "S3 doesn't answer as it should. Try again."},
		{uploads.ErrUnavailable, problem.Unavailable, "S3 doesn't answer as it should. Try again."},
		{decisionhook.ErrUnavailable, problem.Unavailable, "What decides about this doesn't answer as it should. Try again."},
		{grants.ErrNotFound, problem.NotFound, "There is no such share, or it isn't yours to see."},
		{grants.ErrUnavailable, problem.Unavailable, "What is shared can't be looked up or changed now. Try again."},
		{audit.ErrNotRecorded, problem.Unavailable, "The audit trail can't be written, so nothing was issued. Try again."},
	} {
		if errors.Is(err, known.err) {
			logFrom(ctx).WarnContext(ctx, "refused", "code", known.kind.Code, "error", err)
			return problem.New(known.kind, known.detail)
		}
	}
	logFrom(ctx).ErrorContext(ctx, "internal error", "error", err)
	return problem.New(problem.Internal, "")
}

// echoError answers what the router itself refuses, and what went wrong
// before an operation was found.
func (s *Server) echoError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	ctx := c.Request().Context()
	var routed *echo.HTTPError
	var document *problem.Document
	switch {
	case errors.As(err, &routed) && routed.Code < http.StatusInternalServerError:
		document = problem.New(problem.ForStatus(routed.Code), "")
	default:
		document = problemFor(ctx, err)
	}
	s.instruments.problem(ctx, document.Code)
	whole := *document
	whole.RequestID = requestIDOf(ctx)
	c.Response().Header().Set(echo.HeaderContentType, problem.ContentType)
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(whole.Status)
		return
	}
	c.Response().WriteHeader(whole.Status)
	var body any = whole
	if strings.HasPrefix(c.Path(), capabilityPath) {
		// Uppy 5 shows message where there is one, else the address, which is a
		// capability.
		body = struct {
			problem.Document
			Message string `json:"message"`
		}{whole, whole.Error()}
	}
	if err := c.Echo().JSONSerializer.Serialize(c, body, ""); err != nil {
		s.parts.Log.DebugContext(ctx, "the client went away", "error", err)
	}
}

type logKey struct{}

// logFrom returns the request's logger, which knows the request's id.
func logFrom(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.New(slog.DiscardHandler)
}
