package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("STORE_TEST_ROLE"); role != "" {
		if err := child(role, os.Getenv("STORE_TEST_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, s)
	return s
}

func closeAfter(t testing.TB, s *Store) {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "catalogue.db") }

func TestConformance(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) (catalog.Source, catalog.Writer) {
		s := open(t, newPath(t), Options{})
		return s, s
	}, catalogtest.Items(150))
}

// TestWalks makes nearly every question take the way of large catalogues: along the index, not candidate by candidate.
func TestWalks(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) (catalog.Source, catalog.Writer) {
		s := open(t, newPath(t), Options{})
		s.few = 2
		return s, s
	}, catalogtest.Items(120))
}

func fill(t testing.TB, s *Store, seed uint64, n int) []catalog.Item {
	t.Helper()
	cs, items := catalogtest.Archive(seed, n)
	catalogtest.Fill(t, s, cs, items)
	return items
}

func all(t testing.TB, s *Store) []catalog.Item {
	t.Helper()
	p, err := s.Search(t.Context(), catalog.Query{Limit: catalog.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	return p.Items
}

func sameDocuments(t testing.TB, want, got []catalog.Item) {
	t.Helper()
	docs := func(items []catalog.Item) []string {
		var out []string
		for _, it := range items {
			out = append(out, string(it.Raw))
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff(docs(want), docs(got)); d != "" {
		t.Error(d)
	}
}

func TestImport(t *testing.T) {
	cs, items := catalogtest.Archive(31, 1200)
	twice := append(slices.Clone(items), items[7], items[900])
	boom := errors.New("boom")
	seq := func(items []catalog.Item, end error) func(func(catalog.Item, error) bool) {
		return func(yield func(catalog.Item, error) bool) {
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
			}
			if end != nil {
				yield(catalog.Item{}, end)
			}
		}
	}
	s := open(t, newPath(t), Options{})
	s.batch = 250
	if err := s.PutCollections(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Import(t.Context(), seq(items[:600], boom)); !errors.Is(err, boom) || n != 0 || len(all(t, s)) != 0 {
		t.Fatal("an import that failed left something:", n, err)
	}
	if n, err := s.Import(t.Context(), seq(twice, nil)); err != nil || n != int64(len(twice)) {
		t.Fatal(n, err)
	}
	page, err := s.SearchProjection(t.Context(), catalog.Query{CountUpTo: 100_000, Area: geo.BBox{West: 2, South: 42, East: 3, North: 43}.Geometry()})
	if err != nil {
		t.Fatal(err)
	}
	want, err := catalogtest.Oracle(items, catalog.Query{Area: geo.BBox{West: 2, South: 42, East: 3, North: 43}.Geometry()})
	if err != nil {
		t.Fatal(err)
	}
	if page.Matched != (catalog.Count{N: int64(len(want)), Kind: catalog.CountExact}) || len(page.Items) == 0 || page.Items[0].Raw != nil {
		t.Errorf("%+v, want %d", page.Matched, len(want))
	}
	// Into a catalogue that has items, the same ones change nothing.
	if n, err := s.Import(t.Context(), seq(items[:501], nil)); err != nil || n != 501 {
		t.Fatal(n, err)
	}
	if page, err = s.SearchProjection(t.Context(), catalog.Query{CountUpTo: 100_000}); err != nil || page.Matched.N != int64(len(items)) {
		t.Error(page.Matched, err)
	}
	for _, name := range []string{"item_key", "item_walk"} {
		var n int
		if err := s.db.RW.QueryRow("SELECT count(*) FROM sqlite_master WHERE name = ?", name).Scan(&n); err != nil || n != 1 {
			t.Error(name, n, err)
		}
	}
	if err := s.check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFootprints(t *testing.T) {
	s := open(t, newPath(t), Options{})
	items := fill(t, s, 32, 300)
	q := catalog.Query{Area: geo.BBox{West: -180, South: -90, East: 180, North: 90}.Geometry(), CountUpTo: 1000}
	want, err := catalogtest.Oracle(items, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{20_000, 10} {
		got, count, err := s.Footprints(t.Context(), q, most)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != min(most, len(want)) || count.N != int64(len(want)) {
			t.Fatalf("%d footprints of %+v", len(got), count)
		}
		for i, f := range got {
			if f.Key != want[i].Key || f.Geometry.AsText() != want[i].Footprint.AsText() {
				t.Errorf("%v, want %v", f.Key, want[i].Key)
			}
		}
	}
}

func TestUnchangedItemsAreNotWritten(t *testing.T) {
	s := open(t, newPath(t), Options{})
	items := fill(t, s, 33, 50)
	var before, after int64
	version := func(n *int64) {
		if err := s.db.RW.QueryRow("SELECT total_changes()").Scan(n); err != nil {
			t.Fatal(err)
		}
	}
	version(&before)
	if err := s.PutItems(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if version(&after); before != after {
		t.Errorf("%d rows were written for nothing", after-before)
	}
}

// TestSecondIsFull gives out the last number of a second, and then those that deletions left.
func TestSecondIsFull(t *testing.T) {
	s := open(t, newPath(t), Options{})
	cs, _ := catalogtest.Archive(1, 0)
	if err := s.PutCollections(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	put := func(id string) {
		t.Helper()
		it, err := catalog.ParseItem(fmt.Appendf(nil, `{"type":"Feature","id":%q,"collection":"spot","properties":{"datetime":"2024-01-01T00:00:00Z"}}`, id))
		if err == nil {
			err = s.PutItems(t.Context(), []catalog.Item{it})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	first := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Unix() << seqBits
	for _, text := range []string{"UPDATE item SET rid = ?", "UPDATE item_doc SET rid = ?"} {
		if _, err := s.db.RW.Exec(text, first+lastSeq); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.RW.Exec("INSERT INTO item SELECT ?, coll, 'low', dt, flags, t0, t1, minx, maxx, miny, maxy, cloud, gsd, platform, title, created, updated, bbox, geom, sum FROM item", first); err != nil {
		t.Fatal(err)
	}
	put("b")
	put("c")
	var got []int64
	rows, err := s.db.RW.Query("SELECT rid FROM item ORDER BY rid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		got = append(got, n-first)
	}
	if d := cmp.Diff([]int64{0, 2, 4, lastSeq}, got); d != "" {
		t.Error(d)
	}
}

func TestCoverage(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	items := fill(t, s, 34, 20)
	at := time.Date(2024, 5, 6, 7, 8, 9, 1000, time.UTC)
	small := catalog.Query{Collections: []catalog.CollectionID{"spot"}, Area: geo.BBox{West: 170, South: 0, East: -170, North: 1}.Geometry(), Time: catalog.Interval{Start: at}}
	record := func(q catalog.Query, at time.Time, complete bool) {
		t.Helper()
		if err := s.RecordCoverage(t.Context(), catalog.Coverage{Query: q, At: at, Complete: complete, Fetched: 3}); err != nil {
			t.Fatal(err)
		}
	}
	origin := func(s *Store, q catalog.Query) catalog.Origin {
		t.Helper()
		p, err := s.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return p.Origin
	}
	want := func(q catalog.Query, w catalog.Origin) {
		t.Helper()
		w.Kind = catalog.OriginLocal
		if d := cmp.Diff(w, origin(s, q)); d != "" {
			t.Error(d)
		}
	}
	want(small, catalog.Origin{Missing: catalog.Missing{Everything: true, Collections: small.Collections}})
	record(small, at, false)
	want(small, catalog.Origin{AsOf: at, Missing: catalog.Missing{Pages: true}})
	record(small, at, true)
	want(small, catalog.Origin{AsOf: at, Complete: true})
	record(small, at.Add(time.Hour), false)
	want(small, catalog.Origin{AsOf: at, Complete: true})

	// Another handle on the file sees what this one records, and the reverse.
	other := open(t, path, Options{})
	if o := origin(other, small); !o.Complete {
		t.Errorf("%+v", o)
	}
	record(catalog.Query{}, at.Add(2*time.Hour), true)
	if o := origin(other, small); !o.AsOf.Equal(at.Add(2 * time.Hour)) {
		t.Errorf("%+v", o)
	}
	var n int
	if err := s.db.RW.QueryRow("SELECT count(*) FROM coverage").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d coverages are kept where one holds all: %v", n, err)
	}
	server := open(t, newPath(t), Options{Authoritative: true, Now: func() time.Time { return at }})
	if o := origin(server, small); !o.Complete || !o.AsOf.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("%+v", o)
	}
	// Every generated question survives being recorded.
	queries := catalogtest.Queries(items)
	for seed := range 200 {
		q := queries.Example(seed)
		text, err := packQuestion(q)
		if err != nil {
			t.Fatal(err)
		}
		back, err := unpackQuestion(text)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := packQuestion(back); err != nil || again != text {
			t.Errorf("%s became %s", text, again)
		}
		if !catalog.LocalOrigin(q, []catalog.Coverage{{Query: back, At: at, Complete: true}}).Complete {
			t.Errorf("%s doesn't hold itself", text)
		}
	}
}

func TestMeta(t *testing.T) {
	s := open(t, newPath(t), Options{})
	for _, want := range []string{"", "https://api.test", "reach"} {
		if want != "" {
			if err := s.SetMeta(t.Context(), "reach", want); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Meta(t.Context(), "reach"); err != nil || got != want {
			t.Error(got, err)
		}
	}
}

func TestCloseWaits(t *testing.T) {
	s, err := Open(t.Context(), newPath(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	cs, items := catalogtest.Archive(35, 500)
	if err := s.PutCollections(t.Context(), cs); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	started := make(chan struct{})
	wg.Go(func() {
		n, err := s.Import(context.Background(), func(yield func(catalog.Item, error) bool) {
			for i, it := range items {
				if i == 400 {
					close(started)
				}
				if !yield(it, nil) {
					return
				}
			}
		})
		if err != nil && (catalog.KindOf(err) != catalog.KindUnavailable || n != 0) {
			t.Error(n, err)
		}
	})
	<-started
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error("a second time:", err)
	}
	if _, err := s.Search(t.Context(), catalog.Query{}); catalog.KindOf(err) != catalog.KindUnavailable || !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
}

func TestCancelledSearchLeavesTheReaderUsable(t *testing.T) {
	s := open(t, newPath(t), Options{})
	fill(t, s, 36, 200)
	for i := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
		_, err := s.Search(ctx, catalog.Query{Limit: 100, Sort: []catalog.SortKey{{Field: "x:score"}}})
		cancel()
		if err != nil && catalog.KindOf(err) != catalog.KindUnavailable {
			t.Fatalf("%v: %v", catalog.KindOf(err), err)
		}
		if got := all(t, s); len(got) != 200 {
			t.Fatal(len(got))
		}
	}
}

func TestFullDisk(t *testing.T) {
	s := open(t, newPath(t), Options{})
	items := fill(t, s, 37, 100)
	var pages int
	if err := s.db.RW.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.RW.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	_, more := catalogtest.Archive(38, 500)
	err := s.PutItems(t.Context(), more)
	if catalog.KindOf(err) != catalog.KindReadOnly || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("%v: %v", catalog.KindOf(err), err)
	}
	sameDocuments(t, items, all(t, s))
	if _, err := s.db.RW.Exec("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := s.PutItems(t.Context(), more); err != nil {
		t.Error("after space was made:", err)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	newer, foreign := filepath.Join(dir, "newer.db"), filepath.Join(dir, "foreign.db")
	s, err := Open(t.Context(), newer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.RW.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE theirs(x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for _, c := range []struct {
		path, says string
		kind       catalog.Kind
	}{
		{newer, "newer version", catalog.KindNewer},
		{foreign, "another application", catalog.KindInvalid},
		{filepath.Join(foreign, "below-a-file.db"), "cannot be written", catalog.KindReadOnly},
	} {
		before, _ := os.ReadFile(c.path)
		_, r, err := OpenOrRecover(t.Context(), c.path, Options{})
		if r != nil || catalog.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v %v", c.path, r, err)
		}
		if after, _ := os.ReadFile(c.path); string(before) != string(after) {
			t.Errorf("%s was changed", c.path)
		}
	}
}
