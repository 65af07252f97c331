package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	audittable "github.com/signgate/signgate/pkg/audit/dynamo"
	"github.com/signgate/signgate/pkg/audit/firehose"
	"github.com/signgate/signgate/pkg/dynamotable"
	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
	"github.com/signgate/signgate/pkg/grants/dynamo"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/listing"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/settings"
	"github.com/signgate/signgate/pkg/uploads"
)

// openGrants opens the store of what is shared; nil where the settings name
// none, so that nothing can be shared.
func openGrants(gateway settings.Gateway, env Environment) (Grants, func() error, error) {
	nothing := func() error { return nil }
	switch {
	case gateway.GrantsFile != "":
		store, err := bolt.Open(gateway.GrantsFile, env.Now)
		if err != nil {
			return nil, nothing, fmt.Errorf("grants-file: %w", err)
		}
		return store, store.Close, nil
	case gateway.GrantsTable != "":
		return dynamo.New(dynamotable.Config{Table: gateway.GrantsTable, Region: gateway.Region, Credentials: env.Credentials, HTTP: env.aws}), nothing, nil
	}
	return nil, nothing, nil
}

// canFind asks the store of what is shared for nothing in particular.
func canFind(ctx context.Context, shares Grants, now func() time.Time) error {
	if shares == nil {
		return nil
	}
	_, err := shares.Find(ctx, now(), []string{"readyz"}, []grants.Grantee{grants.Everyone()})
	return err
}

