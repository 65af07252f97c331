package s3server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// ChildArgument is what makes the binary the child when it is the only
// argument: main then has to call RunChild.
const ChildArgument = "s3-child"

// readyLine is what the child prints once it answers.
const readyLine = "READY"

const (
	maxConnections = 1024
	maxRequests    = 512
	maxParts       = 10000   // S3's own limit
	copyThreshold  = 5 << 30 // S3's own limit on CopyObject; zero would refuse every copy
	dirMode        = 0o700
)

// RunChild is the child: it reads its Config as one line of JSON from
// standard input, because arguments and environment can be seen by others,
// serves, and ends when standard input closes.
func RunChild() error {
	// Ctrl-C reaches the whole process group; the child waits for its parent.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	stdin, stdout := bufio.NewReader(os.Stdin), os.Stdout
	os.Stdout = os.Stderr // the server prints notices
	line, err := stdin.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	var config Config
	if err := json.Unmarshal(line, &config); err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin) // ends with the parent
		cancel()
	}()
	err = serve(ctx, config, func() { _, _ = fmt.Fprintln(stdout, readyLine) })
	if errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return nil
	}
	return err
}

func serve(ctx context.Context, config Config, ready func()) error {
	store, err := newBackend(config.Dir)
	if err != nil {
		return err
	}
	accounts := make(map[string]auth.Account, len(config.Accounts))
	for _, account := range config.Accounts {
		accounts[account.Access] = auth.Account{Access: account.Access, Secret: account.Secret, Role: auth.RoleUser}
	}
	root := auth.Account{Access: config.Root.Access, Secret: config.Root.Secret, Role: auth.RoleAdmin}
	return embedgw.RunVersityGW(ctx, whole{store}, &embedgw.Config{
		RootUserAccess: root.Access, RootUserSecret: root.Secret, Region: config.Region,
		Ports: []string{config.Address}, Quiet: true, KeepAlive: true, HealthPath: "/_health",
		MaxConnections: maxConnections, MaxRequests: maxRequests, MultipartMaxParts: maxParts,
		IAMService: people{auth.NewIAMServiceSingle(root), accounts},
		S3Options:  []s3api.Option{s3api.WithOnListen(ready)},
	})
}

// newBackend keeps objects below dir; attributes in the files' extended
// attributes or, on a file system without them, beside the files.
func newBackend(dir string) (backend.Backend, error) {
	objects, versions, attributes := filepath.Join(dir, "objects"), filepath.Join(dir, "versions"), filepath.Join(dir, "attributes")
	for _, folder := range []string{objects, versions, attributes} {
		if err := os.MkdirAll(folder, dirMode); err != nil {
			return nil, fmt.Errorf("folder for objects: %w", err)
		}
	}
	options := posix.PosixOpts{VersioningDir: versions, CopyObjectThreshold: copyThreshold}
	var store meta.MetadataStorer = meta.XattrMeta{}
	if err := (meta.XattrMeta{}).Test(objects); err != nil {
		sideCar, err := meta.NewSideCar(attributes)
		if err != nil {
			return nil, fmt.Errorf("folder for attributes: %w", err)
		}
		store, options.SideCarDir = sideCar, attributes
	}
	backend, err := posix.New(objects, store, options)
	if err != nil {
		return nil, fmt.Errorf("S3 on %s: %w", objects, err)
	}
	return backend, nil
}

// people knows the accounts beside root.
type people struct {
	auth.IAMService
	accounts map[string]auth.Account
}

// GetUserAccount finds an account by its access key.
func (p people) GetUserAccount(access string) (auth.Account, error) {
	if account, ok := p.accounts[access]; ok {
		return account, nil
	}
	return p.IAMService.GetUserAccount(access)
}

// ResolveAccounts returns those access keys that nobody has.
func (p people) ResolveAccounts(keys []string) ([]string, error) {
	var unknown []string
	for _, key := range keys {
		if _, ok := p.accounts[key]; !ok {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil, nil
	}
	return p.IAMService.ResolveAccounts(unknown)
}
