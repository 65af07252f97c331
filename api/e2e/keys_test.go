package e2e_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/problem"
)

// hurried are settings with which a rotation is a matter of seconds.
func hurried() []string {
	return []string{"--signing-refresh=200ms", "--signing-grace=1s", "--max-read-life=3s"}
}

// rotate begins `signgate keys rotate` against the local edge.
func (s *stack) rotate(t testing.TB, options ...string) *process {
	t.Helper()
	arguments := append([]string{"keys", "rotate", "--probe-every=100ms", "--key-group=" + filepath.Join(s.data, "key-group")}, hurried()...)
	return start(t, s.environment(t), "signgate", append(arguments, options...)...)
}

// traffic asks for URLs and uses each at once and shortly before it expires,
// all the time.
type traffic struct {
	mu     sync.Mutex
	keys   map[string]int // requests that went well, by the key that signed
	failed []string
	stop   context.CancelFunc
	all    sync.WaitGroup
}

const urlLife = 2 * time.Second

func startTraffic(t *testing.T, g *gateway) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	tr := &traffic{keys: map[string]int{}, stop: stop}
	t.Cleanup(stop)
	caller := g.as(t, "alice")
	for range 3 {
		tr.all.Go(func() {
			for ctx.Err() == nil {
				tr.once(ctx, caller)
			}
		})
	}
	return tr
}

func (tr *traffic) once(ctx context.Context, caller *client.Client) {
	asked := time.Now()
	read, err := caller.ReadURL(ctx, client.ReadItem{Key: "users/alice/pictures/meadow.png", Conditions: client.Conditions{ExpiresIn: new(int64(urlLife / time.Second))}})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		tr.note("", err.Error())
		return
	}
	signed, err := url.Parse(read.URL)
	if err != nil {
		tr.note("", "not a URL")
		return
	}
	id := signed.Query().Get("Key-Pair-Id")
	tr.fetch(ctx, id, read.URL)
	timer := time.NewTimer(read.ExpiresAt.Sub(asked) - urlLife/4)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		tr.fetch(ctx, id, read.URL)
	}
}

func (tr *traffic) fetch(ctx context.Context, id, signed string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, signed, nil)
	if err != nil {
		tr.note(id, "not a URL")
		return
	}
	response, err := http.DefaultClient.Do(request)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		tr.note(id, "no answer")
		return
	}
	_ = response.Body.Close()
	problem := ""
	if response.StatusCode != http.StatusOK {
		problem = fmt.Sprintf("%s: %d %s", id, response.StatusCode, response.Header.Get("X-Signgate-Reason"))
	}
	tr.note(id, problem)
}

func (tr *traffic) note(id, problem string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if problem != "" {
		tr.failed = append(tr.failed, problem)
		return
	}
	tr.keys[id]++
}

func (tr *traffic) end(t *testing.T) map[string]int {
	t.Helper()
	tr.stop()
	tr.all.Wait()
	if len(tr.failed) > 0 {
		t.Errorf("%d requests failed: %s", len(tr.failed), tr.failed[0])
	}
	return tr.keys
}

// active is the key that the document of the stack's keys says signs.
func (s *stack) active(t testing.TB) string {
	t.Helper()
	document, _, err := keyring.NewFolder(filepath.Join(s.data, "keys"), "", nil).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return document.Slots[document.Active].KeyID
}

