package callers_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/signgate/signgate/pkg/callers"
)

func Example() {
	_, err := callers.NewOIDC(context.Background(), callers.OIDCConfig{
		Issuer: "https://issuer.example.com", Audience: "signgate",
		Algorithms: []string{"HS256"}, // a shared secret: not for access tokens
		HTTP:       http.DefaultClient, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	fmt.Println(err)
	// Output:
	// the OIDC issuer can't be used: the algorithm "HS256" is not accepted for tokens
}
