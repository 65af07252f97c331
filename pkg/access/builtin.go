package access

import (
	"embed"
	"io/fs"
)

//go:embed policies/*.cedar
var builtin embed.FS

// Builtin returns the folder of policies that come with signgate: each
// person's own folder below "users/". Load it, or copy it as a beginning.
func Builtin() fs.FS {
	folder, err := fs.Sub(builtin, "policies")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return folder
}
