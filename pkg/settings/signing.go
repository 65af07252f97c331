package settings

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

// maxReadLife keeps expiries within what CloudFront's policies can say, and
// is longer than anybody should want.
const maxReadLife = 365 * 24 * time.Hour

// Signing is what the gateway, and those who rotate its keys, must know of
// them.
type Signing struct {
	CDNURL string `name:"cdn-url" required:"" help:"Address of the distribution that serves reads, such as https://cdn.example.com."`

	SigningKeys    string        `help:"Folder of the private signing keys, one PEM file per key named <key id>.pem; keys.json in it says which one signs. Either this or signing-secret."`
	SigningSecret  string        `help:"ARN or name of the secret in Secrets Manager that holds the signing keys, or says which of KMS's they are. Either this or signing-keys."`
	ActiveKeyID    string        `name:"active-key-id" help:"Id of the CloudFront public key whose private half signs, where signing-keys has no keys.json; the other keys of the folder are retiring."`
	SigningHash    string        `default:"SHA256" enum:"SHA256,SHA1" help:"Digest under the signature of a URL. Keys in KMS take SHA256 only."`
	SigningRefresh time.Duration `default:"30s" help:"How often the folder or the secret of signing keys is looked at. A change is taken whole or not at all."`
	SigningGrace   time.Duration `default:"1h" help:"How long URLs of the longest life are still signed where the folder or the secret can't be looked at; after that the lives end sooner. A retired key is removed that much later."`

	Region          string `required:"" env:"SIGNGATE_REGION,AWS_REGION" help:"Region of the bucket, and of a signing-secret that is given by its name."`
	SecretsEndpoint string `env:"SIGNGATE_SECRETS_ENDPOINT" help:"Another Secrets Manager than AWS's, such as http://127.0.0.1:5000."`
	KMSEndpoint     string `name:"kms-endpoint" env:"SIGNGATE_KMS_ENDPOINT" help:"Another KMS than AWS's, such as http://127.0.0.1:5000."`

	MaxReadLife       time.Duration `default:"12h" help:"Longest life of a read URL."`
	MaxOpenUploadLife time.Duration `default:"168h" help:"Longest that an upload in parts, or one to be verified, may take."`
	MaxSessionLife    time.Duration `default:"24h" help:"Longest life of the address of an upload session."`
}

// Validate checks these settings alone. The error wraps ErrInvalid.
func (s *Signing) Validate() error {
	var complaints []string
	s.check(func(setting string, err error) {
		if err != nil {
			complaints = append(complaints, setting+" "+err.Error())
		}
	})
	return invalid(complaints)
}

func (s *Signing) check(check func(setting string, err error)) {
	check("cdn-url", signedurl.CheckBaseURL(s.CDNURL))
	switch {
	case s.SigningKeys == "" && s.SigningSecret == "":
		check("signing-keys", errors.New("or signing-secret must say where the signing keys are"))
	case s.SigningKeys != "" && s.SigningSecret != "":
		check("signing-keys", errors.New("and signing-secret can't both be given"))
	}
	if s.ActiveKeyID != "" {
		check("active-key-id", keyring.CheckID(s.ActiveKeyID))
		if s.SigningSecret != "" {
			check("active-key-id", errors.New("can't go with signing-secret, which says itself which key signs"))
		}
	}
	if strings.ContainsAny(s.SigningSecret, " \t\n{\"") { // a pasted key or document; it isn't repeated
		check("signing-secret", errors.New("must be the ARN or the name of a secret, not its content"))
	}
	check("signing-refresh", atLeast(s.SigningRefresh, 100*time.Millisecond))
	check("signing-grace", atLeast(s.SigningGrace, s.SigningRefresh))
	check("secrets-endpoint", checkServer(s.SecretsEndpoint, true))
	check("kms-endpoint", checkServer(s.KMSEndpoint, true))
	if s.Region == "" {
		check("region", errors.New("is empty"))
	}
	if s.MaxReadLife > maxReadLife {
		check("max-read-life", fmt.Errorf("must be at most %s, a year", maxReadLife))
	}
}