func newPresigner(ctx context.Context, gateway settings.Gateway, env Environment) (*presign.Presigner, error) {
	presigner, err := presign.New(ctx, presign.Config{
		Bucket: gateway.Bucket, Region: gateway.Region, Endpoint: gateway.S3Endpoint, PathStyle: gateway.S3PathStyle,
		Accelerate: gateway.S3Accelerate, DualStack: gateway.S3DualStack, KMSKeyID: gateway.KMSKeyID,
		Credentials: env.Credentials, MinLife: minCredentialLife, UnknownRest: gateway.CredentialRest, Now: env.Now,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if err := presigner.Ready(ctx); err != nil {
		return nil, fmt.Errorf("%w; run the gateway under a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY on your own machine", err)
	}
	return presigner, nil
}

const (
	// minCredentialLife is the shortest rest of the role's session that is
	// still worth presigning with.
	minCredentialLife  = 30 * time.Second
	credentialsTimeout = 10 * time.Second
)

func limits(gateway settings.Gateway) Limits {
	return Limits{
		Read:           Life{gateway.ReadLife, gateway.MaxReadLife},
		Upload:         Life{gateway.UploadLife, min(gateway.MaxUploadLife, presign.MaxLife)},
		Delete:         Life{gateway.DeleteLife, min(gateway.MaxDeleteLife, presign.MaxLife)},
		OpenUpload:     Life{gateway.OpenUploadLife, gateway.MaxOpenUploadLife},
		Session:        Life{gateway.SessionLife, gateway.MaxSessionLife},
		MaxUploadBytes: gateway.MaxUploadBytes,
		MaxBodyBytes:   gateway.MaxBodyBytes,
		StableWindow:   gateway.StableWindow,
		S3Reads:        gateway.S3Reads,
	}
}

func newUploads(gateway settings.Gateway, env Environment) *uploads.Store {
	return uploads.NewStore(uploads.Config{
		Bucket: gateway.Bucket, Region: gateway.Region, Endpoint: gateway.S3Endpoint, PathStyle: gateway.S3PathStyle,
		DualStack: gateway.S3DualStack, KMSKeyID: gateway.KMSKeyID, Credentials: env.Credentials, HTTP: env.aws,
	})
}

func newListing(gateway settings.Gateway, env Environment) *listing.Bucket {
	return listing.New(listing.Config{
		Bucket: gateway.Bucket, Region: gateway.Region, Endpoint: gateway.S3Endpoint, PathStyle: gateway.S3PathStyle,
		DualStack: gateway.S3DualStack, Credentials: env.Credentials, HTTP: env.aws,
	})
}

func uploadRules(gateway settings.Gateway) (uploads.Rules, objectkey.Prefix, error) {
	quarantine, err := objectkey.ParsePrefix(gateway.QuarantinePrefix)
	if err != nil {
		return uploads.Rules{}, objectkey.Prefix{}, fmt.Errorf("quarantine-prefix: %w", err)
	}
	if gateway.UploadRules == "" {
		return uploads.Rules{}, quarantine, nil
	}
	text, err := os.ReadFile(gateway.UploadRules)
	if err != nil {
		return uploads.Rules{}, quarantine, fmt.Errorf("upload-rules: %w", err)
	}
	rules, err := uploads.ParseRules(text)
	if err != nil {
		return uploads.Rules{}, quarantine, fmt.Errorf("upload-rules: %s: %w", gateway.UploadRules, err)
	}
	return rules, quarantine, nil
}

func prefixes(texts []string) []netip.Prefix {
	var found []netip.Prefix
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil { // Validate has refused the others
			found = append(found, prefix)
		}
	}
	return found
}

func sameSite(name string) http.SameSite {
	switch name {
	case "none":
		return http.SameSiteNoneMode
	case "strict":
		return http.SameSiteStrictMode
	}
	return http.SameSiteLaxMode
}

// openTrail opens the audit trail. The returned function signs its end and
// closes it.
func openTrail(gateway settings.Gateway, active keyring.Key, env Environment) (*audit.Log, func() error, error) {
	config := audit.Config{
		Out: env.Stdout, Signer: active.Signer, KeyID: active.ID, Now: env.Now,
		OnError: func(err error) {
			env.Log.ErrorContext(context.Background(), noCheckpoint, "error", err)
		},
	}
	closeFile := func() error { return nil }
	switch {
	case gateway.AuditStream != "":
		config.Sink = firehose.New(firehose.Config{
			Stream: gateway.AuditStream, Region: gateway.Region, Endpoint: gateway.AuditEndpoint, Credentials: env.Credentials, HTTP: env.aws,
		})
	case gateway.AuditTable != "":
		config.Sink = audittable.New(dynamotable.Config{
			Table: gateway.AuditTable, Region: gateway.Region, Endpoint: gateway.AuditEndpoint, Credentials: env.Credentials, HTTP: env.aws,
		})
	case gateway.AuditFile != "-":
		file, err := openTrailFile(gateway.AuditFile, &config)
		if err != nil {
			return nil, nil, fmt.Errorf("audit-file: %w", err)
		}
		closeFile = file.Close
	}
	trail := audit.New(config)
	return trail, func() error { return errors.Join(trail.Close(), closeFile()) }, nil
}

// openTrailFile opens a file for appending, readable by its owner only.
func openTrailFile(path string, config *audit.Config) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	config.Out, config.Tail = file, audit.TailOf(path)
	if _, err := config.Tail(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func havePolicies(authorizer *access.Reloading) error {
	if authorizer.Len() == 0 {
		return access.ErrNoPolicies
	}
	return nil
}

// refreshing takes over changed policies.
func refreshing(policies *access.Reloading, every time.Duration, log *slog.Logger) chore {
	return chore{every, func(ctx context.Context) {
		taken, err := policies.Refresh()
		switch {
		case err != nil:
			log.ErrorContext(ctx, "changed policies can't be used; those from before decide", "error", err)
		case taken:
			log.InfoContext(ctx, "changed policies decide now", "policies", policies.Len())
		}
	}}
}

// checkpoints signs what was written to the trail.
func checkpoints(trail *audit.Log, every time.Duration, log *slog.Logger) chore {
	return chore{every, func(ctx context.Context) {
		if err := trail.CheckpointWithin(ctx); err != nil {
			log.ErrorContext(ctx, noCheckpoint, "error", err)
		}
	}}
}

const noCheckpoint = "no checkpoint in the audit trail"
