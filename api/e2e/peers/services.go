package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// startGateway starts ours, which answers everything that is measured.
func (f *field) startGateway(ctx context.Context, binary string) (*side, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, binary, "serve", //nolint:gosec // the binary to measure
		"--listen="+address, "--public-url=http://"+address, "--cdn-url="+cdnURL,
		"--signing-keys="+filepath.Join(f.dir, "keys"), "--active-key-id="+ecKeyID,
		"--bucket="+bucket, "--region="+region, "--policies="+filepath.Join(f.dir, "policies"),
		"--issuer="+f.issuer, "--audience="+audience, "--audit-file="+filepath.Join(f.dir, "audit.jsonl"))
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+awsKey, "AWS_SECRET_ACCESS_KEY="+awsKey)
	return start(ctx, "signgate", command, address)
}

// startReads starts the Node.js service that signs reads with one key.
func (f *field) startReads(ctx context.Context, dir, keyID, algorithm string) (*side, error) {
	return f.startNode(ctx, "Node.js, "+keyID, filepath.Join(dir, "server.mjs"), "ROUTE=reads", "CDN_URL="+cdnURL,
		"KEY_ID="+keyID, "KEY_FILE="+filepath.Join(f.dir, "keys", keyID+".pem"), "ALGORITHM="+algorithm)
}

// startUploads starts the Node.js service that presigns uploads.
func (f *field) startUploads(ctx context.Context, dir string) (*side, error) {
	return f.startNode(ctx, "Node.js, uploads", filepath.Join(dir, "server.mjs"), "ROUTE=uploads")
}

// startCompanion starts Uppy's Companion.
func (f *field) startCompanion(ctx context.Context, dir string) (*side, error) {
	folder := filepath.Join(f.dir, "companion")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	return f.startNode(ctx, "Companion", filepath.Join(dir, "companion.mjs"), "FOLDER="+folder)
}

func (f *field) startNode(ctx context.Context, name, script string, environment ...string) (*side, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "node", script) //nolint:gosec // the service to measure
	command.Env = append(os.Environ(), "NODE_ENV=production", "PORT="+port, "ISSUER="+f.issuer, "AUDIENCE="+audience,
		"BUCKET="+bucket, "REGION="+region, "AWS_ACCESS_KEY_ID="+awsKey, "AWS_SECRET_ACCESS_KEY="+awsKey)
	command.Env = append(command.Env, environment...)
	return start(ctx, name, command, address)
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
