package mapview

import (
	"math"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// restAfter is how long the view has to stand still before OnViewport is called.
const restAfter = 150 * time.Millisecond

// france is where the map looks before anyone has said where: metropolitan France with Corsica.
var france = geo.BBox{West: -5.6, South: 41.2, East: 10, North: 51.4}

// New makes a map. It starts goroutines that draw; Close ends them.
func New(o Options) *Map {
	if o.Dispatch == nil {
		o.Dispatch = fyne.Do
	}
	if o.Palette == (raster.Palette{}) {
		o.Palette = raster.Light()
	}
	o.Labels = o.Labels.orEnglish()
	m := &Map{opts: o, fit: &france}
	m.request.palette, m.request.language = o.Palette, o.Language
	m.pointer.now = time.Now
	m.view = newView(m)
	m.ExtendBaseWidget(m)
	fonts := raster.Fonts{Regular: theme.DefaultTextFont().Content(), Bold: theme.DefaultTextBoldFont().Content()}
	m.worker = startWorker(fonts, func(p picture) { o.Dispatch(func() { m.take(p) }) })
	return m
}

// Close ends the goroutines of the map and its callbacks. It may be called more than once; the map keeps its last picture.
func (m *Map) Close() {
	m.closed = true
	m.worker.stop()
	if m.settle != nil {
		m.settle.Stop()
	}
}

// SetFootprints replaces what is shown, in drawing order: the last lies on top. The slice is kept; don't change it.
func (m *Map) SetFootprints(list []Footprint) {
	m.request.footprints = list
	m.request.revision++
	m.redraw()
}

// SetSelection highlights these footprints. Ids that are not shown take effect when they are.
func (m *Map) SetSelection(ids []string) {
	if slices.Equal(m.request.selection, ids) {
		return
	}
	m.request.selection = slices.Clone(ids)
	m.redraw()
}

// SetHover highlights one footprint, such as the one whose row the pointer is on; "" means none. OnHover is not called.
func (m *Map) SetHover(id string) {
	if m.request.hover == id {
		return
	}
	m.request.hover = id
	m.redraw()
}

// SetArea shows the area of interest; an empty geometry means none. OnArea is not called.
func (m *Map) SetArea(g geom.Geometry) {
	if geom.ExactEquals(m.request.area, g) {
		return
	}
	m.request.area = g
	m.view.controls.setArea(!g.IsEmpty())
	m.redraw()
}

// SetTool changes what a drag or click does. A drawing that has been begun is given up.
func (m *Map) SetTool(t Tool) {
	m.draft = draft{}
	if m.tool == t {
		m.view.update()
		return
	}
	m.tool = t
	m.view.controls.setTool(t)
	m.view.update()
	if m.OnTool != nil {
		m.OnTool(t)
	}
}

// Tool returns the current tool.
func (m *Map) Tool() Tool { return m.tool }

// SetPalette changes the colours, for instance with the theme.
func (m *Map) SetPalette(p raster.Palette) {
	m.request.palette = p
	m.view.setPalette(p)
	m.redraw()
}

// Viewport returns the visible part of the world. West > East where it runs over the antimeridian. Before the map has a
// size it is what will be fitted.
func (m *Map) Viewport() geo.BBox {
	if !m.sized() {
		return *m.fit
	}
	return m.cam.viewport()
}

// Fit shows all of a box, with a margin.
func (m *Map) Fit(b geo.BBox) {
	if b.Valid() != nil {
		return
	}
	m.fit = &b
	if m.sized() {
		m.show(m.cam.fitted(b))
	}
}

// FitFootprints shows all footprints; without any, the area; without that, France.
func (m *Map) FitFootprints() {
	if b, ok := m.shapes.Bounds(); ok {
		m.Fit(b)
		return
	}
	if !m.request.area.IsEmpty() {
		m.Fit(geo.Bounds(m.request.area))
		return
	}
	m.Fit(france)
}

// ZoomIn shows half as much in each direction.
func (m *Map) ZoomIn() { m.look(m.cam.zoomed(1, m.centre())) }

// ZoomOut shows twice as much in each direction.
func (m *Map) ZoomOut() { m.look(m.cam.zoomed(-1, m.centre())) }

// ClearArea takes the area away and tells OnArea.
func (m *Map) ClearArea() {
	m.SetTool(ToolPan)
	m.SetArea(geom.Geometry{})
	if m.OnArea != nil {
		m.OnArea(geom.Geometry{})
	}
}

func (m *Map) centre() fyne.Position { return fyne.NewPos(m.cam.size.Width/2, m.cam.size.Height/2) }

func (m *Map) sized() bool { return m.cam.size.Width >= 1 && m.cam.size.Height >= 1 }

// resized tells the camera about the size of the view. What was fitted stays fitted until the user looks elsewhere, as
// windows grow in steps; else the centre of the map stays.
func (m *Map) resized(s fyne.Size) {
	if m.cam.size == s {
		return
	}
	m.cam.size = s
	if !m.sized() {
		return
	}
	if m.fit != nil {
		m.show(m.cam.fitted(*m.fit))
		return
	}
	m.show(m.cam.settled())
}

// look moves the camera on behalf of the user.
func (m *Map) look(c camera) {
	if !m.sized() {
		return
	}
	m.fit = nil
	m.show(c)
}

// show moves the camera: at once with the picture that is there, and sharp as soon as a new one is drawn.
func (m *Map) show(c camera) {
	m.cam = c
	m.view.update()
	if m.needsPicture() {
		m.redraw()
	}
	m.announce()
}

// needsPicture reports whether the picture is of another zoom or size, or its margin is mostly used up.
func (m *Map) needsPicture() bool {
	p := m.pic
	if p.img == nil || p.cam.zoom != m.cam.zoom || p.cam.size != m.cam.size || p.scale != m.scale() {
		return true
	}
	dx, dy := offset(p.cam, m.cam)
	// Half of the margin may be used up before a new picture is worth its work.
	right := (float64(p.img.Rect.Dx())/p.scale - float64(m.cam.size.Width)) / 4
	below := (float64(p.img.Rect.Dy())/p.scale - float64(m.cam.size.Height)) / 4
	return math.Abs(dx) > right || math.Abs(dy) > below
}

// redraw orders a picture of what is to be seen now.
func (m *Map) redraw() {
	if m.closed || !m.sized() {
		return
	}
	m.request.cam, m.request.scale = m.cam, m.scale()
	m.worker.submit(m.request)
}

// take takes a picture from the worker.
func (m *Map) take(p picture) {
	if m.closed {
		return
	}
	old := m.pic.img
	m.pic, m.shapes = p, p.footprints
	m.view.setPicture()
	m.worker.giveBack(old)
	if m.needsPicture() && m.request.cam != m.cam {
		m.redraw()
	}
}

// scale returns the pixels per point of the canvas that the map is on.
func (m *Map) scale() float64 {
	c := fyne.CurrentApp().Driver().CanvasForObject(m)
	if c == nil {
		return 1
	}
	const far = 1024
	px, _ := c.PixelCoordinateForPosition(fyne.NewPos(far, far))
	if px <= 0 {
		return 1
	}
	return float64(px) / far
}

// announce tells OnViewport once the view has come to rest.
func (m *Map) announce() {
	if m.closed {
		return
	}
	if m.settle == nil {
		m.settle = time.AfterFunc(restAfter, func() { m.opts.Dispatch(m.atRest) })
		return
	}
	m.settle.Reset(restAfter)
}

func (m *Map) atRest() {
	if m.closed || !m.sized() {
		return
	}
	// A drag ends near the edge of its picture: have a centred one ready for the next.
	if dx, dy := offset(m.pic.cam, m.cam); dx != 0 || dy != 0 {
		m.redraw()
	}
	if b := m.cam.viewport(); b != m.lastTold {
		m.lastTold = b
		if m.OnViewport != nil {
			m.OnViewport(b)
		}
	}
}

// describe returns the text of the tooltip for the footprints under the pointer, the topmost first.
func (m *Map) describe(ids []string) string {
	if len(ids) == 0 || m.opts.Describe == nil {
		return ""
	}
	text := m.opts.Describe(ids[0])
	if text != "" && len(ids) > 1 {
		text += "\n" + strings.Replace(m.opts.Labels.More, "%d", m.opts.Labels.grouped(float64(len(ids)-1)), 1)
	}
	return text
}
