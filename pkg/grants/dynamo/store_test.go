package dynamo_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/signgate/signgate/pkg/dynamotable/dynamotest"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/dynamo"
	"github.com/signgate/signgate/pkg/grants/storetest"
)

func client() *dynamodb.Client { return emulator.Client() }

func newTable(t *testing.T) string {
	t.Helper()
	return emulator.NewTable(t, dynamo.Definition())
}

func newStore(table string, transport http.RoundTripper) *dynamo.Store {
	return dynamo.New(emulator.Config(table, transport))
}

func TestStoreKeepsWhatGrantsStoresPromise(t *testing.T) {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	storetest.Run(t, func(t *testing.T) grants.Store {
		t.Helper()
		return newStore(newTable(t), transport)
	})
}

func TestAGrantIsCreatedOnceThoughTheFirstAnswerGotLost(t *testing.T) {
	requests := 0
	store := newStore(newTable(t), dynamotest.Transport(func(r *http.Request) (*http.Response, error) {
		answer, err := http.DefaultTransport.RoundTrip(r)
		if requests++; requests == 1 && err == nil {
			_ = answer.Body.Close()
			return nil, &lostError{}
		}
		return answer, err
	}))
	grant := storetest.NewGrant("users/", grants.Everyone())
	if err := store.Create(t.Context(), grant); err != nil || requests != 3 {
		t.Fatalf("%v after %d requests", err, requests)
	}
	storetest.MustFind(t, store, []string{"users/"}, []grants.Grantee{grants.Everyone()}, grant.ID)
	if err := store.Create(t.Context(), grant); !errors.Is(err, grants.ErrExists) {
		t.Errorf("again: %v", err)
	}
}

// lostError is an error of the network, after which the SDK asks again.
type lostError struct{}

func (*lostError) Error() string   { return "connection reset" }
func (*lostError) Timeout() bool   { return true }
func (*lostError) Temporary() bool { return true }

func TestEveryLookUpOfADecisionIsAConsistentRead(t *testing.T) {
	var bodies []string
	store := newStore(newTable(t), dynamotest.Transport(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		bodies, r.Body = append(bodies, string(body)), io.NopCloser(bytes.NewReader(body))
		return http.DefaultTransport.RoundTrip(r)
	}))
	storetest.MustFind(t, store, []string{"users/"}, []grants.Grantee{grants.Everyone()})
	if _, err := store.Get(t.Context(), storetest.NewGrant("users/", grants.Everyone()).ID); !errors.Is(err, grants.ErrNotFound) {
		t.Error(err)
	}
	if _, err := store.OnResource(t.Context(), "users/", "", 1); err != nil {
		t.Error(err)
	}
	if len(bodies) != 3 {
		t.Errorf("%d requests", len(bodies))
	}
	for _, body := range bodies {
		if !strings.Contains(body, `"ConsistentRead":true`) {
			t.Errorf("not a consistent read: %s", body)
		}
	}
}

func TestTheGrantsOfOthersCostADecisionNothing(t *testing.T) {
	var requests, received atomic.Int64
	table := newTable(t)
	counting := newStore(table, dynamotest.Transport(func(r *http.Request) (*http.Response, error) {
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			requests.Add(1)
			received.Add(answer.ContentLength)
		}
		return answer, err
	}))
	bob := storetest.Person(t, "bob")
	resources, grantees := []string{"users/", "users/alice/", "users/alice/a.png"}, []grants.Grantee{bob, grants.Everyone()}
	cost := func() (int64, int64) {
		requests.Store(0)
		received.Store(0)
		if found, err := counting.Find(t.Context(), storetest.Start, resources, grantees); err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return requests.Load(), received.Load()
	}
	create := func(grant grants.Grant) {
		if err := newStore(table, http.DefaultTransport).Create(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
	}
	create(storetest.NewGrant("users/alice/", bob))
	firstRequests, firstReceived := cost()
	if firstRequests != 6 {
		t.Errorf("%d requests for 6 pairs", firstRequests)
	}
	for n := range 50 {
		create(storetest.NewGrant("users/alice/", storetest.Person(t, fmt.Sprint("friend ", n))))
		create(storetest.NewGrant(fmt.Sprintf("users/alice/%d", n), bob))
	}
	if then, bytes := cost(); then != firstRequests || bytes != firstReceived {
		t.Errorf("%d requests and %d bytes, before there were others %d and %d", then, bytes, firstRequests, firstReceived)
	}
}
