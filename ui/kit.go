package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// The small parts that the views are built of. Each follows the theme when it is refreshed.

// cut says where a text that is too long is cut.
type cut uint8

const (
	cutNever  cut = iota // asks for its full width
	cutEnd               // "long na…"
	cutMiddle            // "long…name": for ids, whose ends tell them apart
)

// text is one line of text in a colour and size of the theme, without the padding of a label.
type text struct {
	widget.BaseWidget
	value string
	color fyne.ThemeColorName
	size  fyne.ThemeSizeName
	bold  bool
	mono  bool
	align fyne.TextAlign
	cut   cut
}

func newText(value string, color fyne.ThemeColorName, size fyne.ThemeSizeName, c cut) *text {
	t := &text{value: value, color: color, size: size, cut: c}
	t.ExtendBaseWidget(t)
	return t
}

// strong returns a bold text in the colour of the foreground.
func strong(value string, c cut) *text {
	t := newText(value, theme.ColorNameForeground, theme.SizeNameText, c)
	t.bold = true
	return t
}

// caption returns a small text of second rank.
func caption(value string, c cut) *text {
	return newText(value, colorMuted, theme.SizeNameCaptionText, c)
}

// SetText changes the text, and repaints only if it is another one.
func (t *text) SetText(s string) {
	if t.value != s {
		t.value = s
		t.Refresh()
	}
}

// SetColor changes the colour by name.
func (t *text) SetColor(c fyne.ThemeColorName) {
	if t.color != c {
		t.color = c
		t.Refresh()
	}
}

func (t *text) style() fyne.TextStyle { return fyne.TextStyle{Bold: t.bold, Monospace: t.mono} }

// CreateRenderer implements fyne.Widget.
func (t *text) CreateRenderer() fyne.WidgetRenderer {
	r := &textRenderer{t: t, line: canvas.NewText("", colorOf(t.color))}
	r.apply()
	return r
}

type textRenderer struct {
	t     *text
	line  *canvas.Text
	shown string
	width float32
}

func (r *textRenderer) apply() {
	t := r.t
	r.line.Color, r.line.TextSize = colorOf(t.color), sizeOf(t.size)
	r.line.TextStyle, r.line.Alignment = t.style(), t.align
}

func (r *textRenderer) Layout(s fyne.Size) {
	if r.t.value != r.shown || s.Width != r.width {
		r.shown, r.width = r.t.value, s.Width
		r.line.Text = shorten(r.t.value, s.Width, r.line.TextSize, r.line.TextStyle, r.t.cut)
		r.line.Refresh()
	}
	h := r.line.MinSize().Height
	r.line.Move(fyne.NewPos(0, (s.Height-h)/2))
	r.line.Resize(fyne.NewSize(s.Width, h))
}

func (r *textRenderer) MinSize() fyne.Size {
	size, style := sizeOf(r.t.size), r.t.style()
	if r.t.cut == cutNever {
		return fyne.MeasureText(r.t.value, size, style)
	}
	return fyne.NewSize(24, fyne.MeasureText("Ég", size, style).Height)
}

func (r *textRenderer) Refresh() {
	r.apply()
	r.width = -1
	r.Layout(r.t.Size())
	r.line.Refresh()
}

func (r *textRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.line} }
func (r *textRenderer) Destroy()                     {}

// shorten cuts s so that it fits into width, with an ellipsis.
func shorten(s string, width, size float32, style fyne.TextStyle, c cut) string {
	if c == cutNever || s == "" || width <= 0 || fyne.MeasureText(s, size, style).Width <= width {
		return s
	}
	runes := []rune(s)
	lo, hi := 0, len(runes)-1
	best := "…"
	for lo <= hi {
		mid := (lo + hi) / 2
		candidate := string(runes[:mid]) + "…"
		if c == cutMiddle {
			head := (mid + 1) / 2
			candidate = string(runes[:head]) + "…" + string(runes[len(runes)-(mid-head):])
		}
		if fyne.MeasureText(candidate, size, style).Width <= width {
			best, lo = candidate, mid+1
		} else {
			hi = mid - 1
		}
	}
	return best
}

