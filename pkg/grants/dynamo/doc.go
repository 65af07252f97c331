// Package dynamo keeps grants in a DynamoDB table; Definition says of which
// shape. Each grant is one item, so every change is one conditional write that
// happens wholly or not at all, and no index has to agree with another.
//
// The partition is the mark of the resource, the sort key begins with that of
// the grantee. Find asks for each pair of them with a consistent read of its
// own, side by side, so a grant that was taken back is gone at once. An index
// by grantee, which lags behind a little, serves ForGrantee alone.
//
// The folders at the top of a bucket are asked about in every decision. The
// table has no local index, so DynamoDB can split such a partition between
// grantees; for one pair of a resource and a grantee it answers at most 3,000
// consistent reads a second (Amazon DynamoDB Developer Guide, "Best practices
// for designing and using partition keys"). Beyond that a read is throttled,
// which is an error here, and no.
package dynamo
