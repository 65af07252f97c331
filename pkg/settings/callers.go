package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/signgate/signgate/pkg/callers"
)

// checkCallers wants a way to find out who is calling, and what each way needs.
func (g *Gateway) checkCallers(check func(setting string, err error)) {
	if g.APIKeysFile != "" && g.APIKeysTable != "" {
		check("api-keys-file", errors.New("and api-keys-table can't both be given"))
	}
	if g.Issuer == "" {
		if g.Issuers == "" && g.APIKeysFile == "" && g.APIKeysTable == "" && g.AWSCallers == "" {
			check("issuer", errors.New("is empty, and so are issuers, api-keys-file, api-keys-table and aws-callers: nobody could call"))
		}
		return
	}
	check("issuer", checkServer(g.Issuer, false))
	for setting, value := range map[string]string{"audience": g.Audience, "subject-claim": g.SubjectClaim} {
		if value == "" {
			check(setting, errors.New("is empty"))
		}
	}
	if len(g.TokenAlgorithms) == 0 {
		check("token-algorithms", errors.New("is empty"))
	}
	for _, algorithm := range g.TokenAlgorithms {
		if !slices.Contains(callers.Algorithms(), algorithm) {
			check("token-algorithms", fmt.Errorf("holds %q; use some of %s", algorithm, strings.Join(callers.Algorithms(), ", ")))
		}
	}
}
