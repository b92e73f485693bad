package ui

import "fyne.io/fyne/v2"

// repaint refreshes all of a recycled row if the theme changed since it was seen last: Fyne refreshes only what is on screen then.
func (s *Shell) repaint(seen *int, o fyne.CanvasObject) {
	if *seen == s.epoch {
		return
	}
	*seen = s.epoch
	refreshAll(o)
}

func refreshAll(o fyne.CanvasObject) {
	if c, ok := o.(*fyne.Container); ok {
		for _, child := range c.Objects {
			refreshAll(child)
		}
		return
	}
	switch w := o.(type) {
	case *picture:
		w.ground.Refresh()
		w.sign.Refresh()
	case *chip:
		w.ground.Refresh()
		w.label.Refresh()
	default:
		o.Refresh()
	}
}
