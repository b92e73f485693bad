package present

import (
	"context"
	"math"
	"slices"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

const (
	// PageSize is how many results one request fetches.
	PageSize = 100
	// MaxRows is the most rows that the list holds: the positions of a Fyne list are 32-bit floats, which are exact to a pixel up to
	// about 400,000 rows of our height.
	MaxRows = 100_000
	// countUpTo bounds the exact count, which is cheap for the local catalogue and optional for a service.
	countUpTo = 10_000
)

// SortOrder is one of the orders on offer.
type SortOrder uint8

// The orders on offer.
const (
	NewestFirst SortOrder = iota
	OldestFirst
	LeastCloud
	ByID
)

// Sorts lists the orders as the menu shows them.
func Sorts() []SortOrder { return []SortOrder{NewestFirst, OldestFirst, LeastCloud, ByID} }

// SortLabel names an order.
func (p *Printer) SortLabel(o SortOrder) string {
	switch o {
	case OldestFirst:
		return p.T("Oldest first")
	case LeastCloud:
		return p.T("Least cloud first")
	case ByID:
		return p.T("By name")
	}
	return p.T("Newest first")
}

func (o SortOrder) keys() []catalog.SortKey {
	switch o {
	case OldestFirst:
		return []catalog.SortKey{{Field: "datetime"}}
	case LeastCloud:
		return []catalog.SortKey{{Field: "eo:cloud_cover"}, {Field: "datetime", Desc: true}}
	case ByID:
		return []catalog.SortKey{{Field: "id"}}
	}
	return nil
}

// Tone says how a banner should feel.
type Tone uint8

// The tones.
const (
	ToneQuiet Tone = iota
	ToneWarning
	ToneError
)

// Banner is a line above the results about where they come from.
type Banner struct {
	Text   string
	Tone   Tone
	Action Action
}

// ResultsState is what the result list shows.
type ResultsState struct {
	Phase   Phase
	Count   string // "1–100 of 2,345"
	Loaded  int
	More    bool // there are more pages
	Loading bool // a further page is under way
	Problem Problem
	// MoreProblem is why the last page failed to come; the rows before it stay.
	MoreProblem Problem
	Banner      Banner
	Sort        SortOrder
	Selected    int
	// Version changes when rows were added or replaced, not when the selection changed.
	Version int
}

// ResultRow is one line of the list.
type ResultRow struct {
	Key        catalog.Key
	Item       catalog.Item
	Title      string
	Collection string
	Date       string
	Cloud      string // empty where unknown
	Selected   bool
	Current    bool
}

// Results is the presenter of the result list and of the selection that the map shares.
type Results struct {
	signal
	// OnSelection is called when the selection, the current row or the row under the pointer changed, and nothing else did.
	OnSelection func()
	// OnAnswer is called with the origin of each page that came, and with the error of each that didn't.
	OnAnswer func(o catalog.Origin, err error)

	do      Dispatcher
	p       *Printer
	source  catalog.Source
	timeout time.Duration

	state  ResultsState
	query  catalog.Query
	next   catalog.Cursor
	items  []catalog.Item
	index  map[string]int // by Key.String, the id that the map uses
	match  catalog.Count
	origin catalog.Origin
	gen    int
	cancel context.CancelFunc

	selected map[catalog.Key]bool
	current  int // row that the detail shows; -1 for none
	anchor   int // where a range selection starts
	hover    string
}

// NewResults returns the presenter of an empty list.
func NewResults(do Dispatcher, p *Printer) *Results {
	r := &Results{do: do, p: p, timeout: 60 * time.Second, cancel: func() {}, current: -1}
	r.clear()
	return r
}

func (r *Results) clear() {
	r.cancel()
	r.gen++
	r.items, r.index, r.selected = nil, map[string]int{}, map[catalog.Key]bool{}
	r.next, r.match, r.origin = "", catalog.Count{}, catalog.Origin{}
	r.current, r.anchor, r.hover = -1, -1, ""
	r.state = ResultsState{Sort: r.state.Sort, Version: r.state.Version + 1}
}

// State returns what the list shows now.
func (r *Results) State() ResultsState { return r.state }

// SetSource empties the list and asks another catalogue from now on.
func (r *Results) SetSource(src catalog.Source) {
	r.source = src
	r.clear()
	r.tell()
}

// Run asks a question. The one before it is cancelled, and its answer, should it still come, is dropped.
func (r *Results) Run(q catalog.Query) {
	if r.source == nil {
		return
	}
	q.Sort, q.Limit, q.CountUpTo, q.Cursor = r.state.Sort.keys(), PageSize, countUpTo, ""
	r.clear()
	r.query = q
	r.state.Phase = PhaseLoading
	r.fetch(q)
	r.tell()
}

// Again asks the last question once more.
func (r *Results) Again() {
	if r.state.Phase != PhaseIdle {
		r.Run(r.query)
	}
}

// Stop gives up the question that is under way.
func (r *Results) Stop() {
	r.cancel()
	r.gen++
	if r.state.Phase == PhaseLoading {
		r.state.Phase = PhaseIdle
	}
	r.state.Loading = false
	r.tell()
}

// More fetches the next page, unless there is none, or one is under way.
func (r *Results) More() {
	if !r.state.More || r.state.Loading || r.state.Phase != PhaseReady {
		return
	}
	r.state.Loading, r.state.MoreProblem = true, Problem{}
	q := r.query
	q.Cursor, q.CountUpTo = r.next, 0
	r.fetch(q)
	r.tell()
}

// SetSort changes the order and asks again.
func (r *Results) SetSort(o SortOrder) {
	if o == r.state.Sort {
		return
	}
	r.state.Sort = o
	r.Again()
}

func (r *Results) fetch(q catalog.Query) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	r.cancel = cancel
	gen, src := r.gen, r.source
	go func() {
		defer cancel()
		page, err := src.Search(ctx, q)
		r.do(func() {
			if gen != r.gen {
				return
			}
			if err != nil {
				r.failed(err)
			} else {
				r.came(page, q.Cursor == "")
			}
			if r.OnAnswer != nil {
				r.OnAnswer(page.Origin, err)
			}
			r.tell()
		})
	}()
}

