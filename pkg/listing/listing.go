// Package listing reads the names of objects in a bucket, page by page.
//
// It shows every name that is there: what a caller may see of it is for
// whoever holds the policies to say. It needs s3:ListBucket and nothing else.
package listing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/objectkey"
)

// ErrUnavailable is wrapped where S3 doesn't list.
var ErrUnavailable = errors.New("the bucket can't be listed")

// MaxNames is the most names on a page (Amazon S3 API Reference,
// "ListObjectsV2").
const MaxNames = 1000

// Config says where the bucket is and who asks.
type Config struct {
	Bucket      string
	Region      string
	Endpoint    string // empty for AWS itself
	PathStyle   bool
	DualStack   bool
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient // nil for the SDK's own
}

// Bucket lists a bucket. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	name   string
}

// Question says what is to be listed.
type Question struct {
	Prefix  objectkey.Prefix
	Folders bool   // one level: what lies deeper shows as its folder
	Token   string // where to go on: Next of the page before; empty for the beginning
	Limit   int    // most names, 1 to MaxNames
}

// Object is one object.
type Object struct {
	Key      objectkey.Key
	Size     int64 // bytes
	ETag     string
	Modified time.Time // UTC
}

// Page is part of a list. Names that are no keys by the rules of package
// objectkey are left out: nobody could be given them.
type Page struct {
	Objects []Object
	Folders []objectkey.Prefix
	Next    string // S3's token; empty at the end
}

// New makes a bucket.
func New(config Config) *Bucket {
	return &Bucket{name: config.Bucket, client: s3.New(s3.Options{}, func(o *s3.Options) {
		o.Region, o.Credentials, o.UsePathStyle = config.Region, config.Credentials, config.PathStyle
		if config.Endpoint != "" {
			o.BaseEndpoint = aws.String(config.Endpoint)
		}
		if config.DualStack {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
		if config.HTTP != nil {
			o.HTTPClient = config.HTTP
		}
	})}
}

// Page reads one page. The error wraps ErrUnavailable.
func (b *Bucket) Page(ctx context.Context, question Question) (Page, error) {
	input := &s3.ListObjectsV2Input{
		Bucket: aws.String(b.name), Prefix: aws.String(question.Prefix.String()),
		MaxKeys: aws.Int32(int32(min(max(question.Limit, 1), MaxNames))),
	}
	if question.Folders {
		input.Delimiter = aws.String("/")
	}
	if question.Token != "" {
		input.ContinuationToken = aws.String(question.Token)
	}
	listed, err := b.client.ListObjectsV2(ctx, input)
	if err != nil {
		return Page{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	page := Page{Next: aws.ToString(listed.NextContinuationToken)}
	for _, object := range listed.Contents {
		if key, err := objectkey.Parse(aws.ToString(object.Key)); err == nil {
			page.Objects = append(page.Objects, Object{
				Key: key, Size: aws.ToInt64(object.Size), ETag: aws.ToString(object.ETag), Modified: aws.ToTime(object.LastModified).UTC(),
			})
		}
	}
	for _, folder := range listed.CommonPrefixes {
		if prefix, err := objectkey.ParsePrefix(aws.ToString(folder.Prefix)); err == nil {
			page.Folders = append(page.Folders, prefix)
		}
	}
	return page, nil
}
