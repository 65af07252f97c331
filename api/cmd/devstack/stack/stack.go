package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
	"github.com/signgate/signgate/api/cmd/devstack/s3server"
	"github.com/signgate/signgate/api/server"
	"github.com/signgate/signgate/pkg/settings"
)

const (
	// Bucket is the private bucket's name.
	Bucket = "media"
	// Region is what the local S3 calls its region.
	Region = "us-east-1"
	// Audience is what demo tokens are for.
	Audience = "signgate"

	grace = 5 * time.Second
)

// People are those whom the demo issuer knows.
func People() []string { return []string{"alice", "bob", "carol"} }

// Config says where the stack lives.
type Config struct {
	Addresses
	Options
	Dir string       // keeps keys, policies, objects and the audit trail
	Log *slog.Logger // of the gateway and the edge
	Now func() time.Time
}

// Options are what may be otherwise than in the demo.
type Options struct {
	AllowedOrigin []string      `placeholder:"ORIGIN" help:"Origin of browser pages that may call the gateway, read at the edge with cookies and upload to S3, beside http://localhost:3000 and http://127.0.0.1:3000. May be given several times."`
	UploadRules   string        `placeholder:"FILE" help:"Rules for uploads by prefix, as the gateway's --upload-rules."`
	UploadLife    time.Duration `placeholder:"DURATION" help:"Life of upload requests, as the gateway's --upload-life."`
	Behaviors     string        `placeholder:"FILE" help:"What the edge runs in place of its own behaviour: the file that the CDK app writes of what it deploys. Its keys are taken for the local ones."`
}

// origins are those of the pages that may call. To a browser the edge, at
// 127.0.0.1, is another site than localhost: cookies with SameSite=Lax go there
// from pages of 127.0.0.1 only.
func (o Options) origins() []string {
	return append([]string{"http://localhost:3000", "http://127.0.0.1:3000"}, o.AllowedOrigin...)
}

// Stack is a running local stack.
type Stack struct {
	config  Config
	s3      *s3server.Server
	issuer  *demoissuer.Issuer
	ctx     context.Context //nolint:containedctx // lives as long as the stack
	cancel  context.CancelFunc
	serving sync.WaitGroup
	failed  chan error
	closers []func() error
	gateway s3server.Account
	edge    s3server.Account
	group   *groupFollower
}

