package main

import (
	"context"
	"crypto"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/signgate/signgate/api/cmd/devstack/demoissuer"
	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/keyring"
)

const (
	ecKeyID  = "KBENCHEC"
	rsaKeyID = "KBENCHRSA"
	audience = "signgate"
	cdnURL   = "https://cdn.example.com"
	// startTime bounds how long a side may take until it answers.
	startTime = 20 * time.Second
)

// field is what both sides share: keys, policies, an issuer, a token.
type field struct {
	dir    string
	issuer string // address
	token  string // of alice's
	ecKey  crypto.Signer
	web    *http.Server
}

func newField(ctx context.Context, dir string, now func() time.Time) (*field, error) {
	f := &field{dir: dir}
	for id, algorithm := range map[string]keyring.Algorithm{ecKeyID: keyring.P256, rsaKeyID: keyring.RSA2048} {
		key, err := keyring.Generate(algorithm)
		if err != nil {
			return nil, err
		}
		text, err := keyring.MarshalPrivatePEM(key)
		if err != nil {
			return nil, err
		}
		if err := writeBelow(dir, "keys/"+id+".pem", text); err != nil {
			return nil, err
		}
		if id == ecKeyID {
			f.ecKey = key
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "policies"), access.Builtin()); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.issuer = "http://" + listener.Addr().String()
	issuer, err := demoissuer.New(ctx, demoissuer.Config{URL: f.issuer, Audience: audience, People: []string{"alice"}, Now: now})
	if err != nil {
		return nil, err
	}
	if f.token, err = issuer.Token("alice"); err != nil {
		return nil, err
	}
	f.web = &http.Server{Handler: issuer.Handler(), ReadHeaderTimeout: startTime}
	go func() { _ = f.web.Serve(listener) }()
	return f, nil
}

func (f *field) close() { _ = f.web.Close() }

func writeBelow(dir, name string, content []byte) error {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func (f *field) startGateway(ctx context.Context, binary string) (*side, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, binary, "serve", //nolint:gosec // the binary to measure
		"--listen="+address, "--cdn-url="+cdnURL, "--signing-keys="+filepath.Join(f.dir, "keys"), "--active-key-id="+ecKeyID,
		"--bucket=media", "--region=eu-central-1", "--policies="+filepath.Join(f.dir, "policies"),
		"--issuer="+f.issuer, "--audience="+audience, "--audit-file="+filepath.Join(f.dir, "audit.jsonl"))
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench")
	return start(ctx, "signgate, P-256", command, address)
}

func (f *field) startPeer(ctx context.Context, dir, keyID, algorithm string) (*side, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "node", filepath.Join(dir, "server.mjs")) //nolint:gosec // the service to measure
	command.Env = append(os.Environ(), "NODE_ENV=production", "PORT="+port, "ISSUER="+f.issuer, "AUDIENCE="+audience, "CDN_URL="+cdnURL,
		"KEY_ID="+keyID, "KEY_FILE="+filepath.Join(f.dir, "keys", keyID+".pem"), "ALGORITHM="+algorithm)
	return start(ctx, "Node.js, "+keyID, command, address)
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
