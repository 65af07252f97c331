package policy

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/signgate/signgate/infra/complaints"
)

// The keys of conditions that statements of several constructs ask about.
const (
	PrincipalARN = "aws:PrincipalArn" // of a session: its role's
	SourceARN    = "aws:SourceArn"    // of what an AWS service acts for
)

// Guard is who may change what a bucket and its key promise. Roles are named
// by their ARNs, or by patterns of them in which * stands for anything.
type Guard struct {
	// Deployers may change policies and settings, and delete a bucket when it
	// is empty. None: the execution role of CDK's bootstrap.
	Deployers []string
	// Administrators may do that too, and delete objects for good. None:
	// nobody may.
	Administrators []string
	// RequireMFA asks a second factor of administrators.
	RequireMFA bool
}

// Check complains of roles that are none.
func (g Guard) Check(found *complaints.List) {
	found.When(g.RequireMFA && len(g.Administrators) == 0, "RequireMFA asks a second factor of Administrators, and there are none")
	for _, role := range slices.Concat(g.Deployers, g.Administrators) {
		found.When(!*awscdk.Token_IsUnresolved(role) && !strings.HasPrefix(role, "arn:"), "%q is neither the ARN of a role nor a pattern of one", role)
	}
}

// Keepers are all who may govern.
func (g Guard) Keepers(scope constructs.Construct) []string {
	if len(g.Deployers) == 0 {
		return append([]string{BootstrapRole(scope)}, g.Administrators...)
	}
	return slices.Concat(g.Deployers, g.Administrators)
}

// UnlessAdministrator are the conditions of what only administrators may do;
// without any, nobody may.
func (g Guard) UnlessAdministrator() Conditions { return Unless(g.Administrators) }

// Unless holds for everybody but the roles; without roles, for everybody.
func Unless(roles []string) Conditions {
	if len(roles) == 0 {
		return nil
	}
	return Conditions{"ArnNotLike": {PrincipalARN: roles}}
}

// Bucket returns the denies that every bucket has, whatever is given
// elsewhere. Erasing is what only administrators may do to its objects. Where
// a deny's actions are a wildcard, it also means what S3 learns to do one day.
func (g Guard) Bucket(scope constructs.Construct, bucketARN string, erasing []string) []awsiam.PolicyStatement {
	itself, objects := []string{bucketARN}, []string{bucketARN + "/*"}
	everywhere, anything := slices.Concat(itself, objects), []string{"s3:*"}
	statements := []awsiam.PolicyStatement{
		Deny("OnlyTLS", everywhere, anything, Conditions{"Bool": {"aws:SecureTransport": "false"}}),
		Deny("OnlyTLS12", everywhere, anything, Conditions{"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
		Deny("NotAnonymous", everywhere, anything, Conditions{"StringEquals": {"aws:PrincipalType": "Anonymous"}}),
		Deny("NoOtherAccount", everywhere, anything, Conditions{
			"StringNotEquals": {"aws:PrincipalAccount": *awscdk.Stack_Of(scope).Account()},
			"Bool":            {"aws:PrincipalIsAWSService": "false"},
		}),
		Deny("NoACLs", everywhere, SharingByACL(), nil),
		Deny("OnlyDeployersGovern", itself, Governing(), Unless(g.Keepers(scope))),
		Deny("NobodyErases", objects, erasing, g.UnlessAdministrator()),
	}
	if g.RequireMFA {
		statements = append(statements, Deny("AdministratorsTakeMFA", everywhere, slices.Concat(Governing(), erasing), Conditions{
			"ArnLike":      {PrincipalARN: g.Administrators},
			"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"},
		}))
	}
	return statements
}

// Key returns what the policy of every key of KMS begins with: the account's
// permissions may have it looked after, and not used; and who may not govern
// can't have it lost, opened, or replaced by moving its alias.
func (g Guard) Key(scope constructs.Construct) []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		Allow("LookedAfterByAccount", awsiam.NewAccountRootPrincipal(), Itself(), lookingAfterKeys(), nil),
		Deny("OnlyDeployersGovern", Itself(), governingKeys(), Unless(g.Keepers(scope))),
	}
}

// Itself is what the statements of a key's policy are about.
func Itself() []string { return []string{"*"} }

// lookingAfterKeys is what the account's own permissions may allow: nothing
// that encrypts, decrypts, or hands that on.
func lookingAfterKeys() []string {
	return slices.Concat(governingKeys(), []string{
		"kms:CreateAlias", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
		"kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags",
		"kms:RevokeGrant", "kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription",
	})
}

// governingKeys is what would lose what a key encrypts, open it, or have new
// objects encrypted by another.
func governingKeys() []string {
	return []string{
		"kms:CancelKeyDeletion", "kms:DeleteAlias", "kms:DisableKey", "kms:DisableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UpdateAlias",
	}
}
