package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/problem"
)

const maxRequestIDBytes = 64

type requestIDKey struct{}

func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// requestID gives every request an id: the caller's own X-Request-Id where it
// can't do harm in a log, else a new one.
func (s *Server) requestID() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			id := c.Request().Header.Get(echo.HeaderXRequestID)
			if !isRequestID(id) {
				id = s.parts.NewID()
			}
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			ctx := context.WithValue(c.Request().Context(), requestIDKey{}, id)
			log := s.parts.Log.With("requestId", id)
			if traceID := traceIDOf(ctx); traceID != "" {
				log = log.With("traceId", traceID)
			}
			ctx = context.WithValue(ctx, logKey{}, log)
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

func isRequestID(id string) bool {
	return id != "" && len(id) <= maxRequestIDBytes && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' && r != '='
	})
}

// accessLog writes one line a request. It names the route, not the URL: a
// query could hold anything.
func (s *Server) accessLog() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			begin := s.parts.Now()
			if err := next(c); err != nil {
				c.Error(err) // answered here, so that the status is known
			}
			ctx := c.Request().Context()
			caller, _ := c.Get(callerName).(callers.Caller)
			logFrom(ctx).InfoContext(ctx, "request",
				"method", c.Request().Method, "route", c.Path(), "status", c.Response().Status,
				"principal", caller.Subject, "address", c.RealIP(), "duration", s.parts.Now().Sub(begin))
			return nil
		}
	}
}

func (s *Server) recoverPanics() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			ctx := c.Request().Context()
			logFrom(ctx).ErrorContext(ctx, "panic", "error", err, "stack", string(stack))
			return problem.New(problem.Internal, "")
		},
	})
}

// securityHeaders keeps answers, which may hold signed URLs, out of caches,
// referrers and frames. Whoever can't be answered now is told to come back.
func securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		c.Response().Before(func() {
			if c.Response().Status == http.StatusServiceUnavailable {
				header.Set(echo.HeaderRetryAfter, "1")
			}
		})
		return next(c)
	}
}

// requestTime is how long anything else may take: what AWS or an application
// hasn't answered by then is not there now, and that answer still leaves within
// writeTimeout.
const requestTime = 27 * time.Second

// completionTime is how long a completion may take: S3 puts parts together
// and copies what was verified, which takes longer the larger the object is.
const completionTime = 10 * time.Minute

// patient gives completions their time; all other answers are due sooner.
func (s *Server) patient(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		longest := cmp.Or(s.parts.RequestTime, requestTime)
		if route := c.Path(); strings.HasSuffix(route, "/complete") || route == capabilityPath+":capability"+callPath {
			// Where the connection knows no deadlines there is none to move.
			_ = http.NewResponseController(c.Response()).SetWriteDeadline(s.parts.Now().Add(completionTime))
			longest = completionTime
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), longest)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// clientAddress finds where a request comes from: the connection's other end,
// or, where that is a trusted proxy, what it and those before it say.
// X-Forwarded-For is anybody's to write.
func clientAddress(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: prefix.Masked().Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// cors lets the pages of the configured origins call.
func (s *Server) cors() echo.MiddlewareFunc {
	if len(s.parts.Origins) == 0 {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	return middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins: s.parts.Origins,
		AllowMethods: []string{http.MethodGet, http.MethodPost, http.MethodDelete},
		// So that a page may keep signed cookies. It gives a page nothing more:
		// the gateway takes no cookie for a credential.
		AllowCredentials: true,
		// The last two are ActiveStorage's.
		AllowHeaders:  []string{linkHeader, echo.HeaderAuthorization, echo.HeaderContentType, echo.HeaderXRequestID, echo.HeaderXRequestedWith, "X-CSRF-Token"},
		ExposeHeaders: []string{echo.HeaderXRequestID},
		MaxAge:        int(time.Hour / time.Second),
	})
}

// linkHeader brings the secret of a link. One that isn't any gives nothing.
const linkHeader = "X-Signgate-Link"

// callerName is where Echo's context keeps the caller for the access log.
const callerName = "caller"

type addressKey struct{}

func addressFrom(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

type hostKey struct{}

// hostFrom returns the name under which the gateway was called, without a
// port.
func hostFrom(ctx context.Context) string {
	host, _ := ctx.Value(hostKey{}).(string)
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// wholeBody reads the body before huma does, which would call one that breaks
// off a fault of the server's. It reads one byte beyond the limit, so that
// huma notices.
func (s *Server) wholeBody(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		request := humaecho.Unwrap(ctx).Request()
		body, err := io.ReadAll(io.LimitReader(request.Body, s.parts.Limits.MaxBodyBytes+1))
		if err != nil {
			kind, detail := problem.MalformedRequest, "The body ended early, or its encoding is broken."
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				kind, detail = problem.Timeout, "The body took too long to arrive."
			}
			_ = huma.WriteErr(api, ctx, kind.Status, detail) // a client that went away gets nothing
			return
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		next(ctx)
	}
}
