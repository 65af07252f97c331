package policy

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
