package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/decisionhook"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/settings"
)

// hookTime bounds how long one request asks the application altogether, so
// that its answer still leaves within Stall.
const hookTime = 20 * time.Second

// hookSecretTime bounds how long Secrets Manager is asked at the start, with
// all retries.
const hookSecretTime = 5 * time.Second

// shareOfTurns is the part of all questions at a time, to the application or to
// a key elsewhere, that one request may ask: a fourth, so that a batch doesn't
// keep everybody else waiting.
const shareOfTurns = 4

// DecisionHook asks an application; an error wraps decisionhook.ErrUnavailable.
type DecisionHook interface {
	Ask(ctx context.Context, question decisionhook.Question) (decisionhook.Answer, error)
	Parallel() int
}

// newDecisionHook returns nil where the settings name no application. Nothing
// is asked of it at the start, nor by /readyz: it may start later than the
// gateway, may itself need the gateway to be ready, and is not mended by taking
// the gateway away.
func newDecisionHook(ctx context.Context, gateway settings.Gateway, env Environment) (DecisionHook, error) {
	if gateway.DecisionHook == "" {
		return nil, nil //nolint:nilnil // none is the usual case
	}
	text, err := hookSecret(ctx, gateway, env)
	if err != nil {
		return nil, fmt.Errorf("decision-hook-secret: %w", err)
	}
	secrets, err := decisionhook.ParseSecrets(text)
	if err != nil {
		return nil, fmt.Errorf("decision-hook-secret: %s: %w", gateway.DecisionHookSecret, err)
	}
	hook, err := decisionhook.New(decisionhook.Config{
		URL: gateway.DecisionHook, Secrets: secrets, Timeout: gateway.DecisionHookTimeout,
		Parallel: gateway.DecisionHookParallel, CacheLife: gateway.DecisionHookCache, Now: env.Now, NewID: rand.Text,
	})
	if err != nil {
		return nil, fmt.Errorf("decision-hook: %w", err)
	}
	return hook, nil
}

// hookSecret reads the file or, by its ARN, the secret of Secrets Manager.
func hookSecret(ctx context.Context, gateway settings.Gateway, env Environment) ([]byte, error) {
	named, err := arn.Parse(gateway.DecisionHookSecret)
	if err != nil {
		return os.ReadFile(gateway.DecisionHookSecret)
	}
	ctx, cancel := context.WithTimeout(ctx, hookSecretTime)
	defer cancel()
	options := secretsmanager.Options{Region: named.Region, Credentials: env.Credentials, HTTPClient: env.aws}
	if gateway.SecretsEndpoint != "" {
		options.BaseEndpoint = new(gateway.SecretsEndpoint)
	}
	answer, err := secretsmanager.New(options).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &gateway.DecisionHookSecret})
	if err != nil {
		return nil, fmt.Errorf("read it from Secrets Manager: %w", err)
	}
	return []byte(aws.ToString(answer.SecretString)), nil
}

// resource is what a decision is about: an object, or everything below a
// prefix.
type resource struct {
	key    objectkey.Key
	prefix objectkey.Prefix
}

// overlaps says whether any of it lies below a prefix.
func (r resource) overlaps(prefix objectkey.Prefix) bool {
	return prefix.Contains(r.key) || prefix.Overlaps(r.prefix)
}

// name is the key or the prefix.
func (r resource) name() string { return r.key.String() + r.prefix.String() } // one is empty

// above is everything whose shares count here: itself and the prefixes above.
func (r resource) above() []string {
	if r.key.IsZero() {
		return grants.ResourcesOfPrefix(r.prefix)
	}
	return grants.ResourcesOf(r.key)
}

// askAlso has the application agree to what is allowed without it.
func (i *issue) askAlso(action access.Action, about resource, decided decision) (decision, error) {
	if i.server.parts.DecisionHook == nil || !decided.Allowed {
		return decided, nil
	}
	answer, err := i.ask(action, about)
	if err != nil {
		return decision{}, err
	}
	if !answer.Allowed {
		return decision{answer: &answer}, nil
	}
	return limitedBy(decided, answer), nil
}

// askInstead has the application decide what the policies don't forbid. What
// they say no to without naming a policy, no policy allows, and that is not
// theirs to say here.
func (i *issue) askInstead(action access.Action, about resource) (decision, error) {
	plain := i.policies(action, about)
	if !plain.Allowed && len(plain.Policies)+len(plain.Errors) > 0 {
		return decision{Decision: plain}, nil
	}
	answer, err := i.ask(action, about)
	if err != nil {
		return decision{}, err
	}
	return limitedBy(decision{Decision: access.Decision{Allowed: answer.Allowed}}, answer), nil
}

// limitedBy notes an answer, and how long what it allows may live.
func limitedBy(decided decision, answer decisionhook.Answer) decision {
	decided.answer, decided.life = &answer, answer.Life
	return decided
}

func (i *issue) ask(action access.Action, about resource) (decisionhook.Answer, error) {
	principal := i.principal()
	kind := principal.Kind
	if kind == "" {
		kind = access.Person
	}
	asking := *i
	ctx, cancel := context.WithTimeout(i.ctx, i.askUntil.Sub(i.server.parts.Now()))
	defer cancel()
	asking.ctx = ctx
	return i.server.parts.DecisionHook.Ask(asking.ctx, decisionhook.Question{
		Principal: decisionhook.Principal{
			Kind: strings.ToLower(string(kind)), Subject: principal.Subject,
			Groups: principal.Groups, Tenant: principal.Tenant, Scopes: principal.Scopes,
		},
		Action: string(action), Key: about.key.String(), Prefix: about.prefix.String(), Address: addressFrom(i.ctx),
	})
}

// aheadOf is a decision that was asked for before it was needed.
type aheadOf struct {
	decision decision
	err      error
}

// question is what is decided about within one request.
type question struct {
	action access.Action
	about  resource
}

// decideAhead decides about several objects and prefixes at a time where an
// application is asked, which takes longer than anything else here. What is not
// decided when the request's time is over is an error of its own.
func (i *issue) decideAhead(resources []resource, actions ...access.Action) {
	if i.server.parts.DecisionHook == nil {
		return
	}
	if i.ahead == nil {
		i.ahead = map[question]aheadOf{}
	}
	open := make([]question, 0, len(resources)*len(actions))
	for _, action := range actions {
		for _, about := range resources {
			one := question{action, about}
			if _, asked := i.ahead[one]; !asked {
				i.ahead[one] = aheadOf{}
				open = append(open, one)
			}
		}
	}
	results, next := make([]aheadOf, len(open)), make(chan int)
	var workers sync.WaitGroup
	for range min(max(1, i.server.parts.DecisionHook.Parallel()/shareOfTurns), len(open)) {
		workers.Go(func() {
			for n := range next {
				results[n].err = caught(func() (err error) {
					results[n].decision, err = i.decide(open[n].action, open[n].about)
					return err
				})
			}
		})
	}
	for n := range open {
		next <- n
	}
	close(next)
	workers.Wait()
	for n, one := range open {
		i.ahead[one] = results[n]
	}
}

// keysOf reads the keys of a batch; what is none is its item's own problem, and
// no application's to see.
func keysOf[I any](items []I, name func(I) string) []resource {
	keys := make([]resource, 0, len(items))
	for _, item := range items {
		if key, err := parseKey(name(item), ""); err == nil {
			keys = append(keys, resource{key: key})
		}
	}
	return keys
}
