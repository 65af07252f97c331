package callers_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/callers"
)

const account = "123456789012"

func parseIAM(t testing.TB, text string) *callers.IAM {
	t.Helper()
	iam, err := callers.ParseIAM([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return iam
}

func TestRolesAndUsersAreTheMachinesThatTheListSays(t *testing.T) {
	const list = `{"callers":[
		{"arn":"arn:aws:iam::123456789012:role/jobs/reporter","machine":"reporter","groups":["readers"],"tenant":"a"},
		{"arn":"arn:aws:iam::123456789012:user/scanner","machine":"scanner"}]}`
	reporter := callers.Caller{Kind: callers.Machine, Subject: "aws:reporter", Authenticated: "aws-iam", Groups: []string{"readers"}, Tenant: "a"}
	open := strings.Replace(list, "{", `{"accounts":["123456789012"],`, 1)
	other := func(name string) callers.Caller {
		return callers.Caller{Kind: callers.Machine, Subject: "aws:arn:aws:iam::123456789012:" + name, Authenticated: "aws-iam"}
	}
	for name, test := range map[string]struct {
		list     string
		identity callers.IAMIdentity
		want     callers.Caller // the zero value: refused
	}{
		"a session of the role":     {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter/i-0123", Account: account}, reporter},
		"another session":           {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter/nightly", Account: account}, reporter},
		"a user":                    {list, callers.IAMIdentity{ARN: "arn:aws:iam::123456789012:user/scanner", Account: account}, callers.Caller{Kind: callers.Machine, Subject: "aws:scanner", Authenticated: "aws-iam"}},
		"a role of no known name":   {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter2/x", Account: account}, callers.Caller{}},
		"a user with a role's name": {list, callers.IAMIdentity{ARN: "arn:aws:iam::123456789012:user/reporter", Account: account}, callers.Caller{}},
		"a role with a user's name": {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/scanner/x", Account: account}, callers.Caller{}},
		"another account":           {list, callers.IAMIdentity{ARN: "arn:aws:sts::210987654321:assumed-role/reporter/x", Account: "210987654321"}, callers.Caller{}},
		"another partition":         {list, callers.IAMIdentity{ARN: "arn:aws-cn:sts::123456789012:assumed-role/reporter/x", Account: account}, callers.Caller{}},
		"two accounts":              {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter/x", Account: "210987654321"}, callers.Caller{}},
		"no account":                {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter/x"}, callers.Caller{}},
		"people behind Cognito":     {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter/x", Account: account, Cognito: true}, callers.Caller{}},
		"the session's name":        {list, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/x/reporter", Account: account}, callers.Caller{}},
		"a part too many":           {open, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/a/b/c", Account: account}, callers.Caller{}},
		"no session":                {open, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/a", Account: account}, callers.Caller{}},
		"an empty part":             {open, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/a/", Account: account}, callers.Caller{}},
		"the root user":             {open, callers.IAMIdentity{ARN: "arn:aws:iam::123456789012:root", Account: account}, callers.Caller{}},
		"a federated user":          {open, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:federated-user/x", Account: account}, callers.Caller{}},
		"an empty ARN":              {open, callers.IAMIdentity{Account: account}, callers.Caller{}},
		"a line in the ARN":         {open, callers.IAMIdentity{ARN: "arn:aws:iam::123456789012:user/a\n", Account: account}, callers.Caller{}},
		"any role of the account":   {open, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/builder/x", Account: account}, other("role/builder")},
		"any user of the account":   {open, callers.IAMIdentity{ARN: "arn:aws:iam::123456789012:user/team/ann", Account: account}, other("user/ann")},
		"one with a name of its":    {open, callers.IAMIdentity{ARN: "arn:aws:sts::123456789012:assumed-role/reporter/x", Account: account}, reporter},
	} {
		got, err := parseIAM(t, test.list).Authenticate(test.identity)
		refused := test.want.Subject == ""
		if !reflect.DeepEqual(got, test.want) || refused != errors.Is(err, callers.ErrIdentity) || !refused && err != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAListOfAWSCallersIsReadStrictly(t *testing.T) {
	for text, says := range map[string]string{
		`[]`: "", `{}`: "there are none", `{"accounts":["1234"]}`: `"1234"`, `{"account":["123456789012"]}`: "account",
		`{"callers":[{"arn":"reporter","machine":"a"}]}`:                                        "ARN of a role",
		`{"callers":[{"arn":"arn:aws:sts::123456789012:assumed-role/a/b","machine":"a"}]}`:      "ARN of a role",
		`{"callers":[{"arn":"arn:aws:iam::123456789012:root","machine":"a"}]}`:                  "ARN of a role",
		`{"callers":[{"arn":"arn:aws:iam::123456789012:role/a"}]}`:                              `machine ""`,
		`{"callers":[{"arn":"arn:aws:iam::123456789012:role/a","machine":"arn:aws:x"}]}`:        `machine "arn:aws:x"`,
		`{"callers":[{"arn":"arn:aws:iam::123456789012:role/a","machine":"a/b"}]}`:              `machine "a/b"`,
		`{"callers":[{"arn":"arn:aws:iam::123456789012:role/a","machine":"a","groups":[""]}]}`:  "group",
		`{"callers":[{"arn":"arn:aws:iam::123456789012:role/a","machine":"a","scopes":["x"]}]}`: "scopes",
		`{"callers":[{"arn":"arn:aws:iam::123456789012:role/p/a","machine":"a"},` +
			`{"arn":"arn:aws:iam::123456789012:role/a","machine":"b"}]}`: "twice",
		`{"accounts":["x"],"callers":[{"arn":"y","machine":"a"}]}`: `"x"; an account is twelve digits; caller 1 ("y")`,
	} {
		if _, err := callers.ParseIAM([]byte(text)); !errors.Is(err, callers.ErrIAMCallers) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The events are those of the API Gateway Developer Guide, cut down.
func TestTheIdentityIsReadFromWhatAPIGatewaySays(t *testing.T) {
	const role = "arn:aws:sts::123456789012:assumed-role/reporter/x"
	for name, test := range map[string]struct {
		event string
		want  callers.IAMIdentity
		found bool
	}{
		"an HTTP API": {`{"accountId":"999999999999","authorizer":{"iam":{"accessKey":"ASIA","accountId":"123456789012","callerId":"AROA:x","cognitoIdentity":null,"principalOrgId":"o-1","userArn":"` + role + `","userId":"AROA:x"}},"http":{"sourceIp":"192.0.2.1"}}`,
			callers.IAMIdentity{ARN: role, Account: account}, true},
		"an HTTP API behind Cognito": {`{"authorizer":{"iam":{"accountId":"123456789012","cognitoIdentity":{"amr":["authenticated"],"identityId":"x"},"userArn":"` + role + `"}}}`,
			callers.IAMIdentity{ARN: role, Account: account, Cognito: true}, true},
		"a REST API": {`{"accountId":"999999999999","identity":{"accountId":"123456789012","caller":"AROA:x","userArn":"` + role + `","cognitoIdentityId":null,"sourceIp":"192.0.2.1"}}`,
			callers.IAMIdentity{ARN: role, Account: account}, true},
		"a REST API behind Cognito": {`{"identity":{"accountId":"123456789012","userArn":"` + role + `","cognitoIdentityId":"eu-central-1:x"}}`,
			callers.IAMIdentity{ARN: role, Account: account, Cognito: true}, true},
		"a JWT authorizer":      {`{"authorizer":{"jwt":{"claims":{"userArn":"` + role + `"}}}}`, callers.IAMIdentity{}, false},
		"a Lambda authorizer":   {`{"authorizer":{"lambda":{"iam":{"userArn":"` + role + `"}}}}`, callers.IAMIdentity{}, false},
		"no authorizer":         {`{"http":{"userAgent":"` + role + `"}}`, callers.IAMIdentity{}, false},
		"REST, nobody asked":    {`{"identity":{"userArn":null,"accountId":null}}`, callers.IAMIdentity{}, false},
		"an authorizer, no ARN": {`{"authorizer":{"iam":{}}}`, callers.IAMIdentity{}, true}, // which Authenticate refuses
	} {
		got, found, err := callers.ReadIAM([]byte(test.event))
		if err != nil || got != test.want || found != test.found {
			t.Errorf("%s: %+v, %t, %v", name, got, found, err)
		}
	}
	if _, _, err := callers.ReadIAM([]byte(`{"authorizer":{"iam":{"userArn":7}}}`)); !errors.Is(err, callers.ErrIdentity) {
		t.Errorf("another form: %v", err)
	}
	if got, ok := callers.IAMFrom(t.Context()); ok {
		t.Errorf("nobody handed over anything: %+v", got)
	}
	identity := callers.IAMIdentity{ARN: role, Account: account}
	if got, ok := callers.IAMFrom(callers.WithIAM(t.Context(), identity)); !ok || got != identity {
		t.Errorf("%+v, %t", got, ok)
	}
}

// Whatever an ARN looks like, only this account's are anybody.
func FuzzAWSIdentity(f *testing.F) {
	iam := parseIAM(f, `{"accounts":["123456789012"],"callers":[{"arn":"arn:aws:iam::210987654321:role/reporter","machine":"reporter"}]}`)
	f.Add("arn:aws:sts::123456789012:assumed-role/reporter/x", account)
	f.Add("arn:aws:sts::210987654321:assumed-role/reporter/x", "210987654321")
	f.Add("arn:aws:iam::123456789012:user/a/b", account)
	f.Fuzz(func(t *testing.T, arn, account string) {
		caller, err := iam.Authenticate(callers.IAMIdentity{ARN: arn, Account: account})
		switch {
		case err != nil:
			return
		case !strings.HasPrefix(arn, "arn:aws") || !strings.Contains(arn, "::"+account+":") || caller.Kind != callers.Machine:
			t.Fatalf("%q of %q is %+v", arn, account, caller)
		case caller.Subject == "aws:reporter":
			if account != "210987654321" {
				t.Fatalf("%q of %q is %+v", arn, account, caller)
			}
		case account != "123456789012" || !strings.HasPrefix(caller.Subject, "aws:arn:aws"):
			t.Fatalf("%q of %q is %+v", arn, account, caller)
		}
	})
}
