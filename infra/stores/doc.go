// Package stores is the tables of DynamoDB that the gateway keeps things in:
// what is shared, the API keys of machines, and the audit trail where it isn't
// a log. Their shapes are those that the stores of package grants, apikeys and
// audit ask for. It is a construct for any Go CDK app; what the gateway may do
// with the tables is said by package gateway.
package stores
