package metrics

import "slices"

// Service is the gateway's name, and the dimension of that name which each of
// its metrics has in CloudWatch.
const (
	Service          = "signgate"
	ServiceDimension = "service"
)

// Metrics. RequestDuration follows OpenTelemetry's semantic conventions for
// HTTP.
const (
	RequestDuration = "http.server.request.duration" // seconds
	Issuances       = "signgate.issuances"           // records in the audit trail
	Denials         = "signgate.denials"             // decisions that were no
	Problems        = "signgate.problems"            // answers that were problems
	SigningDuration = "signgate.signing.duration"    // seconds, of one signature for the CDN
	KeyAge          = "signgate.signing.key.age"     // seconds, of the key that signs
	CheckUp         = "signgate.check.up"            // 1 where what is needed was there, else 0
	AuditFailures   = "signgate.audit.failures"      // records that couldn't be written, so that nothing was issued
)

// Attributes.
const (
	Route   = "http.route"                // of RequestDuration: as it is written in the code, or none
	Method  = "http.request.method"       // of RequestDuration
	Status  = "http.response.status_code" // of RequestDuration
	Action  = "action"                    // of Issuances and Denials: read, write and the others of package access
	Outcome = "outcome"                   // of Issuances: issued, denied
	Reason  = "reason"                    // of Denials: not-allowed, forbidden
	Code    = "code"                      // of Problems: those of package problem
	Kind    = "kind"                      // of SigningDuration: url, prefix, cookies
	Check   = "check"                     // of CheckUp
)

// What a gateway looks after, values of Check. CheckIssuer is made
// where tokens of an issuer are taken, CheckAPIKeys where keys of machines are,
// the others always.
const (
	CheckKeys        = "keys"
	CheckPolicies    = "policies"
	CheckGrants      = "grants"
	CheckCredentials = "credentials"
	CheckAudit       = "audit"
	CheckIssuer      = "issuer"
	CheckAPIKeys     = "api-keys"
)

// Checks are all of them.
func Checks() []string {
	return []string{CheckKeys, CheckPolicies, CheckGrants, CheckCredentials, CheckAudit, CheckIssuer, CheckAPIKeys}
}

// Dimensions are the sets of attributes that CloudWatch counts a metric by,
// each with the service besides: an empty set is all of a metric together.
// Each set is a metric for each combination of its values, and AWS bills every
// one of them, so there are those that an alarm or a dashboard looks at and no
// others; what is left out stands in the lines, where Logs Insights finds it.
func Dimensions() map[string][][]string {
	together := []string{}
	return map[string][][]string{
		RequestDuration: {together, {Route}},
		Issuances:       {together, {Action, Outcome}},
		Denials:         {together, {Reason}},
		Problems:        {{Code}},
		SigningDuration: {{Kind}},
		KeyAge:          {together},
		CheckUp:         {{Check}},
		AuditFailures:   {together},
	}
}

// CountedBy says whether CloudWatch counts a metric by this set of attributes,
// in any order.
func CountedBy(metric string, attributes ...string) bool {
	wanted := slices.Sorted(slices.Values(attributes))
	return slices.ContainsFunc(Dimensions()[metric], func(set []string) bool {
		return slices.Equal(slices.Sorted(slices.Values(set)), wanted)
	})
}
