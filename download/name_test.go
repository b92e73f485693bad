package download

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSafeName(t *testing.T) {
	for in, want := range map[string]string{
		"a.tif": "a.tif", "../../x": ".._.._x", "..": "_", ".": "_", "": "_", "   ": "_", "CON": "CON_", "con": "con_", "aux.tif": "aux_.tif",
		"NUL .txt": "NUL_.txt", "COM1": "COM1_", "lpt¹.x": "lpt¹_.x", "COM10": "COM10", "trailing.": "trailing", "trailing. . ": "trailing",
		"a:b": "a_b", `a\b/c`: "a_b_c", "a\x00b\nc": "a_b_c", "x.part": "x.part_", "x.PART": "x.PART_", "e\u0301": "é", "\u202etxt.exe": "_txt.exe",
		"a\xffb": "a_b", " lead": "lead", ".hidden": ".hidden", "a\u00a0b": "a b", "?*<>|\"": "______",
	} {
		if got := SafeName(in); got != want {
			t.Errorf("SafeName(%q) = %q, want %q", in, got, want)
		}
	}
	long := strings.Repeat("é", 300) + ".tif"
	if got := SafeName(long); len(got) > maxName || !strings.HasSuffix(got, ".tif") || got == SafeName("x"+long) {
		t.Errorf("a long name became %d bytes: %s", len(got), got)
	}
}

func checkSafe(t interface{ Fatalf(string, ...any) }, in string) {
	s := SafeName(in)
	switch {
	case s == "" || s == "." || s == ".." || len(s) > maxName+1 || !utf8.ValidString(s):
		t.Fatalf("SafeName(%q) = %q", in, s)
	case strings.ContainsAny(s, "<>:\"/\\|?*\x00\n\r\t") || strings.TrimRight(s, ". ") != s:
		t.Fatalf("SafeName(%q) = %q has what Windows refuses", in, s)
	case SafeName(s) != s:
		t.Fatalf("SafeName isn't stable: %q, %q, %q", in, s, SafeName(s))
	case strings.HasSuffix(strings.ToLower(s), PartSuffix):
		t.Fatalf("SafeName(%q) = %q looks like a partial file", in, s)
	}
	base, _, _ := strings.Cut(s, ".")
	if reserved(base) {
		t.Fatalf("SafeName(%q) = %q is a device", in, s)
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"a.tif", "CON", "..", "aux.tif.part", strings.Repeat("ab.", 200), "é\u202e", "COM¹ .x", "a .", "NUL.. .part", "con.part", ". .part"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkSafe(t, s) })
}

func TestPathsStayInsideWhateverTheItemSays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	rapid.Check(t, func(t *rapid.T) {
		nasty := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"..", "../..", "/", "CON", `C:\`, "", ".", "a/../../b", "~", "%2e%2e"}))
		r := Request{
			Collection: nasty.Draw(t, "collection"), Item: nasty.Draw(t, "item"), Asset: nasty.Draw(t, "asset"),
			Href: "https://h/" + nasty.Draw(t, "href"), MediaType: nasty.Draw(t, "type"), Dir: dir,
		}
		seen := map[string]bool{}
		for n := range 3 {
			p, err := PathFor(r, n)
			if err != nil {
				t.Fatalf("%v", err)
			}
			rel, err := filepath.Rel(dir, p)
			if err != nil || !filepath.IsLocal(rel) || strings.Count(filepath.ToSlash(rel), "/") != 2 {
				t.Fatalf("%q", p)
			}
			if seen[PathKey(p)] {
				t.Fatalf("choice %d is %q again", n, p)
			}
			seen[PathKey(p)] = true
			if q, _ := PathFor(r, n); q != p {
				t.Fatalf("%q, then %q", p, q)
			}
			checkSafe(t, filepath.Base(p))
		}
	})
}

func TestFileName(t *testing.T) {
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Href: "https://h/b/k/a.tif?X-Amz-Signature=1#f", Asset: "xs"}, "a.tif"},
		{Request{Href: "https://h/b/two%20words.tif"}, "two words.tif"},
		{Request{Href: "https://h/b/..%2f..%2fx"}, ".._.._x"},
		{Request{Href: "https://h/b/", Asset: "src_xs", MediaType: "image/tiff; application=geotiff"}, "src_xs.tif"},
		{Request{Href: "https://h", Asset: "thumb", MediaType: "image/png"}, "thumb.png"},
		{Request{Href: "https://h/x/..", Asset: "a"}, "a"},
		{Request{Href: "::", Asset: ""}, "_"},
	} {
		if got := FileName(tt.r); got != tt.want {
			t.Errorf("FileName(%q) = %q, want %q", tt.r.Href, got, tt.want)
		}
	}
}

func TestUnsigned(t *testing.T) {
	for in, want := range map[string]string{
		"https://h/a b?x=1": "https://h/a b?x=1",
		"https://h/a?X-Amz-Algorithm=A&X-Amz-Signature=S&x-amz-security-token=T&v=2": "https://h/a?v=2",
		"https://h/a?AWSAccessKeyId=k&Signature=s&Expires=1":                         "https://h/a",
		"https://h/a?Expires=1": "https://h/a?Expires=1",
	} {
		if got, err := Unsigned(in); err != nil || got != want {
			t.Errorf("Unsigned(%q) = %q, %v", in, got, err)
		}
	}
	for in, want := range map[string]Kind{
		"": KindInvalid, "a.tif": KindInvalid, "ftp://h/a": KindInvalid, "file:///etc/passwd": KindInvalid, "s3://b/k": KindInvalid,
		"https://user:pw@h/a": KindUnsafe, "https://%zz/": KindInvalid,
	} {
		if _, err := Unsigned(in); KindOf(err) != want || err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("Unsigned(%q): %v", in, err)
		}
	}
	if _, err := PathFor(Request{Dir: "relative"}, 0); KindOf(err) != KindInvalid {
		t.Errorf("a relative folder: %v", err)
	}
}

func TestArrows(t *testing.T) {
	for s := Queued; s <= Cancelled; s++ {
		if s.CanBecome(s) {
			t.Errorf("%s becomes itself", s)
		}
		if s != Done && !s.Final() && (!s.CanBecome(Cancelled)) {
			t.Errorf("%s cannot be cancelled", s)
		}
		if s.Active() && (!s.CanBecome(Queued) || !s.CanBecome(Paused)) {
			t.Errorf("%s can be neither interrupted nor paused", s)
		}
	}
	if Done.CanBecome(Queued) || State(99).String() != "unknown" || Kind(99).String() != "unknown" {
		t.Error("done is not the end, or names are missing")
	}
}
