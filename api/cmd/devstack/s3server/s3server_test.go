package s3server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/signgate/signgate/api/cmd/devstack/s3server"
)

// parentArgument makes the test binary a parent that can be killed.
const parentArgument = "s3-parent"

var (
	root   = s3server.Account{Access: "root", Secret: "root-secret"}
	writer = s3server.Account{Access: "writer", Secret: "writer-secret"}
	reader = s3server.Account{Access: "reader", Secret: "reader-secret"}
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == s3server.ChildArgument:
		if err := s3server.RunChild(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(os.Args) == 4 && os.Args[1] == parentArgument:
		server, err := s3server.Start(context.Background(), config(os.Args[2], os.Args[3]))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, _ = fmt.Fprintln(os.Stdout, server.PID())
		select {} // until it is killed
	default:
		os.Exit(m.Run())
	}
}

func config(address, dir string) s3server.Config {
	return s3server.Config{Address: address, Dir: dir, Region: "us-east-1", Root: root, Accounts: []s3server.Account{writer, reader}}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func start(t *testing.T, dir string) *s3server.Server {
	t.Helper()
	server, err := s3server.Start(t.Context(), config(freeAddress(t), dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	err = server.Prepare(t.Context(), s3server.Bucket{Name: "media", Writer: writer.Access, Reader: reader.Access, Origins: []string{"http://localhost:3000"}})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func put(t *testing.T, client *s3.Client, key, body string) error {
	t.Helper()
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("media"), Key: aws.String(key), Body: strings.NewReader(body), IfNoneMatch: aws.String("*"),
	})
	return err
}

func get(t *testing.T, client *s3.Client, input *s3.GetObjectInput) (string, error) {
	t.Helper()
	input.Bucket = aws.String("media")
	output, err := client.GetObject(t.Context(), input)
	if err != nil {
		return "", err
	}
	defer func() { _ = output.Body.Close() }()
	body, err := io.ReadAll(output.Body)
	return string(body), err
}

// mustStatus wants an error with the given HTTP status.
func mustStatus(t *testing.T, what string, err error, status int) {
	t.Helper()
	var response *awshttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != status {
		t.Errorf("%s: %v, want status %d", what, err, status)
	}
}

func TestOneAccountWritesAnotherReadsAndNobodyElse(t *testing.T) {
	server := start(t, t.TempDir())
	gateway, edge := server.Client(writer), server.Client(reader)
	if err := put(t, gateway, "users/alice/a.txt", "hello world"); err != nil {
		t.Fatal(err)
	}
	key := aws.String("users/alice/a.txt")
	if body, err := get(t, edge, &s3.GetObjectInput{Key: key, Range: aws.String("bytes=6-10")}); err != nil || body != "world" {
		t.Errorf("the reader's range: %q, %v", body, err)
	}
	_, err := get(t, gateway, &s3.GetObjectInput{Key: key})
	mustStatus(t, "the writer reads", err, http.StatusForbidden)
	mustStatus(t, "the reader writes", put(t, edge, "b.txt", "x"), http.StatusForbidden)
	mustStatus(t, "a second put", put(t, gateway, "users/alice/a.txt", "other"), http.StatusPreconditionFailed)
	_, err = edge.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("media"), Key: key})
	mustStatus(t, "the reader deletes", err, http.StatusForbidden)

	response := request(t, http.MethodGet, server.URL()+"/media/users/alice/a.txt", nil)
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("anonymous: %d", response.StatusCode)
	}
}

func TestDeletingKeepsTheVersionAndNobodyMayDeleteThat(t *testing.T) {
	server := start(t, t.TempDir())
	gateway, admin := server.Client(writer), server.Client(root)
	if err := put(t, gateway, "a.txt", "hello"); err != nil {
		t.Fatal(err)
	}
	versions, err := admin.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("media")})
	if err != nil || len(versions.Versions) != 1 {
		t.Fatalf("%v, %v", versions, err)
	}
	version := versions.Versions[0].VersionId
	_, err = gateway.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("media"), Key: aws.String("a.txt"), VersionId: version})
	mustStatus(t, "the writer deletes a version", err, http.StatusForbidden)
	if _, err := gateway.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("media"), Key: aws.String("a.txt")}); err != nil {
		t.Fatal(err)
	}
	_, err = get(t, admin, &s3.GetObjectInput{Key: aws.String("a.txt")})
	mustStatus(t, "after the delete", err, http.StatusNotFound)
	if body, err := get(t, admin, &s3.GetObjectInput{Key: aws.String("a.txt"), VersionId: version}); err != nil || body != "hello" {
		t.Errorf("the version: %q, %v", body, err)
	}
}

func TestPagesOfTheOriginMaySeeTheETag(t *testing.T) {
	server := start(t, t.TempDir())
	response := request(t, http.MethodOptions, server.URL()+"/media/a.txt", http.Header{
		"Origin": {"http://localhost:3000"}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {"content-type"},
	})
	if response.StatusCode != http.StatusOK || response.Header.Get("Access-Control-Allow-Origin") != "http://localhost:3000" ||
		!strings.Contains(response.Header.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}

func request(t *testing.T, method, url string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response
}

func TestDataOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	if err := put(t, first.Client(writer), "a.txt", "kept"); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, dir)
	if body, err := get(t, second.Client(reader), &s3.GetObjectInput{Key: aws.String("a.txt")}); err != nil || body != "kept" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestATakenAddressIsSaidAtOnce(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, err = s3server.Start(t.Context(), config(listener.Addr().String(), t.TempDir()))
	if !errors.Is(err, s3server.ErrStart) || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Start = %v", err)
	}
}

func TestAChildThatCannotServeSaysWhy(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s3server.Start(t.Context(), config(freeAddress(t), file))
	if !errors.Is(err, s3server.ErrStart) || !strings.Contains(err.Error(), "folder for objects") {
		t.Errorf("Start = %v", err)
	}
}

func TestTheChildDiesWithItsParentEvenWhenThatIsKilled(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0], parentArgument, freeAddress(t), t.TempDir())
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	parent.Stderr = &complaints
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var line [16]byte
	n, err := stdout.Read(line[:])
	if err != nil {
		t.Fatalf("the parent did not start: %v %s", err, complaints.String())
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the child isn't there: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	again, enough := time.NewTicker(10*time.Millisecond), time.After(10*time.Second)
	defer again.Stop()
	for isRunning(pid) {
		select {
		case <-again.C:
		case <-enough:
			t.Fatalf("the child %d outlives its parent", pid)
		}
	}
}

// isRunning says whether a process does anything still: one that has ended
// and that nobody has asked for may stay in the table as a zombie.
func isRunning(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(status), ") Z ")
}

func Example() {
	dir, err := os.MkdirTemp("", "s3server-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	address := listener.Addr().String()
	_ = listener.Close()

	ctx := context.Background()
	server, err := s3server.Start(ctx, config(address, dir))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()
	fmt.Println(server.Prepare(ctx, s3server.Bucket{Name: "media", Writer: writer.Access, Reader: reader.Access, Origins: []string{"http://localhost:3000"}}))
	_, err = server.Client(reader).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("media"), Key: aws.String("a.txt")})
	var refused *awshttp.ResponseError
	fmt.Println(errors.As(err, &refused) && refused.HTTPStatusCode() == http.StatusForbidden)
	// Output:
	// <nil>
	// true
}
