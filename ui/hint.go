package ui

import (
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

func itoa(i int) string { return strconv.Itoa(i) }

// statusBar is the line at the foot of the window: what the control under the pointer does, and short news.
type statusBar struct {
	root       fyne.CanvasObject
	left       *text
	right      *text
	news, hint string
	newsUntil  time.Time
}

// newsFor is how long a piece of news stays before a hint may take its place.
const newsFor = 6 * time.Second

func newStatusBar() *statusBar {
	b := &statusBar{left: caption("", cutEnd), right: caption("", cutNever)}
	row := container.New(layout.NewBorderLayout(nil, nil, nil, b.right), b.left, b.right)
	b.root = border{top: rule(), centre: panel(pad(row, 3, 12, 3, 12))}.tight()
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

// Right shows a standing fact at the right.
func (b *statusBar) Right(text string) { b.right.SetText(text) }

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
