package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// collectionList offers the collections as boxes to check.
type collectionList struct {
	s     *Shell
	root  *fyne.Container
	list  *widget.List
	rows  []present.CollectionRow
	state *stateView
}

func newCollectionList(s *Shell) *collectionList {
	c := &collectionList{s: s}
	c.list = widget.NewList(func() int { return len(c.rows) }, func() fyne.CanvasObject { return newCollectionRow(s) },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			if i < len(c.rows) {
				o.(*collectionRow).show(c.rows[i])
				s.place("collections.row."+itoa(i), func() fyne.CanvasObject { return o.(*collectionRow).check })
			}
		})
	c.list.HideSeparators = true
	c.list.OnSelected = func(i widget.ListItemID) {
		c.list.Unselect(i)
		s.search.Check(c.rows[i].ID, !c.rows[i].Checked)
	}
	c.state = newStateView(s)
	c.root = container.NewStack(sized(container.NewStack(c.list, c.state.root), fyne.NewSize(60, 132)))
	return c
}

func (c *collectionList) show() {
	st, p := c.s.search.State(), c.s.p
	c.rows = st.Collections
	switch st.CollectionsPhase {
	case present.PhaseLoading:
		c.state.wait(p.T("Asking for the collections…"))
	case present.PhaseFailed:
		c.state.problem(st.CollectionsProblem, c.s.search.LoadCollections)
	case present.PhaseEmpty:
		c.state.say(nil, p.T("No collections"), p.T("This catalogue is empty, or none of it was fetched yet."), present.ActionNone, nil)
	case present.PhaseIdle:
		c.state.say(nil, "", p.T("Choose a connection first."), present.ActionNone, nil)
	default:
		c.state.hide()
		if len(c.rows) == 0 {
			c.state.say(nil, "", p.T("No collection has these words."), present.ActionNone, nil)
		}
	}
	c.list.Refresh()
}

// collectionRow is one collection: a box, its title, its years and its licence.
type collectionRow struct {
	widget.BaseWidget
	s       *Shell
	id      catalog.CollectionID
	epoch   int
	check   *box
	title   *text
	hint    string
	licence *chip
	root    fyne.CanvasObject
}

func newCollectionRow(s *Shell) *collectionRow {
	r := &collectionRow{s: s, check: newBox(s.status, "", nil), title: newText("", theme.ColorNameForeground, theme.SizeNameText, cutEnd)}
	r.licence = newChip("")
	r.root = border{left: r.check, right: middle(r.licence), centre: r.title}.build()
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements fyne.Widget.
func (r *collectionRow) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(r.root) }

func (r *collectionRow) show(c present.CollectionRow) {
	r.s.repaint(&r.epoch, r.root)
	r.id = c.ID
	r.check.OnChanged = nil
	r.check.SetChecked(c.Checked)
	r.check.OnChanged = func(on bool) { r.s.search.Check(r.id, on) }
	r.title.SetText(c.Title)
	r.hint = hintOf(c)
	r.licence.SetText(c.License)
	r.Refresh()
}

// hintOf says what the title leaves out.
func hintOf(c present.CollectionRow) string {
	hint := string(c.ID)
	for _, s := range []string{c.Years, c.License, cutText(c.Description, 160)} {
		if s != "" {
			hint += " · " + s
		}
	}
	return hint
}

// cutText cuts a text to its first line and at most n characters.
func cutText(s string, n int) string {
	line, rest := cutLine(s)
	r := []rune(line)
	if len(r) > n {
		return string(r[:n]) + "…"
	}
	if rest != "" {
		return line + " …"
	}
	return line
}

// MouseIn implements desktop.Hoverable.
func (r *collectionRow) MouseIn(*desktop.MouseEvent) { r.s.status.Hint(r.hint) }

// MouseMoved implements desktop.Hoverable.
func (r *collectionRow) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (r *collectionRow) MouseOut() { r.s.status.Hint("") }

// chip is a short word on a ground of its own.
type chip struct {
	widget.BaseWidget
	label  *text
	ground *surface
}

func newChip(s string) *chip {
	c := &chip{label: caption(s, cutNever), ground: newSurface(colorChip, 5)}
	c.ExtendBaseWidget(c)
	return c
}

// SetText changes the word; a chip without one is not shown.
func (c *chip) SetText(s string) {
	if s == "" {
		c.Hide()
		return
	}
	c.Show()
	c.label.SetText(s)
}

// CreateRenderer implements fyne.Widget.
func (c *chip) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(c.ground, pad(c.label, 1, 6, 1, 6)))
}
