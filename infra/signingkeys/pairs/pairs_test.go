package pairs_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/signgate/signgate/infra/signingkeys/pairs"
	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
)

const region = "eu-central-1"

// emulator is where moto answers; all tests share it.
var emulator string

var anybody = credentials.NewStaticCredentialsProvider("test", "secret", "")

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := listener.Addr().String()
	host, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		return 0, err
	}
	moto, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", "moto", "bin", "moto_server"))
	if err != nil {
		return 0, err
	}
	server := exec.CommandContext(context.Background(), moto, "--host="+host, "--port="+port)
	said, err := server.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, fmt.Errorf("these tests need moto, which make test installs: %w", err)
	}
	defer func() { err = errors.Join(err, server.Process.Kill()) }()
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Running on") {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			emulator = "http://" + address
			return m.Run(), nil
		}
	}
	return 0, errors.New("moto ended before it listened")
}

var serial atomic.Int64

// newSecret makes a secret, without a value where content is empty, as
// CloudFormation makes the one of managed keys.
func newSecret(t *testing.T, content string) string {
	t.Helper()
	client := secretsmanager.New(secretsmanager.Options{Region: region, Credentials: anybody, BaseEndpoint: aws.String(emulator)})
	input := &secretsmanager.CreateSecretInput{Name: aws.String("signing-" + strconv.FormatInt(serial.Add(1), 10))}
	if content != "" {
		input.SecretString = aws.String(content)
	}
	made, err := client.CreateSecret(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return *made.ARN
}

func open(secret string) *awskeys.Secret {
	return awskeys.NewSecret(awskeys.SecretConfig{ID: secret, Endpoint: emulator, Credentials: anybody})
}

func read(t *testing.T, secret string) *keyring.Document {
	t.Helper()
	document, _, err := open(secret).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// clock is what a handler takes for the time.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newHandler() (*pairs.Handler, *clock) {
	at := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return pairs.NewHandler(pairs.Config{
		Open: func(secret string) pairs.Store { return open(secret) }, KMS: awskeys.NewKMS(awskeys.KMSConfig{Endpoint: emulator, Credentials: anybody}), Now: at.now,
	}), at
}

func pair(kind cfn.RequestType, secret, slot string) cfn.Event {
	return cfn.Event{RequestType: kind, ResourceType: pairs.Pair, PhysicalResourceID: "before", ResourceProperties: map[string]any{"Secret": secret, "Slot": slot}}
}

func ids(secret string, keyIDs map[string]any) cfn.Event {
	return cfn.Event{RequestType: cfn.RequestUpdate, ResourceType: pairs.IDs, ResourceProperties: map[string]any{"Secret": secret, "KeyIDs": keyIDs, "KeepFor": "13h0m0s"}}
}

// handle wants an answer.
func handle(t *testing.T, handler *pairs.Handler, event cfn.Event) (physicalID string, data map[string]any) {
	t.Helper()
	physicalID, data, err := handler.Handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return physicalID, data
}

func TestAPairIsMadeOnceAndOnlyItsPublicHalfIsHandedBack(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	id, data := handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	if id != secret+"#a#P-256" || len(data) != 1 {
		t.Fatalf("%s: %v", id, data)
	}
	public, err := keyring.ParsePublicPEM([]byte(data["PublicKey"].(string)))
	if err != nil || public == nil {
		t.Fatal(err)
	}
	document := read(t, secret)
	if document.Active != "a" || document.Slots["a"].PublicPEM() != data["PublicKey"] || document.Slots["a"].KeyID != "" || !document.HasTokenSecret() {
		t.Errorf("the document: active %q, slot %+v", document.Active, document.Slots["a"])
	}
	for _, kind := range []cfn.RequestType{cfn.RequestCreate, cfn.RequestUpdate} { // CloudFormation asks again
		if againID, again := handle(t, handler, pair(kind, secret, "a")); againID != id || again["PublicKey"] != data["PublicKey"] {
			t.Errorf("%s: another key, or another id %s", kind, againID)
		}
	}
	if text := fmt.Sprint(data, id); strings.Contains(text, "PRIVATE") {
		t.Error("the private half is handed back")
	}
}

func TestASecondSlotHasAnotherKeyAndWaits(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	_, first := handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	_, second := handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	document := read(t, secret)
	if first["PublicKey"] == second["PublicKey"] || document.Active != "a" || !document.Slots["b"].Waits() {
		t.Errorf("active %q, second %+v", document.Active, document.Slots["b"])
	}
}

func TestNothingIsDeleted(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	_, data := handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	for _, event := range []cfn.Event{pair(cfn.RequestDelete, secret, "a"), {RequestType: cfn.RequestDelete, PhysicalResourceID: "before"}} {
		if id, data := handle(t, handler, event); id != "before" || data != nil {
			t.Errorf("%s: %v", id, data)
		}
	}
	if read(t, secret).Slots["a"].PublicPEM() != data["PublicKey"] {
		t.Error("the key is gone")
	}
}

func TestWhatElseASecretHoldsIsLeft(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "password-of-something-else")
	id, data, err := handler.Handle(t.Context(), pair(cfn.RequestCreate, secret, "a"))
	if !errors.Is(err, keyring.ErrDocument) || data != nil || id != "before" || strings.Contains(err.Error(), "password") {
		t.Errorf("%s: %v, %v", id, data, err)
	}
	if _, _, err := open(secret).Read(t.Context()); !errors.Is(err, keyring.ErrDocument) {
		t.Errorf("it was overwritten: %v", err)
	}
}

