package catalog

import (
	"cmp"
	"strings"
	"time"
)

// SortValue returns what an item is sorted by for one field: a string, float64, bool or time.Time; nil where
// the item lacks the field, or where it is an array or an object.
func (it Item) SortValue(field string) any {
	if f := fieldOf(field); f == "datetime" {
		if it.Datetime.IsZero() {
			return timeValue(it.Time.Start)
		}
		return it.Datetime
	}
	switch v := it.Property(field).(type) {
	case string, float64, bool, time.Time:
		return v
	}
	return nil
}

// rank orders values of different types as PostgreSQL's jsonb does.
func rank(v any) int {
	switch v.(type) {
	case time.Time, string:
		return 0
	case float64:
		return 1
	case bool:
		return 2
	}
	return 3 // missing
}

// CompareSortValues orders two sort values in ascending order; a missing one is last.
func CompareSortValues(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch x := a.(type) {
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case float64:
		return cmp.Compare(x, b.(float64))
	case bool:
		if x != b.(bool) {
			if x {
				return 1
			}
			return -1
		}
	}
	return 0
}

// compareBy orders two values under a sort key: missing ones are last in either direction.
func compareBy(s SortKey, a, b any) int {
	c := CompareSortValues(a, b)
	if s.Desc && a != nil && b != nil {
		return -c
	}
	return c
}

// Compare orders two items as the query does. It is never 0 for two different keys.
func Compare(q Query, a, b Item) int {
	for _, s := range q.SortKeys() {
		if c := compareBy(s, a.SortValue(s.Field), b.SortValue(s.Field)); c != 0 {
			return c
		}
	}
	return a.Key.Compare(b.Key)
}
