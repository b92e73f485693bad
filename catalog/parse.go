package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

const (
	opItem       = "read item"
	opItems      = "read items"
	opCollection = "read collection"
)

// ParseItem reads one STAC item of any 1.x version and keeps a copy of the document, byte for byte. It decodes
// nothing but the projection.
//
// Times are truncated to microseconds, which every store can hold. A geometry that is null, not GeoJSON or beyond repair leaves the
// footprint empty or, where the document has a usable bbox, equal to that box: the document is never lost to it. An
// item without any usable time has an open interval.
//
// KindProtocol, naming the field, if raw is not JSON, not a Feature, or lacks an id; KindTooLarge above MaxDocument.
func ParseItem(raw []byte) (Item, error) {
	if err := checkJSON(opItem, raw, MaxDocument); err != nil {
		return Item{}, err
	}
	return parseItem(bytes.Clone(bytes.TrimSpace(raw)))
}

// ParseItems reads the features of a GeoJSON FeatureCollection, in order. Each item's Raw is exactly that slice of the page.
// An item that cannot be read fails the page, with its place in it.
func ParseItems(page []byte) ([]Item, error) {
	if err := checkJSON(opItems, page, MaxPage); err != nil {
		return nil, err
	}
	features := jsonscan.Get(page, "features")
	if len(features) == 0 || features[0] != '[' {
		return nil, protocol(opItems, "", `"features" is missing or not an array`)
	}
	var items []Item
	var err error
	jsonscan.EachElement(features, func(raw []byte) bool {
		if len(raw) > MaxDocument {
			err = &Error{Op: opItems, Kind: KindTooLarge, Err: fmt.Errorf("feature %d has %d bytes", len(items), len(raw))}
			return false
		}
		it, e := parseItem(bytes.Clone(raw))
		if e != nil {
			err = &Error{Op: opItems, Kind: KindOf(e), Err: fmt.Errorf("feature %d: %w", len(items), e)}
			return false
		}
		items = append(items, it)
		return true
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// parseItem keeps raw, which is valid JSON and belongs to the item from now on.
func parseItem(raw []byte) (Item, error) {
	it := Item{Raw: raw}
	it.CloudCover, it.GSD = math.NaN(), math.NaN()
	if raw[0] != '{' {
		return Item{}, protocol(opItem, "", "the document is not an object")
	}
	var typ, id, coll, geometry, bbox, properties []byte
	eachMember(raw, func(k, v []byte) {
		switch {
		case jsonscan.KeyIs(k, "type"):
			typ = v
		case jsonscan.KeyIs(k, "id"):
			id = v
		case jsonscan.KeyIs(k, "collection"):
			coll = v
		case jsonscan.KeyIs(k, "geometry"):
			geometry = v
		case jsonscan.KeyIs(k, "bbox"):
			bbox = v
		case jsonscan.KeyIs(k, "properties"):
			properties = v
		}
	})
	name, _ := jsonscan.StringOf(id)
	if name == "" {
		return Item{}, protocol(opItem, "", `"id" is missing or not a non-empty string`)
	}
	if t, _ := jsonscan.StringOf(typ); t != "Feature" {
		return Item{}, protocol(opItem, name, `"type" is not "Feature"`)
	}
	parent, _ := jsonscan.StringOf(coll)
	it.Key = Key{Collection: CollectionID(parent), Item: ItemID(name)}
	it.readProperties(properties)
	it.readGeometry(geometry, bbox)
	return it, nil
}

func protocol(op, key, what string) error {
	return &Error{Op: op, Kind: KindProtocol, Key: key, Err: errors.New(what)}
}

func (p *Projection) readProperties(properties []byte) {
	var start, end time.Time
	eachMember(properties, func(k, v []byte) {
		switch {
		case jsonscan.KeyIs(k, "datetime"):
			p.Datetime = timeOf(v)
		case jsonscan.KeyIs(k, "start_datetime"):
			start = timeOf(v)
		case jsonscan.KeyIs(k, "end_datetime"):
			end = timeOf(v)
		case jsonscan.KeyIs(k, "created"):
			p.Created = timeOf(v)
		case jsonscan.KeyIs(k, "updated"):
			p.Updated = timeOf(v)
		case jsonscan.KeyIs(k, "eo:cloud_cover"):
			p.CloudCover = numberOrNaN(v)
		case jsonscan.KeyIs(k, "gsd"):
			p.GSD = numberOrNaN(v)
		case jsonscan.KeyIs(k, "title"):
			p.Title, _ = jsonscan.StringOf(v)
		case jsonscan.KeyIs(k, "platform"):
			p.Platform, _ = jsonscan.StringOf(v)
		}
	})
	if start.IsZero() && end.IsZero() {
		start, end = p.Datetime, p.Datetime
	}
	if !start.IsZero() && !end.IsZero() && end.Before(start) {
		start, end = end, start
	}
	p.Time = Interval{Start: start, End: end}
}

func (p *Projection) readGeometry(geometry, bbox []byte) {
	if len(geometry) == 0 || geometry[0] != '{' {
		return
	}
	declared, hasBox := bboxOf(bbox)
	crossing := hasBox && declared.CrossesAntimeridian()
	g, ok := geometryOf(geometry)
	if ok {
		g, ok = geo.Footprint(g, crossing)
	}
	if !ok {
		if !hasBox {
			return
		}
		g = declared.Geometry()
	}
	p.Footprint, p.HasBBox = g, true
	p.BBox = geo.Bounds(g)
	if hasBox && declared.Encloses(p.BBox) {
		p.BBox = declared
	}
}

func numberOrNaN(v []byte) float64 {
	if f, ok := numberOf(v); ok {
		return f
	}
	return math.NaN()
}

// timeOf reads a raw JSON time, truncated to microseconds; zero if it is none.
func timeOf(v []byte) time.Time {
	s, ok := jsonscan.StringOf(v)
	if !ok {
		return time.Time{}
	}
	t, _ := ParseTime(s)
	return t
}

// ParseTime reads an RFC 3339 time, in either case of T and Z, as UTC truncated to microseconds. As services
// do send them, it also takes a time without zone (as UTC), a space for the T, and a bare date.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err == nil {
		return t.UTC().Truncate(time.Microsecond), nil
	}
	up := strings.Replace(strings.ToUpper(strings.TrimSpace(s)), " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, e := time.Parse(layout, up); e == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, err
}

// bboxOf reads a raw bbox of four or six numbers (RFC 7946 § 5). False if it is none, or not on the globe.
func bboxOf(v []byte) (geo.BBox, bool) {
	n := make([]float64, 0, 6)
	ok := true
	jsonscan.EachElement(v, func(e []byte) bool {
		f, good := numberOf(e)
		ok = ok && good && len(n) < 6
		n = append(n, f)
		return ok
	})
	if !ok {
		return geo.BBox{}, false
	}
	switch len(n) {
	case 4:
	case 6:
		n = []float64{n[0], n[1], n[3], n[4]}
	default:
		return geo.BBox{}, false
	}
	b, ok := geo.Wrap(geo.BBox{West: n[0], South: n[1], East: n[2], North: n[3]})
	return b, ok && b.Valid() == nil
}

// ParseCollection reads one STAC collection of any 1.x version and keeps a copy of the document, byte for byte. A
// missing spatial extent is the world, a missing temporal extent all of time. KindProtocol, naming the field, if raw is not JSON, not a
// Collection, or lacks an id.
func ParseCollection(raw []byte) (Collection, error) {
	if err := checkJSON(opCollection, raw, MaxDocument); err != nil {
		return Collection{}, err
	}
	raw = bytes.Clone(bytes.TrimSpace(raw))
	if raw[0] != '{' {
		return Collection{}, protocol(opCollection, "", "the document is not an object")
	}
	c := Collection{Raw: raw, Extent: geo.World()}
	var typ string
	eachMember(raw, func(k, v []byte) {
		s, _ := jsonscan.StringOf(v)
		switch {
		case jsonscan.KeyIs(k, "type"):
			typ = s
		case jsonscan.KeyIs(k, "id"):
			c.ID = CollectionID(s)
		case jsonscan.KeyIs(k, "title"):
			c.Title = s
		case jsonscan.KeyIs(k, "description"):
			c.Description = s
		case jsonscan.KeyIs(k, "license"):
			c.License = s
		case jsonscan.KeyIs(k, "keywords"):
			c.Keywords = stringsOf(v)
		case jsonscan.KeyIs(k, "links"):
			c.LicenseHref = licenseOf(v)
		case jsonscan.KeyIs(k, "extent"):
			c.readExtent(v)
		}
	})
	if c.ID == "" {
		return Collection{}, protocol(opCollection, "", `"id" is missing or not a non-empty string`)
	}
	if typ != "" && typ != "Collection" {
		return Collection{}, protocol(opCollection, string(c.ID), `"type" is not "Collection"`)
	}
	return c, nil
}

func licenseOf(links []byte) string {
	href := ""
	jsonscan.EachElement(links, func(l []byte) bool {
		if rel, _ := jsonscan.StringOf(jsonscan.Get(l, "rel")); rel == "license" {
			href, _ = jsonscan.StringOf(jsonscan.Get(l, "href"))
		}
		return href == ""
	})
	return href
}

// readExtent takes the first box and interval, which enclose all others (STAC collection spec, "Extent Object").
func (c *Collection) readExtent(v []byte) {
	jsonscan.EachElement(jsonscan.Get(jsonscan.Get(v, "spatial"), "bbox"), func(e []byte) bool {
		if b, ok := bboxOf(e); ok {
			c.Extent = b
		}
		return false
	})
	jsonscan.EachElement(jsonscan.Get(jsonscan.Get(v, "temporal"), "interval"), func(e []byte) bool {
		var ends []time.Time
		jsonscan.EachElement(e, func(t []byte) bool { ends = append(ends, timeOf(t)); return len(ends) < 2 })
		if len(ends) == 2 {
			c.Time = Interval{Start: ends[0], End: ends[1]}
		}
		return false
	})
}

// StubCollection returns a valid collection that says nothing but its id, for items whose collection is not known.
func StubCollection(id CollectionID) (Collection, error) {
	if id == "" {
		return Collection{}, protocol(opCollection, "", "there is no id")
	}
	raw, err := json.Marshal(map[string]any{
		"type": "Collection", "stac_version": "1.1.0", "id": id, "description": "", "license": "other", "links": []any{},
		"extent": map[string]any{"spatial": map[string]any{"bbox": [][]float64{{-180, -90, 180, 90}}}, "temporal": map[string]any{"interval": [][]any{{nil, nil}}}},
	})
	if err != nil {
		return Collection{}, &Error{Op: opCollection, Key: string(id), Err: err}
	}
	return ParseCollection(raw)
}
