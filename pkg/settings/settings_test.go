package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/signgate/signgate/pkg/settings"
)

// good returns settings that are valid.
func good(t testing.TB) settings.Gateway {
	t.Helper()
	gateway, err := settings.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	gateway.PublicURL, gateway.CDNURL = "https://api.example.com", "https://cdn.example.com"
	gateway.SigningKeys, gateway.ActiveKeyID = "keys", "K2JCJMDEHXQW5F"
	gateway.Bucket, gateway.Region = "media", "eu-central-1"
	gateway.Policies = "policies"
	gateway.Issuer, gateway.Audience = "https://issuer.example.com", "signgate"
	return gateway
}

func TestDefaultsWithTheRequiredSettingsAreValid(t *testing.T) {
	gateway := good(t)
	if err := gateway.Validate(); err != nil {
		t.Error(err)
	}
}

// Whoever has no issuer of tokens may have another way to know callers.
func TestOneWayToKnowCallersIsEnough(t *testing.T) {
	for name, change := range map[string]func(*settings.Gateway){
		"issuers": func(g *settings.Gateway) { g.Issuers = "issuers.json" }, "aws-callers": func(g *settings.Gateway) { g.AWSCallers = "aws.json" },
		"api-keys-file": func(g *settings.Gateway) { g.APIKeysFile = "keys.db" }, "api-keys-table": func(g *settings.Gateway) { g.APIKeysTable = "keys" },
	} {
		gateway := good(t)
		gateway.Issuer, gateway.Audience, gateway.TokenAlgorithms = "", "", nil
		if err := gateway.Validate(); !errors.Is(err, settings.ErrInvalid) {
			t.Fatalf("no way at all: %v", err)
		}
		change(&gateway)
		if err := gateway.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEverySettingIsValidated(t *testing.T) {
	for setting, changes := range map[string][]func(*settings.Gateway){
		"listen":         {func(g *settings.Gateway) { g.Listen = "8080" }, func(g *settings.Gateway) { g.Listen = "" }},
		"metrics-listen": {func(g *settings.Gateway) { g.MetricsListen = "9090" }},
		"metrics-namespace": {
			func(g *settings.Gateway) { g.MetricsNamespace = "AWS/Lambda" }, func(g *settings.Gateway) { g.MetricsNamespace = "sign gate" },
		},
		"max-body-bytes": {func(g *settings.Gateway) { g.MaxBodyBytes = 0 }},
		"keep-alive":     {func(g *settings.Gateway) { g.KeepAlive = 0 }},
		"shutdown-grace": {func(g *settings.Gateway) { g.ShutdownGrace = -1 }},
		"allowed-origins": {
			func(g *settings.Gateway) { g.AllowedOrigins = []string{"*"} },
			func(g *settings.Gateway) { g.AllowedOrigins = []string{"https://*.example.com"} },
			func(g *settings.Gateway) { g.AllowedOrigins = []string{"https://app.example.com/"} },
			func(g *settings.Gateway) { g.AllowedOrigins = []string{"null"} },
		},
		"cdn-url":       {func(g *settings.Gateway) { g.CDNURL = "http://cdn.example.com" }, func(g *settings.Gateway) { g.CDNURL = "" }},
		"stable-window": {func(g *settings.Gateway) { g.StableWindow = 0 }, func(g *settings.Gateway) { g.StableWindow = time.Second - 1 }},
		"trusted-proxies": {
			func(g *settings.Gateway) { g.TrustedProxies = []string{"10.0.0.1"} }, func(g *settings.Gateway) { g.TrustedProxies = []string{"10.0.0.0/8", "everybody"} },
		},
		"active-key-id": {
			func(g *settings.Gateway) { g.ActiveKeyID = "undefined" },
			func(g *settings.Gateway) { g.SigningKeys, g.SigningSecret = "", "signgate/signing" },
		},
		"signing-secret": {
			func(g *settings.Gateway) {
				g.SigningKeys, g.ActiveKeyID, g.SigningSecret = "", "", "-----BEGIN PRIVATE KEY-----"
			},
			func(g *settings.Gateway) { g.SigningKeys, g.ActiveKeyID, g.SigningSecret = "", "", `{"version":1}` },
		},
		"signing-refresh":  {func(g *settings.Gateway) { g.SigningRefresh = 0 }},
		"signing-grace":    {func(g *settings.Gateway) { g.SigningGrace = 0 }, func(g *settings.Gateway) { g.SigningGrace = time.Second }},
		"secrets-endpoint": {func(g *settings.Gateway) { g.SecretsEndpoint = "http://secrets.example.com" }},
		"kms-endpoint":     {func(g *settings.Gateway) { g.KMSEndpoint = "kms" }},
		"s3-endpoint":      {func(g *settings.Gateway) { g.S3Endpoint = "http://s3.example.com" }, func(g *settings.Gateway) { g.S3Endpoint = "s3" }},
		"issuer": {
			func(g *settings.Gateway) { g.Issuer = "" }, func(g *settings.Gateway) { g.Issuer = "http://issuer.example.com" },
			func(g *settings.Gateway) { g.Issuer = "https://u:p@issuer.example.com" },
		},
		"subject-claim": {func(g *settings.Gateway) { g.SubjectClaim = "" }},
		"api-keys-file": {func(g *settings.Gateway) { g.APIKeysFile, g.APIKeysTable = "keys.db", "keys" }},
		"credentials-role": {
			func(g *settings.Gateway) { g.CredentialsRole = "uploads" },
			func(g *settings.Gateway) { g.CredentialsRole = "arn:aws:iam::123456789012:user/alice" },
			func(g *settings.Gateway) {
				g.CredentialsRole, g.KMSKeyID = "arn:aws:iam::123456789012:role/uploads", "alias/media"
			},
		},
		"sts-endpoint": {func(g *settings.Gateway) { g.STSEndpoint = "http://sts.example.com" }, func(g *settings.Gateway) { g.STSEndpoint = "sts" }},
		"token-algorithms": {
			func(g *settings.Gateway) { g.TokenAlgorithms = nil }, func(g *settings.Gateway) { g.TokenAlgorithms = []string{"none"} },
			func(g *settings.Gateway) { g.TokenAlgorithms = []string{"RS256", "HS256"} },
		},
		"read-life":        {func(g *settings.Gateway) { g.ReadLife = 0 }, func(g *settings.Gateway) { g.MaxReadLife = time.Minute }},
		"max-read-life":    {func(g *settings.Gateway) { g.MaxReadLife = 366 * 24 * time.Hour }},
		"upload-life":      {func(g *settings.Gateway) { g.UploadLife, g.MaxUploadLife = 200*time.Hour, 200*time.Hour }},
		"credential-rest":  {func(g *settings.Gateway) { g.CredentialRest = 13 * time.Hour }},
		"delete-life":      {func(g *settings.Gateway) { g.DeleteLife = time.Hour }},
		"max-upload-bytes": {func(g *settings.Gateway) { g.MaxUploadBytes = 50 << 40 }, func(g *settings.Gateway) { g.MaxUploadBytes = 0 }},
		"open-upload-life": {func(g *settings.Gateway) { g.OpenUploadLife = 0 }, func(g *settings.Gateway) { g.MaxOpenUploadLife = time.Hour }},
		"policy-refresh":   {func(g *settings.Gateway) { g.PolicyRefresh = 0 }},
		"session-life":     {func(g *settings.Gateway) { g.SessionLife = 48 * time.Hour }},
		"public-url":       {func(g *settings.Gateway) { g.PublicURL = "" }, func(g *settings.Gateway) { g.PublicURL = "http://api.example.com" }},
		"quarantine-prefix": {
			func(g *settings.Gateway) { g.QuarantinePrefix = "" }, func(g *settings.Gateway) { g.QuarantinePrefix = "quarantine" },
		},
		"decision-hook": {
			func(g *settings.Gateway) { g.DecisionHook, g.DecisionHookSecret = "http://app.example.com", "secret" },
			func(g *settings.Gateway) {
				g.DecisionHook, g.DecisionHookSecret = "https://u:p@app.example.com", "secret"
			},
			func(g *settings.Gateway) { g.DecisionHookSecret = "secret" },
		},
		"decision-hook-secret":   {func(g *settings.Gateway) { g.DecisionHook = "https://app.example.com" }},
		"decision-hook-timeout":  {hooked(func(g *settings.Gateway) { g.DecisionHookTimeout = 0 }), hooked(func(g *settings.Gateway) { g.DecisionHookTimeout = time.Minute })},
		"decision-hook-cache":    {hooked(func(g *settings.Gateway) { g.DecisionHookCache = -1 })},
		"decision-hook-parallel": {hooked(func(g *settings.Gateway) { g.DecisionHookParallel = 0 }), hooked(func(g *settings.Gateway) { g.DecisionHookParallel = 1001 })},
		"decision-hook-mode": {
			hooked(func(g *settings.Gateway) { g.DecisionHookMode, g.GrantsFile = "instead", "grants.db" }),
			hooked(func(g *settings.Gateway) { g.DecisionHookMode, g.GrantsTable = "instead", "grants" }),
		},
		"signing-keys": {
			func(g *settings.Gateway) { g.SigningKeys = "" }, func(g *settings.Gateway) { g.SigningSecret = "signgate/signing" },
		},
		"bucket":                    {func(g *settings.Gateway) { g.Bucket = "" }},
		"region":                    {func(g *settings.Gateway) { g.Region = "" }},
		"policies":                  {func(g *settings.Gateway) { g.Policies = "" }},
		"audience":                  {func(g *settings.Gateway) { g.Audience = "" }},
		"audit-checkpoint-interval": {func(g *settings.Gateway) { g.AuditCheckpointInterval = 0 }},
		"audit-file": {
			func(g *settings.Gateway) { g.AuditFile = "" },
			func(g *settings.Gateway) { g.AuditFile, g.AuditStream = "trail", "trail" },
			func(g *settings.Gateway) { g.AuditFile, g.AuditTable = "trail", "trail" },
			func(g *settings.Gateway) { g.AuditStream, g.AuditTable = "trail", "trail" },
		},
		"audit-endpoint": {func(g *settings.Gateway) { g.AuditEndpoint = "http://firehose.example.com" }},
	} {
		for i, change := range changes {
			gateway := good(t)
			change(&gateway)
			err := gateway.Validate()
			if !errors.Is(err, settings.ErrInvalid) || !strings.Contains(err.Error(), setting+" ") {
				t.Errorf("%s, change %d: Validate = %v", setting, i, err)
			}
		}
	}
}

// hooked is a change of settings with a decision hook.
func hooked(change func(*settings.Gateway)) func(*settings.Gateway) {
	return func(g *settings.Gateway) {
		g.DecisionHook, g.DecisionHookSecret = "https://app.example.com/decisions", "secret"
		change(g)
	}
}

func TestADecisionHookWithItsSecretIsValid(t *testing.T) {
	for _, mode := range []string{"also", "instead"} {
		gateway := good(t)
		hooked(func(g *settings.Gateway) { g.DecisionHookMode = mode })(&gateway)
		if err := gateway.Validate(); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestAllComplaintsComeAtOnceInOneLine(t *testing.T) {
	gateway := good(t)
	gateway.Bucket, gateway.Listen = "", "nowhere"
	err := gateway.Validate()
	if err == nil || !strings.Contains(err.Error(), "bucket") || !strings.Contains(err.Error(), "listen") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Validate = %v", err)
	}
}

// parse reads settings as the binary does, with nothing in Parameter Store.
func parse(t *testing.T, file string, args ...string) (settings.Gateway, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.json")
	writeFile(t, path, file)
	return parseWith(t, store{}, append(args, "--config", path)...)
}

const whole = `{
	"publicUrl": "https://api.example.com", "cdnUrl": "https://cdn.example.com", "signingKeys": "keys", "activeKeyId": "K2JCJMDEHXQW5F", "bucket": "from-file",
	"region": "eu-central-1", "policies": "policies", "issuer": "https://issuer.example.com", "audience": "signgate",
	"readLife": "7m", "tokenAlgorithms": ["ES256", "EdDSA"], "maxBodyBytes": 65536, "s3PathStyle": true}`

func TestAFlagBeatsTheEnvironmentAndTheEnvironmentTheFile(t *testing.T) {
	t.Setenv("SIGNGATE_AUDIENCE", "from-environment")
	t.Setenv("SIGNGATE_BUCKET", "from-environment")
	gateway, err := parse(t, whole, "--bucket", "from-flag")
	if err != nil {
		t.Fatal(err)
	}
	if gateway.Bucket != "from-flag" || gateway.Audience != "from-environment" || gateway.CDNURL != "https://cdn.example.com" {
		t.Errorf("bucket %s, audience %s, CDN %s", gateway.Bucket, gateway.Audience, gateway.CDNURL)
	}
	if gateway.ReadLife != 7*time.Minute || strings.Join(gateway.TokenAlgorithms, " ") != "ES256 EdDSA" || gateway.MaxBodyBytes != 65536 || !gateway.S3PathStyle {
		t.Errorf("%+v", gateway)
	}
	if gateway.UploadLife != 15*time.Minute {
		t.Errorf("a setting that nobody gave: %s", gateway.UploadLife)
	}
}

func TestAFileThatCannotBeTrustedIsRefused(t *testing.T) {
	for name, file := range map[string]string{
		"not JSON":       `cdnUrl: x`,
		"an array":       `[]`,
		"two documents":  whole + `{}`,
		"unknown member": strings.Replace(whole, `"readLife"`, `"readlife"`, 1),
		"bad duration":   strings.Replace(whole, `"7m"`, `"seven minutes"`, 1),
		"bad number":     strings.Replace(whole, `65536`, `"many"`, 1),
		"missing":        `{"bucket": "media"}`,
	} {
		if _, err := parse(t, file); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// null in a file is no value: as a text it would name an issuer's claim, a key
// or a file that nobody meant.
func TestAMemberOfTheFileThatIsNoValueIsRefused(t *testing.T) {
	for name, member := range map[string]string{
		"null": `null`, "an object": `{"from": "file"}`,
		"null in a list": `["ES256", null]`, "a list in a list": `["ES256", ["EdDSA"]]`, "an object in a list": `[{}]`,
	} {
		_, err := parse(t, strings.Replace(whole, `["ES256", "EdDSA"]`, member, 1))
		if err == nil || !strings.Contains(err.Error(), "tokenAlgorithms") || !strings.Contains(err.Error(), "leave it out") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parse(t, strings.Replace(whole, `"audience": "signgate"`, `"audience": "signgate", "kmsKeyId": null`, 1)); err == nil {
		t.Error("null for a text: accepted")
	}
	if _, err := settings.File(strings.NewReader(`{"kmsKeyId": null}`)); !errors.Is(err, settings.ErrInvalid) {
		t.Errorf("File = %v, want ErrInvalid", err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add(whole)
	f.Add(`{"tokenAlgorithms": [[1], {"a": null}], "bucket": null}`)
	f.Fuzz(func(t *testing.T, text string) {
		if resolver, err := settings.File(strings.NewReader(text)); err == nil && resolver == nil {
			t.Fatal("neither settings nor an error")
		}
	})
}

func TestEverySettingHasTheVariableThatItsFlagSuggests(t *testing.T) {
	var gateway settings.Gateway
	parser, err := kong.New(&gateway, kong.DefaultEnvars(settings.EnvPrefix))
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range parser.Model.Flags {
		want := settings.EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		if flag.Name != "help" && flag.Envs[0] != want {
			t.Errorf("--%s is %s in the environment, want %s", flag.Name, flag.Envs[0], want)
		}
	}
}

// A pasted key would otherwise stand in the log of whatever starts the gateway.
func TestAComplaintAboutTheSecretDoesNotRepeatIt(t *testing.T) {
	gateway := good(t)
	gateway.SigningKeys, gateway.ActiveKeyID, gateway.SigningSecret = "", "", "-----BEGIN PRIVATE KEY-----\nhidden"
	if err := gateway.Validate(); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("Validate = %v", err)
	}
	gateway = good(t)
	gateway.DecisionHook, gateway.DecisionHookSecret = "https://app.example.com/decisions", "whsec_hidden"
	if err := gateway.Validate(); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("Validate = %v", err)
	}
}

func TestSigningKeysMayComeFromASecretAlone(t *testing.T) {
	gateway := good(t)
	gateway.SigningKeys, gateway.ActiveKeyID, gateway.SigningSecret = "", "", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:signgate-AbCdEf"
	if err := gateway.Validate(); err != nil {
		t.Error(err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
