package stacapi

import (
	"bytes"
	"encoding/json"
)

// The functions below walk JSON that has been accepted when it was stored: they find where values begin and end, and
// keep every byte. Text that isn't JSON gives nonsense, but neither a panic nor an endless loop.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns the index after the string that opens at i.
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

// structural marks the bytes that end or nest values.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

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
			if !structural[b[i]] {
				i++
				continue
			}
			switch b[i] {
			case '"':
				i = stringEnd(b, i)
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

// memberAt is one member of an object: its key with quotes, and where its value lies.
type memberAt struct {
	key        []byte
	start, end int
}

// eachMember calls f with each member of the object that opens at or after i, and returns the index after its end.
func eachMember(b []byte, i int, f func(memberAt)) int {
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != '{' {
		return valueEnd(b, i)
	}
	i = skipSpace(b, i+1)
	for i < len(b) && b[i] == '"' {
		k := stringEnd(b, i)
		m := memberAt{key: b[i:k]}
		m.start = min(skipSpace(b, skipSpace(b, k)+1), len(b)) // past the colon
		m.end = valueEnd(b, m.start)
		f(m)
		i = skipSpace(b, m.end)
		if i >= len(b) || b[i] != ',' {
			break
		}
		i = skipSpace(b, i+1)
	}
	return min(i+1, len(b))
}

// eachElement calls f with each element of an array.
func eachElement(arr []byte, f func(value []byte)) {
	i := skipSpace(arr, 0)
	if i >= len(arr) || arr[i] != '[' {
		return
	}
	for i = skipSpace(arr, i+1); i < len(arr) && arr[i] != ']'; {
		end := valueEnd(arr, i)
		if end == i {
			return
		}
		f(arr[i:end])
		i = skipSpace(arr, end)
		if i >= len(arr) || arr[i] != ',' {
			return
		}
		i = skipSpace(arr, i+1)
	}
}

// keyIs compares a raw key with a name, escapes in the key undone.
func keyIs(k []byte, name string) bool {
	if len(k) == len(name)+2 && string(k[1:len(k)-1]) == name {
		return true
	}
	if bytes.IndexByte(k, '\\') < 0 {
		return false
	}
	var s string
	return json.Unmarshal(k, &s) == nil && s == name
}

// member returns the raw value of the last member of that name; nil if there is none.
func member(obj []byte, name string) []byte {
	var found []byte
	eachMember(obj, 0, func(m memberAt) {
		if keyIs(m.key, name) {
			found = obj[m.start:m.end]
		}
	})
	return found
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
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
