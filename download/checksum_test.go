package download

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"testing"
)

func TestParseChecksum(t *testing.T) {
	data := []byte("the bytes")
	s1, s256, s512, m := sha1.Sum(data), sha256.Sum256(data), sha512.Sum512(data), md5.Sum(data)
	for in, algo := range map[string]string{
		"1114" + hex.EncodeToString(s1[:]):                     "sha1",
		"1220" + hex.EncodeToString(s256[:]):                   "sha2-256",
		" 1340" + strings.ToUpper(hex.EncodeToString(s512[:])): "sha2-512",
		"d50110" + hex.EncodeToString(m[:]):                    "md5",
	} {
		c, err := ParseChecksum(in)
		if err != nil || c.Algorithm != algo {
			t.Errorf("%s: %+v %v", in, c, err)
			continue
		}
		h := c.New()
		h.Write(data)
		if !c.Matches(h.Sum(nil)) || c.Matches(make([]byte, len(c.Digest))) {
			t.Errorf("%s doesn't match", algo)
		}
	}
	for _, in := range []string{"", "xyz", "12", "1220", "1220ff", "1610" + strings.Repeat("00", 16), "1210" + strings.Repeat("00", 16), hex.EncodeToString(s256[:])} {
		if c, err := ParseChecksum(in); err == nil {
			t.Errorf("%q is taken for %+v", in, c)
		}
	}
}

func FuzzParseChecksum(f *testing.F) {
	for _, s := range []string{"", "1220", "1114" + strings.Repeat("ab", 20), "d50110" + strings.Repeat("00", 16), "ffffffffffffffffff01", "12ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseChecksum(s)
		if err == nil && c.New().Size() != len(c.Digest) {
			t.Fatalf("%q: %+v", s, c)
		}
	})
}
