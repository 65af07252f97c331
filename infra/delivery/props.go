package delivery

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"

	"github.com/signgate/signgate/infra/complaints"
	"github.com/signgate/signgate/pkg/edge"
)

// ErrInvalid is wrapped by every complaint about props.
var ErrInvalid = errors.New("invalid delivery")

const (
	countryPattern = `^[A-Z]{2}$`
	domainPattern  = `^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`
	writesPattern  = `^/[A-Za-z0-9_-]{1,32}/$`

	// CloudFront's quotas (Developer Guide, "Quotas on policies", and the
	// API's DistributionConfig for the comment).
	maxCacheKey = 10
	maxComment  = 128
)

// Props describe a distribution.
type Props struct {
	Bucket awss3.IBucket           // private; its policy lets this distribution in
	Keys   awscloudfront.IKeyGroup // whose signatures are trusted for reading

	// Behavior is what the distribution does with a read, such as
	// edge.ReadBehavior. Its KeyGroup names the keys of Keys, for whoever runs
	// it elsewhere; tokens will do. It is the default behaviour: PathPattern
	// is *, and Unsigned isn't allowed.
	Behavior edge.Behavior

	Comment    string                   // at most 128 characters; none: one that says what it is
	PriceClass awscloudfront.PriceClass // none: class 100
	// IPv4Only turns IPv6 off. It has to be on where URLs are bound to
	// addresses: CloudFront's policies know IPv4 only, and a viewer that comes
	// by IPv6 would be refused.
	IPv4Only bool
	Geo      *Geo
	Domain   *Domain        // none: CloudFront's own name
	WebACL   *string        // ARN of a web ACL of us-east-1, such as a Firewall's
	Writes   *WriteBehavior // none: nothing is written through the distribution
}

// Geo says where viewers are, by countries in ISO 3166-1 alpha-2. One of the
// two is given.
type Geo struct {
	Allow []string
	Block []string
}

// Domain is a name of one's own.
type Domain struct {
	Name        string                             // such as cdn.example.com
	Certificate awscertificatemanager.ICertificate // of us-east-1, for that name
	Zone        awsroute53.IHostedZone             // gets the records; nil: the name is pointed at the distribution by hand
}

