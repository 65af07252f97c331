// Package grants says who shared what with whom: a Grant gives a person, a
// group, everyone, or whoever holds a link, leave to read or write one object
// or everything below a prefix, until a time and for a number of uses.
//
// Grants are kept in a Store. There are two, grants/bolt in a file on one
// machine and grants/dynamo on AWS; grants/storetest holds what both promise.
// What matters most is the look-up of a decision, Find: its cost grows with
// the depth of the key and the number of grantees that a caller is, and
// neither with the number of grants in the store nor with those of other
// people on the same resource.
//
// A Grantee says who is meant, not who is there: that somebody is a person or
// in a group is for whoever authenticates them to say, and only ParseSecret
// turns what a caller brought into a link's holder. A link's secret is never
// kept, only its SHA-256; 256 random bits need no slow hash.
//
// The package decides nothing. Whether somebody may share, and whether a grant
// is enough for a request, is up to whoever holds the policies.
package grants
