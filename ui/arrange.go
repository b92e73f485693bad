package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// The positions of the splitters on a first start, for a window of 1440 × 860.
const (
	defaultLeft   = 0.265 // form | map
	defaultBottom = 0.80  // form and map over transfers
	defaultRight  = 0.735 // all that | results and detail
	defaultDetail = 0.52  // results over detail
)

// arrange puts the views into the window: form and map over the transfers, results and detail at the right for its whole height.
func (s *Shell) arrange() {
	l := s.settings.Layout
	s.right = container.NewVSplit(s.list.root, s.inspect.root)
	s.right.Offset = or(l.Detail, defaultDetail)
	s.sides = container.NewHSplit(s.form.root, s.stage.root)
	s.sides.Offset = or(l.Left, defaultLeft)
	s.whole = container.NewVSplit(s.sides, s.transfer.root)
	s.whole.Offset = or(l.Bottom, defaultBottom)
	s.main = container.NewHSplit(s.whole, s.right)
	s.main.Offset = or(l.Right, defaultRight)
	s.transfer.setFolded(l.TransfersHidden)
	s.win.SetContent(border{top: s.top.root, bottom: s.status.root, centre: s.main}.tight())
	s.place("map", func() fyne.CanvasObject { return s.stage.root })
	s.place("results", func() fyne.CanvasObject { return s.list.list })
}

func or(v, otherwise float64) float64 {
	if v <= 0 || v >= 1 {
		return otherwise
	}
	return v
}
