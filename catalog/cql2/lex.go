package cql2

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // an identifier or a keyword
	tokName             // an identifier in double quotes, never a keyword
	tokString           // a character literal
	tokNumber
	tokSign // an operator or a punctuation mark
)

type token struct {
	kind     tokenKind
	text     string // the meaning: without quotes and escapes
	num      float64
	pos, end int // bytes in the source
}

func (t token) String() string {
	switch t.kind {
	case tokEnd:
		return "the end"
	case tokString:
		return "'" + t.text + "'"
	case tokName:
		return `"` + t.text + `"`
	}
	return strconv.Quote(t.text)
}

// word reports whether the token is this keyword, in any case.
func (t token) word(keyword string) bool {
	return t.kind == tokWord && strings.EqualFold(t.text, keyword)
}

func (t token) sign(s string) bool { return t.kind == tokSign && t.text == s }

func syntaxAt(pos int, format string, args ...any) error {
	return &SyntaxError{Pos: fmt.Sprintf("position %d", pos+1), Msg: fmt.Sprintf(format, args...)}
}

// next reads the token at or after pos.
func next(src string, pos int) (token, error) {
	for pos < len(src) {
		r, n := utf8.DecodeRuneInString(src[pos:])
		if !unicode.IsSpace(r) {
			break
		}
		pos += n
	}
	if pos == len(src) {
		return token{kind: tokEnd, pos: pos, end: pos}, nil
	}
	r, _ := utf8.DecodeRuneInString(src[pos:])
	switch {
	case r == '\'':
		return lexString(src, pos)
	case r == '"':
		return lexName(src, pos)
	case r >= '0' && r <= '9', r == '.' && pos+1 < len(src) && isDigit(src[pos+1]):
		return lexNumber(src, pos)
	case identStart(r):
		end := pos
		for end < len(src) {
			r, n := utf8.DecodeRuneInString(src[end:])
			if !identPart(r) {
				break
			}
			end += n
		}
		return token{kind: tokWord, text: src[pos:end], pos: pos, end: end}, nil
	}
	for _, s := range [...]string{"<>", "<=", ">=", "!=", "==", "<", ">", "=", "+", "-", "*", "/", "%", "^", "(", ")", ","} {
		if strings.HasPrefix(src[pos:], s) {
			return token{kind: tokSign, text: s, pos: pos, end: pos + len(s)}, nil
		}
	}
	return token{}, syntaxAt(pos, "unexpected %q; strings stand in single quotes, unusual property names in double quotes", r)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// identStart and identPart follow the rules identifierStart and identifierPart of the grammar (annex B).
func identStart(r rune) bool {
	return r == ':' || r == '_' || r != utf8.RuneError && unicode.IsLetter(r)
}

func identPart(r rune) bool {
	return identStart(r) || r == '.' || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// lexString reads a character literal. A quote inside is written ” or \'. So that every string can be written, a run
// of backslashes before a quote counts in pairs, each of them one backslash; elsewhere a backslash is itself.
func lexString(src string, pos int) (token, error) {
	var b strings.Builder
	for i := pos + 1; i < len(src); {
		switch src[i] {
		case '\\':
			run := 1
			for i+run < len(src) && src[i+run] == '\\' {
				run++
			}
			i += run
			if i == len(src) || src[i] != '\'' {
				b.WriteString(strings.Repeat(`\`, run))
				continue
			}
			b.WriteString(strings.Repeat(`\`, run/2))
			if run%2 == 1 {
				b.WriteByte('\'')
				i++
			}
		case '\'':
			if i+1 < len(src) && src[i+1] == '\'' {
				b.WriteByte('\'')
				i += 2
				continue
			}
			if !utf8.ValidString(b.String()) {
				return token{}, syntaxAt(pos, "the string is not UTF-8")
			}
			return token{kind: tokString, text: b.String(), pos: pos, end: i + 1}, nil
		default:
			b.WriteByte(src[i])
			i++
		}
	}
	return token{}, syntaxAt(pos, "the string that begins here has no closing quote (')")
}

func quoteString(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := 0; i < len(s); {
		run := 0
		for i+run < len(s) && s[i+run] == '\\' {
			run++
		}
		if run > 0 {
			i += run
			if i == len(s) || s[i] == '\'' {
				run *= 2
			}
			b.WriteString(strings.Repeat(`\`, run))
			continue
		}
		if s[i] == '\'' {
			b.WriteByte('\'')
		}
		b.WriteByte(s[i])
		i++
	}
	b.WriteByte('\'')
	return b.String()
}

func lexName(src string, pos int) (token, error) {
	var b strings.Builder
	for i := pos + 1; i < len(src); i++ {
		if src[i] != '"' {
			b.WriteByte(src[i])
			continue
		}
		if i+1 < len(src) && src[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		if b.Len() == 0 || !utf8.ValidString(b.String()) {
			return token{}, syntaxAt(pos, "the property name is empty or not UTF-8")
		}
		return token{kind: tokName, text: b.String(), pos: pos, end: i + 1}, nil
	}
	return token{}, syntaxAt(pos, `the property name that begins here has no closing quote (")`)
}

func lexNumber(src string, pos int) (token, error) {
	end := pos
	digits := func() {
		for end < len(src) && isDigit(src[end]) {
			end++
		}
	}
	digits()
	if end < len(src) && src[end] == '.' {
		end++
		digits()
	}
	if end < len(src) && (src[end] == 'e' || src[end] == 'E') {
		exp := end + 1
		if exp < len(src) && (src[exp] == '+' || src[exp] == '-') {
			exp++
		}
		if exp < len(src) && isDigit(src[exp]) {
			end = exp
			digits()
		}
	}
	f, err := strconv.ParseFloat(src[pos:end], 64)
	if err != nil {
		return token{}, syntaxAt(pos, "%s is out of range for a number", src[pos:end])
	}
	return token{kind: tokNumber, text: src[pos:end], num: f, pos: pos, end: end}, nil
}

// reserved words need double quotes to be property names.
func reserved(word string) bool {
	switch strings.ToLower(word) {
	case "and", "or", "not", "in", "like", "between", "is", "null", "true", "false", "div":
		return true
	}
	return false
}

func quoteName(name string) string {
	plain := name != "" && !reserved(name)
	for i, r := range name {
		if i == 0 && !identStart(r) || !identPart(r) {
			plain = false
		}
	}
	if plain {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