func TestKeysAreKnownByCloudFrontsIDs(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	for range 2 {
		if id, _ := handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1"})); id != secret+"#ids" || read(t, secret).Slots["a"].KeyID != "KEXAMPLE1" {
			t.Errorf("%s: %+v", id, read(t, secret).Slots["a"])
		}
	}
	if _, err := open(secret).Load(t.Context(), nil); err != nil {
		t.Errorf("a gateway can't take it: %v", err)
	}
	none := ids(secret, map[string]any{"a": "KEXAMPLE1", "z": "KEXAMPLE3"})
	none.RequestType = cfn.RequestCreate
	if _, _, err := handler.Handle(t.Context(), none); !errors.Is(err, keyring.ErrSlot) {
		t.Errorf("an id for no key: %v", err)
	}
}

// retire has another slot sign.
func retire(t *testing.T, secret, to string, at time.Time) {
	t.Helper()
	document, revision, err := open(secret).Read(t.Context())
	if err == nil {
		err = errors.Join(document.Switch(to, at), open(secret).Write(t.Context(), document, revision))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestADeploymentThatForgotASpentKeyCanBeRolledBackWhenTheSecretForgotItToo(t *testing.T) {
	t.Parallel()
	handler, at := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	both := ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"})
	handle(t, handler, both)
	retire(t, secret, "b", at.now())
	at.Time = at.Add(13 * time.Hour)
	handle(t, handler, ids(secret, map[string]any{"b": "KEXAMPLE2"}))
	document, revision, err := open(secret).Read(t.Context())
	if err == nil { // as signgate keys rotate does it
		err = errors.Join(document.Remove("a", at.now()), open(secret).Write(t.Context(), document, revision))
	}
	if err != nil {
		t.Fatal(err)
	}
	handle(t, handler, both) // the rollback
	if document := read(t, secret); len(document.Slots) != 1 || document.Slots["b"].KeyID != "KEXAMPLE2" {
		t.Errorf("it knows %v", document.Names())
	}
}

func TestASlotThatHasSignedDoesNotComeBackUnderAnotherID(t *testing.T) {
	t.Parallel()
	handler, at := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	retire(t, secret, "b", at.now())
	for slot, keyIDs := range map[string]map[string]any{"a": {"a": "KEXAMPLE3", "b": "KEXAMPLE2"}, "b": {"a": "KEXAMPLE1", "b": "KEXAMPLE3"}} {
		_, _, err := handler.Handle(t.Context(), ids(secret, keyIDs))
		if !errors.Is(err, keyring.ErrSlot) || !strings.Contains(err.Error(), "slot "+slot+" ") || !strings.Contains(err.Error(), "takes a new name") {
			t.Errorf("%s: %v", slot, err)
		}
		if document := read(t, secret); document.Slots["a"].KeyID != "KEXAMPLE1" || document.Slots["b"].KeyID != "KEXAMPLE2" {
			t.Errorf("%s: it was written: %+v", slot, document.Slots)
		}
	}
}

func TestADeploymentThatWasRolledBackCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	_, made := handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1"})) // rolled back: b's public key is gone
	_, again := handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE3"}))
	document := read(t, secret)
	if again["PublicKey"] != made["PublicKey"] || document.Slots["b"].KeyID != "KEXAMPLE3" || document.Slots["b"].PublicPEM() != made["PublicKey"] || document.Active != "a" {
		t.Errorf("active %q, b %+v", document.Active, document.Slots["b"])
	}
}

// gone asks for what CloudFormation asks for when a slot's resource is gone.
func gone(physicalID, secret, slot string) cfn.Event {
	event := pair(cfn.RequestDelete, secret, slot)
	event.PhysicalResourceID = physicalID
	return event
}

// Else signgate keys rotate would wait for the slot's deployment forever.
func TestASlotThatIsGoneAndNeverSignedIsForgotten(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	inSecret, _ := handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	atKMS, _ := handle(t, handler, inKMS(cfn.RequestCreate, secret, "c", signs(t)))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1"})) // rolled back
	for _, event := range []cfn.Event{gone(inSecret, secret, "b"), gone(atKMS, secret, "c"), gone(atKMS, secret, "c")} {
		if id, _ := handle(t, handler, event); id != event.PhysicalResourceID {
			t.Errorf("%s became %s", event.PhysicalResourceID, id)
		}
	}
	if left := read(t, secret).Names(); len(left) != 1 || left[0] != "a" {
		t.Errorf("what is left: %v", left)
	}
}

func TestASlotThatIsGoneIsKeptWhereItsKeyIsOrWasNeeded(t *testing.T) {
	t.Parallel()
	handler, at := newHandler()
	secret := newSecret(t, "")
	a, _ := handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	b, _ := handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	c, _ := handle(t, handler, pair(cfn.RequestCreate, secret, "c"))
	d, _ := handle(t, handler, inKMS(cfn.RequestCreate, secret, "d", signs(t)))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2", "c": "KEXAMPLE3"}))
	retire(t, secret, "b", at.now())
	for name, event := range map[string]cfn.Event{
		"retired": gone(a, secret, "a"), "signs": gone(b, secret, "b"), "waits at the distribution": gone(c, secret, "c"),
		"another key of the slot": gone(secret+"#d#P-256", secret, "d"), "of a creation that failed": gone("2026/03/01/[$LATEST]1234", secret, "d"),
		"another secret's": gone(d, newSecret(t, ""), "d"), "of no secret": gone(d, "", "d"), "of a secret that is gone": gone(d, secret+"x", "d"),
	} {
		handle(t, handler, event)
		if left := read(t, secret).Names(); len(left) != 4 {
			t.Fatalf("%s: %v", name, left)
		}
	}
}

// Going back would make another pair, and CloudFront has the public half of the
// first one under the id that the slot gets back.
func TestAWaitingSlotsPairIsNotGivenUpWhereARollbackWouldWantItBack(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	_, made := handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	both := ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"})
	handle(t, handler, both)
	if _, _, err := handler.Handle(t.Context(), inKMS(cfn.RequestUpdate, secret, "b", signs(t))); !errors.Is(err, pairs.ErrNeeded) || !strings.Contains(err.Error(), "slot of another name") {
		t.Errorf("it was given up: %v", err)
	}
	_, again := handle(t, handler, pair(cfn.RequestUpdate, secret, "b")) // the rollback
	handle(t, handler, both)
	if held := read(t, secret).Slots["b"]; again["PublicKey"] != made["PublicKey"] || held.PublicPEM() != made["PublicKey"] || held.KeyID != "KEXAMPLE2" {
		t.Errorf("the distribution has another key as KEXAMPLE2")
	}
}

func TestAKeyIsTakenFromTheDistributionOnlyWhenNoURLNeedsIt(t *testing.T) {
	t.Parallel()
	handler, at := newHandler()
	secret := newSecret(t, "")
	handle(t, handler, pair(cfn.RequestCreate, secret, "a"))
	handle(t, handler, pair(cfn.RequestCreate, secret, "b"))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1"})) // b has never signed
	if waiting := read(t, secret); waiting.Slots["b"].KeyID != "" || waiting.Switch("b", at.now()) == nil {
		t.Errorf("b can be made to sign while the distribution forgets it: %+v", waiting.Slots["b"])
	}
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
	withoutA := ids(secret, map[string]any{"b": "KEXAMPLE2"})
	refused := func(why string) {
		t.Helper()
		if _, _, err := handler.Handle(t.Context(), withoutA); !errors.Is(err, pairs.ErrNeeded) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v doesn't say that %s", err, why)
		}
	}
	refused("a signs")
	retire(t, secret, "b", at.now())
	at.Time = at.Add(13*time.Hour - time.Second)
	refused("may live until 2026-03-02T01:00:00Z")
	at.Time = at.Add(time.Second)
	handle(t, handler, withoutA)
}

