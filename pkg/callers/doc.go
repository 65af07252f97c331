// Package callers finds out who is calling: it turns an access token, or what
// AWS says of a caller, into the name of a principal, or refuses.
//
// Tokens are JWTs of one or several OIDC issuers (RFC 9068 and, because many
// issuers don't mark them, plain JWTs). A token's iss claim chooses, before
// anything of the token is believed, the issuer whose keys and algorithms alone
// can verify it. An issuer's keys are found by OpenID Connect Discovery,
// cached, refreshed every hour and when a token names a key that isn't known
// yet, at a bounded rate; with the issuer down, known keys go on. Signature
// algorithms are pinned by the operator and never taken from the token alone;
// "none" and HMAC can't be configured.
//
// Names of one issuer are never taken for those of another, nor for those of
// machines with an API key or an IAM role: see Issuer.Prefix.
//
// The package decides nothing about what a caller may do: see access.
package callers
