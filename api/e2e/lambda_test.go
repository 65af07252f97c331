package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/problem"
)

const sunrise = "users/alice/pictures/sunrise.png"

// A frozen process writes nothing, so what an answer rests on is written
// before it leaves; when Lambda ends the environment, the trail ends signed.
func TestOnLambdaTheTrailIsWholeAtEveryAnswer(t *testing.T) {
	s := startStack(t)
	g, api := s.startFunction(t)
	var ids []string
	for range 3 {
		ids = append(ids, g.readURL(t, "alice", client.ReadItem{Key: sunrise}).ID)
	}
	api.end(t)
	mustVerifyText(t, s, g.stdout.String(), "--strict")
	for _, id := range ids {
		if !strings.Contains(g.stdout.String(), id) {
			t.Errorf("the trail lacks %s:\n%s", id, g.stdout)
		}
	}
}

func mustVerifyText(t *testing.T, s *stack, trail string, arguments ...string) {
	t.Helper()
	if said, code := auditing(t, strings.NewReader(trail), append([]string{"verify", "-", activeKey(t, s)}, arguments...)...); code != 0 {
		t.Errorf("%d: %s\n%s", code, said, trail)
	}
}

// Lambda needn't say that it ends an environment: then what was recorded is
// there, chained, and the last of it isn't signed.
func TestAFunctionThatIsKilledHasRecordedEveryURL(t *testing.T) {
	s := startStack(t)
	g, api := s.startFunction(t)
	id := g.readURL(t, "alice", client.ReadItem{Key: sunrise}).ID
	if err := api.function.command.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = api.function.exitCode(t)
	mustVerifyText(t, s, g.stdout.String())
	if !strings.Contains(g.stdout.String(), id) {
		t.Errorf("the trail lacks %s:\n%s", id, g.stdout)
	}
}

// Checkpoints don't wait for a background that is frozen: the first invocation
// after the interval makes one.
func TestAFunctionSignsItsTrailWhileItRuns(t *testing.T) {
	s := startStack(t)
	g, api := s.startFunction(t, "SIGNGATE_AUDIT_CHECKPOINT_INTERVAL=1s")
	deadline := time.Now().Add(patience)
	for !strings.Contains(g.stdout.String(), `"kind":"checkpoint"`) {
		if time.Now().After(deadline) {
			t.Fatalf("no checkpoint:\n%s", g.stdout)
		}
		_ = g.readURL(t, "alice", client.ReadItem{Key: sunrise})
	}
	api.end(t)
	mustVerifyText(t, s, g.stdout.String(), "--strict")
}

// API Gateway unescapes paths; keys in them are nevertheless never another's.
func TestAKeyInAPathIsUnescapedOnceMoreByAnHTTPAPI(t *testing.T) {
	g, _ := startStack(t).startFunction(t)
	for path, want := range map[string]string{
		"/v1/read/users/alice/a%20b%2Bc%23.png":         "/users/alice/a%20b%2Bc%23.png?",
		"/v1/read/users%2Falice%2Fa.png":                "/users/alice/a.png?",
		"/v1/read/users/alice/%252e%252e/bob/a.png":     "", // refused, as in any other spelling
		"/v1/read/users/alice/%2e%2e%2f%2e%2e/bob/a.pn": "",
		"/v1/read/users/alice/100%25.png":               "", // API Gateway's own refusal
	} {
		got := g.ask(t, "alice", http.MethodGet, path, "")
		if location := got.header.Get("Location"); (want == "") != (location == "") || !strings.Contains(location, want) {
			t.Errorf("%s: %d %s", path, got.status, location)
		}
	}
}

