package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"

	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/apikeys"
	keytable "github.com/signgate/signgate/pkg/apikeys/dynamo"
	"github.com/signgate/signgate/pkg/audit"
	audittable "github.com/signgate/signgate/pkg/audit/dynamo"
	"github.com/signgate/signgate/pkg/audit/firehose"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/dynamotable"
	granttable "github.com/signgate/signgate/pkg/grants/dynamo"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/uploads"
)

// troubled stands in for AWS in trouble.
type troubled struct {
	*httptest.Server
	mu    sync.Mutex
	asked int
}

func newTroubled(t testing.TB, trouble http.HandlerFunc) *troubled {
	t.Helper()
	a := &troubled{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server doesn't notice when the other end gives up
		a.mu.Lock()
		a.asked++
		a.mu.Unlock()
		trouble(w, r)
	}))
	t.Cleanup(a.Close)
	t.Cleanup(a.CloseClientConnections)
	return a
}

func (a *troubled) wasAsked() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked > 0
}

// answeringCode answers as AWS does, in JSON and in XML.
func answeringCode(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Content-Type"), "json") {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws#%s","message":"hunter2"}`, code)
			return
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>hunter2</Message></Error><Code>%[1]s</Code></ErrorResponse>`, code)
	}
}

// awsParts are the gateway's parts that ask AWS, and a request for which each
// does. They are asked at an address.
func awsParts() map[string]struct {
	change func(t testing.TB, p *server.Parts, at string)
	ask    func(t testing.TB, g *gateway) *httptest.ResponseRecorder
} {
	type part = struct {
		change func(t testing.TB, p *server.Parts, at string)
		ask    func(t testing.TB, g *gateway) *httptest.ResponseRecorder
	}
	table := func(at string) dynamotable.Config {
		return dynamotable.Config{Table: "table", Region: "eu-central-1", Endpoint: at, Credentials: credentials(nil)}
	}
	read := func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
		t.Helper()
		return g.do(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"}]}`)
	}
	trail := func(sink audit.Sink) *audit.Log {
		return audit.New(audit.Config{Sink: sink, Now: func() time.Time { return start }})
	}
	return map[string]part{
		"shares in DynamoDB": {
			func(_ testing.TB, p *server.Parts, at string) { p.Grants = granttable.New(table(at)) },
			func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
				t.Helper()
				return g.do(t, "bob", http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png"}]}`)
			},
		},
		"API keys in DynamoDB": {
			func(t testing.TB, p *server.Parts, at string) {
				t.Helper()
				keys, err := apikeys.NewVerifier(keytable.New(table(at)), p.Log, p.Now)
				if err != nil {
					t.Fatal(err)
				}
				p.Callers = server.Bearers{Keys: keys}
			},
			func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
				t.Helper()
				return g.do(t, apikeys.NewSecret().Reveal(), http.MethodGet, "/v1/read/users/alice/a.png", "")
			},
		},
		"the trail in DynamoDB": {func(_ testing.TB, p *server.Parts, at string) { p.Audit = trail(audittable.New(table(at))) }, read},
		"the trail in Firehose": {func(_ testing.TB, p *server.Parts, at string) {
			p.Audit = trail(firehose.New(firehose.Config{Stream: "trail", Region: "eu-central-1", Endpoint: at, Credentials: credentials(nil)}))
		}, read},
		"lists in S3": {
			func(_ testing.TB, p *server.Parts, at string) {
				p.Listing = listing.New(listing.Config{Bucket: "media", Region: "eu-central-1", Endpoint: at, PathStyle: true, Credentials: credentials(nil)})
			},
			func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
				t.Helper()
				return g.do(t, "alice", http.MethodGet, "/v1/objects?prefix=users/alice/", "")
			},
		},
		"uploads in S3": {
			func(_ testing.TB, p *server.Parts, at string) {
				p.Uploads = uploads.NewStore(uploads.Config{Bucket: "media", Region: "eu-central-1", Endpoint: at, PathStyle: true, Credentials: credentials(nil)})
			},
			func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
				t.Helper()
				return g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","method":"multipart"}`)
			},
		},
		"STS": {
			func(t testing.TB, p *server.Parts, at string) {
				t.Helper()
				source, err := rolecredentials.New(rolecredentials.Config{
					Role: "arn:aws:iam::123456789012:role/uploads", Bucket: "media", Region: "eu-central-1", Endpoint: at, Credentials: credentials(nil), Now: p.Now,
				})
				if err != nil {
					t.Fatal(err)
				}
				p.Credentials = source
			},
			func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
				t.Helper()
				return g.do(t, "alice", http.MethodPost, "/v1/upload-credentials", `{"prefix":"users/alice/inbox/"}`)
			},
		},
		"credentials of a container": {
			func(t testing.TB, p *server.Parts, at string) {
				t.Helper()
				presigner, err := presign.New(t.Context(), presign.Config{
					Bucket: "media", Region: "eu-central-1", Now: p.Now, Credentials: aws.NewCredentialsCache(endpointcreds.New(at)),
				})
				if err != nil {
					t.Fatal(err)
				}
				p.Presigner = presigner
			},
			func(t testing.TB, g *gateway) *httptest.ResponseRecorder {
				t.Helper()
				return g.do(t, "alice", http.MethodPost, "/v1/uploads", `{"key":"users/alice/a.png","contentType":"image/png","contentLength":5}`)
			},
		},
	}
}

