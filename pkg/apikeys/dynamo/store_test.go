package dynamo_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/apikeys/dynamo"
	"github.com/signgate/signgate/pkg/apikeys/storetest"
	"github.com/signgate/signgate/pkg/dynamotable/dynamotest"
)

// emulator is where DynamoDB answers.
var emulator *dynamotest.Server

func TestMain(m *testing.M) {
	os.Exit(dynamotest.Run(m, func(server *dynamotest.Server) { emulator = server }))
}

func newStore(table string, transport http.RoundTripper) *dynamo.Store {
	return dynamo.New(emulator.Config(table, transport))
}

func TestStoreKeepsWhatStoresOfKeysPromise(t *testing.T) {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	storetest.Run(t, func(t *testing.T) apikeys.Store {
		t.Helper()
		return newStore(emulator.NewTable(t, dynamo.Definition()), transport)
	})
}

// lostError is an error of the network, after which the SDK asks again.
type lostError struct{}

func (*lostError) Error() string   { return "connection reset" }
func (*lostError) Timeout() bool   { return true }
func (*lostError) Temporary() bool { return true }

func TestAKeyIsCreatedOnceThoughTheFirstAnswerGotLost(t *testing.T) {
	requests := 0
	store := newStore(emulator.NewTable(t, dynamo.Definition()), dynamotest.Transport(func(r *http.Request) (*http.Response, error) {
		answer, err := http.DefaultTransport.RoundTrip(r)
		if requests++; requests == 1 && err == nil {
			_ = answer.Body.Close()
			return nil, &lostError{}
		}
		return answer, err
	}))
	key, _ := storetest.NewKey()
	if err := store.Create(t.Context(), key); err != nil || requests != 3 {
		t.Fatalf("%v after %d requests", err, requests)
	}
	other, _ := storetest.NewKey()
	other.ID = key.ID
	if err := store.Create(t.Context(), other); !errors.Is(err, apikeys.ErrExists) {
		t.Errorf("another: %v", err)
	}
}

func TestWhetherAKeyHoldsIsAConsistentRead(t *testing.T) {
	var body []byte
	store := newStore(emulator.NewTable(t, dynamo.Definition()), dynamotest.Transport(func(r *http.Request) (*http.Response, error) {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return http.DefaultTransport.RoundTrip(r)
	}))
	if _, err := store.Get(t.Context(), apikeys.NewSecret().ID()); !errors.Is(err, apikeys.ErrNotFound) || !bytes.Contains(body, []byte(`"ConsistentRead":true`)) {
		t.Errorf("%v: %s", err, body)
	}
	if _, err := store.List(t.Context(), "", 1); err != nil || !bytes.Contains(body, []byte(`"ConsistentRead":true`)) {
		t.Errorf("%v: %s", err, body)
	}
}

// mustBeUnavailable wants every method to say that it couldn't, and why.
func mustBeUnavailable(t *testing.T, store apikeys.Store, why string) {
	t.Helper()
	key, _ := storetest.NewKey()
	_, getErr := store.Get(t.Context(), key.ID)
	_, listErr := store.List(t.Context(), "", 1)
	for what, err := range map[string]error{
		"Get": getErr, "List": listErr, "Create": store.Create(t.Context(), key),
		"Revoke": store.Revoke(t.Context(), key.ID, storetest.Start), "Touch": store.Touch(t.Context(), key.ID, storetest.Start),
	} {
		if !errors.Is(err, apikeys.ErrUnavailable) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want ErrUnavailable and %q", what, err, why)
		}
	}
}

func TestWhateverDynamoDBCantDoIsAnError(t *testing.T) {
	mustBeUnavailable(t, newStore("keys", dynamotest.Failing("AccessDeniedException", http.StatusBadRequest)), "AccessDeniedException")
	mustBeUnavailable(t, newStore("no-such-table", http.DefaultTransport), "ResourceNotFoundException")
	mustBeUnavailable(t, newStore("keys", dynamotest.Transport(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("no route")
	})), "no route")
}

func TestAnItemThatSomebodyChangedByHandGivesNothing(t *testing.T) {
	for what, spoil := range map[string]func(map[string]types.AttributeValue){
		"no digest": func(item map[string]types.AttributeValue) { delete(item, "digest") },
		"a short digest": func(item map[string]types.AttributeValue) {
			item["digest"] = &types.AttributeValueMemberB{Value: []byte{1}}
		},
		"no scopes":           func(item map[string]types.AttributeValue) { delete(item, "scopes") },
		"a list of no scopes": func(item map[string]types.AttributeValue) { item["scopes"] = &types.AttributeValueMemberL{} },
		"no expiry":           func(item map[string]types.AttributeValue) { delete(item, "expires_at") },
		"no name":             func(item map[string]types.AttributeValue) { delete(item, "title") },
		"no groups":           func(item map[string]types.AttributeValue) { delete(item, "member_of") },
		"a machine with a /": func(item map[string]types.AttributeValue) {
			item["machine"] = &types.AttributeValueMemberS{Value: "a/b"}
		},
		"revoked by a text": func(item map[string]types.AttributeValue) {
			item["revoked_at"] = &types.AttributeValueMemberS{Value: "now"}
		},
	} {
		t.Run(what, func(t *testing.T) {
			table := emulator.NewTable(t, dynamo.Definition())
			store := newStore(table, http.DefaultTransport)
			key, _ := storetest.NewKey()
			if err := store.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			scanned, err := emulator.Client().Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(table)})
			if err != nil || len(scanned.Items) != 1 {
				t.Fatal(scanned, err)
			}
			spoil(scanned.Items[0])
			if _, err := emulator.Client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: scanned.Items[0]}); err != nil {
				t.Fatal(err)
			}
			if got, err := store.Get(t.Context(), key.ID); !errors.Is(err, apikeys.ErrUnavailable) || !got.ExpiresAt.Equal(time.Time{}) {
				t.Errorf("%+v, %v", got, err)
			}
			if page, err := store.List(t.Context(), "", 1); !errors.Is(err, apikeys.ErrUnavailable) || len(page.Keys) > 0 {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
}