func (r *Results) failed(err error) {
	r.state.Loading = false
	if r.state.Phase == PhaseLoading {
		r.state.Phase, r.state.Problem = PhaseFailed, r.p.Explain(err)
		return
	}
	r.state.MoreProblem = r.p.Explain(err)
}

func (r *Results) came(page catalog.Page, firstPage bool) {
	r.state.Loading, r.state.Phase = false, PhaseReady
	if firstPage {
		r.match = page.Matched
	}
	// The list before stays as the view holds it: rows are only ever added to a new slice header.
	for _, it := range page.Items {
		id := it.Key.String()
		if _, twice := r.index[id]; twice || len(r.items) >= MaxRows {
			continue
		}
		r.index[id] = len(r.items)
		r.items = append(r.items, it)
	}
	r.next = page.Next
	r.origin = worse(r.origin, page.Origin, firstPage)
	r.state.More = page.Next != "" && len(r.items) < MaxRows
	r.state.Loaded = len(r.items)
	r.state.Version++
	if len(r.items) == 0 && !r.state.More {
		r.state.Phase = PhaseEmpty
	}
	r.state.Count = r.p.count(len(r.items), r.match, r.state.More)
	r.state.Banner = r.p.OriginBanner(r.origin)
}

// worse keeps the less certain of the origins of two pages, so that a list whose third page came from the copy says so.
func worse(a, b catalog.Origin, firstPage bool) catalog.Origin {
	if firstPage || b.Kind == catalog.OriginLocal {
		return b
	}
	return a
}

// count writes "1–100 of 2,345" as far as it is known.
func (p *Printer) count(loaded int, c catalog.Count, more bool) string {
	n := int64(loaded)
	switch {
	case loaded == 0:
		return p.T("No image")
	case !more:
		return p.N("{n} images", n)
	case c.Kind == catalog.CountExact && c.N >= n:
		return p.T("1–{loaded} of {total}", "loaded", p.Int(n), "total", p.Int(c.N))
	case c.Kind == catalog.CountAtLeast && c.N > n:
		return p.T("1–{loaded} of more than {total}", "loaded", p.Int(n), "total", p.Int(c.N))
	}
	return p.T("1–{loaded}, and more", "loaded", p.Int(n))
}

// Len returns the number of rows.
func (r *Results) Len() int { return len(r.items) }

// Row returns a row in words; the zero row if there is no such one.
func (r *Results) Row(i int) ResultRow {
	if i < 0 || i >= len(r.items) {
		return ResultRow{}
	}
	it := r.items[i]
	row := ResultRow{
		Key: it.Key, Item: it, Title: first(it.Title, string(it.Key.Item)), Collection: string(it.Key.Collection),
		Date: r.p.Date(first2(it.Datetime, it.Time.Start)), Selected: r.selected[it.Key], Current: i == r.current,
	}
	if !math.IsNaN(it.CloudCover) {
		row.Cloud = r.p.Percent(it.CloudCover)
	}
	return row
}

func first2(a, b time.Time) time.Time {
	if !a.IsZero() {
		return a
	}
	return b
}

// Items returns the rows' items in order. The slice must not be changed.
func (r *Results) Items() []catalog.Item { return slices.Clip(r.items) }

// IndexOf returns the row of an item by the id that the map uses (Key.String), or -1.
func (r *Results) IndexOf(id string) int {
	if i, ok := r.index[id]; ok {
		return i
	}
	return -1
}

func (r *Results) tell() {
	r.state.Selected = len(r.selected)
	r.changed()
}

// Busy reports whether an answer is under way.
func (r *Results) Busy() bool { return r.state.Phase == PhaseLoading || r.state.Loading }
