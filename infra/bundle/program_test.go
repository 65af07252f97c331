package bundle_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/bundle"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// compiler is a command in go's place: it writes what it was asked into the
// file after -o, or fails with what it says.
func compiler(t *testing.T, fails bool) string {
	t.Helper()
	script := "#!/bin/sh\nout=\nfor a; do [ \"$last\" = -o ] && out=$a; last=$a; done\n" +
		"{ echo \"$GOOS $GOARCH $GOARM64 $CGO_ENABLED\"; for a; do [ \"$a\" = \"$out\" ] || echo \"$a\"; done; } > \"$out\"\n"
	if fails {
		script = "#!/bin/sh\necho no such package\nexit 1\n"
	}
	path := filepath.Join(t.TempDir(), "compiler")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAProgramIsBuiltForLambdaWithNothingOfWhereOrWhen(t *testing.T) {
	t.Setenv("GOARM64", "v9.0,lse") // what another machine has, Lambda's needn't
	folder := t.TempDir()
	program := bundle.Program{Package: "example.com/hello", Files: map[string][]byte{"policies/photos.cedar": []byte("permit;")}, Go: compiler(t, false)}
	if err := program.Build(folder, os.Stderr); err != nil {
		t.Fatal(err)
	}
	asked, err := os.ReadFile(filepath.Join(folder, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	synthtest.Equal(t, "what go is asked", strings.Split(strings.TrimSpace(string(asked)), "\n"), []string{
		"linux arm64 v8.0 0", "build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc", "-ldflags=-s -w -buildid=", "-o", "example.com/hello",
	})
	if policy, err := os.ReadFile(filepath.Join(folder, "policies", "photos.cedar")); err != nil || string(policy) != "permit;" {
		t.Errorf("the file beside it: %q, %v", policy, err)
	}
}

// Lambda unpacks files with the modes that they were packed with, and starts
// the program as a user of its own.
func TestTheFunctionsUserMayReadEverythingAndStartTheProgram(t *testing.T) {
	folder := t.TempDir()
	before := syscall.Umask(0o077)
	err := bundle.Program{Package: "example.com/hello", Files: map[string][]byte{"policies/photos.cedar": nil}, Go: compiler(t, false)}.Build(folder, os.Stderr)
	syscall.Umask(before)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"bootstrap": 0o755, "policies": 0o755 | os.ModeDir, "policies/photos.cedar": 0o644} {
		if about, err := os.Stat(filepath.Join(folder, name)); err != nil || about.Mode() != want {
			t.Errorf("%s is %s, %v", name, about.Mode(), err)
		}
	}
}

func TestWhatCannotBeBuiltIsSaid(t *testing.T) {
	var said bytes.Buffer
	err := bundle.Program{Package: "example.com/hello", Go: compiler(t, true)}.Build(t.TempDir(), &said)
	if !errors.Is(err, bundle.ErrBuild) || !strings.Contains(err.Error(), "example.com/hello") || said.String() != "no such package\n" {
		t.Errorf("%v; said %q", err, said.String())
	}
	for _, name := range []string{"../up", "/root", "bootstrap", ""} {
		program := bundle.Program{Package: "example.com/hello", Files: map[string][]byte{name: nil}, Go: compiler(t, false)}
		if err := program.Build(t.TempDir(), &said); !errors.Is(err, bundle.ErrBuild) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// functions synthesizes a function of each program, and returns which code
// each has.
func functions(t *testing.T, programs ...bundle.Program) (codes []any) {
	t.Helper()
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Test"), nil)
	for i, program := range programs {
		awslambda.NewFunction(stack, jsii.String(fmt.Sprintf("Function%d", i)), &awslambda.FunctionProps{
			Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: jsii.String("bootstrap"), Code: program.Code(),
		})
	}
	template := synthtest.Synth(stack)
	for i := range programs {
		codes = append(codes, template.Only(t, "AWS::Lambda::Function", fmt.Sprintf("Function%d", i)).Get("Code", "S3Key"))
	}
	return codes
}

func TestOnlyTheSameProgramWithTheSameFilesHasTheSameCode(t *testing.T) {
	with := func(name, content string) map[string][]byte { return map[string][]byte{name: []byte(content)} }
	goCommand := compiler(t, false)
	codes := functions(t,
		bundle.Program{Package: "example.com/a", Go: goCommand}, bundle.Program{Package: "example.com/a", Go: goCommand},
		bundle.Program{Package: "example.com/b", Go: goCommand},
		bundle.Program{Package: "example.com/a", Files: with("f", "x"), Go: goCommand}, bundle.Program{Package: "example.com/a", Files: with("f", "y"), Go: goCommand},
		bundle.Program{Package: "example.com/a", Files: with("g", "x"), Go: goCommand},
	)
	if codes[0] != codes[1] {
		t.Error("one program has two codes")
	}
	different := map[any]bool{}
	for _, code := range codes[1:] {
		different[code] = true
	}
	if len(different) != 5 {
		t.Errorf("the codes are %v", codes)
	}
}

func TestASynthesisEndsWhereAProgramCannotBeBuilt(t *testing.T) {
	defer func() {
		if found := fmt.Sprint(recover()); !strings.Contains(found, "go build example.com/a") {
			t.Errorf("recovered %v", found)
		}
	}()
	functions(t, bundle.Program{Package: "example.com/a", Go: compiler(t, true)})
}
