// Package dynamo keeps API keys in a DynamoDB table; Definition says of which
// shape. Each key is one item under its id, read consistently, so that one that
// was revoked is so at once.
package dynamo