// surface is a ground in a colour of the theme.
type surface struct {
	widget.BaseWidget
	color  fyne.ThemeColorName
	border fyne.ThemeColorName // empty: none
	radius float32
	min    fyne.Size
}

func newSurface(color fyne.ThemeColorName, radius float32) *surface {
	s := &surface{color: color, radius: radius}
	s.ExtendBaseWidget(s)
	return s
}

// SetColor changes the colour by name; empty makes it invisible.
func (s *surface) SetColor(c fyne.ThemeColorName) {
	if s.color != c {
		s.color = c
		s.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (s *surface) CreateRenderer() fyne.WidgetRenderer {
	r := &surfaceRenderer{s: s, rect: canvas.NewRectangle(rgba(0, 0))}
	r.Refresh()
	return r
}

type surfaceRenderer struct {
	s    *surface
	rect *canvas.Rectangle
}

func (r *surfaceRenderer) Layout(s fyne.Size)           { r.rect.Resize(s) }
func (r *surfaceRenderer) MinSize() fyne.Size           { return r.s.min }
func (r *surfaceRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.rect} }
func (r *surfaceRenderer) Destroy()                     {}

func (r *surfaceRenderer) Refresh() {
	r.rect.FillColor = rgba(0, 0)
	if r.s.color != "" {
		r.rect.FillColor = colorOf(r.s.color)
	}
	r.rect.CornerRadius = r.s.radius
	if r.s.border != "" {
		r.rect.StrokeColor, r.rect.StrokeWidth = colorOf(r.s.border), 1
	}
	r.rect.Refresh()
}

// newDot returns a round mark of a size in a colour of the theme.
func newDot(color fyne.ThemeColorName, diameter float32) *surface {
	s := newSurface(color, diameter/2)
	s.min = fyne.NewSquareSize(diameter)
	return s
}

// bar is a thin progress bar.
type bar struct {
	widget.BaseWidget
	value float64 // 0 to 1; negative: unknown
	color fyne.ThemeColorName
}

func newBar() *bar {
	b := &bar{color: theme.ColorNamePrimary}
	b.ExtendBaseWidget(b)
	return b
}

// Set changes the value and the colour.
func (b *bar) Set(value float64, color fyne.ThemeColorName) {
	if b.value != value || b.color != color {
		b.value, b.color = value, color
		b.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (b *bar) CreateRenderer() fyne.WidgetRenderer {
	r := &barRenderer{b: b, track: canvas.NewRectangle(rgba(0, 0)), fill: canvas.NewRectangle(rgba(0, 0))}
	r.Refresh()
	return r
}

type barRenderer struct {
	b           *bar
	track, fill *canvas.Rectangle
}

const barHeight = 4

func (r *barRenderer) Layout(s fyne.Size) {
	y := (s.Height - barHeight) / 2
	r.track.Move(fyne.NewPos(0, y))
	r.track.Resize(fyne.NewSize(s.Width, barHeight))
	r.fill.Move(fyne.NewPos(0, y))
	r.fill.Resize(fyne.NewSize(s.Width*float32(min(max(r.b.value, 0), 1)), barHeight))
}

func (r *barRenderer) MinSize() fyne.Size           { return fyne.NewSize(40, barHeight) }
func (r *barRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.track, r.fill} }
func (r *barRenderer) Destroy()                     {}

func (r *barRenderer) Refresh() {
	r.track.FillColor, r.track.CornerRadius = colorOf(colorTrack), barHeight/2
	r.fill.FillColor, r.fill.CornerRadius = colorOf(r.b.color), barHeight/2
	r.Layout(r.b.Size())
	r.track.Refresh()
	r.fill.Refresh()
}
