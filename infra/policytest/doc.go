// Package policytest answers for one request at a time what AWS would say to
// it under the policies of synthesized CloudFormation templates: bucket
// policies, key policies, roles, permissions boundaries and VPC endpoints
// together. It stands to the infrastructure as net/http/httptest stands to a
// handler: tests are written with it, and no program links it.
//
// [Resolve] reads the policies out of the templates, [Policies.Evaluate]
// judges a [Request], and [Policies.EvaluateObject] judges a request for an
// object together with the use of the key it is encrypted with. The answer
// cites the statements that decided.
//
// It follows "Policy evaluation logic" of the IAM User Guide
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html):
//
//   - a Deny that applies wins, whichever policy it is in;
//   - within an account an Allow of the identity's or the resource's policy
//     is enough, across accounts both are needed;
//   - an Allow to an account only hands the decision to that account's
//     identity policies, and KMS keys and roles allow nothing that their own
//     policy doesn't;
//   - boundaries and session policies limit what identity policies and Allows
//     to a role give, not what is given to a user, a session or to everyone;
//   - the policy of a VPC endpoint limits what comes through it;
//   - S3 Block Public Access closes a bucket whose policy is public.
//
// What it can't judge it refuses with an error, so that nothing passes for
// "doesn't match" because it wasn't understood: unknown elements, operators
// and functions, values that no template tells, resources nobody knows.
//
// Not modelled: service and resource control policies, ACLs, KMS grants,
// access points, IAM users and groups of a template, and what a service
// does beyond its authorization (a key that is disabled, Object Lock).
//
// # Why our own
//
// Of the evaluators that were looked at, @cloud-copilot/iam-simulate is whole
// but under the AGPL, and the module github.com/nsiow/yams couldn't be
// fetched. moto's (Apache-2.0) leaves resources, conditions and resource
// policies out, as it says itself; pbac (MIT) knows neither accounts nor keys,
// reads one key of each operator, and takes a negated one for true as soon as
// one value differs. So this is our own, checked against the examples of AWS's
// documentation and, on generated bucket policies, against the evaluator of
// versitygw (Apache-2.0), which shares no code with it.
package policytest
