package main

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/signgate/signgate/pkg/keyring"
	"github.com/signgate/signgate/pkg/signedurl"
)

type explainCommand struct {
	URL       string            `arg:"" help:"The signed URL, in quotes; - reads it from standard input, so that it doesn't stay in the shell's history."`
	PublicKey map[string]string `required:"" placeholder:"ID=FILE" help:"A key of the distribution's key group: its id and the file of its public PEM. May be given several times."`
	Address   string            `help:"Where the URL is requested from, where it is bound to an address." placeholder:"IP"`
	Answer    string            `type:"existingfile" help:"File with the body of the error that came back, to tell CloudFront's from S3's." placeholder:"FILE"`
}

// errRefused makes the exit code of an explanation that ends in a refusal.
var errRefused = errors.New("the distribution refuses this URL")

// run explains without asking anybody: from the URL and the public keys.
func (c explainCommand) run(now func() time.Time, stdin io.Reader, stdout io.Writer) error {
	viewer, err := c.viewer(stdin)
	if err != nil {
		return err
	}
	keys := map[string]crypto.PublicKey{}
	for id, path := range c.PublicKey {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("public-key: %w", err)
		}
		if keys[id], err = keyring.ParsePublicPEM(text); err != nil {
			return fmt.Errorf("public-key %s: %w", path, err)
		}
	}
	verifier, err := signedurl.NewVerifier(keys, now)
	if err != nil {
		return err
	}
	explanation := verifier.Explain(viewer)
	if err := tell(stdout, explanation); err != nil {
		return err
	}
	if c.Answer != "" {
		body, err := os.ReadFile(c.Answer)
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		answerer := signedurl.WhoAnswered(string(body))
		if _, err := fmt.Fprintf(stdout, "\nThe answer is from %s. %s\n", answerer.Who, answerer.Advice); err != nil {
			return err
		}
	}
	if !explanation.Accepted {
		return errRefused
	}
	return nil
}

func (c explainCommand) viewer(stdin io.Reader) (signedurl.Viewer, error) {
	viewer := signedurl.Viewer{URL: c.URL}
	if c.URL == "-" {
		const longest = 64 << 10
		text, err := io.ReadAll(io.LimitReader(stdin, longest))
		if err != nil {
			return viewer, fmt.Errorf("standard input: %w", err)
		}
		viewer.URL = strings.TrimSpace(string(text))
	}
	if c.Address != "" {
		var err error
		if viewer.Address, err = netip.ParseAddr(c.Address); err != nil {
			return viewer, errors.New("address: not an IP address")
		}
	}
	return viewer, nil
}

// tell writes an explanation for a terminal.
func tell(w io.Writer, explanation signedurl.Explanation) error {
	var text strings.Builder
	verdict := "accepted"
	if !explanation.Accepted {
		verdict = "refused with 403 " + explanation.Answer
	}
	fmt.Fprintf(&text, "%s\n  signed by %s: %s\n\n", explanation.Resource, explanation.Source, verdict)
	for _, check := range explanation.Checks {
		fmt.Fprintf(&text, "  %-7s  %-15s %s\n", check.Result, check.Name, check.Found)
		if check.Advice != "" {
			fmt.Fprintf(&text, "           %-15s %s\n", "", check.Advice)
		}
	}
	if explanation.Policy != "" {
		fmt.Fprintf(&text, "\nThe policy:\n\n%s\n", explanation.Policy)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
