package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/telemetry"
)

// Environment is what settings can't say.
type Environment struct {
	Credentials aws.CredentialsProvider // of the role that the gateway runs under
	Stdout      io.Writer               // for the audit trail where the settings say so
	Log         *slog.Logger
	Now         func() time.Time
	Build       Build
	Telemetry   *telemetry.Telemetry // nil: nothing is measured
	Frozen      bool                 // the process stands still between requests: what is done again and again is done by CatchUp

	aws aws.HTTPClient // calls AWS; nil for the SDK's own client
}

// FromSettings makes every part that the settings describe and puts the
// server together. It opens everything once, so that a gateway that starts
// can work: unreadable keys or policies, an issuer that doesn't answer or
// missing credentials stop it. The returned function closes what was opened.
func FromSettings(ctx context.Context, gateway settings.Gateway, env Environment) (*Server, func() error, error) {
	if err := gateway.Validate(); err != nil {
		return nil, nil, err
	}
	env.traceAWS()
	w := &wiring{gateway: gateway, env: env, parts: Parts{
		Limits: limits(gateway), Origins: gateway.AllowedOrigins, TrustedProxies: prefixes(gateway.TrustedProxies),
		Bucket: gateway.Bucket, Region: gateway.Region, PublicURL: strings.TrimSuffix(gateway.PublicURL, "/"),
		Anonymous: gateway.Anonymous, CookieSameSite: sameSite(gateway.CookieSameSite),
		Build: env.Build, Log: env.Log, Now: env.Now, NewID: rand.Text,
	}}
	for _, step := range []func(context.Context) error{w.askOthers, w.keys, w.decisions, w.s3, w.callers, w.trail, w.follow} {
		if err := step(ctx); err != nil {
			return nil, nil, errors.Join(err, w.close())
		}
	}
	w.telemetry()
	server, err := New(w.parts) //nolint:contextcheck // the server outlives this context; requests bring their own
	if err != nil {
		return nil, nil, errors.Join(err, w.close())
	}
	w.watch(server) //nolint:contextcheck // outlives this context
	server.chores = newChores(env.Now, w.chores)
	return server, w.close, nil
}

// wiring is a server on its way.
type wiring struct {
	gateway settings.Gateway
	env     Environment
	live    *liveKeys

	presigner *presign.Presigner
	tokens    *callers.OIDC // nil: no issuer
	hook      DecisionHook  // nil: no application

	parts   Parts
	closers []func() error // in the order in which they are to be called
	chores  []chore        // of a process that stands still between requests
}

// repeat has something done again and again.
func (w *wiring) repeat(c chore) {
	if w.env.Frozen {
		w.chores = append(w.chores, c)
		return
	}
	w.closers = append(w.closers, repeating(c))
}

func (w *wiring) close() error {
	failures := make([]error, len(w.closers))
	for n, closer := range w.closers {
		failures[n] = closer()
	}
	return errors.Join(failures...)
}

func (w *wiring) check(name string, run func(context.Context) error) {
	w.parts.Checks = append(w.parts.Checks, Check{name, run})
}

// askOthers gets what others have to say before anything can start, side by
// side: a function's first request waits for the slowest of them, not for all.
func (w *wiring) askOthers(ctx context.Context) error {
	var failures [4]error
	var all sync.WaitGroup
	all.Go(func() { w.live, failures[0] = newLiveKeys(ctx, w.gateway.Signing, w.env) })
	all.Go(func() { w.presigner, failures[1] = newPresigner(ctx, w.gateway, w.env) })
	all.Go(func() { w.tokens, failures[2] = newTokens(ctx, w.gateway, w.env) })
	all.Go(func() { w.hook, failures[3] = newDecisionHook(ctx, w.gateway, w.env) })
	all.Wait()
	return cmp.Or(failures[:]...)
}

// keys hands the server what signs, verifies and seals.
func (w *wiring) keys(context.Context) error {
	live := w.live
	w.parts.Signer, w.parts.Verifier, w.parts.StableKey, w.parts.Sealer = live.signer, live, live.stableKey, live
	w.check(metrics.CheckKeys, live.ready)
	return nil
}

// decisions loads policies and rules and opens what is shared.
func (w *wiring) decisions(context.Context) error {
	layout, err := access.ParseLayout(w.gateway.KeyLayout)
	if err != nil {
		return fmt.Errorf("key-layout: %w", err)
	}
	authorizer, err := access.NewReloading(os.DirFS(w.gateway.Policies), layout)
	if err != nil {
		return fmt.Errorf("policies: %s: %w", w.gateway.Policies, err)
	}
	w.repeat(refreshing(authorizer, w.gateway.PolicyRefresh, w.env.Log)) //nolint:contextcheck // outlives this context
	if w.parts.Rules, w.parts.Quarantine, err = uploadRules(w.gateway); err != nil {
		return err
	}
	shares, closeShares, err := openGrants(w.gateway, w.env)
	if err != nil {
		return err
	}
	w.parts.DecisionHook = w.hook
	w.parts.HookInstead = w.parts.DecisionHook != nil && w.gateway.DecisionHookMode == settings.HookInstead
	w.parts.Access, w.parts.Grants, w.closers = authorizer, shares, append(w.closers, closeShares)
	w.check(metrics.CheckPolicies, func(context.Context) error { return havePolicies(authorizer) })
	w.check(metrics.CheckGrants, func(ctx context.Context) error { return canFind(ctx, shares, w.env.Now) })
	return nil
}

// s3 makes what carries uploads to their end.
func (w *wiring) s3(context.Context) error {
	var err error
	if w.parts.Credentials, err = newRoleCredentials(w.gateway, w.env); err != nil {
		return err
	}
	w.parts.Presigner, w.parts.Uploads, w.parts.Listing = w.presigner, newUploads(w.gateway, w.env), newListing(w.gateway, w.env)
	w.check(metrics.CheckCredentials, w.presigner.Ready)
	return nil
}

// trail opens the audit trail, the last of all: it signs its end when it is
// closed.
func (w *wiring) trail(context.Context) error {
	trail, closeTrail, err := openTrail(w.gateway, w.live.active(), w.env) //nolint:contextcheck // outlives this context
	if err != nil {
		return err
	}
	if w.env.Frozen {
		w.repeat(checkpoints(trail, w.gateway.AuditCheckpointInterval, w.env.Log)) //nolint:contextcheck // outlives this context
	} else {
		trail.Start(w.gateway.AuditCheckpointInterval) //nolint:contextcheck // until the trail is closed
	}
	w.parts.Audit, w.closers = trail, append(w.closers, closeTrail)
	w.live.onActive = trail.SignWith
	w.check(metrics.CheckAudit, trail.Ready)
	return nil
}

// follow has changed signing keys taken over from now on.
func (w *wiring) follow(context.Context) error {
	w.repeat(chore{w.gateway.SigningRefresh, w.live.refresh}) //nolint:contextcheck // outlives this context
	return nil
}
