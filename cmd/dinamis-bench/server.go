package main

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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

// serverItems, clients and perQuery are the stated work: 100,000 items, limit 100, newest first.
const (
	serverItems = 100_000
	clients     = 8
	perQuery    = 4 * time.Second
)

// question is one kind of search, and what stac-fastapi-pgstac with two workers gives for it on two cores (requests a second with 8
// clients, and p50 in ms with one): measured on this kind of machine, and written into the issue.
type question struct {
	name    string
	body    func(r *rand.Rand) string
	peerRPS float64
}

func questions() []question {
	box := func(r *rand.Rand, size float64) string {
		w, s := -4.5+r.Float64()*11, 42.5+r.Float64()*7
		if size > 20 {
			w, s = -40+r.Float64()*10, r.Float64()*5
		}
		return fmt.Sprintf(`"bbox":[%.3f,%.3f,%.3f,%.3f]`, w, s, w+size, min(s+size, 90))
	}
	month := func(r *rand.Rand) string {
		t := firstDay.AddDate(0, r.IntN(119), 0)
		return fmt.Sprintf(`"datetime":"%s/%s"`, t.Format(time.RFC3339), t.AddDate(0, 1, 0).Format(time.RFC3339))
	}
	year := func(r *rand.Rand) string {
		t := firstDay.AddDate(r.IntN(9), 0, 0)
		return fmt.Sprintf(`"datetime":"%s/%s"`, t.Format(time.RFC3339), t.AddDate(1, 0, 0).Format(time.RFC3339))
	}
	cloud := `"filter-lang":"cql2-json","filter":{"op":"<","args":[{"property":"eo:cloud_cover"},10]}`
	return []question{
		{"box-1-degree", func(r *rand.Rand) string { return box(r, 1) }, 21},
		{"box-80-degrees", func(r *rand.Rand) string { return box(r, 80) }, 11},
		{"collection-month", func(r *rand.Rand) string {
			return fmt.Sprintf(`"collections":["bench-%02d"],%s`, r.IntN(benchCollections), month(r))
		}, 10},
		{"cloud-below-10", func(*rand.Rand) string { return cloud }, 10},
		{"box-year-cloud", func(r *rand.Rand) string { return box(r, 1) + "," + year(r) + "," + cloud }, 16},
		{"polygon", func(r *rand.Rand) string {
			x, y := -3+r.Float64()*8, 43+r.Float64()*5
			return fmt.Sprintf(`"intersects":{"type":"Polygon","coordinates":[[[%.3f,%.3f],[%.3f,%.3f],[%.3f,%.3f],[%.3f,%.3f]]]}`, x, y, x+1.5, y+.3, x+.7, y+1.2, x, y)
		}, 12},
		{"no-filter", func(*rand.Rand) string { return "" }, 11},
		{"ids-20", nil, 79},
	}
}

// benchServer loads the STAC API over SQLite through HTTP on loopback; the clients share the two cores.
func benchServer(ctx context.Context, report func(figure)) error {
	dir, err := os.MkdirTemp("", "dinamis-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cat, err := store.Open(ctx, filepath.Join(dir, "catalogue.sqlite"), store.Options{})
	if err != nil {
		return err
	}
	defer cat.Close()
	rate, ids, err := ingest(ctx, cat, serverItems)
	if err != nil {
		return err
	}
	report(figure{"server/ingest-sqlite", rate, "items/s", ">=", 10_000, "pypgstac: 3000 items/s, as given by the issue"})

	handler, err := stacapi.New(stacapi.Config{Source: cat, Title: "bench", BasePath: "/"})
	if err != nil {
		return err
	}
	api := httptest.NewServer(handler)
	defer api.Close()
	for _, q := range questions() {
		body := q.body
		if body == nil {
			body = func(r *rand.Rand) string {
				pick := make([]string, 20)
				for i := range pick {
					pick[i] = `"` + ids[r.IntN(len(ids))] + `"`
				}
				return `"ids":[` + strings.Join(pick, ",") + `]`
			}
		}
		l := load{url: api.URL + "/search", body: body}
		rps, _, err := l.run(ctx, clients)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		report(figure{"server/" + q.name + "-8-clients", rps, "req/s", ">=", 50 * q.peerRPS, fmt.Sprintf("stac-fastapi-pgstac: %v req/s, as given by the issue", q.peerRPS)})
		_, p95, err := l.run(ctx, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		report(figure{"server/" + q.name + "-1-client-p95", float64(p95.Microseconds()) / 1000, "ms", "<=", 15, ""})
	}
	return nil
}

// ingest imports n items and returns the rate and some ids.
func ingest(ctx context.Context, cat *store.Store, n int) (rate float64, ids []string, err error) {
	colls, err := benchCollectionsDocs()
	if err != nil {
		return 0, nil, err
	}
	if err := cat.PutCollections(ctx, colls); err != nil {
		return 0, nil, err
	}
	begun := time.Now()
	if _, err := cat.Import(ctx, benchItems(n)); err != nil {
		return 0, nil, err
	}
	rate = float64(n) / time.Since(begun).Seconds()
	i := 0
	for it, err := range benchItems(n) {
		if err != nil {
			return 0, nil, err
		}
		if i++; i%97 == 0 {
			ids = append(ids, string(it.Key.Item))
		}
	}
	return rate, ids, nil
}

// load sends searches from several clients for a while.
type load struct {
	url  string
	body func(*rand.Rand) string
}

func (l load) run(ctx context.Context, n int) (rps float64, p95 time.Duration, err error) {
	client := httpx.NewClient(time.Minute)
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, perQuery)
	defer cancel()
	var (
		mu    sync.Mutex
		times []time.Duration
		fault error
		wg    sync.WaitGroup
		done  atomic.Int64
	)
	begun := time.Now()
	for c := range n {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(c)))
			var mine []time.Duration
			for ctx.Err() == nil {
				t, err := l.one(ctx, client, r)
				if ctx.Err() != nil {
					break
				}
				if err != nil {
					mu.Lock()
					fault = err
					mu.Unlock()
					return
				}
				mine = append(mine, t)
				done.Add(1)
			}
			mu.Lock()
			times = append(times, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if fault != nil {
		return 0, 0, fault
	}
	if len(times) == 0 {
		return 0, perQuery, nil
	}
	slices.Sort(times)
	return float64(done.Load()) / time.Since(begun).Seconds(), times[len(times)*95/100], nil
}

func (l load) one(ctx context.Context, client *http.Client, r *rand.Rand) (time.Duration, error) {
	body := `{"limit":100`
	if b := l.body(r); b != "" {
		body += "," + b
	}
	begun := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, strings.NewReader(body+"}"))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK || !bytes.HasPrefix(answer, []byte("{")) {
		return 0, fmt.Errorf("%s: %.200s", resp.Status, answer)
	}
	return time.Since(begun), nil
}
