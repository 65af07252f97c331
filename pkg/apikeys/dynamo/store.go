package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/dynamotable"
)

// Store is a table of keys. It is an apikeys.Store.
type Store struct {
	client *dynamodb.Client
	table  *string
}

var _ apikeys.Store = (*Store)(nil)

// New makes a store. Nothing is asked of DynamoDB yet.
func New(config dynamotable.Config) *Store {
	return &Store{table: aws.String(config.Table), client: dynamotable.NewClient(config)}
}

// Definition returns the shape that a Store's table must have.
func Definition() dynamotable.Table { return dynamotable.Table{Partition: idAttribute} }

// Create is apikeys.Store's.
func (s *Store) Create(ctx context.Context, key apikeys.Key) error {
	if err := key.Check(); err != nil {
		return err
	}
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: s.table, Item: encode(key), ConditionExpression: aws.String("attribute_not_exists(" + idAttribute + ")"),
	})
	if !dynamotable.IsRefusal(err) {
		return failure("create", err)
	}
	// The SDK asks again where an answer got lost; then it is our own key that
	// is there already.
	kept, err := s.Get(ctx, key.ID)
	if err != nil {
		return err
	}
	if kept.Digest == key.Digest {
		return nil
	}
	return apikeys.ErrExists
}

// Get is apikeys.Store's.
func (s *Store) Get(ctx context.Context, id string) (apikeys.Key, error) {
	if !apikeys.IsID(id) {
		return apikeys.Key{}, apikeys.ErrNotFound
	}
	answer, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: s.table, Key: keyOf(id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return apikeys.Key{}, failure("get", err)
	}
	if len(answer.Item) == 0 {
		return apikeys.Key{}, apikeys.ErrNotFound
	}
	key, err := decode(answer.Item)
	return key, failure("get", err)
}

// List is apikeys.Store's.
func (s *Store) List(ctx context.Context, cursor string, limit int) (apikeys.Page, error) {
	if err := apikeys.CheckList(cursor, limit); err != nil {
		return apikeys.Page{}, err
	}
	question := &dynamodb.ScanInput{TableName: s.table, ConsistentRead: aws.Bool(true)}
	if cursor != "" {
		question.ExclusiveStartKey = keyOf(cursor)
	}
	var found []apikeys.Key
	for {
		question.Limit = aws.Int32(int32(limit + 1 - len(found))) //nolint:gosec // at most apikeys.MaxLimit and one
		answer, err := s.client.Scan(ctx, question)
		if err != nil {
			return apikeys.Page{}, failure("list", err)
		}
		for _, item := range answer.Items {
			key, err := decode(item)
			if err != nil {
				return apikeys.Page{}, failure("list", err)
			}
			found = append(found, key)
		}
		if len(answer.LastEvaluatedKey) == 0 || len(found) > limit {
			return apikeys.NewPage(found, limit), nil
		}
		question.ExclusiveStartKey = answer.LastEvaluatedKey
	}
}

// Revoke is apikeys.Store's.
func (s *Store) Revoke(ctx context.Context, id string, at time.Time) error {
	if !apikeys.IsID(id) {
		return apikeys.ErrNotFound
	}
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: keyOf(id),
		UpdateExpression:          aws.String("SET " + revokedAttribute + " = if_not_exists(" + revokedAttribute + ", :at)"),
		ConditionExpression:       aws.String("attribute_exists(" + idAttribute + ")"),
		ExpressionAttributeValues: dynamotable.Item{":at": dynamotable.Number(at.UnixNano())},
	})
	if dynamotable.IsRefusal(err) {
		return apikeys.ErrNotFound
	}
	return failure("revoke", err)
}

// Touch is apikeys.Store's.
func (s *Store) Touch(ctx context.Context, id string, at time.Time) error {
	if !apikeys.IsID(id) {
		return nil
	}
	_, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: s.table, Key: keyOf(id),
		UpdateExpression: aws.String("SET " + lastUsedAttribute + " = :at"),
		ConditionExpression: aws.String("attribute_exists(" + idAttribute + ") AND (attribute_not_exists(" + lastUsedAttribute + ") OR " +
			lastUsedAttribute + " < :at)"),
		ExpressionAttributeValues: dynamotable.Item{":at": dynamotable.Number(at.UnixNano())},
	})
	if dynamotable.IsRefusal(err) {
		return nil
	}
	return failure("touch", err)
}

// failure makes every error ErrUnavailable. The SDK has tried again by then
// where that made sense.
func failure(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", apikeys.ErrUnavailable, what, err)
}
