// Package capability seals a little state into a token that its holder can
// neither read nor change, so that the state needs no database.
//
// A token is encrypted and authenticated by XChaCha20-Poly1305
// (draft-irtf-cfrg-xchacha-03) under a random nonce, for one kind of use and
// until a time: opened as another kind, a byte different, too late, or under
// another key, it is refused. Tokens of one key are unlimited in practice, as
// nonces of 192 random bits don't meet.
//
// What it doesn't do: a token can't be taken back before it expires, and
// whoever holds it can use it. The state inside must say for whom it is where
// that matters.
package capability
