// Package access decides who may do what to which object.
//
// Policies are Cedar (https://docs.cedarpolicy.com), read from a folder once
// and then immutable. A decision is a pure function of principal, action and
// key: no network, no clock. The default is deny, and so is every evaluation
// error: Cedar itself skips a policy that errs, which would let a broken
// "forbid" through.
//
// What policies can name stands in schema.cedarschema, against which they are
// checked when they are loaded: people, machines and anybody, their groups and
// tenants, objects in the prefixes above them, their owner and tenant where a
// Layout finds them in the key, and what shares give
// (context.granted). Three sets come with signgate; each has tests that
// Authorizer.Run asks, as it does a user's own.
//
// The package doesn't authenticate anybody and knows nothing about HTTP.
package access
