package audit_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/signgate/signgate/pkg/audit"
)

// BenchmarkRecord is one record into a file, in its chain, and beside it the
// same without a chain.
func BenchmarkRecord(b *testing.B) {
	b.Run("chained", func(b *testing.B) {
		log := audit.New(audit.Config{Out: benchFile(b), Signer: fixedKey(b), KeyID: keyID, Now: noon})
		benchRecord(b, func(r audit.Record) error { return log.Record(b.Context(), r) })
	})
	b.Run("plain", func(b *testing.B) {
		log := &plainLog{out: benchFile(b)}
		benchRecord(b, log.record)
	})
}

func benchFile(b *testing.B) io.Writer {
	b.Helper()
	file, err := os.OpenFile(filepath.Join(b.TempDir(), "trail"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = file.Close() })
	return file
}

func benchRecord(b *testing.B, write func(audit.Record) error) {
	b.Helper()
	r := record("F3X5WJ2QH6K7N4P9R8S1T0V2Y3")
	r.RequestID, r.Address, r.Policies, r.KeyID = "QH6K7N4P9R8S1T0V2Y3F3X5WJ2", "192.0.2.7", []string{"owner.cedar#0"}, "K2JCJMDEHXQW5F"
	b.ReportAllocs()
	for b.Loop() {
		if err := write(r); err != nil {
			b.Fatal(err)
		}
	}
}

// plainLog writes lines without a place, as they were before there were chains.
type plainLog struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *plainLog) record(r audit.Record) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(line.Bytes())
	return err
}

// BenchmarkVerify is a trail of ten thousand records.
func BenchmarkVerify(b *testing.B) {
	var trail bytes.Buffer
	generate(b, &trail, 10_000)
	b.SetBytes(int64(trail.Len()))
	for b.Loop() {
		if got := verify(b, trail.Bytes()); !got.Complete() {
			b.Fatal(got)
		}
	}
}
