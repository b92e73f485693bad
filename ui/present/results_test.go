package present_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present/presenttest"
)

func newResults(t testing.TB, c *presenttest.Catalog) (*present.Results, *presenttest.Pump) {
	pump := presenttest.NewPump()
	r := present.NewResults(pump.Do, printer(t, present.English))
	r.SetSource(c)
	return r, pump
}

func search(t testing.TB, r *present.Results, pump *presenttest.Pump) {
	t.Helper()
	r.Run(catalog.Query{})
	pump.Until(t, "an answer", func() bool { return !r.Busy() })
}

func TestPagesAppend(t *testing.T) {
	c := &presenttest.Catalog{All: presenttest.Items(230)}
	r, pump := newResults(t, c)
	search(t, r, pump)
	if st := r.State(); st.Phase != present.PhaseReady || st.Count != "1–100 of 230" || !st.More {
		t.Fatalf("%+v", st)
	}
	before := r.Items()
	for r.State().More {
		r.More()
		r.More() // one at a time
		pump.Until(t, "a page", func() bool { return !r.Busy() })
	}
	if st := r.State(); st.Count != "230 images" || r.Len() != 230 {
		t.Errorf("%+v", st)
	}
	if len(before) != 100 || before[99].Key.Item != "SPOT6_0099" {
		t.Error("the rows that the view holds changed under it")
	}
	if n := len(c.Queries()); n != 3 {
		t.Errorf("%d requests for three pages", n)
	}
	for i, it := range r.Items() {
		if r.IndexOf(it.Key.String()) != i {
			t.Fatalf("row %d is not found by its id", i)
		}
	}
}

// A new search cancels the one before it; an answer of that one, which comes all the same, is dropped.
func TestStaleAnswersAreDropped(t *testing.T) {
	cancelled, release := make(chan struct{}), make(chan struct{})
	c := &presenttest.Catalog{}
	c.SearchFn = func(ctx context.Context, q catalog.Query) (catalog.Page, error) {
		if q.Text != "slow" {
			return catalog.Page{Items: presenttest.Items(2)}, nil
		}
		<-ctx.Done()
		close(cancelled)
		<-release
		return catalog.Page{Items: presenttest.Items(50)}, nil
	}
	r, pump := newResults(t, c)
	r.Run(catalog.Query{Text: "slow"})
	r.Run(catalog.Query{Text: "fast"})
	pump.Until(t, "the second answer", func() bool { return r.State().Phase == present.PhaseReady })
	<-cancelled
	close(release)
	for range 20 {
		pump.Run()
	}
	if r.Len() != 2 {
		t.Errorf("%d rows: the stale answer came through", r.Len())
	}
}

func TestFailures(t *testing.T) {
	fail := true
	c := &presenttest.Catalog{All: presenttest.Items(150)}
	c.SearchFn = func(_ context.Context, q catalog.Query) (catalog.Page, error) {
		if fail {
			return catalog.Page{}, &catalog.Error{Op: "search", Kind: catalog.KindUnavailable, Err: errors.New("connection refused")}
		}
		return presenttest.Paged(c.All, q), nil
	}
	r, pump := newResults(t, c)
	search(t, r, pump)
	if st := r.State(); st.Phase != present.PhaseFailed || st.Problem.Action != present.ActionRetry {
		t.Fatalf("%+v", st)
	}
	fail = false
	r.Again()
	pump.Until(t, "an answer", func() bool { return !r.Busy() })
	// A page that fails keeps what is there.
	fail = true
	r.More()
	pump.Until(t, "a failure", func() bool { return !r.Busy() })
	if st := r.State(); st.Phase != present.PhaseReady || r.Len() != 100 || st.MoreProblem.Text == "" || !st.More {
		t.Fatalf("%+v", st)
	}
	fail = false
	r.More()
	pump.Until(t, "the page", func() bool { return r.Len() == 150 })
	if r.State().MoreProblem.Text != "" {
		t.Error("the problem stays after it is over")
	}
}

func TestEmptyAnswerAndCounts(t *testing.T) {
	c := &presenttest.Catalog{}
	r, pump := newResults(t, c)
	search(t, r, pump)
	if r.State().Phase != present.PhaseEmpty {
		t.Errorf("%+v", r.State())
	}
	for want, count := range map[string]catalog.Count{
		"1–2 of 10,000": {N: 10_000, Kind: catalog.CountExact}, "1–2 of more than 10,000": {N: 10_000, Kind: catalog.CountAtLeast},
		"1–2, and more": {},
	} {
		c.SearchFn = func(context.Context, catalog.Query) (catalog.Page, error) {
			return catalog.Page{Items: presenttest.Items(2), Next: "2", Matched: count}, nil
		}
		search(t, r, pump)
		if r.State().Count != want {
			t.Errorf("got %q, want %q", r.State().Count, want)
		}
	}
}

func TestSortAsksAgain(t *testing.T) {
	c := &presenttest.Catalog{All: presenttest.Items(3)}
	r, pump := newResults(t, c)
	r.SetSort(present.LeastCloud)
	if len(c.Queries()) != 0 {
		t.Error("an order without a question asked one")
	}
	search(t, r, pump)
	r.SetSort(present.OldestFirst)
	pump.Until(t, "an answer", func() bool { return len(c.Queries()) == 2 && !r.Busy() })
	want := []catalog.SortKey{{Field: "datetime"}}
	if d := cmp.Diff(want, c.Queries()[1].Sort); d != "" {
		t.Error(d)
	}
}

