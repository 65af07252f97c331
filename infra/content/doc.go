// Package content is the private bucket: where objects lie, under which key,
// who may read, write and delete them, and who may change any of that. It is
// a construct for any Go CDK app.
//
// One distribution reads, one role writes, nobody deletes a version; the
// bucket's policy says so by explicit denies, which no permission given
// elsewhere in the account overrides. It isn't the distribution (package
// delivery), nor the gateway that decides who gets a URL.
//
// # Which comes first
//
// The distribution names the bucket, the bucket its key, and the key's policy
// exactly that distribution: a cycle, which CloudFormation refuses. It can be
// broken in two places.
//
// The bucket's encryption names the key by the ARN of its alias, a name that
// is known up front. A first deploy then makes the bucket, the distribution,
// the key, and the alias last. S3 documents that it doesn't look whether the
// key is there (Amazon S3 API Reference, PutBucketEncryption), an alias given
// as an ARN isn't looked up in the caller's account as a bare one is, and
// nobody may write before the bucket's policy, which needs the key. The price:
// who may move the alias decides which key new objects get, so the key's
// policy lets only the deployers do so.
//
// Or the distribution names the bucket by a name known up front, and is made
// before it. CreateDistribution documents an error, InvalidOrigin, for what is
// no bucket of S3, and doesn't say whether one has to exist; every bucket
// would need a fixed name, so that it could never be replaced; and until the
// bucket exists, anybody could take that name.
//
// This package therefore names the alias. DecryptFor: AnyDistribution is the
// fallback that needs neither: the key decrypts for any distribution of the
// account, for this bucket only (kms:EncryptionContext:aws:s3:arn), and the
// bucket still lets only the one distribution read. Changing from one to the
// other changes the key's policy and nothing else.
package content
