package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// The positions of the splitters on a first start, for a window of 1440 × 860.
const (
	defaultLeft   = 0.205 // form | map and right side
	defaultRight  = 0.66  // map | right side
	defaultDetail = 0.50  // list over detail
	defaultBottom = 0.80  // all of it over transfers
)

// arrange puts the views into the window: form, map and results side by side, transfers below.
func (s *Shell) arrange() {
	l := s.settings.Layout
	s.right = container.NewVSplit(s.list.root, s.inspect.root)
	s.right.Offset = or(l.Detail, defaultDetail)
	s.main = container.NewHSplit(s.stage.root, s.right)
	s.main.Offset = or(l.Right, defaultRight)
	s.sides = container.NewHSplit(s.form.root, s.main)
	s.sides.Offset = or(l.Left, defaultLeft)
	s.whole = container.NewVSplit(s.sides, s.transfer.root)
	s.whole.Offset = or(l.Bottom, defaultBottom)
	s.transfer.setFolded(l.TransfersHidden)
	s.win.SetContent(border{top: s.top.root, bottom: s.status.root, centre: s.whole}.build())
	s.place("map", func() fyne.CanvasObject { return s.stage.root })
	s.place("results", func() fyne.CanvasObject { return s.list.list })
}

func or(v, otherwise float64) float64 {
	if v <= 0 || v >= 1 {
		return otherwise
	}
	return v
}
