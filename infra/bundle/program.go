package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"
)

// ErrBuild is wrapped where a program can't be built.
var ErrBuild = errors.New("the program can't be built")

// executable is what the runtime provided.al2023 starts (AWS Lambda Developer
// Guide, "Building a custom runtime").
const executable = "bootstrap"

// Program is a Go program, and the files that lie beside it.
type Program struct {
	Package string            // its import path, which the module of the working folder knows
	Files   map[string][]byte // by their paths beside the program, such as policies/photos.cedar
	Go      string            // the command; none: go
}

// Code is the program as a function's code, for arm64. CDK panics with the
// error of Build.
func (p Program) Code() awslambda.Code {
	return awslambda.Code_FromAsset(jsii.String("."), &awss3assets.AssetOptions{
		AssetHashType: awscdk.AssetHashType_OUTPUT,
		Bundling: &awscdk.BundlingOptions{
			Image: awscdk.DockerImage_FromRegistry(jsii.String("unused")), // CDK wants one
			Local: &local{p},
			// CDK tells bundles apart by these options, and Local isn't among
			// them: two programs would get the same code.
			Environment: &map[string]*string{"PROGRAM": jsii.String(p.Package), "FILES": jsii.String(p.digest())},
		},
	})
}

// digest is of the files, each after its name and length.
func (p Program) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		_, _ = fmt.Fprintf(hash, "%q %d\n%s", name, len(p.Files[name]), p.Files[name]) // never fails
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// local is awscdk.ILocalBundling.
type local struct{ program Program }

// TryBundle is CDK's: it says false for CDK to ask Docker. A panic's error is
// what whoever synthesizes gets to read.
func (l *local) TryBundle(folder *string, _ *awscdk.BundlingOptions) *bool {
	if err := l.program.Build(*folder, os.Stderr); err != nil {
		panic(err)
	}
	return jsii.Bool(true)
}

// Build writes the program as bootstrap, and its files, into the folder. What
// the compiler says goes to said. Errors wrap ErrBuild.
func (p Program) Build(folder string, said io.Writer) error {
	if err := p.compile(filepath.Join(folder, executable), said); err != nil {
		return err
	}
	for name := range p.Files {
		if !filepath.IsLocal(name) || strings.EqualFold(name, executable) {
			return fmt.Errorf("%w: %q is no path beside the program", ErrBuild, name)
		}
	}
	if err := write(folder, p.Files); err != nil {
		return err
	}
	return forEverybody(folder)
}

// forEverybody has the function's user read everything and start the program,
// whatever mask whoever builds has for new files: Lambda keeps the modes.
func forEverybody(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBuild, err)
	}
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if entry.IsDir() || path == executable {
			mode = 0o755
		}
		return root.Chmod(path, mode)
	})
	if err := errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrBuild, err)
	}
	return nil
}

// compile builds the program: one binary for every front, as it finds out
// itself whether Lambda has started it.
func (p Program) compile(output string, said io.Writer) error {
	output, err := filepath.Abs(output)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBuild, err)
	}
	compiler := p.Go
	if compiler == "" {
		compiler = "go"
	}
	// Without paths, stamps and an id of the build, of one program there is
	// one binary. lambda.norpc leaves out what only the runtime go1.x needed.
	build := exec.Command(compiler, "build", "-trimpath", "-buildvcs=false", "-tags=lambda.norpc", "-ldflags=-s -w -buildid=", "-o", output, p.Package) //nolint:gosec,noctx // the app says what is built, and is there until it is
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "GOARM64=v8.0", "CGO_ENABLED=0")
	build.Stdout, build.Stderr = said, said
	if err := build.Run(); err != nil {
		return fmt.Errorf("%w: go build %s: %w", ErrBuild, p.Package, err)
	}
	return nil
}

// write writes files by their paths in the folder, readable by everybody.
func write(folder string, files map[string][]byte) error {
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // the program's user reads it
			return fmt.Errorf("%w: %w", ErrBuild, err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil { //nolint:gosec // the program's user reads it
			return fmt.Errorf("%w: %w", ErrBuild, err)
		}
	}
	return nil
}
