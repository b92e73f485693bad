package download

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PartSuffix marks a file that is under way.
const PartSuffix = ".part"

// maxName bounds one name in bytes, so that a suffix and PartSuffix still fit into the 255 of common file systems.
const maxName = 180

// extensions names files whose href has no last path segment.
var extensions = map[string]string{
	"image/tiff": ".tif", "image/png": ".png", "image/jpeg": ".jpg", "image/jp2": ".jp2", "application/json": ".json",
	"application/geo+json": ".geojson", "application/xml": ".xml", "text/xml": ".xml", "text/html": ".html", "text/plain": ".txt",
	"application/zip": ".zip", "application/pdf": ".pdf", "application/x-hdf5": ".h5", "application/netcdf": ".nc",
	"application/vnd.laszip+copc": ".copc.laz", "application/vnd.apache.parquet": ".parquet",
}

// SafeName turns s into one file name that Windows, macOS and Linux all accept and read back as the same name: NFC, no
// separators, control or invisible characters, no reserved device name (CON, aux.tif), no trailing dot or space, never
// empty, never "." or "..", not ending in PartSuffix, bounded in length. SafeName(SafeName(s)) equals SafeName(s). Two
// different names may become the same: the queue keeps paths apart.
func SafeName(s string) string {
	orig := s
	s = norm.NFC.String(strings.ToValidUTF8(s, "_"))
	s = strings.Map(safeRune, s)
	s = trimName(s)
	if len(s) > maxName {
		s = trimName(shorten(s, orig))
	}
	if s == "" {
		return "_"
	}
	if base, _, _ := strings.Cut(s, "."); reserved(base) {
		s = strings.TrimRight(base, " ") + "_" + strings.TrimPrefix(s, base)
	}
	if strings.HasSuffix(strings.ToLower(s), PartSuffix) {
		s += "_"
	}
	return s
}

func safeRune(r rune) rune {
	switch {
	case strings.ContainsRune(`<>:"/\|?*`, r), r == utf8.RuneError, unicode.Is(unicode.C, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return '_'
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

func trimName(s string) string { return strings.TrimLeft(strings.TrimRight(s, ". "), " ") }

// shorten cuts s to maxName bytes, keeps its extension, and adds a hash of the whole so that it stays its own.
func shorten(s, orig string) string {
	ext := filepath.Ext(s)
	if len(ext) > 16 {
		ext = ""
	}
	stem := s[:maxName-len(ext)-9]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return stem + "-" + shortHash(orig) + ext
}

func shortHash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:4])
}

// reserved reports whether Windows takes base for a device (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
func reserved(base string) bool {
	b := strings.ToUpper(strings.TrimRight(base, " "))
	switch b {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, p := range []string{"COM", "LPT"} {
		if d, ok := strings.CutPrefix(b, p); ok && utf8.RuneCountInString(d) == 1 && strings.Contains("0123456789¹²³", d) {
			return true
		}
	}
	return false
}

// FileName returns the name of r's file: the last path segment of its href, else its asset key with an extension that
// fits its media type. It is safe in the sense of SafeName.
func FileName(r Request) string {
	last := ""
	if u, err := url.Parse(r.Href); err == nil {
		p := u.EscapedPath()
		last = p[strings.LastIndex(p, "/")+1:]
		if un, err := url.PathUnescape(last); err == nil {
			last = un
		}
	}
	if strings.Trim(last, ". ") == "" {
		media, _, _ := strings.Cut(r.MediaType, ";")
		last = r.Asset + extensions[strings.ToLower(strings.TrimSpace(media))]
	}
	return SafeName(last)
}

// PathFor returns where the nth choice of r's file lies: Dir/{collection}/{item}/{file}. Choice 0 is the plain name; the
// others carry a suffix that depends on the href only, so that it is the same on every machine. The error is KindInvalid
// for a Dir that is not absolute, KindUnsafe should the path ever leave Dir.
func PathFor(r Request, n int) (string, error) {
	const op = "name the file"
	if !filepath.IsAbs(r.Dir) {
		return "", &Error{Op: op, Kind: KindInvalid, Key: r.Dir, Err: fmt.Errorf("the download folder must be an absolute path")}
	}
	file := FileName(r)
	if n > 0 {
		ext := filepath.Ext(file)
		if ext == file {
			ext = ""
		}
		stem := strings.TrimSuffix(file, ext) + "-" + shortHash(r.Href)
		if n > 1 {
			stem += fmt.Sprintf("-%d", n)
		}
		file = stem + ext
	}
	dir := filepath.Clean(r.Dir)
	p := filepath.Join(dir, SafeName(r.Collection), SafeName(r.Item), file)
	if rel, err := filepath.Rel(dir, p); err != nil || !filepath.IsLocal(rel) {
		return "", &Error{Op: op, Kind: KindUnsafe, Key: r.Item + "/" + r.Asset, Err: fmt.Errorf("the file would lie outside the download folder")}
	}
	return p, nil
}

// PathKey folds a path so that two paths with equal keys may be the same file on a file system that ignores case or
// normalises Unicode.
func PathKey(p string) string {
	return strings.ToLower(strings.ToUpper(norm.NFC.String(filepath.Clean(p))))
}

// Unsigned returns href without the parameters of a presigned S3 URL (X-Amz-*, and AWSAccessKeyId, Signature, Expires of
// signature version 2): a queue lives longer than a signature, and must not keep one. The error is KindInvalid for what is
// no absolute http(s) URL, KindUnsafe for one that carries a user name or password.
func Unsigned(href string) (string, error) {
	const op = "read the href"
	u, err := url.Parse(href)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", &Error{Op: op, Kind: KindInvalid, Err: fmt.Errorf("an asset's href must be an absolute http or https URL")}
	}
	if u.User != nil {
		return "", &Error{Op: op, Kind: KindUnsafe, Key: u.Host, Err: fmt.Errorf("the href carries a user name or password")}
	}
	if u.RawQuery == "" {
		return href, nil
	}
	v2 := u.Query().Has("AWSAccessKeyId")
	var keep []string
	for _, p := range strings.Split(u.RawQuery, "&") {
		k, _, _ := strings.Cut(p, "=")
		k = strings.ToLower(k)
		if strings.HasPrefix(k, "x-amz-") || v2 && (k == "awsaccesskeyid" || k == "signature" || k == "expires") {
			continue
		}
		keep = append(keep, p)
	}
	if q := strings.Join(keep, "&"); q != u.RawQuery {
		u.RawQuery = q
		return u.String(), nil
	}
	return href, nil
}
