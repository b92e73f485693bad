package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a remote catalogue that can fail.
type service struct {
	*catalogtest.Memory
	failure atomic.Pointer[catalog.Error]
	lookups atomic.Int64
}

func (s *service) fail(kind catalog.Kind) {
	s.failure.Store(&catalog.Error{Op: "ask", Kind: kind, Err: errors.New("no route to host")})
}

func (s *service) err() error {
	if e := s.failure.Load(); e != nil {
		return e
	}
	return nil
}

func (s *service) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	if err := s.err(); err != nil {
		return catalog.Page{}, err
	}
	p, err := s.Memory.Search(ctx, q)
	for _, c := range []*catalog.Cursor{&p.Next, &p.Prev} { // the cursors of a service are its own
		if *c != "" {
			*c = "theirs:" + *c
		}
	}
	return p, err
}

func (s *service) Item(ctx context.Context, k catalog.Key) (catalog.Item, error) {
	s.lookups.Add(1)
	if err := s.err(); err != nil {
		return catalog.Item{}, err
	}
	return s.Memory.Item(ctx, k)
}

func (s *service) Collections(ctx context.Context) ([]catalog.Collection, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Memory.Collections(ctx)
}

// theirs takes the service's mark off a cursor.
type theirs struct{ *service }

func (t theirs) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	q.Cursor = catalog.Cursor(bytes.TrimPrefix([]byte(q.Cursor), []byte("theirs:")))
	return t.service.Search(ctx, q)
}

type rig struct {
	*Catalog
	remote *service
	local  *store.Store
	clock  atomic.Int64 // seconds
	log    *bytes.Buffer
}

func newRig(t testing.TB, local func(*store.Store) Local) *rig {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{remote: &service{Memory: catalogtest.NewMemory()}, local: st, log: &bytes.Buffer{}}
	r.clock.Store(1_700_000_000)
	var l Local = st
	if local != nil {
		l = local(st)
	}
	r.Catalog = New(Config{Remote: theirs{r.remote}, Local: l, Logger: slog.New(slog.DiscardHandler), Now: r.now})
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) now() time.Time { return time.Unix(r.clock.Load(), 0).UTC() }

func TestConformance(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) (catalog.Source, catalog.Writer) {
		r := newRig(t, nil)
		return r.Catalog, r.remote
	}, catalogtest.Items(60))
}

// walkAll follows an answer; before each page it calls step with the number of the page.
func walkAll(t catalogtest.TB, src catalog.Source, q catalog.Query, step func(page int)) (all []catalog.Item, last catalog.Page) {
	t.Helper()
	for n := 0; ; n++ {
		if step != nil {
			step(n)
		}
		p, err := src.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			return all, p
		}
		q.Cursor = p.Next
	}
}

func keys(items []catalog.Item) []string {
	out := []string{}
	for _, it := range items {
		out = append(out, it.Key.String())
	}
	return out
}

