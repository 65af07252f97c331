package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/pkg/client"
)

const mebi = 1 << 20

// browser is a headless Chromium, driven by uploaders/driver.mjs.
type browser struct {
	*process
	stdin  *os.File
	origin string // of its page
}

func startBrowser(t testing.TB) *browser {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("%v; the upload clients are run by Node.js, and installed by `make judges`", err)
	}
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp("", "signgate-") //nolint:usetesting // Chromium has sockets there, and a test's name makes their paths too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = from.Close(), to.Close(), os.RemoveAll(tmp) })
	b := &browser{stdin: to}
	b.process = launch(t, from, []string{"CHROMIUM=" + os.Getenv("CHROMIUM"), "TMPDIR=" + tmp}, node, filepath.Join("uploaders", "driver.mjs"))
	var line struct{ Origin string }
	if err := json.Unmarshal([]byte(b.waitFor(t, b.stdout, `"origin"`)), &line); err != nil {
		t.Fatal(err)
	}
	b.origin = line.Origin
	return b
}

// outcome is what a client made of a file.
type outcome struct {
	Error      string // "" is a success
	FirstError string // before a retry
	Body       string // of the server that refused
	Key        string
	SHA256     string // of the file
	Stale      string // a URL that was too old when it was used, or wasn't used
	Blob       map[string]any
	Secrets    []string
	Requests   []browserRequest
	Console    []string
}

// browserRequest is one that the browser sent, to the gateway or S3.
type browserRequest struct {
	Method, URL string
	Preflight   bool
	Status      int
}

func (o outcome) String() string {
	var said strings.Builder
	_, _ = fmt.Fprintf(&said, "error %q, body %.500q, key %q\n", o.Error, o.Body, o.Key)
	for _, request := range o.Requests {
		_, _ = fmt.Fprintf(&said, "%d %s %.150s\n", request.Status, request.Method, request.URL)
	}
	return said.String() + strings.Join(o.Console, "\n")
}

// file is one for a client to make up and upload.
func file(name, contentType string, size int) map[string]any {
	return map[string]any{"name": name, "type": contentType, "size": size}
}

// uploaders is a local stack that lets the page of a browser in.
type uploaders struct {
	*stack
	browser *browser
	gateway *gateway // the stack's own
	secrets []string // that no log may hold
}

// startUploaders starts both. When the test has ended, neither the stack's
// output nor its audit trail may hold a secret.
func startUploaders(t *testing.T, options ...string) *uploaders {
	t.Helper()
	u := &uploaders{browser: startBrowser(t)}
	t.Cleanup(func() { u.mustHaveKeptSecrets(t) }) // after the stack has ended, before its folder is gone
	u.stack = startStack(t, append([]string{"--verbose", "--allowed-origin=" + u.browser.origin}, options...)...)
	u.gateway = &gateway{process: u.process, url: "http://" + u.stack.gateway, issuer: u.issuer}
	return u
}

