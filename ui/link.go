package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// link is a text that opens a web page.
type link struct {
	text
	s    *Shell
	href string
}

func newLink(s *Shell, label, href string) *link {
	l := &link{s: s, href: href}
	l.value, l.color, l.size, l.cut = label, theme.ColorNameHyperlink, theme.SizeNameCaptionText, cutEnd
	l.ExtendBaseWidget(l)
	return l
}

// Tapped implements fyne.Tappable.
func (l *link) Tapped(*fyne.PointEvent) { l.s.openURL(l.href) }

// Cursor implements desktop.Cursorable.
func (l *link) Cursor() desktop.Cursor { return desktop.PointerCursor }

// MouseIn implements desktop.Hoverable.
func (l *link) MouseIn(*desktop.MouseEvent) { l.s.status.Hint(l.href) }

// MouseMoved implements desktop.Hoverable.
func (l *link) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (l *link) MouseOut() { l.s.status.Hint("") }

// hintIcon is a sign that says in the status bar what it means.
type hintIcon struct {
	widget.Icon
	bar  *statusBar
	hint string
}

func newHintIcon(bar *statusBar, res fyne.Resource, hint string) *hintIcon {
	i := &hintIcon{bar: bar, hint: hint}
	i.Resource = res
	i.ExtendBaseWidget(i)
	return i
}

// MouseIn implements desktop.Hoverable.
func (i *hintIcon) MouseIn(*desktop.MouseEvent) { i.bar.Hint(i.hint) }

// MouseMoved implements desktop.Hoverable.
func (i *hintIcon) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (i *hintIcon) MouseOut() { i.bar.Hint("") }
