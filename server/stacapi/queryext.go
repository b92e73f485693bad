package stacapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

// query translates the STAC query extension, {"eo:cloud_cover": {"lt": 10}}, to CQL2.
func (p *params) query(raw []byte) error {
	var props map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &props) != nil {
		return invalid("query", `it must be an object of objects, such as {"eo:cloud_cover": {"lt": 10}}`)
	}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		for _, op := range slices.Sorted(maps.Keys(props[name])) {
			e, err := queryTerm(name, op, props[name][op])
			if err != nil {
				return err
			}
			p.and(e)
		}
	}
	return nil
}

func queryTerm(name, op string, raw json.RawMessage) (cql2.Expr, error) {
	bad := func(want string) error {
		return invalid("query", "%s.%s must be %s", name, op, want)
	}
	prop := cql2.Property{Name: name}
	switch op {
	case "eq", "neq", "lt", "lte", "gt", "gte":
		v, ok := scalar(raw)
		if !ok {
			return nil, bad("a string, a number or a boolean")
		}
		return comparison(comparisons(op), prop, v), nil
	case "startsWith", "endsWith", "contains":
		v, ok := scalar(raw)
		if !ok {
			return nil, bad("a string")
		}
		return textTerm(op, prop, v), nil
	case "in":
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return nil, bad("an array")
		}
		values := cql2.Array{}
		for _, e := range list {
			v, ok := scalar(e)
			if !ok {
				return nil, bad("an array of strings, numbers or booleans")
			}
			values = append(values, alternatives(prop, v)...)
		}
		in := cql2.Call{Op: "in", Args: []cql2.Expr{prop, values}}
		if single(name) {
			return in, nil
		}
		return or(in, cql2.Call{Op: "a_overlaps", Args: []cql2.Expr{prop, values}}), nil
	}
	return nil, invalid("query", "%s has no operator %q; there are eq, neq, lt, lte, gt, gte, startsWith, endsWith, contains and in", name, op)
}

func comparisons(op string) string {
	switch op {
	case "eq":
		return "="
	case "neq":
		return "<>"
	case "lt":
		return "<"
	case "lte":
		return "<="
	case "gt":
		return ">"
	}
	return ">="
}

// scalar reads a JSON string, number or boolean.
func scalar(raw json.RawMessage) (cql2.Expr, bool) {
	var v any
	if json.Unmarshal(bytes.TrimSpace(raw), &v) != nil {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return cql2.String(v), true
	case float64:
		return cql2.Number(v), true
	case bool:
		return cql2.Bool(v), true
	}
	return nil, false
}

// comparison compares with a value; where a string could mean a number, with both.
func comparison(op string, prop cql2.Property, v cql2.Expr) cql2.Expr {
	alts := alternatives(prop, v)
	terms := make([]cql2.Expr, len(alts))
	for i, a := range alts {
		terms[i] = cql2.Call{Op: op, Args: []cql2.Expr{prop, a}}
	}
	return or(terms...)
}

// alternatives returns what a value can mean, as clients send numbers and times as strings. Values of different types
// don't compare, so that a wrong meaning adds no match.
func alternatives(prop cql2.Property, v cql2.Expr) []cql2.Expr {
	s, ok := v.(cql2.String)
	if !ok {
		return []cql2.Expr{v}
	}
	name := strings.TrimPrefix(prop.Name, "properties.")
	switch name {
	case "datetime", "start_datetime", "end_datetime", "created", "updated":
		if t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(string(s))); err == nil {
			return []cql2.Expr{cql2.Timestamp{Time: t.UTC()}}
		}
		return []cql2.Expr{v}
	}
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || f != f || f > 1e300 || f < -1e300 {
		return []cql2.Expr{v}
	}
	switch {
	case name == "eo:cloud_cover" || name == "gsd":
		return []cql2.Expr{cql2.Number(f)}
	case single(prop.Name):
		return []cql2.Expr{v}
	}
	return []cql2.Expr{cql2.Number(f), v}
}

// single reports whether a property is known to hold a single value of one type.
func single(name string) bool {
	switch strings.TrimPrefix(name, "properties.") {
	case "id", "collection", "datetime", "start_datetime", "end_datetime", "created", "updated", "eo:cloud_cover", "gsd",
		"platform", "constellation", "title":
		return true
	}
	return false
}

func or(terms ...cql2.Expr) cql2.Expr {
	if len(terms) == 1 {
		return terms[0]
	}
	return cql2.Call{Op: "or", Args: terms}
}

// textTerm makes a like; contains also looks into arrays.
func textTerm(op string, prop cql2.Property, v cql2.Expr) cql2.Expr {
	s, isText := v.(cql2.String)
	elements := cql2.Call{Op: "a_contains", Args: []cql2.Expr{prop, cql2.Array{v}}}
	if !isText {
		return elements
	}
	pattern := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(string(s))
	switch op {
	case "startsWith":
		pattern += "%"
	case "endsWith":
		pattern = "%" + pattern
	default:
		pattern = "%" + pattern + "%"
	}
	like := cql2.Call{Op: "like", Args: []cql2.Expr{prop, cql2.String(pattern)}}
	if op == "contains" && !single(prop.Name) {
		return or(like, elements)
	}
	return like
}
