package callers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxDiscoveryBytes = 1 << 20
	issuerTimeout     = 10 * time.Second
)

// discover reads the issuer's metadata (OpenID Connect Discovery 1.0, section
// 4) and returns the address of its keys.
func discover(ctx context.Context, client *http.Client, issuer string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	address := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	defer func() { _ = response.Body.Close() }()
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%w: %s answers %s", ErrIssuer, address, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDiscoveryBytes)).Decode(&metadata); err != nil {
		return "", fmt.Errorf("%w: %s is not its metadata: %w", ErrIssuer, address, err)
	}
	if metadata.Issuer != issuer {
		return "", fmt.Errorf("%w: it calls itself %q, not %q", ErrIssuer, metadata.Issuer, issuer)
	}
	if strings.HasPrefix(issuer, "https://") && !strings.HasPrefix(metadata.JWKSURI, "https://") {
		return "", fmt.Errorf("%w: its keys are not served over https", ErrIssuer)
	}
	return metadata.JWKSURI, nil
}
