package policy

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// What the gateway does in S3 under its own role, and no more (SECURITY.md,
// "What the gateway may do on AWS"). What it presigns is done by others, and
// allowed by the same permissions.

// GatewayWrites is what it does with the bucket's objects.
func GatewayWrites() []string {
	return []string{"s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:DeleteObject"}
}

// GatewayInspects is what it does with objects in quarantine only.
func GatewayInspects() []string { return []string{"s3:GetObject", "s3:GetObjectVersion"} }

// GatewayLists is what it does with the bucket.
func GatewayLists() []string { return []string{"s3:ListBucket"} }

// GatewayShares is what it does with the table of grants and its indexes.
func GatewayShares() []string {
	return []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"}
}

// GatewayRecords is what it does with the table of the audit trail, which it
// can add to and look at the end of.
func GatewayRecords() []string { return []string{"dynamodb:PutItem", "dynamodb:Query"} }

// GatewayKnowsMachines is what it does with the table of API keys: it makes
// none.
func GatewayKnowsMachines() []string { return []string{"dynamodb:GetItem", "dynamodb:UpdateItem"} }

// arnRegion is where in an ARN, between its colons, the region stands.
const arnRegion = 3

// ThroughSecrets are the conditions under which Secrets Manager uses a key for
// one secret, on behalf of who asks it (AWS Secrets Manager User Guide, "Secret
// encryption and decryption in AWS Secrets Manager"). It is the one of the
// secret's region, where the ARN says which: the gateway asks there.
func ThroughSecrets(scope constructs.Construct, secretARN string) Conditions {
	region := *awscdk.Stack_Of(scope).Region()
	if parts := strings.Split(secretARN, ":"); !*awscdk.Token_IsUnresolved(secretARN) && len(parts) > arnRegion {
		region = parts[arnRegion]
	}
	return Conditions{"StringEquals": {
		"kms:ViaService":                  "secretsmanager." + region + "." + *awscdk.Aws_URL_SUFFIX(),
		"kms:EncryptionContext:SecretARN": secretARN,
	}}
}
