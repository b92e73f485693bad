package demo

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

func BenchmarkItems(b *testing.B) {
	a := testArchive(b)
	n, size := 0, 0
	b.ResetTimer()
	for b.Loop() {
		for it := range a.Items() {
			n++
			size += len(it.Raw)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(size)/float64(n), "bytes/item")
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := newArchive(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMake(b *testing.B) {
	a := testArchive(b)
	for _, m := range []struct {
		id       catalog.CollectionID
		key      string
		lon, lat float64
	}{
		{SPOT, "src_xs", 3.88, 43.5},
		{SPOT, "src_pan", 3.88, 43.5},
		{SPOT, "thumbnail", 3.88, 43.5},
		{Sentinel2, "B02", 3.2, 45.3},
		{SuperSentinel2, "img", 3.88, 43.6},
	} {
		s := pick(b, a, m.id, m.lon, m.lat, summer)
		p := productOf(b, s, m.key)
		res := p.res
		if res == 0 {
			res = products(m.id)[0].res
		}
		w, h := s.size(res)
		b.Run(m.key, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "object")
			for b.Loop() {
				if err := a.Make(context.Background(), "dinamis", objectKey(s, p), path); err != nil {
					b.Fatal(err)
				}
			}
			st, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N*w*h)/1e6/b.Elapsed().Seconds(), "Mpx/s")
			b.ReportMetric(float64(st.Size())/1e6, "MB")
		})
	}
}
