package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/signgate/signgate/pkg/telemetry"
)

// traced is telemetry whose spans arrive at a collector.
type traced struct {
	*telemetry.Telemetry
	mu   sync.Mutex
	sent string
}

func newTraced(t *testing.T) *traced {
	t.Helper()
	tr := &traced{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.sent += string(body)
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.URL+"/v1/traces")
	var err error
	tr.Telemetry, err = telemetry.New(t.Context(), telemetry.Config{Service: "test", Now: time.Now, Lookup: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close(context.WithoutCancel(t.Context())) })
	return tr
}

// spans returns what was exported, as it was sent.
func (tr *traced) spans(t *testing.T) string {
	t.Helper()
	if err := tr.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.sent
}

var nobody = credentials.NewStaticCredentialsProvider("AKIDHIDDEN", "hidden-secret", "hidden-token")

func bucketAt(address string, calls *telemetry.Calls) *s3.Client {
	return s3.New(s3.Options{Region: "eu-central-1", Credentials: nobody, BaseEndpoint: aws.String(address), UsePathStyle: true, HTTPClient: calls})
}

func TestACallOfAWSIsASpanThatTellsNoKeyAndNoSecret(t *testing.T) {
	tr := newTraced(t)
	aws1 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Request-Id", "REQUEST1")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>`+r.URL.Path+` hidden-message</Message><Key>users/alice/secret-plan.png</Key></Error>`)
	}))
	defer aws1.Close()
	ctx, span := tr.Tracer("test").Start(t.Context(), "the request")
	_, err := bucketAt(aws1.URL, tr.Calls("test", http.DefaultClient.Do)).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("media"), Key: aws.String("users/alice/secret-plan.png")})
	span.End()
	if _, missing := errors.AsType[*s3types.NoSuchKey](err); !missing {
		t.Errorf("the SDK doesn't know the answer any more: %v", err)
	}
	spans := tr.spans(t)
	trace := span.SpanContext().TraceID()
	for _, want := range []string{"S3/GetObject", "aws-api", "NoSuchKey", "REQUEST1"} {
		if !strings.Contains(spans, want) {
			t.Errorf("the spans lack %s: %q", want, spans)
		}
	}
	if strings.Count(spans, string(trace[:])) != 2 {
		t.Errorf("the call isn't in the request's trace")
	}
	for _, secret := range []string{"secret-plan", "alice", "hidden", "AKIDHIDDEN", "Signature", "media"} {
		if strings.Contains(spans, secret) {
			t.Errorf("the spans tell %s: %q", secret, spans)
		}
	}
}

func TestASpanSaysHowACallFailed(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"throttled": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.kms#ThrottlingException","message":"hidden"}`)
		}, "ThrottlingException"},
		"denied, said in the header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/")
			w.WriteHeader(http.StatusBadRequest)
		}, "AccessDeniedException"},
		"not AWS": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `<Code>hidden words of somebody else</Code>`)
		}, "502"},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{`)
		}, "500"},
		"no answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTraced(t)
			stand := httptest.NewServer(test.answer)
			defer stand.Close()
			client := kms.New(kms.Options{
				Region: "eu-central-1", Credentials: nobody, BaseEndpoint: aws.String(stand.URL), HTTPClient: tr.Calls("test", http.DefaultClient.Do), RetryMaxAttempts: 1,
			})
			_, err := client.Sign(t.Context(), &kms.SignInput{KeyId: aws.String("hidden-key"), Message: []byte("hidden"), SigningAlgorithm: kmstypes.SigningAlgorithmSpecEcdsaSha256})
			if err == nil {
				t.Fatal("no error")
			}
			if spans := tr.spans(t); !strings.Contains(spans, "KMS/Sign") || !strings.Contains(spans, test.want) || strings.Contains(spans, "hidden") || strings.Contains(spans, "Throttling") != (name == "throttled") {
				t.Errorf("%q", spans)
			}
		})
	}
}

func TestACallThatIsGivenUpSaysSo(t *testing.T) {
	tr := newTraced(t)
	stand := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer stand.Close()
	client := &http.Client{Transport: tr.Calls("test", http.DefaultTransport.RoundTrip)}
	for want, give := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"timeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Millisecond)
		},
		"canceled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
	} {
		ctx, cancel := give(t.Context())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, stand.URL+"/hidden?hidden", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			t.Error("an answer")
		}
		cancel()
		if spans := tr.spans(t); !strings.Contains(spans, want) || !strings.Contains(spans, "127.0.0.1") || strings.Contains(spans, "hidden") {
			t.Errorf("%s: %q", want, spans)
		}
	}
}

func TestWithoutTracesNothingStandsBetween(t *testing.T) {
	measured, err := telemetry.New(t.Context(), telemetry.Config{Service: "test", Now: time.Now, Lookup: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	if calls := measured.Calls("test", http.DefaultClient.Do); calls != nil {
		t.Error("calls are traced for nobody")
	}
}

// A panic's text can hold what it was about. OpenTelemetry would make an event
// of it.
func TestAPanicIsASpanThatTellsNothingOfIt(t *testing.T) {
	tr := newTraced(t)
	calls := tr.Calls("test", func(r *http.Request) (*http.Response, error) { panic("no answer from " + r.URL.String()) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://aws.example/users/alice/hidden.png?X-Amz-Signature=hidden", nil)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is swallowed")
			}
		}()
		_, _ = calls.Do(request)
	}()
	if sent := tr.spans(t); !strings.Contains(sent, "aws.example") || strings.Contains(sent, "hidden") {
		t.Errorf("%q", sent)
	}
}
