// Package jsonscan walks JSON text without decoding it: it finds where values begin and end, and keeps every byte. That is several
// times faster than encoding/json, and matches keys exactly where encoding/json would ignore case.
//
// It looks for ends, not for mistakes: check foreign text first (json.Valid). Text that isn't JSON gives nonsense, but neither a panic nor an
// endless loop. It knows nothing of what the text means.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

func SkipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// StringEnd returns the index after the string that opens at i.
func StringEnd(b []byte, i int) int {
	for i++; i < len(b); {
		q := bytes.IndexByte(b[i:], '"')
		if q < 0 {
			return len(b)
		}
		esc := bytes.IndexByte(b[i:i+q], '\\')
		if esc < 0 {
			return i + q + 1
		}
		i += esc + 2
	}
	return len(b)
}

// structural marks the bytes that end or nest values.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// ValueEnd returns the index after the value that starts at i.
func ValueEnd(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return StringEnd(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			if !structural[b[i]] {
				i++
				continue
			}
			switch b[i] {
			case '"':
				i = StringEnd(b, i)
				continue
			case '{', '[':
				depth++
			default:
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return len(b)
	}
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}

// Member is one member of an object: its key with quotes, and where its value lies.
type Member struct {
	Key        []byte
	Start, End int
}

// EachMember calls f with each member of the object that opens at or after i, and returns the index after its end.
func EachMember(b []byte, i int, f func(Member)) int {
	i = SkipSpace(b, i)
	if i >= len(b) || b[i] != '{' {
		return ValueEnd(b, i)
	}
	i = SkipSpace(b, i+1)
	for i < len(b) && b[i] == '"' {
		k := StringEnd(b, i)
		m := Member{Key: b[i:k]}
		m.Start = min(SkipSpace(b, SkipSpace(b, k)+1), len(b)) // past the colon
		m.End = ValueEnd(b, m.Start)
		f(m)
		i = SkipSpace(b, m.End)
		if i >= len(b) || b[i] != ',' {
			break
		}
		i = SkipSpace(b, i+1)
	}
	return min(i+1, len(b))
}

// EachElement calls f with each raw element of an array, in order, until f returns false.
func EachElement(arr []byte, f func(value []byte) bool) {
	i := SkipSpace(arr, 0)
	if i >= len(arr) || arr[i] != '[' {
		return
	}
	for i = SkipSpace(arr, i+1); i < len(arr) && arr[i] != ']'; {
		end := ValueEnd(arr, i)
		if end == i {
			return
		}
		if !f(arr[i:end]) {
			return
		}
		i = SkipSpace(arr, end)
		if i >= len(arr) || arr[i] != ',' {
			return
		}
		i = SkipSpace(arr, i+1)
	}
}

// KeyIs compares a raw key with a name, escapes in the key undone.
func KeyIs(k []byte, name string) bool {
	if len(k) == len(name)+2 && string(k[1:len(k)-1]) == name {
		return true
	}
	if bytes.IndexByte(k, '\\') < 0 {
		return false
	}
	s, ok := StringOf(k)
	return ok && s == name
}

// Get returns the raw value of the last member of that name; nil if there is none.
func Get(obj []byte, name string) []byte {
	var found []byte
	EachMember(obj, 0, func(m Member) {
		if KeyIs(m.Key, name) {
			found = obj[m.Start:m.End]
		}
	})
	return found
}

// StringOf returns the text of a raw JSON string; false for any other value.
func StringOf(v []byte) (string, bool) {
	if len(v) < 2 || v[0] != '"' {
		return "", false
	}
	if in := v[1 : len(v)-1]; bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
		return string(in), true
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return "", false
	}
	return s, true
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
