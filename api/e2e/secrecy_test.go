package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// faulty stands between the gateway and a service, and answers in its place
// where it is told to.
type faulty struct {
	*httptest.Server
	mu    sync.Mutex
	fault http.HandlerFunc
}

func newFaulty(t testing.TB, target string) *faulty {
	t.Helper()
	address, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = address.Scheme, address.Host // and the host stays, which is signed
	}}
	f := &faulty{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		fault := f.fault
		f.mu.Unlock()
		if fault == nil {
			fault = proxy.ServeHTTP
		}
		fault(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *faulty) inject(fault http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// refuse answers as AWS does, and says back what it was sent: no error of
// theirs may lead a secret into the log.
func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if strings.Contains(r.Header.Get("Content-Type"), "x-amz-json") {
			_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"as injected"}`, code)
			return
		}
		_, _ = fmt.Fprintf(w, `<Error><Code>%s</Code><Message>as injected</Message></Error>`, code)
	}
}

// wanderer asks a gateway for everything there is, and keeps what must stay
// between the two.
type wanderer struct {
	g       *gateway
	secrets map[string]bool
	refused strings.Builder // bodies and headers of all that was refused
	errors  int
}

// confided finds what only the caller may know in an answer.
var confided = regexp.MustCompile(`Signature=([^&";]{30,})|"x-amz-signature":"([^"]+)"|"(?:link|uploadId|secretAccessKey|sessionToken)":"([^"]+)"|/u/([A-Za-z0-9_-]{40,})|X-Amz-Security-Token=([^&"]+)`)

func (w *wanderer) ask(t testing.TB, token, method, path, body string) answer {
	t.Helper()
	headers := map[string]string{}
	if token != "" {
		headers["Authorization"] = "Bearer " + token
	}
	if body != "" {
		headers["Content-Type"] = "application/json"
	}
	got := send(t, method, w.g.url+path, headers, []byte(body))
	text := fmt.Sprint(got.header) + string(got.body)
	if got.status >= http.StatusBadRequest {
		w.errors++
		w.refused.WriteString(text + "\n")
		return got
	}
	for _, groups := range confided.FindAllStringSubmatch(text, -1) {
		for _, secret := range groups[1:] {
			if secret != "" {
				w.secrets[secret] = true
			}
		}
	}
	return got
}

// errand makes the requests that ask most of AWS, as one person.
func (w *wanderer) errand(t testing.TB, token string) {
	t.Helper()
	w.ask(t, token, http.MethodPost, "/v1/read-urls", `{"items":[{"key":"users/alice/pictures/sunrise.png"},{"key":"users/alice/../a"}]}`)
	w.ask(t, token, http.MethodPost, "/v1/uploads", `{"key":"users/alice/film.bin","contentType":"text/plain","method":"multipart"}`)
	w.ask(t, token, http.MethodPost, "/v1/upload-credentials", `{"prefix":"users/alice/inbox/"}`)
	w.ask(t, token, http.MethodGet, "/v1/objects?prefix=users/alice/&urls=true", "")
	w.ask(t, token, http.MethodGet, "/v1/read/users/alice/pictures/sunrise.png?access_token="+token, "")
	w.ask(t, token, http.MethodGet, "/readyz", "")
}

// wander makes every kind of request, well and badly.
func (w *wanderer) wander(t testing.TB, people map[string]string) {
	t.Helper()
	alice := people["alice"]
	post := func(token, path, body string) answer { return w.ask(t, token, http.MethodPost, path, body) }
	member := func(got answer, name string) string {
		var members map[string]any
		_ = json.Unmarshal(got.body, &members)
		text, _ := members[name].(string)
		return text
	}
	for _, token := range people { // some are nobody's
		w.errand(t, token)
		post(token, "/v1/read-cookies", `{"prefix":"users/alice/"}`)
		post(token, "/v1/read-prefixes", `{"prefix":"users/alice/"}`)
		post(token, "/v1/delete-urls", `{"items":[{"key":"users/alice/pictures/none.png"}]}`)
	}
	link := member(post(alice, "/v1/grants", `{"resource":"users/alice/pictures/","grantee":{"kind":"link"},"actions":["read"]}`), "link")
	w.ask(t, people["bob"], http.MethodGet, "/v1/read/users/alice/pictures/sunrise.png?link="+link, "")
	w.ask(t, people["bob"], http.MethodGet, "/v1/read/users/bob/none/../x?link="+link, "")
	for _, method := range []string{"put", "form", "multipart"} {
		size := map[string]string{"put": `,"contentLength":5`, "form": `,"maxLength":9`}[method]
		id := member(post(alice, "/v1/uploads", `{"key":"users/alice/new-`+method+`.bin","contentType":"text/plain","method":"`+method+`"`+size+`}`), "uploadId")
		post(alice, "/v1/uploads/"+id+"/parts", `{"items":[{"partNumber":1}]}`)
		post(people["bob"], "/v1/uploads/"+id+"/parts", `{"items":[{"partNumber":1}]}`)
		post(alice, "/v1/uploads/"+id+"/complete", `{"parts":[{"partNumber":1,"etag":"none"}]}`)
		w.ask(t, alice, http.MethodDelete, "/v1/uploads/"+id, "")
	}
	_, session, _ := strings.Cut(member(post(alice, "/v1/upload-sessions", `{"prefix":"users/alice/inbox/"}`), "url"), "/u/")
	session = "/u/" + session
	w.ask(t, "", http.MethodPost, session+"/s3/multipart", `{"filename":"a.png","type":"image/png"}`)
	w.ask(t, "", http.MethodPost, session+"x/s3/multipart", `{"filename":"a.png","type":"image/png"}`)
	post(alice, "/v1/uploads/sign", `{"method":"POST","key":"users/alice/uppy.bin"}`)
	post(alice, "/v1/uploads/sign", `{"method":"PUT","key":"users/alice/uppy.bin","uploadId":"none"}`)
	signed := member(post(alice, "/v1/read-prefixes", `{"prefix":"users/alice/"}`), "query")
	post(alice, "/v1/read-urls", `{"items":[{"key":"users/alice/a.png?`+signed+`"}]}`)
	post(alice, "/v1/explain", `{"url":"https://elsewhere.example.com/a?`+signed+`"}`)
	post(alice, "/v1/decisions", `{"action":"read","key":"users/bob/`+alice+`"}`)
	post(alice, "/v1/uploads", `{"key": "`+alice+`", "token": "`+link+`"`)
	for _, path := range []string{"/nowhere/" + link, "/v1/grants/" + link} {
		w.ask(t, alice, http.MethodGet, path, "")
	}
}

// mustNotHold looks for secrets, and for the middle of each, in a text.
func (w *wanderer) mustNotHold(t testing.TB, where, text string) {
	t.Helper()
	for secret := range w.secrets {
		if len(secret) >= 20 && strings.Contains(text, secret[len(secret)/2-8:len(secret)/2+8]) {
			at := strings.Index(text, secret[len(secret)/2-8:len(secret)/2+8])
			t.Errorf("%s holds a secret: %s", where, text[max(0, at-120):min(len(text), at+60)])
			return
		}
	}
	for _, form := range []string{"PRIVATE KEY", "whsec_", "Bearer ey", "as stored"} {
		if strings.Contains(text, form) {
			t.Errorf("%s holds %s", where, form)
		}
	}
}

// Everything that is said, shown or kept anywhere, through successes and all
// that AWS, an application and callers do wrong, and what is no secret's place
// besides: the command line, and the environment of the process.
func TestNoSecretIsAnywhereButWhereItBelongs(t *testing.T) {
	s, m, c := startStack(t), startMoto(t), newCollector(t)
	services := newFaulty(t, m.url)
	bucket := newFaulty(t, "http://"+s.s3)
	verdict := `{"decision":"allow"}`
	var mu sync.Mutex
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, verdict)
	}))
	t.Cleanup(application.Close)
	said := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		verdict = text
	}
	dir := t.TempDir()
	hookSecret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of thirty-two bytes ab."))
	writeFile(t, filepath.Join(dir, "hook"), []byte(hookSecret+"\n"))
	keys := "--api-keys-file=" + filepath.Join(dir, "keys.db")

	environment := inSecret(t, s, m)
	s.keys(t, environment, "add", "a", "--key-id=KSLOTA001")
	document := m.secret(t)
	trail := m.newStream(t, "trail")
	environment = append(environment, "SIGNGATE_SECRETS_ENDPOINT="+services.URL, "SIGNGATE_S3_ENDPOINT="+bucket.URL, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	g := s.startGatewayIn(t, environment, keys, "--audit-stream=trail", "--audit-endpoint="+services.URL, "--credentials-role="+uploadsRole, "--sts-endpoint="+services.URL,
		"--decision-hook="+application.URL, "--decision-hook-secret="+filepath.Join(dir, "hook"), "--signing-refresh=100ms", "--signing-grace=1s", "--log-level=debug",
		"--grants-file="+filepath.Join(dir, "grants.db"))
	apiKey := strings.TrimSpace(operate(t, "create", "report", "--machine=reporter", "--scope=read:users/alice/", keys).stdout.String())
	people := map[string]string{
		"alice": g.token(t, "alice"), "bob": g.token(t, "bob"), "a machine": apiKey, "forged": g.token(t, "carol") + "AAAA", "no key": apiKey[:len(apiKey)-4] + "AAAA", "nobody": "",
	}
	w := &wanderer{g: g, secrets: map[string]bool{apiKey[len("sgk_")+17:]: true, hookSecret: true}}
	for _, token := range people {
		if parts := strings.Split(token, "."); len(parts) == 3 {
			w.secrets[parts[2]], w.secrets[parts[1]] = true, true
		}
	}
	for _, line := range regexp.MustCompile(`[A-Za-z0-9+/=]{40,}`).FindAllString(document, -1) { // of PEM, and token secrets
		w.secrets[line] = true
	}
	w.wander(t, people)
	if len(w.secrets) < 25 {
		t.Errorf("only %d secrets are known", len(w.secrets))
	}
	for _, fault := range []http.HandlerFunc{
		refuse(http.StatusBadRequest, "ThrottlingException"), refuse(http.StatusForbidden, "AccessDenied"), refuse(http.StatusBadRequest, "ExpiredTokenException"),
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, document) }, // with all that it is not an answer to
		func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"SecretString": "as stored " + document, "VersionId": "2"})
		},
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for _, one := range []*faulty{services, bucket} {
			one.inject(fault)
			w.errand(t, people["alice"])
			w.errand(t, people["forged"])
			one.inject(nil)
		}
	}
	for _, text := range []string{`{"decision":"deny"}`, `{"decision":"as stored"}`, `as stored`} {
		said(text)
		w.wander(t, people)
	}
	if w.errors < 150 {
		t.Errorf("only %d requests were refused", w.errors)
	}
	for _, file := range []string{"cmdline", "environ"} { // credentials of AWS stand in the latter here, as on Lambda
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", g.command.Process.Pid, file))
		if err != nil || len(text) == 0 {
			t.Fatal(err)
		}
		w.mustNotHold(t, file, string(text))
	}
	g.interrupt(t)
	for _, line := range s.environment(t) {
		if value, ok := strings.CutPrefix(line, "AWS_SECRET_ACCESS_KEY="); ok {
			w.secrets[value] = true
		}
	}
	for where, text := range map[string]string{
		"standard output": g.stdout.String(), "the log": g.stderr.String(), "a refusal": w.refused.String(), "the traces": c.text("/v1/traces"), "the metrics": c.text("/v1/metrics"),
	} {
		if where != "standard output" && len(text) < 1000 {
			t.Errorf("%s: nothing was looked at: %q", where, text)
		}
		w.mustNotHold(t, where, text)
	}
	w.mustNotHold(t, "the trail", contentOf(t, trail, "trail"))
}

// secret is what the one secret of moto's holds.
func (m *moto) secret(t testing.TB) string {
	t.Helper()
	client := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: aws.String(m.url), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	got, err := client.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("signgate/signing")})
	if err != nil {
		t.Fatal(err)
	}
	return *got.SecretString
}

// contentOf is all that lies in a bucket.
func contentOf(t testing.TB, store *s3.Client, bucket string) string {
	t.Helper()
	listed, err := store.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil || len(listed.Contents) == 0 {
		t.Fatal("nothing was delivered", err)
	}
	var all strings.Builder
	for _, object := range listed.Contents {
		got, err := store.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(&all, got.Body)
		_ = got.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
