package stacapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// search is a search request, understood.
type search struct {
	catalog.Query
	fields *fieldSet // nil for whole documents
	body   []byte    // of a POST, for its next link
}

// fromURL reads a search from the query string of a GET.
func (a *API) fromURL(rawQuery string) (*search, error) {
	v, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, invalid("query string", "%v", err)
	}
	p := params{lang: "cql2-text"}
	text := func(name string, set func(string) error) {
		if s := strings.Join(v[name], ","); strings.TrimSpace(s) != "" {
			p.do(func() error { return set(s) })
		}
	}
	text("collections", func(s string) error { p.Collections = idList[catalog.CollectionID](s); return nil })
	text("ids", func(s string) error { p.IDs = idList[catalog.ItemID](s); return nil })
	text("bbox", func(s string) error { return p.bboxText(s) })
	text("intersects", func(s string) error { return p.intersects([]byte(s)) })
	text("datetime", p.datetime)
	text("limit", p.limit)
	text("sortby", p.sortText)
	text("token", func(s string) error { p.Cursor = catalog.Cursor(s); return nil })
	text("q", p.freeText)
	text("filter-lang", p.filterLang)
	text("filter-crs", filterCRS)
	text("filter", func(s string) error { return p.filter(s) })
	text("query", func(s string) error { return p.query([]byte(s)) })
	if f, ok := v["fields"]; ok {
		p.do(func() (err error) { p.fields, err = fieldsText(strings.Join(f, ",")); return })
	}
	return p.done(a)
}

// fromBody reads a search from the JSON body of a POST.
func (a *API) fromBody(r io.Reader) (*search, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		body = []byte("{}")
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, invalid("body", "it must be a JSON object of search parameters: %v", err)
	}
	p := params{lang: "cql2-json"}
	p.body = body
	value := func(name string, set func(json.RawMessage) error) {
		if raw, ok := m[name]; ok && (name == "fields" || string(raw) != "null") {
			p.do(func() error { return set(raw) })
		}
	}
	text := func(name string, set func(string) error) {
		value(name, func(raw json.RawMessage) error {
			var s string
			if json.Unmarshal(raw, &s) != nil {
				return invalid(name, "it must be a string")
			}
			return set(s)
		})
	}
	value("collections", func(raw json.RawMessage) error {
		ids, err := idsJSON("collections", raw)
		for _, id := range ids {
			p.Collections = append(p.Collections, catalog.CollectionID(id))
		}
		return err
	})
	value("ids", func(raw json.RawMessage) error {
		ids, err := idsJSON("ids", raw)
		for _, id := range ids {
			p.IDs = append(p.IDs, catalog.ItemID(id))
		}
		return err
	})
	value("bbox", p.bboxJSON)
	value("intersects", func(raw json.RawMessage) error { return p.intersects(raw) })
	text("datetime", p.datetime)
	value("limit", func(raw json.RawMessage) error { return p.limit(strings.Trim(string(raw), `"`)) })
	value("sortby", p.sortJSON)
	text("token", func(s string) error { p.Cursor = catalog.Cursor(s); return nil })
	value("q", func(raw json.RawMessage) error {
		terms, err := idsJSON("q", raw)
		if err != nil {
			return err
		}
		return p.freeText(strings.Join(terms, ","))
	})
	text("filter-lang", p.filterLang)
	text("filter-crs", filterCRS)
	value("filter", func(raw json.RawMessage) error {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return p.filter(s)
		}
		p.lang = "cql2-json"
		return p.filter(string(raw))
	})
	value("query", func(raw json.RawMessage) error { return p.query(raw) })
	value("fields", func(raw json.RawMessage) (err error) { p.fields, err = fieldsJSON(raw); return })
	return p.done(a)
}

// params gathers a search and the first error.
type params struct {
	search
	lang              string
	hasBox, hasInters bool
	err               error
}

func (p *params) do(f func() error) {
	if p.err == nil {
		p.err = f()
	}
}

func (p *params) done(a *API) (*search, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.hasBox && p.hasInters {
		return nil, invalid("bbox", "it can't be given together with intersects; choose one")
	}
	p.Limit = min(p.PageLimit(), a.cfg.MaxLimit)
	return &p.search, nil
}

