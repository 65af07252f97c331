package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/problem"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/settings"
)

// CredentialsRequest asks for AWS credentials that upload below a prefix.
type CredentialsRequest struct {
	Prefix    string `json:"prefix" doc:"Where they upload, with the closing slash" example:"users/alice/inbox/"`
	ExpiresIn *int64 `json:"expiresIn,omitempty" doc:"Life in seconds, from 900, which is also the default, to 3600" example:"900"`
}

// UploadCredentials are AWS credentials that upload below a prefix.
type UploadCredentials struct {
	ID              string    `json:"id" doc:"Issue id: id in the audit trail"`
	AccessKeyID     string    `json:"accessKeyId" doc:"As an AWS SDK wants it"`
	SecretAccessKey string    `json:"secretAccessKey" doc:"As an AWS SDK wants it; whoever has the three can upload below the prefix until they expire"`
	SessionToken    string    `json:"sessionToken" doc:"As an AWS SDK wants it"`
	ExpiresAt       time.Time `json:"expiresAt" doc:"When they die"`
	Bucket          string    `json:"bucket" doc:"The bucket"`
	Region          string    `json:"region" doc:"Region of the bucket"`
	Prefix          string    `json:"prefix" doc:"What their keys must begin with"`
}

type credentialsInput struct{ Body CredentialsRequest }

type credentialsOutput struct{ Body UploadCredentials }

func credentialsOperation() huma.Operation {
	return huma.Operation{
		OperationID: "createUploadCredentials", Method: http.MethodPost, Path: "/v1/upload-credentials", DefaultStatus: http.StatusCreated, Tags: []string{"write"},
		Summary: "AWS credentials that upload below a prefix",
		Description: "For programs that upload with an AWS SDK. A gateway gives none away unless it is set up to. " +
			"Granted only where the caller may write and overwrite whatever lies there, now or later, and no upload rule holds: " +
			"credentials can be held to a prefix, but not to sizes, content types or not overwriting.",
	}
}

func (s *Server) createCredentials(ctx context.Context, input *credentialsInput) (*credentialsOutput, error) {
	if s.parts.Credentials == nil {
		return nil, problem.New(problem.Denied, "This gateway gives no credentials away. Ask for signed requests instead.")
	}
	prefix, err := parsePrefix(input.Body.Prefix, "/prefix")
	if err != nil {
		return nil, err
	}
	life, err := credentialsLife(input.Body.ExpiresIn)
	if err != nil {
		return nil, err
	}
	issue := s.newIssue(ctx)
	id, made, err := s.mintCredentials(issue, prefix, life)
	if recordErr := issue.done(); err != nil || recordErr != nil {
		return nil, errors.Join(err, recordErr)
	}
	return &credentialsOutput{Body: UploadCredentials{
		ID: id, AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken,
		ExpiresAt: made.Expires, Bucket: s.parts.Bucket, Region: s.parts.Region, Prefix: prefix.String(),
	}}, nil
}

func credentialsLife(asked *int64) (time.Duration, error) {
	const shortest, longest = int64(rolecredentials.MinLife / time.Second), int64(rolecredentials.MaxLife / time.Second)
	switch {
	case asked == nil:
		return rolecredentials.MinLife, nil
	case *asked < shortest || *asked > longest:
		return 0, invalid("/expiresIn", fmt.Sprintf("must be between %d and %d seconds: AWS makes no others", shortest, longest))
	}
	return time.Duration(*asked) * time.Second, nil
}

// mintCredentials authorizes and mints. What credentials can't be held to must
// not be asked of anybody there: not overwriting, and the rules for uploads.
func (s *Server) mintCredentials(issue *issue, prefix objectkey.Prefix, life time.Duration) (string, rolecredentials.Credentials, error) {
	writing, err := issue.authorizePrefix(access.Write, prefix)
	if err != nil {
		return "", rolecredentials.Credentials{}, err
	}
	if writing.grantID() != "" {
		return "", rolecredentials.Credentials{}, problem.New(problem.Denied, "This prefix is only shared with you, and credentials can't be held to the end of a share.")
	}
	decision, err := issue.authorizePrefix(access.Overwrite, prefix)
	if err != nil {
		return "", rolecredentials.Credentials{}, err
	}
	if writing.and(decision).limitLife(s.parts.Now(), life) < life {
		return "", rolecredentials.Credentials{}, problem.New(problem.Denied, "You may write below this prefix for a shorter time than credentials live.")
	}
	if s.parts.Rules.Touches(prefix) {
		return "", rolecredentials.Credentials{}, invalid("/prefix", "shares keys with a rule for uploads, which credentials can't be held to")
	}
	made, err := s.parts.Credentials.ForPrefix(issue.ctx, rolecredentials.Request{Subject: issue.principal().Subject, Prefix: prefix, Life: life})
	if err != nil {
		return "", rolecredentials.Credentials{}, err
	}
	id := s.parts.NewID()
	record := issue.record(access.Overwrite, prefix.String(), decision)
	record.Outcome, record.ID, record.Step, record.ExpiresAt = audit.Issued, id, stepCredentials, &made.Expires
	issue.records = append(issue.records, record)
	return id, made, nil
}

// companionCredentials answers GET s3/sts. They don't outlive the session.
func (w *widget) companionCredentials() error {
	if w.server.parts.Credentials == nil {
		return problem.New(problem.Denied, "This gateway gives no credentials away. Let the widget have its requests signed: set getTemporarySecurityCredentials to false.")
	}
	if !w.session.Unlimited {
		return problem.New(problem.InvalidRequest, "This session limits sizes or types, which credentials can't be held to. Let the widget have its requests signed.")
	}
	const life = rolecredentials.MinLife
	if w.expires.Sub(w.server.parts.Now()) < life {
		return problem.New(problem.InvalidRequest, fmt.Sprintf("The session ends in less than %d minutes, the shortest life of credentials. Ask for a new one.", life/time.Minute))
	}
	prefix, err := objectkey.ParsePrefix(w.session.Prefix)
	if err != nil {
		return err
	}
	_, made, err := w.server.mintCredentials(w.issue, prefix, life)
	if err != nil {
		return err
	}
	return w.answer(map[string]any{
		"credentials": map[string]any{
			"AccessKeyId": made.AccessKeyID, "SecretAccessKey": made.SecretAccessKey, "SessionToken": made.SessionToken, "Expiration": made.Expires,
		},
		"bucket": w.server.parts.Bucket, "region": w.server.parts.Region,
	})
}

// newRoleCredentials returns nil where the settings want none given away.
func newRoleCredentials(gateway settings.Gateway, env Environment) (RoleCredentials, error) {
	if gateway.CredentialsRole == "" {
		return nil, nil //nolint:nilnil // none is the usual case
	}
	source, err := rolecredentials.New(rolecredentials.Config{
		Role: gateway.CredentialsRole, Bucket: gateway.Bucket, Region: gateway.Region, Endpoint: gateway.STSEndpoint,
		Credentials: env.Credentials, HTTP: env.aws, Now: env.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("credentials-role: %w", err)
	}
	return source, nil
}
