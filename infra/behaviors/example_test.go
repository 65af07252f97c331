package behaviors_test

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/signgate/signgate/infra/behaviors"
)

// A template that cdk synth has written tells what the distribution will do.
func Example() {
	text, err := os.ReadFile("testdata/template.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		fmt.Println(err)
		return
	}
	found, err := behaviors.Of(template)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, behavior := range found {
		fmt.Println(behavior.PathPattern, behavior.KeyGroup, behavior.Methods, behavior.Lifetime.Default)
	}
	// Output: * [ReadKey] [GET HEAD OPTIONS] 1h0m0s
}
