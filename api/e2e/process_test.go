package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before the test gives up on it.
const patience = 30 * time.Second

// process is a running binary and what it has said.
type process struct {
	command *exec.Cmd
	stdout  *output
	stderr  *output
	tmp     string // its TMPDIR
	ended   chan struct{}
	err     error // after ended
}

// output keeps what a process writes and finds lines in it.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan string
}

func (o *output) read(from io.Reader) {
	defer close(o.lines)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20) // what a browser did fits in a line
	for lines.Scan() {
		o.mu.Lock()
		o.text.WriteString(lines.Text() + "\n")
		o.mu.Unlock()
		select {
		case o.lines <- lines.Text():
		default: // nobody waits for so many
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a binary with nothing of this environment but PATH and HOME.
func start(t testing.TB, environment []string, name string, arguments ...string) *process {
	t.Helper()
	return startWith(t, nil, environment, name, arguments...)
}

// startWith is start with something on standard input.
func startWith(t testing.TB, stdin io.Reader, environment []string, name string, arguments ...string) *process {
	t.Helper()
	return launch(t, stdin, environment, binary(name), arguments...)
}

// launch is startWith for a program that was not built here.
func launch(t testing.TB, stdin io.Reader, environment []string, path string, arguments ...string) *process {
	t.Helper()
	command, tmp := exec.Command(path, arguments...), t.TempDir()
	command.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + tmp, "AWS_EC2_METADATA_DISABLED=true",
		"GORACE=atexit_sleep_ms=10", // not a second at each end
	}, environment...)
	command.Stdin = stdin
	p := begin(t, command)
	p.tmp = tmp
	return p
}

// begin runs a command just as it is.
func begin(t testing.TB, command *exec.Cmd) *process {
	t.Helper()
	p := &process{
		command: command, ended: make(chan struct{}),
		stdout: &output{lines: make(chan string, 1000)}, stderr: &output{lines: make(chan string, 1000)},
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { p.stdout.read(stdout) })
	reading.Go(func() { p.stderr.read(stderr) })
	go func() {
		reading.Wait()
		p.err = p.command.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.interrupt(t) })
	return p
}

// waitFor returns the first line that contains the text.
func (p *process) waitFor(t testing.TB, o *output, text string) string {
	t.Helper()
	enough := time.After(patience)
	for {
		select {
		case line, open := <-o.lines:
			if !open {
				<-p.ended
				t.Fatalf("%s ended (%v) before it said %q:\n%s%s", p.command.Path, p.err, text, p.stdout, p.stderr)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-enough:
			t.Fatalf("%s has not said %q:\n%s%s", p.command.Path, text, p.stdout, p.stderr)
		}
	}
}

// interrupt does what Ctrl-C does and wants a clean end. A process that has
// ended already is left alone.
func (p *process) interrupt(t testing.TB) {
	t.Helper()
	if err := p.command.Process.Signal(os.Interrupt); errors.Is(err, os.ErrProcessDone) {
		return
	}
	if code := p.exitCode(t); code != 0 {
		t.Errorf("%s ended with %d:\n%s%s", p.command.Path, code, p.stdout, p.stderr)
	}
}

// exitCode waits for the end.
func (p *process) exitCode(t testing.TB) int {
	t.Helper()
	return p.exitCodeWithin(t, patience)
}

// exitCodeWithin is exitCode for what takes longer.
func (p *process) exitCodeWithin(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		_ = p.command.Process.Signal(syscall.SIGQUIT) // tells where it hangs
		<-p.ended
		t.Fatalf("%s did not end:\n%s", p.command.Path, p.stderr)
	}
	return p.command.ProcessState.ExitCode()
}
