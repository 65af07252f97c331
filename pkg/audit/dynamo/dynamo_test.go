package dynamo_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/audit/dynamo"
	"github.com/signgate/signgate/pkg/audit/sinktest"
	"github.com/signgate/signgate/pkg/dynamotable"
)

var moto *sinktest.Moto

func TestMain(m *testing.M) {
	sinktest.Main(m, filepath.Join("..", "..", "..", ".cache", "moto", "bin", "moto_server"), func(started *sinktest.Moto) { moto = started })
}

var tables atomic.Int64

func client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{Region: sinktest.Region, Credentials: aws.CredentialsProviderFunc(sinktest.Credentials), BaseEndpoint: aws.String(moto.URL)})
}

func newTable(t *testing.T) string {
	t.Helper()
	name, shape := fmt.Sprintf("trail-%d", tables.Add(1)), dynamo.Definition()
	if _, err := client().CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(name), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(shape.Partition), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(shape.Sort), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(shape.Partition), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(shape.Sort), KeyType: types.KeyTypeRange},
		},
	}); err != nil {
		t.Fatal(err)
	}
	return name
}

func newTrail(table string, c aws.HTTPClient) *dynamo.Trail {
	return dynamo.New(dynamotable.Config{Table: table, Region: sinktest.Region, Endpoint: moto.URL, Credentials: aws.CredentialsProviderFunc(sinktest.Credentials), HTTP: c})
}

func lines(t testing.TB, trail *dynamo.Trail) []byte {
	t.Helper()
	var all bytes.Buffer
	if err := trail.Lines(t.Context(), func(line []byte) error {
		all.Write(line)
		all.WriteByte('\n')
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

func open(t *testing.T) sinktest.Kept {
	t.Helper()
	table := newTable(t)
	return sinktest.Kept{
		New: func(c aws.HTTPClient) audit.Sink { return newTrail(table, c) },
		Read: func(t testing.TB) []byte {
			t.Helper()
			return lines(t, newTrail(table, nil))
		},
		Deny: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
	}
}

func TestDynamoDBKeepsATrail(t *testing.T) { sinktest.Run(t, open) }

func line(seq uint64, text string) audit.Line { return audit.Line{Seq: seq, Text: []byte(text)} }

func TestNoLineIsWrittenOver(t *testing.T) {
	trail := newTrail(newTable(t), nil)
	store := func(chain string, all ...audit.Line) error { return trail.Store(t.Context(), chain, all) }
	if err := store("a", line(1, "one"), line(2, "two")); err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string][]audit.Line{
		"another line":             {line(2, "other")},
		"another after the same":   {line(1, "one"), line(2, "other")},
		"one there, one not there": {line(2, "two"), line(3, "three")},
	} {
		if err := store("a", all...); !errors.Is(err, dynamo.ErrTaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store("a", line(1, "one"), line(2, "two")); err != nil {
		t.Errorf("the same: %v", err)
	}
	if err := store("b", line(1, "another chain")); err != nil {
		t.Error(err)
	}
	if got := lines(t, trail); bytes.Count(got, []byte("\n")) != 3 || bytes.Contains(got, []byte("other\n")) || bytes.Contains(got, []byte("three")) {
		t.Errorf("%s", got)
	}
}

func TestATableThatIsntThereKeepsNothing(t *testing.T) {
	trail := newTrail("nowhere", nil)
	if err := trail.Store(t.Context(), "a", []audit.Line{line(1, "one")}); err == nil {
		t.Error("no error")
	}
	if err := trail.Lines(t.Context(), func([]byte) error { return nil }); err == nil {
		t.Error("no error of reading")
	}
}
