// Package catalogtest holds what every catalogue is tested with: a conformance suite for Source and Writer, generated
// archives and queries with every oddity we know of, and an oracle in memory that answers by brute force.
//
// It is for tests only; nothing that ships may import it.
package catalogtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Collection ids of Archive. The last one has no items.
var collectionIDs = []string{"spot", "sentinel-2", "Été & Co", "a_B", "empty"}

var platforms = []string{"SPOT-6", "SPOT-7", "sentinel-2a", "Sentinel-2A", "été"}

// Archive returns the collections and n items of a generated archive; the same seed gives the same bytes. Among the items are null
// geometries, footprints over the antimeridian and at the poles, spans without datetime, equal times, missing and
// oddly typed properties, unicode ids, unknown extension fields, and the same id in two collections.
func Archive(seed uint64, n int) ([]catalog.Collection, []catalog.Item) {
	r := rand.New(rand.NewPCG(seed, 7))
	var cs []catalog.Collection
	for _, id := range collectionIDs {
		raw, err := json.Marshal(map[string]any{
			"type": "Collection", "stac_version": "1.1.0", "id": id, "title": "Title of " + id, "description": "Generated",
			"license": "other", "links": []any{}, "keywords": []string{"k"},
			"extent": map[string]any{"spatial": map[string]any{"bbox": [][]float64{{-180, -90, 180, 90}}}, "temporal": map[string]any{"interval": [][]any{{"2015-01-01T00:00:00Z", nil}}}},
		})
		cs = append(cs, must(catalog.ParseCollection(must(raw, err))))
	}
	items := make([]catalog.Item, 0, n)
	seen := map[catalog.Key]bool{}
	for i := 0; len(items) < n; i++ {
		it := must(catalog.ParseItem(document(r, i)))
		if !seen[it.Key] {
			seen[it.Key] = true
			items = append(items, it)
		}
	}
	return cs, items
}

// must is for documents that this package wrote itself.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func document(r *rand.Rand, i int) []byte {
	id := fmt.Sprintf("item_%04d", i)
	switch r.IntN(12) {
	case 0:
		id = fmt.Sprintf("scène n°%d/é?&#%%41", i)
	case 1:
		id = fmt.Sprintf("item_%04d", r.IntN(i+1)) // probably taken, in this collection or another
	case 2:
		id = fmt.Sprintf("SPOT6_MS_%08d", i)
	}
	doc := map[string]any{
		"type": "Feature", "stac_version": "1.1.0", "id": id, "collection": collectionIDs[r.IntN(len(collectionIDs)-1)],
		"properties": properties(r), "links": []any{}, "x:unknown": map[string]any{"deep": []any{1, nil, "é"}},
		"assets": map[string]any{"data": map[string]any{"href": "https://example.test/" + fmt.Sprint(i) + ".tif", "roles": []string{"data"}}},
	}
	doc["geometry"], doc["bbox"] = geometry(r)
	if doc["bbox"] == nil {
		delete(doc, "bbox")
	}
	return must(json.Marshal(doc))
}

func instant(r *rand.Rand) time.Time {
	base := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	switch r.IntN(6) {
	case 0:
		return base.AddDate(r.IntN(3), 0, 0) // many are equal
	case 1:
		return base.Add(time.Duration(r.IntN(5)) * time.Microsecond)
	case 2:
		return time.Date(1950+r.IntN(30), 3, 4, 5, 6, 7, 0, time.UTC) // before 1970
	}
	return base.Add(time.Duration(r.IntN(8*365*24*60)) * time.Minute)
}