// A document that somebody wrote by hand needn't say since when its key signs.
func TestAKeyThatSignsIsNeededWhateverIsWrittenOfIt(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	document := keyring.NewDocument(true)
	document.Active = "a"
	for slot, id := range map[string]string{"a": "KEXAMPLE1", "b": "KEXAMPLE2"} {
		key, err := keyring.Generate(keyring.P256)
		if err != nil {
			t.Fatal(err)
		}
		private, err := keyring.MarshalPrivatePEM(key)
		if err != nil {
			t.Fatal(err)
		}
		document.Slots[slot] = keyring.Slot{KeyID: id}.WithPrivateKey(private)
	}
	text, err := document.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	secret := newSecret(t, string(text))
	if _, _, err := handler.Handle(t.Context(), ids(secret, map[string]any{"b": "KEXAMPLE2"})); !errors.Is(err, pairs.ErrNeeded) {
		t.Errorf("without the key that signs: %v", err)
	}
	handle(t, handler, ids(secret, map[string]any{"a": "KEXAMPLE1", "b": "KEXAMPLE2"}))
}

// contested is a store that somebody else changes first, n times.
type contested struct {
	*awskeys.Secret
	n int
}

func (c *contested) Write(ctx context.Context, document *keyring.Document, revision string) error {
	if c.n > 0 {
		c.n--
		return fmt.Errorf("%w: the secret", keyring.ErrConflict)
	}
	return c.Secret.Write(ctx, document, revision)
}

