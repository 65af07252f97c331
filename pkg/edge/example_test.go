package edge_test

import (
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/signgate/signgate/pkg/edge"
	"github.com/signgate/signgate/pkg/keyring"
)

func Example() {
	private, err := keyring.Generate(keyring.P256)
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := edge.New(edge.Config{
		Origin:    edge.Origin{BucketURL: "http://127.0.0.1:8602/media", Region: "us-east-1", Credentials: credentials()},
		Behaviors: []edge.Behavior{edge.ReadBehavior([]string{"K2JCJMDEHXQW5F"}, edge.Lifetime{})},
		Keys:      map[string]crypto.PublicKey{"K2JCJMDEHXQW5F": private.Public()},
		Log:       slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/users/alice/a.png", nil))
	fmt.Println(recorder.Code, recorder.Body)
	// Output:
	// 403 <?xml version="1.0" encoding="UTF-8"?><Error><Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message></Error>
}
