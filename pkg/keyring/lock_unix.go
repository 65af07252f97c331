//go:build unix

package keyring

import (
	"errors"
	"os"
	"syscall"
)

// lock waits for its turn at a file and returns what ends it. The kernel ends
// it too when the process dies.
func lock(path string) (func() error, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, secretMode)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}
