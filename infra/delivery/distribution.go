package delivery

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53targets"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudfront"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Distribution reads one private bucket, by signed URL or cookie only.
type Distribution interface {
	constructs.Construct
	// Distribution is CDK's.
	Distribution() awscloudfront.IDistribution
	// DistributionID and DistributionARN are tokens. The bucket's policy, and
	// that of its key, let exactly this ARN in (AWS:SourceArn).
	DistributionID() *string
	DistributionARN() *string
	// DomainName is where viewers find it: the Domain's, or CloudFront's own.
	DomainName() *string
}

type distribution struct {
	constructs.Construct
	cdk    awscloudfront.Distribution
	domain *string
}

func (d *distribution) Distribution() awscloudfront.IDistribution { return d.cdk }

func (d *distribution) DistributionID() *string { return d.cdk.DistributionId() }

func (d *distribution) DistributionARN() *string { return d.cdk.DistributionArn() }

func (d *distribution) DomainName() *string { return d.domain }

// NewDistribution makes the distribution, its policies and the records of its
// domain. It adds nothing to the bucket's policy. It panics with the error of
// Validate, as CDK does.
func NewDistribution(scope constructs.Construct, id *string, props *Props) Distribution {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	this := &distribution{}
	constructs.NewConstruct_Override(this, scope, id)
	origin := newOrigin(this, props)
	config := &awscloudfront.DistributionProps{
		Comment:         jsii.String(props.Comment),
		DefaultBehavior: newReads(this, props, origin),
		EnableIpv6:      jsii.Bool(!props.IPv4Only),
		HttpVersion:     awscloudfront.HttpVersion_HTTP2_AND_3,
		PriceClass:      props.PriceClass,
		WebAclId:        props.WebACL,
		ErrorResponses:  uncached(),
		GeoRestriction:  geoRestriction(props.Geo),
	}
	if props.Comment == "" {
		config.Comment = jsii.String("Private objects by signed URL")
	}
	if props.PriceClass == "" {
		config.PriceClass = awscloudfront.PriceClass_PRICE_CLASS_100
	}
	if props.Domain != nil {
		config.DomainNames, config.Certificate = &[]*string{&props.Domain.Name}, props.Domain.Certificate
		config.MinimumProtocolVersion = awscloudfront.SecurityPolicyProtocol_TLS_V1_2_2021
		config.SslSupportMethod = awscloudfront.SSLMethod_SNI
	}
	if props.Writes != nil {
		config.AdditionalBehaviors = &map[string]*awscloudfront.BehaviorOptions{
			props.Writes.PathPrefix + "*": newWrites(this, props.Writes, origin),
		}
	}
	this.cdk = awscloudfront.NewDistribution(this, jsii.String("Distribution"), config)
	this.domain = this.cdk.DistributionDomainName()
	if props.Domain != nil {
		this.domain = &props.Domain.Name
		this.point(props.Domain, props.IPv4Only)
	}
	return this
}

// newOrigin has every request signed, whatever Authorization a viewer sends.
// S3BucketOrigin_WithOriginAccessControl would write into the bucket's policy.
func newOrigin(scope constructs.Construct, props *Props) awscloudfront.IOrigin {
	control := awscloudfront.NewS3OriginAccessControl(scope, jsii.String("OriginAccessControl"), &awscloudfront.S3OriginAccessControlProps{
		Description: jsii.String("Signs every request to the private bucket"),
		Signing:     awscloudfront.Signing_SIGV4_ALWAYS(),
	})
	return awscloudfrontorigins.S3BucketOrigin_WithBucketDefaults(props.Bucket, &awscloudfront.OriginProps{
		OriginAccessControlId: control.OriginAccessControlId(),
		OriginShieldEnabled:   jsii.Bool(false),
	})
}

// newReads speaks HTTPS only and doesn't redirect: whoever follows a signed
// URL by http has shown the signature to the network before any redirect.
func newReads(scope constructs.Construct, props *Props, origin awscloudfront.IOrigin) *awscloudfront.BehaviorOptions {
	headers, err := newHeadersPolicy(scope, props.Behavior)
	if err != nil {
		panic(err) // Validate has asked already
	}
	options := &awscloudfront.BehaviorOptions{
		Origin:               origin,
		ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
		AllowedMethods:       methodsOf(props.Behavior),
		CachedMethods:        awscloudfront.CachedMethods_CACHE_GET_HEAD(),
		TrustedKeyGroups:     &[]interfacesawscloudfront.IKeyGroupRef{props.Keys},
		CachePolicy:          newCachePolicy(scope, props.Behavior),
		Compress:             &props.Behavior.Compress,
	}
	if headers != nil {
		options.ResponseHeadersPolicy = headers
	}
	if preflights := newPreflightPolicy(scope, props.Behavior); preflights != nil {
		options.OriginRequestPolicy = preflights
	}
	return options
}

// uncached has CloudFront ask again after every error, so that what has just
// been allowed, or just been uploaded, is there. No error gets a page: the
// status and body are CloudFront's or S3's own, and a refusal stays a 403. The
// codes are those that CloudFront may keep (Developer Guide, "HTTP 4xx and 5xx
// status codes that CloudFront caches").
func uncached() *[]*awscloudfront.ErrorResponse {
	statuses := []float64{400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
	responses := make([]*awscloudfront.ErrorResponse, len(statuses))
	for i, status := range statuses {
		responses[i] = &awscloudfront.ErrorResponse{HttpStatus: jsii.Number(status), Ttl: seconds(0)}
	}
	return &responses
}

func geoRestriction(geo *Geo) awscloudfront.GeoRestriction {
	switch {
	case geo == nil:
		return nil
	case len(geo.Allow) > 0:
		return awscloudfront.GeoRestriction_Allowlist(pointers(geo.Allow)...)
	default:
		return awscloudfront.GeoRestriction_Denylist(pointers(geo.Block)...)
	}
}

// point gives the name its addresses.
func (d *distribution) point(domain *Domain, ipv4Only bool) {
	if domain.Zone == nil {
		return
	}
	name := jsii.String(domain.Name + ".") // in full, whatever the zone is called
	target := awsroute53.RecordTarget_FromAlias(awsroute53targets.NewCloudFrontTarget(d.cdk))
	comment := jsii.String("Private objects by signed URL")
	awsroute53.NewARecord(d, jsii.String("A"), &awsroute53.ARecordProps{Zone: domain.Zone, RecordName: name, Target: target, Comment: comment})
	if !ipv4Only {
		awsroute53.NewAaaaRecord(d, jsii.String("AAAA"), &awsroute53.AaaaRecordProps{Zone: domain.Zone, RecordName: name, Target: target, Comment: comment})
	}
}
