package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// stateView fills a view that has nothing to show with the reason, and with the action that helps.
type stateView struct {
	s      *Shell
	root   *fyne.Container
	sign   *widget.Icon
	busy   *widget.Activity
	title  *widget.Label
	text   *widget.Label
	button *widget.Button
	then   func()
}

func newStateView(s *Shell) *stateView {
	v := &stateView{s: s, sign: widget.NewIcon(nil), busy: widget.NewActivity()}
	v.title = paragraph("", widget.MediumImportance, fyne.TextAlignCenter)
	v.title.TextStyle.Bold = true
	v.text = paragraph("", widget.MediumImportance, fyne.TextAlignCenter)
	v.text.SizeName = theme.SizeNameCaptionText
	v.button = widget.NewButton("", func() {
		if v.then != nil {
			v.then()
		}
	})
	v.button.Importance = widget.HighImportance
	column := vbox(2,
		container.NewCenter(sized(v.sign, fyne.NewSquareSize(32))), container.NewCenter(sized(v.busy, fyne.NewSquareSize(28))),
		v.title, v.text, container.NewCenter(v.button),
	)
	ground := newSurface(colorPanel, 0)
	v.root = container.NewStack(ground, container.NewVBox(layout.NewSpacer(), pad(column, 4, 14, 4, 14), layout.NewSpacer()))
	v.root.Hide()
	return v
}

func (v *stateView) hide() {
	v.busy.Stop()
	v.root.Hide()
}

// wait says that something is under way.
func (v *stateView) wait(text string) {
	v.fill(nil, "", text, present.ActionNone, nil)
	v.busy.Start()
	v.busy.Show()
	v.root.Refresh()
}

// say shows a state, with an action if there is one; retry is what "Try again" does.
func (v *stateView) say(sign fyne.Resource, title, text string, action present.Action, retry func()) {
	v.fill(sign, title, text, action, retry)
	v.root.Refresh()
}

// problem shows an error in words.
func (v *stateView) problem(p present.Problem, retry func()) {
	v.fill(theme.NewWarningThemedResource(theme.WarningIcon()), p.Text, shortDetail(p), p.Action, retry)
	v.root.Refresh()
}

// shortDetail is the technical cause, cut so that it doesn't push the rest away.
func shortDetail(p present.Problem) string {
	const most = 220
	if r := []rune(p.Detail); len(r) > most {
		return string(r[:most]) + "…"
	}
	return p.Detail
}

func (v *stateView) fill(sign fyne.Resource, title, text string, action present.Action, retry func()) {
	v.busy.Stop()
	v.busy.Hide()
	show(v.sign, sign != nil)
	if sign != nil {
		v.sign.SetResource(sign)
	}
	show(v.title, title != "")
	v.title.SetText(title)
	show(v.text, text != "")
	v.text.SetText(text)
	label := v.s.p.ActionLabel(action)
	show(v.button, label != "")
	v.button.SetText(label)
	v.then = func() { v.s.act(action, retry) }
	v.root.Show()
}

func show(o fyne.CanvasObject, on bool) {
	if on {
		o.Show()
	} else {
		o.Hide()
	}
}

// newSkeleton shows rows without content where results are about to be. It stands still: an animation would repaint the whole
// window at each step.
func newSkeleton() *fyne.Container {
	rows := container.New(layout.NewCustomPaddedVBoxLayout(0))
	for i := range 7 {
		thumb := newSurface(colorSkeleton, 4)
		thumb.min = fyne.NewSquareSize(52)
		line := func(share float32, height float32) fyne.CanvasObject {
			s := newSurface(colorSkeleton, height/2)
			s.min = fyne.NewSize(10, height)
			return container.New(shareLayout(share), s)
		}
		words := middle(vbox(8, line(0.85-float32(i%3)*0.09, 11), line(0.45, 8), line(0.3+float32(i%2)*0.06, 8)))
		rows.Add(pad(border{left: hbox(0, newGap(34), thumb, newGap(8)), centre: words}.build(), 5, 10, 5, 0))
	}
	clip := container.NewClip(rows)
	root := container.NewStack(newSurface(colorPanel, 0), clip)
	root.Hide()
	return root
}

// shareLayout gives an object a share of the width.
type shareLayout float32

func (shareLayout) MinSize(o []fyne.CanvasObject) fyne.Size { return o[0].MinSize() }

func (l shareLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Resize(fyne.NewSize(s.Width*float32(l), s.Height))
}

// bannerView is a line above a list about where it comes from.
type bannerView struct {
	s      *Shell
	root   *fyne.Container
	ground *surface
	sign   *widget.Icon
	text   *widget.Label
	button *widget.Button
	then   func()
	fit    func() // lays out again what the banner stands in, after its height changed
}

func newBannerView(s *Shell) *bannerView {
	b := &bannerView{s: s, ground: newSurface(colorWarnGround, 0), sign: widget.NewIcon(nil), text: paragraph("", widget.MediumImportance, fyne.TextAlignLeading)}
	b.text.SizeName = theme.SizeNameCaptionText
	b.button = widget.NewButton("", func() {
		if b.then != nil {
			b.then()
		}
	})
	b.button.Importance = widget.LowImportance
	// The action stands below the text: beside it, a narrow panel would leave the text four short lines.
	words := vbox(0, b.text, container.NewHBox(layout.NewSpacer(), b.button))
	row := border{left: container.NewVBox(pad(sized(b.sign, fyne.NewSquareSize(18)), 4, 0, 0, 0)), centre: words}.build()
	b.root = container.NewStack(b.ground, pad(row, 0, 6, 0, 10))
	b.root.Hide()
	return b
}

func (b *bannerView) show(banner present.Banner, retry func()) {
	if b.fit != nil {
		defer b.fit()
	}
	if banner.Text == "" {
		b.root.Hide()
		return
	}
	sign := icon("offline")
	switch banner.Tone {
	case present.ToneQuiet:
		b.ground.SetColor(colorChip)
	case present.ToneWarning:
		b.ground.SetColor(colorWarnGround)
	case present.ToneError:
		b.ground.SetColor(colorErrorGround)
		sign = theme.NewErrorThemedResource(theme.ErrorIcon())
	}
	b.sign.SetResource(sign)
	b.text.SetText(banner.Text)
	label := b.s.p.ActionLabel(banner.Action)
	show(b.button, label != "")
	b.button.SetText(label)
	b.then = func() { b.s.act(banner.Action, retry) }
	b.root.Show()
	b.root.Refresh()
}

// picture shows a small image, a placeholder while it comes, and nothing to complain about where there is none.
type picture struct {
	widget.BaseWidget
	ground *surface
	img    *canvas.Image
	sign   *widget.Icon
	id     string // of the item it shows or waits for
	size   fyne.Size
}

func newPicture(size fyne.Size, radius float32) *picture {
	p := &picture{ground: newSurface(colorSkeleton, radius), img: &canvas.Image{}, sign: widget.NewIcon(icon("satellite")), size: size}
	// The pictures come at their size: scaling here would run on the UI goroutine.
	p.img.ScaleMode, p.img.FillMode = canvas.ImageScaleFastest, canvas.ImageFillContain
	p.img.CornerRadius = radius
	p.img.Hide()
	p.sign.Hide()
	p.ExtendBaseWidget(p)
	return p
}

// CreateRenderer implements fyne.Widget.
func (p *picture) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(sized(container.NewStack(p.ground, container.NewCenter(sized(p.sign, fyne.NewSquareSize(22))), p.img), p.size))
}
