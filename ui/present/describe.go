package present

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/planetlabs/go-stac"
	eo "github.com/planetlabs/go-stac/extensions/eo/v2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// detail puts an item into words.
func (p *Printer) detail(it catalog.Item) (DetailState, error) {
	assets, err := it.Assets()
	if err != nil {
		return DetailState{}, err
	}
	s := DetailState{
		Phase: PhaseReady, Key: it.Key, Item: it, Title: first(it.Title, string(it.Key.Item)),
		Subtitle: string(it.Key.Collection), Raw: indent(it.Raw),
	}
	for _, a := range assets {
		s.Assets = append(s.Assets, p.assetRow(a))
	}
	// A document that go-stac refuses, since it is not quite valid, is still shown: with what our own reader found.
	var doc stac.Item
	if json.Unmarshal(it.Raw, &doc) != nil {
		doc = stac.Item{}
	}
	// go-stac moves the properties of the extensions that it knows out of the map; here all of them are wanted.
	var loose struct {
		Properties map[string]any `json:"properties"`
	}
	if json.Unmarshal(it.Raw, &loose) != nil {
		loose.Properties = doc.Properties
	}
	s.Facts = p.facts(it, loose.Properties)
	s.Fields, s.More = p.fields(it, loose.Properties)
	s.Bands = p.bands(doc, assets)
	for _, l := range doc.Links {
		if l != nil && l.Rel == "license" && s.LicenseHref == "" {
			s.LicenseHref, s.License = l.Href, l.Title
		}
	}
	if id, ok := loose.Properties["license"].(string); ok && s.License == "" {
		s.License = p.License(id)
	}
	return s, nil
}

