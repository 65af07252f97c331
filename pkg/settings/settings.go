package settings

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/presign"
	"github.com/signgate/signgate/pkg/rolecredentials"
	"github.com/signgate/signgate/pkg/signedurl"
)

// EnvPrefix begins the name of every environment variable of the gateway.
const EnvPrefix = "SIGNGATE"

// HookInstead is the DecisionHookMode in which the application decides alone
// what policies don't forbid.
const HookInstead = "instead"

// mostQuestions bounds the connections to an application.
const mostQuestions = 1000

// ErrInvalid is wrapped by the error of Validate.
var ErrInvalid = errors.New("invalid settings")

// Gateway is every setting of the gateway.
type Gateway struct {
	Listen         string        `default:"127.0.0.1:8080" help:"Address to listen on, host:port."`
	MaxBodyBytes   int64         `default:"1048576" help:"Largest request body in bytes."`
	AllowedOrigins []string      `help:"Origins of browser pages that may call the gateway, such as https://app.example.com. None by default; * is refused."`
	TrustedProxies []string      `help:"Address ranges of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8. None by default."`
	KeepAlive      time.Duration `default:"2m" help:"How long a connection stays open on which nothing is asked. Behind a load balancer it is to be longer than the load balancer waits, which else asks on connections that are just being closed."`
	ShutdownGrace  time.Duration `default:"10s" help:"How long running requests may take to end on shutdown."`
	LogLevel       string        `default:"info" enum:"debug,info,warn,error" help:"Least level that is logged."`

	MetricsListen    string `help:"Address of a page of metrics for Prometheus, host:port; not one that callers reach. None by default."`
	MetricsNamespace string `help:"CloudWatch namespace of metrics that are written to the log in embedded metric format, such as signgate/prod. None by default."`

	PublicURL string `name:"public-url" required:"" env:"SIGNGATE_PUBLIC_URL" help:"Where callers reach the gateway, such as https://api.example.com; upload addresses begin with it."`

	Signing

	Bucket         string `required:"" help:"The private bucket."`
	S3Endpoint     string `name:"s3-endpoint" env:"SIGNGATE_S3_ENDPOINT" help:"Another S3 server than AWS's, such as http://127.0.0.1:8602."`
	CookieSameSite string `default:"lax" enum:"lax,strict,none" help:"SameSite of signed cookies; none where pages of other sites embed the objects."`
	S3PathStyle    bool   `name:"s3-path-style" env:"SIGNGATE_S3_PATH_STYLE" help:"Put the bucket into the path, for S3 servers without virtual hosts."`

	S3Accelerate bool   `name:"s3-accelerate" env:"SIGNGATE_S3_ACCELERATE" help:"Send uploads by S3 Transfer Acceleration; the bucket must have it turned on."`
	S3DualStack  bool   `name:"s3-dual-stack" env:"SIGNGATE_S3_DUAL_STACK" help:"Use S3's addresses that answer IPv6 too."`
	KMSKeyID     string `name:"kms-key-id" env:"SIGNGATE_KMS_KEY_ID" help:"Key of KMS that uploads must be encrypted with. None: as the bucket does by default, which is best."`

	CredentialsRole string `help:"ARN of the role whose credentials callers may get to upload below a prefix with an AWS SDK. None by default: nobody gets any."`
	STSEndpoint     string `name:"sts-endpoint" env:"SIGNGATE_STS_ENDPOINT" help:"Another STS than AWS's, such as http://127.0.0.1:5000."`

	Policies      string        `required:"" help:"Folder of Cedar policies (*.cedar)."`
	KeyLayout     []string      `default:"users/{owner}/,tenants/{tenant}/" help:"Beginnings of keys whose segments {owner} and {tenant} name an object's owner and tenant, for policies to look at."`
	PolicyRefresh time.Duration `default:"5s" help:"How often the folder of policies is looked at. A change is taken when the folder has stood still that long, whole or not at all."`

	DecisionHook         string        `help:"Address of an application that is asked about every decision, such as https://app.example.com/decisions. None by default."`
	DecisionHookMode     string        `default:"also" enum:"also,instead" help:"also: what policies and shares allow, the application has to allow too. instead: it decides alone where policies don't forbid; then nothing can be shared."`
	DecisionHookSecret   string        `help:"File of the secret that signs the questions, or the ARN of one in Secrets Manager: whsec_ and 24 to 64 bytes in Base64; two lines while it is being changed."`
	DecisionHookTimeout  time.Duration `default:"2s" help:"How long a question may take."`
	DecisionHookCache    time.Duration `default:"1m" help:"Longest that an answer stands, where it says that it may. 0: every question is asked."`
	DecisionHookParallel int           `default:"32" help:"Most questions that are asked at a time. One request asks a fourth of them at once at most."`

	Issuer          string   `help:"Address of the OIDC issuer whose access tokens are accepted, exactly as in their iss claim."`
	Audience        string   `help:"Audience that access tokens of this issuer must name."`
	TokenAlgorithms []string `default:"RS256,PS256,ES256" help:"Signature algorithms that access tokens may use: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA."`

	SubjectClaim string `default:"sub" help:"Claim of access tokens that holds who the caller is, a text."`
	GroupsClaim  string `default:"groups" help:"Claim of access tokens that holds the caller's groups, a list of texts."`
	TenantClaim  string `help:"Claim of access tokens that holds the caller's tenant, a text. None by default."`
	Issuers      string `help:"JSON file of further OIDC issuers, each with its audience, algorithms, claims, the kind of its subjects and a prefix of its own."`

	APIKeysFile  string `name:"api-keys-file" env:"SIGNGATE_API_KEYS_FILE" help:"File that keeps the API keys of machines, for one machine; signgate apikey makes them. Without this and api-keys-table there are none."`
	APIKeysTable string `name:"api-keys-table" env:"SIGNGATE_API_KEYS_TABLE" help:"DynamoDB table that keeps the API keys of machines."`
	AWSCallers   string `name:"aws-callers" env:"SIGNGATE_AWS_CALLERS" help:"JSON file of the AWS IAM roles and accounts whose callers are machines, where the front door authenticates them. None by default."`
	Anonymous    bool   `help:"Let callers without a token ask to read, as anybody; policies and shares decide."`

	GrantsFile  string `help:"File that keeps what is shared, for one gateway on one machine. Without this and grants-table nothing can be shared."`
	GrantsTable string `help:"DynamoDB table that keeps what is shared."`

	AuditFile               string        `default:"-" help:"File that audit records are appended to; - is standard output. One for each process."`
	AuditStream             string        `help:"Amazon Data Firehose stream that keeps audit records, in place of audit-file."`
	AuditTable              string        `help:"DynamoDB table that keeps audit records, in place of audit-file."`
	AuditEndpoint           string        `help:"Another server than AWS's for audit-stream or audit-table, such as http://127.0.0.1:5000."`
	AuditCheckpointInterval time.Duration `default:"1m" help:"How often what was written to the audit trail is signed; nothing is where nothing was written."`

	ReadLife       time.Duration `default:"5m" help:"Life of a read URL where the caller asks for none."`
	StableWindow   time.Duration `default:"1h" help:"Window that the expiry of stable URLs is rounded up to."`
	S3Reads        bool          `name:"s3-reads" env:"SIGNGATE_S3_READS" help:"Let callers ask for reads from S3 itself, past the CDN. The gateway's role then needs s3:GetObject."`
	UploadLife     time.Duration `default:"15m" help:"Life of an upload request where the caller asks for none."`
	MaxUploadLife  time.Duration `default:"1h" help:"Longest life of an upload request."`
	DeleteLife     time.Duration `default:"1m" help:"Life of a delete request where the caller asks for none."`
	MaxDeleteLife  time.Duration `default:"5m" help:"Longest life of a delete request."`
	CredentialRest time.Duration `default:"1h" help:"How long the role's credentials are taken to live on at least where they don't say it, as on Lambda. Nothing that is presigned lives longer then."`
	MaxUploadBytes int64         `default:"5368709120" help:"Largest object that may be uploaded, in bytes. More than 5 GiB takes parts."`

	OpenUploadLife   time.Duration `default:"24h" help:"How long an upload in parts, or one to be verified, may take where the caller asks for nothing else."`
	SessionLife      time.Duration `default:"1h" help:"Life of the address of an upload session where the caller asks for none."`
	UploadRules      string        `help:"JSON file of rules for uploads by prefix: sizes, content types, overwriting, verification."`
	QuarantinePrefix string        `default:"quarantine/" help:"Prefix where uploads land that are to be verified. Nobody reads or writes there by a decision."`
}

