package present

import (
	"context"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Phase says how far something that is fetched has come.
type Phase uint8

// The phases.
const (
	PhaseIdle    Phase = iota // nobody asked yet
	PhaseLoading              // the first answer is under way
	PhaseReady
	PhaseEmpty // the answer came and holds nothing
	PhaseFailed
)

// CollectionRow is one collection in the search form.
type CollectionRow struct {
	ID          catalog.CollectionID
	Title       string
	License     string
	LicenseHref string
	Description string
	Years       string
	Checked     bool
}

// QuickRange is a span of dates with a name.
type QuickRange uint8

// The quick ranges.
const (
	WholeArchive QuickRange = iota
	ThisYear
	LastTwelveMonths
	LastThirtyDays
)

// SearchState is what the search form shows.
type SearchState struct {
	Collections        []CollectionRow // those that the filter lets through
	CollectionsTotal   int
	CollectionsChecked int
	CollectionsPhase   Phase
	CollectionsProblem Problem
	CollectionFilter   string

	From, To time.Time // days in UTC; zero is open; To is the last day that counts
	MaxCloud float64   // percent; 100 means any, also items that don't tell
	Text     string

	Area     geom.Geometry // empty: everywhere
	AreaText string        // its size and bounds in words
	// Problem says what is wrong with the form; empty if it can be searched.
	Problem string
}

// Search is the presenter of the search form.
type Search struct {
	signal
	do      Dispatcher
	p       *Printer
	now     func() time.Time
	state   SearchState
	all     []CollectionRow
	source  catalog.Source
	gen     int
	cancel  context.CancelFunc
	timeout time.Duration
}

// NewSearch returns the presenter of an empty form.
func NewSearch(do Dispatcher, p *Printer, now func() time.Time) *Search {
	s := &Search{do: do, p: p, now: now, timeout: 45 * time.Second, cancel: func() {}}
	s.state.MaxCloud = 100
	s.state.AreaText = p.T("Everywhere")
	return s
}

// State returns what the form shows now.
func (s *Search) State() SearchState { return s.state }

// SetSource forgets the collections and asks a new catalogue for its own. The rest of the form stays.
func (s *Search) SetSource(src catalog.Source) {
	s.source = src
	s.all = nil
	s.LoadCollections()
}

// LoadCollections asks for the collections again; those checked stay so.
func (s *Search) LoadCollections() {
	s.cancel()
	s.gen++
	if s.source == nil {
		s.all = nil
		s.state.CollectionsPhase = PhaseIdle
		s.show()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	s.cancel = cancel
	if len(s.all) == 0 {
		s.state.CollectionsPhase = PhaseLoading
	}
	s.state.CollectionsProblem = Problem{}
	s.show()
	gen, src := s.gen, s.source
	go func() {
		defer cancel()
		cs, err := src.Collections(ctx)
		s.do(func() {
			if gen == s.gen {
				s.collectionsCame(cs, err)
			}
		})
	}()
}

func (s *Search) collectionsCame(cs []catalog.Collection, err error) {
	if err != nil {
		s.state.CollectionsProblem = s.p.Explain(err)
		if len(s.all) == 0 {
			s.state.CollectionsPhase = PhaseFailed
		}
		s.show()
		return
	}
	checked := map[catalog.CollectionID]bool{}
	for _, r := range s.all {
		checked[r.ID] = r.Checked
	}
	s.all = make([]CollectionRow, 0, len(cs))
	for _, c := range cs {
		s.all = append(s.all, CollectionRow{
			ID: c.ID, Title: first(c.Title, string(c.ID)), License: s.p.License(c.License), LicenseHref: c.LicenseHref,
			Description: c.Description, Years: years(c.Time), Checked: checked[c.ID],
		})
	}
	s.state.CollectionsPhase = PhaseReady
	if len(cs) == 0 {
		s.state.CollectionsPhase = PhaseEmpty
	}
	s.show()
}

// License names a licence in words: SPDX ids stay, the words that STAC reserves are translated.
func (p *Printer) License(id string) string {
	switch id {
	case "proprietary":
		return p.T("Proprietary")
	case "other", "various":
		return p.T("Other licence")
	}
	return id
}

// years writes the years of a time span: "2017–2023", "2015–".
func years(i catalog.Interval) string {
	var from, to string
	if !i.Start.IsZero() {
		from = i.Start.UTC().Format("2006")
	}
	if !i.End.IsZero() {
		to = i.End.UTC().Format("2006")
	}
	if from == "" && to == "" || from == to {
		return from
	}
	return from + "–" + to
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// FilterCollections shows only the collections whose title or id holds every word.
func (s *Search) FilterCollections(text string) {
	s.state.CollectionFilter = text
	s.show()
}

// Check chooses a collection, or not. With none chosen, all are searched.
func (s *Search) Check(id catalog.CollectionID, checked bool) {
	for i := range s.all {
		if s.all[i].ID == id {
			s.all[i].Checked = checked
		}
	}
	s.show()
}

// SetDates sets the first and the last day; zero is open.
func (s *Search) SetDates(from, to time.Time) {
	s.state.From, s.state.To = day(from), day(to)
	s.show()
}

func day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// SetQuickRange sets the dates to a span that has a name.
func (s *Search) SetQuickRange(r QuickRange) {
	today := day(s.now().UTC())
	switch r {
	case ThisYear:
		s.SetDates(time.Date(today.Year(), 1, 1, 0, 0, 0, 0, time.UTC), today)
	case LastTwelveMonths:
		s.SetDates(today.AddDate(-1, 0, 1), today)
	case LastThirtyDays:
		s.SetDates(today.AddDate(0, 0, -29), today)
	default:
		s.SetDates(time.Time{}, time.Time{})
	}
}

// SetMaxCloud sets the largest cloud cover in percent; 100 lets everything through.
func (s *Search) SetMaxCloud(percent float64) {
	s.state.MaxCloud = min(max(percent, 0), 100)
	s.show()
}

// SetText sets the words to find in id, title, description and keywords.
func (s *Search) SetText(text string) {
	s.state.Text = text
	s.show()
}

// SetArea sets the area; an empty geometry is everywhere.
func (s *Search) SetArea(g geom.Geometry) {
	s.state.Area = g
	s.state.AreaText = s.p.T("Everywhere")
	if b, ok := Bounds(g); ok {
		s.state.AreaText = s.p.Area(SurfaceArea(g)) + "\n" + s.p.Bounds(b)
	}
	s.show()
}

// SetAreaBox sets the area to a box.
func (s *Search) SetAreaBox(b geo.BBox) { s.SetArea(b.Geometry()) }

// Reset empties the form; the collections stay loaded.
func (s *Search) Reset() {
	for i := range s.all {
		s.all[i].Checked = false
	}
	s.state.CollectionFilter, s.state.Text = "", ""
	s.state.From, s.state.To = time.Time{}, time.Time{}
	s.state.MaxCloud = 100
	s.SetArea(geom.Geometry{})
}

// Query returns the question that the form asks; false if the form is wrong, with the reason in the state.
func (s *Search) Query() (catalog.Query, bool) {
	if s.state.Problem != "" {
		return catalog.Query{}, false
	}
	q := catalog.Query{Area: s.state.Area, Text: strings.TrimSpace(s.state.Text)}
	for _, r := range s.all {
		if r.Checked {
			q.Collections = append(q.Collections, r.ID)
		}
	}
	q.Time.Start = s.state.From
	if !s.state.To.IsZero() {
		q.Time.End = s.state.To.AddDate(0, 0, 1).Add(-time.Millisecond)
	}
	if s.state.MaxCloud < 100 {
		q.Filter = cql2.Call{Op: "<=", Args: []cql2.Expr{cql2.Property{Name: "eo:cloud_cover"}, cql2.Number(s.state.MaxCloud)}}
	}
	return q, true
}

// show derives what depends on the rest and tells the view.
func (s *Search) show() {
	s.state.Problem = ""
	if !s.state.From.IsZero() && !s.state.To.IsZero() && s.state.To.Before(s.state.From) {
		s.state.Problem = s.p.T("The last day lies before the first one.")
	}
	words := strings.Fields(strings.ToLower(s.state.CollectionFilter))
	s.state.CollectionsTotal, s.state.CollectionsChecked = len(s.all), 0
	rows := make([]CollectionRow, 0, len(s.all))
	for _, r := range s.all {
		if r.Checked {
			s.state.CollectionsChecked++
		}
		if holdsAll(strings.ToLower(r.Title+" "+string(r.ID)), words) {
			rows = append(rows, r)
		}
	}
	s.state.Collections = rows
	s.changed()
}

func holdsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// LicenceOf returns the licence of a collection, as its document names it; empty if it isn't known.
func (s *Search) LicenceOf(id catalog.CollectionID) (name, href string) {
	for _, r := range s.all {
		if r.ID == id {
			return r.License, r.LicenseHref
		}
	}
	return "", ""
}
