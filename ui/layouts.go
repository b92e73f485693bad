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

// atMost narrows the minimum of an object, so that a long text in it cannot push the window wide.
func atMost(o fyne.CanvasObject, width float32) fyne.CanvasObject {
	return container.New(atMostLayout(width), o)
}

type atMostLayout float32

func (l atMostLayout) MinSize(objects []fyne.CanvasObject) fyne.Size {
	m := objects[0].MinSize()
	return fyne.NewSize(fyne.Min(m.Width, float32(l)), m.Height)
}

func (atMostLayout) Layout(objects []fyne.CanvasObject, s fyne.Size) { objects[0].Resize(s) }

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
