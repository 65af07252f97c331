package policy

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// KeyAdministration is everything that governs a key of KMS and nothing that
// uses it (AWS KMS Developer Guide, "Allows key administrators to administer
// the KMS key").
func KeyAdministration() []string {
	return []string{
		"kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey", "kms:DisableKeyRotation",
		"kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies",
		"kms:ListKeyRotations", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:RotateKeyOnDemand",
		"kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
	}
}

// NewKey is a symmetric key that KMS rotates every year, governed by whom the
// account's own policies let govern keys, and used as the statements say.
func NewKey(scope constructs.Construct, id, description string, removal awscdk.RemovalPolicy, statements ...awsiam.PolicyStatement) awskms.Key {
	govern := Allow("AccountGoverns", awsiam.NewAccountRootPrincipal(), []string{"*"}, KeyAdministration(), nil)
	all := append([]awsiam.PolicyStatement{govern}, statements...)
	return awskms.NewKey(scope, jsii.String(id), &awskms.KeyProps{
		Description:       jsii.String(description),
		EnableKeyRotation: jsii.Bool(true),
		Policy:            awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &all}),
		RemovalPolicy:     removal,
	})
}
