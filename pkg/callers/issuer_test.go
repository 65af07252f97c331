package callers_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/quick"

	"github.com/golang-jwt/jwt/v5"

	"github.com/signgate/signgate/pkg/callers"
)

// trust makes an authenticator of several issuers; each of them is named and
// described by its place in the list.
func trust(t *testing.T, issuers []*issuer, change func(n int, described *callers.Issuer)) *callers.OIDC {
	t.Helper()
	config := issuers[0].config()
	config.Issuers = nil
	for n, i := range issuers {
		described := i.config().Issuers[0]
		if n > 0 {
			described.Prefix = fmt.Sprintf("issuer%d:", n)
		}
		if change != nil {
			change(n, &described)
		}
		config.Issuers = append(config.Issuers, described)
	}
	authenticator, err := callers.NewOIDC(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return authenticator
}

func (i *issuer) with(more map[string]any) jwt.MapClaims {
	claims := i.claims()
	maps.Copy(claims, more)
	return claims
}

func TestEachIssuerVouchesForItsOwnTokensOnly(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	people, machines := ecKey(t), ecKey(t)
	first := newIssuer(t, map[string]crypto.Signer{"ec": people})
	second := newIssuer(t, map[string]crypto.Signer{"ec": machines, "rsa": rsaKey})
	authenticator := trust(t, []*issuer{first, second}, func(n int, described *callers.Issuer) {
		if n == 1 {
			described.Kind, described.Audience, described.Algorithms = callers.Machine, "ci", []string{"ES256"}
		}
	})
	kid := map[string]any{"kid": "ec"}
	ci := map[string]any{"aud": "ci", "sub": "builder"}

	person, err := authenticator.Authenticate(t.Context(), sign(t, jwt.SigningMethodES256, people, first.claims(), kid))
	if err != nil || person.Kind != callers.Person || person.Subject != "alice" {
		t.Errorf("a person: %+v, %v", person, err)
	}
	machine, err := authenticator.Authenticate(t.Context(), sign(t, jwt.SigningMethodES256, machines, second.with(ci), kid))
	if err != nil || machine.Kind != callers.Machine || machine.Subject != "issuer1:builder" {
		t.Errorf("a machine: %+v, %v", machine, err)
	}
	for name, token := range map[string]string{
		"the second's key, in the first's name": sign(t, jwt.SigningMethodES256, machines, first.claims(), kid),
		"the first's key, in the second's name": sign(t, jwt.SigningMethodES256, people, second.with(ci), kid),
		"the first's audience, at the second":   sign(t, jwt.SigningMethodES256, machines, second.claims(), kid),
		"the second's audience, at the first":   sign(t, jwt.SigningMethodES256, people, first.with(ci), kid),
		"an algorithm of the first's":           sign(t, jwt.SigningMethodRS256, rsaKey, second.with(ci), map[string]any{"kid": "rsa"}),
		"in the name of both":                   sign(t, jwt.SigningMethodES256, people, first.with(map[string]any{"iss": []string{first.URL, second.URL}}), kid),
	} {
		if caller, err := authenticator.Authenticate(t.Context(), token); !errors.Is(err, callers.ErrToken) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

func TestAnIssuerThatIsDownKeepsNobodyElseOut(t *testing.T) {
	key := ecKey(t)
	keys := map[string]crypto.Signer{"ec": key}
	first, second := newIssuer(t, keys), newIssuer(t, keys)
	authenticator := trust(t, []*issuer{first, second}, nil)
	second.down.Store(true)
	unknown := sign(t, jwt.SigningMethodES256, key, second.claims(), map[string]any{"kid": "unknown"})
	if _, err := authenticator.Authenticate(t.Context(), unknown); !errors.Is(err, callers.ErrToken) {
		t.Errorf("a key that can't be learned: %v", err)
	}
	for _, i := range []*issuer{first, second} {
		if _, err := authenticator.Authenticate(t.Context(), sign(t, jwt.SigningMethodES256, key, i.claims(), map[string]any{"kid": "ec"})); err != nil {
			t.Errorf("known keys: %v", err)
		}
	}
	if err := authenticator.Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v", err)
	}
}

// No two callers share a name, whatever issuers call their subjects, groups
// and tenants.
func TestNamesOfTwoIssuersNeverCollide(t *testing.T) {
	key := ecKey(t)
	keys := map[string]crypto.Signer{"ec": key}
	issuers := []*issuer{newIssuer(t, keys), newIssuer(t, keys), newIssuer(t, keys)}
	authenticator := trust(t, issuers, func(_ int, described *callers.Issuer) {
		described.GroupsClaim, described.TenantClaim = "groups", "tenant"
	})
	// what one issuer would call its subject to be taken for another's
	prefixes := []string{"", "issuer1:", "issuer2:", "issuer1:issuer2:", callers.KeyPrefix, callers.IAMPrefix}
	type source struct {
		issuer int
		name   string
	}
	subjects, groups, tenants := map[string]source{}, map[string]source{}, map[string]source{}
	names := []string{"alice", "1", ":", "x:"}
	isolated := func(which, before, name uint8, random string) bool {
		from := source{int(which) % len(issuers), prefixes[int(before)%len(prefixes)] + names[int(name)%len(names)]}
		if name%2 == 0 {
			from.name += strings.ToValidUTF8(random, "")
		}
		claims := issuers[from.issuer].with(map[string]any{"sub": from.name, "groups": []string{from.name}, "tenant": from.name})
		caller, err := authenticator.Authenticate(t.Context(), sign(t, jwt.SigningMethodES256, key, claims, map[string]any{"kid": "ec"}))
		if err != nil {
			return errors.Is(err, callers.ErrToken)
		}
		for _, reserved := range []string{callers.KeyPrefix, callers.IAMPrefix} {
			if strings.HasPrefix(caller.Subject, reserved) {
				return false
			}
		}
		for name, taken := range map[string]map[string]source{caller.Subject: subjects, "group " + caller.Groups[0]: groups, "tenant " + caller.Tenant: tenants} {
			if owner, ok := taken[name]; ok && owner != from {
				t.Logf("%q is of %+v and of %+v", name, owner, from)
				return false
			}
			taken[name] = from
		}
		return true
	}
	if err := quick.Check(isolated, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
	for which := range issuers {
		if !slices.ContainsFunc(slices.Collect(maps.Values(subjects)), func(s source) bool { return s.issuer == which }) {
			t.Errorf("no subject of issuer %d was ever accepted", which)
		}
	}
}

func TestOneIssuerAloneKeepsItsNamesAsTheyAre(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	authenticator := i.authenticator(t)
	for _, subject := range []string{"alice", "auth0|507f1f77", "github:alice", "https://example.com/alice", "Zoë"} {
		token := sign(t, jwt.SigningMethodES256, key, i.with(map[string]any{"sub": subject}), map[string]any{"kid": "ec"})
		if caller, err := authenticator.Authenticate(t.Context(), token); err != nil || caller.Subject != subject {
			t.Errorf("%q is %q, %v", subject, caller.Subject, err)
		}
	}
}

func TestTheSubjectComesFromTheClaimThatSettingsName(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	authenticator := trust(t, []*issuer{i}, func(_ int, described *callers.Issuer) { described.SubjectClaim = "oid" })
	for name, test := range map[string]struct {
		claims map[string]any
		want   string
	}{
		"it is there":     {map[string]any{"oid": "7"}, "7"},
		"it isn't":        {nil, ""},
		"it is no text":   {map[string]any{"oid": 7}, ""},
		"it is empty":     {map[string]any{"oid": ""}, ""},
		"another's case":  {map[string]any{"OID": "7"}, ""},
		"it is very long": {map[string]any{"oid": strings.Repeat("7", 256)}, ""},
	} {
		token := sign(t, jwt.SigningMethodES256, key, i.with(test.claims), map[string]any{"kid": "ec"})
		if caller, err := authenticator.Authenticate(t.Context(), token); caller.Subject != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", name, caller.Subject, err)
		}
	}
}

func TestARequiredClaimIsRequired(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	authenticator := trust(t, []*issuer{i}, func(_ int, described *callers.Issuer) {
		described.Required = map[string]string{"repository_owner_id": "42", "environment": "production"}
	})
	for name, test := range map[string]struct {
		claims map[string]any
		want   bool
	}{
		"both":            {map[string]any{"repository_owner_id": "42", "environment": "production"}, true},
		"one is missing":  {map[string]any{"repository_owner_id": "42"}, false},
		"one is another":  {map[string]any{"repository_owner_id": "421", "environment": "production"}, false},
		"one is a number": {map[string]any{"repository_owner_id": 42, "environment": "production"}, false},
		"one is a list":   {map[string]any{"repository_owner_id": []string{"42"}, "environment": "production"}, false},
		"none":            {nil, false},
	} {
		token := sign(t, jwt.SigningMethodES256, key, i.with(test.claims), map[string]any{"kid": "ec"})
		if _, err := authenticator.Authenticate(t.Context(), token); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who can add a claim to their tokens must not be able to replace one.
func TestAClaimInAnotherCaseIsAnotherClaim(t *testing.T) {
	key := ecKey(t)
	i := newIssuer(t, map[string]crypto.Signer{"ec": key})
	token := sign(t, jwt.SigningMethodES256, key, i.with(map[string]any{"SUB": "bob", "Sub": "bob", "suB": "bob"}), map[string]any{"kid": "ec"})
	if caller, err := i.authenticator(t).Authenticate(t.Context(), token); err != nil || caller.Subject != "alice" {
		t.Errorf("%+v, %v", caller, err)
	}
}

// githubActions is the example of the README.
const githubActions = `[{
	"issuer": "https://token.actions.githubusercontent.com", "audience": "signgate", "algorithms": ["RS256"],
	"kind": "machine", "prefix": "github:", "tenantClaim": "repository_owner",
	"required": {"repository_owner_id": "1234567"}
}]`

func TestAListOfIssuersIsReadStrictly(t *testing.T) {
	issuers, err := callers.ParseIssuers([]byte(githubActions))
	if err != nil || len(issuers) != 1 || issuers[0].Kind != callers.Machine || issuers[0].Prefix != "github:" || issuers[0].Required["repository_owner_id"] != "1234567" {
		t.Errorf("%+v, %v", issuers, err)
	}
	const good = `"issuer":"https://a.example.com","audience":"a","algorithms":["ES256"]`
	for name, test := range map[string]struct {
		text string
		says []string
	}{
		"no JSON":            {`issuers`, nil},
		"an object":          {`{}`, nil},
		"none":               {`[]`, []string{"the list has none"}},
		"null":               {`null`, []string{"the list has none"}},
		"an unknown member":  {`[{` + good + `,"algorithm":"ES256"}]`, []string{"algorithm"}},
		"a member twice":     {`[{` + good + `,"audience":"b"}]`, []string{"audience"}},
		"everything missing": {`[{}]`, []string{"https://", "no audience", "no algorithms"}},
		"plain HTTP":         {`[{"issuer":"http://a.example.com","audience":"a","algorithms":["ES256"]}]`, []string{"https://"}},
		"a password":         {`[{"issuer":"https://u:p@a.example.com","audience":"a","algorithms":["ES256"]}]`, []string{"https://"}},
		"a shared secret":    {`[{"issuer":"https://a.example.com","audience":"a","algorithms":["ES256","HS256"]}]`, []string{`"HS256"`}},
		"none for algorithm": {`[{"issuer":"https://a.example.com","audience":"a","algorithms":["none"]}]`, []string{`"none"`}},
		"an unknown kind":    {`[{` + good + `,"kind":"admin"}]`, []string{`"admin"`}},
		"a prefix of others": {`[{` + good + `,"prefix":"key:"}]`, []string{`"key:"`}},
		"AWS's prefix":       {`[{` + good + `,"prefix":"aws:"}]`, []string{`"aws:"`}},
		"no colon":           {`[{` + good + `,"prefix":"a"}]`, []string{`"a"`}},
		"two colons":         {`[{` + good + `,"prefix":"a:b:"}]`, []string{`"a:b:"`}},
		"a slash":            {`[{` + good + `,"prefix":"a/b:"}]`, []string{`"a/b:"`}},
		"an empty claim":     {`[{` + good + `,"required":{"a":""}}]`, []string{"requires a claim"}},
		"one issuer twice":   {`[{` + good + `},{` + good + `,"prefix":"b:"}]`, []string{"twice"}},
		"one prefix twice":   {`[{` + good + `,"prefix":"b:"},{"issuer":"https://b.example.com","audience":"a","algorithms":["ES256"],"prefix":"b:"}]`, []string{"taken"}},
		"two without prefix": {`[{` + good + `},{"issuer":"https://b.example.com","audience":"a","algorithms":["ES256"]}]`, []string{"taken"}},
		"very many":          {`[` + strings.Repeat(`{`+good+`},`, 16) + `{` + good + `}]`, []string{"more than 16"}},
	} {
		_, err := callers.ParseIssuers([]byte(test.text))
		if !errors.Is(err, callers.ErrIssuer) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, says := range test.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v doesn't say %q", name, err, says)
			}
		}
	}
}

func FuzzParseIssuers(f *testing.F) {
	f.Add([]byte(githubActions))
	f.Add([]byte(`[{"issuer":"http://127.0.0.1:1","audience":"a","algorithms":["ES256"]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		issuers, err := callers.ParseIssuers(text)
		if err != nil {
			return
		}
		seen := map[string]bool{callers.KeyPrefix: true, callers.IAMPrefix: true}
		for _, issuer := range issuers {
			if seen[issuer.Prefix] || issuer.Audience == "" || len(issuer.Algorithms) == 0 {
				t.Fatalf("%+v", issuers)
			}
			for _, algorithm := range issuer.Algorithms {
				if !slices.Contains(callers.Algorithms(), algorithm) {
					t.Fatalf("%q is accepted", algorithm)
				}
			}
			seen[issuer.Prefix] = true
		}
	})
}
