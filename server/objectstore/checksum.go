package objectstore

import (
	"crypto/md5"  //nolint:gosec // S3 defines the ETag and Content-MD5 as MD5
	"crypto/sha1" //nolint:gosec // one of the checksums that a client of S3 may choose
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// digest is what is known of a body after it was read.
type digest struct {
	size        int64
	md5, sha256 []byte
}

func (d digest) etag() string      { return hex.EncodeToString(d.md5) }
func (d digest) sha256Hex() string { return hex.EncodeToString(d.sha256) }

// digester hashes a body as it passes, with the additional checksum that the client chose.
type digester struct {
	size        int64
	md5, sha256 hash.Hash
	extra       hash.Hash // nil unless the client chose one
	extraName   string    // the header or trailer that carries it
}

const checksumPrefix = "x-amz-checksum-"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5) // NVM Express, reversed
)

// newDigester prepares for the checksum that r announces, in a header or in a trailer.
func newDigester(r *http.Request) (*digester, error) {
	d := &digester{md5: md5.New(), sha256: sha256.New()}
	if r == nil {
		return d, nil
	}
	var names []string
	for name := range r.Header {
		n := strings.ToLower(name)
		if strings.HasPrefix(n, checksumPrefix) && n != "x-amz-checksum-mode" && n != "x-amz-checksum-type" && n != "x-amz-checksum-algorithm" {
			names = append(names, n)
		}
	}
	for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
		if n := strings.ToLower(strings.TrimSpace(name)); n != "" {
			names = append(names, n)
		}
	}
	if len(names) > 1 {
		return nil, fail(http.StatusBadRequest, "InvalidRequest", "Expecting a single x-amz-checksum- header.")
	}
	if len(names) == 0 {
		return d, nil
	}
	d.extraName = names[0]
	switch strings.TrimPrefix(d.extraName, checksumPrefix) {
	case "crc32":
		d.extra = crc32.NewIEEE()
	case "crc32c":
		d.extra = crc32.New(castagnoli)
	case "crc64nvme":
		d.extra = crc64.New(nvme)
	case "sha1":
		d.extra = sha1.New()
	case "sha256":
		d.extra = sha256.New()
	default:
		return nil, fail(http.StatusBadRequest, "InvalidRequest", "The checksum %q is not supported: crc32, crc32c, crc64nvme, sha1 or sha256.", d.extraName)
	}
	return d, nil
}

func (d *digester) Write(p []byte) (int, error) {
	d.size += int64(len(p))
	d.md5.Write(p)
	d.sha256.Write(p)
	if d.extra != nil {
		d.extra.Write(p)
	}
	return len(p), nil
}

func (d *digester) digest() digest {
	return digest{size: d.size, md5: d.md5.Sum(nil), sha256: d.sha256.Sum(nil)}
}

// check compares what was read with all that the client said about it.
func (d *digester) check(r *http.Request, payload string, trailers map[string]string) error {
	sum := d.digest()
	if len(payload) == 2*sha256.Size && !strings.EqualFold(payload, sum.sha256Hex()) {
		return fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if v := r.Header.Get("Content-Md5"); v != "" {
		want, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(want) != md5.Size {
			return fail(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified is not valid.")
		}
		if string(want) != string(sum.md5) {
			return fail(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	if d.extra == nil {
		return nil
	}
	v := r.Header.Get(d.extraName)
	if v == "" {
		v = trailers[d.extraName]
	}
	if v != base64.StdEncoding.EncodeToString(d.extra.Sum(nil)) {
		return fail(http.StatusBadRequest, "BadDigest", "The %s you specified did not match what we received.", d.extraName)
	}
	return nil
}
