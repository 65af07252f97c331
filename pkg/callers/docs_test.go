package callers_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/signgate/signgate/pkg/callers"
)

// The examples of CALLERS.md are files that the gateway takes.
func TestTheExamplesOfTheDocumentationAreTaken(t *testing.T) {
	text, err := os.ReadFile("../../CALLERS.md")
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(block[1], "[") {
			_, err = callers.ParseIssuers([]byte(block[1]))
		} else {
			_, err = callers.ParseIAM([]byte(block[1]))
		}
		if err != nil {
			t.Errorf("%s: %v", block[1], err)
		}
		taken++
	}
	if taken != 2 {
		t.Errorf("%d examples", taken)
	}
}
