package s3server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/signgate/signgate/pkg/presign"
)

// Bucket is a private bucket as the stack on AWS has it, as far as the local
// server knows the same words.
type Bucket struct {
	Name    string
	Writer  string   // access key that may put and delete objects: the gateway's
	Reader  string   // access key that may get objects: the edge's
	Origins []string // of browser pages that may upload

	Quarantine string // prefix below which the writer may look at what it wrote; none if empty
}

// Client returns an S3 client for the server.
func (s *Server) Client(account Account) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.URL()), UsePathStyle: true, Region: s.config.Region,
		Credentials: credentials.NewStaticCredentialsProvider(account.Access, account.Secret, ""),
	})
}

// Prepare makes the bucket: versioned, with CORS for uploads, and with a
// policy under which one account writes, one reads and nobody else does
// anything. It may be called again for a bucket that is there.
func (s *Server) Prepare(ctx context.Context, bucket Bucket) error {
	client, name := s.Client(s.config.Root), aws.String(bucket.Name)
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name})
	var owned *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &owned) {
		return fmt.Errorf("create the bucket: %w", err)
	}
	_, err = client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		return fmt.Errorf("turn on versioning: %w", err)
	}
	cors := presign.BrowserUploads()
	_, err = client.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: name, CORSConfiguration: &types.CORSConfiguration{
		CORSRules: []types.CORSRule{{
			AllowedMethods: cors.Methods, AllowedOrigins: bucket.Origins, AllowedHeaders: cors.Headers,
			ExposeHeaders: cors.Expose, MaxAgeSeconds: aws.Int32(int32(cors.MaxAge.Seconds())),
		}},
	}})
	if err != nil {
		return fmt.Errorf("set CORS: %w", err)
	}
	policy, err := bucket.policy()
	if err != nil {
		return err
	}
	if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(policy)}); err != nil {
		return fmt.Errorf("set the bucket policy: %w", err)
	}
	return nil
}

// policy names the bucket beside its objects, because this server decides
// about POST forms by the bucket alone.
func (b Bucket) policy() (string, error) {
	type statement struct {
		Effect    string
		Principal map[string][]string
		Action    []string
		Resource  []string
	}
	writing := []string{"s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucket"}
	bucket, objects := "arn:aws:s3:::"+b.Name, "arn:aws:s3:::"+b.Name+"/*"
	statements := []statement{
		{"Allow", map[string][]string{"AWS": {b.Writer}}, writing, []string{bucket, objects}},
		{"Allow", map[string][]string{"AWS": {b.Reader}}, []string{"s3:GetObject", "s3:GetObjectVersion"}, []string{objects}},
		{"Deny", map[string][]string{"AWS": {b.Writer, b.Reader}}, []string{"s3:DeleteObjectVersion"}, []string{objects}},
	}
	if b.Quarantine != "" {
		landed := []string{"arn:aws:s3:::" + b.Name + "/" + b.Quarantine + "*"}
		statements = append(statements,
			statement{"Allow", map[string][]string{"AWS": {b.Writer}}, []string{"s3:GetObject", "s3:GetObjectVersion"}, landed},
			statement{"Deny", map[string][]string{"AWS": {b.Reader}}, []string{"s3:GetObject", "s3:GetObjectVersion"}, landed})
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return "", fmt.Errorf("bucket policy: %w", err)
	}
	return string(text), nil
}

// Versions counts the versions of an object and its delete markers, as root.
func (s *Server) Versions(ctx context.Context, bucket, key string) (versions, markers int, err error) {
	list, err := s.Client(s.config.Root).ListObjectVersions(ctx, &s3.ListObjectVersionsInput{
		Bucket: aws.String(bucket), Prefix: aws.String(key),
	})
	if err != nil {
		return 0, 0, fmt.Errorf("list the versions: %w", err)
	}
	return len(list.Versions), len(list.DeleteMarkers), nil
}
