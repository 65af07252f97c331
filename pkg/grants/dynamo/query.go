package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/signgate/signgate/pkg/dynamotable"
	"github.com/signgate/signgate/pkg/grants"
)

// sideBySide is how many look-ups of one Find are under way at a time.
const sideBySide = 32

// Find is grants.Store's. Each pair is seen at a moment of its own, none
// before Find was called.
func (s *Store) Find(ctx context.Context, now time.Time, resources []string, grantees []grants.Grantee) ([]grants.Grant, error) {
	resources, grantees, err := grants.CheckFind(resources, grantees)
	if err != nil {
		return nil, err
	}
	found := make([][]grants.Grant, len(resources)*len(grantees))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for i, resource := range resources {
		for j, grantee := range grantees {
			group.Go(func() (err error) {
				found[i*len(grantees)+j], err = s.pair(ctx, now, resource, grantee)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// pair returns the grants of a resource to a grantee that hold.
func (s *Store) pair(ctx context.Context, now time.Time, resource string, grantee grants.Grantee) ([]grants.Grant, error) {
	all, err := s.query(ctx, 0, &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String(partitionAttribute + " = :resource AND begins_with(" + sortAttribute + ", :grantee)"),
		ExpressionAttributeValues: dynamotable.Item{":resource": dynamotable.Text(grants.MarkOf(resource).String()), ":grantee": dynamotable.Text(grantee.Mark().String())},
	})
	return slices.DeleteFunc(all, func(grant grants.Grant) bool {
		return grant.Resource != resource || grant.Grantee != grantee || grant.Holds(now) != nil
	}), err
}

// OnResource is grants.Store's.
func (s *Store) OnResource(ctx context.Context, resource, cursor string, limit int) (grants.Page, error) {
	after, err := grants.ParseCursor(cursor, limit)
	if err != nil {
		return grants.Page{}, err
	}
	mark := grants.MarkOf(resource)
	query := &dynamodb.QueryInput{
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String(partitionAttribute + " = :resource"),
		ExpressionAttributeValues: dynamotable.Item{":resource": dynamotable.Text(mark.String())},
	}
	if cursor != "" {
		if after.Resource != mark {
			return grants.Page{}, errCursor()
		}
		query.ExclusiveStartKey = keyOf(after)
	}
	found, err := s.query(ctx, limit+1, query)
	found = slices.DeleteFunc(found, func(grant grants.Grant) bool { return grant.Resource != resource })
	return grants.NewPage(found, limit), err
}

// ForGrantee is grants.Store's. The index it asks lags behind by moments.
func (s *Store) ForGrantee(ctx context.Context, grantee grants.Grantee, cursor string, limit int) (grants.Page, error) {
	after, err := grants.ParseCursor(cursor, limit)
	if err != nil {
		return grants.Page{}, err
	}
	mark := grantee.Mark()
	query := &dynamodb.QueryInput{
		IndexName:                 aws.String(granteeIndex),
		ScanIndexForward:          aws.Bool(false),
		KeyConditionExpression:    aws.String(granteeAttribute + " = :grantee"),
		ExpressionAttributeValues: dynamotable.Item{":grantee": dynamotable.Text(mark.String())},
	}
	if cursor != "" {
		if after.Grantee != mark {
			return grants.Page{}, errCursor()
		}
		query.ExclusiveStartKey = indexKeyOf(after)
	}
	found, err := s.query(ctx, limit+1, query)
	found = slices.DeleteFunc(found, func(grant grants.Grant) bool { return grant.Grantee != grantee })
	return grants.NewPage(found, limit), err
}

func errCursor() error { return fmt.Errorf("%w: not a cursor of this list", grants.ErrInvalid) }

// query returns all that there is, or the first ones up to a limit, however
// many answers DynamoDB gives them in: one ends at the latest after 1 MB.
func (s *Store) query(ctx context.Context, limit int, query *dynamodb.QueryInput) ([]grants.Grant, error) {
	query.TableName = s.table
	var found []grants.Grant
	for {
		if limit > 0 {
			query.Limit = aws.Int32(int32(limit - len(found))) //nolint:gosec // at most grants.MaxLimit and one
		}
		answer, err := s.client.Query(ctx, query)
		if err != nil {
			return nil, failure("query", err)
		}
		for _, kept := range answer.Items {
			grant, err := decode(kept)
			if err != nil {
				return nil, failure("query", err)
			}
			found = append(found, grant)
		}
		if len(answer.LastEvaluatedKey) == 0 || (limit > 0 && len(found) >= limit) {
			return found, nil
		}
		query.ExclusiveStartKey = answer.LastEvaluatedKey
	}
}
