package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"

	"github.com/peterstace/simplefeatures/geom"
)

// searchForm asks what to search for.
type searchForm struct {
	s    *Shell
	root fyne.CanvasObject

	words       *field
	filter      *field
	collections *collectionList
	chosen      *text
	from, to    *dateField
	dateProblem *text
	cloud       *widget.Slider
	cloudText   *text
	areaSize    *text
	areaBounds  *text
	rect, poly  *hintButton
	clear       *hintButton
	search      *hintButton
}

func newSearchForm(s *Shell) *searchForm {
	f := &searchForm{s: s}
	p := s.p
	f.words = newField(s, p.T("Words or an identifier"))
	f.words.OnChanged = s.search.SetText
	f.words.SetText("")

	top := vbox(10,
		vbox(4, f.heading(p.T("Find"), nil), f.words),
	)
	foot := vbox(10,
		f.buildDates(),
		f.buildCloud(),
		f.buildArea(),
	)
	f.chosen = caption("", cutNever)
	f.filter = newField(s, p.T("Filter the collections"))
	f.filter.OnChanged = s.search.FilterCollections
	f.collections = newCollectionList(s)
	collections := border{
		top: vbox(4, f.heading(p.T("Collections"), f.chosen), f.filter, newGap(1)), centre: f.collections.root,
	}.build()

	body := border{top: pad(top, 0, 0, 10, 0), bottom: pad(foot, 10, 0, 0, 0), centre: collections}.build()
	scroll := container.NewVScroll(pad(body, 12, 14, 12, 14))

	f.search = newHintButton(s.status, p.T("Search"), theme.SearchIcon(), p.T("Search (Enter, or Ctrl+Enter from anywhere)"), s.runSearch)
	f.search.Importance = widget.HighImportance
	reset := newHintButton(s.status, p.T("Reset"), nil, p.T("Empty the form"), s.search.Reset).quiet()
	buttons := border{right: reset, centre: f.search}.build()
	f.root = panel(border{bottom: vbox(0, rule(), pad(buttons, 8, 14, 8, 14)), centre: scroll}.tight())

	placed(s, "search", f.search)
	placed(s, "reset", reset)
	placed(s, "words", f.words)
	placed(s, "collections.filter", f.filter)
	s.search.Observe(f.show)
	s.results.Observe(f.showBusy)
	f.show()
	return f
}

// heading is the title of a part of the form, with a remark at its right.
func (f *searchForm) heading(title string, remark fyne.CanvasObject) fyne.CanvasObject {
	h := newText(title, colorMuted, theme.SizeNameCaptionText, cutNever)
	h.bold = true
	if remark == nil {
		return h
	}
	return container.NewHBox(h, layout.NewSpacer(), remark)
}

func (f *searchForm) buildDates() fyne.CanvasObject {
	p := f.s.p
	f.from = newDateField(f.s, p.T("From"), func(t time.Time) { f.s.search.SetDates(t, f.s.search.State().To) })
	f.to = newDateField(f.s, p.T("To"), func(t time.Time) { f.s.search.SetDates(f.s.search.State().From, t) })
	f.dateProblem = newText("", theme.ColorNameError, theme.SizeNameCaptionText, cutEnd)
	quick := func(label string, r present.QuickRange) fyne.CanvasObject {
		b := newHintButton(f.s.status, label, nil, p.T("Set the dates"), func() { f.s.search.SetQuickRange(r) })
		b.Importance = widget.LowImportance
		return placed(f.s, "quick."+itoa(int(r)), b)
	}
	ranges := container.NewHBox(
		quick(p.T("This year"), present.ThisYear), quick(p.T("12 months"), present.LastTwelveMonths), quick(p.T("All"), present.WholeArchive),
	)
	placed(f.s, "from", f.from)
	placed(f.s, "to", f.to)
	return vbox(4, f.heading(p.T("Dates"), f.dateProblem), container.NewGridWithColumns(2, f.from, f.to), ranges)
}

