package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// FreeSpace returns the bytes that this user can still write in dir or, where it doesn't exist yet, in the nearest folder above.
func FreeSpace(dir string) (int64, error) {
	for {
		free, err := freeSpace(dir)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return free, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return 0, err
		}
		dir = up
	}
}

// Writable returns an error that says why dir cannot take files. It creates dir where it is missing.
func Writable(dir string) error {
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("the folder %q is not absolute", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".dinamis-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
