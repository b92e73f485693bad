package catalog

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Position is a place in the order of a query: next to an item, whether or not that item still exists. It lets an answer
// be continued where items come and go, and by another Source than the one that began it.
type Position struct {
	// Values are those of the item for each of Query.SortKeys.
	Values []any
	Key    Key
	// Before is true for the items before the place, nearest first; false for those after it.
	Before bool
}

// PositionOf returns the place after an item, or before it.
func PositionOf(q Query, it Item, before bool) Position {
	keys := q.SortKeys()
	p := Position{Key: it.Key, Before: before, Values: make([]any, len(keys))}
	for i, s := range keys {
		p.Values[i] = it.SortValue(s.Field)
	}
	return p
}

// Compare orders two places as the query does.
func (p Position) Compare(q Query, o Position) int {
	for i, s := range q.SortKeys() {
		if c := compareBy(s, p.Values[i], o.Values[i]); c != 0 {
			return c
		}
	}
	return p.Key.Compare(o.Key)
}

// Ahead reports whether an item, at its place, lies on the side that the position asks for.
func (p Position) Ahead(q Query, item Position) bool {
	c := item.Compare(q, p)
	return (p.Before && c < 0) || (!p.Before && c > 0)
}

type cursorJSON struct {
	Sort   string       `json:"s"`
	Values []cursorItem `json:"v"`
	Item   string       `json:"i"`
	Coll   string       `json:"c"`
	Before bool         `json:"b,omitempty"`
}

// cursorItem is one sort value; exactly one field is set, or none for a missing value.
type cursorItem struct {
	S *string    `json:"s,omitempty"`
	N *float64   `json:"n,omitempty"`
	B *bool      `json:"b,omitempty"`
	T *time.Time `json:"t,omitempty"`
}

// Cursor writes the position as the cursor of a query.
func (p Position) Cursor(q Query) Cursor {
	c := cursorJSON{Sort: sortText(q), Item: string(p.Key.Item), Coll: string(p.Key.Collection), Before: p.Before}
	for _, v := range p.Values {
		var e cursorItem
		switch x := v.(type) {
		case string:
			e.S = &x
		case float64:
			e.N = &x
		case bool:
			e.B = &x
		case time.Time:
			e.T = &x
		}
		c.Values = append(c.Values, e)
	}
	text, err := json.Marshal(c)
	if err != nil { // a year past 9999 has no JSON form, and no item has one
		return ""
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(text))
}

// Position reads the query's cursor as Position.Cursor wrote it; nil if the query has none. KindInvalid if it is not
// one, or belongs to another order.
func (q Query) Position() (*Position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(string(q.Cursor))
	if err != nil {
		return nil, invalid("cursor: %w", errCursor)
	}
	var c cursorJSON
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, invalid("cursor: %w", errCursor)
	}
	keys := q.SortKeys()
	if c.Sort != sortText(q) || len(c.Values) != len(keys) {
		return nil, invalid("cursor: it belongs to another order, %q", c.Sort)
	}
	p := &Position{Key: Key{Collection: CollectionID(c.Coll), Item: ItemID(c.Item)}, Before: c.Before}
	for _, e := range c.Values {
		var v any
		switch {
		case e.S != nil:
			v = *e.S
		case e.N != nil:
			v = *e.N
		case e.B != nil:
			v = *e.B
		case e.T != nil:
			v = e.T.UTC().Truncate(time.Microsecond)
		}
		p.Values = append(p.Values, v)
	}
	return p, nil
}

var errCursor = errors.New("it is not one of this catalogue's; begin again without it")

// sortText writes the order of a query, e.g. "-datetime,+id".
func sortText(q Query) string {
	var b strings.Builder
	for _, s := range q.SortKeys() {
		sign := "+"
		if s.Desc {
			sign = "-"
		}
		fmt.Fprintf(&b, "%s%s,", sign, fieldOf(s.Field))
	}
	return strings.TrimSuffix(b.String(), ",")
}

// NewPage makes a page of the items that a Source found from the query's position on: nearest first, and one more than
// PageLimit where there are more. With Position.Before they come in the opposite order.
func NewPage(q Query, pos *Position, found []Item) Page {
	limit := q.PageLimit()
	more := len(found) > limit
	items := slices.Clone(found[:min(len(found), limit)])
	back := pos != nil && pos.Before
	if back {
		slices.Reverse(items)
	}
	p := Page{Items: items}
	if len(items) == 0 {
		return p
	}
	if more || back {
		p.Next = PositionOf(q, items[len(items)-1], false).Cursor(q)
	}
	if (back && more) || (!back && pos != nil) {
		p.Prev = PositionOf(q, items[0], true).Cursor(q)
	}
	return p
}
