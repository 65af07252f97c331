package callers

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

const (
	// maxIssuers is more than anybody trusts.
	maxIssuers = 16
	// defaultSubjectClaim is OpenID Connect's (Core 1.0, section 2).
	defaultSubjectClaim = "sub"
)

// Issuer says which tokens of one issuer are accepted, and who their subjects
// are.
type Issuer struct {
	Issuer     string   `json:"issuer"`     // exactly the iss claim; the keys are found below it
	Audience   string   `json:"audience"`   // must be among the aud claim
	Algorithms []string `json:"algorithms"` // the signature algorithms accepted, such as ES256

	SubjectClaim string `json:"subjectClaim"` // claim that holds the subject, a text; sub if empty
	GroupsClaim  string `json:"groupsClaim"`  // claim that holds the groups, a list of texts; none if empty
	TenantClaim  string `json:"tenantClaim"`  // claim that holds the tenant, a text; none if empty

	// Required are claims that must be there with exactly these texts. An
	// issuer that gives a token to anybody who asks, as that of GitHub Actions
	// does, needs some.
	Required map[string]string `json:"required"`

	Kind Kind `json:"kind"` // what its subjects are: persons, if empty, or machines

	// Prefix goes before every subject, group and tenant of the issuer, so that
	// none of them is taken for another's: "github:". It is a word and a colon.
	// One issuer may do without; its tokens are then refused where one of these
	// names begins with a prefix that is in use.
	Prefix string `json:"prefix"`
}

// prefixForm makes prefixes of which none begins another.
var prefixForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}:$`)

// ParseIssuers reads a JSON array of issuers. The error wraps ErrIssuer and
// names everything that is wrong.
func ParseIssuers(text []byte) ([]Issuer, error) {
	var issuers []Issuer
	if err := json.Unmarshal(text, &issuers, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	if len(issuers) == 0 {
		return nil, fmt.Errorf("%w: the list has none", ErrIssuer)
	}
	return issuers, checkIssuers(issuers)
}

// checkIssuers says all that is wrong with each issuer, and with them together.
func checkIssuers(issuers []Issuer) error {
	var complaints []string
	if len(issuers) > maxIssuers {
		complaints = append(complaints, fmt.Sprintf("there are more than %d", maxIssuers))
	}
	names, prefixes := map[string]bool{}, map[string]bool{KeyPrefix: true, IAMPrefix: true}
	for n, issuer := range issuers {
		complain := func(what string) {
			complaints = append(complaints, fmt.Sprintf("issuer %d (%q) %s", n+1, issuer.Issuer, what))
		}
		for _, complaint := range issuer.check() {
			complain(complaint)
		}
		if names[issuer.Issuer] {
			complain("stands here twice")
		}
		if prefixes[issuer.Prefix] {
			complain(fmt.Sprintf("has the prefix %q, which is taken: each issuer needs one of its own, and one may have none", issuer.Prefix))
		}
		names[issuer.Issuer], prefixes[issuer.Prefix] = true, true
	}
	if len(complaints) > 0 {
		return fmt.Errorf("%w: %s", ErrIssuer, strings.Join(complaints, "; "))
	}
	return nil
}

func (i Issuer) check() []string {
	var complaints []string
	complain := func(wrong bool, format string, values ...any) {
		if wrong {
			complaints = append(complaints, fmt.Sprintf(format, values...))
		}
	}
	complain(!isSecure(i.Issuer), "must be an address that begins with https://, unless it is this machine, without query and fragment")
	complain(i.Audience == "", "has no audience")
	complain(len(i.Algorithms) == 0, "has no algorithms")
	for _, algorithm := range i.Algorithms {
		complain(!slices.Contains(Algorithms(), algorithm), "has the algorithm %q, which is not accepted for tokens; use some of %s", algorithm, strings.Join(Algorithms(), ", "))
	}
	complain(i.Kind != "" && i.Kind != Person && i.Kind != Machine, "has the kind %q; its subjects are %q or %q", i.Kind, Person, Machine)
	complain(i.Prefix != "" && !prefixForm.MatchString(i.Prefix), `has the prefix %q; use a word and a colon, such as "github:"`, i.Prefix)
	for claim, value := range i.Required {
		complain(claim == "" || value == "", "requires a claim without a name or value")
	}
	return complaints
}

// Algorithms are the signature algorithms that tokens may have: those of RFC
// 7518 and RFC 8037 with a key pair. Neither "none" nor an HMAC is among them.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// isSecure says that an issuer's address can't be answered by anybody on the
// way to it.
func isSecure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// namespace keeps the names of one issuer apart from all others.
type namespace struct {
	prefix string
	others []string // prefixes that are somebody else's
}

// namespaceOf returns that of one of several issuers.
func namespaceOf(issuer Issuer, all []Issuer) namespace {
	names := namespace{prefix: issuer.Prefix, others: []string{KeyPrefix, IAMPrefix}}
	for _, other := range all {
		if other.Prefix != "" && other.Prefix != issuer.Prefix {
			names.others = append(names.others, other.Prefix)
		}
	}
	return names
}

// name makes an issuer's name for somebody or something one that nobody else's
// is. The error wraps ErrToken.
func (n namespace) name(text string) (string, error) {
	if n.prefix == "" && slices.ContainsFunc(n.others, func(other string) bool { return strings.HasPrefix(text, other) }) {
		return "", fmt.Errorf("%w: a name in it begins with a prefix of somebody else's", ErrToken)
	}
	return n.prefix + text, nil
}
