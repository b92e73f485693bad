package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// thumbPixels is the longer side of a thumbnail in the list, for screens of up to twice the density.
const thumbPixels = 104

// resultsView is the list of what was found.
type resultsView struct {
	s        *Shell
	root     fyne.CanvasObject
	list     *resultList
	count    *text
	selected *text
	sort     *hintButton
	download *hintButton
	banner   *bannerView
	state    *stateView
	skeleton *fyne.Container // what is shown while the first answer is under way
	more     *fyne.Container
	moreBusy *widget.Activity
	moreText *widget.Label
	moreDo   *widget.Button
	rows     map[*resultRow]int // the rows on screen and which result each shows
	version  int
}

func newResultsView(s *Shell) *resultsView {
	v := &resultsView{s: s, rows: map[*resultRow]int{}}
	p := s.p
	v.count = strong(p.T("Results"), cutEnd)
	v.selected = caption("", cutNever)
	v.sort = newHintButton(s.status, p.SortLabel(present.NewestFirst), theme.MenuDropDownIcon(), p.T("Choose the order"), v.showSorts).quiet()
	v.sort.IconPlacement = widget.ButtonIconTrailingText
	v.download = newHintButton(s.status, p.T("Download"), theme.DownloadIcon(), p.T("Download the selected images (Ctrl+D)"), s.downloadSelection)
	v.download.Importance = widget.HighImportance
	v.banner = newBannerView(s)
	v.list = newResultList(v)
	v.state = newStateView(s)
	v.skeleton = newSkeleton()
	v.buildMore()

	head := border{right: v.sort, centre: v.count}.build()
	second := border{right: v.download, centre: v.selected}.build()
	top := vbox(0, pad(head, 6, 6, 0, 12), pad(second, 0, 12, 6, 12), v.banner.root, rule())
	frame := border{top: top, bottom: v.more, centre: container.NewStack(v.list, v.state.root, v.skeleton)}.tight()
	v.root = panel(frame)
	v.banner.fit = func() { refit(top, frame) }
	placed(s, "results.banner", v.banner.root)
	placed(s, "sort", v.sort)
	placed(s, "download", v.download)
	s.results.Observe(v.show)
	s.conns.Observe(v.show)
	s.account.Observe(v.show)
	v.show()
	return v
}

func (v *resultsView) buildMore() {
	v.moreBusy = widget.NewActivity()
	v.moreText = paragraph("", widget.MediumImportance, fyne.TextAlignLeading)
	v.moreDo = widget.NewButton(v.s.p.T("Load more"), v.s.results.More)
	row := border{left: middle(v.moreBusy), right: middle(v.moreDo), centre: v.moreText}.build()
	v.more = vbox(0, rule(), pad(row, 2, 8, 2, 10))
	v.s.place("more", func() fyne.CanvasObject { return v.moreDo })
}

func (v *resultsView) show() {
	st, p := v.s.results.State(), v.s.p
	v.count.SetText(st.Count)
	switch {
	case st.Phase == present.PhaseLoading:
		v.count.SetText(p.T("Searching…"))
	case st.Count == "":
		v.count.SetText(p.T("Results"))
	}
	v.sort.SetText(p.SortLabel(st.Sort))
	v.banner.show(st.Banner, v.s.results.Again)
	v.showState(st)
	v.showMore(st)
	v.showSelected()
	if st.Version != v.version {
		if st.Loaded <= present.PageSize {
			v.list.ScrollTo(0)
		}
		v.version = st.Version
		v.list.Refresh()
	}
}

