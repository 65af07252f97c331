package decisionhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/signgate/signgate/pkg/decisionhook"
)

// An application verifies the question with a library of Standard Webhooks and
// answers.
func Example() {
	const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil || verifier.Verify(body, r.Header) != nil {
			http.Error(w, "not from the gateway", http.StatusUnauthorized)
			return
		}
		var question struct{ Data decisionhook.Question }
		if err := json.Unmarshal(body, &question); err != nil {
			return
		}
		decision := "deny"
		if strings.HasPrefix(question.Data.Key, "albums/") && question.Data.Action == "read" {
			decision = "allow"
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"decision":%q,"cacheFor":30}`, decision)
	}))
	defer app.Close()

	secrets, err := decisionhook.ParseSecrets([]byte(secret))
	if err != nil {
		fmt.Println(err)
		return
	}
	hook, err := decisionhook.New(decisionhook.Config{
		URL: app.URL, Secrets: secrets, Timeout: time.Second, Parallel: 8, CacheLife: time.Minute,
		Now: time.Now, NewID: func() string { return "unguessable" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"albums/7/a.png", "letters/1.pdf"} {
		answer, err := hook.Ask(context.Background(), decisionhook.Question{
			Principal: decisionhook.Principal{Kind: "person", Subject: "alice"}, Action: "read", Key: key,
		})
		fmt.Println(key, answer.Allowed, err)
	}
	// Output:
	// albums/7/a.png true <nil>
	// letters/1.pdf false <nil>
}
