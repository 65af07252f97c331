package main

import (
	"context"
	"crypto"
	"net"
	"net/http"
	"os"
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
	bucket   = "media"
	region   = "eu-central-1"
	// awsKey is both halves of the credentials that S3 would know.
	awsKey = "bench"
	// startTime bounds how long a side may take until it answers.
	startTime = 20 * time.Second
)

// field is what all sides share: keys, policies, an issuer, a token.
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
