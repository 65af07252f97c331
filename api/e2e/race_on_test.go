//go:build race

package e2e_test

// buildFlags gives the binaries the race detector that the tests have.
func buildFlags() []string { return []string{"-race"} }
