// Package network puts the gateway into a VPC whose way to S3 leads to one
// bucket, for one role and the actions that the gateway needs: a third lock
// beside the bucket's policy and the role's. Whoever takes over the gateway
// can't carry objects to a bucket of their own through it, nor use other
// credentials on the way. It is a construct for any Go CDK app.
//
// It isn't about the objects' readers and uploaders: they come to CloudFront
// and to S3 from wherever they are.
//
// # What a VPC of its own has, and hasn't
//
// Its subnets have no way to the internet unless NATGateways asks for one. The
// gateway fetches the keys of its OIDC issuer, so without one the issuer has
// to be reachable inside. What passes through a NAT gateway is held by no
// endpoint policy: buckets of other regions, for instance. Public subnets are
// for NAT gateways, and for a load balancer that the internet reaches: nothing
// of the gateway's own is in them.
//
// The security group that every VPC begins with lets its members talk to each
// other. CloudFormation has no way to empty it (cloudformation-coverage-roadmap
// issue 658), and CDK's is a function with the right to change security
// groups. Nothing here is a member of that group, and this package leaves it.
//
// The subnets' zones are chosen by CloudFormation (Fn::GetAZs) and nothing is
// looked up, so that a synth needs no credentials.
package network
