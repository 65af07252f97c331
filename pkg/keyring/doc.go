// Package keyring holds the keys that sign CloudFront URLs: exactly one
// active key, which signs, and any number of retiring ones, whose public
// halves are still trusted until the last URL they signed has expired.
//
// Keys are crypto.Signers, so the private half may live elsewhere. CloudFront
// takes RSA with 2048 bits and ECDSA on P-256 (CloudFront Developer Guide,
// "Creating key pairs for your signers"); anything else is refused here, at
// start, and not at the first request.
//
// Which keys there are comes from a Source: a Folder of PEM files, or a secret
// of Secrets Manager (package awskeys), where a Document says which slot is
// active. Reloading follows the source without a restart.
//
// The package signs nothing itself and knows no policies: see signedurl.
// Changing keys in the right order is package rotation's.
package keyring