// Defaults returns the settings that have defaults, filled in.
func Defaults() (Gateway, error) {
	var gateway Gateway
	parser, err := newParser(&gateway)
	if err != nil {
		return Gateway{}, err
	}
	parsing, err := kong.Trace(parser, nil) // Parse would ask for the required ones
	if err != nil {
		return Gateway{}, fmt.Errorf("settings: %w", err)
	}
	if err := parsing.Reset(); err != nil {
		return Gateway{}, fmt.Errorf("settings: %w", err)
	}
	if _, err := parsing.Apply(); err != nil {
		return Gateway{}, fmt.Errorf("settings: %w", err)
	}
	return gateway, nil
}

// Validate checks every setting and returns all complaints in one line. The
// error wraps ErrInvalid.
func (g *Gateway) Validate() error {
	var complaints []string
	check := func(setting string, err error) {
		if err != nil {
			complaints = append(complaints, setting+" "+err.Error())
		}
	}
	check("listen", checkListen(g.Listen))
	if g.MetricsListen != "" {
		check("metrics-listen", checkListen(g.MetricsListen))
	}
	if !namespaces().MatchString(g.MetricsNamespace) || strings.HasPrefix(g.MetricsNamespace, "AWS/") {
		check("metrics-namespace", errors.New("may hold letters, digits and .-_/#: , at most 255, and not begin with AWS/"))
	}
	check("max-body-bytes", atLeast(g.MaxBodyBytes, 1))
	check("keep-alive", atLeast(g.KeepAlive, time.Second))
	check("shutdown-grace", atLeast(g.ShutdownGrace, 0))
	for _, origin := range g.AllowedOrigins {
		check("allowed-origins", checkOrigin(origin))
	}
	g.check(check)
	check("s3-endpoint", checkServer(g.S3Endpoint, true))
	g.checkDecisionHook(check)
	g.checkCallers(check)
	check("credentials-role", g.checkCredentials())
	check("sts-endpoint", checkServer(g.STSEndpoint, true))
	g.checkAudit(check)
	if g.GrantsFile != "" && g.GrantsTable != "" {
		check("grants-file", errors.New("and grants-table can't both be given"))
	}
	check("read-life", checkLife(g.ReadLife, g.MaxReadLife))
	check("audit-checkpoint-interval", atLeast(g.AuditCheckpointInterval, time.Second))
	check("policy-refresh", atLeast(g.PolicyRefresh, 100*time.Millisecond))
	check("stable-window", atLeast(g.StableWindow, time.Second))
	for _, proxy := range g.TrustedProxies {
		if _, err := netip.ParsePrefix(proxy); err != nil {
			check("trusted-proxies", fmt.Errorf("holds %q; a range is such as 10.0.0.0/8", proxy))
		}
	}
	check("upload-life", checkLife(g.UploadLife, min(g.MaxUploadLife, presign.MaxLife)))
	check("delete-life", checkLife(g.DeleteLife, min(g.MaxDeleteLife, presign.MaxLife)))
	if g.CredentialRest < time.Minute || g.CredentialRest > longestSession {
		check("credential-rest", fmt.Errorf("must lie between a minute and %s, the longest session of a role", longestSession))
	}
	check("max-upload-bytes", between(g.MaxUploadBytes, 1, presign.MaxParts*presign.MaxPutBytes))
	check("open-upload-life", checkLife(g.OpenUploadLife, g.MaxOpenUploadLife))
	check("session-life", checkLife(g.SessionLife, g.MaxSessionLife))
	check("public-url", checkServer(g.PublicURL, false))
	if _, err := objectkey.ParsePrefix(g.QuarantinePrefix); err != nil {
		check("quarantine-prefix", err)
	}
	for setting, value := range map[string]string{
		"bucket":   g.Bucket,
		"policies": g.Policies, "audit-file": g.AuditFile,
	} {
		if value == "" {
			check(setting, errors.New("is empty"))
		}
	}
	return invalid(complaints)
}

