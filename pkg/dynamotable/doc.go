// Package dynamotable is what stores in DynamoDB have in common: how a table is
// described for whoever creates it, the client, and items read so that one that
// isn't as it was written is noticed. What is in a table is for the stores.
package dynamotable
