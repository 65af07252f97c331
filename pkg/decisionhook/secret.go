package decisionhook

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
)

// secretPrefix begins a secret, by Standard Webhooks.
const secretPrefix = "whsec_"

// The sizes of a secret in bytes, by Standard Webhooks.
const (
	minSecret = 24
	maxSecret = 64
)

// maxSecrets is how many may sign: the one in use and one that is to follow,
// or is on its way out.
const maxSecrets = 2

// Secret is what the gateway and the application share. It shows itself to
// nobody.
type Secret struct{ key []byte }

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret.
func (Secret) GoString() string { return "[secret]" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// ParseSecrets reads a file of one or two lines: "whsec_" and 24 to 64 bytes in
// Base64. Each signs every question. Errors wrap ErrConfig and name the line,
// never what it holds.
func ParseSecrets(text []byte) ([]Secret, error) {
	var secrets []Secret
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		encoded, ok := strings.CutPrefix(strings.TrimSuffix(line, "\r"), secretPrefix)
		key, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
			return nil, fmt.Errorf("%w: line %d of its secrets isn't %s and %d to %d bytes in Base64; make one with: echo %s$(openssl rand -base64 32)",
				ErrConfig, n+1, secretPrefix, minSecret, maxSecret, secretPrefix)
		}
		secrets = append(secrets, Secret{key})
	}
	if len(secrets) > maxSecrets {
		return nil, fmt.Errorf("%w: more than %d secrets", ErrConfig, maxSecrets)
	}
	return secrets, nil
}