func TestAChangeThatMetAnotherBeginsAgainAndNotForever(t *testing.T) {
	t.Parallel()
	_, at := newHandler()
	for conflicts, want := range map[int]error{2: nil, 100: keyring.ErrConflict} {
		secret := newSecret(t, "")
		handler := pairs.NewHandler(pairs.Config{Open: func(secret string) pairs.Store { return &contested{open(secret), conflicts} }, Now: at.now})
		_, data, err := handler.Handle(t.Context(), pair(cfn.RequestCreate, secret, "a"))
		if !errors.Is(err, want) || (want == nil) != (data["PublicKey"] != nil) {
			t.Errorf("%d conflicts: %v, %v", conflicts, data, err)
		}
	}
}

func TestRequestsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret := newSecret(t, "")
	with := func(event cfn.Event, change func(properties map[string]any)) cfn.Event {
		change(event.ResourceProperties)
		return event
	}
	for name, event := range map[string]cfn.Event{
		"another type":   {RequestType: cfn.RequestCreate, ResourceType: "Custom::Other", ResourceProperties: map[string]any{"Secret": secret}},
		"no secret":      pair(cfn.RequestCreate, "", "a"),
		"no slot":        pair(cfn.RequestCreate, secret, ""),
		"no key in KMS":  with(pair(cfn.RequestCreate, secret, "a"), func(p map[string]any) { p["KMSKey"] = "" }),
		"a slot of text": with(pair(cfn.RequestCreate, secret, "a"), func(p map[string]any) { p["Slot"] = 1 }),
		"no ids":         ids(secret, nil),
		"no id":          ids(secret, map[string]any{"a": ""}),
		"no KeepFor":     with(ids(secret, map[string]any{"a": "KEXAMPLE1"}), func(p map[string]any) { delete(p, "KeepFor") }),
		"no time":        with(ids(secret, map[string]any{"a": "KEXAMPLE1"}), func(p map[string]any) { p["KeepFor"] = "-1h" }),
	} {
		if _, _, err := handler.Handle(t.Context(), event); !errors.Is(err, pairs.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := handler.Handle(t.Context(), pair(cfn.RequestCreate, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:none-AbCdEf", "a")); err == nil {
		t.Error("a secret that isn't there took a key")
	}
}

// What CloudFormation gets, and shows to whoever looks at a stack.
func TestCloudFormationIsAnsweredWithoutAPrivateKey(t *testing.T) {
	t.Parallel()
	handler, _ := newHandler()
	secret, other := newSecret(t, ""), newSecret(t, "password-of-something-else")
	var answered []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { answered, _ = io.ReadAll(r.Body) }))
	t.Cleanup(server.Close)
	for secret, status := range map[string]cfn.StatusType{secret: cfn.StatusSuccess, other: cfn.StatusFailed} {
		event := pair(cfn.RequestCreate, secret, "a")
		event.ResponseURL, event.RequestID, event.PhysicalResourceID = server.URL, "request", ""
		if reason, err := cfn.LambdaWrap(handler.Handle)(t.Context(), event); err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		var answer cfn.Response
		if err := json.Unmarshal(answered, &answer); err != nil || answer.Status != status || answer.PhysicalResourceID == "" {
			t.Errorf("%s: %v", answered, err)
		}
		if bytes.Contains(answered, []byte("PRIVATE")) || bytes.Contains(answered, []byte("password")) {
			t.Errorf("the answer shows what the secret holds: %s", answered)
		}
		if public, _ := answer.Data["PublicKey"].(string); (status == cfn.StatusSuccess) != strings.HasPrefix(public, "-----BEGIN PUBLIC KEY-----") {
			t.Errorf("%s with the public half %q", status, public)
		}
	}
}