func TestARotationFailsNotOneRequestAndGoesOnWhereItWasBrokenOff(t *testing.T) {
	s := startStack(t)
	g := s.startGateway(t, append(hurried(), "--read-life=2s")...)
	upload := g.requestUpload(t, "alice", client.UploadRequest{Key: "users/alice/film.mp4", ContentType: "video/mp4", Method: "multipart"})
	before := s.active(t)
	running := startTraffic(t, g)

	// Broken off as soon as there is a new key, and again after the switch.
	first := s.rotate(t, "--wait=1m")
	first.waitFor(t, first.stdout, "added: ")
	if err := first.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	second := s.rotate(t)
	second.waitFor(t, second.stdout, "switched: ")
	second.waitFor(t, second.stdout, "may live until")
	_ = second.command.Process.Signal(os.Interrupt)
	if code := second.exitCode(t); code != 3 || !strings.Contains(second.stderr.String(), "rotate again") {
		t.Errorf("interrupted: %d %s", code, second.stderr)
	}
	after := s.active(t)
	if after == before {
		t.Fatal("nothing was switched")
	}
	// URLs that the old key signed live: it isn't removed for any hurry.
	if third := s.rotate(t, "--wait=0s"); third.exitCode(t) != 3 || !strings.Contains(third.stderr.String(), "go on at") {
		t.Errorf("in a hurry: %s%s", third.stdout, third.stderr)
	}
	if status := start(t, s.environment(t), "signgate", append([]string{"keys", "status", "--probe"}, hurried()...)...); status.exitCode(t) != 0 ||
		strings.Count(status.stdout.String(), "takes it") != 2 || !strings.Contains(status.stdout.String(), "retiring") {
		t.Errorf("status:\n%s%s", status.stdout, status.stderr)
	}
	last := s.rotate(t)
	if code := last.exitCode(t); code != 0 || !strings.Contains(last.stdout.String(), "removed: "+before) {
		t.Errorf("%d %s%s", code, last.stdout, last.stderr)
	}
	counted := running.end(t)
	if counted[before] == 0 || counted[after] == 0 || len(counted) != 2 {
		t.Errorf("requests by key: %v", counted)
	}
	// The edge has forgotten the old key, and what was begun under it goes on.
	if _, err := os.Stat(filepath.Join(s.data, "key-group", before+".pem")); !os.IsNotExist(err) {
		t.Errorf("the old key is trusted still: %v", err)
	}
	if _, err := g.as(t, "alice").ListParts(t.Context(), upload.UploadID); err != nil {
		t.Errorf("an upload that began under the old key: %v", err)
	}
	mustTellNoKey(t, s, g.process, first, second, last)
}

// mustTellNoKey looks for private halves in all that processes said.
func mustTellNoKey(t testing.TB, s *stack, processes ...*process) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data, "keys", "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		mustNotHoldSecretsOf(t, string(text), p)
	}
}

func mustNotHoldSecretsOf(t testing.TB, document string, p *process) {
	t.Helper()
	_, private, _ := strings.Cut(document, `PRIVATE KEY-----\n`)
	_, token, _ := strings.Cut(document, `"tokenSecrets": [`)
	said := p.stdout.String() + p.stderr.String() + strings.Join(p.command.Args, " ")
	for _, secret := range []string{private[:40], strings.TrimSpace(token)[1:40], "PRIVATE KEY", "Signature="} {
		if strings.Contains(said, secret) {
			t.Errorf("%s tells a secret:\n%s", p.command.Path, said)
		}
	}
}

// inSecret is a gateway's environment whose keys are in a secret of moto's.
func inSecret(t testing.TB, s *stack, m *moto) []string {
	t.Helper()
	store := secretsmanager.New(secretsmanager.Options{Region: "us-east-1", BaseEndpoint: aws.String(m.url), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	if _, err := store.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("signgate/signing")}); err != nil {
		t.Fatal(err)
	}
	return append(s.environment(t), "SIGNGATE_SIGNING_KEYS=", "SIGNGATE_SIGNING_SECRET=signgate/signing", "SIGNGATE_SECRETS_ENDPOINT="+m.url, "SIGNGATE_KMS_ENDPOINT="+m.url)
}

func (s *stack) keys(t testing.TB, environment []string, arguments ...string) *process {
	t.Helper()
	p := start(t, environment, "signgate", append([]string{"keys"}, arguments...)...)
	p.exitCode(t)
	return p
}

// waitForTrust waits until the edge takes the only key.
func (s *stack) waitForTrust(t testing.TB, environment []string) {
	t.Helper()
	waitUntil(t, "the edge takes the key", func() bool {
		return strings.Contains(s.keys(t, environment, "status", "--probe").stdout.String(), "takes it")
	})
}

