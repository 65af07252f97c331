package callers

// Kind is what a caller is.
type Kind string

// The kinds; the zero Kind is a person.
const (
	Person  Kind = "person"
	Machine Kind = "machine"
)

// Prefixes of the subjects of callers that no issuer vouches for. No issuer
// can be given them.
const (
	KeyPrefix = "key:" // of machines with an API key
	IAMPrefix = "aws:" // of machines that AWS has authenticated
)

// Caller is somebody whose credentials were accepted.
type Caller struct {
	Kind Kind
	// Subject names the caller, and nobody else of whatever kind and issuer:
	// see Issuer.Prefix. Empty for anybody.
	Subject       string
	Authenticated string   // how: "oidc", "aws-iam", or what the server says of its own
	Groups        []string // from the claim that the configuration names
	Tenant        string   // likewise
	Scopes        []string // of a machine's key: what it may do at most; nil for no such bounds
}
