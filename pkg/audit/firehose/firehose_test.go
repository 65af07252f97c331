package firehose_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	service "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/audit/firehose"
	"github.com/signgate/signgate/pkg/audit/sinktest"
)

var moto *sinktest.Moto

func TestMain(m *testing.M) {
	sinktest.Main(m, filepath.Join("..", "..", "..", ".cache", "moto", "bin", "moto_server"), func(started *sinktest.Moto) { moto = started })
}

var streams atomic.Int64

// open makes a stream that delivers to a bucket of its own.
func open(t *testing.T) sinktest.Kept {
	t.Helper()
	name := fmt.Sprintf("trail-%d", streams.Add(1))
	credentials := aws.CredentialsProviderFunc(sinktest.Credentials)
	store := s3.New(s3.Options{Region: sinktest.Region, Credentials: credentials, BaseEndpoint: aws.String(moto.URL), UsePathStyle: true})
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String(name), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: sinktest.Region},
	}); err != nil {
		t.Fatal(err)
	}
	client := service.New(service.Options{Region: sinktest.Region, Credentials: credentials, BaseEndpoint: aws.String(moto.URL)})
	if _, err := client.CreateDeliveryStream(t.Context(), &service.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String(name),
		ExtendedS3DestinationConfiguration: &types.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::" + name), RoleARN: aws.String("arn:aws:iam::123456789012:role/firehose"),
		},
	}); err != nil {
		t.Fatal(err)
	}
	return sinktest.Kept{
		New: func(c aws.HTTPClient) audit.Sink {
			return firehose.New(firehose.Config{Stream: name, Region: sinktest.Region, Endpoint: moto.URL, Credentials: credentials, HTTP: c})
		},
		Read: func(t testing.TB) []byte {
			t.Helper()
			return delivered(t, store, name)
		},
		Deny: "ServiceUnavailableException",
	}
}

// delivered is what stands in the files of a bucket.
func delivered(t testing.TB, store *s3.Client, bucket string) []byte {
	t.Helper()
	listed, err := store.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, object := range listed.Contents {
		got, err := store.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		_, err = all.ReadFrom(got.Body)
		_ = got.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

func TestFirehoseKeepsATrail(t *testing.T) { sinktest.Run(t, open) }

func TestAStreamThatIsntThereKeepsNothing(t *testing.T) {
	sink := firehose.New(firehose.Config{Stream: "nowhere", Region: sinktest.Region, Endpoint: moto.URL, Credentials: aws.CredentialsProviderFunc(sinktest.Credentials)})
	err := sink.Store(context.Background(), "chain", []audit.Line{{Seq: 1, Text: []byte("{}")}})
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}
