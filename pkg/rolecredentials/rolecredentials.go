package rolecredentials

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/signgate/signgate/pkg/objectkey"
)

const (
	// MinLife is the shortest that STS makes (AWS STS API Reference,
	// "AssumeRole").
	MinLife = 15 * time.Minute
	// MaxLife is the longest where a role assumes another (IAM User Guide,
	// "Role chaining"), which is how the gateway should run.
	MaxLife = time.Hour
)

var (
	// ErrConfig is wrapped where a Source can't be made.
	ErrConfig = errors.New("can't make credentials")
	// ErrRole is returned for what isn't the ARN of a role.
	ErrRole = errors.New("is not the ARN of a role, such as arn:aws:iam::123456789012:role/uploads")
	// ErrLife says that no credentials live as long as asked for.
	ErrLife = errors.New("a life that credentials can't have")
	// ErrUnavailable is wrapped where STS doesn't give any, or some that can't
	// be used.
	ErrUnavailable = errors.New("STS doesn't answer as it should")
)

// Config says which role is assumed, for which bucket, and by whom.
type Config struct {
	Role        string                  // its ARN
	Bucket      string                  // its name
	Region      string                  // whose STS is asked
	Endpoint    string                  // empty for AWS itself, else another STS such as http://127.0.0.1:5000
	Credentials aws.CredentialsProvider // that may assume the role
	HTTP        aws.HTTPClient          // nil for the SDK's own
	Now         func() time.Time
}

// Source makes credentials. It is safe for concurrent use.
type Source struct {
	client    *sts.Client
	config    Config
	partition string
}

// Request says who gets credentials, for what and for how long.
type Request struct {
	Subject string // of the person; CloudTrail shows what can be shown of it
	Prefix  objectkey.Prefix
	Life    time.Duration // from MinLife to MaxLife
}

// Credentials upload below one prefix until they expire.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expires         time.Time // as STS says, UTC
}

// CheckRole returns ErrRole for what isn't the ARN of a role.
func CheckRole(role string) error {
	_, err := partitionOf(role)
	return err
}

func partitionOf(role string) (string, error) {
	const (
		accountDigits = 12
		longest       = 2048 // AWS STS API Reference, "AssumeRole"
	)
	parsed, err := arn.Parse(role)
	name, isRole := strings.CutPrefix(parsed.Resource, "role/")
	if err != nil || len(role) > longest || parsed.Service != "iam" || parsed.Region != "" || !isRole || name == "" ||
		!strings.HasPrefix(parsed.Partition, "aws") || !consistsOf(parsed.Partition, lower+"-") ||
		len(parsed.AccountID) != accountDigits || !consistsOf(parsed.AccountID, digits) || !consistsOf(name, nameChars+"/") {
		return "", ErrRole
	}
	return parsed.Partition, nil
}

const (
	lower     = "abcdefghijklmnopqrstuvwxyz"
	digits    = "0123456789"
	nameChars = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + digits + "_+=,.@-" // of roles and of their sessions
)

func consistsOf(text, chars string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(chars, r) })
}

// New makes a source. The error wraps ErrConfig. It asks nobody.
func New(config Config) (*Source, error) {
	partition, err := partitionOf(config.Role)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: the role %w", ErrConfig, err)
	case config.Credentials == nil || config.Now == nil || config.Region == "":
		return nil, fmt.Errorf("%w: a region, credentials and a clock are needed", ErrConfig)
	case config.Bucket == "" || !consistsOf(config.Bucket, nameChars): // what S3 ever allowed, and no wildcard
		return nil, fmt.Errorf("%w: %q is not the name of a bucket", ErrConfig, config.Bucket)
	}
	client := sts.New(sts.Options{Region: config.Region, Credentials: config.Credentials}, func(o *sts.Options) {
		if config.Endpoint != "" {
			o.BaseEndpoint = aws.String(config.Endpoint)
		}
		if config.HTTP != nil {
			o.HTTPClient = config.HTTP
		}
	})
	return &Source{client: client, config: config, partition: partition}, nil
}

// ForPrefix assumes the role, held to a prefix. Errors wrap ErrPrefix, ErrLife
// or ErrUnavailable.
func (s *Source) ForPrefix(ctx context.Context, request Request) (Credentials, error) {
	if request.Life < MinLife || request.Life > MaxLife {
		return Credentials{}, fmt.Errorf("%w: %s is not between %s and %s", ErrLife, request.Life, MinLife, MaxLife)
	}
	policy, err := sessionPolicy(s.partition, s.config.Bucket, request.Prefix)
	if err != nil {
		return Credentials{}, err
	}
	// No SourceIdentity: it takes a permission of its own and sticks to the
	// sessions that come after.
	answer, err := s.client.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn:         aws.String(s.config.Role),
		RoleSessionName: aws.String(sessionName(request.Subject)),
		Policy:          aws.String(policy),
		DurationSeconds: aws.Int32(int32(request.Life / time.Second)),
	})
	if _, tooLong := errors.AsType[*types.PackedPolicyTooLargeException](err); tooLong { // AWS counts a packed form that nobody else can know
		return Credentials{}, errTooLong()
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("%w: assume the role: %w", ErrUnavailable, err)
	}
	return s.usable(answer.Credentials)
}

// usable wants credentials that are whole and alive.
func (s *Source) usable(given *types.Credentials) (Credentials, error) {
	if given == nil {
		return Credentials{}, fmt.Errorf("%w: its answer has no credentials", ErrUnavailable)
	}
	made := Credentials{
		AccessKeyID: aws.ToString(given.AccessKeyId), SecretAccessKey: aws.ToString(given.SecretAccessKey),
		SessionToken: aws.ToString(given.SessionToken), Expires: aws.ToTime(given.Expiration).UTC(),
	}
	if made.AccessKeyID == "" || made.SecretAccessKey == "" || made.SessionToken == "" {
		return Credentials{}, fmt.Errorf("%w: its credentials are incomplete", ErrUnavailable)
	}
	if !made.Expires.After(s.config.Now()) {
		return Credentials{}, fmt.Errorf("%w: its credentials have expired", ErrUnavailable)
	}
	return made, nil
}

// sessionName is the subject as far as STS takes it. Where something is lost,
// a digest keeps two people apart.
func sessionName(subject string) string {
	const shortest, longest = 2, 64 // AWS STS API Reference, "AssumeRole"
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(nameChars, r) {
			return r
		}
		return '-'
	}, subject)
	if safe == subject && len(safe) >= shortest && len(safe) <= longest {
		return safe
	}
	const digestBytes = 8
	digest := sha256.Sum256([]byte(subject))
	mark := "-" + hex.EncodeToString(digest[:digestBytes])
	return safe[:min(len(safe), longest-len(mark))] + mark
}