// invalid puts all complaints into one line.
func invalid(complaints []string) error {
	if len(complaints) == 0 {
		return nil
	}
	slices.Sort(complaints)
	return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(complaints, "; "))
}

// checkDecisionHook holds the application that is asked to be reached in time
// and by nobody else.
func (g *Gateway) checkDecisionHook(check func(string, error)) {
	if g.DecisionHook == "" {
		if g.DecisionHookSecret != "" {
			check("decision-hook", errors.New("is empty, and decision-hook-secret isn't"))
		}
		return
	}
	const longest = 10 * time.Second // which leaves the answer its time
	check("decision-hook", checkServer(g.DecisionHook, false))
	if g.DecisionHookSecret == "" {
		check("decision-hook-secret", errors.New("is empty: the application couldn't tell the gateway from others"))
	}
	if strings.HasPrefix(g.DecisionHookSecret, "whsec_") { // pasted; it isn't repeated
		check("decision-hook-secret", errors.New("must be a file or an ARN, not the secret itself"))
	}
	check("decision-hook-timeout", between(int64(g.DecisionHookTimeout), int64(time.Millisecond), int64(longest)))
	check("decision-hook-cache", atLeast(g.DecisionHookCache, 0))
	check("decision-hook-parallel", between(int64(g.DecisionHookParallel), 1, mostQuestions))
	if g.DecisionHookMode == HookInstead && g.GrantsFile+g.GrantsTable != "" {
		check("decision-hook-mode", errors.New("instead can't go with grants-file or grants-table: shares would say nothing"))
	}
}

