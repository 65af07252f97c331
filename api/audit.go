package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/signgate/signgate/pkg/audit"
	"github.com/signgate/signgate/pkg/signedurl"
)

type auditCommand struct {
	Verify verifyCommand `cmd:"" help:"Find what was changed, removed, added or moved in an audit trail. Ends with 0 where nothing was, with 1 where something was, with 2 where the trail could not be read."`
	Who    whoCommand    `cmd:"" help:"Who was given access to an object, or to a prefix above it: when, until when, by which policies."`
	What   whatCommand   `cmd:"" help:"What a person or machine was given."`
	Export exportCommand `cmd:"" help:"Write what a DynamoDB table keeps of the trail, a line each, in no order: for --unordered."`
	Join   joinCommand   `cmd:"" help:"Who fetched what, from CloudFront's access log and the trail, and which URLs were used from many addresses."`
}

func (a *auditCommand) run(ctx context.Context, command string, stdin io.Reader, stdout, stderr io.Writer) error {
	switch command {
	case "audit verify":
		return a.Verify.run(stdin, stdout)
	case "audit who":
		return a.Who.run(stdin, stdout, stderr)
	case "audit what":
		return a.What.run(stdin, stdout, stderr)
	case "audit export":
		return a.Export.run(ctx, stdout)
	default: // audit join
		return a.Join.run(stdin, stdout, stderr)
	}
}

type verifyCommand struct {
	Files     []string          `arg:"" name:"file" help:"The trail, plain or gzip, or its parts in their order; - is standard input."`
	PublicKey map[string]string `required:"" placeholder:"ID=FILE" help:"A key that signed: its id and the file of its public PEM. May be given several times."`
	Partial   bool              `help:"The file is a part: what comes before it isn't missed."`
	unordered
	Strict bool   `help:"Fail, too, where a run has no end: it goes on, was killed, or the end was cut off."`
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json: a line for each finding, and one for the report."`
}

// unordered is what a trail is that a sink has kept.
type unordered struct {
	Unordered bool `help:"The files are what Firehose delivered or audit export wrote: parts of the trail in any order, some lines twice. Takes as much room for temporary files as they hold."`
}

type exportCommand struct {
	Table    string `required:"" help:"The table."`
	Region   string `required:"" env:"SIGNGATE_REGION,AWS_REGION" help:"Its region."`
	Endpoint string `help:"Another server than AWS's, such as http://127.0.0.1:5000."`
}

type whoCommand struct {
	Key     string   `arg:"" help:"The key of the object, or a prefix."`
	Files   []string `arg:"" name:"file" help:"The trail, plain or gzip; - is standard input."`
	Refused bool     `help:"Show refusals too."`
	Output  string   `short:"o" enum:"text,json" default:"text" help:"text or json: the records themselves, one a line."`
	unordered
}

type whatCommand struct {
	Principal string   `arg:"" help:"The subject of the access token."`
	Files     []string `arg:"" name:"file" help:"The trail, plain or gzip; - is standard input."`
	Refused   bool     `help:"Show refusals too."`
	Output    string   `short:"o" enum:"text,json" default:"text" help:"text or json: the records themselves, one a line."`
	unordered
}

type joinCommand struct {
	AccessLog string   `arg:"" name:"accesslog" help:"CloudFront's standard log, tab-separated or JSON, plain or gzip; - is standard input."`
	Files     []string `arg:"" name:"file" help:"The trail, plain or gzip."`
	Many      int      `default:"3" help:"From how many addresses a URL must have been used to be listed as used from many."`
	Output    string   `short:"o" enum:"text,json" default:"text" help:"text or json: a line for each URL and path."`
	unordered
}

var (
	// errAltered makes the exit code of a verification that found something.
	errAltered = errors.New("the trail is not as it was written")
	// errOpen makes that of a strict one that found no end.
	errOpen = errors.New("the trail has no signed end")
	// errUnread is wrapped where nothing could be said.
	errUnread = errors.New("can't be read")
)

// maxTold bounds how many findings are told one by one.
const maxTold = 100

