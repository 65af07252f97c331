package policy

// The actions of S3 that statements speak of, by what they do (Service
// Authorization Reference, "Actions, resources, and condition keys for Amazon
// S3").

// Reading is everything that shows what is in an object.
func Reading() []string {
	return []string{
		"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes",
		"s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:GetObjectVersionForReplication", "s3:GetObjectTorrent",
	}
}

// Listing is everything that shows the names of objects.
func Listing() []string {
	return []string{"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}
}

// Writing is everything that makes, changes or hides an object.
func Writing() []string {
	return []string{
		"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload",
		"s3:ReplicateObject", "s3:ReplicateTags", "s3:ReplicateDelete", "s3:UpdateObjectEncryption",
	}
}

// Restoring is what has copies in Glacier brought back, which reads nothing.
func Restoring() []string { return []string{"s3:RestoreObject"} }

// Erasing is everything that makes a version go for good, or lets it.
func Erasing() []string {
	return []string{
		"s3:DeleteObjectVersion", "s3:DeleteObjectVersionTagging", "s3:PutObjectVersionTagging",
		"s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
	}
}

// SharingByACL is everything that opens an object by a list of its own.
func SharingByACL() []string {
	return []string{"s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketAcl"}
}

// Governing is everything that changes what a bucket promises.
func Governing() []string {
	return []string{
		"s3:CreateBucketMetadataTableConfiguration", "s3:DeleteBucketMetadataTableConfiguration",
		"s3:UpdateBucketMetadataInventoryTableConfiguration", "s3:UpdateBucketMetadataJournalTableConfiguration",
		"s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteBucketWebsite", "s3:PutAccelerateConfiguration",
		"s3:PutBucketCORS", "s3:PutBucketLogging", "s3:PutBucketNotification", "s3:PutBucketObjectLockConfiguration",
		"s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutBucketRequestPayment",
		"s3:PutBucketVersioning", "s3:PutBucketWebsite", "s3:PutEncryptionConfiguration", "s3:PutIntelligentTieringConfiguration",
		"s3:PutInventoryConfiguration", "s3:PutLifecycleConfiguration", "s3:PutReplicationConfiguration",
	}
}
