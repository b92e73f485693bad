package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// digest hashes a file's bytes in order: as they arrive while they come one after another, the rest from the disk.
type digest struct {
	mu     sync.Mutex
	next   int64
	sha    hash.Hash
	other  hash.Hash // of the promised algorithm, if that is not SHA-256
	want   download.Checksum
	wanted bool
}

func newDigest(checksum string) *digest {
	d := &digest{sha: sha256.New()}
	c, err := download.ParseChecksum(checksum)
	if err != nil {
		return d // nothing to compare with: Task.Verified stays false
	}
	d.want, d.wanted = c, true
	if c.Algorithm != "sha2-256" {
		d.other = c.New()
	}
	return d
}

// arrive takes bytes that were just written at offset; those that are not next in line are read back later.
func (d *digest) arrive(offset int64, b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if offset == d.next {
		d.write(b)
	}
}

func (d *digest) write(b []byte) {
	d.sha.Write(b)
	if d.other != nil {
		d.other.Write(b)
	}
	d.next += int64(len(b))
}

// finish hashes what is missing up to total from f.
func (d *digest) finish(ctx context.Context, f io.ReaderAt, total int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	buf := make([]byte, 256<<10)
	for d.next < total {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := f.ReadAt(buf[:min(int64(len(buf)), total-d.next)], d.next)
		d.write(buf[:n])
		if err != nil && !(errors.Is(err, io.EOF) && d.next == total) {
			return err
		}
	}
	return nil
}

func (d *digest) sha256() string { return hex.EncodeToString(d.sha.Sum(nil)) }

// check compares with the promise; nil if there is none.
func (d *digest) check() error {
	if !d.wanted {
		return nil
	}
	h := d.sha
	if d.other != nil {
		h = d.other
	}
	if got := h.Sum(nil); !d.want.Matches(got) {
		return fmt.Errorf("the %s of the bytes begins with %x, the item promises %x", d.want.Algorithm, got[:6], d.want.Digest[:6])
	}
	return nil
}

// hashFile hashes the whole file at path.
func hashFile(ctx context.Context, path, checksum string) (*digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	d := newDigest(checksum)
	return d, d.finish(ctx, f, st.Size())
}
