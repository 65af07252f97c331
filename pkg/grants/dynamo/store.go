package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/signgate/signgate/pkg/dynamotable"
	"github.com/signgate/signgate/pkg/grants"
)

// Store is a table of grants. It is a grants.Store.
type Store struct {
	client *dynamodb.Client
	table  *string
}

var _ grants.Store = (*Store)(nil)

// New makes a store. Nothing is asked of DynamoDB yet.
func New(config dynamotable.Config) *Store {
	return &Store{table: aws.String(config.Table), client: dynamotable.NewClient(config)}
}

// Create is grants.Store's.
func (s *Store) Create(ctx context.Context, grant grants.Grant) error {
	place, err := grant.Check()
	if err != nil {
		return err
	}
	attempt := rand.Text()
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: encode(place, grant, attempt),
		ConditionExpression: aws.String("attribute_not_exists(" + partitionAttribute + ")"),
	})
	if !dynamotable.IsRefusal(err) {
		return failure("create", err)
	}
	// The SDK asks again where an answer got lost; then it is our own grant
	// that is there already.
	kept, err := s.item(ctx, place)
	if err != nil {
		return err
	}
	if (&dynamotable.Reader{Item: kept}).Text(attemptAttribute) == attempt {
		return nil
	}
	return grants.ErrExists
}

// Get is grants.Store's.
func (s *Store) Get(ctx context.Context, id string) (grants.Grant, error) {
	place, err := grants.ParseID(id)
	if err != nil {
		return grants.Grant{}, grants.ErrNotFound
	}
	kept, err := s.item(ctx, place)
	if err != nil {
		return grants.Grant{}, err
	}
	grant, err := decode(kept)
	return grant, failure("get", err)
}

// item reads what is in a place now.
func (s *Store) item(ctx context.Context, place grants.Place) (dynamotable.Item, error) {
	answer, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: s.table, Key: keyOf(place), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, failure("get", err)
	}
	if len(answer.Item) == 0 {
		return nil, grants.ErrNotFound
	}
	return answer.Item, nil
}

// Delete is grants.Store's.
func (s *Store) Delete(ctx context.Context, id string) error {
	place, err := grants.ParseID(id)
	if err != nil {
		return grants.ErrNotFound
	}
	_, err = s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: s.table, Key: keyOf(place),
		ConditionExpression: aws.String("attribute_exists(" + partitionAttribute + ")"),
	})
	if dynamotable.IsRefusal(err) {
		return grants.ErrNotFound
	}
	return failure("delete", err)
}

// isUsable is Grant.Holds in DynamoDB's words.
const isUsable = "attribute_exists(pk) AND (max_uses = :zero OR uses < max_uses) AND (attribute_not_exists(expires) OR expires > :now)"

// Use is grants.Store's.
func (s *Store) Use(ctx context.Context, id string, now time.Time) error {
	place, err := grants.ParseID(id)
	if err != nil {
		return grants.ErrNotFound
	}
	_, err = s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: keyOf(place),
		UpdateExpression:          aws.String("SET uses = uses + :one"),
		ConditionExpression:       aws.String(isUsable),
		ExpressionAttributeValues: dynamotable.Item{":zero": dynamotable.Number(0), ":one": dynamotable.Number(1), ":now": dynamotable.Number(now.UnixNano())},
	})
	if !dynamotable.IsRefusal(err) {
		return failure("use", err)
	}
	// What no longer holds never holds again, so that asking later why is
	// soon enough.
	grant, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := grant.Holds(now); err != nil {
		return err
	}
	return fmt.Errorf("%w: use: refused without a reason", grants.ErrUnavailable)
}

// failure makes every error, throttling among them, ErrUnavailable. The SDK
// has tried again by then where that made sense.
func failure(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", grants.ErrUnavailable, what, err)
}
