package stacapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// freeTextAllWords is the class of our own server: q is one term of which all words must occur (server/stacapi).
const freeTextAllWords = "/dinamis-desktop/conf/free-text-all-words"

func unable(format string, args ...any) error {
	return &catalog.Error{Op: "search", Kind: catalog.KindInvalid, Err: fmt.Errorf(format, args...)}
}

// question puts a query, cursor aside, into the words of the service. area is that of the query on the globe.
func (s *service) question(q catalog.Query, area geom.Geometry) (*exchange, error) {
	p := map[string]json.RawMessage{}
	set := func(name string, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return unable("%s: %w", name, err)
		}
		p[name] = raw
		return nil
	}
	err := set("limit", q.PageLimit())
	if err == nil && len(q.Collections) > 0 {
		err = set("collections", q.Collections)
	}
	if err == nil && len(q.IDs) > 0 {
		err = set("ids", q.IDs)
	}
	if err == nil && !area.IsEmpty() {
		if b, ok := boxOf(area); ok {
			err = set("bbox", b.Array())
		} else {
			err = set("intersects", area)
		}
	}
	if err == nil && !q.Time.IsZero() {
		err = set("datetime", datetime(q.Time))
	}
	if err == nil {
		err = s.addSort(q, set)
	}
	if err == nil && q.Text != "" {
		err = s.addText(q.Text, set)
	}
	if err == nil && q.Filter != nil {
		err = s.addFilter(q.Filter, set)
	}
	if err != nil {
		return nil, err
	}
	if s.post {
		return &exchange{method: http.MethodPost, url: s.search, body: p}, nil
	}
	return s.asGet(q, p)
}

// asGet moves the parameters into the query string.
func (s *service) asGet(q catalog.Query, p map[string]json.RawMessage) (*exchange, error) {
	u := *s.search
	v := u.Query()
	for name, raw := range p {
		v.Set(name, string(raw))
	}
	for name, list := range map[string][]string{"collections": texts(q.Collections), "ids": texts(q.IDs)} {
		if len(list) == 0 {
			continue
		}
		for _, id := range list {
			if strings.Contains(id, ",") {
				return nil, unable("%s: %q holds a comma, which this service cannot be asked for", name, id)
			}
		}
		v.Set(name, strings.Join(list, ","))
	}
	if raw, ok := p["bbox"]; ok {
		v.Set("bbox", strings.Trim(string(raw), "[]"))
	}
	for _, name := range []string{"datetime", "q", "filter-lang"} {
		var text string
		if json.Unmarshal(p[name], &text) == nil {
			v.Set(name, text)
		}
	}
	if _, ok := p["q"]; ok {
		var terms []string
		if json.Unmarshal(p["q"], &terms) == nil {
			v.Set("q", strings.Join(terms, ","))
		}
	}
	if _, ok := p["sortby"]; ok {
		var fields []string
		for _, k := range s.sortKeys(q) {
			fields = append(fields, map[bool]string{false: "+", true: "-"}[k.Desc]+k.Field)
		}
		v.Set("sortby", strings.Join(fields, ","))
	}
	if _, ok := p["filter"]; ok {
		v.Set("filter", cql2.Text(q.Filter))
		v.Set("filter-lang", "cql2-text")
	}
	u.RawQuery = v.Encode()
	return &exchange{method: http.MethodGet, url: &u}, nil
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// boxOf returns the box that an area is, if it is one: bbox is what every service answers fastest.
func boxOf(area geom.Geometry) (geo.BBox, bool) {
	boxes := []geo.BBox{envelopeOf(area)}
	if mp, ok := area.AsMultiPolygon(); ok && mp.NumPolygons() == 2 {
		a, b := envelopeOf(mp.PolygonN(0).AsGeometry()), envelopeOf(mp.PolygonN(1).AsGeometry())
		boxes = []geo.BBox{{West: a.West, South: a.South, East: b.East, North: a.North}, {West: b.West, South: a.South, East: a.East, North: a.North}}
	}
	for _, b := range boxes {
		if b.Valid() == nil && b.South < b.North && b.West != b.East && geom.ExactEquals(b.Geometry(), area, geom.IgnoreOrder) {
			return b, true
		}
	}
	return geo.BBox{}, false
}

func envelopeOf(g geom.Geometry) geo.BBox {
	lo, hi, ok := g.Envelope().MinMaxXYs()
	if !ok {
		return geo.BBox{South: 1} // invalid
	}
	return geo.BBox{West: lo.X, South: lo.Y, East: hi.X, North: hi.Y}
}

// datetime writes an instant or an interval (OGC API Features § 7.15.3).
func datetime(i catalog.Interval) string {
	if i.Start.Equal(i.End) {
		return i.Start.UTC().Format(time.RFC3339Nano)
	}
	ends := [2]string{"..", ".."}
	for n, t := range [...]time.Time{i.Start, i.End} {
		if !t.IsZero() {
			ends[n] = t.UTC().Format(time.RFC3339Nano)
		}
	}
	return ends[0] + "/" + ends[1]
}

// sortKeys returns the order with its tie-break, which services are not bound to otherwise.
func (s *service) sortKeys(q catalog.Query) []catalog.SortKey {
	keys := append([]catalog.SortKey{}, q.SortKeys()...)
	for _, k := range keys {
		if k.Field == "id" {
			return keys
		}
	}
	return append(keys, catalog.SortKey{Field: "id"})
}

func (s *service) addSort(q catalog.Query, set func(string, any) error) error {
	if !s.conformsTo("#sort", "/sort") {
		if k := q.SortKeys(); len(k) > 1 || strings.TrimPrefix(k[0].Field, "properties.") != "datetime" || !k[0].Desc {
			return unable("sort: this service cannot sort; only its own order, newest first, can be asked for")
		}
		return nil
	}
	type field struct {
		Field     string `json:"field"`
		Direction string `json:"direction"`
	}
	var fields []field
	for _, k := range s.sortKeys(q) {
		fields = append(fields, field{k.Field, map[bool]string{false: "asc", true: "desc"}[k.Desc]})
	}
	return set("sortby", fields)
}

func (s *service) addText(text string, set func(string, any) error) error {
	words := catalog.Words(text)
	switch {
	case s.conformsTo(freeTextAllWords):
		return set("q", []string{strings.ReplaceAll(text, ",", " ")})
	case s.conformsTo("#advanced-free-text"):
		for i, w := range words {
			words[i] = strconv.Quote(w)
		}
		return set("q", strings.Join(words, " AND "))
	case s.conformsTo("#free-text") && len(words) == 1:
		return set("q", words)
	case s.conformsTo("#free-text"):
		return unable("text: this service cannot search for several words at once; give one")
	}
	return unable("text: this service has no free-text search")
}

func (s *service) addFilter(e cql2.Expr, set func(string, any) error) error {
	if s.conformsTo("item-search#filter", "/conf/features-filter", "/conf/cql2-json", "/conf/cql2-text") {
		raw, err := cql2.JSON(e)
		if err != nil {
			return unable("filter: %w", err)
		}
		if err := set("filter-lang", "cql2-json"); err != nil {
			return err
		}
		return set("filter", json.RawMessage(raw))
	}
	if !s.conformsTo("#query") {
		return unable("filter: this service cannot filter by %s", strings.Join(cql2.Properties(e), ", "))
	}
	query, err := queryExtension(e)
	if err != nil {
		return err
	}
	return set("query", query)
}
