package e2e_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/audit/dynamo"
	"github.com/signgate/signgate/pkg/client"
)

const sinkRegion = "us-east-1" // of the stack's bucket

// newStream makes a stream that delivers to a bucket of the same name.
func (m *moto) newStream(t testing.TB, name string) *s3.Client {
	t.Helper()
	store := m.s3("test", "test", "", sinkRegion)
	if _, err := store.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	streams := firehose.New(firehose.Options{Region: sinkRegion, BaseEndpoint: aws.String(m.url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	if _, err := streams.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String(name),
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::" + name), RoleARN: aws.String("arn:aws:iam::123456789012:role/firehose"),
		},
	}); err != nil {
		t.Fatal(err)
	}
	return store
}

// newTable makes a table of the shape that a trail needs.
func (m *moto) newTable(t testing.TB, name string) {
	t.Helper()
	shape := dynamo.Definition()
	tables := dynamodb.New(dynamodb.Options{Region: sinkRegion, BaseEndpoint: aws.String(m.url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	if _, err := tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: aws.String(shape.Partition), AttributeType: dynamotypes.ScalarAttributeTypeS},
			{AttributeName: aws.String(shape.Sort), AttributeType: dynamotypes.ScalarAttributeTypeN},
		},
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: aws.String(shape.Partition), KeyType: dynamotypes.KeyTypeHash},
			{AttributeName: aws.String(shape.Sort), KeyType: dynamotypes.KeyTypeRange},
		},
	}); err != nil {
		t.Fatal(err)
	}
}

// download puts every object of a bucket into a file, every other one zipped,
// the last first.
func download(t testing.TB, store *s3.Client, bucket string) []string {
	t.Helper()
	listed, err := store.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for n, object := range listed.Contents {
		got, err := store.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		_, err = text.ReadFrom(got.Body)
		_ = got.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 1 {
			var zipped bytes.Buffer
			zip := gzip.NewWriter(&zipped)
			_, _ = zip.Write(text.Bytes())
			_ = zip.Close()
			text = zipped
		}
		files = append(files, filepath.Join(dir, strconv.Itoa(n)))
		writeFile(t, files[n], text.Bytes())
	}
	slices.Reverse(files)
	return files
}

// askedFor lets people ask for some things twice over two gateways.
func askedFor(t *testing.T, s *stack, options ...string) client.ReadURL {
	t.Helper()
	var read client.ReadURL
	for range 2 {
		g := s.startGateway(t, options...)
		for range 3 {
			read = g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"})
		}
		if denied, err := g.as(t, "bob").ReadURLs(t.Context(), client.ReadItem{Key: "users/alice/pictures/sunrise.png"}); err != nil || denied[0].Problem == nil {
			t.Fatal(denied, err)
		}
		g.interrupt(t)
	}
	return read
}

func TestATrailInFirehoseVerifiesAndIsAsked(t *testing.T) {
	s, m := startStack(t), startMoto(t)
	store, key := m.newStream(t, "trail"), activeKey(t, s)
	read := askedFor(t, s, "--audit-stream=trail", "--audit-endpoint="+m.url)
	files := download(t, store, "trail")
	files = append(files, files[0]) // delivered twice
	said, code := auditing(t, nil, append([]string{"verify", "--unordered", "--strict", key}, files...)...)
	if code != 0 || !strings.Contains(said, "12 lines of 2 runs: 8 records, 4 signatures") || !strings.Contains(said, "were there twice") {
		t.Errorf("%d\n%s", code, said)
	}
	if said, code := auditing(t, nil, append([]string{"who", "--unordered", "users/alice/pictures/sunrise.png"}, files...)...); code != 0 || strings.Count(said, read.ID) != 1 || strings.Count(said, "issued   alice") != 6 {
		t.Errorf("who: %d\n%s", code, said)
	}
	if said, code := auditing(t, nil, append([]string{"verify", key}, files...)...); code != 1 {
		t.Errorf("not said to be unordered: %d\n%s", code, said)
	}
	text, err := os.ReadFile(files[len(files)-2]) // the first, which isn't zipped
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, files[len(files)-2], bytes.Replace(text, []byte(`"time":"2`), []byte(`"time":"3`), 1))
	if said, code := auditing(t, nil, append([]string{"verify", "--unordered", key}, files...)...); code != 1 {
		t.Errorf("changed: %d\n%s", code, said)
	}
}

func TestATrailInDynamoDBVerifiesOnceItIsExported(t *testing.T) {
	s, m := startStack(t), startMoto(t)
	m.newTable(t, "trail")
	askedFor(t, s, "--audit-table=trail", "--audit-endpoint="+m.url)
	export := start(t, []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}, "signgate", "audit", "export", "--table=trail", "--region="+sinkRegion, "--endpoint="+m.url)
	if code := export.exitCode(t); code != 0 {
		t.Fatalf("%d %s", code, export.stderr)
	}
	said, code := auditing(t, strings.NewReader(export.stdout.String()), "verify", "--unordered", "--strict", activeKey(t, s), "-")
	if code != 0 || !strings.Contains(said, "12 lines of 2 runs: 8 records, 4 signatures") {
		t.Errorf("%d\n%s", code, said)
	}
	nowhere := start(t, []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}, "signgate", "audit", "export", "--table=nowhere", "--region="+sinkRegion, "--endpoint="+m.url)
	if code := nowhere.exitCode(t); code != 2 || !strings.Contains(nowhere.stderr.String(), "nowhere") {
		t.Errorf("a table that isn't there: %d %s", code, nowhere.stderr)
	}
}

// A sink that stops answering stops the gateway from giving anything away.
func TestNoURLLeavesWhileTheSinkIsSilent(t *testing.T) {
	s, m := startStack(t), startMoto(t)
	m.newStream(t, "trail")
	g := s.startGateway(t, "--audit-stream=trail", "--audit-endpoint="+m.url)
	g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"})
	if err := m.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	got := send(t, http.MethodPost, g.url+"/v1/read-urls", map[string]string{
		"Authorization": "Bearer " + g.token(t, "alice"), "Content-Type": "application/json",
	}, []byte(`{"items":[{"key":"users/alice/pictures/sunrise.png"}]}`))
	if got.status != http.StatusServiceUnavailable || bytes.Contains(got.body, []byte("Signature")) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if err := m.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/sunrise.png"})
}
