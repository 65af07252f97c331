package access

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed policies/*/*
var builtin embed.FS

// Sets names the sets of policies that come with signgate: photos (private,
// shared, public), tenants (documents of several tenants) and machines.
func Sets() []string { return []string{"photos", "tenants", "machines"} }

// Set returns the folder of a set: its policies, and tests.json with questions
// and answers. Load it, or copy it as a beginning. The error wraps fs.ErrNotExist.
func Set(name string) (fs.FS, error) {
	folder, err := fs.Sub(builtin, "policies/"+name)
	if err != nil {
		return nil, fmt.Errorf("policies %q: %w", name, err)
	}
	if _, err := fs.Stat(folder, TestsFile); err != nil {
		return nil, fmt.Errorf("policies %q: %w", name, err)
	}
	return folder, nil
}

// Builtin returns the folder of the set photos, each person's own folder below
// "users/" and what is shared from it, without its tests.
func Builtin() fs.FS {
	folder, err := Set(Sets()[0])
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return folder
}
