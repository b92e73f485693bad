package cql2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"
)

// ParseJSON reads a filter in CQL2 JSON (OGC 21-065r2 § 7.2). Errors are a *SyntaxError with the path, as in
// "filter.args[0]". It also takes what earlier drafts allowed and clients still send: operator names in any case
// and their old names (eq, lte, anyinteracts …), {"eq": [a, b]} for {"op": "=", "args": [a, b]}, between with its
// bounds in an array, a single argument outside an array, and {"function": {"name", "args"}}.
func ParseJSON(data []byte) (Expr, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, &SyntaxError{Pos: fmt.Sprintf("position %d", d.InputOffset()+1), Msg: "not JSON: " + jsonError(err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &SyntaxError{Pos: fmt.Sprintf("position %d", d.InputOffset()+1), Msg: "something follows the filter"}
	}
	e, err := fromJSON(v, "filter", 1)
	if err != nil {
		return nil, err
	}
	if c := classOf(e); c&(isBool|isAny) == 0 {
		return nil, &SyntaxError{Pos: "filter", Msg: "it is " + c.words() + `; it must be a condition such as {"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}`}
	}
	return e, nil
}

func jsonError(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return err.Error()
}

func fromJSON(v any, at string, depth int) (Expr, error) {
	fail := func(format string, args ...any) (Expr, error) {
		return nil, &SyntaxError{Pos: at, Msg: fmt.Sprintf(format, args...)}
	}
	if depth > MaxDepth {
		return fail("the filter nests deeper than %d levels", MaxDepth)
	}
	switch v := v.(type) {
	case bool:
		return Bool(v), nil
	case float64:
		return Number(v), nil
	case string:
		return String(v), nil
	case nil:
		return fail(`null is no value to compare with; use {"op": "isNull", "args": [{"property": "…"}]}`)
	case []any:
		list := make(Array, len(v))
		for i, e := range v {
			var err error
			if list[i], err = fromJSON(e, fmt.Sprintf("%s[%d]", at, i), depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return fromObject(v.(map[string]any), at, depth)
}

func fromObject(m map[string]any, at string, depth int) (Expr, error) {
	fail := func(format string, args ...any) (Expr, error) {
		return nil, &SyntaxError{Pos: at, Msg: fmt.Sprintf(format, args...)}
	}
	if op, ok := m["op"]; ok {
		name, ok := op.(string)
		if !ok || name == "" {
			return fail(`"op" must be the name of an operator`)
		}
		args, ok := m["args"]
		if !ok {
			return fail("operator %q has no \"args\"", name)
		}
		return fromOp(name, args, at, depth)
	}
	if name, ok := m["property"]; ok {
		s, ok := name.(string)
		if !ok || s == "" {
			return fail(`"property" must be the name of a property`)
		}
		return Property{Name: s}, nil
	}
	for key, parse := range map[string]func(string) (Expr, error){"date": parseDate, "timestamp": parseTimestamp} {
		if v, ok := m[key]; ok {
			s, _ := v.(string)
			e, err := parse(s)
			if err != nil {
				return fail("%v", err)
			}
			return e, nil
		}
	}
	if v, ok := m["interval"]; ok {
		return fromInterval(v, at, depth)
	}
	if _, ok := m["type"]; ok {
		g, err := fromGeoJSON(m)
		if err != nil {
			return fail("%v", err)
		}
		return g, nil
	}
	if v, ok := m["bbox"]; ok {
		g, err := fromBBox(v)
		if err != nil {
			return fail("%v", err)
		}
		return g, nil
	}
	return fromDraft(m, at, depth)
}

// fromDraft reads {"function": {"name": …, "args": […]}} and {"<operator>": […]}.
func fromDraft(m map[string]any, at string, depth int) (Expr, error) {
	if f, ok := m["function"].(map[string]any); ok {
		if name, ok := f["name"].(string); ok && name != "" {
			return fromOp(name, f["args"], at+".function", depth)
		}
	}
	if len(m) == 1 {
		for key, args := range m {
			op := canonical(key)
			if _, ok := lookup(op); ok {
				return fromOp(op, args, at, depth)
			}
		}
	}
	return nil, &SyntaxError{Pos: at, Msg: `an object must hold "op" and "args", or "property", "date", "timestamp", "interval", "bbox" or a GeoJSON geometry`}
}

func fromOp(name string, rawArgs any, at string, depth int) (Expr, error) {
	op := canonical(name)
	list, ok := rawArgs.([]any)
	if !ok {
		if rawArgs == nil {
			return nil, &SyntaxError{Pos: at, Msg: fmt.Sprintf(`"args" of %q must be an array`, name)}
		}
		list = []any{rawArgs}
	}
	if op == "between" && len(list) == 2 {
		if bounds, ok := list[1].([]any); ok && len(bounds) == 2 {
			list = []any{list[0], bounds[0], bounds[1]}
		}
	}
	if !printableOp(op) {
		return nil, &SyntaxError{Pos: at, Msg: fmt.Sprintf("there is no operator %q, and it cannot be a function's name", name)}
	}
	args := make([]Expr, len(list))
	for i, a := range list {
		var err error
		if args[i], err = fromJSON(a, fmt.Sprintf("%s.args[%d]", at, i), depth+1); err != nil {
			return nil, err
		}
	}
	if (op == "and" || op == "or") && len(args) == 1 && classOf(args[0])&(isBool|isAny) != 0 {
		return args[0], nil
	}
	if bad := checkCall(op, args); bad != nil {
		if bad.arg >= 0 {
			at = fmt.Sprintf("%s.args[%d]", at, bad.arg)
		}
		return nil, &SyntaxError{Pos: at, Msg: bad.msg}
	}
	return Call{Op: op, Args: args}, nil
}

// printableOp reports whether op is an operator, or could be a function in CQL2 text.
func printableOp(op string) bool {
	if _, ok := lookup(op); ok {
		return true
	}
	switch strings.ToLower(op) {
	case "date", "timestamp", "interval", "bbox", "is", "null", "true", "false":
		return false
	}
	return quoteName(op) == op && !geometryWord(op)
}

func fromInterval(v any, at string, depth int) (Expr, error) {
	fail := func(format string, args ...any) (Expr, error) {
		return nil, &SyntaxError{Pos: at, Msg: fmt.Sprintf(format, args...)}
	}
	list, ok := v.([]any)
	if !ok || len(list) != 2 {
		return fail(`"interval" must hold two ends: dates, timestamps, properties or ".."`)
	}
	var ends [2]Expr
	for i, end := range list {
		e, err := fromJSON(end, fmt.Sprintf("%s.interval[%d]", at, i), depth+1)
		if err != nil {
			return nil, err
		}
		if s, ok := e.(String); ok {
			if e, err = parseEnd(string(s)); err != nil {
				return fail("%v", err)
			}
		}
		ends[i] = e
	}
	s := Span{Start: ends[0], End: ends[1]}
	if err := checkSpan(s); err != nil {
		return fail("%v", err)
	}
	return s, nil
}

func fromBBox(v any) (Geometry, error) {
	list, _ := v.([]any)
	nums := make([]float64, len(list))
	for i, e := range list {
		n, ok := e.(float64)
		if !ok {
			return Geometry{}, errors.New("bbox: it takes numbers")
		}
		nums[i] = n
	}
	return boxGeometry(nums)
}

func fromGeoJSON(m map[string]any) (g Geometry, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the geometry cannot be read: %v", r)
		}
	}()
	raw, err := json.Marshal(m)
	if err != nil {
		return Geometry{}, err
	}
	gg, err := geom.UnmarshalGeoJSON(raw)
	switch {
	case err != nil:
		return Geometry{}, fmt.Errorf("not a valid GeoJSON geometry: %w", err)
	case gg.IsEmpty():
		return Geometry{}, errors.New("the geometry is empty")
	}
	return Geometry{Geom: gg}, nil
}

// JSON prints e as CQL2 JSON. It fails for numbers that JSON has no form for: NaN and the infinities.
func JSON(e Expr) ([]byte, error) {
	v, err := toJSON(e)
	if err != nil {
		return nil, fmt.Errorf("CQL2 as JSON: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("CQL2 as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type opJSON struct {
	Op   string `json:"op"`
	Args []any  `json:"args"`
}

func toJSON(e Expr) (any, error) {
	switch n := e.(type) {
	case Bool, String:
		return n, nil
	case Number:
		if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%v has no form in JSON", f)
		}
		return n, nil
	case Property:
		return map[string]any{"property": n.Name}, nil
	case Timestamp:
		return map[string]any{"timestamp": formatTime(n.Time)}, nil
	case Date:
		return map[string]any{"date": n.Time.UTC().Format(time.DateOnly)}, nil
	case Span:
		return spanJSON(n)
	case Geometry:
		if n.BBox != nil {
			return map[string]any{"bbox": n.BBox}, nil
		}
		if !finite(n.Geom) {
			return nil, errors.New("the geometry holds a number that has no form in JSON")
		}
		raw, err := n.Geom.MarshalJSON()
		return json.RawMessage(raw), err
	case Array:
		return listJSON(n)
	case Call:
		args, err := listJSON(n.Args)
		return opJSON{n.Op, args}, err
	}
	return nil, fmt.Errorf("%T is no expression", e)
}

func listJSON(list []Expr) ([]any, error) {
	out := make([]any, len(list))
	for i, e := range list {
		var err error
		if out[i], err = toJSON(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func spanJSON(s Span) (any, error) {
	var ends [2]any
	for i, e := range [...]Expr{s.Start, s.End} {
		switch n := e.(type) {
		case nil:
			ends[i] = ".."
		case Timestamp:
			ends[i] = formatTime(n.Time)
		case Date:
			ends[i] = n.Time.UTC().Format(time.DateOnly)
		default:
			v, err := toJSON(e)
			if err != nil {
				return nil, err
			}
			ends[i] = v
		}
	}
	return map[string]any{"interval": ends}, nil
}
