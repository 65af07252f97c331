package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/signgate/signgate/pkg/access"
	"github.com/signgate/signgate/pkg/objectkey"
)

type policyCommands struct {
	Lint    policyLint    `cmd:"" help:"Check the policies of a folder: syntax, schema, ids."`
	Test    policyTest    `cmd:"" help:"Ask the policies of a folder the questions of its tests.json."`
	Explain policyExplain `cmd:"" help:"Say what the policies of a folder decide about one question, and what each does to it."`
	Schema  struct{}      `cmd:"" help:"Print the schema that policies are held to."`
	Set     policySet     `cmd:"" help:"Write a set of policies that comes with signgate into a folder: photos, tenants or machines."`
}

func (p *policyCommands) run(command string, stdout io.Writer) error {
	switch command {
	case "policy lint":
		return p.Lint.run(stdout)
	case "policy test":
		return p.Test.run(stdout)
	case "policy explain":
		return p.Explain.run(stdout)
	case "policy set":
		return p.Set.run(stdout)
	default: // policy schema
		_, err := stdout.Write(access.Schema())
		return err
	}
}

type policyFolder struct {
	Folder    string   `arg:"" type:"existingdir" help:"Folder of *.cedar files."`
	KeyLayout []string `default:"users/{owner}/,tenants/{tenant}/" help:"Beginnings of keys whose segments {owner} and {tenant} name an object's owner and tenant, as in the gateway's setting."`
}

func (f policyFolder) load() (*access.Authorizer, error) {
	layout, err := access.ParseLayout(f.KeyLayout)
	if err != nil {
		return nil, err
	}
	return access.LoadWithLayout(os.DirFS(f.Folder), layout)
}

type policyLint struct{ policyFolder }

func (c policyLint) run(out io.Writer) error {
	authorizer, err := c.load()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d policies fit the schema\n", authorizer.Len())
	return err
}

type policyTest struct{ policyFolder }

// errWrongAnswers makes the exit code of tests that went wrong.
var errWrongAnswers = errors.New("the policies don't answer as their tests expect")

func (c policyTest) run(out io.Writer) error {
	authorizer, err := c.load()
	if err != nil {
		return err
	}
	tests, err := access.LoadTests(os.DirFS(c.Folder))
	if err != nil {
		return err
	}
	failed := 0
	for n, test := range tests {
		verdict := "ok  "
		if err := authorizer.Run(test); err != nil {
			verdict = "FAIL"
			failed++
			test.Name += ": " + err.Error()
		}
		if _, err := fmt.Fprintf(out, "%s  %d. %s\n", verdict, n+1, test.Name); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d of %d", errWrongAnswers, failed, len(tests))
	}
	return nil
}

type policyExplain struct {
	policyFolder
	Person    string   `xor:"who" required:"" help:"Who asks: a person's subject."`
	Machine   string   `xor:"who" required:"" help:"Who asks: a machine's name, such as key:reporter."`
	Anonymous bool     `xor:"who" required:"" help:"Who asks: anybody."`
	Group     []string `help:"A group that they are in."`
	Tenant    string   `help:"The tenant that they belong to."`
	Scope     []string `sep:"none" help:"A scope of the machine's key, such as read:reports/. None: it has no key, and no bounds but the policies."`
	Action    string   `required:"" enum:"read,list,write,overwrite,delete,share,revoke,audit" help:"What is to be done."`
	Key       string   `required:"" help:"The object."`
	Granted   []string `help:"An action that a share gives there."`
	JSON      bool     `name:"json" help:"As JSON."`
}

func (c policyExplain) run(out io.Writer) error {
	authorizer, err := c.load()
	if err != nil {
		return err
	}
	key, err := objectkey.Parse(c.Key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	principal := access.Principal{Kind: access.Person, Subject: c.Person, Groups: c.Group, Tenant: c.Tenant, Scopes: c.Scope}
	switch {
	case c.Anonymous:
		principal = access.Principal{Kind: access.Anonymous}
	case c.Machine != "":
		principal.Kind, principal.Subject = access.Machine, c.Machine
	}
	granted := make([]access.Action, len(c.Granted))
	for n, action := range c.Granted {
		granted[n] = access.Action(action)
	}
	decision := authorizer.Authorize(principal, access.Action(c.Action), key, granted...)
	reasons := authorizer.Why(principal, access.Action(c.Action), key, granted...)
	if c.JSON {
		err = json.MarshalWrite(out, map[string]any{
			"allowed": decision.Allowed, "policies": decision.Policies, "errors": decision.Errors, "reasons": reasons,
		}, jsontext.Multiline(true))
	} else {
		text := explained(decision, reasons)
		if !principal.Covers(access.Action(c.Action), key.String()) {
			text = "denied: the key has no scope for it, whatever policies say\n"
		}
		_, err = io.WriteString(out, text)
	}
	if err == nil && !decision.Allowed {
		return errDenied
	}
	return err
}

// errDenied makes the exit code of a decision that is a no.
var errDenied = errors.New("denied")

// explained is a decision for a terminal.
func explained(decision access.Decision, reasons []access.Reason) string {
	var text strings.Builder
	verdict := "denied"
	if decision.Allowed {
		verdict = "allowed"
	}
	by := "no policy permits it"
	if len(decision.Policies) > 0 {
		by = "by " + strings.Join(decision.Policies, ", ")
	}
	fmt.Fprintf(&text, "%s, %s\n\n", verdict, by)
	for _, reason := range reasons {
		does := "holds"
		switch {
		case reason.Missing == "scope":
			does = "is about other principals, actions or resources"
		case !reason.Holds:
			does = "does not hold: " + reason.Missing
		}
		fmt.Fprintf(&text, "  %-7s %-20s %s\n", reason.Effect, reason.Policy, does)
	}
	for _, failure := range decision.Errors {
		fmt.Fprintf(&text, "  error   %s\n", failure)
	}
	return text.String()
}

type policySet struct {
	Name   string `arg:"" enum:"photos,tenants,machines" help:"The set."`
	Folder string `arg:"" type:"path" help:"Folder that doesn't exist yet, or is empty."`
}

func (c policySet) run(out io.Writer) error {
	set, err := access.Set(c.Name)
	if err != nil {
		return err
	}
	// Half of one set in the middle of another would be a set that nobody wrote.
	there, err := os.ReadDir(c.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("folder %s: %w", c.Folder, fs.ErrExist)
	}
	if err := os.CopyFS(c.Folder, set); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: try signgate policy test %s\n", c.Folder, c.Folder)
	return err
}