// facts are what a person looks at first.
func (p *Printer) facts(it catalog.Item, props map[string]any) []Field {
	when := Field{p.T("Acquired"), p.Date(it.Datetime)}
	if it.Datetime.IsZero() && !it.Time.IsZero() {
		when.Value = p.Date(it.Time.Start) + " – " + p.Date(it.Time.End)
	}
	all := []Field{
		when,
		{p.T("Cloud cover"), p.value(props["eo:cloud_cover"], "%")},
		{p.T("Satellite"), p.value(props["platform"], "")},
		{p.T("Resolution"), p.value(props["gsd"], "m")},
		{p.T("Projection"), first(p.value(props["proj:code"], ""), p.value(props["proj:epsg"], "EPSG"))},
	}
	var out []Field
	for _, f := range all {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

// known are the properties that have words of their own, in the order shown.
func (p *Printer) known() []struct{ key, label, unit string } {
	return []struct{ key, label, unit string }{
		{"constellation", p.T("Constellation"), ""},
		{"instruments", p.T("Instrument"), ""},
		{"eo:snow_cover", p.T("Snow cover"), "%"},
		{"processing:level", p.T("Processing level"), ""},
		{"s2:mgrs_tile", p.T("Tile"), ""},
		{"grid:code", p.T("Grid cell"), ""},
		{"sat:relative_orbit", p.T("Relative orbit"), ""},
		{"sat:absolute_orbit", p.T("Absolute orbit"), ""},
		{"sat:orbit_state", p.T("Orbit direction"), ""},
		{"view:off_nadir", p.T("Off-nadir angle"), "°"},
		{"view:incidence_angle", p.T("Incidence angle"), "°"},
		{"view:azimuth", p.T("View azimuth"), "°"},
		{"view:sun_elevation", p.T("Sun elevation"), "°"},
		{"view:sun_azimuth", p.T("Sun azimuth"), "°"},
		{"proj:shape", p.T("Size in pixels"), "shape"},
		{"processing:software", p.T("Software"), ""},
		{"version", p.T("Version"), ""},
	}
}

// shownElsewhere are the properties that other parts of the panel tell.
var shownElsewhere = []string{
	"platform", "gsd", "eo:cloud_cover", "proj:code", "proj:epsg",
	"datetime", "start_datetime", "end_datetime", "title", "created", "updated", "license", "bands", "eo:bands", "raster:bands",
	"proj:geometry", "proj:bbox", "proj:transform", "proj:centroid", "proj:wkt2", "proj:projjson", "description", "providers",
}

func (p *Printer) fields(it catalog.Item, props map[string]any) (fields, more []Field) {
	add := func(label, value string) {
		if value != "" {
			fields = append(fields, Field{label, value})
		}
	}
	if !it.Datetime.IsZero() {
		add(p.T("Time"), p.DateTime(it.Datetime))
	} else if !it.Time.IsZero() {
		add(p.T("Time"), p.DateTime(it.Time.Start)+" – "+p.DateTime(it.Time.End))
	}
	add(p.T("Collection"), string(it.Key.Collection))
	told := map[string]bool{}
	for _, k := range p.known() {
		told[k.key] = true
		add(k.label, p.value(props[k.key], k.unit))
	}
	if it.HasBBox {
		add(p.T("Bounds"), p.Bounds(it.BBox))
	}
	if a := SurfaceArea(it.Footprint); a > 0 {
		add(p.T("Footprint"), p.Area(a))
	}
	add(p.T("Published"), p.Date(it.Created))
	add(p.T("Updated"), p.Date(it.Updated))
	add(p.T("Identifier"), string(it.Key.Item))
	for k, v := range props {
		if !told[k] && !slices.Contains(shownElsewhere, k) {
			if text := p.value(v, ""); text != "" {
				more = append(more, Field{k, text})
			}
		}
	}
	slices.SortFunc(more, func(a, b Field) int { return strings.Compare(a.Label, b.Label) })
	return fields, more
}

// value writes a property with its unit.
func (p *Printer) value(v any, unit string) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		if x {
			return p.T("yes")
		}
		return p.T("no")
	case float64:
		return p.number(x, unit)
	case []any:
		if unit == "shape" && len(x) == 2 {
			h, okH := x[0].(float64)
			w, okW := x[1].(float64)
			if okH && okW {
				return p.Int(int64(w)) + " × " + p.Int(int64(h))
			}
		}
		parts := make([]string, 0, len(x))
		for _, e := range x {
			parts = append(parts, p.value(e, ""))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		parts := make([]string, 0, len(x))
		for k, e := range x {
			parts = append(parts, k+" "+p.value(e, ""))
		}
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v)
}

func (p *Printer) number(x float64, unit string) string {
	switch unit {
	case "%":
		return p.Percent(x)
	case "m":
		return p.Metres(x)
	case "°":
		return p.Float(x, 1) + "°"
	case "EPSG":
		return fmt.Sprintf("EPSG:%.0f", x)
	}
	if x == math.Trunc(x) && math.Abs(x) < 1e7 {
		return fmt.Sprintf("%.0f", x)
	}
	return p.Float(x, 4)
}

// bands lists each band once, in the order of the assets.
func (p *Printer) bands(doc stac.Item, assets []catalog.Asset) []BandRow {
	var out []BandRow
	seen := map[string]bool{}
	for _, a := range assets {
		da := doc.Assets[a.Key]
		if da == nil {
			continue
		}
		for i, b := range da.Bands {
			if b == nil {
				continue
			}
			row := BandRow{Name: first(b.Name, fmt.Sprintf("%s %d", a.Key, i+1)), Note: join(b.DataType, b.Unit)}
			for _, e := range b.Extensions {
				if spectral, ok := e.(*eo.Band); ok {
					row.Common = p.bandColour(spectral.CommonName)
					if w := spectral.CenterWavelength; w != nil {
						row.Wavelength = p.Float(*w*1000, 0) + nbsp + "nm"
					}
				}
			}
			if seen[row.Name] || row.Common == "" && b.Name == "" {
				continue
			}
			seen[row.Name] = true
			out = append(out, row)
		}
	}
	return out
}

// bandColour translates the common names of the eo extension that a person meets; the rest stay.
func (p *Printer) bandColour(name string) string {
	switch {
	case name == "blue":
		return p.T("blue")
	case name == "green":
		return p.T("green")
	case name == "red":
		return p.T("red")
	case name == "pan":
		return p.T("panchromatic")
	case strings.HasPrefix(name, "nir"):
		return p.T("near infrared")
	case strings.HasPrefix(name, "rededge"):
		return p.T("red edge")
	case strings.HasPrefix(name, "swir"):
		return p.T("short-wave infrared")
	case name == "coastal":
		return p.T("coastal")
	}
	return name
}

func (p *Printer) assetRow(a catalog.Asset) AssetRow {
	row := AssetRow{
		Asset: a, Title: first(a.Title, a.Key), Type: p.MediaType(a.MediaType), Size: p.Bytes(a.Size),
		Checksum: a.Checksum != "", Checked: isData(a),
	}
	var notes []string
	if !math.IsNaN(a.GSD) {
		notes = append(notes, p.Metres(a.GSD))
	}
	row.Note = strings.Join(notes, " · ")
	return row
}

func isTIFF(mediaType string) bool { return strings.HasPrefix(mediaType, "image/tiff") }

// MediaType names a kind of file in words.
func (p *Printer) MediaType(t string) string {
	base, rest, _ := strings.Cut(t, ";")
	switch strings.TrimSpace(base) {
	case "":
		return p.T("File")
	case "image/tiff":
		if strings.Contains(rest, "cloud-optimized") {
			return p.T("Cloud-optimised GeoTIFF")
		}
		return "GeoTIFF"
	case "image/png":
		return "PNG"
	case "image/jpeg":
		return "JPEG"
	case "image/jp2":
		return "JPEG 2000"
	case "application/json", "application/geo+json":
		return "JSON"
	case "application/xml", "text/xml":
		return "XML"
	case "text/html":
		return "HTML"
	case "application/pdf":
		return "PDF"
	case "application/vnd.laszip+copc":
		return p.T("Point cloud (COPC)")
	}
	return t
}
