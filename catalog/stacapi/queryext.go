package stacapi

import (
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

// queryExtension translates a filter to the STAC query extension, {"eo:cloud_cover": {"lt": 10}}, as far as that goes: conditions
// of one property and literals, all of which must hold.
func queryExtension(e cql2.Expr) (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	if err := addConditions(out, e); err != nil {
		return nil, err
	}
	return out, nil
}

func addConditions(out map[string]map[string]any, e cql2.Expr) error {
	bad := unable("filter: this service takes only simple comparisons, not %s", clean(cql2.Text(e), 120))
	c, ok := e.(cql2.Call)
	if !ok {
		return bad
	}
	if c.Op == "and" {
		for _, a := range c.Args {
			if err := addConditions(out, a); err != nil {
				return err
			}
		}
		return nil
	}
	terms := simpleTerms(c)
	if len(terms) == 0 {
		return bad
	}
	for _, t := range terms {
		ops := out[t.property]
		if ops == nil {
			ops = map[string]any{}
			out[t.property] = ops
		}
		if _, twice := ops[t.op]; twice {
			return unable("filter: this service cannot compare %s twice in the same way", t.property)
		}
		ops[t.op] = t.value
	}
	return nil
}

type term struct {
	property, op string
	value        any
}

// simpleTerms returns what a condition says in the words of the extension; nothing if it has none for it.
func simpleTerms(c cql2.Call) []term {
	if len(c.Args) < 2 {
		return nil
	}
	prop, ok := c.Args[0].(cql2.Property)
	op := c.Op
	value := c.Args[1]
	if !ok && len(c.Args) == 2 { // 10 > cloud cover
		if prop, ok = c.Args[1].(cql2.Property); ok {
			op, value = map[string]string{"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}[op], c.Args[0]
		}
	}
	if !ok {
		return nil
	}
	name := strings.TrimPrefix(prop.Name, "properties.")
	switch op {
	case "=", "<>", "<", ">", "<=", ">=":
		if v, ok := plain(value); ok {
			return []term{{name, map[string]string{"=": "eq", "<>": "neq", "<": "lt", ">": "gt", "<=": "lte", ">=": "gte"}[op], v}}
		}
	case "between":
		low, ok1 := plain(c.Args[1])
		high, ok2 := plain(c.Args[2])
		if ok1 && ok2 {
			return []term{{name, "gte", low}, {name, "lte", high}}
		}
	case "in":
		list, ok := value.(cql2.Array)
		values := make([]any, len(list))
		for i, e := range list {
			var plainOK bool
			values[i], plainOK = plain(e)
			ok = ok && plainOK
		}
		if ok {
			return []term{{name, "in", values}}
		}
	case "like":
		if p, ok := value.(cql2.String); ok {
			return likeTerm(name, string(p))
		}
	}
	return nil
}

// plain returns a literal that JSON has a form for. A date is not: it is a whole day, which one comparison can't say.
func plain(e cql2.Expr) (any, bool) {
	switch v := e.(type) {
	case cql2.String:
		return string(v), true
	case cql2.Number:
		return float64(v), true
	case cql2.Bool:
		return bool(v), true
	case cql2.Timestamp:
		return v.Time.UTC().Format(time.RFC3339Nano), true
	}
	return nil, false
}

// likeTerm knows patterns whose only wildcard is % at an end.
func likeTerm(name, pattern string) []term {
	inner, before := strings.CutPrefix(pattern, "%")
	inner, after := strings.CutSuffix(inner, "%")
	if strings.ContainsAny(inner, `%_\`) {
		return nil
	}
	switch {
	case before && after:
		return []term{{name, "contains", inner}}
	case before:
		return []term{{name, "endsWith", inner}}
	case after:
		return []term{{name, "startsWith", inner}}
	}
	return []term{{name, "eq", inner}}
}
