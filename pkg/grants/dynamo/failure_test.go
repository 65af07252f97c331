package dynamo_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/dynamotable/dynamotest"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/dynamo"
	"github.com/signgate/signgate/pkg/grants/storetest"
)

// mustBeUnavailable wants every method to say that it couldn't, and why. They
// are tried side by side, for the SDK waits before it tries again.
func mustBeUnavailable(t *testing.T, store grants.Store, why string) {
	t.Helper()
	grant, everyone := storetest.NewGrant("users/", grants.Everyone()), []grants.Grantee{grants.Everyone()}
	var group sync.WaitGroup
	for what, try := range map[string]func() (int, error){
		"Create": func() (int, error) { return 0, store.Create(t.Context(), grant) },
		"Delete": func() (int, error) { return 0, store.Delete(t.Context(), grant.ID) },
		"Use":    func() (int, error) { return 0, store.Use(t.Context(), grant.ID, storetest.Start) },
		"Get":    func() (int, error) { _, err := store.Get(t.Context(), grant.ID); return 0, err },
		"Find": func() (int, error) {
			found, err := store.Find(t.Context(), storetest.Start, []string{"users/", "users/alice/"}, everyone)
			return len(found), err
		},
		"OnResource": func() (int, error) {
			page, err := store.OnResource(t.Context(), "users/", "", 1)
			return len(page.Grants), err
		},
		"ForGrantee": func() (int, error) {
			page, err := store.ForGrantee(t.Context(), grants.Everyone(), "", 1)
			return len(page.Grants), err
		},
	} {
		group.Go(func() {
			if count, err := try(); count != 0 || !errors.Is(err, grants.ErrUnavailable) || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %d grants, %v, want ErrUnavailable and %q", what, count, err, why)
			}
		})
	}
	group.Wait()
}

func TestWhateverDynamoDBCantDoIsAnError(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{
		"ProvisionedThroughputExceededException": http.StatusBadRequest, "ThrottlingException": http.StatusBadRequest,
		"RequestLimitExceeded": http.StatusBadRequest, "AccessDeniedException": http.StatusBadRequest,
		"ResourceNotFoundException": http.StatusBadRequest, "InternalServerError": http.StatusInternalServerError,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			mustBeUnavailable(t, newStore("grants", dynamotest.Failing(code, status)), code)
		})
	}
}

func TestAnUnreachableDynamoDBIsAnError(t *testing.T) {
	t.Parallel()
	mustBeUnavailable(t, newStore("grants", dynamotest.Transport(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no route")
	})), "no route")
}

func TestATableThatIsntThereIsAnError(t *testing.T) {
	mustBeUnavailable(t, newStore("no-such-table", http.DefaultTransport), "ResourceNotFoundException")
}

// put writes an item past the store.
func put(t *testing.T, table string, item map[string]types.AttributeValue) {
	t.Helper()
	if _, err := client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: item}); err != nil {
		t.Fatal(err)
	}
}

func TestAnItemThatSomebodyChangedByHandGivesNothing(t *testing.T) {
	shape := dynamo.Definition()
	for what, spoil := range map[string]func(map[string]types.AttributeValue){
		"for another": func(item map[string]types.AttributeValue) {
			item["grantee"] = &types.AttributeValueMemberS{Value: "person:eve"}
		},
		"on another": func(item map[string]types.AttributeValue) {
			item["resource"] = &types.AttributeValueMemberS{Value: "users/eve/"}
		},
		"for no known kind": func(item map[string]types.AttributeValue) {
			item["grantee"] = &types.AttributeValueMemberS{Value: "all"}
		},
		"without actions":   func(item map[string]types.AttributeValue) { delete(item, "actions") },
		"without a creator": func(item map[string]types.AttributeValue) { delete(item, "created_by") },
		"a number as text":  func(item map[string]types.AttributeValue) { item["uses"] = &types.AttributeValueMemberS{Value: "1"} },
		"not a whole number": func(item map[string]types.AttributeValue) {
			item["max_uses"] = &types.AttributeValueMemberN{Value: "1.5"}
		},
		"a key of its own": func(item map[string]types.AttributeValue) {
			item[shape.Sort] = &types.AttributeValueMemberS{Value: grants.Everyone().Mark().String()}
		},
	} {
		t.Run(what, func(t *testing.T) {
			table := newTable(t)
			store := newStore(table, http.DefaultTransport)
			if err := store.Create(t.Context(), storetest.NewGrant("users/", grants.Everyone())); err != nil {
				t.Fatal(err)
			}
			scanned, err := client().Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(table)})
			if err != nil || len(scanned.Items) != 1 {
				t.Fatal(scanned, err)
			}
			spoil(scanned.Items[0])
			put(t, table, scanned.Items[0])
			found, err := store.Find(t.Context(), storetest.Start, []string{"users/"}, []grants.Grantee{grants.Everyone()})
			if !errors.Is(err, grants.ErrUnavailable) || found != nil {
				t.Errorf("%v, %v", found, err)
			}
		})
	}
}
