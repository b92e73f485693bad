package store

import (
	"encoding/json"
	"math"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// where is a conjunction of conditions in SQL. It holds for every item that matches; if exact, for no other.
type where struct {
	terms []string
	args  []any
	exact bool
}

func (w *where) add(term string, args ...any) {
	w.terms = append(w.terms, term)
	w.args = append(w.args, args...)
}

func (w *where) text() string {
	if len(w.terms) == 0 {
		return "1"
	}
	return strings.Join(w.terms, " AND ")
}

// stats are facts about the whole file that bound a walk along item_walk.
type stats struct {
	reach    int64 // how far an item's span lasts from its dt
	timeless bool  // there are items without dt
}

// conditions translates what of a query the columns can answer. numbers are those of its collections.
func conditions(q catalog.Query, m *catalog.Matcher, numbers []int64, st stats) where {
	w := where{exact: true}
	if len(q.Collections) > 0 {
		w.add("coll IN (" + marks(len(numbers)) + ")")
		for _, n := range numbers {
			w.args = append(w.args, n)
		}
	}
	if len(q.IDs) > 0 {
		w.add("item.id IN (SELECT value FROM json_each(?))", jsonText(q.IDs))
	}
	if !q.Time.IsZero() {
		t0, t1 := span(q.Time)
		w.add("coalesce(t1, dt) >= ? AND coalesce(t0, dt) <= ?", t0, t1)
		if st.reach < maxMicro/4 && !st.timeless { // without such bounds the walk is merely longer
			if t0 != minMicro {
				w.add("dt >= ?", t0-st.reach)
			}
			if t1 != maxMicro {
				w.add("dt <= ?", t1+st.reach)
			}
		}
	}
	w.addArea(m)
	if len(m.Words()) > 0 {
		w.add("item.rid IN (SELECT rowid FROM item_fts WHERE item_fts MATCH ?)", matchText(m.Words()))
	}
	for _, e := range conjuncts(q.Filter) {
		if term, args, ok := pushDown(e); ok {
			w.add(term, args...)
		} else {
			w.exact = false
		}
	}
	return w
}

// addArea keeps what the box of a footprint allows.
func (w *where) addArea(m *catalog.Matcher) {
	boxes := geo.Boxes(m.Area())
	if len(boxes) == 0 {
		return
	}
	if whole := geo.World(); boxes[0] == whole && len(boxes) == 1 && m.AreaIsBox() {
		w.add("geom IS NOT NULL")
		return
	}
	w.exact = false
	var parts []string
	for _, b := range boxes {
		n := outward(b)
		parts = append(parts, "(minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ?)")
		w.args = append(w.args, n[1], n[0], n[3], n[2])
	}
	w.terms = append(w.terms, "("+strings.Join(parts, " OR ")+")")
}

func marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

// matchText writes an FTS5 query for items that have every word. Words hold nothing but letters and digits.
func matchText(words []string) string { return `"` + strings.Join(words, `" AND "`) + `"` }

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // strings and numbers always marshal
		return "[]"
	}
	return string(text)
}

func conjuncts(e cql2.Expr) []cql2.Expr {
	if e == nil {
		return nil
	}
	if c, ok := e.(cql2.Call); ok && c.Op == "and" {
		var all []cql2.Expr
		for _, a := range c.Args {
			all = append(all, conjuncts(a)...)
		}
		return all
	}
	return []cql2.Expr{e}
}

// column is a projected property in SQL, with the type of literal that compares with it.
type column struct {
	expr string
	kind byte // n, s or t
}

func columnOf(name string) (column, bool) {
	if name == "id" {
		return column{"item.id", 's'}, true
	}
	switch strings.TrimPrefix(name, "properties.") {
	case "eo:cloud_cover":
		return column{"cloud", 'n'}, true
	case "gsd":
		return column{"gsd", 'n'}, true
	case "platform":
		return column{"platform", 's'}, true
	case "title":
		return column{"title", 's'}, true
	case "created":
		return column{"created", 't'}, true
	case "updated":
		return column{"updated", 't'}, true
	case "datetime":
		return column{"CASE WHEN flags & 1 THEN dt END", 't'}, true
	}
	return column{}, false
}

// pushDown translates a condition that SQL decides exactly as cql2.Eval does; false for any other.
func pushDown(e cql2.Expr) (string, []any, bool) {
	c, ok := e.(cql2.Call)
	if !ok {
		return "", nil, false
	}
	switch c.Op {
	case "=", "<>", "<", ">", "<=", ">=":
		return pushComparison(c)
	case "between":
		return pushList(c.Args, "(%c BETWEEN ? AND ?)")
	case "isNull":
		if p, ok := c.Args[0].(cql2.Property); ok {
			if col, ok := columnOf(p.Name); ok {
				return "(" + col.expr + ") IS NULL", nil, true
			}
		}
	case "in":
		if list, ok := c.Args[1].(cql2.Array); ok && len(list) > 0 && len(list) <= 100 {
			return pushList(append([]cql2.Expr{c.Args[0]}, list...), "(%c IN ("+marks(len(list))+"))")
		}
	case "or", "and":
		return pushLogic(c)
	}
	return "", nil, false
}

func pushLogic(c cql2.Call) (string, []any, bool) {
	var parts []string
	var args []any
	for _, a := range c.Args {
		term, more, ok := pushDown(a)
		if !ok {
			return "", nil, false
		}
		parts, args = append(parts, term), append(args, more...)
	}
	if len(parts) == 0 {
		return "", nil, false
	}
	return "(" + strings.Join(parts, " "+strings.ToUpper(c.Op)+" ") + ")", args, true
}

var mirrored = map[string]string{"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

func pushComparison(c cql2.Call) (string, []any, bool) {
	a, b, op := c.Args[0], c.Args[1], c.Op
	if _, ok := a.(cql2.Property); !ok {
		a, b, op = b, a, mirrored[op]
	}
	return pushList([]cql2.Expr{a, b}, "(%c "+op+" ?)")
}

// pushList binds literals to a column: %c in the pattern stands for it.
func pushList(args []cql2.Expr, pattern string) (string, []any, bool) {
	p, ok := args[0].(cql2.Property)
	if !ok {
		return "", nil, false
	}
	col, ok := columnOf(p.Name)
	if !ok {
		return "", nil, false
	}
	var bound []any
	for _, a := range args[1:] {
		v, ok := literal(a, col.kind)
		if !ok {
			return "", nil, false
		}
		bound = append(bound, v)
	}
	return strings.Replace(pattern, "%c", "("+col.expr+")", 1), bound, true
}

func literal(e cql2.Expr, kind byte) (any, bool) {
	switch v := e.(type) {
	case cql2.Number:
		return float64(v), kind == 'n' && !math.IsNaN(float64(v))
	case cql2.String:
		return string(v), kind == 's'
	case cql2.Timestamp:
		return v.Time.UnixMicro(), kind == 't' && v.Time.Nanosecond()%1000 == 0
	}
	return nil, false
}
