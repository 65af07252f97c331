package rolecredentials_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/signgate/signgate/pkg/objectkey"
	"github.com/signgate/signgate/pkg/rolecredentials"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const role = "arn:aws:iam::123456789012:role/uploads"

func parsePrefix(t testing.TB, name string) objectkey.Prefix {
	t.Helper()
	prefix, err := objectkey.ParsePrefix(name)
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

// success is what STS answers (AWS STS API Reference, "AssumeRole").
func success(key, secret, token, expiration string) string {
	return fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
		<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration>
		</Credentials></AssumeRoleResult></AssumeRoleResponse>`, key, secret, token, expiration)
}

// standIn answers as STS does and keeps what it was asked.
type standIn struct {
	asked  []url.Values
	signed string // the last Authorization
	status int
	body   string
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	s.asked, s.signed = append(s.asked, r.PostForm), r.Header.Get("Authorization")
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(s.status)
	_, _ = fmt.Fprint(w, s.body)
}

func against(t testing.TB, sts *standIn, change func(*rolecredentials.Config)) *rolecredentials.Source {
	t.Helper()
	if sts.status == 0 {
		sts.status, sts.body = http.StatusOK, success("ASIATEST", "secret", "token", "2026-11-21T12:15:01Z")
	}
	web := httptest.NewServer(sts)
	t.Cleanup(web.Close)
	config := rolecredentials.Config{
		Role: role, Bucket: "media", Region: "eu-central-1", Endpoint: web.URL, HTTP: web.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDGATEWAY", SecretAccessKey: "secret"}, nil
		}),
		Now: func() time.Time { return start },
	}
	if change != nil {
		change(&config)
	}
	source, err := rolecredentials.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestTheSessionPolicyAllowsUploadingBelowThePrefixAndNothingElse(t *testing.T) {
	for _, test := range []struct{ role, prefix, resource string }{
		{role, "users/alice/inbox/", "arn:aws:s3:::media/users/alice/inbox/*"},
		{"arn:aws-cn:iam::123456789012:role/team/uploads", "a/", "arn:aws-cn:s3:::media/a/*"},
		{"arn:aws-us-gov:iam::123456789012:role/uploads", `q"uote\` + "/", `arn:aws-us-gov:s3:::media/q"uote\/*`},
		{role, "ä/😀&<>/", "arn:aws:s3:::media/ä/😀&<>/*"},
	} {
		sts := &standIn{}
		source := against(t, sts, func(c *rolecredentials.Config) { c.Role = test.role })
		made, err := source.ForPrefix(t.Context(), rolecredentials.Request{Subject: "alice", Prefix: parsePrefix(t, test.prefix), Life: 20 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		want := rolecredentials.Credentials{AccessKeyID: "ASIATEST", SecretAccessKey: "secret", SessionToken: "token", Expires: start.Add(15*time.Minute + time.Second)}
		if made != want {
			t.Errorf("%+v", made)
		}
		text := sts.asked[0].Get("Policy")
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > 0x7e }) {
			t.Errorf("STS doesn't take every character of %s", text)
		}
		var got any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		policy := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": []any{"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}, "Resource": test.resource,
		}}}
		if !reflect.DeepEqual(got, policy) {
			t.Errorf("%s", text)
		}
		sts.asked[0].Del("Policy")
		if rest := sts.asked[0].Encode(); rest != "Action=AssumeRole&DurationSeconds=1200&RoleArn="+url.QueryEscape(test.role)+"&RoleSessionName=alice&Version=2011-06-15" {
			t.Errorf("STS is asked %s", rest)
		}
		if !strings.Contains(sts.signed, "Credential=AKIDGATEWAY/") || !strings.Contains(sts.signed, "/eu-central-1/sts/") {
			t.Errorf("signed %s", sts.signed)
		}
	}
}

func TestAPrefixThatAPolicyCannotHoldIsRefusedUnasked(t *testing.T) {
	sts := &standIn{}
	source := against(t, sts, nil)
	for _, name := range []string{"a*/", "*/", "a/b?/", "${aws:username}/", "a$/", strings.Repeat("ä", 400) + "/"} {
		_, err := source.ForPrefix(t.Context(), rolecredentials.Request{Subject: "alice", Prefix: parsePrefix(t, name), Life: time.Hour})
		var reason *rolecredentials.PrefixError
		if !errors.As(err, &reason) || !errors.Is(err, rolecredentials.ErrPrefix) || strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := source.ForPrefix(t.Context(), rolecredentials.Request{Subject: "alice", Life: time.Hour}); !errors.Is(err, rolecredentials.ErrPrefix) {
		t.Errorf("the whole bucket: %v", err)
	}
	for _, life := range []time.Duration{0, 15*time.Minute - 1, time.Hour + 1} {
		if _, err := source.ForPrefix(t.Context(), rolecredentials.Request{Subject: "alice", Prefix: parsePrefix(t, "a/"), Life: life}); !errors.Is(err, rolecredentials.ErrLife) {
			t.Errorf("%s: %v", life, err)
		}
	}
	if len(sts.asked) != 0 {
		t.Errorf("STS was asked for %v", sts.asked)
	}
}

func TestSessionsAreNamedAfterPeopleAsFarAsSTSTakesIt(t *testing.T) {
	sts := &standIn{}
	source := against(t, sts, nil)
	seen := map[string]bool{}
	long := strings.Repeat("x", 64)
	for subject, want := range map[string]string{
		"alice": "alice", "a_b+c=d,e.f@g-h": "a_b+c=d,e.f@g-h", long: long,
		"a": "a-", "": "-", "auth0|alice": "auth0-alice-", "auth0/alice": "auth0-alice-", "ä": "--", "\xff&Policy=": "--Policy=-", long + "y": long[:47] + "-", long + "z": long[:47] + "-",
	} {
		if _, err := source.ForPrefix(t.Context(), rolecredentials.Request{Subject: subject, Prefix: parsePrefix(t, "a/"), Life: time.Hour}); err != nil {
			t.Fatal(err)
		}
		name := sts.asked[len(sts.asked)-1].Get("RoleSessionName")
		if !regexp.MustCompile(`^[\w+=,.@-]{2,64}$`).MatchString(name) || !strings.HasPrefix(name, want) || seen[name] || (want == subject && name != want) {
			t.Errorf("%q is called %q", subject, name)
		}
		seen[name] = true
	}
}

func TestWhatSTSDoesNotGiveIsATypedError(t *testing.T) {
	const refusal = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"may not assume":  {http.StatusForbidden, fmt.Sprintf(refusal, "AccessDenied"), rolecredentials.ErrUnavailable},
		"packed too long": {http.StatusBadRequest, fmt.Sprintf(refusal, "PackedPolicyTooLarge"), rolecredentials.ErrPrefix},
		"not XML":         {http.StatusOK, "<html>", rolecredentials.ErrUnavailable},
		"nothing":         {http.StatusOK, `<AssumeRoleResponse><AssumeRoleResult></AssumeRoleResult></AssumeRoleResponse>`, rolecredentials.ErrUnavailable},
		"no token":        {http.StatusOK, success("ASIATEST", "secret", "", "2026-11-21T12:15:01Z"), rolecredentials.ErrUnavailable},
		"expired":         {http.StatusOK, success("ASIATEST", "secret", "token", "2026-11-21T12:00:00Z"), rolecredentials.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			source := against(t, &standIn{status: test.status, body: test.body}, nil)
			made, err := source.ForPrefix(t.Context(), rolecredentials.Request{Subject: "alice", Prefix: parsePrefix(t, "a/"), Life: time.Hour})
			if !errors.Is(err, test.want) || made != (rolecredentials.Credentials{}) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%+v, %v", made, err)
			}
		})
	}
}

