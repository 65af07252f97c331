package problem_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/problem"
)

func TestEveryKindHasItsOwnCodeAndIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../../PROBLEMS.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, kind := range problem.Kinds() {
		if seen[kind.Code] {
			t.Errorf("two kinds have the code %s", kind.Code)
		}
		seen[kind.Code] = true
		if !strings.Contains(string(text), "\n## "+kind.Code+"\n") {
			t.Errorf("PROBLEMS.md doesn't describe %s, where its type points", kind.Code)
		}
		if !strings.HasSuffix(problem.New(kind, "").Type, "PROBLEMS.md#"+kind.Code) {
			t.Errorf("the type of %s doesn't lead to its description", kind.Code)
		}
	}
	if sections := strings.Count(string(text), "\n## "); sections != len(problem.Kinds()) {
		t.Errorf("PROBLEMS.md has %d sections for %d kinds", sections, len(problem.Kinds()))
	}
}

func TestAnUnknownStatusNeverLooksLikeSuccess(t *testing.T) {
	for status, want := range map[int]problem.Kind{
		http.StatusForbidden:   problem.Denied,
		http.StatusBadGateway:  problem.Internal,
		http.StatusOK:          problem.Internal,
		0:                      problem.Internal,
		http.StatusNotFound:    problem.NotFound,
		http.StatusBadRequest:  problem.MalformedRequest,
		http.StatusNotExtended: problem.Internal,
	} {
		if got := problem.ForStatus(status); got != want {
			t.Errorf("ForStatus(%d) = %+v, want %+v", status, got, want)
		}
	}
	if got := problem.ForStatus(http.StatusTeapot); got.Status != http.StatusTeapot || got.Code != problem.InvalidRequest.Code {
		t.Errorf("ForStatus(418) = %+v", got)
	}
}