func (f *searchForm) buildCloud() fyne.CanvasObject {
	f.cloudText = newText("", theme.ColorNameForeground, theme.SizeNameCaptionText, cutNever)
	f.cloud = widget.NewSlider(0, 100)
	f.cloud.Step = 5
	f.cloud.Value = 100
	f.cloud.OnChanged = f.s.search.SetMaxCloud
	placed(f.s, "cloud", f.cloud)
	return vbox(0, f.heading(f.s.p.T("Cloud cover"), f.cloudText), f.cloud)
}

func (f *searchForm) buildArea() fyne.CanvasObject {
	p, st := f.s.p, f.s.status
	f.areaSize = newText("", theme.ColorNameForeground, theme.SizeNameText, cutEnd)
	f.areaBounds = caption("", cutEnd)
	f.rect = newHintButton(st, "", icon("rectangle"), p.T("Draw a rectangle on the map"), func() { f.s.stage.useTool(mapview.ToolRectangle) })
	f.poly = newHintButton(st, "", icon("polygon"), p.T("Draw a polygon on the map: a click for each corner, a double click for the last"),
		func() { f.s.stage.useTool(mapview.ToolPolygon) })
	view := newHintButton(st, "", icon("viewport"), p.T("Search in what the map shows"), func() {
		f.s.search.SetAreaBox(f.s.stage.view.Viewport())
	})
	f.clear = newHintButton(st, "", theme.ContentClearIcon(), p.T("Search everywhere"), func() { f.s.search.SetArea(geom.Geometry{}) })
	placed(f.s, "tool.rectangle", f.rect)
	placed(f.s, "tool.polygon", f.poly)
	placed(f.s, "tool.view", view)
	placed(f.s, "tool.clear", f.clear)
	tools := container.NewHBox(f.rect, f.poly, view, f.clear)
	return vbox(4, f.heading(p.T("Area"), nil), tools, vbox(0, f.areaSize, f.areaBounds))
}

func (f *searchForm) show() {
	st, p := f.s.search.State(), f.s.p
	f.collections.show()
	switch {
	case st.CollectionsPhase != present.PhaseReady:
		f.chosen.SetText("")
	case st.CollectionsChecked == 0:
		f.chosen.SetText(p.T("all"))
	default:
		f.chosen.SetText(p.T("{n} of {total}", "n", st.CollectionsChecked, "total", st.CollectionsTotal))
	}
	f.from.Set(st.From)
	f.to.Set(st.To)
	f.dateProblem.SetText(st.Problem)
	if st.MaxCloud >= 100 {
		f.cloudText.SetText(p.T("any"))
	} else {
		f.cloudText.SetText(p.T("at most {percent}", "percent", p.Percent(st.MaxCloud)))
	}
	if f.cloud.Value != st.MaxCloud {
		f.cloud.Value = st.MaxCloud
		f.cloud.Refresh()
	}
	if f.words.Text != st.Text {
		f.words.SetText(st.Text)
	}
	if f.filter.Text != st.CollectionFilter {
		f.filter.SetText(st.CollectionFilter)
	}
	size, bounds := cutLine(st.AreaText)
	f.areaSize.SetText(size)
	f.areaBounds.SetText(bounds)
	enable(f.clear, !st.Area.IsEmpty())
	f.showBusy()
}

func cutLine(s string) (first, rest string) {
	for i, r := range s {
		if r == '\n' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func (f *searchForm) showBusy() {
	enable(f.search, f.s.search.State().Problem == "")
}

// showTool marks the tool that is in the hand.
func (f *searchForm) showTool(t mapview.Tool) {
	mark := func(b *hintButton, on bool) {
		imp := widget.MediumImportance
		if on {
			imp = widget.HighImportance
		}
		if b.Importance != imp {
			b.Importance = imp
			b.Refresh()
		}
	}
	mark(f.rect, t == mapview.ToolRectangle)
	mark(f.poly, t == mapview.ToolPolygon)
}

func (f *searchForm) focus() { f.s.win.Canvas().Focus(f.words) }
