package store

import (
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// sortColumn is one term of an order in SQL.
type sortColumn struct {
	expr string
	desc bool
	null bool // can be NULL, and is then last in either direction
	at   any  // its value at the position, if there is one
}

// sortColumns translates an order, with the tie-break; false if it needs documents.
func sortColumns(q catalog.Query, pos *catalog.Position) ([]sortColumn, bool) {
	var cols []sortColumn
	for i, k := range q.SortKeys() {
		c := sortColumn{desc: k.Desc, null: true}
		switch {
		case k.Field == "id":
			c.expr, c.null = "item.id", false
		case k.Field == "collection":
			c.expr, c.null = "collection.id", false
		case strings.TrimPrefix(k.Field, "properties.") == "datetime":
			c.expr = "item.dt"
		default:
			col, ok := columnOf(k.Field)
			if !ok {
				return nil, false
			}
			c.expr = col.expr
		}
		if pos != nil {
			c.at = bindable(pos.Values[i])
		}
		cols = append(cols, c)
	}
	id, coll := sortColumn{expr: "item.id"}, sortColumn{expr: "collection.id"}
	if pos != nil {
		id.at, coll.at = string(pos.Key.Item), string(pos.Key.Collection)
	}
	return append(cols, id, coll), true
}

func bindable(v any) any {
	if t, ok := v.(time.Time); ok {
		return t.UnixMicro()
	}
	return v
}

// orderBy writes the order, or its reverse.
func orderBy(cols []sortColumn, reverse bool) string {
	var terms []string
	for _, c := range cols {
		term := c.expr
		switch {
		case c.desc != reverse:
			term += " DESC"
		default:
			term += " ASC"
		}
		if c.null {
			if reverse {
				term += " NULLS FIRST"
			} else {
				term += " NULLS LAST"
			}
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, ", ")
}

// addPosition keeps the items on one side of the position: those whose first differing column lies beyond it.
func (w *where) addPosition(cols []sortColumn, before bool, timeless bool) {
	var cases []string
	var args []any
	var same []string
	var sameArgs []any
	for _, c := range cols {
		if term, bind := c.beyond(before); term != "" {
			cases = append(cases, strings.Join(append(same[:len(same):len(same)], term), " AND "))
			args = append(append(args, sameArgs...), bind...)
		}
		if c.at == nil {
			same = append(same, c.expr+" IS NULL")
		} else {
			same = append(same, c.expr+" = ?")
			sameArgs = append(sameArgs, c.at)
		}
	}
	w.add("(("+strings.Join(cases, ") OR (")+"))", args...)
	// A plain bound on the leading column lets the index begin the walk at the position.
	if lead := cols[0]; lead.at != nil && (before || !lead.null || (lead.expr == "item.dt" && !timeless)) {
		w.add(lead.expr+" "+lead.direction(before)+"= ?", lead.at)
	}
}

// direction returns the comparison that leads onward.
func (c sortColumn) direction(before bool) string {
	if c.desc != before {
		return "<"
	}
	return ">"
}

// beyond writes the condition that a column lies past its value at the position; empty if nothing does.
func (c sortColumn) beyond(before bool) (string, []any) {
	switch {
	case c.at == nil && before:
		return c.expr + " IS NOT NULL", nil
	case c.at == nil:
		return "", nil
	case c.null && !before:
		return "(" + c.expr + " " + c.direction(before) + " ? OR " + c.expr + " IS NULL)", []any{c.at}
	}
	return c.expr + " " + c.direction(before) + " ?", []any{c.at}
}
