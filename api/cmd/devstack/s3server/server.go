package s3server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// ErrStart is wrapped where the server can't be started.
var ErrStart = errors.New("the local S3 can't start")

const (
	startTimeout = 20 * time.Second
	closeTimeout = 5 * time.Second
	maxComplaint = 4 << 10 // how much of the child's last words is kept
)

// Account is an identity that S3 knows.
type Account struct{ Access, Secret string }

// Config says what to serve.
type Config struct {
	Address  string // host:port, the port not 0
	Dir      string // where objects, their attributes and their versions are kept
	Region   string
	Root     Account   // may do everything; for Prepare only
	Accounts []Account // may do what the bucket's policy says
}

// Server is a running child.
type Server struct {
	config Config
	child  *exec.Cmd
	stdin  io.Closer
	ended  chan struct{} // closed when the child has ended
	said   *tail
}

// Start starts the child and waits until it answers. Errors wrap ErrStart.
func Start(ctx context.Context, config Config) (*Server, error) {
	if err := checkFree(ctx, config.Address); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	s := &Server{config: config, ended: make(chan struct{}), said: &tail{}}
	s.child = exec.Command(self, ChildArgument) //nolint:gosec,noctx // itself; ends when its input closes, not with ctx
	s.child.Stderr = s.said
	stdin, err := s.child.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	s.stdin = stdin
	stdout, err := s.child.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	if err := s.child.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	ready := make(chan struct{})
	go s.watch(stdout, ready)
	if err := json.NewEncoder(stdin).Encode(config); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrStart, err), s.Close())
	}
	if err := s.await(ctx, ready); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// checkFree finds out early that somebody else has the address.
func checkFree(ctx context.Context, address string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	return listener.Close()
}

// watch reads the child's output to its end, then waits for the child.
func (s *Server) watch(stdout io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if lines.Text() == readyLine {
			close(ready)
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
	_ = s.child.Wait() // how it ended is told by what it said
	close(s.ended)
}

func (s *Server) await(ctx context.Context, ready <-chan struct{}) error {
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case <-ready:
		return nil
	case <-s.ended:
		return fmt.Errorf("%w: %s", ErrStart, s.said)
	case <-timeout.C:
		return fmt.Errorf("%w: no answer in %s: %s", ErrStart, startTimeout, s.said)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrStart, ctx.Err())
	}
}

// URL returns the server's address.
func (s *Server) URL() string { return "http://" + s.config.Address }

// PID returns the child's process id.
func (s *Server) PID() int { return s.child.Process.Pid }

// Ended is closed when the child has ended, asked to or not.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Close ends the child and waits for it.
func (s *Server) Close() error {
	_ = s.stdin.Close() // it may have ended by itself
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	select {
	case <-s.ended:
		return nil
	case <-timeout.C:
	}
	if err := s.child.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end the local S3: %w", err)
	}
	<-s.ended
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// Write takes everything.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if len(t.data) > maxComplaint {
		t.data = bytes.Clone(t.data[len(t.data)-maxComplaint:])
	}
	return len(p), nil
}

// String returns the end in one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(t.data)), " ")
}