// Whatever AWS does instead of answering, its caller learns in time that it is
// to come back, and nothing of why; and nothing was given away.
func TestWhereAWSIsInTroubleCallersAreToldToComeBack(t *testing.T) {
	t.Parallel()
	for trouble, answer := range map[string]http.HandlerFunc{
		"throttled":           answeringCode(http.StatusBadRequest, "ThrottlingException"),
		"slowed down":         answeringCode(http.StatusServiceUnavailable, "SlowDown"),
		"expired credentials": answeringCode(http.StatusBadRequest, "ExpiredToken"),
		"denied":              answeringCode(http.StatusForbidden, "AccessDenied"),
		"not AWS":             func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hunter2") },
		"hanging":             func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		for name, part := range awsParts() {
			if trouble == "slowed down" && !strings.HasSuffix(name, "S3") {
				continue // that is how S3 says it
			}
			t.Run(name+", "+trouble, func(t *testing.T) {
				t.Parallel()
				away := newTroubled(t, answer)
				g := newGateway(t, func(p *server.Parts) {
					part.change(t, p, away.URL)
					p.RequestTime = 20 * time.Second
					if trouble == "hanging" {
						p.RequestTime = 300 * time.Millisecond
					}
				})
				recorder := part.ask(t, g)
				if trouble == "not AWS" && recorder.Code == http.StatusOK && name == "lists in S3" {
					return // an empty list
				}
				mustProblem(t, recorder, problem.Unavailable)
				if recorder.Header().Get("Retry-After") != "1" {
					t.Errorf("nobody says when to come back: %v", recorder.Header())
				}
				for _, inside := range []string{"hunter2", "Throttling", "SlowDown", "Expired", "AccessDenied", "eu-central-1", "Signature", away.URL} {
					if strings.Contains(recorder.Body.String(), inside) {
						t.Errorf("it tells %s: %s", inside, recorder.Body)
					}
				}
				if strings.Contains(g.trail.String(), `"issued"`) || !away.wasAsked() {
					t.Errorf("on record: %s; AWS was asked: %t", g.trail, away.wasAsked())
				}
			})
		}
	}
}

// askedIn looks at the context in which somebody is asked who is calling.
type askedIn func(ctx context.Context)

func (a askedIn) Authenticate(ctx context.Context, token string) (callers.Caller, error) {
	a(ctx)
	return names{}.Authenticate(ctx, token)
}

// A completion is S3's to hurry: it has its own time.
func TestOnlyCompletionsMayTakeLonger(t *testing.T) {
	deadlines := map[string]time.Duration{}
	g := newGateway(t, func(p *server.Parts) {
		p.Callers = askedIn(func(ctx context.Context) {
			deadline, ok := ctx.Deadline()
			if !ok {
				t.Error("a request without an end")
			}
			deadlines["last"] = time.Until(deadline) //nolint:forbidigo // a context ends by this clock
		})
	})
	for path, want := range map[string]time.Duration{"/v1/read-urls": 27 * time.Second, "/v1/uploads/x/complete": 10 * time.Minute} {
		g.do(t, "alice", http.MethodPost, path, `{}`)
		if got := deadlines["last"]; got > want || got < want-time.Second*20 {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// hangingBucket does nothing until whoever asks gives up.
type hangingBucket struct {
	bucket
	creates bool // it creates all the same
}

func (b *hangingBucket) Create(ctx context.Context, object presign.Upload, algorithm uploads.Algorithm) (string, error) {
	if b.creates {
		return b.bucket.Create(ctx, object, algorithm)
	}
	<-ctx.Done()
	return "", fmt.Errorf("%w: %w", uploads.ErrUnavailable, ctx.Err())
}

func (b *hangingBucket) Abort(ctx context.Context, _ objectkey.Key, _ string) error {
	<-ctx.Done()
	return fmt.Errorf("%w: %w", uploads.ErrUnavailable, ctx.Err())
}

// Beginning an upload ends in time where S3 hangs: also for a widget, and where
// what was begun has to be forgotten.
func TestAnUploadThatCannotBeginEndsInTime(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*server.Parts){
		"S3 begins nothing":  func(p *server.Parts) { p.Uploads = &hangingBucket{} },
		"S3 forgets nothing": func(p *server.Parts) { p.Uploads, p.Audit = &hangingBucket{creates: true}, &afterwards{p.Audit, 1} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, func(p *server.Parts) { change(p); p.RequestTime = 300 * time.Millisecond })
			session := decode[server.Session](t, g.do(t, "alice", http.MethodPost, "/v1/upload-sessions", `{"prefix":"users/alice/"}`))
			recorder, done := newRecorder(), make(chan struct{})
			go func() {
				defer close(done)
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimPrefix(session.URL, "https://api.example.com")+"/s3/multipart", strings.NewReader(`{"filename":"a.png","type":"image/png"}`))
				g.handler.ServeHTTP(recorder, request)
			}()
			select {
			case <-done:
				mustProblem(t, recorder, problem.Unavailable)
			case <-time.After(30 * time.Second):
				t.Fatal("it waits on")
			}
		})
	}
}

// afterwards is a trail whose disk is full after some records.
type afterwards struct {
	server.Recorder
	room int
}

func (a *afterwards) Record(ctx context.Context, records ...audit.Record) error {
	if a.room -= len(records); a.room < 0 {
		return fmt.Errorf("%w: disk full", audit.ErrNotRecorded)
	}
	return a.Recorder.Record(ctx, records...)
}
