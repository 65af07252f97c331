package lambda_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signgate/signgate/api/lambda"
)

// An invocation that runs when Lambda ends the environment comes to its end
// before what it needs is closed.
func TestTheInvocationThatRunsIsWaitedFor(t *testing.T) {
	var asked atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "one")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", "4102444800000")
		_ = json.NewEncoder(w).Encode(documented(t, nil))
	})
	mux.HandleFunc("/2018-06-01/runtime/invocation/one/response", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	mux.HandleFunc("/2020-01-01/", func(http.ResponseWriter, *http.Request) {})
	runtime := httptest.NewServer(mux) // stays: AWS's client ends the process where it is gone
	t.Setenv(lambda.RuntimeAPI, strings.TrimPrefix(runtime.URL, "http://"))

	var ended atomic.Bool
	ctx, end := context.WithCancel(t.Context())
	function(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		end()
		<-time.After(100 * time.Millisecond)
		ended.Store(true)
	}), nil).Serve(ctx)
	if !ended.Load() {
		t.Error("the invocation was still running")
	}
}
