package store

import (
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// scene writes an item of about 3 kB as an archive of Sentinel-2 has them: 40 % over France, ten years.
func scene(r *rand.Rand, i int) catalog.Item {
	lon, lat := r.Float64()*350-175, r.Float64()*140-70
	if r.IntN(10) < 4 {
		lon, lat = -4+r.Float64()*12, 42+r.Float64()*9
	}
	at := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 300 * time.Second)
	id := fmt.Sprintf("S2A_MSIL2A_%s_N0400_R%03d_T%05d", at.Format("20060102T150405"), r.IntN(143), i)
	assets := map[string]any{}
	for _, b := range []string{"B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "CLM_R1", "MG2_R2"} {
		assets[b] = map[string]any{
			"href": fmt.Sprintf("https://s3.test/dinamis/%s/%s_%08x.tif", id, b, r.Uint32()), "type": "image/tiff; application=geotiff; profile=cloud-optimized",
			"roles": []string{"data"}, "title": "Band " + b, "file:size": r.IntN(1 << 28),
		}
	}
	coords := [][][]float64{{{lon + .1, lat}, {lon + 1, lat + .1}, {lon + .9, lat + 1}, {lon, lat + .9}, {lon + .1, lat}}}
	raw, err := json.Marshal(map[string]any{
		"type": "Feature", "stac_version": "1.1.0", "id": id, "collection": []string{"sentinel2", "spot"}[r.IntN(2)], "bbox": []float64{lon, lat, lon + 1, lat + 1},
		"geometry": map[string]any{"type": "Polygon", "coordinates": coords}, "links": []any{}, "assets": assets,
		"properties": map[string]any{"datetime": at.Format(time.RFC3339), "eo:cloud_cover": float64(r.IntN(1001)) / 10, "platform": "sentinel-2a", "gsd": 10, "created": at.Format(time.RFC3339), "proj:code": "EPSG:32631"},
	})
	if err != nil {
		panic(err)
	}
	it, err := catalog.ParseItem(raw)
	if err != nil {
		panic(err)
	}
	return it
}

func scenes(n int) iter.Seq2[catalog.Item, error] {
	return func(yield func(catalog.Item, error) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			if !yield(scene(r, i), nil) {
				return
			}
		}
	}
}

func benchStore(b *testing.B) *Store {
	b.Helper()
	s := open(b, filepath.Join(b.TempDir(), "c.db"), Options{})
	for _, id := range []string{"sentinel2", "spot"} {
		c, err := catalog.ParseCollection(fmt.Appendf(nil, `{"type":"Collection","id":%q}`, id))
		if err != nil {
			b.Fatal(err)
		}
		if err := s.PutCollections(b.Context(), []catalog.Collection{c}); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// benchItems is how many items the benchmarks use; CATALOGUE_ITEMS sets another number.
func benchItems(b *testing.B) int {
	v := os.Getenv("CATALOGUE_ITEMS")
	if v == "" {
		return 20_000
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func BenchmarkImport(b *testing.B) {
	n := benchItems(b)
	var all []catalog.Item
	for it := range scenes(n) {
		all = append(all, it)
	}
	for b.Loop() {
		b.StopTimer()
		s := benchStore(b)
		b.StartTimer()
		got, err := s.Import(b.Context(), func(yield func(catalog.Item, error) bool) {
			for _, it := range all {
				if !yield(it, nil) {
					return
				}
			}
		})
		if err != nil || got != int64(n) {
			b.Fatal(got, err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		if fi, err := os.Stat(s.Path()); err == nil {
			b.ReportMetric(float64(fi.Size())/float64(n), "disk-B/item")
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}

// BenchmarkPutItems adds pages of 100 to a catalogue that has items, as browsing does.
func BenchmarkPutItems(b *testing.B) {
	s := benchStore(b)
	if _, err := s.Import(b.Context(), scenes(benchItems(b))); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	i := 0
	for b.Loop() {
		page := make([]catalog.Item, 100)
		for j := range page {
			i++
			page[j] = scene(r, 5_000_000+i%7*100_000+i)
		}
		if err := s.PutItems(b.Context(), page); err != nil {
			b.Fatal(err)
		}
	}
}

// searchMix is what the catalogue is measured with: boxes of 0.05° to the world, a day to ten years, with and without
// collection, cloud cover and a filter.
func searchMix(r *rand.Rand, n int) catalog.Query {
	q := catalog.Query{Limit: 100}
	size := []float64{0.05, 0.5, 2, 10, 40, 360}[r.IntN(6)]
	if size < 360 {
		x, y := -4+r.Float64()*12, 42+r.Float64()*9
		q.Area = geo.BBox{West: x, South: y, East: x + size, North: min(90, y+size)}.Geometry()
		if r.IntN(3) == 0 {
			ring := geom.NewLineString(geom.NewSequence([]float64{x, y, x + size, y + size/3, x + size/2, min(90, y+size), x, y}, geom.DimXY))
			q.Area = geom.NewPolygon([]geom.LineString{ring}).AsGeometry()
		}
	}
	day := 24 * time.Hour
	span := []time.Duration{day, 30 * day, 365 * day, 3650 * day}[r.IntN(4)]
	start := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(int64(n))) * 300 * time.Second)
	if span < 3650*day {
		q.Time = catalog.Interval{Start: start, End: start.Add(span)}
	}
	if r.IntN(2) == 0 {
		q.Collections = []catalog.CollectionID{"spot"}
	}
	switch r.IntN(4) {
	case 0:
		q.Filter = cql2.Call{Op: "<=", Args: []cql2.Expr{cql2.Property{Name: "eo:cloud_cover"}, cql2.Number(20)}}
	case 1:
		q.Filter = cql2.Call{Op: "=", Args: []cql2.Expr{cql2.Property{Name: "proj:code"}, cql2.String("EPSG:32631")}}
	}
	return q
}

func benchSearch(b *testing.B, search func(*Store, catalog.Query) error) {
	n := benchItems(b)
	s := benchStore(b)
	if _, err := s.Import(b.Context(), scenes(n)); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for b.Loop() {
		if err := search(s, searchMix(r, n)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	benchSearch(b, func(s *Store, q catalog.Query) error { _, err := s.Search(b.Context(), q); return err })
}

func BenchmarkSearchProjection(b *testing.B) {
	benchSearch(b, func(s *Store, q catalog.Query) error { _, err := s.SearchProjection(b.Context(), q); return err })
}

func BenchmarkSearchCounted(b *testing.B) {
	benchSearch(b, func(s *Store, q catalog.Query) error {
		q.CountUpTo = 10_000
		_, err := s.SearchProjection(b.Context(), q)
		return err
	})
}

func BenchmarkFootprints(b *testing.B) {
	benchSearch(b, func(s *Store, q catalog.Query) error {
		_, _, err := s.Footprints(b.Context(), catalog.Query{}, 20_000)
		return err
	})
}
