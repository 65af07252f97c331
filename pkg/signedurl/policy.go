package signedurl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Conditions are what a policy demands besides the resource.
type Conditions struct {
	Expires   time.Time    // truncated to whole seconds; at this time it is over
	NotBefore time.Time    // zero: at once. CloudFront may let it begin a second later, never earlier
	Address   netip.Prefix // zero: from anywhere. IPv4 only
}

// canned says that nothing but the expiry is demanded, so that the short form
// of a signed URL will do.
func (c Conditions) canned() bool { return c.NotBefore.IsZero() && !c.Address.IsValid() }

func (c Conditions) check() error {
	switch {
	case !isExpiry(c.Expires):
		return fmt.Errorf("%w: the expiry must lie between 1 and %d seconds after 1970", ErrRequest, MaxExpiry)
	case !c.NotBefore.IsZero() && (!isExpiry(c.NotBefore) || c.NotBefore.Unix()+1 >= c.Expires.Unix()):
		return fmt.Errorf("%w: it would begin after its end: it begins a second after NotBefore", ErrRequest)
	case c.Address != (netip.Prefix{}) && !c.Address.IsValid():
		return fmt.Errorf("%w: the address range is invalid", ErrRequest)
	case c.Address.IsValid() && !c.Address.Addr().Is4():
		return fmt.Errorf("%w: CloudFront's policies know IPv4 addresses only", ErrRequest)
	}
	return nil
}

func isExpiry(t time.Time) bool { return t.Unix() > 0 && t.Unix() <= MaxExpiry }

// policyFor makes the policy of a resource, which is never empty: a policy
// without one would open everything that trusts the key.
func policyFor(resource string, conditions Conditions) *sign.Policy {
	policy := sign.NewCannedPolicy(resource, conditions.Expires)
	condition := &policy.Statements[0].Condition
	if !conditions.NotBefore.IsZero() {
		condition.DateGreaterThan = sign.NewAWSEpochTime(conditions.NotBefore)
	}
	if conditions.Address.IsValid() {
		condition.IPAddress = &sign.IPAddress{SourceIP: conditions.Address.Masked().String()}
	}
	return policy
}

// policy is one read back from a URL or a cookie.
type policy struct {
	resource  string // empty: everything
	expires   int64
	notBefore int64        // 0: none
	address   netip.Prefix // zero: none
}

type epoch struct {
	Seconds int64 `json:"AWS:EpochTime"`
}

type statement struct {
	Resource  *string `json:"Resource"`
	Condition struct {
		DateLessThan    *epoch `json:"DateLessThan"`
		DateGreaterThan *epoch `json:"DateGreaterThan"`
		IPAddress       *struct {
			SourceIP string `json:"AWS:SourceIp"`
		} `json:"IpAddress"`
	} `json:"Condition"`
}

// parsePolicy reads a custom policy: one statement, in an array or bare, as
// the Developer Guide has shown both. What it doesn't know is an error, since
// a condition that goes unread would be one that goes unchecked; so are names
// in another case, members that stand twice, and null, which is nowhere a
// value.
func parsePolicy(text []byte) (policy, error) {
	if err := refuseNull(text); err != nil {
		return policy{}, err
	}
	var document struct {
		Statement jsontext.Value `json:"Statement"`
	}
	if err := strict(text, &document); err != nil {
		return policy{}, err
	}
	statements := make([]statement, 1)
	var into any = &statements[0]
	if document.Statement.Kind() == '[' {
		into = &statements
	}
	if err := strict(document.Statement, into); err != nil {
		return policy{}, err
	}
	if len(statements) != 1 {
		return policy{}, fmt.Errorf("it has %d statements, and one is what CloudFront takes", len(statements))
	}
	return statements[0].policy()
}

func refuseNull(text []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errNoPolicy
		case token.Kind() == 'n':
			return errors.New("it holds null")
		}
	}
}

var errNoPolicy = errors.New("it is not a policy: one JSON object in UTF-8, no member twice")

// strict says of a policy what is wrong with it without repeating it: it may
// hold anything.
func strict(text []byte, value any) error {
	err := json.Unmarshal(text, value, json.RejectUnknownMembers(true))
	semantic, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return errNoPolicy
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("it is not a policy: CloudFront doesn't know the member %s", shown(semantic.JSONPointer.LastToken()))
	}
	return fmt.Errorf("it is not a policy: the value of %s is of the wrong type", shown(semantic.JSONPointer.LastToken()))
}

func (s statement) policy() (policy, error) {
	var p policy
	var err error
	if s.Resource != nil {
		if p.resource = *s.Resource; p.resource == "" {
			return policy{}, errors.New("its Resource is empty")
		}
	}
	if s.Condition.DateLessThan == nil {
		return policy{}, errors.New("it has no DateLessThan")
	}
	if p.expires, err = s.Condition.DateLessThan.seconds(); err != nil {
		return policy{}, fmt.Errorf("DateLessThan %w", err)
	}
	if s.Condition.DateGreaterThan != nil {
		if p.notBefore, err = s.Condition.DateGreaterThan.seconds(); err != nil {
			return policy{}, fmt.Errorf("DateGreaterThan %w", err)
		}
	}
	if s.Condition.IPAddress != nil {
		if p.address, err = parseAddress(s.Condition.IPAddress.SourceIP); err != nil {
			return policy{}, err
		}
	}
	return p, nil
}

func (e epoch) seconds() (int64, error) { return parseSeconds(strconv.FormatInt(e.Seconds, 10)) }

// parseAddress reads an IPv4 address or range.
func parseAddress(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() {
		return netip.Prefix{}, errors.New("IpAddress is not an IPv4 address or range")
	}
	return prefix, nil
}
