package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// errPartGone means that somebody removed or replaced the partial file while it was written.
var errPartGone = errors.New("the partial file was removed while it was written")

// part is a file under way.
type part struct {
	f    *os.File
	path string
}

// openPart opens the partial file of a task whose folder exists below dir; a clean one replaces what was there.
func openPart(dir, final string, clean bool) (*part, error) {
	path := final + download.PartSuffix
	if st, err := os.Stat(dir); err != nil {
		return nil, diskError("find the download folder", dir, err)
	} else if !st.IsDir() {
		return nil, diskError("find the download folder", dir, errors.New("it is not a folder"))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, diskError("make the folder", filepath.Dir(path), err)
	}
	if clean {
		// A new file instead of a truncated one: whoever still holds the old one cannot write into the new.
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, diskError("replace the partial file", path, err)
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, diskError("open the partial file", path, err)
	}
	return &part{f: f, path: path}, nil
}

// sync puts what was written onto the disk, and makes sure that the file is still where it should be.
func (p *part) sync() error {
	if err := p.f.Sync(); err != nil {
		return diskError("write the partial file", p.path, err)
	}
	here, err := p.f.Stat()
	if err != nil {
		return diskError("write the partial file", p.path, err)
	}
	if there, err := os.Stat(p.path); err != nil || !os.SameFile(here, there) {
		return errPartGone
	}
	return nil
}

// publish gives the closed partial file its final name without ever replacing a file: fs.ErrExist if there is one.
func publish(partPath, final string) error {
	err := os.Link(partPath, final)
	switch {
	case err == nil:
		err = os.Remove(partPath)
	case errors.Is(err, fs.ErrExist):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return errPartGone
	default:
		err = renameExclusively(partPath, final)
	}
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		return diskError("name the finished file", final, err)
	}
	return syncFolder(filepath.Dir(final))
}

// renameExclusively is for file systems without links: an empty file of ours reserves the name, then gives way.
func renameExclusively(from, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	f.Close()
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// syncFolder makes a rename durable. Windows does so by itself, and has no such call.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return diskError("write the folder", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return diskError("write the folder", dir, err)
	}
	return nil
}

// discard removes the partial file, and the folders below dir that are empty now.
func discard(dir, final string) error {
	err := os.Remove(final + download.PartSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskError("remove the partial file", final+download.PartSuffix, err)
	}
	// Remove refuses a folder that isn't empty, which is what we want.
	item := filepath.Dir(final)
	for _, d := range []string{item, filepath.Dir(item)} {
		if d != filepath.Clean(dir) {
			_ = os.Remove(d)
		}
	}
	return nil
}

// diskError says in a sentence what the disk refused.
func diskError(op, path string, err error) *download.Error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path stands in Key
	}
	if isDiskFull(err) {
		return &download.Error{Op: op, Kind: download.KindDiskFull, Key: path, Err: fmt.Errorf("the disk is full; it goes on by itself when there is room: %w", err)}
	}
	return &download.Error{Op: op, Kind: download.KindFolder, Key: path, Err: err}
}