func (v *resultsView) showState(st present.ResultsState) {
	p := v.s.p
	conn := v.s.conns.State()
	show(v.skeleton, st.Phase == present.PhaseLoading)
	switch st.Phase {
	case present.PhaseReady, present.PhaseLoading:
		v.state.hide()
	case present.PhaseFailed:
		v.state.problem(st.Problem, v.s.results.Again)
	case present.PhaseEmpty:
		text := p.T("Widen the area or the dates, or let more cloud through.")
		action := present.ActionForm
		if conn.Offline && st.Banner.Tone == present.ToneWarning {
			text, action = p.T("You work offline, and this was not all fetched before. Go online to ask the service."), present.ActionOnline
		}
		v.state.say(theme.SearchIcon(), p.T("No image matches"), text, action, v.s.results.Again)
	default:
		v.showStart(conn)
	}
}

// showStart fills the list before the first search.
func (v *resultsView) showStart(conn present.ConnectionState) {
	p := v.s.p
	switch {
	case conn.Problem.Text != "":
		v.state.problem(conn.Problem, v.s.conns.Start)
	case conn.Current.ID == "" && !conn.Opening:
		v.state.say(icon("satellite"), p.T("No connection yet"), p.T("Add the address of a data centre to search in it."), present.ActionConnection, nil)
	case conn.Offline:
		v.state.say(icon("offline"), p.T("Working offline"), p.T("Search answers from the catalogue on this computer: what was found before is found again."),
			present.ActionNone, nil)
	default:
		v.state.say(icon("satellite"), p.T("Which images exist?"),
			p.T("Choose collections and dates, draw an area on the map, and search. Images appear here and on the map."), present.ActionNone, nil)
	}
}

func (v *resultsView) showMore(st present.ResultsState) {
	problem := st.MoreProblem.Text
	// The list asks for more by itself when its end comes near, so that the bar is there only while it waits or could not.
	show(v.more, st.Phase == present.PhaseReady && (st.Loading || problem != ""))
	v.moreText.SetText(problem)
	if st.Loading {
		v.moreBusy.Show()
		v.moreBusy.Start()
		v.moreText.SetText(v.s.p.T("Loading more…"))
	} else {
		v.moreBusy.Stop()
		v.moreBusy.Hide()
	}
	show(v.moreDo, problem != "" && !st.Loading)
}

func (v *resultsView) showSelected() {
	n := v.s.results.State().Selected
	text := v.s.p.T("Nothing selected")
	if n > 0 {
		text = v.s.p.N("{n} selected", int64(n))
	}
	v.selected.SetText(text)
	enable(v.download, n > 0)
}

// selectionChanged repaints the rows on screen, and nothing else.
func (v *resultsView) selectionChanged() {
	v.showSelected()
	hover := v.s.results.Hover()
	for r, i := range v.rows {
		r.showState(v.s.results.Row(i), hover)
	}
}

func (v *resultsView) scrollTo(row int) { v.list.ScrollTo(row) }

func (v *resultsView) showSorts() {
	var items []*fyne.MenuItem
	now := v.s.results.State().Sort
	for _, o := range present.Sorts() {
		it := fyne.NewMenuItem(v.s.p.SortLabel(o), func() { v.s.results.SetSort(o) })
		it.Checked = o == now
		items = append(items, it)
	}
	v.s.popUpMenu(items, v.sort)
}

// update fills a recycled row, and asks for more when the end comes near.
func (v *resultsView) update(i int, r *resultRow) {
	v.rows[r] = i
	r.index = i
	row := v.s.results.Row(i)
	if row.Title == "" {
		return
	}
	r.show(row, v.s.results.Hover())
	if i >= v.s.results.Len()-10 {
		v.s.results.More()
	}
}

func (v *resultsView) addRowPlaces(out map[string]Place) {
	for r, i := range v.rows {
		if p, ok := v.s.placeOf(r); ok && r.index == i && v.inList(p) {
			out["results.row."+itoa(i)] = p
			if c, ok := v.s.placeOf(r.check); ok {
				out["results.check."+itoa(i)] = c
			}
		}
	}
}

// inList reports whether a row's middle can be seen: rows that are scrolled away are still alive.
func (v *resultsView) inList(p Place) bool {
	list, ok := v.s.placeOf(v.list)
	mid := p.Y + p.Height/2
	return ok && mid > list.Y && mid < list.Y+list.Height && v.s.results.State().Phase == present.PhaseReady
}

