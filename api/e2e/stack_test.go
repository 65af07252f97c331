package e2e_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/client"
	"github.com/signgate/signgate/pkg/keyring"
)

// The keys that AWS's signers sign with, beside those of the stack itself.
const (
	ecKey    = "KJUDGEEC"
	rsaKey   = "KJUDGERSA"
	pkcs1Key = "KJUDGEPKCS1" // the only form that the AWS CLI reads
)

// stack is a running local stack.
type stack struct {
	*process
	gateway, edge, s3, issuer string // addresses, host:port
	data                      string // folder
}

// startStack runs devstack on free ports, with keys that the judges have too.
func startStack(t testing.TB, options ...string) *stack {
	t.Helper()
	ports := freeAddresses(t, 4)
	s := &stack{gateway: ports[0], edge: ports[1], s3: ports[2], issuer: ports[3], data: t.TempDir()}
	s.writeKeys(t)
	s.process = start(t, nil, "devstack", append([]string{
		"--gateway=" + s.gateway, "--edge=" + s.edge, "--s3=" + s.s3, "--issuer=" + s.issuer, "--data=" + s.data,
	}, options...)...)
	s.waitFor(t, s.stdout, "A first refusal")
	return s
}

func (s *stack) keyFile(id string) string { return filepath.Join(s.data, "keys", id+".pem") }

func (s *stack) writeKeys(t testing.TB) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(s.data, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	for id, algorithm := range map[string]keyring.Algorithm{ecKey: keyring.P256, rsaKey: keyring.RSA2048} {
		key, err := keyring.Generate(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		text, err := keyring.MarshalPrivatePEM(key)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, s.keyFile(id), text)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.keyFile(pkcs1Key), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// environment is what devstack leaves for a gateway beside its own.
func (s *stack) environment(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data, "gateway.env"))
	if err != nil {
		t.Fatal(err)
	}
	return append(strings.Split(strings.TrimSpace(string(text)), "\n"), "SIGNGATE_LISTEN=127.0.0.1:0")
}

// gateway is a running `signgate serve` and how to call it.
type gateway struct {
	*process
	url    string
	issuer string
}

// startGateway runs the gateway's own binary beside the stack. Options stand
// above the environment.
func (s *stack) startGateway(t testing.TB, options ...string) *gateway {
	t.Helper()
	return s.startGatewayIn(t, s.environment(t), options...)
}

// startGatewayIn is startGateway in an environment of its own.
func (s *stack) startGatewayIn(t testing.TB, environment []string, options ...string) *gateway {
	t.Helper()
	g := &gateway{issuer: s.issuer, process: start(t, environment, "signgate", append([]string{"serve"}, options...)...)}
	var line struct{ Address string }
	if err := json.Unmarshal([]byte(g.waitFor(t, g.stderr, `"listening"`)), &line); err != nil {
		t.Fatal(err)
	}
	g.url = "http://" + line.Address
	return g
}

// token is one of the issuer's for a person.
func (g *gateway) token(t testing.TB, person string) string {
	t.Helper()
	got := get(t, "http://"+g.issuer+"/token/"+person)
	if got.status != http.StatusOK {
		t.Fatalf("token for %s: %d %s", person, got.status, got.body)
	}
	return string(got.body)
}

// as returns a client that calls as a person.
func (g *gateway) as(t testing.TB, person string) *client.Client {
	t.Helper()
	token := g.token(t, person)
	caller, err := client.New(client.Config{URL: g.url, HTTP: &http.Client{Transport: trusting(), Timeout: patience}, Token: func(context.Context) (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// readURL asks for one key and wants a URL.
func (g *gateway) readURL(t testing.TB, person string, item client.ReadItem) client.ReadURL {
	t.Helper()
	read, err := g.as(t, person).ReadURL(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// upload asks for a request that uploads the content, and carries it out.
func (g *gateway) upload(t testing.TB, person, key, contentType string, content []byte) client.Upload {
	t.Helper()
	request := g.requestUpload(t, person, client.UploadRequest{Key: key, ContentType: contentType, ContentLength: new(int64(len(content)))})
	if got := send(t, request.Method, request.URL, request.Headers, content); got.status != http.StatusOK {
		t.Fatalf("upload: %d %s", got.status, got.body)
	}
	return request
}

func (g *gateway) requestUpload(t testing.TB, person string, description client.UploadRequest) client.Upload {
	t.Helper()
	request, err := g.as(t, person).CreateUpload(t.Context(), description)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func freeAddresses(t testing.TB, count int) []string {
	t.Helper()
	addresses := make([]string, count)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }() // not before all are found
		addresses[i] = listener.Addr().String()
	}
	return addresses
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// withQuery changes one parameter of a URL and leaves the others as they are.
func withQuery(t testing.TB, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	parameters := strings.Split(u.RawQuery, "&")
	for i, parameter := range parameters {
		if strings.HasPrefix(parameter, name+"=") {
			parameters[i] = name + "=" + value
			u.RawQuery = strings.Join(parameters, "&")
			return u.String()
		}
	}
	t.Fatal(fmt.Errorf("the URL has no %s", name))
	return ""
}