func TestARoleIsNamedByItsARN(t *testing.T) {
	for text, want := range map[string]bool{
		role: true, "arn:aws-eusc:iam::123456789012:role/a/b/c": true,
		"": false, "uploads": false, "arn:aws:iam::123456789012:user/alice": false, "arn:aws:iam::123456789012:role/": false, "arn:aws:iam::12345678901:role/a": false,
		"arn:aws:iam::12345678901x:role/a": false, "arn:aws:iam:eu-central-1:123456789012:role/a": false, "arn:aws:sts::123456789012:role/a": false,
		"arn:other:iam::123456789012:role/a": false, `arn:aws":iam::123456789012:role/a`: false, "arn:aws:iam::123456789012:role/a b": false, "arn:aws*:iam::123456789012:role/a": false,
		"arn:aws:iam::123456789012:role/" + strings.Repeat("a", 2048): false,
	} {
		if err := rolecredentials.CheckRole(text); (err == nil) != want || (err != nil && !errors.Is(err, rolecredentials.ErrRole)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestASourceOfNothingIsNotMade(t *testing.T) {
	for name, change := range map[string]func(*rolecredentials.Config){
		"role":        func(c *rolecredentials.Config) { c.Role = "uploads" },
		"bucket":      func(c *rolecredentials.Config) { c.Bucket = "" },
		"wildcard":    func(c *rolecredentials.Config) { c.Bucket = "*" },
		"path":        func(c *rolecredentials.Config) { c.Bucket = "media/users" },
		"ARN":         func(c *rolecredentials.Config) { c.Bucket = "arn:aws:s3:eu-central-1:123456789012:accesspoint/a" },
		"region":      func(c *rolecredentials.Config) { c.Region = "" },
		"credentials": func(c *rolecredentials.Config) { c.Credentials = nil },
		"clock":       func(c *rolecredentials.Config) { c.Now = nil },
	} {
		against(t, &standIn{}, func(c *rolecredentials.Config) {
			without := *c
			change(&without)
			if _, err := rolecredentials.New(without); !errors.Is(err, rolecredentials.ErrConfig) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
