package settings_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/settings"
)

// enough is every setting that has no default.
func enough(more settings.Values) settings.Values {
	values := settings.Values{
		"public-url": "https://api.example.com", "cdn-url": "https://cdn.example.com", "signing-secret": "signgate", "bucket": "media",
		"region": "eu-central-1", "policies": "policies", "issuer": "https://issuer.example.com", "audience": "signgate",
	}
	maps.Copy(values, more)
	return values
}

func TestSettingsThatAreHandedOnAreWhatTheFileSays(t *testing.T) {
	values, err := settings.ReadValues(strings.NewReader(`{"readLife": "7m", "tokenAlgorithms": ["ES256", "EdDSA"], "maxUploadBytes": 5368709120, "anonymous": true}`))
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := enough(values).Gateway()
	if err != nil {
		t.Fatal(err)
	}
	if gateway.ReadLife != 7*time.Minute || !slices.Equal(gateway.TokenAlgorithms, []string{"ES256", "EdDSA"}) || gateway.MaxUploadBytes != 5<<30 || !gateway.Anonymous {
		t.Errorf("%+v", gateway)
	}
	if gateway.UploadLife != 15*time.Minute {
		t.Errorf("a setting that nobody gave: %s", gateway.UploadLife)
	}
}

// Whoever checks what others will run with must not check with the
// environment of their own.
func TestTheEnvironmentDoesNotCountWhereSettingsAreHandedOn(t *testing.T) {
	t.Setenv("SIGNGATE_READ_LIFE", "9m")
	t.Setenv("AWS_REGION", "us-east-2")
	gateway, err := enough(nil).Gateway()
	if err != nil || gateway.ReadLife != 5*time.Minute || gateway.Region != "eu-central-1" {
		t.Errorf("life %s, region %s: %v", gateway.ReadLife, gateway.Region, err)
	}
}

func TestSettingsThatAGatewayWouldRefuseAreNotHandedOn(t *testing.T) {
	for _, file := range []string{`{"readlife": "7m"}`, `{"read-life": "7m"}`, `{"help": true}`, `{"readLife": null}`, `[]`} {
		if _, err := settings.ReadValues(strings.NewReader(file)); !errors.Is(err, settings.ErrInvalid) {
			t.Errorf("%s: %v", file, err)
		}
	}
	for name, value := range map[string]string{"read-life": "soon", "log-level": "loud", "max-body-bytes": "0", "token-algorithms": "HS256", "cookie-same-site": "maybe"} {
		if _, err := enough(settings.Values{name: value}).Gateway(); !errors.Is(err, settings.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
