package lambda

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
)

// RuntimeAPI is the environment variable that is set where a process runs as a
// Lambda function (AWS Lambda Developer Guide, "Using the Lambda runtime API").
const RuntimeAPI = "AWS_LAMBDA_RUNTIME_API"

// margin is what a handler, and what is due around it, has less than the
// function, so that an answer is still on its way before Lambda ends the
// process.
const margin = 500 * time.Millisecond

// Config says what answers.
type Config struct {
	Handler http.Handler
	// Identify puts into a request's context whom API Gateway has verified;
	// called only where it has (an authorizer of type AWS_IAM). May be nil.
	Identify func(ctx context.Context, identity Identity) context.Context
	// Settle does what is due, before a request and after its answer was made,
	// but before that leaves: afterwards Lambda freezes the process. May be nil.
	Settle func(ctx context.Context)
	// TooLarge answers where Lambda wouldn't take the answer; the headers of that
	// one are set, but for the cookies. nil: a status of 500 and nothing else.
	TooLarge http.HandlerFunc
	Log      *slog.Logger
}

// Identity is who signed a request with Signature Version 4, as API Gateway
// verified it. Whoever may invoke the function itself can claim to be anybody.
type Identity struct {
	ARN     string // of the user, or of the session of a role
	Account string // its number
	Cognito bool   // a Cognito identity pool stands between: one role for many people
}

// Function answers events by an http.Handler. It is safe for concurrent use.
type Function struct {
	config  Config
	running sync.RWMutex // read-locked by each invocation; locked for good at the end
}

// New makes a function.
func New(config Config) *Function {
	if config.Identify == nil {
		config.Identify = func(ctx context.Context, _ Identity) context.Context { return ctx }
	}
	if config.Settle == nil {
		config.Settle = func(context.Context) {}
	}
	if config.TooLarge == nil {
		config.TooLarge = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	}
	return &Function{config: config}
}

// Serve answers invocations until ctx ends and the one that runs then has
// ended. Lambda is asked to send SIGTERM before it ends the process, which it
// does within 500 ms of it; turning that into the end of ctx is the caller's.
// Where the runtime API fails, AWS's client ends the process.
func (f *Function) Serve(ctx context.Context) {
	go awslambda.StartWithOptions(f.Handle,
		awslambda.WithContext(context.WithoutCancel(ctx)), awslambda.WithEnableSIGTERM())
	<-ctx.Done()
	f.running.Lock()
}

// Handle answers one event. The error wraps ErrEvent: API Gateway then answers
// 500.
func (f *Function) Handle(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	f.running.RLock()
	defer f.running.RUnlock()
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	f.config.Settle(ctx)
	if authorizer := event.RequestContext.Authorizer; authorizer != nil && authorizer.IAM != nil && authorizer.IAM.UserARN != "" {
		iam := authorizer.IAM
		ctx = f.config.Identify(ctx, Identity{ARN: iam.UserARN, Account: iam.AccountID, Cognito: iam.CognitoIdentity.IdentityID != ""})
	}
	request, err := NewRequest(ctx, event)
	if err != nil {
		f.config.Log.ErrorContext(ctx, "an event that can't be answered", "error", err)
		return events.APIGatewayV2HTTPResponse{}, err
	}
	recorder := newRecorder(request.Method)
	if !f.serve(ctx, recorder, request) {
		recorder = newRecorder(request.Method)
		recorder.WriteHeader(http.StatusInternalServerError)
	}
	f.config.Settle(ctx)
	response := recorder.response()
	if fits(response) {
		return response, nil
	}
	f.config.Log.WarnContext(ctx, "an answer larger than Lambda takes", "status", response.StatusCode, "bytes", len(response.Body))
	instead := newRecorder(request.Method)
	instead.header = recorder.sent
	instead.header.Del("Set-Cookie")
	instead.header.Del("Content-Type")
	f.config.TooLarge(instead, request)
	return instead.response(), nil
}

// serve says whether the handler came to an end. One that panics would
// otherwise end the process, and with it what other invocations may need.
func (f *Function) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) (ended bool) {
	defer func() {
		if caught := recover(); caught != nil && !errors.Is(asError(caught), http.ErrAbortHandler) {
			f.config.Log.ErrorContext(ctx, "panic", "error", caught)
		}
	}()
	f.config.Handler.ServeHTTP(w, r)
	return true
}

func asError(caught any) error {
	err, _ := caught.(error)
	return err
}