// The way of an operator on AWS, with the local edge in CloudFront's place: its
// folder of keys is changed by hand where a deployment would change it.
func TestKeysInASecretAreRotatedTogetherWithDeployments(t *testing.T) {
	s, m := startStack(t), startMoto(t)
	environment := inSecret(t, s, m)
	deploy := func(id, public string) { writeFile(t, filepath.Join(s.data, "key-group", id+".pem"), []byte(public)) }
	refused := start(t, environment, "signgate", "serve")
	if refused.exitCode(t) == 0 || !strings.Contains(refused.stderr.String(), "signing-secret") {
		t.Errorf("a start without any key: %s", refused.stderr)
	}
	added := s.keys(t, environment, "add", "a")
	if !strings.Contains(added.stdout.String(), "PUBLIC KEY") {
		t.Fatalf("%s%s", added.stdout, added.stderr)
	}
	deploy("KSLOTA001", added.stdout.String())
	s.keys(t, environment, "bind", "a", "KSLOTA001")
	s.waitForTrust(t, environment)
	g := s.startGatewayIn(t, environment, append(hurried(), "--read-life=2s")...)
	running := startTraffic(t, g)
	rotate := func(wantCode int, says string) {
		t.Helper()
		p := start(t, environment, "signgate", append([]string{"keys", "rotate", "--probe-every=100ms"}, hurried()...)...)
		if code := p.exitCode(t); code != wantCode || !strings.Contains(p.stdout.String()+p.stderr.String(), says) {
			t.Errorf("rotate: %d %s%s", code, p.stdout, p.stderr)
		}
		mustNotSay(t, p, "PRIVATE", "Signature=")
	}
	rotate(3, "add a slot")
	added = s.keys(t, environment, "add", "b")
	rotate(3, "has no keyId yet")
	deploy("KSLOTB001", added.stdout.String())
	s.keys(t, environment, "bind", "b", "KSLOTB001")
	rotate(3, "remove slot a")
	if err := os.Remove(filepath.Join(s.data, "key-group", "KSLOTA001.pem")); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the edge forgets the key", func() bool {
		return strings.Contains(s.keys(t, environment, "status", "--probe").stdout.String(), "doesn't know it")
	})
	rotate(0, "removed: KSLOTA001")
	if counted := running.end(t); counted["KSLOTA001"] == 0 || counted["KSLOTB001"] == 0 || len(counted) != 2 {
		t.Errorf("requests by key: %v", counted)
	}
	mustNotSay(t, g.process, "PRIVATE", "Signature=")
}

// While Secrets Manager is away, what is known signs; readiness says so, and
// fails when nobody can know any more which key is active.
func TestAGatewayOutlivesSecretsManagerAndSaysSo(t *testing.T) {
	s, m := startStack(t), startMoto(t)
	environment := inSecret(t, s, m)
	added := s.keys(t, environment, "add", "a", "--key-id=KSLOTA001")
	writeFile(t, filepath.Join(s.data, "key-group", "KSLOTA001.pem"), []byte(added.stdout.String()))
	s.waitForTrust(t, environment)
	g := s.startGatewayIn(t, environment, "--signing-refresh=200ms", "--signing-grace=10s", "--max-read-life=1h")
	if err := m.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-m.ended
	waitUntil(t, "readiness says so", func() bool {
		got := get(t, g.url+"/readyz")
		return got.status == http.StatusOK && strings.Contains(string(got.body), "degraded")
	})
	if got := get(t, g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/meadow.png"}).URL); got.status != http.StatusOK {
		t.Errorf("what is known: %d", got.status)
	}
	waitUntil(t, "the grace is over", func() bool { return get(t, g.url+"/readyz").status == http.StatusServiceUnavailable })
	waitUntil(t, "no URL may outlive its key", func() bool {
		_, err := g.as(t, "alice").ReadURL(t.Context(), client.ReadItem{Key: "users/alice/pictures/meadow.png", Conditions: client.Conditions{ExpiresIn: new(int64(3600))}})
		var document *problem.Document
		return errors.As(err, &document) && document.Code == problem.Unavailable.Code
	})
	g.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/meadow.png"})
}

func mustNotSay(t testing.TB, p *process, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if said := p.stdout.String() + p.stderr.String(); strings.Contains(said, text) {
			t.Errorf("%s says %s:\n%s", p.command.Path, text, said)
		}
	}
}

// waitUntil looks again and again.
func waitUntil(t testing.TB, what string, come func() bool) {
	t.Helper()
	enough := time.After(patience)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !come() {
		select {
		case <-again.C:
		case <-enough:
			t.Fatalf("%s: not so", what)
		}
	}
}

// startKMS is moto with a KMS that signs digests as AWS's does.
func startKMS(t testing.TB) *moto {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(freeAddresses(t, 1)[0], ":")
	m := &moto{url: "http://" + host + ":" + port, process: launch(t, nil, nil, filepath.Join(root, ".cache", "moto", "bin", "python"),
		filepath.Join(root, "pkg", "keyring", "awskeys", "testdata", "emulator.py"), "--host="+host, "--port="+port)}
	m.waitFor(t, m.stderr, "Running on")
	return m
}

