package presign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// ErrCredentials is wrapped where no credentials are to be had, or their rest
// is too short to be worth handing out.
var ErrCredentials = errors.New("no usable AWS credentials")

// grant is what signs: credentials, and the time from when and for which.
type grant struct {
	credentials aws.Credentials
	now         time.Time
	life        time.Duration
}

// grant returns credentials for a life that is cut to theirs. Errors wrap
// ErrLife or ErrCredentials.
func (p *Presigner) grant(ctx context.Context, life time.Duration) (grant, error) {
	if life < time.Second || life > MaxLife {
		return grant{}, fmt.Errorf("%w: %s is not between a second and %s", ErrLife, life, MaxLife)
	}
	now := p.config.Now().UTC().Truncate(time.Second)
	credentials, life, err := p.credentials(ctx, now, life)
	if err != nil {
		return grant{}, err
	}
	return grant{credentials: credentials, now: now, life: life}, nil
}

// credentials returns credentials and the part of life that they live. A
// cache that holds some with too short a rest is told to fetch new ones, once.
func (p *Presigner) credentials(ctx context.Context, now time.Time, life time.Duration) (aws.Credentials, time.Duration, error) {
	enough := min(life, max(p.config.MinLife, time.Second))
	credentials, rest, err := p.retrieve(ctx, now, life)
	if err != nil {
		return aws.Credentials{}, 0, err
	}
	if cache, ok := p.config.Credentials.(interface{ Invalidate() }); ok && rest < enough {
		cache.Invalidate()
		if credentials, rest, err = p.retrieve(ctx, now, life); err != nil {
			return aws.Credentials{}, 0, err
		}
	}
	if rest < enough {
		return aws.Credentials{}, 0, fmt.Errorf("%w: they live for %s more", ErrCredentials, max(rest, 0))
	}
	return credentials, min(life, rest), nil
}

// retrieve returns the provider's credentials and their rest, which is life
// where they never expire. Those of a session do, whether they say so or not.
func (p *Presigner) retrieve(ctx context.Context, now time.Time, life time.Duration) (aws.Credentials, time.Duration, error) {
	credentials, err := p.config.Credentials.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, 0, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	switch {
	case !credentials.CanExpire && credentials.SessionToken == "":
		return credentials, life, nil
	case !credentials.CanExpire:
		return credentials, cmp.Or(p.config.UnknownRest, DefaultUnknownRest), nil
	}
	return credentials, credentials.Expires.Sub(now).Truncate(time.Second), nil
}
