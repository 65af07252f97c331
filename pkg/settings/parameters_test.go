package settings_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/signgate/signgate/pkg/settings"
)

// store is Parameter Store with a page for each parameter. The gateway's own
// binary is run against an emulator in api/e2e.
type store struct {
	parameters []types.Parameter
	err        error
}

func (s store) GetParametersByPath(_ context.Context, asked *ssm.GetParametersByPathInput, _ ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	if asked.WithDecryption != nil && *asked.WithDecryption {
		return nil, errors.New("nothing may be decrypted")
	}
	at := 0
	if asked.NextToken != nil {
		at, _ = strconv.Atoi(*asked.NextToken)
	}
	if s.err != nil && at == len(s.parameters)/2 {
		return nil, s.err
	}
	if at >= len(s.parameters) {
		return &ssm.GetParametersByPathOutput{}, nil
	}
	return &ssm.GetParametersByPathOutput{Parameters: s.parameters[at : at+1], NextToken: new(strconv.Itoa(at + 1))}, nil
}

// below makes parameters of pairs of name and value.
func below(path string, pairs ...string) []types.Parameter {
	var all []types.Parameter
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, types.Parameter{Name: new(path + "/" + pairs[i]), Value: new(pairs[i+1]), Type: types.ParameterTypeString})
	}
	return all
}

// parseWith reads settings as the binary does.
func parseWith(t *testing.T, parameters store, args ...string) (settings.Gateway, error) {
	t.Helper()
	var cli struct {
		settings.Sources
		settings.Gateway
	}
	read := settings.ReadParameters(func(path string) (kong.Resolver, error) {
		return settings.Parameters(t.Context(), parameters, path)
	})
	parser, err := kong.New(&cli, kong.Name("signgate"), kong.DefaultEnvars(settings.EnvPrefix), kong.Bind(read))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return cli.Gateway, err
}

func TestParametersStandAboveTheFileAndBelowTheEnvironment(t *testing.T) {
	parameters := store{parameters: below("/signgate/prod", "bucket", "from-parameters", "audience", "from-parameters", "cdn-url", "https://parameters.example.com",
		"readLife", "9m", "token-algorithms", "ES256,ES384", "s3-path-style", "false", "max-body-bytes", "4096")}
	t.Setenv("SIGNGATE_AUDIENCE", "from-environment")
	for name, args := range map[string][]string{
		"by flags":                {"--parameters=/signgate/prod"},
		"the file named later":    {"--bucket=from-flag", "--parameters=/signgate/prod"},
		"both in the environment": {},
	} {
		t.Run(name, func(t *testing.T) {
			if len(args) == 0 {
				t.Setenv("SIGNGATE_PARAMETERS", "/signgate/prod")
			}
			file := t.TempDir() + "/settings.json"
			writeFile(t, file, whole)
			if len(args) == 0 {
				t.Setenv("SIGNGATE_CONFIG", file)
			} else {
				args = append(args, "--config="+file)
			}
			got, err := parseWith(t, parameters, args...)
			if err != nil {
				t.Fatal(err)
			}
			wantBucket := "from-parameters"
			if len(args) == 3 {
				wantBucket = "from-flag"
			}
			if got.Bucket != wantBucket || got.Audience != "from-environment" || got.CDNURL != "https://parameters.example.com" || got.Region != "eu-central-1" ||
				got.ReadLife != 9*time.Minute || strings.Join(got.TokenAlgorithms, " ") != "ES256 ES384" || got.S3PathStyle || got.MaxBodyBytes != 4096 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A deployment deletes what it has no more when it has started everything anew:
// what was taken back mustn't go on until somebody starts it again.
func TestOnlyParametersThatAreNamedAreTaken(t *testing.T) {
	file := t.TempDir() + "/settings.json"
	writeFile(t, file, whole)
	stored := store{parameters: below("/signgate/prod", "bucket", "media", "readLife", "9m", "anonymous", "true", "a-setting-of-yesterday", "x")}
	t.Setenv("SIGNGATE_PARAMETERS_ONLY", "bucket,read-life")
	got, err := parseWith(t, stored, "--config="+file, "--parameters=/signgate/prod")
	if err != nil || got.Bucket != "media" || got.ReadLife != 9*time.Minute || got.Anonymous {
		t.Errorf("%+v, %v", got, err)
	}
	t.Setenv("SIGNGATE_PARAMETERS_ONLY", "bucket,cdn-url")
	if _, err := parseWith(t, stored, "--config="+file, "--parameters=/signgate/prod"); !errors.Is(err, settings.ErrInvalid) || !strings.Contains(err.Error(), `"cdn-url"`) {
		t.Errorf("a setting that isn't there: %v", err)
	}
}

func TestParametersThatCannotBeTrustedAreRefused(t *testing.T) {
	secret := below("/signgate/prod", "bucket", "AQICAHh-ciphertext")
	secret[0].Type = types.ParameterTypeSecureString
	failing := errors.New("AccessDeniedException")
	file := t.TempDir() + "/settings.json"
	writeFile(t, file, whole)
	for name, test := range map[string]struct {
		store store
		path  string
		says  string
	}{
		"a setting that isn't one":  {store{parameters: below("/signgate/prod", "read-live", "5m")}, "/signgate/prod", "readLive"},
		"one setting twice":         {store{parameters: below("/signgate/prod", "cdn-url", "https://a.example.com", "cdnUrl", "https://b.example.com")}, "/signgate/prod", "cdnUrl"},
		"a secret":                  {store{parameters: secret}, "/signgate/prod", "/signgate/prod/bucket is a SecureString"},
		"nothing there":             {store{}, "/signgate/prod", "/signgate/prod"},
		"a path that is none":       {store{}, "signgate", "/signgate/prod"},
		"everything of the account": {store{parameters: below("", "bucket", "media")}, "/", "/signgate/prod"},
		"no right to read it":       {store{err: failing}, "/signgate/prod", "AccessDeniedException"},
		"half of it":                {store{parameters: below("/signgate/prod", "bucket", "a", "region", "b"), err: failing}, "/signgate/prod", "AccessDeniedException"},
	} {
		_, err := parseWith(t, test.store, "--config="+file, "--parameters="+test.path)
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "ciphertext") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
