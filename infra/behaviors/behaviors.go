package behaviors

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/signgate/signgate/pkg/edge"
)

// ErrNotUnderstood is wrapped by every error about what a template says.
var ErrNotUnderstood = errors.New("the template's distribution isn't understood")

// Write writes the behaviours of a template as devstack --behaviors and
// edge.ReadBehaviors read them.
func Write(w io.Writer, template map[string]any) error {
	behaviors, err := Of(template)
	if err != nil {
		return err
	}
	return edge.WriteBehaviors(w, behaviors)
}

// Of returns the behaviours of the one distribution of a template, in the
// order in which CloudFront tries them. Keys are the logical ids of public
// keys. A behaviour that writes is left out, since the local edge only reads:
// what lies below its path is met by the behaviours after it.
//
// Errors wrap ErrNotUnderstood.
func Of(template map[string]any) ([]edge.Behavior, error) {
	behaviors, err := of(template)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotUnderstood, err)
	}
	return behaviors, nil
}

func of(template map[string]any) ([]edge.Behavior, error) {
	all, err := resourcesOf(template)
	if err != nil {
		return nil, err
	}
	var ids []string
	for id, resource := range all {
		if resource.Type == "AWS::CloudFront::Distribution" {
			ids = append(ids, id)
		}
	}
	if len(ids) != 1 {
		return nil, fmt.Errorf("it has %d distributions", len(ids))
	}
	var found distribution
	if err := all.config(ids[0], "Distribution", "DistributionConfig", &found); err != nil {
		return nil, err
	}
	if len(found.Origins) != 1 {
		return nil, fmt.Errorf("it has %d origins", len(found.Origins))
	}
	found.DefaultCacheBehavior.PathPattern = "*"
	var behaviors []edge.Behavior
	for _, described := range append(found.CacheBehaviors, found.DefaultCacheBehavior) {
		if described.TargetOrigin != found.Origins[0].ID {
			return nil, fmt.Errorf("the behaviour %s has another origin", described.PathPattern)
		}
		if described.writes() {
			continue
		}
		behavior, err := all.behavior(described)
		if err != nil {
			return nil, fmt.Errorf("the behaviour %s: %w", described.PathPattern, err)
		}
		behaviors = append(behaviors, behavior)
	}
	return behaviors, nil
}

// writes recognizes what package delivery makes of a WriteBehavior: signed,
// not the default, and held to its signature by a function.
func (c cacheBehavior) writes() bool {
	return c.PathPattern != "*" && slices.Contains(c.AllowedMethods, http.MethodPut) && slices.Contains(c.AllowedMethods, http.MethodDelete) &&
		len(c.TrustedKeyGroups) > 0 && len(c.Functions) == 1 && c.Functions[0].EventType == "viewer-request" && c.ViewerProtocolPolicy == "https-only"
}

func (r resources) behavior(described cacheBehavior) (edge.Behavior, error) {
	switch {
	case described.ViewerProtocolPolicy != "https-only":
		return edge.Behavior{}, fmt.Errorf("it is served by %s", described.ViewerProtocolPolicy)
	case len(described.Functions) > 0:
		return edge.Behavior{}, errors.New("it has a function, and the edge runs none")
	case !slices.Equal(described.CachedMethods, []string{http.MethodGet, http.MethodHead}):
		return edge.Behavior{}, fmt.Errorf("it caches %v", described.CachedMethods)
	}
	behavior := edge.Behavior{
		PathPattern: described.PathPattern, Unsigned: len(described.TrustedKeyGroups) == 0, Methods: described.AllowedMethods, Compress: described.Compress,
	}
	for _, read := range []func(*edge.Behavior, cacheBehavior) error{r.keys, r.cache, r.headers, r.preflights} {
		if err := read(&behavior, described); err != nil {
			return edge.Behavior{}, err
		}
	}
	return behavior, behavior.Validate()
}

func (r resources) keys(b *edge.Behavior, described cacheBehavior) error {
	for _, reference := range described.TrustedKeyGroups {
		if reference.logical == "" {
			return fmt.Errorf("the keys of the existing key group %s are unknown", reference.id)
		}
		var group keyGroup
		if err := r.config(reference.logical, "KeyGroup", "KeyGroupConfig", &group); err != nil {
			return err
		}
		for _, key := range group.Items {
			if key.logical == "" || r[key.logical].Type != "AWS::CloudFront::PublicKey" {
				return fmt.Errorf("the key group %s holds a key of elsewhere", reference.logical)
			}
			b.KeyGroup = append(b.KeyGroup, key.logical)
		}
	}
	return nil
}

func (r resources) cache(b *edge.Behavior, described cacheBehavior) error {
	var policy cachePolicy
	if err := r.config(described.CachePolicy.logical, "CachePolicy", "CachePolicyConfig", &policy); err != nil {
		return err
	}
	key := policy.CacheKey
	switch {
	case key.Cookies.Behavior != "none" || key.Headers.Behavior != "none":
		return errors.New("the cache is split by cookies or headers")
	case key.Queries.Behavior != "none" && key.Queries.Behavior != "whitelist":
		return fmt.Errorf("the cache is split by %s parameters", key.Queries.Behavior)
	case key.Gzip != key.Brotli || key.Gzip != described.Compress:
		return errors.New("gzip, Brotli and compression aren't all on or all off")
	}
	b.CacheKey = key.Queries.Names
	b.Lifetime = edge.Lifetime{Min: seconds(policy.Min), Default: seconds(policy.Default), Max: seconds(policy.Max)}
	return nil
}

// preflights are what the edge always forwards; it changes nothing where no
// preflight is allowed.
func (r resources) preflights(b *edge.Behavior, described cacheBehavior) error {
	asked := b.CORS != nil && slices.Contains(b.Methods, http.MethodOptions)
	if described.OriginRequestPolicy == nil {
		if asked {
			return errors.New("S3 doesn't see preflights")
		}
		return nil
	}
	var policy originRequestPolicy
	if err := r.config(described.OriginRequestPolicy.logical, "OriginRequestPolicy", "OriginRequestPolicyConfig", &policy); err != nil {
		return err
	}
	want := []string{"Access-Control-Request-Headers", "Access-Control-Request-Method", "Origin"}
	if policy.Cookies.Behavior != "none" || policy.Queries.Behavior != "none" || policy.Headers.Behavior != "whitelist" || !slices.Equal(slices.Sorted(slices.Values(policy.Headers.Names)), want) {
		return errors.New("the origin sees something else than preflights")
	}
	return nil
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
