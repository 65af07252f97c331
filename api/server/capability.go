package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/problem"
)

// capabilityPath begins the addresses that carry their own permission. What
// follows stands in no log: those name the route.
const capabilityPath = "/u/"

// bySession is how a caller with nothing but such an address is authenticated.
const bySession = "upload-session"

// routeWidgets names the routes below an upload session, in the words of the
// widgets that call them, and the one for calls in S3's words.
func (s *Server) routeWidgets() {
	for _, route := range []struct {
		method, path string
		handle       func(*widget) error
	}{
		{http.MethodGet, "/s3/params", (*widget).companionForm},
		{http.MethodGet, "/s3/sts", (*widget).companionCredentials},
		{http.MethodPost, "/s3/multipart", (*widget).companionCreate},
		{http.MethodGet, "/s3/multipart/:uploadId", (*widget).companionList},
		{http.MethodGet, "/s3/multipart/:uploadId/batch", (*widget).companionSignMany},
		{http.MethodGet, "/s3/multipart/:uploadId/:partNumber", (*widget).companionSignOne},
		{http.MethodPost, "/s3/multipart/:uploadId/complete", (*widget).companionComplete},
		{http.MethodDelete, "/s3/multipart/:uploadId", (*widget).companionAbort},
		{http.MethodPost, "/direct_uploads", (*widget).activeStorage},
		{http.MethodGet, "/presign", (*widget).shrine},
	} {
		s.echo.Add(route.method, capabilityPath+":capability"+route.path, s.withSession(route.handle))
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		s.echo.Add(method, capabilityPath+":capability"+callPath, s.handleS3Call)
	}
}

// widget is one request below an upload session.
type widget struct {
	server  *Server
	echo    echo.Context
	issue   *issue
	session session
	expires time.Time // of the session
}

// withSession opens the address and speaks for the person who asked for it.
// What is denied on the way is recorded, whatever the handler returns.
func (s *Server) withSession(handle func(*widget) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		var opened session
		expires, err := s.parts.Sealer.Open(kindSession, c.Param("capability"), &opened)
		if err != nil {
			return errNoSession()
		}
		if opened.WithToken {
			caller, err := s.identify(c.Request().Context(), c.Request().Header.Get(echo.HeaderAuthorization))
			if err != nil {
				return err
			}
			if caller.Subject != opened.Person.Subject {
				return errNoSession()
			}
		}
		ctx := s.speakFor(c, opened.Person)
		w := &widget{server: s, echo: c, issue: s.newIssue(ctx), session: opened, expires: expires}
		if err := handle(w); err != nil {
			return errors.Join(err, w.issue.done())
		}
		return nil
	}
}

func errNoSession() error {
	return problem.New(problem.NotFound, "There is no such upload session, or it has expired. Ask for a new one.")
}

// speakFor makes a person the caller of a request that shows an address of
// theirs instead of a token.
func (s *Server) speakFor(c echo.Context, who person) context.Context {
	caller := callers.Caller{
		Kind: who.Kind, Subject: who.Subject, Authenticated: bySession, Groups: who.Groups, Tenant: who.Tenant, Scopes: who.Scopes,
	}
	c.Set(callerName, caller)
	ctx := context.WithValue(c.Request().Context(), callerKey{}, caller)
	if link, err := grants.ParseGrantee(who.Link); err == nil {
		ctx = context.WithValue(ctx, linkKey{}, link)
	}
	return context.WithValue(ctx, addressKey{}, c.RealIP())
}

// read takes a body of JSON. Members that the gateway doesn't know are left
// alone: other people's widgets may say more than it needs.
func (w *widget) read(into any) error {
	body, err := w.server.readAll(w.echo)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return problem.New(problem.MalformedRequest, "The body must be one JSON document in UTF-8 without duplicate members, as the widget's protocol has it.")
	}
	return nil
}

// readAll reads a whole body within the gateway's limit.
func (s *Server) readAll(c echo.Context) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, s.parts.Limits.MaxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, problem.New(problem.TooLarge, "")
	}
	if err != nil {
		return nil, problem.New(problem.MalformedRequest, "The body ended early, or its encoding is broken.")
	}
	return body, nil
}

// answer records what was issued, then lets it leave.
func (w *widget) answer(body any) error {
	if err := w.issue.done(); err != nil {
		return err
	}
	return w.echo.JSON(http.StatusOK, body)
}

// upload opens the upload that the path names: one of this session's prefix.
func (w *widget) upload() (opened, error) {
	upload, err := w.server.openUpload(w.issue, w.echo.Param("uploadId"))
	if err != nil {
		return opened{}, err
	}
	if upload.Prefix != w.session.Prefix || w.echo.QueryParam("key") != upload.Key {
		return opened{}, errNoUpload()
	}
	return upload, nil
}

// intent is a new object of the session.
func (w *widget) intent(method, filename, contentType string, metadata map[string]string) (intent, error) {
	if contentType == "" {
		contentType = unknownType
	}
	if err := w.session.allows(contentType); err != nil {
		return intent{}, err
	}
	key, err := w.session.newKey(w.server.parts.NewID(), filename)
	if err != nil {
		return intent{}, err
	}
	limits := w.server.parts.Limits
	asked := intent{
		method: method, maxLength: w.session.MaxBytes, unbounded: true, fresh: true, prefix: w.session.Prefix,
		life: limits.Upload.Default, sizePointer: "/size",
	}
	if method == byMultipart {
		asked.life = limits.OpenUpload.Default
	}
	asked.object.Key, asked.object.ContentType, asked.object.Metadata = key, contentType, plainMetadata(metadata)
	return asked, describe(asked.object)
}

// begin authorizes and mints, except where the widget could never complete.
func (w *widget) begin(asked intent) (begun, error) {
	if asked.method != byMultipart && !w.canComplete(asked) {
		return begun{}, problem.New(problem.InvalidRequest,
			"Objects here are verified before they come to their key, and this widget doesn't say when a file sent in one piece has arrived. Have it send parts.")
	}
	return w.server.beginUpload(w.issue, asked)
}

// canComplete says whether the object needs no completion, or the client gets
// the id to complete it with.
func (w *widget) canComplete(asked intent) bool {
	return asked.method == byPut || !w.server.parts.Rules.For(asked.object.Key).Verify
}

// plainMetadata keeps what S3 can keep: names of letters, digits and hyphens,
// values of visible ASCII, others as encoded words (RFC 2047), which is what
// S3 itself makes of them.
func plainMetadata(given map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range given {
		name = strings.ToLower(name)
		if isMetadataName(name) && strings.TrimSpace(value) != "" {
			kept[name] = encodedWord(value)
		}
	}
	return kept
}