func TestOriginOfALaterPageCounts(t *testing.T) {
	c := &presenttest.Catalog{All: presenttest.Items(150)}
	c.SearchFn = func(_ context.Context, q catalog.Query) (catalog.Page, error) {
		p := presenttest.Paged(c.All, q)
		if q.Cursor != "" {
			p.Origin = catalog.Origin{Kind: catalog.OriginLocal, Missing: catalog.Missing{Everything: true}}
		}
		return p, nil
	}
	r, pump := newResults(t, c)
	var answers []catalog.OriginKind
	r.OnAnswer = func(o catalog.Origin, _ error) { answers = append(answers, o.Kind) }
	search(t, r, pump)
	r.More()
	pump.Until(t, "a page", func() bool { return r.Len() == 150 })
	if r.State().Banner.Tone != present.ToneWarning {
		t.Errorf("%+v", r.State().Banner)
	}
	if d := cmp.Diff([]catalog.OriginKind{catalog.OriginRemote, catalog.OriginLocal}, answers); d != "" {
		t.Error(d)
	}
}

func selected(r *present.Results) string {
	out := ""
	for _, it := range r.Selection() {
		out += string(it.Key.Item[len(it.Key.Item)-1:])
	}
	return out
}

func TestSelection(t *testing.T) {
	r, pump := newResults(t, &presenttest.Catalog{All: presenttest.Items(9)})
	search(t, r, pump)
	told := 0
	r.OnSelection = func() { told++ }
	steps := []struct {
		do      func()
		want    string
		current int
	}{
		{func() { r.Select(2, present.SelectOnly) }, "2", 2},
		{func() { r.Select(5, present.SelectRange) }, "2345", 5},
		{func() { r.Select(1, present.SelectRange) }, "12", 1},
		{func() { r.Select(7, present.SelectToggle) }, "127", 7},
		{func() { r.Select(1, present.SelectToggle) }, "27", 1},
		{func() { r.Select(99, present.SelectOnly) }, "27", 1},
		{func() { r.MakeCurrent(99) }, "27", 8},
		{func() { r.SelectIDs([]string{"spot-6-7-drs/SPOT6_0004"}, false) }, "4", 4},
		{func() { r.SelectIDs([]string{"spot-6-7-drs/SPOT6_0006", "x/unknown"}, true) }, "46", 6},
		{func() { r.SelectIDs([]string{"spot-6-7-drs/SPOT6_0004"}, true) }, "6", 6},
		{func() { r.SelectIDs(nil, false) }, "", -1},
		{r.SelectAll, "012345678", 0},
		{r.SelectNone, "", -1},
	}
	for i, s := range steps {
		s.do()
		if got := selected(r); got != s.want || r.Current() != s.current || r.State().Selected != len(s.want) {
			t.Errorf("step %d: %q current %d (%d), want %q current %d", i, got, r.Current(), r.State().Selected, s.want, s.current)
		}
	}
	if told == 0 {
		t.Error("nobody was told")
	}
	r.SetHover("a")
	n := told
	r.SetHover("a")
	if told != n || r.Hover() != "a" {
		t.Error("the same hover was told twice")
	}
}

// Whatever is clicked, what is selected is a subset of the rows, counted right, and a plain click selects one.
func TestSelectionProperties(t *testing.T) {
	r, pump := newResults(t, &presenttest.Catalog{All: presenttest.Items(12)})
	search(t, r, pump)
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 20).Draw(rt, "clicks") {
			row := rapid.IntRange(-2, 14).Draw(rt, "row")
			mode := present.SelectMode(rapid.IntRange(0, 2).Draw(rt, "mode"))
			r.Select(row, mode)
			if n := len(r.Selection()); n != r.State().Selected || n != len(r.SelectedIDs()) {
				rt.Fatalf("%d selected, state says %d, ids %d", n, r.State().Selected, len(r.SelectedIDs()))
			}
			if mode == present.SelectOnly && row >= 0 && row < r.Len() && (len(r.Selection()) != 1 || !r.Row(row).Selected) {
				rt.Fatalf("a click on %d selected %v", row, r.SelectedIDs())
			}
		}
	})
}

func TestRowInWords(t *testing.T) {
	r, pump := newResults(t, &presenttest.Catalog{All: presenttest.Items(3)})
	search(t, r, pump)
	row := r.Row(2)
	if row.Title != "SPOT6_0002" || row.Date != "3 Jul 2022" || row.Cloud != "2%" || row.Collection != "spot-6-7-drs" {
		t.Errorf("%+v", row)
	}
	if r.Row(-1).Title != "" || r.Row(3).Title != "" {
		t.Error("rows out of range have words")
	}
}

func BenchmarkRows(b *testing.B) {
	c := &presenttest.Catalog{All: presenttest.Items(2000)}
	r, pump := newResults(b, c)
	search(b, r, pump)
	for r.State().More {
		r.More()
		pump.Until(b, "a page", func() bool { return !r.Busy() })
	}
	for i := 0; b.Loop(); i++ {
		if r.Row(i%r.Len()).Title == "" {
			b.Fatal(fmt.Sprint("row ", i))
		}
	}
}
