package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// pad adds room around an object, in the order of CSS: top, right, bottom, left.
func pad(o fyne.CanvasObject, top, right, bottom, left float32) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(top, bottom, left, right), o)
}

// vbox stacks objects with a gap of its own.
func vbox(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(gap), objects...)
}

// hbox lines objects up with a gap of its own.
func hbox(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedHBoxLayout(gap), objects...)
}

// border is container.NewBorder without a need to name what is absent.
type border struct{ top, bottom, left, right, centre fyne.CanvasObject }

func (b border) build() *fyne.Container {
	if b.centre == nil {
		return container.NewBorder(b.top, b.bottom, b.left, b.right)
	}
	return container.NewBorder(b.top, b.bottom, b.left, b.right, b.centre)
}

// tight is a border without room between its parts.
func (b border) tight() *fyne.Container {
	var all []fyne.CanvasObject
	for _, o := range []fyne.CanvasObject{b.top, b.bottom, b.left, b.right, b.centre} {
		if o != nil {
			all = append(all, o)
		}
	}
	return container.New(tightLayout(b), all...)
}

type tightLayout border

func (l tightLayout) sizes() (top, bottom, left, right, centre fyne.Size) {
	size := func(o fyne.CanvasObject) fyne.Size {
		if o == nil || !o.Visible() {
			return fyne.Size{}
		}
		return o.MinSize()
	}
	return size(l.top), size(l.bottom), size(l.left), size(l.right), size(l.centre)
}

func (l tightLayout) MinSize([]fyne.CanvasObject) fyne.Size {
	top, bottom, left, right, centre := l.sizes()
	w := fyne.Max(fyne.Max(top.Width, bottom.Width), left.Width+right.Width+centre.Width)
	h := top.Height + bottom.Height + fyne.Max(fyne.Max(left.Height, right.Height), centre.Height)
	return fyne.NewSize(w, h)
}

func (l tightLayout) Layout(_ []fyne.CanvasObject, s fyne.Size) {
	top, bottom, left, right, _ := l.sizes()
	put := func(o fyne.CanvasObject, x, y, w, h float32) {
		if o != nil && o.Visible() {
			o.Move(fyne.NewPos(x, y))
			o.Resize(fyne.NewSize(fyne.Max(w, 0), fyne.Max(h, 0)))
		}
	}
	h := s.Height - top.Height - bottom.Height
	put(l.top, 0, 0, s.Width, top.Height)
	put(l.bottom, 0, s.Height-bottom.Height, s.Width, bottom.Height)
	put(l.left, 0, top.Height, left.Width, h)
	put(l.right, s.Width-right.Width, top.Height, right.Width, h)
	put(l.centre, left.Width, top.Height, s.Width-left.Width-right.Width, h)
}

// refit lays containers out again, inner ones first, after something in them appeared, went or changed its height: Fyne does so by itself
// only when their own size changes. A text that wraps knows its height only once it has its width, so that it takes two rounds.
func refit(containers ...*fyne.Container) {
	for range 2 {
		for _, c := range containers {
			c.Layout.Layout(c.Objects, c.Size())
		}
	}
}

// panel puts content on the ground of a panel.
func panel(content fyne.CanvasObject) *fyne.Container {
	return container.NewStack(newSurface(colorPanel, 0), content)
}

// middle centres an object vertically and leaves it its own height.
func middle(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(middleLayout{}, o)
}

type middleLayout struct{}

func (middleLayout) MinSize(objects []fyne.CanvasObject) fyne.Size { return objects[0].MinSize() }

func (middleLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	h := objects[0].MinSize().Height
	objects[0].Move(fyne.NewPos(0, (s.Height-h)/2))
	objects[0].Resize(fyne.NewSize(s.Width, h))
}

// sized gives an object at least a size.
func sized(o fyne.CanvasObject, min fyne.Size) fyne.CanvasObject {
	return container.New(sizedLayout(min), o)
}

type sizedLayout fyne.Size

func (l sizedLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return objects[0].MinSize().Max(fyne.Size(l))
}

func (sizedLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) { objects[0].Resize(s) }

// paragraph is a text that wraps.
func paragraph(s string, importance widget.Importance, align fyne.TextAlign) *widget.Label {
	l := widget.NewLabel(s)
	l.Wrapping, l.Importance, l.Alignment = fyne.TextWrapWord, importance, align
	return l
}

// rule is a thin line between two parts of a panel.
func rule() fyne.CanvasObject {
	s := newSurface(theme.ColorNameSeparator, 0)
	s.min = fyne.NewSize(1, 1)
	return s
}
