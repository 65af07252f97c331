package presign

import "time"

// SignPolicy lets AWS's published example judge the signature of policies,
// which it can't through Form: its policy is one that Form never makes.
func SignPolicy(encoded, secret, region string, now time.Time) string {
	return signPolicy(encoded, secret, region, now)
}
