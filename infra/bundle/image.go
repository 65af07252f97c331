package bundle

import (
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecrassets"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Inside of an image.
const (
	// ImageUser is who the program runs as: nobody in particular, by number,
	// since an image without a base knows no names.
	ImageUser = "65532:65532"
	// imageProgram is where the program is; its files lie beside it.
	imageProgram = "program"
	// imageRoots is where Go, and most others, look for the certificate
	// authorities that they trust.
	imageRoots = "etc/ssl/certs/ca-certificates.crt"
	// imageRoot is the folder beside the Dockerfile that becomes the image.
	imageRoot = "root"
)

// dockerfile takes nothing from anywhere else: no base, and nothing that is
// downloaded. Nothing is run either, so that it can be built on any machine.
// Who may read is said here because copies take the umask of whoever makes
// them; nobody writes to the image, whose file system is mounted to be read.
const dockerfile = `FROM scratch
COPY --chmod=0755 ` + imageRoot + `/ /
USER ` + ImageUser + `
ENTRYPOINT ["/` + imageProgram + `"]
`

// Image is the program as an image for arm64, which contains nothing else but
// its files, at the root of the file system, and the certificate authorities
// that Mozilla trusts. The program is built here; Docker, or what stands in
// for it (CDK_DOCKER), puts the image together when it is published, which cdk
// synth doesn't. CDK panics with the error of WriteImage.
func (p Program) Image(scope constructs.Construct, id *string) awsecrassets.DockerImageAsset {
	folder, err := os.MkdirTemp("", "image")
	if err != nil {
		panic(fmt.Errorf("%w: %w", ErrBuild, err))
	}
	if staged, ok := scope.Node().TryGetContext(jsii.String("aws:cdk:disable-asset-staging")).(bool); !ok || !staged {
		defer func() { _ = os.RemoveAll(folder) }() // CDK has copied it by then
	}
	write := p.writeContext // of a stack that isn't to be deployed, as bundling-stacks says
	if *awscdk.Stack_Of(scope).BundlingRequired() {
		write = func(folder string) error { return p.WriteImage(folder, os.Stderr) }
	}
	if err := write(folder); err != nil {
		panic(err)
	}
	return awsecrassets.NewDockerImageAsset(scope, id, &awsecrassets.DockerImageAssetProps{
		Directory: jsii.String(folder), Platform: awsecrassets.Platform_LINUX_ARM64(),
	})
}

// WriteImage writes into the folder what docker build makes the image of. What
// the compiler says goes to said. Errors wrap ErrBuild.
func (p Program) WriteImage(folder string, said io.Writer) error {
	if err := p.writeContext(folder); err != nil {
		return err
	}
	return p.compile(filepath.Join(folder, imageRoot, imageProgram), said)
}

// writeContext is WriteImage without the program.
func (p Program) writeContext(folder string) error {
	files := map[string][]byte{path.Join(imageRoot, imageRoots): roots()}
	for name, content := range p.Files {
		top, _, _ := strings.Cut(filepath.ToSlash(name), "/")
		if !filepath.IsLocal(name) || strings.EqualFold(top, imageProgram) || strings.EqualFold(top, "etc") {
			return fmt.Errorf("%w: %q is no path beside the program", ErrBuild, name)
		}
		files[path.Join(imageRoot, name)] = content
	}
	files["Dockerfile"] = []byte(dockerfile)
	return write(folder, files)
}

// roots are the certificate authorities that Mozilla trusts, as PEM, in the
// version of go.mod. Those are left out that it trusts up to a day only, which
// such a file can't say: what they signed before has expired by then, or soon
// will have.
func roots() []byte {
	var found []byte
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			found = append(found, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})...)
		}
	}
	return found
}
