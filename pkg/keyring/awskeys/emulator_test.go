package awskeys_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/keyring/awskeys"
)

const region = "eu-central-1"

// emulator is where moto answers; all tests share it.
var emulator string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := listener.Addr().String()
	host, port, _ := net.SplitHostPort(address)
	if err := listener.Close(); err != nil {
		return 0, err
	}
	python, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", "moto", "bin", "python"))
	if err != nil {
		return 0, err
	}
	server := exec.CommandContext(context.Background(), python, filepath.Join("testdata", "emulator.py"), "--host="+host, "--port="+port)
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

var anybody = credentials.NewStaticCredentialsProvider("test", "hidden-secret-access-key", "hidden-session-token")

// kmsKey makes a key in KMS and returns the slot that names it.
func kmsKey(t testing.TB, spec types.KeySpec, usage types.KeyUsageType) keyring.Slot {
	t.Helper()
	client := kms.New(kms.Options{Region: region, Credentials: anybody, BaseEndpoint: aws.String(emulator)})
	made, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})
	if err != nil {
		t.Fatal(err)
	}
	slot := keyring.Slot{KeyID: "KINKMS0001", KMSKey: *made.KeyMetadata.Arn}
	if public, err := client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: made.KeyMetadata.Arn}); err == nil {
		slot.PublicKey = publicPEM(public.PublicKey)
	}
	return slot
}

// newSecret makes a secret of this content, none where it is empty, and
// returns its ARN.
func newSecret(t testing.TB, content string) string {
	t.Helper()
	client := secretsmanager.New(secretsmanager.Options{Region: region, Credentials: anybody, BaseEndpoint: aws.String(emulator)})
	input := &secretsmanager.CreateSecretInput{Name: aws.String(strings.ReplaceAll(t.Name(), "/", "-") + strconv.FormatInt(serial.Add(1), 10))}
	if content != "" {
		input.SecretString = aws.String(content)
	}
	made, err := client.CreateSecret(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	return *made.ARN
}

var serial atomic.Int64

// faulty stands between the adapters and moto.
type faulty struct {
	*httptest.Server
	mu       sync.Mutex
	fault    http.HandlerFunc // answers in moto's place; nil: moto does
	requests []string         // targets, such as TrentService.Sign
}

func newFaulty(t testing.TB) *faulty {
	t.Helper()
	target, err := url.Parse(emulator)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	f := &faulty{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests = append(f.requests, r.Header.Get("X-Amz-Target"))
		fault := f.fault
		f.mu.Unlock()
		if fault != nil {
			fault(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *faulty) inject(fault http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// count says how often a call arrived.
func (f *faulty) count(call string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, target := range f.requests {
		if strings.HasSuffix(target, "."+call) {
			n++
		}
	}
	return n
}

// refuse answers as AWS does.
func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"as injected"}`, code)
	}
}

// hang answers nothing until the client has gone.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // or the server doesn't notice
	<-r.Context().Done()
}

const short = 500 * time.Millisecond

func (f *faulty) kms() *awskeys.KMS {
	return awskeys.NewKMS(awskeys.KMSConfig{Endpoint: f.URL, Credentials: anybody, Timeout: short})
}

func (f *faulty) secret(id string) *awskeys.Secret {
	return awskeys.NewSecret(awskeys.SecretConfig{ID: id, Region: region, Endpoint: f.URL, Credentials: anybody, Timeout: short, Open: f.kms().Open})
}