// inKMS makes a key in KMS and returns its ARN and the file of its public half.
func (m *moto) inKMS(t testing.TB, spec types.KeySpec) (arn, public string) {
	t.Helper()
	client := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: aws.String(m.url), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		t.Fatal(err)
	}
	half, err := client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: made.KeyMetadata.Arn})
	if err != nil {
		t.Fatal(err)
	}
	public = filepath.Join(t.TempDir(), "public.pem")
	writeFile(t, public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: half.PublicKey}))
	return *made.KeyMetadata.Arn, public
}

func TestAKeyInKMSSignsWhatTheEdgeTakes(t *testing.T) {
	s, m := startStack(t), startKMS(t)
	environment := inSecret(t, s, m)
	arn, public := m.inKMS(t, types.KeySpecEccNistP256)
	added := s.keys(t, environment, "add", "a", "--key-id=KSLOTA001", "--kms-key="+arn, "--public-key="+public)
	writeFile(t, filepath.Join(s.data, "key-group", "KSLOTA001.pem"), []byte(added.stdout.String()))
	s.waitForTrust(t, environment)
	g := s.startGatewayIn(t, environment)
	item := client.ReadItem{Key: "users/alice/pictures/meadow.png", Stable: true}
	first, second := g.readURL(t, "alice", item), g.readURL(t, "alice", item)
	if got := get(t, first.URL); got.status != http.StatusOK || first.URL != second.URL {
		t.Errorf("%d %s; the same URL: %t", got.status, got.body, first.URL == second.URL)
	}
	if got := get(t, g.url+"/readyz"); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	mustNotSay(t, g.process, "Signature=")
	if sha1 := start(t, environment, "signgate", "serve", "--signing-hash=SHA1"); sha1.exitCode(t) == 0 || !strings.Contains(sha1.stderr.String(), "SHA256") {
		t.Errorf("SHA-1: %s", sha1.stderr)
	}
}

// Only the gateway signs with keys in KMS: who rotates them has no way there,
// and the old one is gone before its slot is.
func TestKeysInKMSAreRotatedByWhoMayNotUseThem(t *testing.T) {
	s, m := startStack(t), startKMS(t)
	environment := inSecret(t, s, m)
	operator := append(slices.Clone(environment), "SIGNGATE_KMS_ENDPOINT=http://"+freeAddresses(t, 1)[0])
	deploy := func(slot, id string) (arn string) {
		arn, public := m.inKMS(t, types.KeySpecEccNistP256)
		added := s.keys(t, environment, "add", slot, "--key-id="+id, "--kms-key="+arn, "--public-key="+public)
		writeFile(t, filepath.Join(s.data, "key-group", id+".pem"), []byte(added.stdout.String()))
		return arn
	}
	status := func(says string) {
		t.Helper()
		waitUntil(t, says, func() bool {
			return strings.Contains(s.keys(t, operator, "status", "--probe").stdout.String(), says)
		})
	}
	rotate := func(wantCode int, says string) {
		t.Helper()
		p := start(t, operator, "signgate", append([]string{"keys", "rotate", "--without-key", "--probe-every=100ms"}, hurried()...)...)
		if code := p.exitCode(t); code != wantCode || !strings.Contains(p.stdout.String()+p.stderr.String(), says) {
			t.Errorf("rotate: %d %s%s", code, p.stdout, p.stderr)
		}
	}
	old := deploy("a", "KSLOTA001")
	status("knows its id")
	g := s.startGatewayIn(t, environment, append(hurried(), "--read-life=2s")...)
	running := startTraffic(t, g)
	deploy("b", "KSLOTB001")
	rotate(3, "remove slot a")
	if err := os.Remove(filepath.Join(s.data, "key-group", "KSLOTA001.pem")); err != nil {
		t.Fatal(err)
	}
	status("doesn't know it")
	service := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: aws.String(m.url), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	// moto takes no ARN here.
	if _, err := service.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: aws.String(old[strings.LastIndex(old, "/")+1:])}); err != nil {
		t.Fatal(err)
	}
	rotate(0, "removed: KSLOTA001")
	if counted := running.end(t); counted["KSLOTA001"] == 0 || counted["KSLOTB001"] == 0 || len(counted) != 2 {
		t.Errorf("requests by key: %v", counted)
	}
	mustNotSay(t, g.process, "Signature=")
}

