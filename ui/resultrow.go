package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// resultRow is one image in the list: a box, its picture, its name, date, cloud and collection.
type resultRow struct {
	widget.BaseWidget
	v     *resultsView
	index int
	epoch int
	id    string

	ground     *surface
	edge       *surface
	check      *box
	pic        *picture
	title      *text
	date       *text
	cloud      *text
	cloudSign  *widget.Icon
	collection *text
	root       fyne.CanvasObject
}

var (
	_ desktop.Mouseable   = (*resultRow)(nil)
	_ desktop.Hoverable   = (*resultRow)(nil)
	_ fyne.Tappable       = (*resultRow)(nil)
	_ fyne.DoubleTappable = (*resultRow)(nil)
)

func newResultRow(v *resultsView) *resultRow {
	r := &resultRow{v: v, index: -1}
	r.ground, r.edge = newSurface("", 0), newSurface("", 0)
	r.edge.min = fyne.NewSize(3, 1)
	r.check = newBox(v.s.status, "", nil)
	r.pic = newPicture(fyne.NewSquareSize(52), 4)
	r.title = strong("", cutMiddle)
	r.date = newText("", theme.ColorNameForeground, theme.SizeNameCaptionText, cutNever)
	r.cloud = caption("", cutNever)
	r.cloudSign = widget.NewIcon(icon("cloud"))
	r.collection = caption("", cutEnd)
	facts := hbox(6, r.date, newGap(2), sized(r.cloudSign, fyne.NewSquareSize(14)), r.cloud)
	words := middle(vbox(1, r.title, facts, r.collection))
	row := border{left: hbox(4, r.edge, middle(r.check), middle(r.pic), newGap(4)), centre: words}.build()
	r.root = container.NewStack(r.ground, pad(row, 3, 10, 3, 0))
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements fyne.Widget.
func (r *resultRow) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(r.root) }

func (r *resultRow) show(row present.ResultRow, hover string) {
	r.v.s.repaint(&r.epoch, r.root)
	r.id = row.Key.String()
	r.title.SetText(row.Title)
	r.date.SetText(row.Date)
	r.cloud.SetText(row.Cloud)
	show(r.cloudSign, row.Cloud != "")
	r.collection.SetText(row.Collection)
	r.pic.load(r.v.s.thumbs, row.Item)
	r.showState(row, hover)
}

// showState shows what selection and pointer do to the row.
func (r *resultRow) showState(row present.ResultRow, hover string) {
	ground, edge := fyne.ThemeColorName(""), fyne.ThemeColorName("")
	switch {
	case row.Selected:
		ground, edge = colorMarkGround, colorMark
	case hover == r.id && hover != "":
		ground = colorHoverGround
	}
	if row.Current && !row.Selected {
		edge = theme.ColorNamePrimary
	}
	r.ground.SetColor(ground)
	r.edge.SetColor(edge)
	if r.check.Checked != row.Selected {
		r.check.OnChanged = nil
		r.check.SetChecked(row.Selected)
	}
	r.check.OnChanged = func(bool) { r.v.s.results.Select(r.index, present.SelectToggle) }
}

// MouseDown implements desktop.Mouseable: selection follows the press, with the modifiers that only this event tells.
func (r *resultRow) MouseDown(e *desktop.MouseEvent) {
	if e.Button != desktop.MouseButtonPrimary {
		return
	}
	mode := present.SelectOnly
	switch {
	case e.Modifier&fyne.KeyModifierShift != 0:
		mode = present.SelectRange
	case e.Modifier&(fyne.KeyModifierControl|fyne.KeyModifierSuper) != 0:
		mode = present.SelectToggle
	}
	r.v.s.win.Canvas().Focus(r.v.list)
	r.v.s.results.Select(r.index, mode)
}

// MouseUp implements desktop.Mouseable.
func (r *resultRow) MouseUp(*desktop.MouseEvent) {}

// Tapped implements fyne.Tappable, so that the list does not select by itself.
func (r *resultRow) Tapped(*fyne.PointEvent) {}

// DoubleTapped implements fyne.DoubleTappable: it shows the image on the map.
func (r *resultRow) DoubleTapped(*fyne.PointEvent) { r.v.s.stage.zoomTo(r.id) }

// MouseIn implements desktop.Hoverable.
func (r *resultRow) MouseIn(*desktop.MouseEvent) { r.v.s.results.SetHover(r.id) }

// MouseMoved implements desktop.Hoverable.
func (r *resultRow) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (r *resultRow) MouseOut() {
	if r.v.s.results.Hover() == r.id {
		r.v.s.results.SetHover("")
	}
}
