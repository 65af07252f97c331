package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/grants"
)

// How callers are authenticated, beside what package callers says.
const (
	byNothing = "anonymous"
	byKey     = "api-key:" // and the key's id
)

type callerKey struct{}

// callerFrom returns who is calling. Operations that are not public always
// have a caller; the zero caller is denied everything.
func callerFrom(ctx context.Context) callers.Caller {
	caller, _ := ctx.Value(callerKey{}).(callers.Caller)
	return caller
}

// principalOf is a caller as policies see it.
func principalOf(caller callers.Caller) access.Principal {
	if caller.Authenticated == byNothing {
		return access.Principal{Kind: access.Anonymous}
	}
	principal := access.Principal{Kind: access.Person, Subject: caller.Subject, Groups: caller.Groups, Tenant: caller.Tenant, Scopes: caller.Scopes}
	if caller.Kind == callers.Machine {
		principal.Kind = access.Machine
	}
	return principal
}

// authenticate demands credentials for every operation that isn't marked public.
func (s *Server) authenticate(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := humaecho.Unwrap(ctx)
		ctx = huma.WithValue(huma.WithValue(ctx, addressKey{}, c.RealIP()), hostKey{}, c.Request().Host)
		if link, err := grants.ParseSecret(ctx.Header(linkHeader)); err == nil {
			ctx = huma.WithValue(ctx, linkKey{}, link.Holder())
		}
		if isPublic, _ := ctx.Operation().Metadata[publicName].(bool); isPublic {
			next(ctx)
			return
		}
		caller, err := s.caller(ctx.Context(), ctx.Header(echo.HeaderAuthorization))
		if err != nil {
			document := problemFor(ctx.Context(), err)
			if document.Status == http.StatusUnauthorized {
				ctx.SetHeader("WWW-Authenticate", `Bearer realm="signgate"`) // RFC 6750, section 3
			}
			_ = huma.WriteErr(api, ctx, document.Status, document.Detail) // a client that went away gets nothing
			return
		}
		c.Set(callerName, caller)
		next(huma.WithValue(ctx, callerKey{}, caller))
	}
}

// caller authenticates, or takes who brings nothing for anybody where that is
// allowed.
func (s *Server) caller(ctx context.Context, authorization string) (callers.Caller, error) {
	if _, signed := s.signer(ctx); authorization == "" && !signed && s.parts.Anonymous {
		return callers.Caller{Authenticated: byNothing}, nil
	}
	return s.identify(ctx, authorization)
}

// identify authenticates by what AWS has found out, or by the Authorization
// header. Whoever brings both is refused: nobody could say whom they mean.
func (s *Server) identify(ctx context.Context, authorization string) (callers.Caller, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	isBearer := strings.EqualFold(scheme, "Bearer")
	if identity, signed := s.signer(ctx); signed {
		if isBearer {
			return callers.Caller{}, fmt.Errorf("%w: it comes with a token as well", callers.ErrIdentity)
		}
		return s.parts.AWSCallers.Authenticate(identity)
	}
	if !isBearer || token == "" {
		return callers.Caller{}, callers.ErrToken
	}
	return s.parts.Callers.Authenticate(ctx, token)
}

// signer is whom the front door has authenticated, where such callers are taken.
func (s *Server) signer(ctx context.Context) (callers.IAMIdentity, bool) {
	if s.parts.AWSCallers == nil {
		return callers.IAMIdentity{}, false
	}
	return callers.IAMFrom(ctx)
}

// KeyVerifier says what is kept of a key that is shown, if it holds.
type KeyVerifier interface {
	Verify(ctx context.Context, text string) (apikeys.Key, error)
}

// Bearers authenticates by what follows "Bearer": an API key or an access
// token, which the key's prefix tells apart. Either may be nil: then none are
// accepted.
type Bearers struct {
	Tokens Authenticator
	Keys   KeyVerifier
}

// Authenticate says who holds a key or a token. The error wraps
// callers.ErrToken, apikeys.ErrRefused or apikeys.ErrUnavailable.
func (b Bearers) Authenticate(ctx context.Context, bearer string) (callers.Caller, error) {
	if strings.HasPrefix(bearer, apikeys.Prefix) {
		return b.byKey(ctx, bearer)
	}
	if b.Tokens == nil {
		return callers.Caller{}, fmt.Errorf("%w: no issuer is known here", callers.ErrToken)
	}
	return b.Tokens.Authenticate(ctx, bearer)
}

func (b Bearers) byKey(ctx context.Context, text string) (callers.Caller, error) {
	if b.Keys == nil {
		return callers.Caller{}, fmt.Errorf("%w: none are known here", apikeys.ErrRefused)
	}
	key, err := b.Keys.Verify(ctx, text)
	if err != nil {
		return callers.Caller{}, err
	}
	return callers.Caller{
		Kind: callers.Machine, Subject: callers.KeyPrefix + key.Machine, Authenticated: byKey + key.ID,
		Groups: key.Groups, Tenant: key.Tenant, Scopes: key.Scopes,
	}, nil
}
