package behaviors

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The types below are the parts of CloudFormation's resources that mean
// something to the edge, and as raw values those that may be there and don't.
// What they don't have is refused (AWS CloudFormation Template Reference, "AWS
// CloudFront resource type reference").

type distribution struct {
	CacheBehaviors       []cacheBehavior `json:"CacheBehaviors"`
	DefaultCacheBehavior cacheBehavior   `json:"DefaultCacheBehavior"`
	CustomErrorResponses []struct {
		ErrorCode          int `json:"ErrorCode"`
		ErrorCachingMinTTL int `json:"ErrorCachingMinTTL"`
	} `json:"CustomErrorResponses"`
	Origins []struct {
		ID            string         `json:"Id"`
		DomainName    jsontext.Value `json:"DomainName"`
		AccessControl reference      `json:"OriginAccessControlId"`
		S3            jsontext.Value `json:"S3OriginConfig"`
		Shield        jsontext.Value `json:"OriginShield"`
	} `json:"Origins"`

	Aliases           jsontext.Value `json:"Aliases"`
	Comment           jsontext.Value `json:"Comment"`
	Enabled           jsontext.Value `json:"Enabled"`
	HTTPVersion       jsontext.Value `json:"HttpVersion"`
	IPv6              jsontext.Value `json:"IPV6Enabled"`
	PriceClass        jsontext.Value `json:"PriceClass"`
	Restrictions      jsontext.Value `json:"Restrictions"`
	ViewerCertificate jsontext.Value `json:"ViewerCertificate"`
	WebACL            jsontext.Value `json:"WebACLId"`
}

type cacheBehavior struct {
	PathPattern          string      `json:"PathPattern"`
	AllowedMethods       []string    `json:"AllowedMethods"`
	CachedMethods        []string    `json:"CachedMethods"`
	CachePolicy          reference   `json:"CachePolicyId"`
	OriginRequestPolicy  *reference  `json:"OriginRequestPolicyId"`
	HeadersPolicy        *reference  `json:"ResponseHeadersPolicyId"`
	TrustedKeyGroups     []reference `json:"TrustedKeyGroups"`
	Compress             bool        `json:"Compress"`
	TargetOrigin         string      `json:"TargetOriginId"`
	ViewerProtocolPolicy string      `json:"ViewerProtocolPolicy"`
	Functions            []struct {
		EventType string    `json:"EventType"`
		ARN       reference `json:"FunctionARN"`
	} `json:"FunctionAssociations"`
}

type cachePolicy struct {
	Name     jsontext.Value `json:"Name"`
	Comment  jsontext.Value `json:"Comment"`
	Min      int64          `json:"MinTTL"` // seconds
	Default  int64          `json:"DefaultTTL"`
	Max      int64          `json:"MaxTTL"`
	CacheKey struct {
		Brotli  bool    `json:"EnableAcceptEncodingBrotli"`
		Gzip    bool    `json:"EnableAcceptEncodingGzip"`
		Cookies cookies `json:"CookiesConfig"`
		Headers headers `json:"HeadersConfig"`
		Queries queries `json:"QueryStringsConfig"`
	} `json:"ParametersInCacheKeyAndForwardedToOrigin"`
}

type originRequestPolicy struct {
	Name    jsontext.Value `json:"Name"`
	Comment jsontext.Value `json:"Comment"`
	Cookies cookies        `json:"CookiesConfig"`
	Headers headers        `json:"HeadersConfig"`
	Queries queries        `json:"QueryStringsConfig"`
}

type (
	cookies struct {
		Behavior string `json:"CookieBehavior"`
	}
	headers struct {
		Behavior string   `json:"HeaderBehavior"`
		Names    []string `json:"Headers"`
	}
	queries struct {
		Behavior string   `json:"QueryStringBehavior"`
		Names    []string `json:"QueryStrings"`
	}
	items struct {
		Items []string `json:"Items"`
	}
)

