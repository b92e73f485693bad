package ui

import (
	"fyne.io/fyne/v2"
)

// bindKeys gives the window the keys without a modifier, which reach it when no widget has the focus. Widgets of ours that take the
// focus pass them on through windowKey.
func (s *Shell) bindKeys() {
	s.win.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) { s.windowKey(e) })
	s.status.keys = s.windowKey
	s.panels = []func(){
		s.form.focus,
		func() { s.focusMap() },
		func() {
			s.win.Canvas().Focus(s.list.list)
			if s.results.Current() < 0 {
				s.results.MakeCurrent(0)
			}
		},
		func() {
			s.transfer.setFolded(false)
			s.win.Canvas().Focus(s.transfer.list)
		},
	}
}

// windowKey acts on a key that means the same everywhere, and reports whether it did.
func (s *Shell) windowKey(e *fyne.KeyEvent) bool {
	switch e.Name {
	case fyne.KeyF1:
		s.dialogs.shortcuts()
	case fyne.KeyF6:
		s.focusPanel((s.panelNow + 1) % len(s.panels))
	case fyne.KeyEscape:
		return s.escape()
	default:
		return false
	}
	return true
}

// escape closes a dialog, else stops what is under way: a tool, then a search.
func (s *Shell) escape() bool {
	if s.dialogs.close() {
		return true
	}
	if s.stage.dropTool() {
		return true
	}
	if s.results.Busy() {
		s.results.Stop()
		return true
	}
	return false
}

func (s *Shell) focusPanel(i int) {
	s.panelNow = i
	s.panels[i]()
}

func (s *Shell) focusMap() {
	if f, ok := fyne.CanvasObject(s.stage.view).(fyne.Focusable); ok {
		s.win.Canvas().Focus(f)
	}
}
