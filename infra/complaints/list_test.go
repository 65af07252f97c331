package complaints_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/signgate/signgate/infra/complaints"
)

func ExampleList() {
	errInvalid := errors.New("invalid port")
	var found complaints.List
	found.When(true, "the port is at most %d", 65535)
	found.When(false, "the port is missing")
	found.When(true, "the host is missing")
	fmt.Println(found.Err(errInvalid))
	// Output: invalid port: the port is at most 65535; the host is missing
}

func TestNothingWrongIsNoError(t *testing.T) {
	t.Parallel()
	var found complaints.List
	found.When(false, "something")
	if err := found.Err(errors.ErrUnsupported); err != nil {
		t.Errorf("got %v", err)
	}
	found.When(true, "something")
	if err := found.Err(errors.ErrUnsupported); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
