package server

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/signgate/signgate/pkg/signedurl"
)

// callersOwn stands for the address that the request comes from.
const callersOwn = "caller"

// Conditions are what a caller may ask of a URL or of cookies for reading.
type Conditions struct {
	ExpiresIn *int64     `json:"expiresIn,omitempty" doc:"Life in seconds; the gateway's default if left out" example:"300"`
	NotBefore *time.Time `json:"notBefore,omitempty" doc:"When it begins; at once if left out"`
	Address   string     `json:"address,omitempty" doc:"IPv4 address or range that it works from, or \"caller\" for the one that asks; from anywhere if left out" example:"203.0.113.0/24"`
}

// Stable is the wish for the same URL on every request.
type Stable struct {
	Stable bool `json:"stable,omitempty" doc:"Round the expiry up to the gateway's window, so that the same caller gets the same URL within it and caches of browsers work"`
}

// conditions checks what was asked for and returns what will be signed.
func (s *Server) conditions(issue *issue, asked Conditions, stable bool, pointer string) (signedurl.Conditions, error) {
	limits := s.parts.Limits
	life, err := limits.Read.seconds(asked.ExpiresIn, pointer+"/expiresIn")
	if err != nil {
		return signedurl.Conditions{}, err
	}
	now := s.parts.Now().UTC().Truncate(time.Second)
	conditions := signedurl.Conditions{Expires: now.Add(life)}
	if stable {
		conditions.Expires = roundUp(now, life, limits.StableWindow, limits.Read.Longest)
	}
	if asked.NotBefore != nil {
		conditions.NotBefore = asked.NotBefore.UTC().Truncate(time.Second)
		if !conditions.NotBefore.After(now) {
			conditions.NotBefore = time.Time{} // it has begun
		}
		if err := checkWindow(conditions, pointer); err != nil {
			return signedurl.Conditions{}, err
		}
	}
	if asked.Address != "" {
		if conditions.Address, err = address(issue, asked.Address); err != nil {
			return signedurl.Conditions{}, invalid(pointer+"/address", err.Error())
		}
	}
	return conditions, nil
}

// checkWindow wants a second in which it is open: CloudFront may let it begin
// a second later than it says.
func checkWindow(conditions signedurl.Conditions, pointer string) error {
	if latest := conditions.Expires.Add(-2 * time.Second); conditions.NotBefore.After(latest) {
		return invalid(pointer+"/notBefore", "must be two seconds before the expiry or earlier: "+latest.Format(time.RFC3339))
	}
	return nil
}

// limited shortens the life of what is signed to that of the share that it
// rests on.
func (s *Server) limited(conditions signedurl.Conditions, decision decision, pointer string) (signedurl.Conditions, error) {
	conditions.Expires = decision.limit(s.parts.Now(), conditions.Expires)
	return conditions, checkWindow(conditions, pointer)
}

// roundUp returns the end of the window that now+life falls into, or the last
// end of a window that the longest life reaches.
func roundUp(now time.Time, life, window, longest time.Duration) time.Time {
	expires := now.Add(life)
	rounded := expires.Truncate(window)
	if rounded.Before(expires) {
		rounded = rounded.Add(window)
	}
	if latest := now.Add(longest); rounded.After(latest) {
		rounded = latest.Truncate(window)
	}
	if !rounded.After(now) {
		return expires // the window is longer than anything may live
	}
	return rounded
}

func address(issue *issue, asked string) (netip.Prefix, error) {
	if asked == callersOwn {
		asked = addressFrom(issue.ctx)
	}
	if single, err := netip.ParseAddr(asked); err == nil {
		if single = single.Unmap(); single.Is4() {
			return netip.PrefixFrom(single, single.BitLen()), nil
		}
		return netip.Prefix{}, errors.New("is IPv6; CloudFront's policies know IPv4 only")
	}
	prefix, err := netip.ParsePrefix(asked)
	if err != nil || !prefix.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf(`must be an IPv4 address, a range such as 203.0.113.0/24, or %q`, callersOwn)
	}
	return prefix.Masked(), nil
}
