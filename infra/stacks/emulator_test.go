package stacks_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/signgate/signgate/infra/policytest"
	"github.com/signgate/signgate/infra/synthtest"
)

// unknown are the types that the emulator refuses a whole template for.
func unknown() []string {
	return []string{"AWS::CloudFront::KeyGroup", "AWS::CloudFront::PublicKey"}
}

// emulator is MiniStack, which speaks for AWS, and AWS's own command line.
type emulator struct{ url, home string }

// startEmulator runs what `make judges` installs, until the test ends.
func startEmulator(t *testing.T) *emulator {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	e := &emulator{url: "http://127.0.0.1:" + port, home: t.TempDir()}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join("..", "..", ".cache", "ministack", "bin", "ministack"))
	command.Env = []string{"HOME=" + e.home, "PATH=" + os.Getenv("PATH"), "GATEWAY_PORT=" + port, "BIND_HOST=127.0.0.1"}
	out, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout = io.Discard
	if err := command.Start(); err != nil {
		t.Fatalf("%v; `make judges` installs MiniStack", err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Running on "+e.url) {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return e
		}
	}
	t.Fatal("MiniStack doesn't start")
	return nil
}

// aws runs AWS's command line and returns what it prints.
func (e *emulator) aws(t *testing.T, arguments ...string) any {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join("..", "..", ".cache", "awscli", "bin", "aws"), arguments...)
	command.Env = []string{
		"HOME=" + e.home, "PATH=" + os.Getenv("PATH"), "AWS_ENDPOINT_URL=" + e.url, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_OUTPUT=json", "AWS_PAGER=",
	}
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(arguments[:2], " "), err, said.String())
	}
	var answer any
	if len(out) > 0 {
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("aws %s: %v", strings.Join(arguments[:2], " "), err)
		}
	}
	return answer
}

// deploy makes a stack of a template, and returns its outputs.
func (e *emulator) deploy(t *testing.T, template policytest.Template) map[string]string {
	t.Helper()
	e.aws(t, "ssm", "put-parameter", "--name", "/cdk-bootstrap/hnb659fds/version", "--type", "String", "--value", "30")
	text, err := json.Marshal(template.Body)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(e.home, "template.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	e.aws(t, "cloudformation", "create-stack", "--stack-name", template.Stack, "--template-body", "file://"+path, "--capabilities", "CAPABILITY_NAMED_IAM")
	deadline := time.Now().Add(time.Minute)
	for {
		stack := at(e.aws(t, "cloudformation", "describe-stacks", "--stack-name", template.Stack), "Stacks").([]any)[0]
		status, _ := at(stack, "StackStatus").(string)
		if strings.HasSuffix(status, "_IN_PROGRESS") && time.Now().Before(deadline) {
			continue
		}
		if status != "CREATE_COMPLETE" {
			t.Fatalf("the stack is %s: %v\n%v", status, at(stack, "StackStatusReason"), e.aws(t, "cloudformation", "describe-stack-events", "--stack-name", template.Stack))
		}
		outputs := map[string]string{}
		for _, output := range at(stack, "Outputs").([]any) {
			outputs[at(output, "OutputKey").(string)] = fmt.Sprint(at(output, "OutputValue"))
		}
		return outputs
	}
}

// known is a template without the types that the emulator refuses. What
// refers to them gets a made-up id.
func known(template policytest.Template) policytest.Template {
	template.Body = copied(template.Body)
	resources := template.Body["Resources"].(map[string]any)
	for _, kind := range unknown() {
		for id := range of(template, kind) {
			delete(resources, id)
			template.Body = replaced(template.Body, id).(map[string]any)
			resources = template.Body["Resources"].(map[string]any)
		}
	}
	return template
}

// replaced is a value in which references to a resource are an id.
func replaced(value any, id string) any {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 1 && value["Ref"] == id {
			return "K2JCJMDEHXQW5F"
		}
		again := map[string]any{}
		for name, member := range value {
			again[name] = replaced(member, id)
		}
		return again
	case []any:
		again := make([]any, len(value))
		for i, element := range value {
			again[i] = replaced(element, id)
		}
		return again
	}
	return value
}

// sids are those of a policy, whether it is an object or a text.
func sids(t *testing.T, policy any) (found []string) {
	t.Helper()
	if text, ok := policy.(string); ok {
		policy = nil
		if err := json.Unmarshal([]byte(text), &policy); err != nil {
			t.Fatal(err)
		}
	}
	statements, _ := at(policy, "Statement").([]any)
	for _, statement := range statements {
		found = append(found, fmt.Sprint(at(statement, "Sid")))
	}
	return found
}

