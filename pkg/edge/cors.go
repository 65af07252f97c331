package edge

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// apply sets what the behaviour adds to an answer of the origin, in place of
// what the origin itself says. CloudFront's own refusals don't get it, so a
// page sees those as a failed connection.
func (b Behavior) apply(header http.Header, r *http.Request) {
	for _, own := range b.Headers {
		header.Set(own.Name, own.Value)
	}
	if b.CORS == nil {
		return
	}
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			header.Del(name)
		}
	}
	b.CORS.apply(header, r, b.Methods)
}

func (c CORS) apply(header http.Header, r *http.Request, methods []string) {
	origin := r.Header.Get("Origin")
	anyOrigin := slices.Contains(c.AllowOrigins, "*")
	if !anyOrigin {
		header.Add("Vary", "Origin") // on every answer: a browser may keep one that was asked for without an Origin
	}
	if origin == "" || (!anyOrigin && !slices.Contains(c.AllowOrigins, origin)) {
		return
	}
	if anyOrigin {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", origin)
	}
	if c.AllowCredentials {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposeHeaders) > 0 {
		header.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		header.Set("Access-Control-Allow-Methods", strings.Join(methods, ","))
		if len(c.AllowHeaders) > 0 {
			header.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		}
		if c.MaxAge > 0 {
			header.Set("Access-Control-Max-Age", strconv.FormatInt(int64(c.MaxAge/time.Second), 10))
		}
	}
}
