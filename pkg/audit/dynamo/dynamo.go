// Package dynamo keeps an audit trail in a DynamoDB table: an item for each
// line, by its chain and its number there. An item is never written over, and
// the lines of a transaction are there all or none, in the order of the chain.
//
// The table should let the gateway's role put items and nobody delete any.
package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/dynamotable"
)

// The names of the attributes.
const (
	chainAttribute = "chain" // text: the id of a run
	seqAttribute   = "seq"   // number: the place in it
	lineAttribute  = "line"  // text: the line, without a newline
)

// What one transaction may hold (Amazon DynamoDB Developer Guide, "Managing
// complex workflows with DynamoDB transactions"): 100 items of 4 MB together,
// of which some is left for keys.
const (
	maxItems = 100
	maxBytes = 3_900_000
)

// ErrTaken is wrapped where another line is in the place of one: another
// process writes to the same chain, or somebody has written there by hand.
var ErrTaken = errors.New("another line is in this place of the chain")

// Table is the shape of a table, for whoever creates it.
type Table struct {
	Partition string // a key attribute, text
	Sort      string // a key attribute, a number
}

// Definition returns the shape that a trail's table must have.
func Definition() Table { return Table{Partition: chainAttribute, Sort: seqAttribute} }

// Trail is a table of lines. It is an audit.Sink.
type Trail struct {
	client *dynamodb.Client
	table  *string
}

var _ audit.Sink = (*Trail)(nil)

// New makes a trail. Nothing is asked of DynamoDB yet.
func New(config dynamotable.Config) *Trail {
	return &Trail{table: aws.String(config.Table), client: dynamotable.NewClient(config)}
}

// Store is audit.Sink's. Lines that are there already, the same, are kept
// once; the error wraps ErrTaken where others are.
func (t *Trail) Store(ctx context.Context, chain string, lines []audit.Line) error {
	for len(lines) > 0 {
		size, n := 0, 0
		for n < len(lines) && n < maxItems && (n == 0 || size+len(lines[n].Text) <= maxBytes) {
			size += len(lines[n].Text)
			n++
		}
		if err := t.put(ctx, chain, lines[:n]); err != nil {
			return fmt.Errorf("put into the table %s: %w", *t.table, err)
		}
		lines = lines[n:]
	}
	return nil
}

func (t *Trail) put(ctx context.Context, chain string, lines []audit.Line) error {
	writes := make([]types.TransactWriteItem, len(lines))
	for n, line := range lines {
		writes[n].Put = &types.Put{
			TableName: t.table, ConditionExpression: aws.String("attribute_not_exists(" + seqAttribute + ")"),
			Item: map[string]types.AttributeValue{
				chainAttribute: &types.AttributeValueMemberS{Value: chain},
				seqAttribute:   number(line.Seq),
				lineAttribute:  &types.AttributeValueMemberS{Value: string(line.Text)},
			},
		}
	}
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	if !isTaken(err) {
		return err
	}
	// An answer may have got lost; then it is these lines that are there.
	return t.holds(ctx, chain, lines)
}

// isTaken says whether a transaction failed because an item is there.
func isTaken(err error) bool {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return false
	}
	for _, reason := range canceled.CancellationReasons {
		if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
			return true
		}
	}
	return false
}

// holds says whether exactly these lines are in their places.
func (t *Trail) holds(ctx context.Context, chain string, lines []audit.Line) error {
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName: t.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:   aws.String("#chain = :chain AND #seq BETWEEN :from AND :to"),
		ExpressionAttributeNames: map[string]string{"#chain": chainAttribute, "#seq": seqAttribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":chain": &types.AttributeValueMemberS{Value: chain}, ":from": number(lines[0].Seq), ":to": number(lines[len(lines)-1].Seq),
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if len(lines) == 0 || !bytes.Equal(lineOf(item), lines[0].Text) {
				return ErrTaken
			}
			lines = lines[1:]
		}
	}
	if len(lines) > 0 {
		return ErrTaken // some are there and some aren't: no transaction of ours
	}
	return nil
}

// Lines hands over every line of the table, of all chains, in no order. A line
// is its taker's.
func (t *Trail) Lines(ctx context.Context, take func(line []byte) error) error {
	pages := dynamodb.NewScanPaginator(t.client, &dynamodb.ScanInput{TableName: t.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the table %s: %w", *t.table, err)
		}
		for _, item := range page.Items {
			if err := take(lineOf(item)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lineOf returns an item's line; nothing of an item that has none.
func lineOf(item map[string]types.AttributeValue) []byte {
	line, ok := item[lineAttribute].(*types.AttributeValueMemberS)
	if !ok {
		return nil
	}
	return []byte(line.Value)
}

func number(seq uint64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(seq, 10)}
}