func properties(r *rand.Rand) map[string]any {
	p := map[string]any{}
	at := instant(r)
	stamp := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.999999Z07:00") }
	switch r.IntN(10) {
	case 0:
		p["datetime"] = nil
		p["start_datetime"], p["end_datetime"] = stamp(at), stamp(at.AddDate(0, 1+r.IntN(20), 0))
	case 1:
		p["datetime"] = stamp(at)
		p["start_datetime"], p["end_datetime"] = stamp(at.Add(-time.Hour)), stamp(at.AddDate(0, 0, 3))
	case 2:
		p["datetime"], p["start_datetime"] = nil, stamp(at) // an open end
	case 3:
		if r.IntN(4) == 0 {
			p["datetime"] = "not a time"
			break
		}
		fallthrough
	default:
		p["datetime"] = stamp(at)
	}
	some := func(name string, odd int, v any) {
		if r.IntN(odd) > 0 {
			p[name] = v
		}
	}
	some("eo:cloud_cover", 4, float64(r.IntN(21))*5)
	some("gsd", 3, []float64{1.5, 6, 10, 0.5}[r.IntN(4)])
	some("platform", 4, platforms[r.IntN(len(platforms))])
	some("created", 2, stamp(time.Date(2020, 1, 1+r.IntN(5), 0, 0, 0, 0, time.UTC)))
	some("updated", 2, stamp(time.Date(2021, 1, 1+r.IntN(5), 0, 0, 0, 0, time.UTC)))
	some("title", 2, []string{"Montpellier l'été", "vue de Sète", "MONTPELLIER nord", ""}[r.IntN(4)])
	some("description", 3, "images "+[]string{"côtières", "de vignes", "urbaines"}[r.IntN(3)])
	some("keywords", 3, []any{"Forêt", "vigne", r.IntN(3)})
	some("x:score", 3, []any{3, -1.5, "high", true, false, nil, []any{1}, 3e3, "été", "Z"}[r.IntN(10)])
	some("x:tags", 3, []any{"a", "b", r.IntN(3)})
	if r.IntN(15) == 0 {
		p["eo:cloud_cover"] = "12"
	}
	return p
}

func geometry(r *rand.Rand) (geometry, bbox any) {
	lon, lat := r.Float64()*358-179, r.Float64()*176-88
	if r.IntN(3) > 0 { // most are over the south of France
		lon, lat = 2+r.Float64()*4, 42+r.Float64()*3
	}
	w, h := 0.05+r.Float64(), 0.05+r.Float64()
	switch r.IntN(14) {
	case 0:
		return nil, nil
	case 1: // cut at the antimeridian as RFC 7946 asks
		return map[string]any{"type": "MultiPolygon", "coordinates": []any{tilted(180-w, lat, w, h, 0), tilted(-180, lat, w/2, h, 0)}},
			[]float64{180 - w, lat, -180 + w/2, lat + h}
	case 2: // across it, with longitudes past 180
		return polygon(tilted(179.5, lat, w+0.6, h, 0)), nil
	case 3: // across it within ±180; only the bbox says so
		ring := []any{[]float64{179, lat}, []float64{-179, lat}, []float64{-179, lat + h}, []float64{179, lat + h}, []float64{179, lat}}
		return polygon([]any{ring}), []float64{179, lat, -179, lat + h}
	case 4: // a cap at a pole
		return polygon(tilted(-180, 85, 360, 5, 0)), []float64{-180, 85, 180, 90}
	case 5: // crosses itself
		ring := []any{[]float64{lon, lat}, []float64{lon + w, lat + h}, []float64{lon + w, lat}, []float64{lon, lat + h}, []float64{lon, lat}}
		if r.IntN(2) == 0 {
			return polygon([]any{ring}), nil
		}
		return polygon([]any{ring}), []float64{lon, lat, lon + w, lat + h}
	case 6:
		return map[string]any{"type": "Point", "coordinates": []float64{lon, lat, 12}}, nil
	case 7:
		return map[string]any{"type": "LineString", "coordinates": []any{[]float64{lon, lat}, []float64{lon + w, lat + h}}}, nil
	case 8: // on a grid, so that edges touch
		lon, lat = float64(int(lon)), float64(int(lat))
		return polygon(tilted(lon, lat, 1, 1, 0)), []float64{lon, lat, lon + 1, lat + 1}
	}
	return polygon(tilted(lon, lat, w, h, 0.1)), nil
}

func polygon(rings []any) any { return map[string]any{"type": "Polygon", "coordinates": rings} }

// tilted returns the rings of a scene as an orbit leaves it.
func tilted(lon, lat, w, h, tilt float64) []any {
	dx, dy := w*tilt, h*tilt
	return []any{[]any{
		[]float64{lon + dx, lat},
		[]float64{lon + w, lat + dy},
		[]float64{lon + w - dx, lat + h},
		[]float64{lon, lat + h - dy},
		[]float64{lon + dx, lat},
	}}
}
