package bolt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signgate/signgate/pkg/grants"
	"github.com/signgate/signgate/pkg/grants/bolt"
	"github.com/signgate/signgate/pkg/grants/storetest"
)

// writerFile makes the test binary the process that is killed.
const writerFile = "GRANTS_WRITER_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerFile); path != "" {
		_, _ = fmt.Fprintln(os.Stderr, write(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// write changes the file without end and says what it has done: created,
// deleted, used.
func write(path string) error {
	store, err := bolt.Open(path, atStart)
	if err != nil {
		return err
	}
	ctx, ends := context.Background(), storetest.Start.Add(time.Hour)
	for n := 0; ; n++ {
		grant := storetest.NewGrant(fmt.Sprintf("users/%d/", n%9), grants.Everyone())
		grant.Expires = &ends
		err := say("+", grant, store.Create(ctx, grant))
		if err == nil && n%3 == 0 {
			err = say("u", grant, store.Use(ctx, grant.ID, storetest.Start))
		}
		if err == nil && n%4 == 0 {
			err = say("-", grant, store.Delete(ctx, grant.ID))
		}
		if err != nil {
			return err
		}
	}
}

func say(what string, grant grants.Grant, err error) error {
	if err == nil {
		_, err = fmt.Fprintln(os.Stdout, what, grant.ID)
	}
	return err
}

func TestWhatWasAnsweredIsStillTrueAfterTheProcessWasKilled(t *testing.T) {
	path, said := filepath.Join(t.TempDir(), "grants"), map[string]string{}
	for range 5 {
		last := killedWriter(t, path, 20+rand.IntN(100), said)
		store, err := bolt.Open(path, atStart)
		if err != nil {
			t.Fatal(err)
		}
		for id, what := range said {
			grant, err := store.Get(t.Context(), id)
			switch {
			case what == "-" && !errors.Is(err, grants.ErrNotFound):
				t.Errorf("deleted, and there: %v", err)
			case what != "-" && err != nil && (id != last || !errors.Is(err, grants.ErrNotFound)):
				t.Errorf("created, and not there: %v", err)
			case what == "u" && err == nil && grant.Uses != 1:
				t.Errorf("used, and has %d uses", grant.Uses)
			}
		}
		mustAgree(t, store)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedWriter lets a process write, kills it after it has said so much, adds
// what it said and returns the grant that it was busy with.
func killedWriter(t *testing.T, path string, lines int, said map[string]string) (last string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env, child.Stderr = append(os.Environ(), writerFile+"="+path), os.Stderr
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(stdout)
	for n := 1; ; n++ {
		line, err := reader.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		what, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[id], last = what, id
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the writer ended otherwise: %v", err)
	}
	return last
}

// mustAgree wants every index to name the same grants.
func mustAgree(t *testing.T, store *bolt.Store) {
	t.Helper()
	var byResource, byGrantee []string
	for n := range 9 {
		page, err := store.OnResource(t.Context(), fmt.Sprintf("users/%d/", n), "", grants.MaxLimit)
		if err != nil || page.Next != "" {
			t.Fatal(page.Next, err)
		}
		for _, grant := range page.Grants {
			byResource = append(byResource, grant.ID)
		}
	}
	page, err := store.ForGrantee(t.Context(), grants.Everyone(), "", grants.MaxLimit)
	if err != nil || page.Next != "" {
		t.Fatal(page.Next, err)
	}
	for _, grant := range page.Grants {
		byGrantee = append(byGrantee, grant.ID)
	}
	slices.Sort(byResource)
	slices.Sort(byGrantee)
	if !slices.Equal(byResource, byGrantee) || store.Expiring() != len(byGrantee) {
		t.Errorf("%d by resource, %d by grantee, %d by expiry", len(byResource), len(byGrantee), store.Expiring())
	}
}
