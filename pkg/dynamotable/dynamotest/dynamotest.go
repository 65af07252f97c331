// Package dynamotest gives tests a DynamoDB: an emulator, asked over HTTP.
package dynamotest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/dynamotable"
)

const (
	region   = "eu-central-1"
	emulator = "pkg/dynamotable/dynamotest/emulator"
)

// Server is an emulated DynamoDB.
type Server struct{ address string }

// Run starts a server, gives it to the tests of a package and ends it. It
// returns the exit code.
func Run(m *testing.M, give func(*Server)) int {
	code, err := run(m, give)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func run(m *testing.M, give func(*Server)) (code int, err error) {
	folder, err := find(emulator)
	if err != nil {
		return 0, err
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		return 0, fmt.Errorf("%w; `make judges` installs the emulator of DynamoDB", err)
	}
	child := exec.CommandContext(context.Background(), "node", filepath.Join(folder, "emulator.mjs")) //nolint:gosec // our own file
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := child.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = stdin.Close() // which ends it
		if failed := child.Wait(); err == nil {
			err = failed
		}
	}()
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the emulator of DynamoDB doesn't start: %w", err)
	}
	give(&Server{address: "http://127.0.0.1:" + strings.TrimSpace(port)})
	return m.Run(), nil
}

// find looks for a folder of the module in the folders above the test's.
func find(folder string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(here, "go.mod")); err == nil {
			return filepath.Join(here, folder), nil
		} else if !errors.Is(err, fs.ErrNotExist) || here == filepath.Dir(here) {
			return "", fmt.Errorf("find the module: %w", err)
		}
		here = filepath.Dir(here)
	}
}

// Config is that of a store whose table is on the server.
func (s *Server) Config(table string, transport http.RoundTripper) dynamotable.Config {
	return dynamotable.Config{
		Table: table, Region: region, Endpoint: s.address, HTTP: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// Client is one of the SDK's, to look behind a store.
func (s *Server) Client() *dynamodb.Client {
	return dynamotable.NewClient(s.Config("", http.DefaultTransport))
}

// NewTable makes a table of its own for a test, and drops it afterwards.
func (s *Server) NewTable(t testing.TB, shape dynamotable.Table) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, t.Name())
	input := &dynamodb.CreateTableInput{TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(shape.Partition, shape.Sort)}
	attributes := make([]string, 0, 2+2*len(shape.Indexes))
	attributes = append(attributes, shape.Partition, shape.Sort)
	for _, index := range shape.Indexes {
		attributes = append(attributes, index.Partition, index.Sort)
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.Name), KeySchema: keySchema(index.Partition, index.Sort),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		})
	}
	for _, attribute := range attributes {
		if attribute != "" {
			input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeTypeS})
		}
	}
	if _, err := s.Client().CreateTable(t.Context(), input); err != nil {
		t.Fatal(err)
	}
	waiter := dynamodb.NewTableExistsWaiter(s.Client(), func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(name)}, time.Minute); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.Client().DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: aws.String(name)}); err != nil {
			t.Error(err)
		}
	})
	return name
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}}
	if sort != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return schema
}

// Transport is a way to DynamoDB that a test can disturb.
type Transport func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f Transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Failing is a way on which DynamoDB answers with an error of its own.
func Failing(code string, status int) Transport {
	return func(r *http.Request) (*http.Response, error) {
		body := fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"no"}`, code)
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
}
