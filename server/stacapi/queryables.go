package stacapi

import (
	"encoding/json"
	"slices"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// queryable is the JSON schema of one property.
type queryable map[string]any

// baseQueryables are the properties that the STAC item specification and its common metadata define.
func baseQueryables() map[string]queryable {
	const item = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/"
	text := func(title string) queryable { return queryable{"title": title, "type": "string"} }
	number := func(title string) queryable { return queryable{"title": title, "type": "number"} }
	moment := func(title string) queryable {
		return queryable{"title": title, "type": "string", "format": "date-time"}
	}
	cloud := number("Cloud cover in percent")
	cloud["minimum"], cloud["maximum"] = 0, 100
	return map[string]queryable{
		"id":             {"title": "Item id", "$ref": item + "item.json#/definitions/core/allOf/2/properties/id"},
		"collection":     text("Collection id"),
		"geometry":       {"title": "Footprint", "$ref": "https://geojson.org/schema/Geometry.json"},
		"datetime":       moment("Acquired"),
		"start_datetime": moment("Start of the acquisition"),
		"end_datetime":   moment("End of the acquisition"),
		"created":        moment("Created"),
		"updated":        moment("Updated"),
		"title":          text("Title"),
		"platform":       text("Platform"),
		"constellation":  text("Constellation"),
		"instruments":    {"title": "Instruments", "type": "array", "items": map[string]any{"type": "string"}},
		"gsd":            number("Ground sample distance in metres"),
		"eo:cloud_cover": cloud,
	}
}

// addSummaries adds what a collection's "summaries" say of its items' properties: a range, or the values.
func addSummaries(props map[string]queryable, collection []byte) {
	var summaries map[string]json.RawMessage
	if json.Unmarshal(jsonscan.Get(collection, "summaries"), &summaries) != nil {
		return
	}
	for name, raw := range summaries {
		q := props[name]
		if q == nil {
			q = queryable{"title": name}
			props[name] = q
		}
		var span struct{ Minimum, Maximum any }
		var values []any
		switch {
		case json.Unmarshal(raw, &values) == nil:
			addValues(q, values)
		case json.Unmarshal(raw, &span) == nil && span.Minimum != nil && span.Maximum != nil:
			addRange(q, span.Minimum, span.Maximum)
		}
	}
}

// addRange widens the range of a number; bounds of a time are told in the words of JSON schema's format.
func addRange(q queryable, low, high any) {
	lo, ok1 := low.(float64)
	hi, ok2 := high.(float64)
	if !ok1 || !ok2 {
		if _, isText := low.(string); isText && q["type"] == nil {
			q["type"] = "string"
		}
		return
	}
	q["type"] = "number"
	if old, ok := q["minimum"].(float64); ok {
		lo = min(lo, old)
	}
	if old, ok := q["maximum"].(float64); ok {
		hi = max(hi, old)
	}
	q["minimum"], q["maximum"] = lo, hi
}

// addValues adds to the enumeration of a property; lists of objects (such as bands) are not enumerated.
func addValues(q queryable, values []any) {
	list, _ := q["enum"].([]any)
	if elements, ok := q["items"].(map[string]any); ok {
		list, _ = elements["enum"].([]any)
	}
	typ := ""
	for _, v := range values {
		switch v.(type) {
		case string:
			typ = "string"
		case float64:
			typ = "number"
		case bool:
			typ = "boolean"
		default:
			return
		}
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	if typ == "" {
		return
	}
	if q["type"] == "array" {
		q["items"] = map[string]any{"type": typ, "enum": list}
		return
	}
	if q["type"] == nil {
		q["type"] = typ
	}
	q["enum"] = list
}
