// Package access decides who may do what to which object.
//
// Policies are Cedar (https://docs.cedarpolicy.com), read from a folder once
// and then immutable. A decision is a pure function of principal, action and
// key: no network, no clock. The default is deny, and so is every evaluation
// error: Cedar itself skips a policy that errs, which would let a broken
// "forbid" through.
//
// What policies can name:
//
//	principal  Person::"<subject>", with the attribute home: the Prefix
//	           "users/<subject>/", absent where the subject is no single segment
//	action     Action::"read", "write", "overwrite", "delete"
//	resource   Object::"<key>", with the attribute key, in every Prefix above it
//
// The package doesn't authenticate anybody and knows nothing about HTTP.
package access
