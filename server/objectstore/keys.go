package objectstore

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxKeyBytes is the longest key of S3 (Amazon S3 User Guide, "Naming Amazon S3 objects").
const maxKeyBytes = 1024

var (
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	ipPattern     = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$`)
)

// splitPath splits the decoded path of a request, "/bucket/key", into its parts. Decoding happened once, in net/http: a key
// that says %2e%2e after that is those six characters.
func splitPath(path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return bucket, key
}

// checkBucket refuses names that S3 refuses ("Bucket naming rules").
func checkBucket(name string) error {
	if !bucketPattern.MatchString(name) || strings.Contains(name, "..") || ipPattern.MatchString(name) {
		return fail(400, "InvalidBucketName", "%q is no bucket name: 3 to 63 lower-case letters, digits, dots and hyphens.", name)
	}
	return nil
}

// checkKey refuses keys that no client needs and some client would trip over. The key is never a path here, but it becomes
// one on the disk of whoever downloads it, and HTTP clients resolve dot segments before they send them.
func checkKey(key string) error {
	switch {
	case key == "":
		return errInvalidArgument("The key is empty.")
	case len(key) > maxKeyBytes:
		return fail(400, "KeyTooLongError", "The key has %d bytes; the most is %d.", len(key), maxKeyBytes)
	case !utf8.ValidString(key):
		return errInvalidArgument("The key is not valid UTF-8.")
	case strings.ContainsFunc(key, unicode.IsControl):
		return errInvalidArgument("The key contains a control character.")
	}
	for seg := range strings.SplitSeq(key, "/") {
		if seg == "." || seg == ".." {
			return errInvalidArgument("The key contains the segment %q.", seg)
		}
	}
	return nil
}

const upperHex = "0123456789ABCDEF"

// awsEscape percent-encodes s as Signature Version 4 wants it: all but the unreserved characters of RFC 3986 § 2.3, and
// '/' too where slash is set.
func awsEscape(s string, slash bool) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~', c == '/' && !slash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// ObjectURL returns the path-style URL of an object, without a signature.
func ObjectURL(endpoint, bucket, key string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + bucket + "/" + key
	u.RawPath = awsEscape(u.Path, false)
	return u.String()
}