// Start starts every part, S3 first. What was started is ended again if a
// later part fails.
func Start(ctx context.Context, config Config) (*Stack, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	serveCtx, cancel := context.WithCancel(ctx)
	s := &Stack{
		config: config, ctx: serveCtx, cancel: cancel, failed: make(chan error, 3),
		gateway: s3server.Account{Access: "gateway", Secret: rand.Text()},
		edge:    s3server.Account{Access: "edge", Secret: rand.Text()},
	}
	for _, step := range []func(context.Context) error{s.seedFiles, s.startS3, s.startIssuer, s.startEdge, s.startGateway, s.seedPictures} {
		if err := step(serveCtx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *Stack) startS3(ctx context.Context) error {
	// Opened first for the error that says which flag moves it.
	listener, err := listen(ctx, "s3", s.config.S3)
	if err != nil {
		return err
	}
	if err := listener.Close(); err != nil {
		return fmt.Errorf("s3: %w", err)
	}
	s.s3, err = s3server.Start(ctx, s3server.Config{
		Address: s.config.S3, Dir: filepath.Join(s.config.Dir, "s3"), Region: Region,
		Root:     s3server.Account{Access: "root", Secret: rand.Text()},
		Accounts: []s3server.Account{s.gateway, s.edge},
	})
	if err != nil {
		return err
	}
	defaults, err := settings.Defaults()
	if err != nil {
		return err
	}
	return s.s3.Prepare(ctx, s3server.Bucket{
		Name: Bucket, Writer: s.gateway.Access, Reader: s.edge.Access,
		Origins: append(s.config.origins(), s.GatewayURL()), Quarantine: defaults.QuarantinePrefix,
	})
}

func (s *Stack) startIssuer(ctx context.Context) error {
	listener, err := listen(ctx, "issuer", s.config.Issuer)
	if err != nil {
		return err
	}
	s.issuer, err = demoissuer.New(ctx, demoissuer.Config{
		URL: "http://" + s.config.Issuer, Audience: Audience, People: People(), Now: s.config.Now,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.serve(ctx, listener, s.issuer.Handler())
	return nil
}

func (s *Stack) startGateway(ctx context.Context) error {
	gateway, err := s.Settings()
	if err != nil {
		return err
	}
	listener, err := listen(ctx, "gateway", s.config.Gateway)
	if err != nil {
		return err
	}
	if err := s.serveGateway(ctx, listener, gateway); err != nil {
		return errors.Join(err, listener.Close())
	}
	return s.writeEnvironment(gateway)
}

// Beside starts another gateway with the same keys, policies and bucket, and
// returns its address. It ends with the stack. It has no shares, and nobody
// keeps its trail.
func (s *Stack) Beside(ctx context.Context, change func(*settings.Gateway)) (string, error) {
	gateway, err := s.Settings()
	if err != nil {
		return "", err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("a gateway beside: %w", err)
	}
	gateway.Listen = listener.Addr().String()
	gateway.PublicURL = "http://" + gateway.Listen
	gateway.AuditFile, gateway.GrantsFile = "-", ""
	change(&gateway)
	if err := s.serveGateway(s.ctx, listener, gateway); err != nil { //nolint:contextcheck // it ends with the stack
		return "", errors.Join(err, listener.Close())
	}
	return gateway.PublicURL, nil
}

func (s *Stack) serveGateway(ctx context.Context, listener net.Listener, gateway settings.Gateway) error {
	handler, closeParts, err := server.FromSettings(ctx, gateway, server.Environment{
		Credentials: credentials.NewStaticCredentialsProvider(s.gateway.Access, s.gateway.Secret, ""),
		Stdout:      io.Discard, Log: s.config.Log.With("part", "gateway"), Now: s.config.Now, Build: server.CurrentBuild(),
	})
	if err != nil {
		return err
	}
	s.closers = append(s.closers, closeParts)
	s.serve(ctx, listener, handler)
	return nil
}

// Settings are those of the gateway, as a gateway of one's own beside this
// one would need them too.
func (s *Stack) Settings() (settings.Gateway, error) {
	gateway, err := settings.Defaults()
	if err != nil {
		return settings.Gateway{}, err
	}
	gateway.Listen = s.config.Gateway
	gateway.CDNURL = s.EdgeURL()
	gateway.SigningKeys, gateway.SigningRefresh = s.path("keys"), time.Second
	gateway.Bucket, gateway.Region, gateway.S3Endpoint, gateway.S3PathStyle = Bucket, Region, s.S3URL(), true
	gateway.Policies = s.path("policies")
	gateway.Issuer, gateway.Audience = s.IssuerURL(), Audience
	gateway.AuditFile, gateway.GrantsFile, gateway.Anonymous = s.AuditFile(), s.path("grants.db"), true
	gateway.PublicURL, gateway.AllowedOrigins, gateway.UploadRules = s.GatewayURL(), s.config.origins(), s.config.UploadRules
	if s.config.UploadLife > 0 {
		gateway.UploadLife = s.config.UploadLife
	}
	return gateway, nil
}

// serve answers on the listener until the stack ends.
func (s *Stack) serve(ctx context.Context, listener net.Listener, handler http.Handler) {
	s.serving.Go(func() { s.ended(ctx, server.Serve(ctx, listener, handler, grace)) })
}

// ended tells Wait of a part that failed.
func (s *Stack) ended(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		s.failed <- err
	}
}

// Wait returns when ctx ends, or earlier with an error when a part fails.
func (s *Stack) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	case <-s.s3.Ended():
		return errors.New("the local S3 ended by itself")
	}
}

// Close ends every part and waits for it.
func (s *Stack) Close() error {
	s.cancel()
	s.serving.Wait()
	var failures []error
	for _, closer := range s.closers {
		failures = append(failures, closer())
	}
	if s.s3 != nil {
		failures = append(failures, s.s3.Close())
	}
	return errors.Join(failures...)
}

// GatewayURL returns the gateway's address.
func (s *Stack) GatewayURL() string { return "http://" + s.config.Gateway }

// EdgeURL returns the edge's address, where signed URLs lead.
func (s *Stack) EdgeURL() string { return "http://" + s.config.Edge }

// S3URL returns the address of the S3 server.
func (s *Stack) S3URL() string { return "http://" + s.config.S3 }

// IssuerURL returns the address of the demo issuer.
func (s *Stack) IssuerURL() string { return "http://" + s.config.Issuer }

// AuditFile returns where the gateway's audit trail is.
func (s *Stack) AuditFile() string { return s.path("audit.jsonl") }

func (s *Stack) path(name string) string { return filepath.Join(s.config.Dir, name) }

// writeEnvironment leaves what a gateway started by hand beside this one
// needs, readable by this user only: it holds the gateway's S3 credentials.
func (s *Stack) writeEnvironment(gateway settings.Gateway) error {
	text := fmt.Sprintf(`SIGNGATE_PUBLIC_URL=%s
SIGNGATE_CDN_URL=%s
SIGNGATE_SIGNING_KEYS=%s
SIGNGATE_BUCKET=%s
SIGNGATE_REGION=%s
SIGNGATE_S3_ENDPOINT=%s
SIGNGATE_S3_PATH_STYLE=true
SIGNGATE_POLICIES=%s
SIGNGATE_ISSUER=%s
SIGNGATE_AUDIENCE=%s
AWS_ACCESS_KEY_ID=%s
AWS_SECRET_ACCESS_KEY=%s
`, gateway.PublicURL, gateway.CDNURL, gateway.SigningKeys, gateway.Bucket, gateway.Region, gateway.S3Endpoint,
		gateway.Policies, gateway.Issuer, gateway.Audience, s.gateway.Access, s.gateway.Secret)
	if err := os.WriteFile(s.path("gateway.env"), []byte(text), secretMode); err != nil {
		return fmt.Errorf("write the gateway's environment: %w", err)
	}
	return nil
}

// Versions counts the versions of an object that S3 keeps, and the delete
// markers that hide them. It asks as the administrator.
func (s *Stack) Versions(ctx context.Context, key string) (versions, markers int, err error) {
	return s.s3.Versions(ctx, Bucket, key)
}
