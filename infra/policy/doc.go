// Package policy writes the statements of resource policies, for the
// constructs beside it: who may or may not do what, with every action named.
// It isn't an evaluator: what the policies of a stack come to together is
// asked in tests.
package policy
