package config_test

import (
	"os"
	"testing"

	"github.com/signgate/signgate/infra/config"
)

func TestTheShippedEnvironmentsAreValid(t *testing.T) {
	t.Parallel()
	folder := os.DirFS("../environments")
	names, err := config.Names(folder)
	if err != nil || len(names) < 3 {
		t.Fatalf("environments %v: %v", names, err)
	}
	for _, name := range names {
		if _, err := config.Load(folder, name); err != nil {
			t.Error(err)
		}
	}
}
