package ui

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// textsInCode finds the texts that the code translates: the literal first argument of each call of T and N. True means N.
func textsInCode(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, dir := range []string{".", "present"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || (sel.Sel.Name != "T" && sel.Sel.Name != "N") || len(call.Args) == 0 {
					return true
				}
				lit, ok := call.Args[0].(*ast.BasicLit)
				if !ok {
					t.Errorf("%s: a text that is translated must be one literal, so that it can be found", name)
					return true
				}
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				out[s] = sel.Sel.Name == "N"
				return true
			})
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func placeholders(s string) []string {
	p := placeholder.FindAllString(s, -1)
	slices.Sort(p)
	return slices.Compact(p)
}

// Every text of the code is in every language, with the same placeholders and with both plural forms where there is a number; and no
// language has a text that the code doesn't use.
func TestTranslationsAreComplete(t *testing.T) {
	inCode := textsInCode(t)
	if len(inCode) < 100 {
		t.Fatalf("only %d texts found in the code", len(inCode))
	}
	for _, lang := range present.Languages() {
		b, err := assets.Translations.ReadFile("translations/" + string(lang) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(b, &raw); err != nil {
			t.Fatal(err)
		}
		for text, plural := range inCode {
			entry, ok := raw[text]
			if !ok {
				t.Errorf("%s lacks %q", lang, text)
				continue
			}
			checkEntry(t, lang, text, entry, plural)
		}
		for text := range raw {
			if _, ok := inCode[text]; !ok {
				t.Errorf("%s has %q, which nothing uses", lang, text)
			}
		}
	}
}

func checkEntry(t *testing.T, lang present.Language, text string, entry json.RawMessage, plural bool) {
	t.Helper()
	if !plural {
		var s string
		if err := json.Unmarshal(entry, &s); err != nil || s == "" {
			t.Errorf("%s: %q must be one text", lang, text)
		} else if !slices.Equal(placeholders(s), placeholders(text)) {
			t.Errorf("%s: %q has other placeholders than %q", lang, s, text)
		}
		return
	}
	var forms map[string]string
	if err := json.Unmarshal(entry, &forms); err != nil || forms["one"] == "" || forms["other"] == "" {
		t.Errorf("%s: %q needs the forms one and other", lang, text)
	}
	for _, f := range slices.Sorted(maps.Values(forms)) {
		if !slices.Equal(placeholders(f), placeholders(text)) {
			t.Errorf("%s: %q has other placeholders than %q", lang, f, text)
		}
	}
}

// Each symbol that the code names is a file, and each file is named.
func TestIconsExist(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"app": true}
	call := regexp.MustCompile(`\bicon\("([a-z]+)"\)`)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllSubmatch(b, -1) {
			named[string(m[1])] = true
		}
	}
	entries, err := assets.Icons.ReadDir("icons")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".svg")
		if !named[name] {
			t.Errorf("nothing uses icons/%s", e.Name())
		}
		delete(named, name)
	}
	for n := range named {
		t.Errorf("icons/%s.svg does not exist", n)
	}
}
