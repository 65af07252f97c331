package awskeys

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/signgate/signgate/pkg/keyring"
)

const (
	// current is Secrets Manager's own label for the version that counts.
	current = "AWSCURRENT"
	// next is the label of a version that may become so.
	next = "signgate-next"
	// firstVersion is the id of a secret's first version. A version's content
	// can't be changed, so of two who find a secret empty one is refused
	// (Secrets Manager API Reference, "PutSecretValue", ClientRequestToken).
	firstVersion = "00000000-0000-4000-8000-000000000001"

	secretTimeout = 5 * time.Second
)

// SecretConfig says where the secret is and who asks.
type SecretConfig struct {
	ID          string // its ARN, or its name in the region
	Region      string // where ID is a name; an ARN says it itself
	Endpoint    string // empty for AWS itself
	Credentials aws.CredentialsProvider
	HTTP        aws.HTTPClient // nil for the SDK's own
	Timeout     time.Duration  // of a call with all its retries; 0: five seconds
	Open        keyring.Opener // of slots whose keys are in KMS; nil: there are none
}

// Secret is a secret of Secrets Manager that holds a keyring.Document. It is
// safe for concurrent use.
type Secret struct {
	client  *secretsmanager.Client
	id      string
	timeout time.Duration
	open    keyring.Opener
}

var _ keyring.Source = (*Secret)(nil)

// NewSecret makes a source of keys. It asks nobody.
func NewSecret(config SecretConfig) *Secret {
	region := config.Region
	if parsed, err := arn.Parse(config.ID); err == nil {
		region = parsed.Region
	}
	s := &Secret{id: config.ID, timeout: orDefault(config.Timeout, secretTimeout), open: config.Open}
	s.client = secretsmanager.New(secretsmanager.Options{Region: region, Credentials: config.Credentials}, func(o *secretsmanager.Options) {
		o.Retryer = retryer()
		if config.Endpoint != "" {
			o.BaseEndpoint = aws.String(config.Endpoint)
		}
		if config.HTTP != nil {
			o.HTTPClient = config.HTTP
		}
	})
	return s
}

// Load is keyring.Source's. Errors wrap keyring.ErrUnavailable where AWS
// doesn't answer as it should, keyring.ErrNoDocument where the secret is empty,
// or are those of the document and its keys.
func (s *Secret) Load(ctx context.Context, before *keyring.Keys) (*keyring.Keys, error) {
	text, version, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	if before != nil && before.Revision == version {
		return before, nil
	}
	document, err := keyring.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	return document.Keys(ctx, version, s.opener)
}

// Read returns the document and its version, which Write wants to know. The
// version comes with an error too where the secret holds something else.
// Errors are Load's.
func (s *Secret) Read(ctx context.Context) (*keyring.Document, string, error) {
	text, version, err := s.get(ctx)
	if err != nil {
		return nil, version, err
	}
	document, err := keyring.ParseDocument(text)
	return document, version, err
}

func (s *Secret) get(ctx context.Context) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	answer, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.id), VersionStage: aws.String(current)})
	if missing, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return nil, "", fmt.Errorf("%w: Secrets Manager: %s", keyring.ErrNoDocument, missing.ErrorMessage())
	}
	if err != nil {
		return nil, "", failure("Secrets Manager", "GetSecretValue", err)
	}
	if answer.SecretString == nil {
		return nil, aws.ToString(answer.VersionId), fmt.Errorf("%w: the secret is binary and not text", keyring.ErrDocument)
	}
	return []byte(*answer.SecretString), aws.ToString(answer.VersionId), nil
}

// Write makes a document the current version of the secret, where the one
// that was read is that still. A version is put aside first and the label
// moved then: Secrets Manager moves it only from where it is (Secrets Manager
// API Reference, "UpdateSecretVersionStage"). The version before stays as
// AWSPREVIOUS until the next change. Errors wrap keyring.ErrConflict or
// keyring.ErrUnavailable.
func (s *Secret) Write(ctx context.Context, document *keyring.Document, version string) error {
	text, err := document.Marshal()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	input := &secretsmanager.PutSecretValueInput{SecretId: aws.String(s.id), SecretString: aws.String(string(text)), VersionStages: []string{next}}
	if version == "" { // nothing there yet: the first version is the current one
		input.VersionStages, input.ClientRequestToken = []string{current}, aws.String(firstVersion)
	}
	put, err := s.client.PutSecretValue(ctx, input)
	if _, taken := errors.AsType[*types.ResourceExistsException](err); taken {
		return fmt.Errorf("%w: the secret", keyring.ErrConflict)
	}
	if err != nil {
		return failure("Secrets Manager", "PutSecretValue", err)
	}
	if version == "" {
		return nil
	}
	_, err = s.client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: aws.String(s.id), VersionStage: aws.String(current), MoveToVersionId: put.VersionId, RemoveFromVersionId: aws.String(version),
	})
	if answer, ok := errors.AsType[smithy.APIError](err); ok && (answer.ErrorCode() == "InvalidParameterException" || answer.ErrorCode() == "InvalidRequestException") {
		return fmt.Errorf("%w: the secret", keyring.ErrConflict)
	}
	return failure("Secrets Manager", "UpdateSecretVersionStage", err)
}

// Signer returns the private half of a slot.
func (s *Secret) Signer(ctx context.Context, slot keyring.Slot) (crypto.Signer, error) {
	return slot.Open(ctx, s.opener)
}

func (s *Secret) opener(ctx context.Context, slot keyring.Slot) (crypto.Signer, error) {
	switch {
	case slot.KMSKey == "":
		return nil, fmt.Errorf("%w: it has neither a privateKey nor a kmsKey", keyring.ErrDocument)
	case s.open == nil:
		return nil, fmt.Errorf("%w: nothing here asks KMS", keyring.ErrUnavailable)
	}
	return s.open(ctx, slot)
}

// retryer tries as often as the SDK does by itself, and waits less between:
// what waits is a caller.
func retryer() aws.Retryer {
	const longest = 300 * time.Millisecond
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = longest })
}

// failure says what AWS said; a key isn't among it. nil stays nil.
func failure(what, call string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %s doesn't answer %s in time", keyring.ErrUnavailable, what, call)
	}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("%w: %s refuses %s: %s: %s", keyring.ErrUnavailable, what, call, answer.ErrorCode(), answer.ErrorMessage())
	}
	return fmt.Errorf("%w: %s: %w", keyring.ErrUnavailable, what, err)
}
