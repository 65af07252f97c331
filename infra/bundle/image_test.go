package bundle_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/signgate/signgate/infra/bundle"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestAnImageHasTheProgramItsFilesAndWhomItTrustsAndNothingElse(t *testing.T) {
	folder := t.TempDir()
	program := bundle.Program{Package: "example.com/hello", Files: map[string][]byte{"policies/photos.cedar": []byte("permit;")}, Go: compiler(t, false)}
	if err := program.WriteImage(folder, os.Stderr); err != nil {
		t.Fatal(err)
	}
	var files []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	synthtest.Equal(t, "files", files, []string{"Dockerfile", "root/etc/ssl/certs/ca-certificates.crt", "root/policies/photos.cedar", "root/program"})
	dockerfile, err := os.ReadFile(filepath.Join(folder, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	synthtest.Equal(t, "how it is put together", strings.Split(strings.TrimSpace(string(dockerfile)), "\n"), []string{
		"FROM scratch", "COPY --chmod=0755 root/ /", "USER " + bundle.ImageUser, `ENTRYPOINT ["/program"]`,
	})
	if bundle.ImageUser == "" || strings.HasPrefix(bundle.ImageUser, "0:") {
		t.Errorf("it runs as %q", bundle.ImageUser)
	}
}

func TestTheProgramOfAnImageIsThatOfAFunction(t *testing.T) {
	program := bundle.Program{Package: "example.com/hello", Go: compiler(t, false)}
	image, function := t.TempDir(), t.TempDir()
	if err := errors.Join(program.WriteImage(image, os.Stderr), program.Build(function, os.Stderr)); err != nil {
		t.Fatal(err)
	}
	one, err := os.ReadFile(filepath.Join(image, "root", "program"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(function, "bootstrap"))
	if err != nil || !bytes.Equal(one, other) {
		t.Errorf("it is built by\n%s\nand not by\n%s, %v", one, other, err)
	}
}

func TestAnImageTrustsWhomMozillaTrustsWithoutLimit(t *testing.T) {
	folder := t.TempDir()
	if err := (bundle.Program{Package: "example.com/hello", Go: compiler(t, false)}).WriteImage(folder, os.Stderr); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "root", "etc", "ssl", "certs", "ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" || !certificate.IsCA {
			t.Fatalf("%s: %v", block.Type, err)
		}
		names[certificate.Subject.CommonName] = true
	}
	for _, aws := range []string{"Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4"} {
		if !names[aws] {
			t.Errorf("%s isn't trusted, which AWS's services are signed by", aws)
		}
	}
	if x509.NewCertPool().AppendCertsFromPEM(text); len(names) < 100 {
		t.Errorf("only %d are trusted", len(names))
	}
}

func TestAnImageThatCannotBeBuiltIsSaid(t *testing.T) {
	var said bytes.Buffer
	err := bundle.Program{Package: "example.com/hello", Go: compiler(t, true)}.WriteImage(t.TempDir(), &said)
	if !errors.Is(err, bundle.ErrBuild) || said.String() != "no such package\n" {
		t.Errorf("%v; said %q", err, said.String())
	}
	for _, name := range []string{"../up", "/root", "program", "Program/x", "etc/passwd", ""} {
		program := bundle.Program{Package: "example.com/hello", Files: map[string][]byte{name: nil}, Go: compiler(t, false)}
		if err := program.WriteImage(t.TempDir(), &said); !errors.Is(err, bundle.ErrBuild) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// images synthesizes an image of each program, and returns their assets.
func images(t *testing.T, bundling []string, programs ...bundle.Program) (hashes []string, app awscdk.App) {
	t.Helper()
	app = awscdk.NewApp(&awscdk.AppProps{Context: &map[string]any{"aws:cdk:bundling-stacks": bundling}})
	stack := awscdk.NewStack(app, jsii.String("Test"), nil)
	for i, program := range programs {
		hashes = append(hashes, *program.Image(stack, jsii.String(fmt.Sprintf("Image%d", i))).AssetHash())
	}
	app.Synth(nil)
	return hashes, app
}

func TestOnlyTheSameProgramWithTheSameFilesIsTheSameImage(t *testing.T) {
	goCommand := compiler(t, false)
	a := bundle.Program{Package: "example.com/a", Go: goCommand}
	b, withFile := a, a
	b.Package, withFile.Files = "example.com/b", map[string][]byte{"f": []byte("x")}
	hashes, _ := images(t, []string{"**"}, a, a, b, withFile)
	slices.Sort(hashes)
	if len(slices.Compact(hashes)) != 3 {
		t.Errorf("the images are %v", hashes)
	}
}

func TestTheImageThatIsPublishedIsTheOneThatWasWritten(t *testing.T) {
	hashes, app := images(t, []string{"**"}, bundle.Program{Package: "example.com/a", Go: compiler(t, false)})
	for _, file := range []string{"Dockerfile", "root/program", "root/etc/ssl/certs/ca-certificates.crt"} {
		if _, err := os.Stat(filepath.Join(*app.Outdir(), "asset."+hashes[0], file)); err != nil {
			t.Error(err)
		}
	}
	manifest, err := os.ReadFile(filepath.Join(*app.Outdir(), "Test.assets.json"))
	if err != nil || !strings.Contains(string(manifest), `"platform": "linux/arm64"`) {
		t.Errorf("%v; it is built by %s", err, manifest)
	}
}

func TestNoImageIsBuiltForAStackThatIsNotDeployed(t *testing.T) {
	images(t, []string{}, bundle.Program{Package: "example.com/a", Go: compiler(t, true)})
	defer func() {
		if found := fmt.Sprint(recover()); !strings.Contains(found, "go build example.com/a") {
			t.Errorf("recovered %v", found)
		}
	}()
	images(t, []string{"**"}, bundle.Program{Package: "example.com/a", Go: compiler(t, true)})
}
