package objectstore

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// blobs are the files that hold the objects' bytes. Their names are random, so that no key becomes a path, and a file never
// changes once it has its name.
type blobs struct {
	dir, tmp string
}

func openBlobs(dir string) (*blobs, error) {
	b := &blobs{dir: filepath.Join(dir, "blobs"), tmp: filepath.Join(dir, "tmp")}
	// What is under tmp was being written when the last run ended.
	if err := os.RemoveAll(b.tmp); err != nil {
		return nil, err
	}
	return b, errors.Join(os.MkdirAll(b.tmp, 0o700), os.MkdirAll(b.dir, 0o700))
}

func (b *blobs) path(name string) string { return filepath.Join(b.dir, name[:2], name) }

// temp creates an empty file to write to.
func (b *blobs) temp() (*os.File, error) {
	return os.CreateTemp(b.tmp, "w-*")
}

// keep syncs the temporary file and gives it its name.
func (b *blobs) keep(tmp string) (name string, err error) {
	f, err := os.OpenFile(tmp, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return "", err
	}
	name = hex.EncodeToString(random(16))
	dir := filepath.Dir(b.path(name))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, b.path(name)); err != nil {
		return "", err
	}
	return name, errors.Join(syncDir(dir), syncDir(b.dir))
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // a directory cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (b *blobs) open(name string) (*os.File, error) { return os.Open(b.path(name)) }

// remove deletes a blob that no row names any more. Where that fails (Windows, while it is being read) the sweep of the next
// start does it.
func (b *blobs) remove(name string) {
	if name != "" {
		_ = os.Remove(b.path(name))
	}
}

// sweep removes the blobs that no row names: a write that was cut between file and row leaves one.
func (s *Store) sweep(ctx context.Context) error {
	named, err := s.index.blobNames(ctx)
	if err != nil {
		return err
	}
	return filepath.WalkDir(s.blobs.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || named[d.Name()] {
			return err
		}
		return os.Remove(path)
	})
}

// digestFile hashes a file.
func digestFile(path string) (digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return digest{}, err
	}
	defer f.Close()
	d, err := newDigester(nil)
	if err != nil {
		return digest{}, err
	}
	if _, err := io.Copy(d, f); err != nil {
		return digest{}, err
	}
	return d.digest(), nil
}

func isDiskFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }
