package catalogtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Maker returns an empty catalogue and what fills it; for a client of a service, the writer fills the service.
type Maker func(t *testing.T) (catalog.Source, catalog.Writer)

type config struct {
	items           int
	rewrites, exact bool
}

// Option adapts the suite to a catalogue.
type Option func(*config)

// Rewrites says that documents change on their way, as a service adds links: only their projections are compared.
func Rewrites() Option { return func(c *config) { c.rewrites = true } }

// Items sets the size of the archive that queries are asked of; 400 if not set.
func Items(n int) Option { return func(c *config) { c.items = n } }

// LooseCounts accepts counts that claim less than was asked, but never a wrong one.
func LooseCounts() Option { return func(c *config) { c.exact = false } }

// Run holds a catalogue to the contracts of catalog.Source and catalog.Writer.
func Run(t *testing.T, mk Maker, opts ...Option) {
	c := config{items: 400, exact: true}
	for _, o := range opts {
		o(&c)
	}
	t.Run("Documents", func(t *testing.T) { testDocuments(t, mk, c) })
	t.Run("Writes", func(t *testing.T) { testWrites(t, mk) })
	t.Run("Empty", func(t *testing.T) { testEmpty(t, mk) })
	t.Run("BadQuestions", func(t *testing.T) { testBadQuestions(t, mk) })
	t.Run("Queries", func(t *testing.T) { testQueries(t, mk, c) })
	t.Run("MovingItems", func(t *testing.T) { testMovingItems(t, mk) })
	t.Run("Concurrent", func(t *testing.T) { testConcurrent(t, mk) })
}

// Fill puts a generated archive into a catalogue.
func Fill(t testing.TB, w catalog.Writer, cs []catalog.Collection, items []catalog.Item) {
	t.Helper()
	if err := w.PutCollections(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(items, 500) {
		if err := w.PutItems(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
}

func testDocuments(t *testing.T, mk Maker, c config) {
	src, w := mk(t)
	cs, items := Archive(3, 120)
	Fill(t, w, cs, items)
	got, err := src.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(cs, func(a, b catalog.Collection) int { return cmpString(string(a.ID), string(b.ID)) })
	if len(got) != len(cs) {
		t.Fatalf("%d collections, want %d", len(got), len(cs))
	}
	for i := range cs {
		if c.rewrites {
			got[i].Raw = cs[i].Raw
		}
		if d := cmp.Diff(cs[i], got[i]); d != "" {
			t.Error(d)
		}
	}
	for _, want := range items {
		it, err := src.Item(t.Context(), want.Key)
		if err != nil {
			t.Fatal(err)
		}
		if !c.rewrites && !bytes.Equal(it.Raw, want.Raw) {
			t.Fatalf("%s changed:\n%s\n%s", want.Key, want.Raw, it.Raw)
		}
		if it.Raw == nil {
			t.Fatal("an item without its document")
		}
		sameItem(t, want, it)
	}
	page, err := src.Search(t.Context(), catalog.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[catalog.Key]catalog.Item{}
	for _, it := range items {
		byKey[it.Key] = it
	}
	for _, it := range page.Items {
		if !c.rewrites && !bytes.Equal(it.Raw, byKey[it.Key].Raw) {
			t.Fatalf("%s changed in a page", it.Key)
		}
		sameItem(t, byKey[it.Key], it)
	}
	_, err = src.Item(t.Context(), catalog.Key{Collection: "spot", Item: "absent"})
	wantKind(t, "an absent item", err, catalog.KindNotFound)
}

func cmpString(a, b string) int { return bytes.Compare([]byte(a), []byte(b)) }

func sameItem(t *testing.T, want, got catalog.Item) {
	t.Helper()
	opt := cmp.Options{
		cmp.Comparer(func(a, b float64) bool { return a == b || (a != a && b != b) }),
		cmp.Comparer(func(a, b geom.Geometry) bool { return geom.ExactEquals(a, b) }),
	}
	want.Raw, got.Raw = nil, nil
	if d := cmp.Diff(want, got, opt); d != "" {
		t.Errorf("%s: %s", want.Key, d)
	}
}

func wantKind(t *testing.T, what string, err error, kind catalog.Kind) {
	t.Helper()
	var e *catalog.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("%s: error %v, want kind %q", what, err, kind)
	}
}

func parse(t testing.TB, format string, args ...any) catalog.Item {
	t.Helper()
	it, err := catalog.ParseItem(fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func simple(t testing.TB, coll, id string, day int) catalog.Item {
	return parse(t, `{"type":"Feature","stac_version":"1.1.0","links":[],"assets":{},"collection":%q,"id":%q,"bbox":[%d,1,%d,2],`+
		`"geometry":{"type":"Polygon","coordinates":[[[%[3]d,1],[%[4]d,1],[%[4]d,2],[%[3]d,2],[%[3]d,1]]]},"properties":{"datetime":"2024-01-%02[3]dT00:00:00Z"}}`, coll, id, day, day+1)
}

func testWrites(t *testing.T, mk Maker) {
	ctx := t.Context()
	src, w := mk(t)
	cs, _ := Archive(1, 0)
	if err := w.PutCollections(ctx, cs); err != nil {
		t.Fatal(err)
	}
	if err := w.PutCollections(ctx, cs); err != nil {
		t.Fatal("a second time:", err)
	}
	err := w.PutItems(ctx, []catalog.Item{simple(t, "spot", "a", 1), simple(t, "nowhere", "b", 2)})
	wantKind(t, "an item of an unknown collection", err, catalog.KindConflict)
	if got := walk(t, src, catalog.Query{}); len(got) != 0 {
		t.Errorf("half of a refused batch was stored: %v", got)
	}
	put := func(items ...catalog.Item) {
		t.Helper()
		if err := w.PutItems(ctx, items); err != nil {
			t.Fatal(err)
		}
	}
	put(simple(t, "spot", "a", 1), simple(t, "sentinel-2", "a", 2), simple(t, "spot", "b", 3))
	put(simple(t, "spot", "a", 9)) // moves in time and space
	put(simple(t, "spot", "b", 4), simple(t, "spot", "b", 5))
	wantKeys(t, src, catalog.Query{}, "spot/a", "spot/b", "sentinel-2/a")
	wantKeys(t, src, catalog.Query{Area: geo.BBox{West: 0.5, South: 0, East: 1.5, North: 3}.Geometry()})
	wantKeys(t, src, catalog.Query{Area: geo.BBox{West: 9.5, South: 0, East: 9.6, North: 3}.Geometry()}, "spot/a")
	if err := w.DeleteItems(ctx, []catalog.Key{{Collection: "spot", Item: "a"}, {Collection: "spot", Item: "never"}}); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, src, catalog.Query{}, "spot/b", "sentinel-2/a")
	wantKeys(t, src, catalog.Query{Area: geo.World().Geometry()}, "spot/b", "sentinel-2/a")
	if err := w.DeleteCollection(ctx, "spot"); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, src, catalog.Query{}, "sentinel-2/a")
	wantKind(t, "deleting it again", w.DeleteCollection(ctx, "spot"), catalog.KindNotFound)
	if _, err := src.Item(ctx, catalog.Key{Collection: "spot", Item: "b"}); catalog.KindOf(err) != catalog.KindNotFound {
		t.Error("an item outlived its collection:", err)
	}
	if err := w.PutCollections(ctx, cs); err != nil {
		t.Fatal(err)
	}
	put(simple(t, "spot", "b", 7))
	wantKeys(t, src, catalog.Query{Collections: []catalog.CollectionID{"spot"}}, "spot/b")
}

func wantKeys(t *testing.T, src catalog.Source, q catalog.Query, want ...string) {
	t.Helper()
	var got []string
	for _, it := range walk(t, src, q) {
		got = append(got, it.Key.String())
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func testEmpty(t *testing.T, mk Maker) {
	src, w := mk(t)
	page, err := src.Search(t.Context(), catalog.Query{CountUpTo: 10, Area: geo.World().Geometry()})
	if err != nil || len(page.Items) != 0 || page.Next != "" || page.Prev != "" {
		t.Errorf("an empty catalogue answered %+v, %v", page, err)
	}
	if cs, err := src.Collections(t.Context()); err != nil || len(cs) != 0 {
		t.Error(cs, err)
	}
	if err := w.PutItems(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := w.DeleteItems(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func testBadQuestions(t *testing.T, mk Maker) {
	src, w := mk(t)
	cs, items := Archive(1, 10)
	Fill(t, w, cs, items)
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	bowtie := geom.NewPolygon([]geom.LineString{geom.NewLineString(geom.NewSequence([]float64{0, 0, 2, 2, 2, 0, 0, 2, 0, 0}, geom.DimXY))})
	for name, q := range map[string]catalog.Query{
		"reversed time":        {Time: catalog.Interval{Start: at, End: at.Add(-time.Hour)}},
		"area off the globe":   {Area: geom.XY{X: 3, Y: 100}.AsPoint().AsGeometry()},
		"area crossing itself": {Area: bowtie.AsGeometry()},
		"cursor of nobody":     {Cursor: "not a cursor"},
		"sort by nothing":      {Sort: []catalog.SortKey{{}}},
	} {
		_, err := src.Search(t.Context(), q)
		wantKind(t, name, err, catalog.KindInvalid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Search(ctx, catalog.Query{}); err == nil {
		t.Error("a cancelled search answered")
	}
}

// testQueries asks generated questions and follows every page, forward and back.
func testQueries(t *testing.T, mk Maker, c config) {
	src, w := mk(t)
	cs, items := Archive(11, c.items)
	Fill(t, w, cs, items)
	queries := Queries(items)
	rapid.Check(t, func(t *rapid.T) {
		q := queries.Draw(t, "query")
		want, err := Oracle(items, q)
		if err != nil {
			t.Fatal(err)
		}
		CheckAnswer(t, src, q, want, c.exact)
	})
}

// TB is what rapid.T and testing.T share.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// CheckAnswer walks the answer to a query in both directions and compares it with the items that are right.
func CheckAnswer(t TB, src catalog.Source, q catalog.Query, want []catalog.Item, exactCount bool) {
	t.Helper()
	limit := q.PageLimit()
	var got []catalog.Item
	var last catalog.Page
	for page := range max(1, (len(want)+limit-1)/limit) {
		p, err := src.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if page > 0 && p.Prev == "" {
			t.Fatal("a later page has no way back")
		}
		checkCount(t, q, p.Matched, int64(len(want)), exactCount)
		if wantLen := min(limit, len(want)-len(got)); len(p.Items) != wantLen {
			t.Fatalf("page %d of %+v has %d items, want %d\n got %v\nwant %v", page, q, len(p.Items), wantLen, keys(p.Items), keys(want[len(got):]))
		}
		got = append(got, p.Items...)
		last = p
		q.Cursor = p.Next
		if p.Next == "" {
			break
		}
	}
	if last.Next != "" {
		t.Fatal("the last page names a next one")
	}
	if d := cmp.Diff(keys(want), keys(got)); d != "" {
		t.Fatalf("%+v: %s", q, d)
	}
	end := len(want) - len(last.Items)
	for q.Cursor = last.Prev; q.Cursor != ""; {
		p, err := src.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		begin := max(0, end-limit)
		if d := cmp.Diff(keys(want[begin:end]), keys(p.Items)); d != "" {
			t.Fatalf("on the way back, %+v: %s", q, d)
		}
		if p.Next == "" {
			t.Fatal("a page that was left backwards has no next one")
		}
		end, q.Cursor = begin, p.Prev
	}
	if end != 0 {
		t.Fatalf("the way back ends %d items before the beginning", end)
	}
}

func keys(items []catalog.Item) []string {
	out := make([]string, len(items))
	for i, it := range items {
		out[i] = it.Key.String()
	}
	return out
}

func checkCount(t TB, q catalog.Query, got catalog.Count, n int64, exact bool) {
	t.Helper()
	if exact {
		if want := catalog.CountOf(q, n); got != want {
			t.Fatalf("count %+v, want %+v of %d", got, want, n)
		}
		return
	}
	if (got.Kind == catalog.CountExact && got.N != n) || (got.Kind == catalog.CountAtLeast && got.N > n) {
		t.Fatalf("count %+v of %d", got, n)
	}
}

// walk returns every page of an answer.
func walk(t *testing.T, src catalog.Source, q catalog.Query) []catalog.Item {
	t.Helper()
	var all []catalog.Item
	for {
		p, err := src.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		q.Cursor = p.Next
	}
}

// testMovingItems checks that a walk neither repeats nor skips an item that stays, whatever comes and goes meanwhile.
func testMovingItems(t *testing.T, mk Maker) {
	src, w := mk(t)
	cs, _ := Archive(1, 0)
	var items []catalog.Item
	for day := 1; day <= 28; day++ {
		items = append(items, simple(t, "spot", fmt.Sprintf("i%02d", day), day))
	}
	Fill(t, w, cs, items)
	q := catalog.Query{Limit: 5}
	p, err := src.Search(t.Context(), q) // 28 to 24
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteItems(t.Context(), []catalog.Key{items[23].Key, items[20].Key}); err != nil { // the last seen, and one to come
		t.Fatal(err)
	}
	if err := w.PutItems(t.Context(), []catalog.Item{simple(t, "spot", "new", 28)}); err != nil {
		t.Fatal(err)
	}
	q.Cursor = p.Next
	if p, err = src.Search(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"spot/i23", "spot/i22", "spot/i20", "spot/i19", "spot/i18"}, keys(p.Items)); d != "" {
		t.Error(d)
	}
	q.Cursor = p.Prev
	if p, err = src.Search(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"spot/new", "spot/i27", "spot/i26", "spot/i25"}, keys(p.Items)[len(p.Items)-4:]); d != "" {
		t.Error(d)
	}
}

func testConcurrent(t *testing.T, mk Maker) {
	src, w := mk(t)
	cs, items := Archive(5, 200)
	Fill(t, w, cs, items[:100])
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for i := range 10 {
		wg.Go(func() { errs <- w.PutItems(context.Background(), items[100+10*i:110+10*i]) })
		wg.Go(func() {
			p, err := src.Search(context.Background(), catalog.Query{Limit: 1000})
			if err == nil && (len(p.Items) < 100 || len(p.Items)%10 != 0) {
				err = fmt.Errorf("%d items: part of a batch was seen", len(p.Items))
			}
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := walk(t, src, catalog.Query{Limit: 1000}); len(got) != len(items) {
		t.Errorf("%d items in the end, want %d", len(got), len(items))
	}
}
