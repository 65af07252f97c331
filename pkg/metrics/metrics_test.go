package metrics_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/metrics"
)

// A set that is there twice, or an attribute that is there twice in one, would
// make CloudWatch refuse a line or count it twice.
func TestNoSetOfDimensionsIsThereTwice(t *testing.T) {
	for metric, sets := range metrics.Dimensions() {
		seen := map[string]bool{}
		if len(sets) == 0 {
			t.Errorf("%s is counted by nothing", metric)
		}
		for _, set := range sets {
			sorted := slices.Sorted(slices.Values(set))
			if len(slices.Compact(slices.Clone(sorted))) != len(set) || slices.Contains(set, metrics.ServiceDimension) {
				t.Errorf("%s: %v", metric, set)
			}
			name := strings.Join(sorted, " ")
			if seen[name] {
				t.Errorf("%s is counted by %v twice", metric, set)
			}
			seen[name] = true
		}
	}
}

func TestASetIsTheSameInAnyOrder(t *testing.T) {
	if !metrics.CountedBy(metrics.Issuances, metrics.Outcome, metrics.Action) || metrics.CountedBy(metrics.Issuances, metrics.Outcome) || metrics.CountedBy("unknown") {
		t.Error("a set is taken for another")
	}
}
