package behaviors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/signgate/signgate/pkg/edge"
)

func (r resources) headers(b *edge.Behavior, described cacheBehavior) error {
	if described.HeadersPolicy == nil {
		return nil
	}
	var policy headersPolicy
	if err := r.config(described.HeadersPolicy.logical, "ResponseHeadersPolicy", "ResponseHeadersPolicyConfig", &policy); err != nil {
		return err
	}
	if policy.CORS != nil {
		cors, err := policy.CORS.described(b.Methods)
		if err != nil {
			return err
		}
		b.CORS = cors
	}
	overrides := true
	add := func(override bool, name, value string) {
		overrides = overrides && override
		b.Headers = append(b.Headers, edge.Header{Name: name, Value: value})
	}
	if policy.Security != nil {
		policy.Security.each(add)
	}
	if policy.Custom != nil {
		for _, header := range policy.Custom.Items {
			add(header.Override, header.Name, header.Value)
		}
	}
	if !overrides {
		return errors.New("a header gives way to the origin's, and the edge's don't")
	}
	return nil
}

func (c corsConfig) described(methods []string) (*edge.CORS, error) {
	if !c.OriginOverride {
		return nil, errors.New("CORS gives way to the origin's, and the edge's doesn't")
	}
	if !slices.Equal(c.AllowMethods.Items, methods) {
		return nil, fmt.Errorf("pages may %v, and the behaviour allows %v", c.AllowMethods.Items, methods)
	}
	return &edge.CORS{
		AllowOrigins: c.AllowOrigins.Items, AllowHeaders: c.AllowHeaders.Items, ExposeHeaders: c.ExposeHeaders.Items,
		AllowCredentials: c.AllowCredentials, MaxAge: seconds(c.MaxAge),
	}, nil
}

// each hands over the headers that CloudFront makes of the settings.
func (s securityHeaders) each(add func(override bool, name, value string)) {
	if o := s.ContentTypeOptions; o != nil {
		add(o.Override, "X-Content-Type-Options", "nosniff")
	}
	if o := s.FrameOptions; o != nil {
		add(o.Override, "X-Frame-Options", o.Value)
	}
	if o := s.ReferrerPolicy; o != nil {
		add(o.Override, "Referrer-Policy", o.Value)
	}
	if o := s.ContentSecurityPolicy; o != nil {
		add(o.Override, "Content-Security-Policy", o.Value)
	}
	if o := s.StrictTransportSecurity; o != nil {
		value := "max-age=" + strconv.FormatInt(o.Seconds, 10)
		if o.Subdomains {
			value += "; includeSubDomains"
		}
		if o.Preload {
			value += "; preload"
		}
		add(o.Override, "Strict-Transport-Security", value)
	}
}
