package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "forgemia.inra.fr/cdos-pub/dinamis-desktop"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
	Doc        string
}

// rule forbids imports to the packages below From. Paths are relative to the module unless they have a dot in their first element; "net/http"
// and the like are the standard library's.
type rule struct {
	from    string
	exactly bool // From alone, not what lies below it
	except  []string
	deny    []string
	why     string
}

var rules = []rule{
	{
		from: "", except: []string{"cmd", "ui"}, deny: []string{"ui", "cmd"},
		why: "nobody imports ui or cmd: a service that knows its window can't run without one",
	},
	{
		from: "", except: []string{"cmd", "server", "internal/e2e"}, deny: []string{"server"},
		why: "the app speaks to the backend over HTTP, as to any other",
	},
	{
		from: "ui", deny: []string{"server", "net/http", "database/sql", "modernc.org/sqlite", "auth/oidc", "auth/vault", "auth/signing", "catalog/store", "catalog/stacapi", "catalog/live", "download/engine", "download/journal"},
		why: "ui shows state and passes on intent; services come in through interfaces",
	},
	{
		from: "ui/present", deny: []string{"fyne.io"},
		why: "a presenter is plain Go, so that it can be tested without a window",
	},
	{
		from: "ui/mapview/raster", deny: []string{"fyne.io"},
		why: "the renderer runs in a worker and knows pixels only",
	},
	{
		from: "", except: []string{"cmd/dinamis-desktop"}, deny: []string{"fyne.io/fyne/v2/app"},
		why: "importing app needs OpenGL's headers: only the program itself does",
	},
	{
		from: "", except: []string{"cmd/dinamis-desktop", "ui", "assets"}, deny: []string{"fyne.io"},
		why: "Fyne stays in the window",
	},
	{
		from: "server", deny: []string{"auth", "download"},
		why: "the backend must not lean on the client that is tested against it",
	},
	{
		from: "catalog", deny: []string{"auth", "download"},
		why: "what exists doesn't depend on who may read it",
	},
	{
		from: "download", deny: []string{"auth", "catalog"},
		why: "a queue of bytes knows neither logins nor items: it takes a small Signer",
	},
	{
		from: "auth", deny: []string{"catalog", "download"},
		why: "a login knows nothing of items and files",
	},
	{
		from: "catalog", exactly: true, deny: rootDeny, why: "a root package is vocabulary",
	},
	{
		from: "auth", exactly: true, deny: rootDeny, why: "a root package is vocabulary",
	},
	{
		from: "download", exactly: true, deny: rootDeny, why: "a root package is vocabulary",
	},
}

var rootDeny = []string{"net/http", "database/sql", "modernc.org", "fyne.io", "github.com/aws", "internal/httpx", "internal/sqlitex"}

func TestArrows(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 10 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		for _, broken := range violations(p.ImportPath, p.Imports) {
			t.Error(broken)
		}
	}
}

func TestArrowsCanFail(t *testing.T) {
	for _, c := range []struct {
		from, imports string
		want          int
	}{
		{"catalog", "net/http", 1},
		{"catalog/stacapi", "net/http", 0},
		{"ui", module + "/server/idp", 2},
		{"ui/present", "fyne.io/fyne/v2", 1},
		{"ui", "fyne.io/fyne/v2", 0},
		{"ui", "fyne.io/fyne/v2/app", 1},
		{"download/engine", module + "/auth", 1},
		{"server/stacapi", module + "/catalog/store", 0},
		{"cmd/dinamis-desktop", module + "/server", 0},
	} {
		got := violations(module+"/"+c.from, []string{c.imports})
		if len(got) != c.want {
			t.Errorf("%s → %s: %d violations %q, want %d", c.from, c.imports, len(got), got, c.want)
		}
	}
}

func violations(importPath string, imports []string) []string {
	from, ok := relative(importPath)
	if !ok {
		return nil
	}
	var out []string
	for _, r := range rules {
		if !within(from, r.from) || (r.exactly && from != r.from) || slices.ContainsFunc(r.except, func(e string) bool { return within(from, e) }) {
			continue
		}
		for _, imp := range imports {
			to, ours := relative(imp)
			if !ours {
				to = imp
			}
			for _, d := range r.deny {
				if within(to, d) {
					out = append(out, from+" imports "+imp+": "+r.why)
				}
			}
		}
	}
	return out
}

func relative(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func within(path, root string) bool {
	return root == "" || path == root || strings.HasPrefix(path, root+"/")
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment: say what lives here and what must not", p.ImportPath)
		}
	}
}

// A word, and why it must not stand in our code.
var forbidden = map[string]string{
	"fyne.DoAndWait(":     "it deadlocks when called on the UI goroutine; use the Dispatcher",
	"t.Sk" + "ip(":        "a missing part fails, it does not hide",
	"http.DefaultClient.": "it has no time-outs; use internal/httpx",
	"http.Get(":           "it has no time-outs and no context; use internal/httpx",
}

func TestForbiddenWords(t *testing.T) {
	for _, p := range list(t) {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(p.Dir, "internal/house") {
				continue
			}
			for word, why := range forbidden {
				if strings.HasSuffix(f, "_test.go") && strings.HasPrefix(word, "http.") {
					continue
				}
				if bytes.Contains(text, []byte(word)) {
					t.Errorf("%s uses %s %s", f, word, why)
				}
			}
			if n := bytes.Count(text, []byte("\n")); n > maxLines {
				t.Errorf("%s has %d lines; split it (%d at most)", f, n, maxLines)
			}
		}
	}
}

// The rule is "about 400".
const maxLines = 480

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "migrated_fynedo", "-json=ImportPath,Dir,Imports,GoFiles,Doc", module+"/...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != module+"/internal/deps" {
			pkgs = append(pkgs, p)
		}
	}
}