func (c verifyCommand) run(stdin io.Reader, stdout io.Writer) error {
	keys, err := readPublicKeys(c.PublicKey)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	told := 0
	tell := func(f audit.Finding) {
		if told++; told <= maxTold {
			c.tellFinding(stdout, f)
		}
	}
	var report audit.Report
	duplicates, err := c.with(c.Files, stdin, func(r io.Reader) error {
		var err error
		report, err = audit.Verify(r, audit.VerifyOptions{Keys: keys, Partial: c.Partial}, tell)
		return err
	})
	if err != nil {
		return err
	}
	if report.Lines == 0 {
		return fmt.Errorf("%w: %s is empty, which says nothing", errUnread, strings.Join(c.Files, ", "))
	}
	if err := c.tellReport(stdout, report, duplicates); err != nil {
		return err
	}
	switch {
	case report.Findings > 0:
		return errAltered
	case c.Strict && !report.Complete():
		return errOpen
	}
	return nil
}

func (c verifyCommand) tellFinding(w io.Writer, f audit.Finding) {
	if c.Output == "json" {
		_ = json.NewEncoder(w).Encode(f) // the report says whether writing works
		return
	}
	where := fmt.Sprintf("line %d", f.Line)
	if c.Unordered {
		where += " in order" // of the chains, not of a file
	}
	if f.Chain != "" {
		where += fmt.Sprintf(", chain %s, seq %d", plain(f.Chain), f.Seq)
	}
	_, _ = fmt.Fprintf(w, "%s: %s: %s\n", where, f.Change, f.Detail)
}