func idList[T ~string](s string) []T {
	var out []T
	for id := range strings.SplitSeq(s, ",") {
		if id != "" {
			out = append(out, T(id))
		}
	}
	return out
}

// idsJSON reads an array of strings, or one string.
func idsJSON(name string, raw json.RawMessage) ([]string, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil, invalid(name, "it must be an array of strings")
	}
	return many, nil
}

func (p *params) bboxText(s string) error {
	var n []float64
	for part := range strings.SplitSeq(s, ",") {
		f, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return invalid("bbox", "%q is no number; write bbox=west,south,east,north without brackets", part)
		}
		n = append(n, f)
	}
	return p.box(n)
}

func (p *params) bboxJSON(raw json.RawMessage) error {
	var n []float64
	if json.Unmarshal(raw, &n) != nil {
		return invalid("bbox", "it must be an array of four or six numbers: [west, south, east, north]")
	}
	return p.box(n)
}

func (p *params) box(n []float64) error {
	switch len(n) {
	case 4:
	case 6:
		if n[2] > n[5] {
			return invalid("bbox", "the lower height %v is greater than the upper %v", n[2], n[5])
		}
		n = []float64{n[0], n[1], n[3], n[4]}
	default:
		return invalid("bbox", "it has %d numbers; it takes four (west, south, east, north) or six", len(n))
	}
	b := geo.BBox{West: n[0], South: n[1], East: n[2], North: n[3]}
	if err := b.Valid(); err != nil {
		return invalid("bbox", "%s", strings.TrimPrefix(err.Error(), "bbox: "))
	}
	p.hasBox, p.Area = true, b.Geometry()
	return nil
}

func (p *params) intersects(raw []byte) (err error) {
	defer func() {
		if r := recover(); r != nil { // a geometry that the library cannot stand
			err = invalid("intersects", "the geometry cannot be read")
		}
	}()
	g, err := geom.UnmarshalGeoJSON(raw)
	switch {
	case err != nil:
		return invalid("intersects", "it must be a valid GeoJSON geometry: %v", err)
	case g.IsEmpty():
		return invalid("intersects", "the geometry is empty")
	}
	if _, ok := geo.Normalize(g); !ok {
		return invalid("intersects", "the geometry leaves the globe; longitudes are in [-180, 180] and latitudes in [-90, 90]")
	}
	p.hasInters, p.Area = true, g
	return nil
}

func (p *params) limit(s string) error {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n < 1 {
		return invalid("limit", "%s is no positive whole number", s)
	}
	p.Limit = int(min(n, catalog.MaxLimit))
	return nil
}

// datetime reads an instant or an interval (OGC API Features § 7.15.3), strictly in RFC 3339 but for lower-case t and z.
func (p *params) datetime(s string) error {
	first, last, isInterval := strings.Cut(s, "/")
	if !isInterval {
		t, err := instant(s)
		p.Time = catalog.Interval{Start: t, End: t}
		return err
	}
	var ends [2]time.Time
	for i, e := range [...]string{first, last} {
		if e == "" || e == ".." {
			continue
		}
		t, err := instant(e)
		if err != nil {
			return err
		}
		ends[i] = t
	}
	p.Time = catalog.Interval{Start: ends[0], End: ends[1]}
	switch {
	case p.Time.IsZero():
		return invalid("datetime", "%q is open at both ends; leave datetime out to search all of time", s)
	case !ends[0].IsZero() && !ends[1].IsZero() && ends[1].Before(ends[0]):
		return invalid("datetime", "%q ends before it starts", s)
	}
	return nil
}

func instant(s string) (time.Time, error) {
	bad := invalid("datetime", "%q is no RFC 3339 time; write 2024-05-31T12:30:00Z, or an interval start/end with .. for an open end", s)
	if len(s) < len("2006-01-02T15:04:05Z") || strings.Contains(s, ",") {
		return time.Time{}, bad
	}
	up := strings.ToUpper(s)
	leap := time.Duration(0)
	if up[16:19] == ":60" { // a leap second (RFC 3339 § 5.7), which time doesn't know
		up, leap = up[:17]+"59"+up[19:], time.Second
	}
	t, err := time.Parse(time.RFC3339Nano, up)
	if err != nil || t.IsZero() {
		return time.Time{}, bad
	}
	return t.UTC().Add(leap), nil
}

