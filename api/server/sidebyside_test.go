package server_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/signedurl"
)

// inKMS stands in for KMS, with one key. It counts what is asked at a time.
type inKMS struct {
	key  *ecdsa.PrivateKey
	wait func(ctx context.Context, call int) bool // before an answer; false: refuse it

	mu                   sync.Mutex
	calls, running, most int
}

func (k *inKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetPublicKey") {
		public, _ := x509.MarshalPKIXPublicKey(k.key.Public())
		_ = json.NewEncoder(w).Encode(map[string]any{"KeyUsage": "SIGN_VERIFY", "KeySpec": "ECC_NIST_P256", "PublicKey": public})
		return
	}
	k.mu.Lock()
	k.calls++
	k.running++
	call := k.calls
	k.most = max(k.most, k.running)
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.running--
	}()
	if k.wait != nil && !k.wait(r.Context(), call) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"hunter2"}`)
		return
	}
	var asked struct{ Message []byte }
	_ = json.Unmarshal(body, &asked)
	signature, err := ecdsa.SignASN1(rand.Reader, k.key, asked.Message)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Signature": signature})
}

func (k *inKMS) seen() (calls, most int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls, k.most
}

// together holds each call until as many are there as are awaited.
func together(count int) func(context.Context, int) bool {
	var mu sync.Mutex
	arrived, open := 0, make(chan struct{})
	return func(ctx context.Context, _ int) bool {
		mu.Lock()
		if arrived++; arrived == count {
			close(open)
		}
		mu.Unlock()
		select {
		case <-open:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// withKMS is a gateway whose key is in KMS, and asked 32 times at once at most.
func withKMS(t testing.TB, wait func(context.Context, int) bool, change func(*server.Parts)) (*gateway, *inKMS) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &inKMS{key: key, wait: wait}
	web := httptest.NewServer(k)
	t.Cleanup(web.Close)
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	opener := awskeys.NewKMS(awskeys.KMSConfig{Endpoint: web.URL, Timeout: time.Minute, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})})
	opened, err := opener.Open(t.Context(), keyring.Slot{
		KeyID: "KINKMS0001", KMSKey: "arn:aws:kms:eu-central-1:123456789012:key/1", PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signedurl.NewSigner(cdn, "KINKMS0001", opened, signedurl.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, func(p *server.Parts) {
		p.Signer = func(ctx context.Context) server.Signer { return signer.WithContext(ctx) }
		if change != nil {
			change(p)
		}
	})
	g.verifier, err = signedurl.NewVerifier(map[string]crypto.PublicKey{"KINKMS0001": key.Public()}, func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	return g, k
}

// batchOf asks for many keys, of which every tenth is somebody else's and every
// tenth none.
func batchOf(count int) string {
	items := make([]string, count)
	for n := range items {
		switch n % 10 {
		case 3:
			items[n] = fmt.Sprintf(`{"key":"users/bob/%d.png"}`, n)
		case 7:
			items[n] = fmt.Sprintf(`{"key":"users/alice/../%d.png"}`, n)
		default:
			items[n] = fmt.Sprintf(`{"key":"users/alice/%d.png"}`, n)
		}
	}
	return `{"items":[` + strings.Join(items, ",") + `]}`
}

// One request may have a fourth of all calls that KMS gets at a time: 8 of 32.
func TestTheSignaturesOfABatchAreAskedOfKMSSideBySide(t *testing.T) {
	const count, atOnce = 100, 8
	g, k := withKMS(t, together(atOnce), nil)
	recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", batchOf(count))
	items := decode[readURLs](t, recorder).Items
	if calls, most := k.seen(); most != atOnce || calls != count*8/10 {
		t.Errorf("%d calls, %d at once", calls, most)
	}
	records := g.records(t)
	if len(items) != count || len(records) != count*9/10 {
		t.Fatalf("%d items, %d records", len(items), len(records))
	}
	for n, item := range items {
		if n%10 == 3 || n%10 == 7 {
			if item.Problem == nil || item.URL != "" {
				t.Errorf("%d: %+v", n, item)
			}
			continue
		}
		verified, err := g.verifier.Verify(signedurl.Viewer{URL: item.URL})
		if err != nil || verified.IssueID != item.ID || !strings.Contains(verified.Resource, fmt.Sprintf("/users/alice/%d.png?", n)) {
			t.Errorf("%d: %+v %v", n, verified, err)
		}
	}
	// The records stand in the order of the items, each with its own outcome.
	n := 0
	for _, record := range records {
		for n%10 == 7 {
			n++
		}
		if want := items[n]; record.Key != want.Key || record.ID != want.ID || (record.Outcome == audit.Issued) != (want.URL != "") || (want.URL != "") != (record.KeyID == "KINKMS0001") {
			t.Errorf("%d: %+v, answered %+v", n, record, want)
		}
		n++
	}
}

// As it is with a key at hand: no answer, and of what there is no URL of there
// is no record that says so.
func TestOneSignatureThatKMSRefusesFailsTheBatch(t *testing.T) {
	const count, refused = 200, 11
	g, k := withKMS(t, func(_ context.Context, call int) bool { return call != refused }, nil)
	recorder := g.do(t, "alice", http.MethodPost, "/v1/read-urls", batchOf(count))
	mustProblem(t, recorder, problem.Unavailable)
	if strings.Contains(recorder.Body.String(), "hunter2") {
		t.Errorf("%s", recorder.Body)
	}
	calls, _ := k.seen()
	if calls >= count/2 {
		t.Errorf("%d calls: it went on after the failure", calls)
	}
	issued, denied := 0, 0
	for _, record := range g.records(t) {
		switch record.Outcome {
		case audit.Issued:
			issued++
		case audit.Denied:
			denied++
		default:
			t.Errorf("a record of nothing: %+v", record)
		}
	}
	if issued >= calls || denied != count/10 {
		t.Errorf("%d calls, on record %d issued and %d denied", calls, issued, denied)
	}
}

func TestABatchDoesNotWaitForKMSLongerThanItsCaller(t *testing.T) {
	ctx, hangUp := context.WithCancel(t.Context())
	over := make(chan struct{})
	defer close(over) // before the stand-in waits for what is under way
	g, k := withKMS(t, func(context.Context, int) bool {
		hangUp()
		<-over
		return false
	}, nil)
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/read-urls", strings.NewReader(batchOf(100)))
	request.Header.Set("Authorization", "Bearer alice")
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.handler.ServeHTTP(recorder, request)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second): // the calls themselves may take a minute
		t.Fatal("it waits on")
	}
	if calls, _ := k.seen(); recorder.Code != http.StatusServiceUnavailable || calls > 8 {
		t.Errorf("%d after %d calls", recorder.Code, calls)
	}
}

func TestABatchWhoseTimeIsOverAsksNoKey(t *testing.T) {
	var mu sync.Mutex
	now, asked := start, false
	late, k := withKMS(t, nil, func(p *server.Parts) {
		p.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
		p.Access = delaying{p.Access, func() {
			mu.Lock()
			defer mu.Unlock()
			if !asked {
				asked, now = true, now.Add(25*time.Second)
			}
		}}
	})
	mustProblem(t, late.do(t, "alice", http.MethodPost, "/v1/read-urls", batchOf(100)), problem.Unavailable)
	if calls, _ := k.seen(); calls != 0 {
		t.Errorf("%d calls after the request's time", calls)
	}
}

func TestTheURLsOfAListAreSignedSideBySide(t *testing.T) {
	const count, atOnce = 40, 8
	full := pages{}
	for n := range count {
		key, err := objectkey.Parse(fmt.Sprintf("users/alice/%02d.png", n))
		if err != nil {
			t.Fatal(err)
		}
		full = append(full, listing.Object{Key: key, Size: int64(n)})
	}
	g, k := withKMS(t, together(atOnce), func(p *server.Parts) { p.Listing = full })
	page := decode[server.ObjectPage](t, g.do(t, "alice", http.MethodGet, "/v1/objects?prefix=users/alice/&urls=true", ""))
	if _, most := k.seen(); most != atOnce || len(page.Items) != count {
		t.Fatalf("%d at once, %d items", most, len(page.Items))
	}
	for n, item := range page.Items {
		if verified, err := g.verifier.Verify(signedurl.Viewer{URL: item.URL}); err != nil || item.Size != int64(n) || !strings.Contains(verified.Resource, item.Key) {
			t.Errorf("%d: %+v %v", n, item, err)
		}
	}
	// KMS is away: a list is a list still, and its objects say why.
	g, k = withKMS(t, func(context.Context, int) bool { return false }, func(p *server.Parts) { p.Listing = full })
	page = decode[server.ObjectPage](t, g.do(t, "alice", http.MethodGet, "/v1/objects?prefix=users/alice/&urls=true", ""))
	if calls, _ := k.seen(); calls > atOnce || len(page.Items) != count {
		t.Errorf("%d calls, %d items", calls, len(page.Items))
	}
	for _, item := range page.Items {
		if item.URL != "" || item.ID != "" || item.Problem == nil || item.Problem.Code != problem.Unavailable.Code {
			t.Errorf("%+v", item)
		}
	}
	if bytes.Contains(g.trail.Bytes(), []byte(`"read"`)) {
		t.Errorf("on record: %s", g.trail)
	}
}

// pages lists the same whatever it is asked.
type pages []listing.Object

func (p pages) Page(context.Context, listing.Question) (listing.Page, error) {
	return listing.Page{Objects: p}, nil
}

// delaying decides as another, after something has happened.
type delaying struct {
	server.Authorizer
	happens func()
}

func (d delaying) Authorize(principal access.Principal, action access.Action, key objectkey.Key, granted ...access.Action) access.Decision {
	d.happens()
	return d.Authorizer.Authorize(principal, action, key, granted...)
}
