package presign_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/overrides"
	"github.com/signgate/signgate/pkg/presign"
)

// static are credentials that never change nor expire.
func static(credentials aws.Credentials) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
}

// source gives out credentials of one rest after the other, then the last.
type source struct {
	rests   []time.Duration
	fetched int
	err     error // from the second time on
}

func (s *source) Retrieve(context.Context) (aws.Credentials, error) {
	rest := s.rests[min(s.fetched, len(s.rests)-1)]
	s.fetched++
	if s.fetched > 1 && s.err != nil {
		return aws.Credentials{}, s.err
	}
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test", CanExpire: true, Expires: start.Add(rest)}, nil
}

// cache holds what it once fetched until it is told not to, as
// aws.CredentialsCache does by the real clock.
type cache struct {
	source      *source
	credentials *aws.Credentials
}

func (c *cache) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if c.credentials == nil {
		fresh, err := c.source.Retrieve(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		c.credentials = &fresh
	}
	return *c.credentials, nil
}

func (c *cache) Invalidate() { c.credentials = nil }

func TestCredentialsThatAreAboutToDieAreRefreshedOnce(t *testing.T) {
	broken := errors.New("no role")
	for name, test := range map[string]struct {
		source   *source
		provider func(*source) aws.CredentialsProvider
		fetched  int
		life     time.Duration // 0: refused
	}{
		"fresh ones live longer": {&source{rests: []time.Duration{10 * time.Second, time.Hour}}, cached, 2, time.Minute},
		"dead, then fresh":       {&source{rests: []time.Duration{-time.Second, time.Hour}}, cached, 2, time.Minute},
		"fresh but short":        {&source{rests: []time.Duration{10 * time.Second, 40 * time.Second}}, cached, 2, 40 * time.Second},
		"fresh ones die too":     {&source{rests: []time.Duration{10 * time.Second, 20 * time.Second, time.Hour}}, cached, 2, 0},
		"long enough":            {&source{rests: []time.Duration{30 * time.Second, time.Hour}}, cached, 1, 30 * time.Second},
		"nothing to refresh":     {&source{rests: []time.Duration{10 * time.Second, time.Hour}}, plain, 1, 0},
		"no fresh ones":          {&source{rests: []time.Duration{10 * time.Second}, err: broken}, cached, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			presigner := newPresigner(t, func(c *presign.Config) { c.Credentials = test.provider(test.source) })
			request, err := presigner.Delete(t.Context(), parseKey(t, "a"), time.Minute)
			if test.source.fetched != test.fetched {
				t.Errorf("fetched %d times, want %d", test.source.fetched, test.fetched)
			}
			if test.life == 0 {
				if !errors.Is(err, presign.ErrCredentials) || !errors.Is(err, test.source.err) && test.source.err != nil {
					t.Errorf("Delete = %v, want ErrCredentials", err)
				}
				return
			}
			if err != nil || request.Expires.Sub(start) != test.life {
				t.Errorf("it lives %s, %v, want %s", request.Expires.Sub(start), err, test.life)
			}
		})
	}
}

func cached(s *source) aws.CredentialsProvider { return &cache{source: s} }
func plain(s *source) aws.CredentialsProvider  { return s }

// The SDK's cache is one that can be told.
func TestTheSDKsCacheIsRefreshed(t *testing.T) {
	source := &source{rests: []time.Duration{10 * time.Second, time.Hour}}
	presigner := newPresigner(t, func(c *presign.Config) { c.Credentials = aws.NewCredentialsCache(source) })
	if _, err := presigner.Delete(t.Context(), parseKey(t, "a"), time.Minute); err != nil || source.fetched != 2 {
		t.Errorf("%v after %d times", err, source.fetched)
	}
}

// everything presigns in every way there is, and returns when each expires.
func everything(t *testing.T, presigner *presign.Presigner, life time.Duration) map[string]time.Time {
	t.Helper()
	ctx, key, length := t.Context(), parseKey(t, "users/alice/a.png"), int64(5)
	expires := map[string]time.Time{}
	note := func(name string, at time.Time, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		expires[name] = at
	}
	get, err := presigner.Get(ctx, key, overrides.Set{}, life)
	note("GET", get.Expires, err)
	put, err := presigner.Put(ctx, presign.Upload{Key: key, Length: length, ContentType: "image/png"}, life)
	note("PUT", put.Expires, err)
	form, err := presigner.Form(ctx, presign.Form{Key: key, MaxLength: length, ContentType: "image/png"}, life)
	note("form", form.Expires, err)
	part, err := presigner.Part(ctx, key, "upload", presign.Part{Number: 1, Length: length}, life)
	note("part", part.Expires, err)
	parts, err := presigner.Parts(ctx, key, "upload", []presign.Part{{Number: 1}, {Number: 2}}, life)
	note("parts", parts[len(parts)-1].Expires, err)
	deletion, err := presigner.Delete(ctx, key, life)
	note("DELETE", deletion.Expires, err)
	return expires
}

// However something is presigned, it says that it dies with what signed it.
func TestNothingSaysThatItOutlivesTheSessionThatSignsIt(t *testing.T) {
	const life = 3 * time.Hour
	for name, test := range map[string]struct {
		credentials aws.Credentials
		rest        time.Duration
		want        time.Duration
	}{
		"a session that says when it ends":    {aws.Credentials{SessionToken: "token", CanExpire: true, Expires: start.Add(10 * time.Minute)}, 0, 10 * time.Minute},
		"one that says it, whatever is taken": {aws.Credentials{SessionToken: "token", CanExpire: true, Expires: start.Add(2 * time.Hour)}, time.Minute, 2 * time.Hour},
		"a session that doesn't":              {aws.Credentials{SessionToken: "token"}, 0, presign.DefaultUnknownRest},
		"one that doesn't, taken for shorter": {aws.Credentials{SessionToken: "token"}, 7 * time.Minute, 7 * time.Minute},
		"one that doesn't, taken for longer":  {aws.Credentials{SessionToken: "token"}, 12 * time.Hour, life},
		"no session":                          {aws.Credentials{}, 7 * time.Minute, life},
	} {
		test.credentials.AccessKeyID, test.credentials.SecretAccessKey = "test", "test"
		presigner := newPresigner(t, func(c *presign.Config) { c.Credentials, c.UnknownRest = static(test.credentials), test.rest })
		for way, expires := range everything(t, presigner, life) {
			if got := expires.Sub(start); got != test.want {
				t.Errorf("%s: a %s lives for %s, want %s", name, way, got, test.want)
			}
		}
	}
}