func TestOfflineAnswersAsTheService(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(21, 100)
	catalogtest.Fill(t, r.remote, cs, items)
	fetched := r.now()
	walkAll(t, r, catalog.Query{Limit: 60}, nil)
	r.clock.Add(3600)
	queries := catalogtest.Queries(items)
	for _, how := range []string{"chosen", "no network"} {
		r.SetOffline(how == "chosen")
		if how == "no network" {
			r.remote.fail(catalog.KindUnavailable)
		}
		rapid.Check(t, func(t *rapid.T) {
			q := queries.Draw(t, "query")
			want, err := catalogtest.Oracle(items, q)
			if err != nil {
				t.Fatal(err)
			}
			catalogtest.CheckAnswer(t, r, q, want, true)
		})
		p, err := r.Search(t.Context(), catalog.Query{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		o := p.Origin
		if (o.Cause == nil) != (how == "chosen") {
			t.Errorf("%s: cause %v", how, o.Cause)
		}
		o.Cause = nil
		if d := cmp.Diff(catalog.Origin{Kind: catalog.OriginLocal, AsOf: fetched, Complete: true}, o); d != "" {
			t.Error(d)
		}
		for _, it := range p.Items {
			got, err := r.Item(t.Context(), it.Key)
			if err != nil || !bytes.Equal(got.Raw, it.Raw) {
				t.Error(err)
			}
		}
		if got, err := r.Collections(t.Context()); err != nil || len(got) != len(cs) {
			t.Error(got, err)
		}
	}
}

// TestLosingTheNetwork loses it before any page of any walk: the walk goes on locally and neither repeats nor skips.
func TestLosingTheNetwork(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(22, 80)
	catalogtest.Fill(t, r.remote, cs, items)
	walkAll(t, r, catalog.Query{Limit: 60}, nil)
	queries := catalogtest.Queries(items)
	rapid.Check(t, func(t *rapid.T) {
		q := queries.Draw(t, "query")
		q.Limit = rapid.IntRange(5, 40).Draw(t, "limit")
		want, err := catalogtest.Oracle(items, q)
		if err != nil {
			t.Fatal(err)
		}
		lost := rapid.IntRange(0, 4).Draw(t, "network lost before page")
		back := rapid.IntRange(0, 6).Draw(t, "network back before page")
		r.remote.failure.Store(nil)
		got, _ := walkAll(t, r, q, func(page int) {
			if page == lost {
				r.remote.fail(catalog.KindUnavailable)
			} else if page == back {
				r.remote.failure.Store(nil)
			}
		})
		if d := cmp.Diff(keys(want), keys(got)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestPartOfAnAnswer(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(23, 90)
	catalogtest.Fill(t, r.remote, cs, items)
	q := catalog.Query{Limit: 20}
	p, err := r.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	q.Cursor = p.Next
	if _, err := r.Search(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	r.remote.fail(catalog.KindThrottled)
	got, last := walkAll(t, r, catalog.Query{Limit: 1000}, nil)
	if len(got) != 40 || last.Origin.Complete || !last.Origin.Missing.Pages || last.Origin.Missing.Everything {
		t.Errorf("%d items, %+v", len(got), last.Origin)
	}
	if catalog.KindOf(last.Origin.Cause) != catalog.KindThrottled {
		t.Error(last.Origin.Cause)
	}
	p, err = r.Search(t.Context(), catalog.Query{Text: "spot", Time: catalog.Interval{End: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)}})
	if err != nil || p.Origin.Complete {
		t.Error(p, err)
	}
}

func TestSkippingAPageIsNoWalk(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(24, 60)
	catalogtest.Fill(t, r.remote, cs, items)
	first, err := r.Search(t.Context(), catalog.Query{Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Search(t.Context(), catalog.Query{Limit: 20, Cursor: first.Next})
	if err != nil {
		t.Fatal(err)
	}
	// The last page is asked for with another question's cursor in between, and for another question.
	other := catalog.Query{Limit: 20, Cursor: second.Next, Text: "montpellier"}
	if _, err := r.Search(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	r.SetOffline(true)
	for _, q := range []catalog.Query{{}, {Text: "montpellier"}} {
		p, err := r.Search(t.Context(), q)
		if err != nil || p.Origin.Complete {
			t.Errorf("%+v: complete without having been fetched, %v", q, err)
		}
	}
}

func TestRefusalsArePassedOn(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(25, 10)
	catalogtest.Fill(t, r.remote, cs, items)
	walkAll(t, r, catalog.Query{Limit: 100}, nil)
	for _, kind := range []catalog.Kind{catalog.KindInvalid, catalog.KindUnauthorized, catalog.KindForbidden, catalog.KindNotFound, catalog.KindInternal} {
		r.remote.fail(kind)
		_, e1 := r.Search(t.Context(), catalog.Query{})
		_, e2 := r.Item(t.Context(), items[0].Key)
		_, e3 := r.Collections(t.Context())
		for _, err := range []error{e1, e2, e3} {
			if err == nil || catalog.KindOf(err) != kind {
				t.Errorf("%v became %v", kind, err)
			}
		}
		if s := r.State(); !s.Reachable || s.Err != nil {
			t.Errorf("a refusal is an answer: %+v", s)
		}
	}
	for _, kind := range []catalog.Kind{catalog.KindUnavailable, catalog.KindThrottled, catalog.KindProtocol, catalog.KindTooLarge} {
		r.remote.fail(kind)
		p, err := r.Search(t.Context(), catalog.Query{})
		if err != nil || p.Origin.Kind != catalog.OriginLocal || catalog.KindOf(p.Origin.Cause) != kind {
			t.Errorf("%v: %+v %v", kind, p.Origin, err)
		}
		if s := r.State(); s.Reachable || catalog.KindOf(s.Err) != kind || s.LastContact.IsZero() {
			t.Errorf("%+v", s)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Search(ctx, catalog.Query{}); err == nil {
		t.Error("a cancelled search answered")
	}
	if _, err := r.Search(t.Context(), catalog.Query{Cursor: "nonsense"}); catalog.KindOf(err) != catalog.KindInvalid {
		t.Error(err)
	}
}

func TestChanges(t *testing.T) {
	r := newRig(t, nil)
	if s := r.State(); s.Offline || s.Reachable || s.Err != nil {
		t.Errorf("%+v", s)
	}
	r.SetOffline(true)
	r.SetOffline(false)
	<-r.Changes()
	select {
	case <-r.Changes():
		t.Error("two changes were signalled twice")
	default:
	}
	if _, err := r.Collections(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-r.Changes()
	if s := r.State(); !s.Reachable || !s.LastContact.Equal(r.now()) {
		t.Errorf("%+v", s)
	}
}

// full is a local catalogue on a full disk.
type full struct {
	Local
	broken *atomic.Bool
}

func (f full) PutItems(ctx context.Context, items []catalog.Item) error {
	if f.broken.Load() {
		return &catalog.Error{Op: "put items", Kind: catalog.KindReadOnly, Err: errors.New("the disk is full")}
	}
	return f.Local.PutItems(ctx, items)
}

func TestFullDiskCostsNoAnswer(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	r := newRig(t, func(s *store.Store) Local { return full{s, &broken} })
	cs, items := catalogtest.Archive(26, 30)
	catalogtest.Fill(t, r.remote, cs, items)
	got, _ := walkAll(t, r, catalog.Query{Limit: 12}, nil)
	if len(got) != len(items) {
		t.Errorf("%d items", len(got))
	}
	if s := r.State(); catalog.KindOf(s.StoreErr) != catalog.KindReadOnly || !s.Reachable {
		t.Errorf("%+v", s)
	}
	broken.Store(false)
	if _, err := r.Search(t.Context(), catalog.Query{Limit: 12, Text: "montpellier"}); err != nil || r.State().StoreErr != nil {
		t.Error(err, r.State())
	}
	r.SetOffline(true)
	if p, err := r.Search(t.Context(), catalog.Query{}); err != nil || p.Origin.Complete {
		t.Errorf("what could not be kept is claimed to be complete: %+v %v", p.Origin, err)
	}
}

func TestWithdrawnItems(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(27, 40)
	catalogtest.Fill(t, r.remote, cs, items)
	walkAll(t, r, catalog.Query{Limit: 15}, nil)
	gone := []catalog.Key{items[3].Key, items[17].Key}
	if err := r.remote.DeleteItems(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	// A walk that is broken off removes nothing.
	if _, err := r.Search(t.Context(), catalog.Query{Limit: 15}); err != nil {
		t.Fatal(err)
	}
	r.wg.Wait()
	for _, k := range gone {
		if _, err := r.local.Item(t.Context(), k); err != nil {
			t.Error(err)
		}
	}
	walkAll(t, r, catalog.Query{Limit: 15}, nil)
	r.wg.Wait()
	left, _ := walkAll(t, r.local, catalog.Query{Limit: 100}, nil)
	want := []string{}
	for _, it := range items {
		if !slices.Contains(gone, it.Key) {
			want = append(want, it.Key.String())
		}
	}
	slices.Sort(want)
	got := keys(left)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestItemThatCameDuringTheWalk must survive the walk that could not show it, and a service that reads a question otherwise is not
// asked again and again.
func TestItemThatCameDuringTheWalk(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(28, 40)
	catalogtest.Fill(t, r.remote, cs, items[:30])
	p, err := r.Search(t.Context(), catalog.Query{Limit: 29, Sort: []catalog.SortKey{{Field: "id"}}})
	if err != nil {
		t.Fatal(err)
	}
	late := items[30]
	if catalog.Compare(catalog.Query{Sort: []catalog.SortKey{{Field: "id"}}}, late, p.Items[28]) > 0 {
		late.Key.Item = "!" + late.Key.Item // sorts first, so that the walk has passed it
		raw := bytes.Replace(late.Raw, fmt.Appendf(nil, "%q", items[30].Key.Item), fmt.Appendf(nil, "%q", late.Key.Item), 1)
		if late, err = catalog.ParseItem(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.remote.PutItems(t.Context(), []catalog.Item{late}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Item(t.Context(), late.Key); err != nil {
		t.Fatal(err)
	}
	before := r.remote.lookups.Load()
	if _, err := r.Search(t.Context(), catalog.Query{Limit: 29, Sort: []catalog.SortKey{{Field: "id"}}, Cursor: p.Next}); err != nil {
		t.Fatal(err)
	}
	r.wg.Wait()
	if n := r.remote.lookups.Load() - before; n != 1 {
		t.Errorf("%d items were looked up, want the one that was not shown", n)
	}
	if _, err := r.local.Item(t.Context(), late.Key); err != nil {
		t.Error("an item that the service has was removed:", err)
	}
}

// TestUnknownCollections stores items of collections that the service doesn't list.
func TestUnknownCollections(t *testing.T) {
	r := newRig(t, nil)
	cs, items := catalogtest.Archive(29, 20)
	catalogtest.Fill(t, r.remote, cs, items)
	hidden := New(Config{Remote: unlisted{theirs{r.remote}}, Local: r.local, Now: r.now, Logger: slog.New(slog.DiscardHandler)})
	defer hidden.Close()
	walkAll(t, hidden, catalog.Query{Limit: 100}, nil)
	if s := hidden.State(); s.StoreErr != nil {
		t.Fatal(s.StoreErr)
	}
	if got, _ := walkAll(t, r.local, catalog.Query{Limit: 100}, nil); len(got) != 20 {
		t.Errorf("%d items kept", len(got))
	}
	// Another window removes a collection; the next answer brings it back.
	if err := r.local.DeleteCollection(t.Context(), "spot"); err != nil {
		t.Fatal(err)
	}
	walkAll(t, hidden, catalog.Query{Limit: 100}, nil)
	if got, _ := walkAll(t, r.local, catalog.Query{Limit: 100}, nil); len(got) != 20 {
		t.Errorf("%d items kept afterwards", len(got))
	}
}

type unlisted struct{ theirs }

func (unlisted) Collections(context.Context) ([]catalog.Collection, error) { return nil, nil }
