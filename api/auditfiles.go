package main

import (
	"bufio"
	"compress/gzip"
	"crypto"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
)

func readPublicKeys(files map[string]string) (map[string]crypto.PublicKey, error) {
	keys := map[string]crypto.PublicKey{}
	for id, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("public-key: %w", err)
		}
		if keys[id], err = keyring.ParsePublicPEM(text); err != nil {
			return nil, fmt.Errorf("public-key %s: %w", path, err)
		}
	}
	return keys, nil
}

// withFile opens a file, plain or gzip, or takes standard input for "-".
// Errors wrap errUnread.
func withFile(path string, stdin io.Reader, use func(io.Reader) error) error {
	from := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("%w: %w", errUnread, err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	buffered := bufio.NewReader(from)
	from = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", errUnread, path, err)
		}
		from = unzipped
	}
	if err := use(from); err != nil {
		return fmt.Errorf("%w: %s: %w", errUnread, path, err)
	}
	return nil
}

// withFiles reads several files as if they were one.
func withFiles(paths []string, stdin io.Reader, use func(io.Reader) error) error {
	if len(paths) == 1 {
		return withFile(paths[0], stdin, use)
	}
	return withFile(paths[0], stdin, func(first io.Reader) error {
		return withFiles(paths[1:], stdin, func(rest io.Reader) error { return use(io.MultiReader(first, rest)) })
	})
}

// table writes columns, aligned over many rows but not over all.
type table struct {
	*tabwriter.Writer
	rows int
}

func newTable(w io.Writer, titles ...string) *table {
	const gap = 2
	t := &table{Writer: tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)}
	_, _ = fmt.Fprintln(t, strings.Join(titles, "\t")) // the last Flush says whether writing works
	return t
}

func (t *table) row(cells ...string) error {
	for i, cell := range cells {
		if cells[i] = plain(cell); cell == "" {
			cells[i] = "-"
		}
	}
	_, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) // Flush says whether writing works
	const together = 1000
	if t.rows++; t.rows%together == 0 {
		return t.Flush()
	}
	return nil
}

// plain keeps what others wrote from steering a terminal.
func plain(text string) string {
	for _, r := range text {
		if !strconv.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return text
}

func stamp(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
