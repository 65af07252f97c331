// Package compliance holds the stacks against rules that others wrote: those
// of cdk-nag for AWS's Solutions, NIST 800-53 revision 5, HIPAA and PCI DSS,
// and, once they are synthesized, those of cfn-lint and checkov (make
// lint-stacks). Each finding either stops, or stands in this package's one
// list with the reason why it is left. What the stacks promise beyond that is
// tested in package stacks.
package compliance
