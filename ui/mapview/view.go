package mapview

import (
	"image"
	"image/color"
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// view is what Fyne sees of a map: the moving picture, the drawing in progress, and what is fixed on the glass before it.
type view struct {
	m        *Map
	sea      *canvas.Rectangle
	raster   *canvas.Raster
	moving   *fyne.Container // holds the raster, without a layout
	clip     *container.Clip
	draft    *draftView
	cross    [4]*canvas.Line
	ring     *canvas.Rectangle
	controls *controls
	glass    *glass
	blank    *image.RGBA
}

func newView(m *Map) *view {
	v := &view{m: m, blank: image.NewRGBA(image.Rect(0, 0, 1, 1))}
	v.sea = canvas.NewRectangle(m.opts.Palette.Sea)
	v.raster = canvas.NewRaster(v.generate)
	v.moving = container.NewWithoutLayout(v.raster)
	v.draft = newDraftView()
	for i := range v.cross {
		v.cross[i] = canvas.NewLine(m.opts.Palette.Text)
		v.cross[i].StrokeWidth = 1.5
		v.cross[i].Hide()
	}
	v.ring = canvas.NewRectangle(color.Transparent)
	v.ring.StrokeWidth = 2
	v.ring.Hide()
	v.controls = newControls(m)
	v.glass = newGlass(m)
	inner := container.NewWithoutLayout(v.moving, v.draft.box)
	for _, l := range v.cross {
		inner.Add(l)
	}
	v.clip = container.NewClip(inner)
	return v
}

// generate hands out the picture that is shown. It draws nothing: it runs while Fyne paints.
func (v *view) generate(_, _ int) image.Image {
	if v.m.pic.img == nil {
		return v.blank
	}
	return v.m.pic.img
}

// setPicture shows the new picture of the map.
func (v *view) setPicture() {
	v.place()
	v.raster.Refresh()
}

// place puts the picture where the camera looks: a motion moves it, a zoom stretches it until a sharp one is there.
func (v *view) place() {
	p, c := v.m.pic, v.m.cam
	if p.img == nil {
		return
	}
	grown := math.Exp2(c.zoom - p.cam.zoom)
	w := float64(p.img.Rect.Dx()) / p.scale * grown
	h := float64(p.img.Rect.Dy()) / p.scale * grown
	dx, dy := offset(p.cam, c)
	x := float64(c.size.Width)/2 + dx - w/2
	y := float64(c.size.Height)/2 + dy - h/2
	// On whole pixels the picture stays sharp.
	x, y = math.Round(x*p.scale)/p.scale, math.Round(y*p.scale)/p.scale
	v.raster.Resize(fyne.NewSize(float32(w), float32(h)))
	v.raster.Move(fyne.NewPos(float32(x), float32(y)))
}

// update puts everything that depends on the camera in its place.
func (v *view) update() {
	v.place()
	v.draft.update(v.m)
	v.glass.update(v.m)
}

func (v *view) setPalette(p raster.Palette) {
	v.sea.FillColor = p.Sea
	v.sea.Refresh()
	for _, l := range v.cross {
		l.StrokeColor = p.Text
		l.Refresh()
	}
	v.draft.update(v.m)
}

// setFocus shows where the keyboard acts.
func (v *view) setFocus(on bool) {
	v.ring.StrokeColor = theme.Color(theme.ColorNameFocus)
	for _, o := range v.focusMarks() {
		if on {
			o.Show()
		} else {
			o.Hide()
		}
	}
	v.ring.Refresh()
}

func (v *view) focusMarks() []fyne.CanvasObject {
	out := []fyne.CanvasObject{v.ring}
	for _, l := range v.cross {
		out = append(out, l)
	}
	return out
}

// CreateRenderer implements fyne.Widget.
func (m *Map) CreateRenderer() fyne.WidgetRenderer { return &mapRenderer{m.view} }

type mapRenderer struct{ v *view }

func (r *mapRenderer) Destroy() {}

func (r *mapRenderer) MinSize() fyne.Size { return fyne.NewSize(200, 160) }

func (r *mapRenderer) Objects() []fyne.CanvasObject {
	v := r.v
	return append([]fyne.CanvasObject{v.sea, v.clip}, append(v.glass.objects(), v.controls.box, v.ring)...)
}

func (r *mapRenderer) Layout(s fyne.Size) {
	v := r.v
	v.sea.Resize(s)
	v.clip.Resize(s)
	v.ring.Resize(s)
	const arm, gap = 11, 4
	c := fyne.NewPos(s.Width/2, s.Height/2)
	for i, d := range [...][2]float32{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
		v.cross[i].Position1 = c.AddXY(d[0]*gap, d[1]*gap)
		v.cross[i].Position2 = c.AddXY(d[0]*arm, d[1]*arm)
	}
	v.controls.box.Resize(v.controls.box.MinSize())
	v.controls.box.Move(fyne.NewPos(theme.Padding()*2, theme.Padding()*2))
	r.v.m.resized(s)
	v.update()
}

func (r *mapRenderer) Refresh() {
	r.v.controls.refresh()
	r.v.glass.refresh()
	r.v.update()
	canvas.Refresh(r.v.m)
}

// pill is a line of text on a rounded ground, readable on any map.
type pill struct {
	ground *canvas.Rectangle
	text   *widget.Label
	box    *fyne.Container
}

func newPill() *pill {
	p := &pill{ground: canvas.NewRectangle(color.Transparent), text: widget.NewLabel("")}
	p.text.SizeName = theme.SizeNameCaptionText
	p.ground.CornerRadius = 6
	p.box = container.NewStack(p.ground, p.text)
	p.box.Hide()
	return p
}

// set changes the text; without any the pill disappears.
func (p *pill) set(text string) {
	if text == "" {
		p.box.Hide()
		return
	}
	if p.text.Text != text {
		p.text.SetText(text)
	}
	p.box.Resize(p.box.MinSize())
	p.box.Show()
}

func (p *pill) refresh() {
	p.ground.FillColor = translucent(theme.Color(theme.ColorNameOverlayBackground))
	p.ground.Refresh()
	p.text.Refresh()
}

func translucent(c color.Color) color.NRGBA {
	n, ok := color.NRGBAModel.Convert(c).(color.NRGBA)
	if !ok {
		return color.NRGBA{}
	}
	n.A = 0xD9
	return n
}
