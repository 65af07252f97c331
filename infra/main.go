// Command infra is the CDK app: it synthesizes the stacks of the environment
// that the context names (cdk synth --context env=dev), or of all of them. It
// reads them from infra/environments, or from the folder that the context
// names as environments.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

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
	if name := asked(app, "env", ""); name != "" {
		names = []string{name}
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no environment: %w", fs.ErrNotExist)
	}
	var wrong []error
	for _, name := range names {
		environment, err := config.Load(folder, name)
		if err == nil {
			_, err = stacks.New(app, environment)
		}
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	compliance.Check(app, compliance.Exceptions())
	app.Synth(nil)
	return nil
}

// asked is what the context says (cdk --context NAME=VALUE).
func asked(app awscdk.App, name, otherwise string) string {
	if value, ok := app.Node().TryGetContext(jsii.String(name)).(string); ok && value != "" {
		return value
	}
	return otherwise
}