// sortText reads "-datetime,+id".
func (p *params) sortText(s string) error {
	for f := range strings.SplitSeq(s, ",") {
		if err := p.sortField(f); err != nil {
			return err
		}
	}
	p.simplifySort()
	return nil
}

func (p *params) sortField(f string) error {
	f = strings.TrimSpace(f) // a plus that was not escaped arrives as a space
	name, desc := strings.CutPrefix(f, "-")
	if !desc {
		name = strings.TrimPrefix(f, "+")
	}
	if name == "" || name == "properties." {
		return invalid("sortby", "a field has no name; write sortby=-datetime,+id")
	}
	p.Sort = append(p.Sort, catalog.SortKey{Field: name, Desc: desc})
	return nil
}

func (p *params) sortJSON(raw json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, e := range list {
		var s string
		if json.Unmarshal(e, &s) == nil {
			if err := p.sortText(s); err != nil {
				return err
			}
			continue
		}
		var o struct{ Field, Direction string }
		if json.Unmarshal(e, &o) != nil {
			return invalid("sortby", `it must be an array of {"field": "datetime", "direction": "desc"}`)
		}
		sign := "+"
		switch strings.ToLower(o.Direction) {
		case "asc", "":
		case "desc":
			sign = "-"
		default:
			return invalid("sortby", "direction %q is neither asc nor desc", o.Direction)
		}
		if err := p.sortField(sign + o.Field); err != nil {
			return err
		}
	}
	p.simplifySort()
	return nil
}

// simplifySort drops what a catalogue does anyway, so that it sees its fastest order: ties are broken by id, then by
// collection, and newest first is the default.
func (p *params) simplifySort() {
	s := p.Sort
	if n := len(s); n > 2 && s[n-1] == (catalog.SortKey{Field: "collection"}) && s[n-2] == (catalog.SortKey{Field: "id"}) {
		s = s[:n-1]
	}
	if n := len(s); n > 1 && s[n-1] == (catalog.SortKey{Field: "id"}) {
		s = s[:n-1]
	}
	if len(s) == 1 && s[0].Desc && strings.TrimPrefix(s[0].Field, "properties.") == "datetime" {
		s = nil
	}
	p.Sort = slices.Clip(s)
}

// freeText takes one term: all of its words must occur, in any order. Alternatives, which the free-text extension
// separates by commas, are not offered, and so its conformance class isn't either.
func (p *params) freeText(s string) error {
	if strings.Contains(s, ",") {
		return invalid("q", "it takes one term; all of its words must occur")
	}
	p.Text = s
	return nil
}

func (p *params) filterLang(s string) error {
	switch s = strings.ToLower(s); s {
	case "cql2-text", "cql2-json":
		p.lang = s
		return nil
	}
	return invalid("filter-lang", "%q is neither cql2-text nor cql2-json", s)
}

func filterCRS(s string) error {
	switch s {
	case crs84, "https://www.opengis.net/def/crs/OGC/1.3/CRS84", "urn:ogc:def:crs:OGC:1.3:CRS84", "CRS84":
		return nil
	}
	return invalid("filter-crs", "%q is not offered; only %s is", s, crs84)
}

// filter reads a CQL2 filter in the language that was named. Text that begins with a brace is JSON in any case.
func (p *params) filter(s string) error {
	parse := cql2.ParseText
	if p.lang == "cql2-json" || strings.HasPrefix(strings.TrimSpace(s), "{") {
		parse = func(s string) (cql2.Expr, error) { return cql2.ParseJSON([]byte(s)) }
	}
	e, err := parse(s)
	if err == nil {
		err = cql2.Check(e)
	}
	if err != nil {
		return invalid("filter", "%s", strings.TrimPrefix(err.Error(), "filter: "))
	}
	p.and(e)
	return nil
}

func (p *params) and(e cql2.Expr) {
	if p.Filter != nil {
		e = cql2.Call{Op: "and", Args: []cql2.Expr{p.Filter, e}}
	}
	p.Filter = e
}
