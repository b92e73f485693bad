package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// queryFlags are the flags that make a query; search and download share them.
type queryFlags struct {
	Collection []string `help:"Only these collections (repeat, or separate by commas)." placeholder:"ID"`
	IDs        []string `name:"id" help:"Only items of these ids." placeholder:"ID"`
	BBox       string   `name:"bbox" help:"Only what intersects this box: west,south,east,north in degrees. West > east crosses the antimeridian." placeholder:"W,S,E,N"`
	Area       string   `help:"Only what intersects the geometry in this file: GeoJSON or WKT, lon/lat degrees." type:"existingfile" placeholder:"FILE"`
	Datetime   string   `help:"Only this time: 2022, 2022-07, 2022-07-14, an RFC 3339 instant, or A/B, A/.., ../B." placeholder:"TIME"`
	Cloud      float64  `help:"Only items with at most this cloud cover in percent." default:"-1" placeholder:"PERCENT"`
	Filter     string   `help:"A CQL2 text expression, e.g. \"gsd < 10 AND platform = 'spot-6'\"." placeholder:"CQL2"`
	Text       string   `help:"Words that must occur in id, title, description or keywords." placeholder:"WORDS"`
	Sort       []string `help:"Sort by these properties, '-' for descending, e.g. -datetime,id." placeholder:"PROPERTY"`
	Limit      int      `help:"At most this many items." default:"100"`
	All        bool     `help:"Every item that matches, page after page."`
}

// query builds the query; its errors name the flag.
func (f queryFlags) query() (catalog.Query, error) {
	q := catalog.Query{Text: f.Text, Limit: f.Limit}
	for _, c := range f.Collection {
		q.Collections = append(q.Collections, catalog.CollectionID(c))
	}
	for _, id := range f.IDs {
		q.IDs = append(q.IDs, catalog.ItemID(id))
	}
	if f.Limit < 1 {
		return q, usagef("--limit %d: at least 1, or --all", f.Limit)
	}
	if f.All {
		q.Limit = 500
	}
	var err error
	if q.Area, err = f.area(); err != nil {
		return q, err
	}
	if f.Datetime != "" {
		if q.Time, err = parseInterval(f.Datetime); err != nil {
			return q, usageError{fmt.Errorf("--datetime: %w", err)}
		}
	}
	if q.Filter, err = f.filter(); err != nil {
		return q, err
	}
	for _, s := range f.Sort {
		field, desc := strings.CutPrefix(s, "-")
		q.Sort = append(q.Sort, catalog.SortKey{Field: strings.TrimPrefix(field, "+"), Desc: desc})
	}
	return q, nil
}

func (f queryFlags) area() (geom.Geometry, error) {
	switch {
	case f.BBox != "" && f.Area != "":
		return geom.Geometry{}, usagef("--bbox and --area: give one of them")
	case f.BBox != "":
		b, err := parseBBox(f.BBox)
		if err != nil {
			return geom.Geometry{}, usageError{fmt.Errorf("--bbox: %w", err)}
		}
		return b.Geometry(), nil
	case f.Area != "":
		g, err := readArea(f.Area)
		if err != nil {
			return geom.Geometry{}, usageError{fmt.Errorf("--area %s: %w", f.Area, err)}
		}
		return g, nil
	}
	return geom.Geometry{}, nil
}

func (f queryFlags) filter() (cql2.Expr, error) {
	var parts []cql2.Expr
	if f.Cloud >= 0 {
		if f.Cloud > 100 {
			return nil, usagef("--cloud %v: a percentage from 0 to 100", f.Cloud)
		}
		parts = append(parts, cql2.Call{Op: "<=", Args: []cql2.Expr{cql2.Property{Name: "eo:cloud_cover"}, cql2.Number(f.Cloud)}})
	}
	if f.Filter != "" {
		e, err := cql2.ParseText(f.Filter)
		if err != nil {
			return nil, usageError{fmt.Errorf("--filter: %w", err)}
		}
		parts = append(parts, e)
	}
	switch len(parts) {
	case 0:
		return nil, nil
	case 1:
		return parts[0], nil
	}
	return cql2.Call{Op: "and", Args: parts}, nil
}

func parseBBox(s string) (geo.BBox, error) {
	parts := strings.Split(s, ",")
	if len(parts) != 4 {
		return geo.BBox{}, fmt.Errorf("%q has %d numbers; give west,south,east,north", s, len(parts))
	}
	var v [4]float64
	for i, p := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil {
			return geo.BBox{}, fmt.Errorf("%q is not a number", p)
		}
		v[i] = x
	}
	b := geo.BBox{West: v[0], South: v[1], East: v[2], North: v[3]}
	return b, b.Valid()
}

// readArea reads a geometry from GeoJSON (a geometry, a feature or a collection of features) or from WKT.
func readArea(path string) (geom.Geometry, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return geom.Geometry{}, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return geom.UnmarshalWKT(string(text))
	}
	var doc struct {
		Type     string          `json:"type"`
		Geometry json.RawMessage `json:"geometry"`
		Features []struct {
			Geometry json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return geom.Geometry{}, err
	}
	switch doc.Type {
	case "Feature":
		return geom.UnmarshalGeoJSON(doc.Geometry)
	case "FeatureCollection":
		parts := make([]geom.Geometry, 0, len(doc.Features))
		for _, f := range doc.Features {
			g, err := geom.UnmarshalGeoJSON(f.Geometry)
			if err != nil {
				return geom.Geometry{}, err
			}
			parts = append(parts, g)
		}
		return geom.UnionMany(parts)
	}
	return geom.UnmarshalGeoJSON(text)
}

// parseInterval reads "A", "A/B", "A/.." or "../B", where an end is a year, a month, a day or an instant.
func parseInterval(s string) (catalog.Interval, error) {
	from, to, ranged := strings.Cut(s, "/")
	if !ranged {
		to = from
	}
	start, _, err := parseSpan(from)
	if err != nil {
		return catalog.Interval{}, err
	}
	_, end, err := parseSpan(to)
	if err != nil {
		return catalog.Interval{}, err
	}
	if start.IsZero() && end.IsZero() {
		return catalog.Interval{}, fmt.Errorf("%q is open at both ends", s)
	}
	if !start.IsZero() && !end.IsZero() && end.Before(start) {
		return catalog.Interval{}, fmt.Errorf("%q ends before it begins", s)
	}
	return catalog.Interval{Start: start, End: end}, nil
}

func parseSpan(s string) (first, last time.Time, err error) {
	s = strings.TrimSpace(s)
	if s == "" || s == ".." {
		return time.Time{}, time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), t.UTC(), nil
	}
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		if t, err := time.Parse(form.layout, s); err == nil {
			return t, t.AddDate(form.years, form.months, form.days).Add(-time.Nanosecond), nil
		}
	}
	return time.Time{}, time.Time{}, fmt.Errorf("%q is no time; write 2022, 2022-07, 2022-07-14 or 2022-07-14T10:58:07Z", s)
}
