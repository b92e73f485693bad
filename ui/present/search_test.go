package present_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present/presenttest"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func newSearch(t *testing.T) (*present.Search, *presenttest.Pump) {
	pump := presenttest.NewPump()
	now := func() time.Time { return time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC) }
	return present.NewSearch(pump.Do, printer(t, present.English), now), pump
}

var someCollections = []catalog.Collection{
	{ID: "sentinel2-l2a-theia", Title: "Sentinel-2 L2A THEIA", License: "etalab-2.0", Time: catalog.Interval{Start: day(2015, 6, 1)}},
	{ID: "spot-6-7-drs", License: "proprietary", LicenseHref: "https://example.org/l", Time: catalog.Interval{Start: day(2017, 1, 1), End: day(2023, 12, 31)}},
}

func loadCollections(t *testing.T, s *present.Search, pump *presenttest.Pump, c *presenttest.Catalog) {
	t.Helper()
	s.SetSource(c)
	pump.Until(t, "collections", func() bool { return s.State().CollectionsPhase != present.PhaseLoading })
}

func TestFormAsksWhatItShows(t *testing.T) {
	s, pump := newSearch(t)
	loadCollections(t, s, pump, &presenttest.Catalog{List: someCollections})
	s.Check("spot-6-7-drs", true)
	s.SetDates(day(2022, 1, 1), day(2022, 12, 31))
	s.SetMaxCloud(20)
	s.SetText("  montpellier ")
	s.SetAreaBox(geo.BBox{West: 3, South: 43, East: 4, North: 44})
	q, ok := s.Query()
	if !ok {
		t.Fatal(s.State().Problem)
	}
	area := q.Area
	q.Area = geom.Geometry{}
	want := catalog.Query{
		Collections: []catalog.CollectionID{"spot-6-7-drs"}, Text: "montpellier",
		Time:   catalog.Interval{Start: day(2022, 1, 1), End: time.Date(2022, 12, 31, 23, 59, 59, 999e6, time.UTC)},
		Filter: cql2.Call{Op: "<=", Args: []cql2.Expr{cql2.Property{Name: "eo:cloud_cover"}, cql2.Number(20)}},
	}
	if d := cmp.Diff(want, q, cmp.Comparer(func(a, b geom.Geometry) bool { return a.AsText() == b.AsText() })); d != "" {
		t.Error(d)
	}
	if b, _ := present.Bounds(area); b != (geo.BBox{West: 3, South: 43, East: 4, North: 44}) {
		t.Errorf("area %s", area.AsText())
	}

	s.Reset()
	q, ok = s.Query()
	if !ok || len(q.Collections) != 0 || q.Filter != nil || !q.Time.IsZero() || !q.Area.IsEmpty() || q.Text != "" {
		t.Errorf("after a reset: %+v", q)
	}
}

func TestQuickRanges(t *testing.T) {
	s, _ := newSearch(t)
	for r, want := range map[present.QuickRange][2]time.Time{
		present.ThisYear:         {day(2026, 1, 1), day(2026, 11, 24)},
		present.LastTwelveMonths: {day(2025, 11, 25), day(2026, 11, 24)},
		present.LastThirtyDays:   {day(2026, 10, 26), day(2026, 11, 24)},
		present.WholeArchive:     {},
	} {
		s.SetQuickRange(r)
		if got := [2]time.Time{s.State().From, s.State().To}; got != want {
			t.Errorf("range %d: %v, want %v", r, got, want)
		}
	}
}

func TestDatesTheWrongWayRound(t *testing.T) {
	s, _ := newSearch(t)
	s.SetDates(day(2022, 2, 1), day(2022, 1, 1))
	if _, ok := s.Query(); ok || s.State().Problem == "" {
		t.Error("the form lets a wrong range through")
	}
	s.SetDates(day(2022, 2, 1), day(2022, 2, 1))
	if q, ok := s.Query(); !ok || !q.Time.End.After(q.Time.Start) {
		t.Error("one day is a range too")
	}
}

func TestCollectionRows(t *testing.T) {
	s, pump := newSearch(t)
	c := &presenttest.Catalog{List: someCollections}
	loadCollections(t, s, pump, c)
	rows := s.State().Collections
	if len(rows) != 2 || rows[1].Title != "spot-6-7-drs" || rows[1].License != "Proprietary" || rows[1].Years != "2017–2023" || rows[0].Years != "2015–" {
		t.Errorf("%+v", rows)
	}
	s.FilterCollections("l2a Theia")
	if rows := s.State().Collections; len(rows) != 1 || rows[0].ID != "sentinel2-l2a-theia" {
		t.Errorf("filtered: %+v", rows)
	}
	// What is checked stays so when it is filtered away, and when the list is loaded again.
	s.Check("sentinel2-l2a-theia", true)
	s.FilterCollections("spot")
	s.LoadCollections()
	pump.Until(t, "reload", func() bool {
		return len(s.State().Collections) == 1 && s.State().CollectionsPhase == present.PhaseReady
	})
	if q, _ := s.Query(); len(q.Collections) != 1 {
		t.Errorf("checked: %v", q.Collections)
	}
	if name, href := s.LicenceOf("spot-6-7-drs"); name != "Proprietary" || href != "https://example.org/l" {
		t.Errorf("licence %q %q", name, href)
	}
}

func TestCollectionsFailThenCome(t *testing.T) {
	s, pump := newSearch(t)
	c := &presenttest.Catalog{List: someCollections}
	c.CollFn = func(context.Context) ([]catalog.Collection, error) {
		return nil, &catalog.Error{Op: "collections", Kind: catalog.KindUnavailable}
	}
	loadCollections(t, s, pump, c)
	st := s.State()
	if st.CollectionsPhase != present.PhaseFailed || st.CollectionsProblem.Action != present.ActionRetry {
		t.Errorf("%+v", st)
	}
	c.CollFn = nil
	s.LoadCollections()
	pump.Until(t, "collections", func() bool { return s.State().CollectionsPhase == present.PhaseReady })
	if s.State().CollectionsProblem.Text != "" {
		t.Error("the problem stays after it is over")
	}
}