// only are the properties of the one resource of a type that begins so.
func only(t *testing.T, template policytest.Template, kind, prefix string) map[string]any {
	t.Helper()
	var found []map[string]any
	for id, resource := range of(template, kind) {
		if strings.HasPrefix(id, prefix) {
			found = append(found, resource["Properties"].(map[string]any))
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d of %s begin with %s", len(found), kind, prefix)
	}
	return found[0]
}

// TestAnEmulatorDeploysTheStack shows that CloudFormation as somebody else
// wrote it finds an order to make the resources in, and that what it fills in
// ties them to each other. What the emulator leaves out of buckets
// (encryption, lifecycle, logging) is not looked at.
func TestAnEmulatorDeploysTheStack(t *testing.T) {
	template := known(content(t, "plain"))
	e := startEmulator(t)
	outputs := e.deploy(t, template)
	bucket, distribution := outputs["Bucket"], outputs["DistributionId"]

	access := at(e.aws(t, "s3api", "get-public-access-block", "--bucket", bucket), "PublicAccessBlockConfiguration")
	synthtest.Equal(t, "public access blocked", access, any(map[string]any{
		"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
	}))
	synthtest.Equal(t, "versioning", at(e.aws(t, "s3api", "get-bucket-versioning", "--bucket", bucket), "Status"), any("Enabled"))
	owner := e.aws(t, "s3api", "get-bucket-ownership-controls", "--bucket", bucket)
	if !met(owner, []string{"OwnershipControls", "Rules", "*", "ObjectOwnership"}, is("BucketOwnerEnforced")) {
		t.Errorf("ownership is %v", owner)
	}

	guard := only(t, template, "AWS::S3::BucketPolicy", "ContentBucket")
	policy, _ := at(e.aws(t, "s3api", "get-bucket-policy", "--bucket", bucket), "Policy").(string)
	synthtest.Equal(t, "statements of the bucket's policy", sids(t, policy), sids(t, guard["PolicyDocument"]))
	alias := only(t, template, "AWS::KMS::Alias", "ContentKey")
	key := fmt.Sprint(at(e.aws(t, "kms", "describe-key", "--key-id", fmt.Sprint(alias["AliasName"])), "KeyMetadata", "KeyId"))
	encrypts := only(t, template, "AWS::KMS::Key", "ContentKey")
	keyPolicy, _ := at(e.aws(t, "kms", "get-key-policy", "--key-id", key, "--policy-name", "default"), "Policy").(string)
	synthtest.Equal(t, "statements of the key's policy", sids(t, keyPolicy), sids(t, encrypts["KeyPolicy"]))
	for name, text := range map[string]string{"bucket": policy, "key": keyPolicy} {
		if !strings.Contains(text, ":distribution/"+distribution+`"`) {
			t.Errorf("the policy of the %s doesn't name the distribution %s: %s", name, distribution, text)
		}
	}

	config := at(e.aws(t, "cloudfront", "get-distribution-config", "--id", distribution), "DistributionConfig")
	synthtest.Equal(t, "viewers", at(config, "DefaultCacheBehavior", "ViewerProtocolPolicy"), any("https-only"))
	synthtest.Equal(t, "trusted key groups", at(config, "DefaultCacheBehavior", "TrustedKeyGroups", "Enabled"), any(true))
	origin := at(config, "Origins", "Items").([]any)[0]
	synthtest.Equal(t, "origin", at(origin, "DomainName"), any(bucket+".s3.us-east-1.amazonaws.com"))
	control := e.aws(t, "cloudfront", "get-origin-access-control", "--id", fmt.Sprint(at(origin, "OriginAccessControlId")))
	synthtest.Equal(t, "signing", at(control, "OriginAccessControl", "OriginAccessControlConfig", "SigningBehavior"), any("always"))

	settings := map[string]bool{}
	for _, parameter := range at(e.aws(t, "ssm", "get-parameters-by-path", "--path", outputs["SettingsPath"]), "Parameters").([]any) {
		name, value := fmt.Sprint(at(parameter, "Name")), fmt.Sprint(at(parameter, "Value"))
		settings[strings.TrimPrefix(name, outputs["SettingsPath"]+"/")] = slices.Contains(slices.Collect(maps.Values(outputs)), value)
	}
	synthtest.Equal(t, "settings, and whether each is an output too", settings, map[string]bool{
		"active-key-id": true, "allowed-origins": true, "bucket": true, "cdn-url": true, "max-read-life": true, "max-upload-life": true,
		"quarantine-prefix": true, "region": true, "s3-accelerate": true,
	})
}