func (v *resultsView) rowPlace(name string) (Place, bool) {
	all := map[string]Place{}
	v.addRowPlaces(all)
	p, ok := all[name]
	return p, ok
}

// resultList is a list with a selection of many rows, which the presenter holds, and the keys that go with it.
type resultList struct {
	widget.List
	v     *resultsView
	shift bool
}

func newResultList(v *resultsView) *resultList {
	l := &resultList{v: v}
	l.Length = func() int { return v.s.results.Len() }
	l.CreateItem = func() fyne.CanvasObject { return newResultRow(v) }
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) { v.update(i, o.(*resultRow)) }
	l.HideSeparators = true
	l.ExtendBaseWidget(l)
	return l
}

// KeyDown and KeyUp implement desktop.Keyable: Shift with an arrow extends the selection.
func (l *resultList) KeyDown(e *fyne.KeyEvent) {
	if e.Name == desktop.KeyShiftLeft || e.Name == desktop.KeyShiftRight {
		l.shift = true
	}
}

// KeyUp implements desktop.Keyable.
func (l *resultList) KeyUp(e *fyne.KeyEvent) {
	if e.Name == desktop.KeyShiftLeft || e.Name == desktop.KeyShiftRight {
		l.shift = false
	}
}

// FocusLost implements fyne.Focusable.
func (l *resultList) FocusLost() {
	l.shift = false
	l.List.FocusLost()
}

// FocusGained implements fyne.Focusable. The list below would mark the row that it takes for current; ours is the presenter's.
func (l *resultList) FocusGained() {
	l.v.s.status.Hint(l.v.s.p.T("Arrows move, Space selects, Shift extends, Ctrl+A selects all, Enter zooms to the image"))
}

// TypedKey implements fyne.Focusable.
func (l *resultList) TypedKey(e *fyne.KeyEvent) {
	r := l.v.s.results
	row := r.Current()
	page := max(int(l.Size().Height/rowHeight)-1, 1)
	switch e.Name {
	case fyne.KeyDown:
		l.moveTo(row + 1)
	case fyne.KeyUp:
		l.moveTo(max(row-1, 0))
	case fyne.KeyPageDown:
		l.moveTo(row + page)
	case fyne.KeyPageUp:
		l.moveTo(max(row-page, 0))
	case fyne.KeyHome:
		l.moveTo(0)
	case fyne.KeyEnd:
		l.moveTo(r.Len() - 1)
	case fyne.KeySpace:
		r.Select(max(row, 0), present.SelectToggle)
	case fyne.KeyReturn, fyne.KeyEnter:
		if it, ok := r.CurrentItem(); ok {
			l.v.s.stage.zoomTo(it.Key.String())
		}
	case fyne.KeyEscape:
		r.SelectNone()
	default:
		l.v.s.windowKey(e)
	}
}

func (l *resultList) moveTo(row int) {
	r := l.v.s.results
	row = min(max(row, 0), r.Len()-1)
	if row < 0 {
		return
	}
	if l.shift {
		r.Select(row, present.SelectRange)
	} else {
		r.Select(row, present.SelectOnly)
	}
	l.ScrollTo(row)
}

// TypedShortcut implements fyne.Shortcutable.
func (l *resultList) TypedShortcut(sc fyne.Shortcut) {
	switch sc.(type) {
	case *fyne.ShortcutSelectAll:
		l.v.s.results.SelectAll()
	case *fyne.ShortcutCopy:
		if it, ok := l.v.s.results.CurrentItem(); ok {
			l.v.s.copy(string(it.Key.Item))
			l.v.s.status.Say(l.v.s.p.T("The identifier is on the clipboard."))
		}
	}
}

// rowHeight is the height of a result, which the page keys need.
const rowHeight = 62
