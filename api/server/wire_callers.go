package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/apikeys"
	"github.com/signgate/signgate/pkg/apikeys/bolt"
	"github.com/signgate/signgate/pkg/apikeys/dynamo"
	"github.com/signgate/signgate/pkg/callers"
	"github.com/signgate/signgate/pkg/dynamotable"
	"github.com/signgate/signgate/pkg/metrics"
	"github.com/signgate/signgate/pkg/settings"
)

// issuerKeysEvery is how often issuers' keys may be read again: they are read
// once an hour, and after a failure the next time.
const issuerKeysEvery = time.Minute

// callers makes every way to find out who is calling that the settings name.
func (w *wiring) callers(ctx context.Context) error {
	var bearers Bearers
	if tokens := w.tokens; tokens != nil {
		bearers.Tokens = tokens
		w.repeat(chore{issuerKeysEvery, tokens.Refresh}) //nolint:contextcheck // outlives this context
		w.check(metrics.CheckIssuer, tokens.Ready)
	}
	store, err := OpenAPIKeys(ctx, APIKeyStore{
		File: w.gateway.APIKeysFile, Table: w.gateway.APIKeysTable, Region: w.gateway.Region, Credentials: w.env.Credentials, HTTP: w.env.aws,
	})
	if err != nil {
		return err
	}
	if store != nil {
		keys, err := apikeys.NewVerifier(store, w.env.Log, w.env.Now)
		if err != nil {
			return err
		}
		bearers.Keys = keys
		w.check(metrics.CheckAPIKeys, keys.Ready)
	}
	w.parts.Callers = bearers
	return w.awsCallers()
}

// newTokens reads the issuers' keys; nil where there is no issuer.
func newTokens(ctx context.Context, gateway settings.Gateway, env Environment) (*callers.OIDC, error) {
	issuers, err := issuersOf(gateway)
	if err != nil || len(issuers) == 0 {
		return nil, err
	}
	tokens, err := callers.NewOIDC(ctx, callers.OIDCConfig{Issuers: issuers, HTTP: env.issuers(), Log: env.Log, Now: env.Now})
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	return tokens, nil
}

// issuersOf are the one of the plain settings and those of the file.
func issuersOf(gateway settings.Gateway) ([]callers.Issuer, error) {
	var issuers []callers.Issuer
	if gateway.Issuer != "" {
		issuers = append(issuers, callers.Issuer{
			Issuer: gateway.Issuer, Audience: gateway.Audience, Algorithms: gateway.TokenAlgorithms,
			SubjectClaim: gateway.SubjectClaim, GroupsClaim: gateway.GroupsClaim, TenantClaim: gateway.TenantClaim,
		})
	}
	if gateway.Issuers == "" {
		return issuers, nil
	}
	text, err := os.ReadFile(gateway.Issuers)
	if err != nil {
		return nil, fmt.Errorf("issuers: %w", err)
	}
	further, err := callers.ParseIssuers(text)
	if err != nil {
		return nil, fmt.Errorf("issuers: %s: %w", gateway.Issuers, err)
	}
	return append(issuers, further...), nil
}

// APIKeyStore says where API keys are: in a file, or in a table of DynamoDB.
type APIKeyStore struct {
	File        string
	Table       string
	Region      string
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient // nil for the SDK's own
}

// OpenAPIKeys opens a store of API keys; nil where there is neither file nor
// table, so that there are no keys.
func OpenAPIKeys(ctx context.Context, at APIKeyStore) (apikeys.Store, error) {
	switch {
	case at.File != "":
		store, err := bolt.Open(ctx, at.File)
		if err != nil {
			return nil, fmt.Errorf("api-keys-file: %w", err)
		}
		return store, nil
	case at.Table != "":
		return dynamo.New(dynamotable.Config{Table: at.Table, Region: at.Region, Credentials: at.Credentials, HTTP: at.HTTP}), nil
	}
	return nil, nil //nolint:nilnil // none is the usual case
}

func (w *wiring) awsCallers() error {
	if w.gateway.AWSCallers == "" {
		return nil
	}
	text, err := os.ReadFile(w.gateway.AWSCallers)
	if err != nil {
		return fmt.Errorf("aws-callers: %w", err)
	}
	iam, err := callers.ParseIAM(text)
	if err != nil {
		return fmt.Errorf("aws-callers: %s: %w", w.gateway.AWSCallers, err)
	}
	w.parts.AWSCallers = iam
	return nil
}