func (c verifyCommand) tellReport(w io.Writer, r audit.Report, duplicates int64) error {
	if c.Output == "json" {
		return json.NewEncoder(w).Encode(map[string]audit.Report{"report": r})
	}
	var text strings.Builder
	if r.Findings > maxTold {
		fmt.Fprintf(&text, "… %d findings in all\n", r.Findings)
	}
	fmt.Fprintf(&text, "%d lines of %d runs: %d records, %d signatures that fit\n", r.Lines, r.Runs, r.Records, r.Checkpoints)
	if duplicates > 0 {
		fmt.Fprintf(&text, "%d lines more were there twice, the same\n", duplicates)
	}
	if r.Torn > 0 {
		fmt.Fprintf(&text, "%d unfinished lines of a crash or a full disk, each vouched for by the line after it\n", r.Torn)
	}
	if r.Unfinished > 0 {
		fmt.Fprintf(&text, "line %d is unfinished: its run was killed, or is writing it now\n", r.Unfinished)
	}
	for _, open := range r.Open {
		fmt.Fprintf(&text, "chain %s has no end: it goes on after line %d (seq %d), was killed, or was cut off; %d lines since its last checkpoint aren't signed\n",
			open.Chain, open.Line, open.Seq, open.Unsigned)
	}
	if r.LastChain != "" {
		fmt.Fprintf(&text, "last: chain %s, seq %d, SHA-256 %s\n", r.LastChain, r.LastSeq, r.LastDigest)
	}
	if r.Findings == 0 {
		text.WriteString("nothing was changed, removed, added or moved\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (c whoCommand) run(stdin io.Reader, stdout, stderr io.Writer) error {
	fits := func(r audit.Record) bool { return r.Covers(c.Key) }
	return c.tellRecords(c.Files, c.Refused, c.Output, fits, stdin, stdout, stderr)
}

func (c whatCommand) run(stdin io.Reader, stdout, stderr io.Writer) error {
	fits := func(r audit.Record) bool { return r.Principal == c.Principal }
	return c.tellRecords(c.Files, c.Refused, c.Output, fits, stdin, stdout, stderr)
}

// tellRecords writes the records that fit.
func (u unordered) tellRecords(files []string, refused bool, output string, fits func(audit.Record) bool, stdin io.Reader, stdout, stderr io.Writer) error {
	table := newTable(stdout, "GIVEN", "UNTIL", "OUTCOME", "PRINCIPAL", "ACTION", "KEY", "POLICIES", "ID")
	take := func(r audit.Record) error {
		switch {
		case !fits(r) || (r.Outcome != audit.Issued && !refused):
			return nil
		case output == "json":
			return json.NewEncoder(stdout).Encode(r)
		}
		action := r.Action
		if r.Step != "" {
			action += "/" + r.Step
		}
		return table.row(stamp(&r.Time), stamp(r.ExpiresAt), string(r.Outcome), r.Principal, action, r.Key, strings.Join(r.Policies, ","), r.ID)
	}
	if err := u.readTrails(files, stdin, stderr, take); err != nil || output == "json" {
		return err
	}
	return table.Flush()
}

// readTrails hands over the records of several files.
func (u unordered) readTrails(files []string, stdin io.Reader, stderr io.Writer, take func(audit.Record) error) error {
	read := func(files ...string) error {
		_, err := u.with(files, stdin, func(r io.Reader) error {
			others, err := audit.Read(r, take)
			if others > 0 {
				_, _ = fmt.Fprintf(stderr, "signgate: %s: left out %d lines that no log wrote whole; `signgate audit verify` says more\n", strings.Join(files, ", "), others)
			}
			return err
		})
		return err
	}
	if u.Unordered {
		return read(files...)
	}
	for _, file := range files {
		if err := read(file); err != nil {
			return err
		}
	}
	return nil
}

// with reads files as one trail, and says how many lines were left out that
// were there before.
func (u unordered) with(files []string, stdin io.Reader, use func(io.Reader) error) (duplicates int64, err error) {
	if !u.Unordered {
		return 0, withFiles(files, stdin, use)
	}
	gather := audit.NewGather("")
	defer func() { err = errors.Join(err, gather.Close()) }()
	for _, file := range files {
		if err := withFile(file, stdin, gather.Add); err != nil {
			return 0, err
		}
	}
	from, to := io.Pipe()
	written := make(chan error, 1)
	go func() {
		_, err := gather.WriteTo(to)
		written <- err
		_ = to.CloseWithError(err)
	}()
	err = use(from)
	_ = from.CloseWithError(io.ErrClosedPipe) // ends the writer where it wasn't read to its end
	if failed := <-written; err == nil && failed != nil {
		err = failed
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errUnread, err)
	}
	return gather.Duplicates, err
}

func (c joinCommand) run(stdin io.Reader, stdout, stderr io.Writer) error {
	join := audit.NewJoin()
	err := withFile(c.AccessLog, stdin, func(r io.Reader) error {
		others, err := audit.ReadAccessLog(r, signedurl.IssueParam, join.Fetched)
		if others > 0 {
			_, _ = fmt.Fprintf(stderr, "signgate: %s: left out %d lines that are no requests of CloudFront's log\n", c.AccessLog, others)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := c.readTrails(c.Files, stdin, stderr, join.Given); err != nil {
		return err
	}
	if c.Output == "json" {
		for _, use := range join.Uses() {
			if err := json.NewEncoder(stdout).Encode(use); err != nil {
				return err
			}
		}
		return nil
	}
	return c.tell(stdout, join)
}

func (c joinCommand) tell(stdout io.Writer, join *audit.Join) error {
	uses := join.Uses()
	table := newTable(stdout, "PRINCIPAL", "GIVEN", "UNTIL", "PATH", "FETCHED", "REFUSED", "BYTES", "FIRST", "LAST", "ADDRESSES", "ID")
	for _, use := range uses {
		err := table.row(known(use), stamp(use.GivenAt), stamp(use.ExpiresAt), use.Path, strconv.FormatInt(use.Fetched, 10),
			strconv.FormatInt(use.Refused, 10), strconv.FormatInt(use.Bytes, 10), stamp(use.First), stamp(use.Last), strconv.Itoa(use.Addresses), use.ID)
		if err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "\n%d requests without an id of their own\n\nUsed from %d addresses or more:\n", join.WithoutID, c.Many); err != nil {
		return err
	}
	table = newTable(stdout, "ADDRESSES", "PRINCIPAL", "KEY", "ID")
	told := map[string]bool{}
	for _, use := range uses {
		if use.Addresses < c.Many || told[use.ID] {
			continue
		}
		told[use.ID] = true
		if err := table.row(strconv.Itoa(use.Addresses), known(use), use.Key, use.ID); err != nil {
			return err
		}
	}
	return table.Flush()
}

// known names who was given a URL.
func known(use audit.Use) string {
	if !use.Known {
		return "(not in the trail)"
	}
	return use.Principal
}
