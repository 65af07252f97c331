package observability_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/signgate/signgate/infra/observability"
	"github.com/signgate/signgate/infra/synthtest"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// synth synthesizes one stack with a construct, which must not have made CDK
// warn of anything, nor bring functions, nor allow or deny by wildcard.
func synth(t *testing.T, flags synthtest.Flags, region string, construct func(awscdk.Stack)) synthtest.Template {
	t.Helper()
	stack := synthtest.Stack(flags, region)
	construct(stack)
	template := synthtest.Synth(stack)
	synthtest.Equal(t, "what CDK warns of", template.Warnings, "")
	synthtest.Equal(t, "what names more than one action", template.Wildcards(), []string(nil))
	if functions := template.Of("AWS::Lambda::Function"); len(functions) > 0 {
		t.Errorf("%d functions come with it", len(functions))
	}
	return template
}

func assertComplaints(t *testing.T, err error, complaints ...string) {
	t.Helper()
	if !errors.Is(err, observability.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, complaint := range complaints {
		if !strings.Contains(err.Error(), complaint) {
			t.Errorf("%v doesn't complain of %s", err, complaint)
		}
	}
}

// assertPanics is for a constructor, which panics with what Validate returns.
func assertPanics(t *testing.T, construct func(awscdk.Stack)) {
	t.Helper()
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, observability.ErrInvalid) {
			t.Errorf("the constructor panics with %v", err)
		}
	}()
	construct(synthtest.Stack(synthtest.NoFlags, ""))
}