type headersPolicy struct {
	Name     jsontext.Value   `json:"Name"`
	Comment  jsontext.Value   `json:"Comment"`
	CORS     *corsConfig      `json:"CorsConfig"`
	Security *securityHeaders `json:"SecurityHeadersConfig"`
	Custom   *struct {
		Items []customHeader `json:"Items"`
	} `json:"CustomHeadersConfig"`
}

type corsConfig struct {
	AllowCredentials bool  `json:"AccessControlAllowCredentials"`
	AllowHeaders     items `json:"AccessControlAllowHeaders"`
	AllowMethods     items `json:"AccessControlAllowMethods"`
	AllowOrigins     items `json:"AccessControlAllowOrigins"`
	ExposeHeaders    items `json:"AccessControlExposeHeaders"`
	MaxAge           int64 `json:"AccessControlMaxAgeSec"`
	OriginOverride   bool  `json:"OriginOverride"`
}

type securityHeaders struct {
	ContentTypeOptions *struct {
		Override bool `json:"Override"`
	} `json:"ContentTypeOptions"`
	FrameOptions *struct {
		Value    string `json:"FrameOption"`
		Override bool   `json:"Override"`
	} `json:"FrameOptions"`
	ReferrerPolicy *struct {
		Value    string `json:"ReferrerPolicy"`
		Override bool   `json:"Override"`
	} `json:"ReferrerPolicy"`
	ContentSecurityPolicy *struct {
		Value    string `json:"ContentSecurityPolicy"`
		Override bool   `json:"Override"`
	} `json:"ContentSecurityPolicy"`
	StrictTransportSecurity *struct {
		Seconds    int64 `json:"AccessControlMaxAgeSec"`
		Subdomains bool  `json:"IncludeSubdomains"`
		Preload    bool  `json:"Preload"`
		Override   bool  `json:"Override"`
	} `json:"StrictTransportSecurity"`
}

type customHeader struct {
	Name     string `json:"Header"`
	Value    string `json:"Value"`
	Override bool   `json:"Override"`
}

type keyGroup struct {
	Name    jsontext.Value `json:"Name"`
	Comment jsontext.Value `json:"Comment"`
	Items   []reference    `json:"Items"`
}

// reference leads to a resource of the template, or is the id of one that is
// there already.
type reference struct {
	logical string
	id      string
}

// UnmarshalJSON reads an id, a Ref or a Fn::GetAtt.
func (r *reference) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &r.id); err == nil && r.id != "" {
		return nil
	}
	var function struct {
		Ref    string   `json:"Ref"`
		GetAtt []string `json:"Fn::GetAtt"`
	}
	if err := json.Unmarshal(data, &function, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	switch {
	case function.Ref != "" && function.GetAtt == nil:
		r.logical = function.Ref
	case function.Ref == "" && len(function.GetAtt) == 2 && function.GetAtt[0] != "":
		r.logical = function.GetAtt[0]
	default:
		return errors.New("it leads nowhere")
	}
	return nil
}

// resources are a template's, by logical id.
type resources map[string]struct {
	Type       string                    `json:"Type"`
	Properties map[string]jsontext.Value `json:"Properties"`
}

func resourcesOf(template map[string]any) (resources, error) {
	text, err := json.Marshal(template)
	if err != nil {
		return nil, err
	}
	var read struct {
		Resources resources `json:"Resources"`
	}
	err = json.Unmarshal(text, &read)
	return read.Resources, err
}

// config reads the one property that a resource of CloudFront has, into a
// type that knows every member of it.
func (r resources) config(logical, kind, property string, config any) error {
	resource, ok := r[logical]
	if !ok || resource.Type != "AWS::CloudFront::"+kind {
		return fmt.Errorf("%q is no %s of the template", logical, kind)
	}
	if err := json.Unmarshal(resource.Properties[property], config, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("the %s %s: %w", kind, logical, err)
	}
	return nil
}
