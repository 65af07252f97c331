// Package apikeys is keys for machines: what one looks like, what is kept of
// it, and whether one that is shown holds.
//
// A key is "sgk_", an id of 16 characters, "_", a secret of 52 and a checksum
// of 7, all in base32 (RFC 4648, section 6). Scanners for leaked secrets find
// one by the regular expression
//
//	sgk_[A-Z2-7]{16}_[A-Z2-7]{59}
//
// and tell it from a chance find by the checksum: the CRC-32 (IEEE 802.3) of
// all that stands before it, four bytes with the highest first.
//
// The secret is shown once, when the key is made, and kept by nobody. A store
// has its SHA-256. A hash that is slow on purpose, as passwords need, would
// protect nothing more: the secret has 260 random bits, and whoever tried them
// against the hash would not be done before the sun is, while every request
// would pay for it.
//
// The package doesn't say what a machine may do: see access. Names of machines
// are the operator's, and no issuer's: see callers.KeyPrefix.
package apikeys
