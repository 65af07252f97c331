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
		Issuers: []callers.Issuer{{
			Issuer: "https://issuer.example.com", Audience: "signgate",
			Algorithms: []string{"HS256"}, // a shared secret: not for access tokens
		}},
		HTTP: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	fmt.Println(err)
	// Output:
	// the OIDC issuer can't be used: issuer 1 ("https://issuer.example.com") has the algorithm "HS256", which is not accepted for tokens; use some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA
}
