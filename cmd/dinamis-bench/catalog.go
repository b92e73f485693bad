package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// searches is the stated number of mixed searches.
const searches = 3000

// catalogItems is the size of the catalogue: 1,000,000, or DINAMIS_BENCH_ITEMS.
func catalogItems() (int, error) {
	v := os.Getenv("DINAMIS_BENCH_ITEMS")
	if v == "" {
		return 1_000_000, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("DINAMIS_BENCH_ITEMS=%q: a number of items is needed", v)
	}
	return n, nil
}

// benchCatalog measures the local catalogue, without a network.
func benchCatalog(ctx context.Context, report func(figure)) error {
	n, err := catalogItems()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dinamis-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "catalogue.sqlite")
	cat, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	colls, err := benchCollectionsDocs()
	if err != nil {
		return err
	}
	if err := cat.PutCollections(ctx, colls); err != nil {
		return err
	}
	begun := time.Now()
	if _, err := cat.Import(ctx, benchItems(n)); err != nil {
		return err
	}
	what := fmt.Sprintf("%d items", n)
	report(figure{"catalog/import", float64(n) / time.Since(begun).Seconds(), "items/s", ">=", 12_000, what + ", making and parsing them included"})
	if err := cat.Close(); err != nil {
		return err
	}
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	report(figure{"catalog/disk", float64(st.Size()) / float64(n) / 1000, "kB/item", "<=", 1.0, what})

	begun = time.Now()
	if cat, err = store.Open(ctx, path, store.Options{}); err != nil {
		return err
	}
	defer cat.Close()
	if _, err := cat.SearchProjection(ctx, catalog.Query{Limit: 100}); err != nil {
		return err
	}
	report(figure{"catalog/open-to-first-answer", ms(time.Since(begun)), "ms", "<=", 100, what})
	return benchSearches(ctx, cat, report, what)
}

func benchSearches(ctx context.Context, cat *store.Store, report func(figure), what string) error {
	r := rand.New(rand.NewPCG(5, 6))
	queries := make([]catalog.Query, searches)
	for i := range queries {
		queries[i] = mixedQuery(r)
	}
	if _, err := timeAll(ctx, queries[:200], cat.SearchProjection); err != nil { // warm
		return err
	}
	bare, err := timeAll(ctx, queries, cat.SearchProjection)
	if err != nil {
		return err
	}
	whole, err := timeAll(ctx, queries, cat.Search)
	if err != nil {
		return err
	}
	for _, q := range []struct {
		name   string
		share  int
		target float64
	}{{"p50", 50, 2}, {"p95", 95, 8}, {"p99", 99, 20}, {"max", 100, 100}} {
		report(figure{"catalog/search-" + q.name, ms(rank(bare, q.share)), "ms", "<=", q.target, fmt.Sprintf("%s, %d mixed searches of 100", what, searches)})
	}
	report(figure{"catalog/documents-extra-p50", ms(rank(whole, 50) - rank(bare, 50)), "ms", "<=", 5, "100 whole documents more"})

	begun := time.Now()
	const rounds = 10
	for range rounds {
		if _, _, err := cat.Footprints(ctx, catalog.Query{}, 20_000); err != nil {
			return err
		}
	}
	report(figure{"catalog/footprints-20000", ms(time.Since(begun)) / rounds, "ms", "<=", 40, what})
	begun = time.Now()
	for range rounds {
		if _, err := cat.SearchProjection(ctx, catalog.Query{Limit: 1, CountUpTo: 10_000}); err != nil {
			return err
		}
	}
	report(figure{"catalog/capped-count", ms(time.Since(begun)) / rounds, "ms", "<=", 5, what})
	return nil
}

func timeAll(ctx context.Context, qs []catalog.Query, search func(context.Context, catalog.Query) (catalog.Page, error)) ([]time.Duration, error) {
	out := make([]time.Duration, len(qs))
	for i, q := range qs {
		begun := time.Now()
		if _, err := search(ctx, q); err != nil {
			return nil, err
		}
		out[i] = time.Since(begun)
	}
	slices.Sort(out)
	return out, nil
}

func rank(sorted []time.Duration, percent int) time.Duration {
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// mixedQuery is a search of 0.05° to the world, a day to ten years, with and without collection, cloud cover and another filter.
func mixedQuery(r *rand.Rand) catalog.Query {
	q := catalog.Query{Limit: 100}
	if size := []float64{0.05, 0.5, 2, 10, 40, 360}[r.IntN(6)]; size < 360 {
		w, s := -4.5+r.Float64()*12, 42.5+r.Float64()*8
		if r.IntN(3) == 0 {
			w, s = r.Float64()*300-170, r.Float64()*100-60
		}
		q.Area = geo.BBox{West: w, South: s, East: min(180, w+size), North: min(90, s+size)}.Geometry()
	}
	if span := []time.Duration{1, 30, 365, 0}[r.IntN(4)] * 24 * time.Hour; span > 0 {
		start := firstDay.Add(time.Duration(r.Int64N(int64(lastDay.Sub(firstDay)))))
		q.Time = catalog.Interval{Start: start, End: start.Add(span)}
	}
	if r.IntN(2) == 0 {
		q.Collections = []catalog.CollectionID{catalog.CollectionID(fmt.Sprintf("bench-%02d", r.IntN(benchCollections)))}
	}
	switch r.IntN(4) {
	case 0:
		q.Filter = cql2.Call{Op: "<=", Args: []cql2.Expr{cql2.Property{Name: "eo:cloud_cover"}, cql2.Number(20)}}
	case 1:
		q.Filter = cql2.Call{Op: "=", Args: []cql2.Expr{cql2.Property{Name: "platform"}, cql2.String("sentinel-2a")}}
	}
	return q
}
