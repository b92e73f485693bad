package download

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // file:checksum may name it; it guards against damage, not against forgery
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	multihash "github.com/multiformats/go-multihash"
)

// Checksum is what a file's bytes are promised to hash to.
type Checksum struct {
	// Algorithm by its multihash name: "sha2-256", "sha2-512", "sha1" or "md5".
	Algorithm string
	Digest    []byte
	make      func() hash.Hash
}

var algorithms = map[uint64]struct {
	size int
	make func() hash.Hash
}{
	multihash.SHA2_256: {sha256.Size, sha256.New},
	multihash.SHA2_512: {sha512.Size, sha512.New},
	multihash.SHA1:     {sha1.Size, sha1.New},
	multihash.MD5:      {md5.Size, md5.New},
}

// ParseChecksum reads a hexadecimal multihash, as file:checksum carries it (STAC file extension v2.1.0,
// multiformats.io/multihash). The error says whether it is no multihash or one whose algorithm is not supported.
func ParseChecksum(s string) (Checksum, error) {
	raw, err := hex.DecodeString(strings.ToLower(strings.TrimSpace(s)))
	if err != nil {
		return Checksum{}, fmt.Errorf("the checksum is not hexadecimal: %w", err)
	}
	d, err := multihash.Decode(raw)
	if err != nil {
		return Checksum{}, fmt.Errorf("the checksum is no multihash: %w", err)
	}
	a, ok := algorithms[d.Code]
	if !ok {
		return Checksum{}, fmt.Errorf("the checksum's algorithm %s (0x%x) is not supported", d.Name, d.Code)
	}
	if len(d.Digest) != a.size {
		return Checksum{}, fmt.Errorf("the checksum is cut to %d of %d bytes", len(d.Digest), a.size)
	}
	return Checksum{Algorithm: d.Name, Digest: bytes.Clone(d.Digest), make: a.make}, nil
}

// New returns a hash of c's algorithm.
func (c Checksum) New() hash.Hash { return c.make() }

// Matches reports whether digest is the promised one.
func (c Checksum) Matches(digest []byte) bool { return bytes.Equal(c.Digest, digest) }
