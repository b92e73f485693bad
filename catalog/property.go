package catalog

import (
	"encoding/json"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// Property returns the value of a property in the types of cql2.Resolver: nil where it is null or absent, and for an object. It
// makes an item a resolver: cql2.ResolverFunc(it.Property).
//
// "id", "collection" and "geometry" are those of the item (OGC STAC API, "Filter Extension"); "properties.x" and "x" are the
// property x. What Projection holds comes from there, so that an answer is the same with and without the document.
func (it Item) Property(name string) any {
	field, ok := strings.CutPrefix(name, "properties.")
	if !ok {
		switch name {
		case "id":
			return string(it.Key.Item)
		case "collection":
			return string(it.Key.Collection)
		case "geometry":
			if it.Footprint.IsEmpty() {
				return nil
			}
			return it.Footprint
		}
	}
	if v, ok := it.projected(field); ok {
		return v
	}
	raw := it.rawProperty(field)
	switch field {
	case "start_datetime", "end_datetime":
		if t := timeOf(raw); !t.IsZero() {
			return t
		}
		return nil
	}
	return valueOf(raw)
}

// Projected reports whether Property and a sort key of that name need no document.
func Projected(name string) bool {
	switch name {
	case "id", "collection", "geometry":
		return true
	}
	_, ok := Item{}.projected(fieldOf(name))
	return ok
}

func fieldOf(name string) string { return strings.TrimPrefix(name, "properties.") }

// projected returns the value of a property that Projection holds; false for any other.
func (p Projection) projected(field string) (any, bool) {
	switch field {
	case "datetime":
		return timeValue(p.Datetime), true
	case "created":
		return timeValue(p.Created), true
	case "updated":
		return timeValue(p.Updated), true
	case "eo:cloud_cover":
		return numberValue(p.CloudCover), true
	case "gsd":
		return numberValue(p.GSD), true
	case "title":
		return textValue(p.Title), true
	case "platform":
		return textValue(p.Platform), true
	}
	return nil, false
}

func timeValue(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func numberValue(f float64) any {
	if f != f { // NaN
		return nil
	}
	return f
}

func textValue(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (it Item) rawProperty(field string) []byte {
	return jsonscan.Get(jsonscan.Get(it.Raw, "properties"), field)
}

// PropertyText returns the raw JSON of a property, for showing it; nil if it is absent.
func (it Item) PropertyText(name string) json.RawMessage { return it.rawProperty(name) }

// EachProperty calls f with every property in document order.
func (it Item) EachProperty(f func(name string, value json.RawMessage)) {
	eachMember(jsonscan.Get(it.Raw, "properties"), func(k, v []byte) {
		if name, ok := jsonscan.StringOf(k); ok {
			f(name, v)
		}
	})
}

// valueOf turns raw JSON into a value of cql2.Resolver. An array nested in an array deeper than any real one counts as null.
func valueOf(raw []byte) any { return valueAt(raw, 8) }

func valueAt(raw []byte, depth int) any {
	if len(raw) == 0 || depth == 0 {
		return nil
	}
	switch raw[0] {
	case 't':
		return true
	case 'f':
		return false
	case '"':
		if s, ok := jsonscan.StringOf(raw); ok {
			return s
		}
	case '[':
		list := []any{}
		jsonscan.EachElement(raw, func(e []byte) bool { list = append(list, valueAt(e, depth-1)); return true })
		return list
	default:
		if f, ok := numberOf(raw); ok {
			return f
		}
	}
	return nil
}