// checkAudit wants one place for the trail: half of it in each would be none.
func (g *Gateway) checkAudit(check func(string, error)) {
	check("audit-endpoint", checkServer(g.AuditEndpoint, true))
	places := 0
	for _, place := range []string{g.AuditStream, g.AuditTable, strings.TrimPrefix(g.AuditFile, "-")} {
		if place != "" {
			places++
		}
	}
	if places > 1 {
		check("audit-file", errors.New("and audit-stream and audit-table can't be given together"))
	}
}

// checkCredentials refuses what credentials couldn't be held to.
func (g *Gateway) checkCredentials() error {
	switch {
	case g.CredentialsRole == "":
		return nil
	case g.KMSKeyID != "":
		return errors.New("can't go with kms-key-id: such credentials may use no key")
	}
	return rolecredentials.CheckRole(g.CredentialsRole)
}

// namespaces are those that CloudWatch takes for custom metrics
// (PutMetricData, "Namespace"); none is one.
func namespaces() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z0-9._\-/#:]{1,255})?$`) }

func checkListen(address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return errors.New("must be host:port, such as 127.0.0.1:8080 or :8080")
	}
	return nil
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host || strings.Contains(origin, "*") {
		return fmt.Errorf("holds %q; an origin is scheme and host, such as https://app.example.com", origin)
	}
	return nil
}

// checkServer wants https, except towards this machine itself.
func checkServer(address string, mayBeEmpty bool) error {
	if address == "" && mayBeEmpty {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("must be the address of a server, such as https://issuer.example.com")
	}
	if u.Scheme == "http" && signedurl.CheckBaseURL("http://"+u.Host) == nil {
		return nil
	}
	if u.Scheme != "https" {
		return errors.New("must begin with https:// unless it is this machine")
	}
	return nil
}

func checkLife(life, longest time.Duration) error {
	if life < time.Second || life > longest {
		return fmt.Errorf("is %s and must lie between a second and the longest life, %s", life, longest)
	}
	return nil
}

// longestSession is how long a session of a role lives at most (IAM User Guide,
// "Methods to assume a role").
const longestSession = 12 * time.Hour

func atLeast[T int64 | time.Duration](value, least T) error {
	if value < least {
		return fmt.Errorf("must be at least %v", least)
	}
	return nil
}

func between(value, least, most int64) error {
	if value < least || value > most {
		return fmt.Errorf("must lie between %d and %d", least, most)
	}
	return nil
}
