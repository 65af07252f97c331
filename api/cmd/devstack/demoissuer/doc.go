// Package demoissuer is a small OIDC issuer for the local stack: it gives
// access tokens to demo people, so that the gateway verifies tokens there as
// it does in production.
//
// It asks nobody for a password. It is for this machine only.
package demoissuer
