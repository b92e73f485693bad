package cql2

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/peterstace/simplefeatures/geom"
	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Eval reports whether e holds for the item that r resolves. It fails only for what Check refuses.
//
// Logic is SQL's, with true, false and unknown; only true holds. What follows must be answered alike wherever a tree
// is translated:
//
//   - A property that is null or missing makes what uses it unknown, except isNull.
//   - Values of different types don't compare: unknown. But a string beside a time is read as a date or timestamp
//     (unknown if it is neither). Strings compare by their bytes; false < true.
//   - A date is a whole day in UTC. Compared with an instant, the instant counts as its day: so
//     "datetime <= DATE('2020-12-31')" holds through that day. Ends of intervals likewise.
//   - like is case-sensitive: % any run, _ one character, \ before either means itself.
//   - and, or: a null geometry or interval end makes spatial and temporal conditions unknown. An end ".." is infinite.
//   - Dividing by zero, and results that are not finite, are unknown. div truncates, % has the sign of the dividend.
//   - Spatial conditions take coordinates as a plane. A geometry that cannot be computed with is unknown.
//   - in on a single value only; a_contains(a, b): a holds all of b.
func Eval(e Expr, r Resolver) (bool, error) {
	if e == nil {
		return true, nil
	}
	v, err := eval(e, r)
	b, ok := v.(bool)
	return ok && b, err
}

// day is a date as a value: its midnight.
type day struct{ time.Time }

// eval returns nil for unknown, or a bool, float64, string, time.Time, day, span, geom.Geometry or []any.
func eval(e Expr, r Resolver) (any, error) {
	switch n := e.(type) {
	case Property:
		return fromResolver(r.Value(n.Name)), nil
	case Bool:
		return bool(n), nil
	case Number:
		return float64(n), nil
	case String:
		return string(n), nil
	case Timestamp:
		return n.Time, nil
	case Date:
		return day{n.Time}, nil
	case Geometry:
		return n.Geom, nil
	case Span:
		return evalSpan(n, r)
	case Array:
		list := make([]any, len(n))
		for i, a := range n {
			var err error
			if list[i], err = eval(a, r); err != nil {
				return nil, err
			}
		}
		return list, nil
	case Call:
		return evalCall(n, r)
	}
	return nil, fmt.Errorf("%T is no expression", e)
}

func fromResolver(v any) any {
	switch x := v.(type) {
	case Period:
		return span{start: openEnd(x.Start, -1), end: openEnd(x.End, 1)}
	case geom.Geometry:
		if x.IsEmpty() {
			return nil
		}
	case float64:
		if math.IsNaN(x) {
			return nil
		}
	case time.Time:
		if x.IsZero() {
			return nil
		}
	}
	return v
}

func evalCall(c Call, r Resolver) (any, error) {
	switch c.Op {
	case "and", "or":
		return evalLogic(c, r)
	}
	o, ok := lookup(c.Op)
	if !ok {
		return nil, fmt.Errorf("there is no function %q", c.Op)
	}
	if len(c.Args) != len(o.args) {
		return nil, fmt.Errorf("%s takes %d arguments, not %d", c.Op, len(o.args), len(c.Args))
	}
	var args [3]any
	for i, a := range c.Args {
		var err error
		if args[i], err = eval(a, r); err != nil {
			return nil, err
		}
	}
	return apply(c.Op, args), nil
}

func evalLogic(c Call, r Resolver) (any, error) {
	decides := c.Op == "or" // the value that settles it
	var unknown bool
	for _, a := range c.Args {
		v, err := eval(a, r)
		if err != nil {
			return nil, err
		}
		b, ok := v.(bool)
		switch {
		case !ok:
			unknown = true
		case b == decides:
			return decides, nil
		}
	}
	if unknown {
		return nil, nil
	}
	return !decides, nil
}

