package lambda_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/signgate/signgate/api/lambda"
)

func Example() {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "hello %s from %s", r.URL.Path, r.RemoteAddr)
	})
	function := lambda.New(lambda.Config{Handler: hello, Log: slog.New(slog.DiscardHandler)})
	// In a function: function.Serve(ctx).
	event := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/world"}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = http.MethodGet, "192.0.2.1"
	answer, err := function.Handle(context.Background(), event)
	fmt.Println(answer.StatusCode, answer.Body, err)
	// Output: 200 hello /world from 192.0.2.1:0 <nil>
}
