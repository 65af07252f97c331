package stack

import (
	"fmt"
	"os"
	"time"

	"github.com/signgate/signgate/pkg/edge"
)

// behaviors are those of the file, or the one that signgate reads by. A file
// names the keys of a deployment, whose private halves aren't here: wherever
// it trusts any of them, the edge trusts the local ones.
func (o Options) behaviors(keyIDs []string) ([]edge.Behavior, error) {
	if o.Behaviors == "" {
		// Nothing is cached by default, so that what was just uploaded is seen;
		// an object with a Cache-Control of its own is.
		lifetime := edge.Lifetime{Max: 365 * 24 * time.Hour}
		return []edge.Behavior{edge.ReadBehavior(keyIDs, lifetime, o.origins()...)}, nil
	}
	file, err := os.Open(o.Behaviors)
	if err != nil {
		return nil, fmt.Errorf("--behaviors: %w", err)
	}
	defer func() { _ = file.Close() }()
	behaviors, err := edge.ReadBehaviors(file)
	if err != nil {
		return nil, fmt.Errorf("--behaviors=%s: %w", o.Behaviors, err)
	}
	for i := range behaviors {
		if len(behaviors[i].KeyGroup) > 0 {
			behaviors[i].KeyGroup = keyIDs
		}
	}
	return behaviors, nil
}
