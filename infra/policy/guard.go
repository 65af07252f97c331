package policy

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

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
	CheckRoles(found, slices.Concat(g.Deployers, g.Administrators))
}

// CheckRoles complains of roles that are neither ARNs nor patterns of them.
func CheckRoles(found *complaints.List, roles []string) {
	for _, role := range roles {
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
		Deny("OnlyDeployersGovern", itself, Governing(), Unless(g.Keepers(scope))),
		Deny("NobodyErases", objects, erasing, g.UnlessAdministrator()),
	}
	if g.RequireMFA {
		statements = append(statements, Deny("AdministratorsTakeMFA", everywhere, slices.Concat(Governing(), erasing), g.withoutMFA()))
	}
	return statements
}

// withoutMFA holds for administrators without a second factor. Sessions of IAM
// Identity Center and of SAML never have one in AWS's eyes.
func (g Guard) withoutMFA() Conditions {
	return Conditions{"ArnLike": {PrincipalARN: g.Administrators}, "BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
}

// NewKey is a symmetric key that KMS rotates every year. The account's own
// policies say who looks after keys, and the statements who uses this one; who
// may not govern can't have it lost, opened, or replaced by moving its alias.
func (g Guard) NewKey(scope constructs.Construct, id, description string, removal awscdk.RemovalPolicy, statements ...awsiam.PolicyStatement) awskms.Key {
	return awskms.NewKey(scope, jsii.String(id), &awskms.KeyProps{
		Description:       jsii.String(description),
		EnableKeyRotation: jsii.Bool(true),
		PendingWindow:     awscdk.Duration_Days(jsii.Number(keyPendingDays)),
		Policy:            g.keyPolicy(scope, statements),
		RemovalPolicy:     removal,
	})
}

// NewSigningKey is a key that signs, ECDSA on P-256, guarded as NewKey's are.
// KMS can't rotate it: another key is another resource (AWS KMS Developer
// Guide, "Rotating AWS KMS keys").
func (g Guard) NewSigningKey(scope constructs.Construct, id, description string, removal awscdk.RemovalPolicy, statements ...awsiam.PolicyStatement) awskms.Key {
	return awskms.NewKey(scope, jsii.String(id), &awskms.KeyProps{
		Description:   jsii.String(description),
		KeySpec:       awskms.KeySpec_ECC_NIST_P256,
		KeyUsage:      awskms.KeyUsage_SIGN_VERIFY,
		PendingWindow: awscdk.Duration_Days(jsii.Number(keyPendingDays)),
		Policy:        g.keyPolicy(scope, statements),
		RemovalPolicy: removal,
	})
}

// keyPolicy is who governs a key, and the statements.
func (g Guard) keyPolicy(scope constructs.Construct, statements []awsiam.PolicyStatement) awsiam.PolicyDocument {
	all := append([]awsiam.PolicyStatement{
		Allow("AccountGoverns", awsiam.NewAccountRootPrincipal(), Itself(), KeyAdministration(), nil),
		Deny("OnlyDeployersGovern", Itself(), GoverningKeys(), Unless(g.Keepers(scope))),
	}, statements...)
	if g.RequireMFA {
		all = append(all, Deny("AdministratorsTakeMFA", Itself(), GoverningKeys(), g.withoutMFA()))
	}
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &all})
}

// keyPendingDays is the longest that KMS lets one think about deleting a key.
const keyPendingDays = 30

// Itself is what the statements of a key's policy are about.
func Itself() []string { return []string{"*"} }

// KeyAdministration is everything that governs a key of KMS and nothing that
// uses it or hands that on (AWS KMS Developer Guide, "Allows key
// administrators to administer the KMS key").
func KeyAdministration() []string {
	return append(GoverningKeys(),
		"kms:CreateAlias", "kms:DescribeKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus",
		"kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags", "kms:RevokeGrant", "kms:RotateKeyOnDemand",
		"kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription",
	)
}

// GoverningKeys is what would lose what a key encrypts, open it, or have new
// objects encrypted by another.
func GoverningKeys() []string {
	return []string{
		"kms:CancelKeyDeletion", "kms:DeleteAlias", "kms:DisableKey", "kms:DisableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UpdateAlias",
	}
}