// Nothing can be derived from a key whose signatures differ each time.
func TestAKeyInKMSWithoutATokenSecretStartsNothing(t *testing.T) {
	s, m := startStack(t), startKMS(t)
	arn, public := m.inKMS(t, types.KeySpecRsa2048)
	text, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "keys.json"), []byte(`{"version":1,"active":"a","slots":{"a":{"keyId":"KSLOTA001","kmsKey":"`+arn+`","publicKey":"`+
		strings.ReplaceAll(string(text), "\n", `\n`)+`"}}}`))
	p := start(t, append(s.environment(t), "SIGNGATE_KMS_ENDPOINT="+m.url), "signgate", "serve", "--signing-keys="+folder)
	if p.exitCode(t) == 0 || !strings.Contains(p.stderr.String(), "tokenSecrets") || strings.Count(p.stderr.String(), "\n") != 1 {
		t.Errorf("%s", p.stderr)
	}
}

// A gateway whose settings name the active key takes no other, so that nothing
// is rotated before they leave it out.
func TestAFolderWithoutADocumentGetsOneBeforeItsKeysAreRotated(t *testing.T) {
	s := startStack(t)
	folder := s.plainKeys(t, ecKey)
	environment := append(s.environment(t), "SIGNGATE_SIGNING_KEYS="+folder)
	named := s.startGatewayIn(t, environment, append(hurried(), "--read-life=1s", "--active-key-id="+ecKey)...)
	first := s.keys(t, environment, append([]string{"rotate", "--active-key-id=" + ecKey}, hurried()...)...)
	if first.exitCode(t) != 3 || !strings.Contains(first.stderr.String(), "leave active-key-id out") {
		t.Errorf("%s%s", first.stdout, first.stderr)
	}
	g := s.startGatewayIn(t, environment, append(hurried(), "--read-life=1s")...)
	for _, each := range []*gateway{named, g} {
		if id := each.readURL(t, "alice", client.ReadItem{Key: "users/alice/pictures/meadow.png"}).URL; !strings.Contains(id, "Key-Pair-Id="+ecKey) {
			t.Errorf("another key signs")
		}
	}
	// Ids of uploads are sealed under keys that are derived from the signing
	// keys here, and the cursors of lists live an hour.
	last := s.rotate(t, "--signing-keys="+folder, "--wait=30s")
	if last.exitCode(t) != 3 || !strings.Contains(last.stdout.String(), "switched") || !strings.Contains(last.stdout.String(), "may live until") {
		t.Errorf("%s%s", last.stdout, last.stderr)
	}
}

// What a gateway goes by, those go by who look after its keys: how long a key is
// needed is a setting's to say.
func TestTheCommandsTakeTheGatewaysSettingsFromWhereItDoes(t *testing.T) {
	s := startStack(t)
	m := startMoto(t)
	named, rest := settingsOf(s.environment(t))
	delete(named, "listen")
	named["max-read-life"], named["api-keys-file"] = "240h", filepath.Join(t.TempDir(), "keys.db")
	members := map[string]string{}
	for name, value := range named {
		m.putParameter(t, "/signgate/test/"+name, value, "String")
		words := strings.Split(name, "-")
		for i, word := range words[1:] {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
		members[strings.Join(words, "")] = value
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	writeFile(t, file, text)
	rest = append(rest, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_SSM="+m.url)
	run := func(arguments ...string) *process {
		t.Helper()
		p := start(t, rest, "signgate", arguments...)
		if code := p.exitCode(t); code != 0 && code != 3 {
			t.Errorf("%v: %d %s", arguments, code, p.stderr)
		}
		return p
	}
	if p := run("apikey", "create", "reports", "--machine=reporter", "--scope=read", "--config="+file); p.stdout.String() == "" {
		t.Error("no API key was made")
	}
	for _, source := range []string{"--config=" + file, "--parameters=/signgate/test"} {
		if listed := run("apikey", "list", source).stdout.String(); !strings.Contains(listed, "reporter") {
			t.Errorf("%s: API keys:\n%s", source, listed)
		}
		if status := run("keys", "status", source).stdout.String(); !strings.Contains(status, s.active(t)) {
			t.Errorf("%s: signing keys:\n%s", source, status)
		}
	}
	until := run("keys", "rotate", "--parameters=/signgate/test", "--wait=30s", "--probe-every=100ms", "--signing-refresh=200ms", "--key-group="+filepath.Join(s.data, "key-group"))
	day := time.Now().UTC().Add(240 * time.Hour).Format(time.DateOnly)
	if !strings.Contains(until.stdout.String(), "may live until "+day) {
		t.Errorf("until %s:\n%s%s", day, until.stdout, until.stderr)
	}
}
