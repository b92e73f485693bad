package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
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
	jsonscan.EachElement(v, func(e []byte) bool {
		if s, ok := jsonscan.StringOf(e); ok {
			out = append(out, s)
		}
		return true
	})
	return out
}

// eachMember calls f with the raw key (with its quotes) and the raw value of each member, in order.
func eachMember(obj []byte, f func(key, value []byte)) {
	jsonscan.EachMember(obj, 0, func(m jsonscan.Member) { f(m.Key, obj[m.Start:m.End]) })
}
