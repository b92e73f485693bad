package ui

import (
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

func itoa(i int) string { return strconv.Itoa(i) }

// statusBar is the line at the foot of the window: what the control under the pointer does, and short news.
type statusBar struct {
	root       fyne.CanvasObject
	left       *text
	news, hint string
	// keys acts on the keys that mean the same everywhere, for the controls that take the focus.
	keys      func(*fyne.KeyEvent) bool
	newsUntil time.Time
}

// newsFor is how long a piece of news stays before a hint may take its place.
const newsFor = 6 * time.Second

func newStatusBar() *statusBar {
	b := &statusBar{left: caption("", cutEnd), keys: func(*fyne.KeyEvent) bool { return false }}
	b.root = border{top: rule(), centre: panel(pad(b.left, 3, 12, 3, 12))}.tight()
	return b
}

// Say shows a piece of news.
func (b *statusBar) Say(text string) {
	b.news, b.newsUntil = text, time.Now().Add(newsFor)
	b.show()
}

// Hint shows what the control under the pointer does; empty when there is none.
func (b *statusBar) Hint(text string) {
	b.hint = text
	if time.Now().After(b.newsUntil) {
		b.news = ""
	}
	b.show()
}

func (b *statusBar) show() {
	if b.news != "" {
		b.left.SetText(b.news)
		return
	}
	b.left.SetText(b.hint)
}

// hintButton is a button that says in the status bar what it does.
type hintButton struct {
	widget.Button
	bar  *statusBar
	hint string
}

func newHintButton(bar *statusBar, label string, icon fyne.Resource, hint string, tapped func()) *hintButton {
	b := &hintButton{bar: bar, hint: hint}
	b.Text, b.Icon, b.OnTapped = label, icon, tapped
	b.ExtendBaseWidget(b)
	return b
}

// quiet makes the button a plain icon or word without ground.
func (b *hintButton) quiet() *hintButton {
	b.Importance = widget.LowImportance
	return b
}

// MouseIn implements desktop.Hoverable.
func (b *hintButton) MouseIn(e *desktop.MouseEvent) {
	b.bar.Hint(b.hint)
	b.Button.MouseIn(e)
}

// MouseOut implements desktop.Hoverable.
func (b *hintButton) MouseOut() {
	b.bar.Hint("")
	b.Button.MouseOut()
}

// FocusGained implements fyne.Focusable.
func (b *hintButton) FocusGained() {
	b.bar.Hint(b.hint)
	b.Button.FocusGained()
}

// TypedKey implements fyne.Focusable.
func (b *hintButton) TypedKey(e *fyne.KeyEvent) {
	if !b.bar.keys(e) {
		b.Button.TypedKey(e)
	}
}

// box is a check box that passes the keys of the window on.
type box struct {
	widget.Check
	bar *statusBar
}

func newBox(bar *statusBar, label string, changed func(bool)) *box {
	b := &box{bar: bar}
	b.Text, b.OnChanged = label, changed
	b.ExtendBaseWidget(b)
	return b
}

// TypedKey implements fyne.Focusable.
func (b *box) TypedKey(e *fyne.KeyEvent) {
	if !b.bar.keys(e) {
		b.Check.TypedKey(e)
	}
}

// AccessibilityLabel says what an icon without a word does.
func (b *hintButton) AccessibilityLabel() string {
	if b.Text != "" {
		return b.Text
	}
	return b.hint
}

// enable switches a button without a repaint when nothing changes.
func enable(b fyne.Disableable, on bool) {
	switch {
	case on && b.Disabled():
		b.Enable()
	case !on && !b.Disabled():
		b.Disable()
	}
}
