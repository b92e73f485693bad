package stacapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
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