// WriteBehavior is a second behaviour, which uploads (PUT) and deletes
// (DELETE) objects below a prefix of the URL that isn't part of the key. A
// function at the edge holds each request to the query parameters that its
// signature covers:
//
//	sg-id      the issue id
//	sg-method  PUT or DELETE
//	sg-length  of a PUT: its bytes, compared with Content-Length
//	sg-type    of a PUT: compared with Content-Type
//
// The bucket's policy has to allow s3:PutObject and s3:DeleteObject, and the
// key's policy kms:GenerateDataKey. Rely on this:
//
//   - Sign canned policies only. A policy with a wildcard would let its holder
//     write the parameters; so would a cookie, and the function refuses what
//     it sees of either. CloudFront doesn't document whether a function sees
//     Policy at all.
//   - Overwriting can't be refused here. Give such a URL to whom may replace
//     the object, or for a new key that nobody can guess.
//   - It is for clients that aren't pages of another origin: preflights are
//     refused.
//   - An object whose key begins with the prefix can't be read through the
//     distribution.
//   - Whether S3 wants the hash of the body in x-amz-content-sha256, as Lambda
//     does behind Origin Access Control, isn't documented. Try a deployment.
type WriteBehavior struct {
	PathPrefix string                  // one folder such as /upload/
	Keys       awscloudfront.IKeyGroup // of keys that sign nothing else; never those of reads
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// Validate says everything that is wrong, in one error that wraps ErrInvalid.
func (p *Props) Validate() error {
	if p == nil {
		return fmt.Errorf("%w: no props", ErrInvalid)
	}
	var found complaints.List
	found.When(p.Bucket == nil, "Bucket is missing")
	found.When(p.Keys == nil, "Keys is missing: without trusted keys anybody could read")
	checkBehavior(&found, p.Behavior)
	found.When(len(p.Comment) > maxComment, "Comment has at most %d characters", maxComment)
	found.When(p.PriceClass != "" && !slices.Contains([]awscloudfront.PriceClass{
		awscloudfront.PriceClass_PRICE_CLASS_100, awscloudfront.PriceClass_PRICE_CLASS_200, awscloudfront.PriceClass_PRICE_CLASS_ALL,
	}, p.PriceClass), "PriceClass is none of CloudFront's")
	found.When(p.WebACL != nil && *p.WebACL == "", "WebACL is empty; nil is for none")
	if p.Geo != nil {
		found.When((len(p.Geo.Allow) > 0) == (len(p.Geo.Block) > 0), "Geo takes Allow or Block, and not both")
		for _, country := range slices.Concat(p.Geo.Allow, p.Geo.Block) {
			found.When(!matches(countryPattern, country), "Geo: %q is no country such as DE", country)
		}
	}
	if p.Domain != nil {
		found.When(!matches(domainPattern, p.Domain.Name), "Domain.Name %q is no domain name in lower case, such as cdn.example.com", p.Domain.Name)
		found.When(p.Domain.Certificate == nil, "Domain.Certificate is missing: CloudFront serves a name only with its certificate")
	}
	if p.Writes != nil {
		found.When(!matches(writesPattern, p.Writes.PathPrefix), "Writes.PathPrefix %q is no single folder such as /upload/", p.Writes.PathPrefix)
		found.When(p.Writes.Keys == nil, "Writes.Keys is missing: without trusted keys anybody could write")
		found.When(sameGroup(p.Keys, p.Writes.Keys), "Writes.Keys is the group of reads: every URL that reads could be written to")
	}
	return found.Err(ErrInvalid)
}

// sameGroup compares ids. That of a group that is being made is a token, of
// which CDK has one text.
func sameGroup(a, b awscloudfront.IKeyGroup) bool {
	return a != nil && b != nil && *a.KeyGroupId() == *b.KeyGroupId()
}

// checkBehavior wants what a CloudFront distribution can do.
func checkBehavior(found *complaints.List, b edge.Behavior) {
	if err := b.Validate(); err != nil {
		found.When(true, "Behavior: %s", err)
		return
	}
	found.When(b.PathPattern != "*", "Behavior.PathPattern is *, not %q: it is the default behaviour", b.PathPattern)
	found.When(b.Unsigned, "Behavior.Unsigned would let anybody read")
	found.When(methodsOf(b) == nil, "Behavior.Methods are GET and HEAD, with or without OPTIONS: CloudFront knows no other sets without writing")
	found.When(len(b.CacheKey) > maxCacheKey, "Behavior.CacheKey names at most %d query parameters", maxCacheKey)
	life := b.Lifetime
	for _, duration := range []time.Duration{life.Min, life.Default, life.Max} {
		found.When(duration%time.Second != 0, "Behavior.Lifetime: %s isn't whole seconds", duration)
	}
	// "Understand cache policies": with a maximum of 0 nothing may be in the
	// cache key, and so no override would reach S3.
	found.When(life.Max == 0, "Behavior.Lifetime.Max is 0, for which CloudFront takes no cache key")
	found.When(life.Default < life.Min || life.Default > life.Max, "Behavior.Lifetime.Default lies between Min and Max")
	if b.CORS != nil {
		found.When(len(b.CORS.AllowOrigins) == 0, "Behavior.CORS.AllowOrigins is empty; no CORS is for nobody")
		found.When(len(b.CORS.AllowHeaders) == 0, "Behavior.CORS.AllowHeaders is empty, and CloudFront wants one; Range is harmless")
		found.When(b.CORS.MaxAge%time.Second != 0, "Behavior.CORS.MaxAge isn't whole seconds")
	}
	if _, _, err := splitHeaders(b.Headers); err != nil {
		found.When(true, "Behavior.Headers: %s", err)
	}
}

// methodsOf returns CloudFront's set of the behaviour's methods, or nil.
func methodsOf(b edge.Behavior) awscloudfront.AllowedMethods {
	switch methods := slices.Sorted(slices.Values(b.Methods)); {
	case slices.Equal(methods, []string{http.MethodGet, http.MethodHead}):
		return awscloudfront.AllowedMethods_ALLOW_GET_HEAD()
	case slices.Equal(methods, []string{http.MethodGet, http.MethodHead, http.MethodOptions}):
		return awscloudfront.AllowedMethods_ALLOW_GET_HEAD_OPTIONS()
	}
	return nil
}
