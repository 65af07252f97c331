// Package synthtest synthesizes stacks for tests and shows what came out as
// plain text and maps, so that a test says in one look what it expects. It is
// linked by tests only.
package synthtest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/go-json-experiment/json"
)

// Main runs a package's tests, ends the process of jsii and removes what it
// left: call it from TestMain.
func Main(m *testing.M) {
	folder, err := os.MkdirTemp("", "synthtest")
	if err == nil {
		err = os.Setenv("TMPDIR", folder)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	// Two goroutines of jsii wait for the same process, and the one that loses
	// says so on standard error. It means nothing.
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
	jsii.Close()
	if err := os.RemoveAll(folder); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// Flags says with which of CDK's feature flags an app is made: an importer's
// app may have any.
type Flags string

// The flags of this repository's cdk.json, and those of a bare app.
const (
	HouseFlags Flags = "flags of cdk.json"
	NoFlags    Flags = "no flags"
)

// BothFlags are the two that a construct is tested with.
func BothFlags() []Flags { return []Flags{HouseFlags, NoFlags} }

// App makes an app that builds no code of functions: in its place a template
// names the construct.
func App(flags Flags) awscdk.App {
	settings := map[string]any{}
	if flags == HouseFlags {
		_, here, _, _ := runtime.Caller(0)
		text, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "cdk.json"))
		if err != nil {
			panic(err)
		}
		var file struct {
			Context map[string]any `json:"context"`
		}
		if err := json.Unmarshal(text, &file); err != nil {
			panic(fmt.Errorf("cdk.json: %w", err))
		}
		maps.Copy(settings, file.Context)
	}
	settings["aws:cdk:bundling-stacks"] = []string{}
	return awscdk.NewApp(&awscdk.AppProps{Context: &settings})
}

// Stack makes a stack in an app of its own. Without a region it goes wherever
// it is deployed; with one, its account is 111122223333.
func Stack(flags Flags, region string) awscdk.Stack {
	props := &awscdk.StackProps{}
	if region != "" {
		props.Env = &awscdk.Environment{Account: jsii.String("111122223333"), Region: jsii.String(region)}
	}
	return awscdk.NewStack(App(flags), jsii.String("Test"), props)
}

// Template is what a stack synthesizes to.
type Template struct {
	Resources map[string]Resource // by logical id
	Outputs   map[string]string   // values by logical id
	Warnings  string              // the errors, or else the warnings, that constructs were annotated with
}

// Resource is one of a template. What CloudFormation fills in stands in its
// properties as text: ${Id} for a Ref, ${Id.Attribute} for a Fn::GetAtt.
type Resource struct {
	ID         string
	Type       string
	Properties map[string]any
	DependsOn  []string

	DeletionPolicy, UpdateReplacePolicy string
}

// Synth synthesizes the stack.
func Synth(stack awscdk.Stack) Template {
	raw := *assertions.Template_FromStack(stack, nil).ToJSON()
	resources, _ := raw["Resources"].(map[string]any)
	template := Template{Resources: map[string]Resource{}, Outputs: map[string]string{}}
	for id, value := range resources {
		resource, _ := value.(map[string]any)
		properties, _ := render(resource["Properties"]).(map[string]any)
		template.Resources[id] = Resource{
			ID: id, Type: text(resource["Type"]), Properties: properties, DependsOn: texts(resource["DependsOn"]),
			DeletionPolicy: text(resource["DeletionPolicy"]), UpdateReplacePolicy: text(resource["UpdateReplacePolicy"]),
		}
	}
	outputs, _ := render(raw["Outputs"]).(map[string]any)
	for id, output := range outputs {
		value, _ := output.(map[string]any)
		template.Outputs[id] = text(value["Value"])
	}
	template.Warnings = annotated(stack)
	return template
}

// annotated is what CDK says of findings if there are any: its assertions
// panic with it.
func annotated(stack awscdk.Stack) (said string) {
	defer func() {
		if found := recover(); found != nil {
			said = fmt.Sprint(found)
		}
	}()
	annotations, anywhere := assertions.Annotations_FromStack(stack), jsii.String("*")
	annotations.HasNoError(anywhere, assertions.Match_AnyValue())
	annotations.HasNoWarning(anywhere, assertions.Match_AnyValue())
	return ""
}
