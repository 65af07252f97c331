// Command infra is the CDK app: it synthesizes the stacks of the environment
// that the context names (cdk synth --context env=dev), or of all of them. The
// gateway of the one that is named runs on what the context says as compute,
// lambda or fargate, whatever its file says. The app reads environments from infra/environments, or from the folder that the context
// names as environments.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/behaviors"
	"github.com/signgate/signgate/infra/compliance"
	"github.com/signgate/signgate/infra/config"
	"github.com/signgate/signgate/infra/stacks"
)

func main() {
	os.Exit(run())
}

func run() int {
	defer func() {
		// Two goroutines of jsii wait for its process, and the one that loses
		// says so on standard error. It means nothing.
		if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
			os.Stderr = null
		}
		jsii.Close()
	}()
	if err := synth(awscdk.NewApp(nil)); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		return 1
	}
	return 0
}

// synth makes the stacks of every environment that is asked for, and says what
// is wrong with all of them.
func synth(app awscdk.App) error {
	folder := os.DirFS(asked(app, "environments", "infra/environments"))
	names, err := config.Names(folder)
	if err != nil {
		return err
	}
	var overrides []config.Override
	name, compute := asked(app, "env", ""), asked(app, "compute", "")
	if name != "" {
		names = []string{name}
	}
	if compute != "" {
		if name == "" {
			return fmt.Errorf("compute=%s is about one environment: say which by env=NAME", compute)
		}
		overrides = append(overrides, config.Compute(compute))
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no environment: %w", fs.ErrNotExist)
	}
	var wrong []error
	var made []*stacks.Environment
	for _, name := range names {
		environment, err := config.Load(folder, name, overrides...)
		if err == nil {
			made = append(made, stacks.New(app, environment))
		}
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	compliance.Check(app, compliance.Exceptions())
	app.Synth(nil)
	for _, environment := range made {
		if err := describe(environment.Content); err != nil {
			return err
		}
	}
	return nil
}

// describe writes the behaviours of a stack's distribution beside its
// template, for the local edge to run (make dev ARGS=--behaviors=FILE).
func describe(stack awscdk.Stack) error {
	folder := *awscdk.Stage_Of(stack).Outdir()
	template, err := stacks.ReadTemplate(filepath.Join(folder, *stack.TemplateFile()))
	if err != nil {
		return err
	}
	var described bytes.Buffer
	if err := behaviors.Write(&described, template); err != nil {
		return fmt.Errorf("stack %s: %w", *stack.StackName(), err)
	}
	return os.WriteFile(filepath.Join(folder, *stack.StackName()+".behaviors.json"), described.Bytes(), 0o644) //nolint:gosec // nothing in it is secret
}

// asked is what the context says (cdk --context NAME=VALUE).
func asked(app awscdk.App, name, otherwise string) string {
	if value, ok := app.Node().TryGetContext(jsii.String(name)).(string); ok && value != "" {
		return value
	}
	return otherwise
}
