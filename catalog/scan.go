package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Bounds of what a service may send. They are far above anything seen and far below what would hurt.
const (
	MaxDocument = 16 << 20  // bytes of one item or collection
	MaxPage     = 160 << 20 // bytes of one page of items
)

// checkJSON reports whether raw is one JSON value within max bytes. encoding/json bounds the nesting at 10,000.
func checkJSON(op string, raw []byte, max int) error {
	if len(raw) > max {
		return &Error{Op: op, Kind: KindTooLarge, Err: fmt.Errorf("the document has %d bytes, more than the %d allowed", len(raw), max)}
	}
	if json.Valid(raw) {
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(raw, &v)
	if err == nil {
		err = errors.New("malformed")
	}
	var se *json.SyntaxError
	if errors.As(err, &se) {
		return &Error{Op: op, Kind: KindProtocol, Err: fmt.Errorf("not JSON at byte %d: %w", se.Offset, err)}
	}
	return &Error{Op: op, Kind: KindProtocol, Err: fmt.Errorf("not JSON: %w", err)}
}

// The functions below walk text that checkJSON has accepted; they look for ends, not for mistakes.
// This is several times faster than decoding, keeps every slice as it was sent, and matches keys exactly
// where encoding/json would ignore case.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the closing quote of the string that opens at i.
func stringEnd(b []byte, i int) int {
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

// valueEnd returns the index after the value that starts at i.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				i = stringEnd(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
				if depth == 0 {
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

// eachMember calls f with the raw key (with its quotes) and the raw value of each member, in order.
func eachMember(obj []byte, f func(key, value []byte)) {
	i := skipSpace(obj, 0)
	if i >= len(obj) || obj[i] != '{' {
		return
	}
	for i = skipSpace(obj, i+1); i < len(obj) && obj[i] == '"'; {
		k := stringEnd(obj, i)
		key := obj[i:k]
		i = skipSpace(obj, skipSpace(obj, k)+1) // past the colon
		end := valueEnd(obj, i)
		f(key, obj[i:end])
		i = skipSpace(obj, end)
		if i >= len(obj) || obj[i] != ',' {
			return
		}
		i = skipSpace(obj, i+1)
	}
}

// eachElement calls f with each raw element of an array, in order, until f returns false.
func eachElement(arr []byte, f func(value []byte) bool) {
	i := skipSpace(arr, 0)
	if i >= len(arr) || arr[i] != '[' {
		return
	}
	for i = skipSpace(arr, i+1); i < len(arr) && arr[i] != ']'; {
		end := valueEnd(arr, i)
		if !f(arr[i:end]) {
			return
		}
		i = skipSpace(arr, end)
		if i >= len(arr) || arr[i] != ',' {
			return
		}
		i = skipSpace(arr, i+1)
	}
}

// member returns the raw value of the last member with that name, as encoding/json would choose; nil if there is none.
func member(obj []byte, name string) []byte {
	var found []byte
	eachMember(obj, func(k, v []byte) {
		if keyIs(k, name) {
			found = v
		}
	})
	return found
}

// keyIs compares a raw key with a name.
func keyIs(k []byte, name string) bool {
	if len(k) == len(name)+2 && string(k[1:len(k)-1]) == name {
		return true
	}
	if bytes.IndexByte(k, '\\') < 0 {
		return false
	}
	s, ok := stringOf(k)
	return ok && s == name
}

// stringOf returns the text of a raw JSON string; false for any other value.
func stringOf(v []byte) (string, bool) {
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

// numberOf returns a raw JSON number; false for any other value and for what exceeds float64.
func numberOf(v []byte) (float64, bool) {
	if len(v) == 0 || (v[0] != '-' && (v[0] < '0' || v[0] > '9')) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}

// stringsOf returns the strings of a raw JSON array; other elements are left out.
func stringsOf(v []byte) []string {
	var out []string
	eachElement(v, func(e []byte) bool {
		if s, ok := stringOf(e); ok {
			out = append(out, s)
		}
		return true
	})
	return out
}
