package presign_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/presign"
)

func TestAddressesOfAWS(t *testing.T) {
	for want, change := range map[string]func(*presign.Config){
		"https://media.s3.eu-central-1.amazonaws.com/":            func(*presign.Config) {},
		"https://media.s3-accelerate.amazonaws.com/":              func(c *presign.Config) { c.Accelerate = true },
		"https://media.s3.dualstack.eu-central-1.amazonaws.com/":  func(c *presign.Config) { c.DualStack = true },
		"https://media.s3-accelerate.dualstack.amazonaws.com/":    func(c *presign.Config) { c.Accelerate, c.DualStack = true, true },
		"https://s3.dualstack.eu-central-1.amazonaws.com/media/":  func(c *presign.Config) { c.DualStack, c.PathStyle = true, true },
		"https://s3.eu-central-1.amazonaws.com/media.with.a.dot/": func(c *presign.Config) { c.Bucket = "media.with.a.dot" },
	} {
		presigner := newPresigner(t, change)
		put, err := presigner.Put(t.Context(), upload(t), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		form, err := presigner.Form(t.Context(), form(t), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(put.URL, want+"users/alice/") || strings.TrimSuffix(form.URL, "/") != strings.TrimSuffix(want, "/") {
			t.Errorf("a PUT to %.80s, a form to %s, want %s", put.URL, form.URL, want)
		}
		if !strings.Contains(put.URL, "%2Feu-central-1%2Fs3%2Faws4_request") {
			t.Errorf("signed for another region: %s", put.URL)
		}
	}
}

func TestNewRefusesWhatAWSHasNoAddressFor(t *testing.T) {
	for name, test := range map[string]struct {
		says   string
		change func(*presign.Config)
	}{
		"accelerated dots":       {"dot in its name", func(c *presign.Config) { c.Accelerate, c.Bucket = true, "my.media" }},
		"accelerated path":       {"path style", func(c *presign.Config) { c.Accelerate, c.PathStyle = true, true }},
		"accelerated endpoint":   {"with an endpoint", func(c *presign.Config) { c.Accelerate, c.Endpoint = true, "http://127.0.0.1:8602" }},
		"accelerated where none": {"region", func(c *presign.Config) { c.Accelerate, c.Region = true, "cn-north-1" }},
		"dual-stack endpoint":    {"with an endpoint", func(c *presign.Config) { c.DualStack, c.Endpoint = true, "http://127.0.0.1:8602" }},
		"KMS key with space":     {"KMS key", func(c *presign.Config) { c.KMSKeyID = "alias/my key" }},
		"KMS key with line feed": {"KMS key", func(c *presign.Config) { c.KMSKeyID = "alias/a\r\nx: y" }},
		"endless KMS key":        {"KMS key", func(c *presign.Config) { c.KMSKeyID = strings.Repeat("a", 2049) }},
	} {
		config := presign.Config{Bucket: "media", Region: "eu-central-1", Credentials: fixed(time.Time{}), Now: time.Now}
		test.change(&config)
		if _, err := presign.New(t.Context(), config); !errors.Is(err, presign.ErrConfig) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: New = %v, want ErrConfig that says %q", name, err, test.says)
		}
	}
}