// apply computes a built-in operator other than and and or.
func apply(op string, a [3]any) any {
	switch op {
	case "not":
		if b, ok := a[0].(bool); ok {
			return !b
		}
		return nil
	case "isNull":
		return a[0] == nil
	case "=", "<>", "<", ">", "<=", ">=":
		return compareOp(op, a[0], a[1])
	case "between":
		return and3(compareOp(">=", a[0], a[1]), compareOp("<=", a[0], a[2]))
	case "in":
		return evalIn(a[0], a[1])
	case "like":
		s, ok1 := a[0].(string)
		pattern, ok2 := a[1].(string)
		if !ok1 || !ok2 {
			return nil
		}
		return like(s, pattern)
	case "casei":
		return mapString(a[0], func(s string) string { return cases.Fold().String(s) })
	case "accenti":
		return mapString(a[0], stripAccents)
	case "+", "-", "*", "/", "%", "div", "^":
		return arithmetic(op, a[0], a[1])
	}
	if f := spatialOps[op]; f != nil {
		return spatial(f, a[0], a[1])
	}
	if f := temporalOps[op]; f != nil {
		return temporal(f, a[0], a[1])
	}
	if f := arrayOps[op]; f != nil {
		x, ok1 := a[0].([]any)
		y, ok2 := a[1].([]any)
		if ok1 && ok2 {
			return f(x, y)
		}
	}
	return nil
}

func and3(a, b any) any {
	x, ok1 := a.(bool)
	y, ok2 := b.(bool)
	switch {
	case ok1 && !x, ok2 && !y:
		return false
	case ok1 && ok2:
		return true
	}
	return nil
}

func compareOp(op string, a, b any) any {
	c, ok := compare(a, b)
	if !ok {
		return nil
	}
	switch op {
	case "=":
		return c == 0
	case "<>":
		return c != 0
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	}
	return c >= 0
}

// compare orders two single values; false where they don't compare.
func compare(a, b any) (int, bool) {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		if !ok {
			return 0, false
		}
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, x == y
	case bool:
		y, ok := b.(bool)
		if !ok {
			return 0, false
		}
		switch {
		case x == y:
			return 0, true
		case y:
			return -1, true
		}
		return 1, true
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), true
		}
	}
	if !isTime(a) && !isTime(b) {
		return 0, false
	}
	x, ok1 := toEnd(a)
	y, ok2 := toEnd(b)
	if !ok1 || !ok2 {
		return 0, false
	}
	return compareEnds(x, y), true
}

func evalIn(v, list any) any {
	l, ok := list.([]any)
	if !ok || v == nil {
		return nil
	}
	unknown := false
	for _, e := range l {
		c, ok := compare(v, e)
		switch {
		case !ok:
			unknown = true
		case c == 0:
			return true
		}
	}
	if unknown {
		return nil
	}
	return false
}

// like matches s against the pattern, without backtracking over more than the last %.
func like(s, pattern string) bool {
	var restS, restP string
	retry := false
	for s != "" || pattern != "" {
		if pattern != "" {
			if pattern[0] == '%' {
				pattern = pattern[1:]
				restS, restP, retry = s, pattern, true
				continue
			}
			if n, size := likeOne(s, pattern); n > 0 {
				s, pattern = s[n:], pattern[size:]
				continue
			}
		}
		if !retry || restS == "" {
			return false
		}
		_, n := utf8.DecodeRuneInString(restS)
		restS = restS[n:]
		s, pattern = restS, restP
	}
	return true
}

// likeOne matches one character of s; it returns how many bytes of s and of the pattern that took, or 0.
func likeOne(s, pattern string) (int, int) {
	if s == "" {
		return 0, 0
	}
	_, n := utf8.DecodeRuneInString(s)
	skip := 0
	if pattern[0] == '_' {
		return n, 1
	}
	if pattern[0] == '\\' && len(pattern) > 1 && strings.IndexByte(`%_\`, pattern[1]) >= 0 {
		skip = 1
	}
	_, m := utf8.DecodeRuneInString(pattern[skip:])
	if s[:n] != pattern[skip:skip+m] {
		return 0, 0
	}
	return n, skip + m
}

func mapString(v any, f func(string) string) any {
	if s, ok := v.(string); ok {
		return f(s)
	}
	return nil
}

func stripAccents(s string) string {
	out, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), s)
	if err != nil {
		return s
	}
	return out
}

func arithmetic(op string, a, b any) any {
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	if !ok1 || !ok2 {
		return nil
	}
	var v float64
	switch op {
	case "+":
		v = x + y
	case "-":
		v = x - y
	case "*":
		v = x * y
	case "/":
		v = x / y
	case "%":
		v = math.Mod(x, y)
	case "div":
		v = math.Trunc(x / y)
	case "^":
		v = math.Pow(x, y)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}