// run runs a scenario of uploaders/page.js.
func (u *uploaders) run(t testing.TB, scenario string, params map[string]any) outcome {
	t.Helper()
	line, err := json.Marshal(map[string]any{"scenario": scenario, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.browser.stdin.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	var got outcome
	if err := json.Unmarshal([]byte(u.browser.waitFor(t, u.browser.stdout, "{")), &got); err != nil {
		t.Fatal(err)
	}
	u.secrets = append(u.secrets, got.Secrets...)
	for _, request := range got.Requests {
		address, err := url.Parse(request.URL)
		if err != nil {
			t.Fatal(err)
		}
		if signature := address.Query().Get("X-Amz-Signature"); signature != "" {
			u.secrets = append(u.secrets, signature)
		}
	}
	return got
}

// secret is a capability or a token: u keeps it in mind.
func (u *uploaders) secret(text string) string {
	u.secrets = append(u.secrets, text)
	return text
}

func (u *uploaders) mustHaveKeptSecrets(t *testing.T) {
	t.Helper()
	trail, err := os.ReadFile(filepath.Join(u.data, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	said := u.stderr.String()
	if len(u.secrets) == 0 || len(trail) == 0 || !strings.Contains(said, "/u/") {
		t.Errorf("nothing to look for, or nowhere: %d secrets, a trail of %d bytes, a log of %d", len(u.secrets), len(trail), len(said))
	}
	for _, secret := range u.secrets {
		for name, text := range map[string]string{"log": said, "output": u.stdout.String(), "audit trail": string(trail)} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("the %s holds a secret: %s", name, text[max(0, at-200):at+len(secret)])
			}
		}
	}
}

// session is an upload session of a person: its URL and its capability.
func (u *uploaders) session(t testing.TB, person string, description map[string]any) string {
	t.Helper()
	body, err := json.Marshal(description)
	if err != nil {
		t.Fatal(err)
	}
	got := send(t, http.MethodPost, u.gateway.url+"/v1/upload-sessions", map[string]string{
		"Authorization": "Bearer " + u.secret(u.gateway.token(t, person)), "Content-Type": "application/json",
	}, body)
	var session struct{ URL string }
	if err := json.Unmarshal(got.body, &session); got.status != http.StatusCreated || err != nil {
		t.Fatalf("upload session: %d %s", got.status, got.body)
	}
	u.secret(session.URL[strings.LastIndex(session.URL, "/")+1:])
	return session.URL
}

// mustArrive wants a client to have succeeded, and the file to be read back
// through the gateway and the edge as it was.
func (u *uploaders) mustArrive(t testing.TB, got outcome, person, prefix string) {
	t.Helper()
	if got.Error != "" {
		t.Fatalf("refused: %s", got)
	}
	if !strings.HasPrefix(got.Key, prefix) {
		t.Fatalf("the key is %q", got.Key)
	}
	read := get(t, u.gateway.readURL(t, person, client.ReadItem{Key: got.Key}).URL)
	if sum := sha256.Sum256(read.body); read.status != http.StatusOK || hex.EncodeToString(sum[:]) != got.SHA256 {
		t.Errorf("read back: %d, %d other bytes", read.status, len(read.body))
	}
}

// mustHaveAsked wants the browser to have asked servers for leave.
func mustHaveAsked(t testing.TB, got outcome, servers ...string) {
	t.Helper()
	for _, server := range servers {
		if got.count(isPreflight, to(server)) == 0 {
			t.Errorf("no preflight to %s: %s", server, got)
		}
	}
}

// count says for how many requests all of what is asked is true.
func (o outcome) count(questions ...func(browserRequest) bool) int {
	count := 0
next:
	for _, request := range o.Requests {
		for _, is := range questions {
			if !is(request) {
				continue next
			}
		}
		count++
	}
	return count
}

func isPreflight(r browserRequest) bool { return r.Preflight }

// isPart is for a part of a multipart upload on its way to S3.
func isPart(r browserRequest) bool {
	return r.Method == http.MethodPut && !r.Preflight && strings.Contains(r.URL, "partNumber=")
}

// with is for requests with a method and a status, but not preflights.
func with(method string, status int) func(browserRequest) bool {
	return func(r browserRequest) bool { return r.Method == method && r.Status == status && !r.Preflight }
}

// to is for requests to a server.
func to(address string) func(browserRequest) bool {
	return func(r browserRequest) bool { return strings.HasPrefix(r.URL, "http://"+address+"/") }
}

// mustNotBeThere wants S3 to know neither the object nor the multipart upload
// that a client has given up.
func (u *uploaders) mustNotBeThere(t testing.TB, got outcome) {
	t.Helper()
	part := slices.IndexFunc(got.Requests, isPart)
	if part < 0 {
		t.Fatalf("no part was sent: %s", got)
	}
	address, err := url.Parse(got.Requests[part].URL)
	if err != nil {
		t.Fatal(err)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(address.Path, "/"), "/")
	settings := map[string]string{}
	for _, line := range u.environment(t) {
		name, value, _ := strings.Cut(line, "=")
		settings[name] = value
	}
	asGateway := s3.New(s3.Options{
		Region: settings["SIGNGATE_REGION"], BaseEndpoint: aws.String(settings["SIGNGATE_S3_ENDPOINT"]), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"], ""),
	})
	_, err = asGateway.ListParts(t.Context(), &s3.ListPartsInput{
		Bucket: aws.String(bucket), Key: aws.String(key), UploadId: aws.String(address.Query().Get("uploadId")),
	})
	var gone interface{ ErrorCode() string }
	if !errors.As(err, &gone) || gone.ErrorCode() != "NoSuchUpload" {
		t.Errorf("the parts of %s: %v", key, err)
	}
	if read := get(t, u.gateway.readURL(t, "alice", client.ReadItem{Key: key}).URL); read.status == http.StatusOK {
		t.Errorf("%s is there", key)
	}
}
