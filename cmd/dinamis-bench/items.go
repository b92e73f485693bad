package main

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Ten years of items; two fifths of them over France, the rest anywhere, with documents of about 2.5 kB.
var (
	firstDay = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
)

const (
	benchCollections = 10
	franceShare      = 0.4
)

// benchItems generates n items in the order of their time. It is deterministic.
func benchItems(n int) iter.Seq2[catalog.Item, error] {
	return func(yield func(catalog.Item, error) bool) {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		step := lastDay.Sub(firstDay) / time.Duration(n)
		for i := range n {
			lon, lat := rng.Float64()*350-175, rng.Float64()*140-70
			if rng.Float64() < franceShare {
				lon, lat = -4.5+rng.Float64()*12, 42.5+rng.Float64()*8
			}
			at := firstDay.Add(step * time.Duration(i))
			it, err := catalog.ParseItem(benchItem(i, rng.IntN(benchCollections), lon, lat, at, rng.Float64()*100))
			if !yield(it, err) || err != nil {
				return
			}
		}
	}
}

func benchItem(i, coll int, lon, lat float64, at time.Time, cloud float64) []byte {
	const d = 0.55 // half a Sentinel-2 tile in degrees
	var b strings.Builder
	id := fmt.Sprintf("S2X_%s_%07d", at.Format("20060102T150405"), i)
	fmt.Fprintf(&b, `{"type":"Feature","stac_version":"1.1.0","stac_extensions":["https://stac-extensions.github.io/eo/v1.1.0/schema.json"],"id":%q,"collection":"bench-%02d",`, id, coll)
	fmt.Fprintf(&b, `"bbox":[%.5f,%.5f,%.5f,%.5f],`, lon-d, lat-d, lon+d, lat+d)
	fmt.Fprintf(&b, `"geometry":{"type":"Polygon","coordinates":[[[%.5f,%.5f],[%.5f,%.5f],[%.5f,%.5f],[%.5f,%.5f],[%.5f,%.5f]]]},`,
		lon-d, lat-d, lon+d, lat-d*0.98, lon+d*0.98, lat+d, lon-d*0.98, lat+d*0.99, lon-d, lat-d)
	fmt.Fprintf(&b, `"properties":{"datetime":%q,"eo:cloud_cover":%.2f,"gsd":10,"platform":"sentinel-2%c","constellation":"sentinel-2","created":%q,"proj:code":"EPSG:32631"},`,
		at.Format(time.RFC3339), cloud, 'a'+rune(i%2), at.Add(72*time.Hour).Format(time.RFC3339))
	b.WriteString(`"links":[],"assets":{`)
	for k, band := range []string{"B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"} {
		if k > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%q:{"href":"https://store.example.org/bench/%s/%s.tif","type":"image/tiff; application=geotiff; profile=cloud-optimized","roles":["data"],"title":"Band %s"}`, band, id, band, band)
	}
	b.WriteString(`}}`)
	return []byte(b.String())
}

// benchCollectionsDocs returns the collections of benchItems.
func benchCollectionsDocs() ([]catalog.Collection, error) {
	var out []catalog.Collection
	for i := range benchCollections {
		c, err := catalog.ParseCollection(fmt.Appendf(nil, `{"type":"Collection","stac_version":"1.1.0","id":"bench-%02d","description":"benchmark","license":"other","links":[],`+
			`"extent":{"spatial":{"bbox":[[-180,-90,180,90]]},"temporal":{"interval":[["2015-01-01T00:00:00Z",null]]}}}`, i))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
