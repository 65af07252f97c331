// Package rolecredentials makes temporary AWS credentials that upload below
// one prefix of a bucket and do nothing else. It assumes a role by STS, with a
// session policy: what the credentials may do is what both the role and that
// policy allow (IAM User Guide, "Session policies"). So the role may be wider
// than any one caller, and the policy narrows it to s3:PutObject,
// s3:AbortMultipartUpload and s3:ListMultipartUploadParts below the prefix.
//
// They are for programs on an AWS SDK that want to talk to S3 by themselves,
// such as its transfer managers. They are no substitute for presigned
// requests, because whoever has them may, until they expire and as often as
// they like, write objects of any size, type, metadata, storage class and
// name below the prefix, and replace what is there. Nothing takes them back
// but a deny on the role. Who may have them, package rolecredentials doesn't
// ask.
//
// The gateway's own role needs sts:AssumeRole on the role, and the role's trust
// policy must name it. The role needs the three actions on the objects of the
// bucket. A bucket that encrypts with a key of KMS refuses what the
// credentials send, for the session policy allows no use of the key.
package rolecredentials