// Settings come from Parameter Store, here an emulator of it, and the
// environment stands above them.
func TestAFunctionReadsItsSettingsFromParameterStore(t *testing.T) {
	s := startStack(t)
	m := startMoto(t)
	environment := without(s.environment(t), "SIGNGATE_LISTEN", "SIGNGATE_PUBLIC_URL")
	parameters, rest := settingsOf(environment)
	for name, value := range parameters {
		m.putParameter(t, "/signgate/test/"+name, value, "String")
	}
	m.putParameter(t, "/signgate/test/readLife", "77s", "String")
	m.putParameter(t, "/signgate/test/cookie-same-site", "strict", "String")
	m.putParameter(t, "/signgate/test/deeper/bucket", "another", "String")
	m.putParameter(t, "/signgate/other/bucket", "another", "String")

	api := newAPIGateway(t)
	rest = append(rest, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_SSM="+m.url, "SIGNGATE_PARAMETERS=/signgate/test", "SIGNGATE_PUBLIC_URL="+api.web.URL, "SIGNGATE_COOKIE_SAME_SITE=none")
	g := &gateway{process: api.run(t, rest), url: api.web.URL, issuer: s.issuer}
	before := time.Now()
	read := g.readURL(t, "alice", client.ReadItem{Key: sunrise})
	if life := read.ExpiresAt.Sub(before); life < 70*time.Second || life > 90*time.Second {
		t.Errorf("it lives %s", life)
	}
	if got := get(t, read.URL); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := g.ask(t, "alice", http.MethodPost, "/v1/read-cookies", `{"prefix":"users/alice/"}`); !strings.Contains(got.header.Get("Set-Cookie"), "SameSite=None") {
		t.Errorf("the environment doesn't stand above the parameters: %v", got.header)
	}
	api.end(t)

	m.putParameter(t, "/signgate/test/audience", "AQICAHh", "SecureString")
	refusing := start(t, rest, "signgate", "serve")
	if code := refusing.exitCode(t); code == 0 || !strings.Contains(refusing.stderr.String(), "/signgate/test/audience is a SecureString") || strings.Count(refusing.stderr.String(), "\n") != 1 {
		t.Errorf("%d %s", code, refusing.stderr)
	}
}

func (m *moto) putParameter(t testing.TB, name, value, kind string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"Name": name, "Value": value, "Type": kind, "Overwrite": true})
	if err != nil {
		t.Fatal(err)
	}
	got := send(t, http.MethodPost, m.url, map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.PutParameter",
		"Authorization": "AWS4-HMAC-SHA256 Credential=admin/20261121/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=none",
	}, body)
	if got.status != http.StatusOK {
		t.Fatalf("%s: %d %s", name, got.status, got.body)
	}
}

// Whoever calls a function with something else than an HTTP API's event gets
// an error and harms nothing.
func TestAnotherEventIsAnErrorAndNoMore(t *testing.T) {
	g, api := startStack(t).startFunction(t)
	in := &invocation{id: "odd", event: events.APIGatewayV2HTTPRequest{Version: "1.0"}, answer: make(chan events.APIGatewayV2HTTPResponse, 1)}
	api.queue <- in
	if answer, answered := <-in.answer; answered {
		t.Errorf("%+v", answer)
	}
	if got := get(t, g.url+"/livez"); got.status != http.StatusOK {
		t.Errorf("afterwards: %d", got.status)
	}
	g.waitFor(t, g.stderr, "an event that can't be answered")
}

// Lambda takes 6 MB of an answer; asking for more is refused, and harms nobody
// else.
func TestAnAnswerTooLargeForLambdaIsAProblem(t *testing.T) {
	g, api := startStack(t).startFunction(t)
	items := make([]string, 1000)
	for i := range items {
		items[i] = fmt.Sprintf(`{"key":"users/alice/%s/%d","address":"192.0.2.0/24","filename":"%s.png"}`, strings.Repeat("ä", 400), i, strings.Repeat("x", 150))
	}
	got := g.ask(t, "alice", http.MethodPost, "/v1/read-urls", `{"items":[`+strings.Join(items, ",")+`]}`)
	if got.status != http.StatusRequestEntityTooLarge || got.header.Get("Content-Type") != problem.ContentType || !strings.Contains(string(got.body), "Ask for fewer") {
		t.Fatalf("%d of %d bytes: %s", got.status, len(got.body), got.body[:min(len(got.body), 200)])
	}
	if got := get(t, g.url+"/livez"); got.status != http.StatusOK {
		t.Errorf("afterwards: %d", got.status)
	}
	api.end(t)
}

// Whom API Gateway has authenticated by IAM is a machine; no header makes
// anybody one.
func TestAnAWSIdentityIsTheEventsToSay(t *testing.T) {
	s := startStack(t)
	dir := t.TempDir()
	writeFile(t, dir+"/aws.json", []byte(`{"callers":[{"arn":"arn:aws:iam::123456789012:role/reporter","machine":"reporter"}]}`))
	writeFile(t, dir+"/all.cedar", []byte(`permit (principal == Machine::"aws:reporter", action, resource);`))
	g, api := s.startFunction(t, "SIGNGATE_AWS_CALLERS="+dir+"/aws.json", "SIGNGATE_POLICIES="+dir)
	read := func() answer {
		return g.ask(t, "", http.MethodGet, "/v1/read/"+sunrise, "", "X-Amzn-Iam-User-Arn", "arn:aws:iam::123456789012:role/reporter")
	}
	if got := read(); got.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", got.status, got.body)
	}
	identity := events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{AccountID: "123456789012", UserARN: "arn:aws:sts::123456789012:assumed-role/reporter/i-1", UserID: "AROA:i-1"}
	api.identity = &identity
	if got := read(); got.status != http.StatusFound {
		t.Errorf("the role: %d %s", got.status, got.body)
	}
	people := identity
	people.CognitoIdentity.IdentityID = "us-east-1:1"
	api.identity = &people
	if got := read(); got.status == http.StatusFound {
		t.Errorf("people behind an identity pool: %d", got.status)
	}
	api.end(t)
	if !strings.Contains(g.stdout.String(), `"principal":"aws:reporter"`) {
		t.Errorf("the trail says\n%s", g.stdout)
	}
}
