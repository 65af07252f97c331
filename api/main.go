// Command signgate is the gateway: it hands out access to private objects in
// S3 without touching their bytes.
//
//	signgate serve     answer requests (settings: signgate serve --help)
//	signgate apikey    make, list and revoke API keys of machines
//	signgate explain   say why a distribution takes a signed URL, or doesn't
//	signgate keys      show and rotate signing keys
//	signgate version   print which gateway this is
//
// Started by AWS Lambda, which gives no arguments, it serves the function's
// invocations.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/signgate/signgate/pkg/signedurl"
)

// gcPercent lets garbage grow to three and a half times what lives, which is a
// few megabytes: the collector runs less often, and the gateway stays below 64
// MiB under load. GOGC stands above it.
const gcPercent = 350

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], now, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// now is the time without the monotonic clock's: that one may stop while Lambda
// has the process frozen (package time), and what is kept for a while would
// be kept for longer.
func now() time.Time { return time.Now().Round(0) }

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFinished = 3 // of keys rotate: something else is next
)

// fail prints one line that says what to mend. It may repeat what stood on the
// command line, so it is redacted.
func fail(stderr io.Writer, err error, code int) int {
	_, _ = fmt.Fprintf(stderr, "signgate: %s\n", signedurl.Redact(err.Error()))
	return code
}
