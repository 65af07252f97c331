// Package callers finds out who is calling: it turns an access token into a
// principal's subject, or refuses.
//
// Tokens are JWTs of one OIDC issuer (RFC 9068 and, because many issuers don't
// mark them, plain JWTs). The issuer's keys are found by OpenID Connect
// Discovery, cached, refreshed every hour and when a token names a key that
// isn't known yet, at a bounded rate; with the issuer down, known keys go on.
// Signature algorithms are pinned by the operator and never taken from the
// token alone; "none" and HMAC can't be configured.
//
// The package decides nothing about what a caller may do: see access.
package callers
