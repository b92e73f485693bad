package stacapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

// fixed answers every search with the same page, so that the benchmark measures the server and not a catalogue.
type fixed struct {
	catalog.Source
	page catalog.Page
}

func (f fixed) Search(context.Context, catalog.Query) (catalog.Page, error) { return f.page, nil }

// BenchmarkSearch answers a page of 100 items of about 2.5 KB each.
func BenchmarkSearch(b *testing.B) {
	var src fixed
	filler := bytes.Repeat([]byte(`"x:text":"some words, as metadata has them","x:n":[1.5,2.5],`), 36)
	for i := range 100 {
		it, err := catalog.ParseItem(fmt.Appendf(nil, `{"type":"Feature","stac_version":"1.1.0","id":"i%d","collection":"c","geometry":null,`+
			`"properties":{%s"datetime":"2024-01-01T00:00:00Z"},"assets":{"data":{"href":"https://example.test/a.tif"}},`+
			`"links":[{"rel":"self","href":"x"},{"rel":"license","href":"y"}]}`, i, filler))
		if err != nil {
			b.Fatal(err)
		}
		src.page.Items = append(src.page.Items, it)
	}
	src.page.Next = "next"
	api, err := stacapi.New(stacapi.Config{Source: src})
	if err != nil {
		b.Fatal(err)
	}
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		b.Run(coding, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/stac/search?limit=100&bbox=1,2,3,4", nil)
				r.Header.Set("Accept-Encoding", coding)
				w := discard{http.Header{}}
				api.ServeHTTP(w, r)
				if w.Header().Get("Content-Length") == "" {
					b.Fatal("no answer")
				}
			}
		})
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d discard) WriteHeader(int)             {}

// sqlite returns a client of the API over HTTP, in front of a catalogue of 20,000 items, or as many as CATALOGUE_ITEMS says.
func sqlite(b *testing.B) (*httptest.Server, int) {
	b.Helper()
	n := 20_000
	if v, err := strconv.Atoi(os.Getenv("CATALOGUE_ITEMS")); err == nil {
		n = v
	}
	s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "catalogue.db"), store.Options{Authoritative: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	c, err := catalog.ParseCollection([]byte(`{"type":"Collection","id":"c"}`))
	if err != nil {
		b.Fatal(err)
	}
	if err := s.PutCollections(b.Context(), []catalog.Collection{c}); err != nil {
		b.Fatal(err)
	}
	filler := bytes.Repeat([]byte(`"x:text":"some words, as metadata has them","x:n":[1.5,2.5],`), 34)
	r := rand.New(rand.NewPCG(1, 2))
	if _, err := s.Import(b.Context(), func(yield func(catalog.Item, error) bool) {
		for i := range n {
			at := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour / 2)
			x, y := r.Float64()*358-179, r.Float64()*170-85
			it, err := catalog.ParseItem(fmt.Appendf(nil, `{"type":"Feature","stac_version":"1.1.0","id":"scene_%06d","collection":"c","bbox":[%f,%f,%f,%f],`+
				`"geometry":{"type":"Polygon","coordinates":[[[%[2]f,%[3]f],[%[4]f,%[3]f],[%[4]f,%[5]f],[%[2]f,%[5]f],[%[2]f,%[3]f]]]},`+
				`"properties":{%[6]s"datetime":%[7]q,"eo:cloud_cover":%[8]d},"assets":{"data":{"href":"https://example.test/a.tif"}},"links":[]}`,
				i, x, y, x+1, y+1, filler, at.Format(time.RFC3339), r.IntN(100)))
			if !yield(it, err) {
				return
			}
		}
	}); err != nil {
		b.Fatal(err)
	}
	api, err := stacapi.New(stacapi.Config{Source: s})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(api)
	b.Cleanup(srv.Close)
	return srv, n
}

// BenchmarkSearchSQLite asks the questions of the figures with eight clients over real connections, 100 items a page.
func BenchmarkSearchSQLite(b *testing.B) {
	srv, n := sqlite(b)
	transport := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	ids := make([]string, 20)
	for i := range ids {
		ids[i] = fmt.Sprintf("scene_%06d", i*n/20)
	}
	for _, q := range []struct{ name, query string }{
		{"none", ""},
		{"box1", "bbox=3,43,4,44"},
		{"box80", "bbox=-40,-40,40,40"},
		{"month", "collections=c&datetime=2016-03-01T00:00:00Z/2016-03-31T23:59:59Z"},
		{"cloud", "filter=eo:cloud_cover%3C10"},
		{"boxyearcloud", "bbox=-20,-20,20,20&datetime=2016-01-01T00:00:00Z/2016-12-31T23:59:59Z&filter=eo:cloud_cover%3C10"},
		{"polygon", `intersects={"type":"Polygon","coordinates":[[[0,40],[9,42],[5,52],[0,40]]]}`},
		{"ids", "ids=" + strings.Join(ids, ",")},
	} {
		b.Run(q.name, func(b *testing.B) {
			b.SetParallelism(4) // on two processors: eight clients
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := client.Get(srv.URL + "/stac/search?limit=100&" + q.query)
					if err != nil {
						b.Error(err)
						return
					}
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					if err != nil || resp.StatusCode != http.StatusOK {
						b.Errorf("%d, %v", resp.StatusCode, err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}
