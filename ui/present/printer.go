package present

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Language is one that the window speaks.
type Language string

// The languages that the window speaks.
const (
	English Language = "en"
	French  Language = "fr"
)

// Languages lists them in the order of the menu.
func Languages() []Language { return []Language{English, French} }

// LanguageOf picks the language for a locale such as "fr_FR.UTF-8" or "fr-CA"; English for any that we don't speak.
func LanguageOf(locale string) Language {
	l := strings.ToLower(locale)
	if l == "fr" || strings.HasPrefix(l, "fr_") || strings.HasPrefix(l, "fr-") || strings.HasPrefix(l, "fr.") {
		return French
	}
	return English
}

// Printer turns our English source texts into the language of the person, and writes numbers, sizes, dates and units as that
// language does. It is immutable and safe for concurrent use.
//
// We do not use fyne's lang for our own texts: it follows the system's locale only, so that a choice of language in the menu
// could not be obeyed, and presenters could not be tested in both languages. The files have the same format.
type Printer struct {
	lang  Language
	texts map[string]message
}

// message is one entry of a translation file: a plain text, or plural forms by CLDR category.
type message struct{ One, Other string }

func (m *message) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &m.Other)
	}
	type forms message
	return json.Unmarshal(b, (*forms)(m))
}

// NewPrinter reads dir/<language>.json. A text without translation appears in English.
func NewPrinter(files fs.FS, dir string, lang Language) (*Printer, error) {
	b, err := fs.ReadFile(files, path.Join(dir, string(lang)+".json"))
	if err != nil {
		return nil, fmt.Errorf("translations: %w", err)
	}
	p := &Printer{lang: lang}
	if err := json.Unmarshal(b, &p.texts); err != nil {
		return nil, fmt.Errorf("translations: %s: %w", lang, err)
	}
	return p, nil
}

// Language returns the language that it prints.
func (p *Printer) Language() Language { return p.lang }

// T translates a text. Each pair of args replaces "{name}" by its value.
func (p *Printer) T(text string, args ...any) string {
	if m, ok := p.texts[text]; ok && m.Other != "" {
		text = m.Other
	}
	return fill(text, args)
}

// N translates a text that depends on a number; "{n}" in it is the number as the language writes it.
func (p *Printer) N(text string, n int64, args ...any) string {
	if m, ok := p.texts[text]; ok && m.Other != "" {
		text = m.Other
		if m.One != "" && p.one(n) {
			text = m.One
		}
	}
	return fill(text, append([]any{"n", p.Int(n)}, args...))
}

// one tells if a number takes the singular: 1 in English, 0 and 1 in French (CLDR plural rules).
func (p *Printer) one(n int64) bool { return n == 1 || (n == 0 && p.lang == French) }

func fill(text string, args []any) string {
	for i := 0; i+1 < len(args); i += 2 {
		text = strings.ReplaceAll(text, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	return text
}
