package mapview

import (
	"image/color"
	"math"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// draft is an area that is being drawn: corners in degrees with continuous longitudes, and the place of the pointer.
type draft struct {
	corners  []geom.XY
	end      geom.XY
	hasEnd   bool
	crossing bool // finishing was refused because edges cross
	editing  Tool // what is being changed by a handle: ToolRectangle or ToolPolygon; ToolPan while nothing is
}

func (d *draft) begun() bool { return len(d.corners) > 0 }

// start sets the first corner.
func (d *draft) start(c camera, p fyne.Position) {
	*d = draft{}
	d.add(c, p)
}

// add sets a further corner.
func (d *draft) add(c camera, p fyne.Position) {
	xy := d.place(c, p)
	if n := len(d.corners); n > 0 && d.corners[n-1] == xy {
		return
	}
	d.corners = append(d.corners, xy)
	d.end, d.hasEnd, d.crossing = xy, true, false
}

// to moves the loose end.
func (d *draft) to(c camera, p fyne.Position) {
	if d.begun() {
		d.end, d.hasEnd = d.place(c, p), true
	}
}

// undo takes the last corner back.
func (d *draft) undo() {
	if d.begun() {
		d.corners = d.corners[:len(d.corners)-1]
		d.crossing = false
	}
}

// place returns the position under p on the turn of the globe nearest to the corners that are set.
func (d *draft) place(c camera, p fyne.Position) geom.XY {
	lon, lat := c.lonLat(p)
	if len(d.corners) > 0 {
		lon -= math.Round((lon-d.corners[0].X)/360) * 360
	}
	return geom.XY{X: lon, Y: min(max(lat, -90), 90)}
}

// drawing is what is being drawn, whether with a tool or by a handle.
func (m *Map) drawing() Tool {
	if m.draft.editing != ToolPan {
		return m.draft.editing
	}
	return m.tool
}

// outline returns the ring as it would be if the loose end were its last corner.
func (d *draft) outline(t Tool) []geom.XY {
	if !d.begun() {
		return nil
	}
	if t == ToolRectangle {
		a, b := d.corners[0], d.end
		return []geom.XY{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}}
	}
	ring := append([]geom.XY(nil), d.corners...)
	if d.hasEnd && d.end != ring[len(ring)-1] {
		ring = append(ring, d.end)
	}
	return ring
}

// rectangleCorner takes a click: the first sets a corner, the second the opposite one.
func (m *Map) rectangleCorner(p fyne.Position) {
	if !m.draft.begun() {
		m.draft.start(m.cam, p)
		m.view.update()
		return
	}
	m.draft.to(m.cam, p)
	m.finishRectangle()
}

func (m *Map) finishRectangle() {
	if !m.draft.begun() {
		return
	}
	a, b := m.draft.corners[0], m.draft.end
	west, east := min(a.X, b.X), max(a.X, b.X)
	south, north := min(a.Y, b.Y), max(a.Y, b.Y)
	if east-west < 1e-9 || north-south < 1e-9 {
		// A click that slipped is not an area: the corner stays for a second click.
		return
	}
	box := geo.BBox{West: -180, South: south, East: 180, North: north}
	if east-west < 360 {
		box.West, box.East = geo.WrapLon(west), geo.WrapLon(east)
	}
	m.drawn(box.Geometry())
}

// polygonCorner takes a click: it sets a corner, or finishes on the first corner or with a double click.
func (m *Map) polygonCorner(p fyne.Position, double bool) {
	if double {
		m.finishPolygon()
		return
	}
	if n := len(m.draft.corners); n >= 3 {
		if first := m.draft.corners[0]; within(p, m.cam.near(first, p), 2*near) {
			m.finishPolygon()
			return
		}
	}
	m.draft.add(m.cam, p)
	m.view.update()
}

// near returns the point of a place on the turn of the globe that is nearest to p.
func (c camera) near(xy geom.XY, p fyne.Position) fyne.Position {
	q := c.point(xy.X, xy.Y)
	w := c.world()
	q.X += float32(math.Round(float64(p.X-q.X)/w) * w)
	return q
}

// finishPolygon makes the corners an area. With fewer than three, or with edges that cross, drawing goes on.
func (m *Map) finishPolygon() {
	if len(m.draft.corners) < 3 {
		return
	}
	area, ok := polygon(m.draft.corners)
	if !ok {
		m.draft.crossing = true
		m.view.update()
		return
	}
	m.drawn(area)
}

// polygon closes a ring, and cuts it at the antimeridian. ok is false if it is no valid polygon.
func polygon(corners []geom.XY) (geom.Geometry, bool) {
	flat := make([]float64, 0, 2*len(corners)+2)
	for _, c := range corners {
		flat = append(flat, c.X, c.Y)
	}
	flat = append(flat, corners[0].X, corners[0].Y)
	line := geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
	p := geom.NewPolygon([]geom.LineString{line})
	if p.Validate() != nil {
		return geom.Geometry{}, false
	}
	return geo.Normalize(p.ForceCCW().AsGeometry())
}

// drawn takes the finished area, puts the tool away and tells the owner.
func (m *Map) drawn(area geom.Geometry) {
	m.SetTool(ToolPan)
	m.SetArea(area)
	if m.OnArea != nil {
		m.OnArea(area)
	}
}

// hint is the text at the top of the map while drawing: how large the area is, and what to do.
func (m *Map) hint() string {
	l := m.opts.Labels
	text := ""
	switch {
	case m.draft.crossing:
		return l.CrossingHint
	case m.tool == ToolRectangle:
		text = l.RectangleHint
	case m.tool == ToolPolygon:
		text = l.PolygonHint
	}
	ring := m.draft.outline(m.drawing())
	if len(ring) < 3 {
		return text
	}
	if a := ringArea(ring); a > 0 {
		text = strings.TrimSpace(l.area(a) + "   " + text)
	}
	return text
}

// draftView shows a draft with a few canvas objects, which follow the pointer without a new picture.
type draftView struct {
	box   *fyne.Container
	fill  *canvas.Rectangle
	lines []*canvas.Line
	dots  []*canvas.Circle
}

func newDraftView() *draftView {
	v := &draftView{fill: canvas.NewRectangle(color.Transparent), box: &fyne.Container{}}
	v.fill.Hide()
	v.box.Add(v.fill)
	return v
}

// update redraws the draft where the camera sees it.
func (v *draftView) update(m *Map) {
	ring := m.draft.outline(m.drawing())
	v.updateFill(m, ring)
	n := len(ring)
	if n < 2 {
		n = 0
	}
	points := make([]fyne.Position, len(ring))
	for i, xy := range ring {
		points[i] = m.cam.near(xy, m.centre())
		// All corners stay on one turn, so that no edge runs round the globe.
		if i > 0 {
			points[i] = m.cam.near(xy, points[0].AddXY(float32((xy.X-ring[0].X)/360*m.cam.world()), 0))
		}
	}
	for len(v.lines) < n {
		l := canvas.NewLine(color.Black)
		l.StrokeWidth = 2
		v.lines = append(v.lines, l)
		v.box.Add(l)
	}
	for i, l := range v.lines {
		if i >= n {
			l.Hide()
			continue
		}
		l.StrokeColor = m.request.palette.Area
		l.Position1, l.Position2 = points[i], points[(i+1)%len(points)]
		l.Show()
		l.Refresh()
	}
	v.updateDots(m, points)
}

// updateFill tints a rectangle; Fyne has no polygons of any size.
func (v *draftView) updateFill(m *Map, ring []geom.XY) {
	if m.drawing() != ToolRectangle || len(ring) != 4 {
		v.fill.Hide()
		return
	}
	a := m.cam.near(ring[0], m.centre())
	b := m.cam.near(ring[2], a.AddXY(float32((ring[2].X-ring[0].X)/360*m.cam.world()), 0))
	v.fill.Move(fyne.NewPos(min(a.X, b.X), min(a.Y, b.Y)))
	v.fill.Resize(fyne.NewSize(max(a.X, b.X)-min(a.X, b.X), max(a.Y, b.Y)-min(a.Y, b.Y)))
	tint := m.request.palette.Area
	tint.A = 0x20
	v.fill.FillColor = tint
	v.fill.Show()
	v.fill.Refresh()
}

func (v *draftView) updateDots(m *Map, points []fyne.Position) {
	for len(v.dots) < len(points) {
		d := canvas.NewCircle(color.White)
		d.StrokeWidth = 2
		v.dots = append(v.dots, d)
		v.box.Add(d)
	}
	const r = 4
	for i, d := range v.dots {
		if i >= len(points) {
			d.Hide()
			continue
		}
		d.FillColor, d.StrokeColor = m.request.palette.Handle, m.request.palette.Area
		d.Resize(fyne.NewSize(2*r, 2*r))
		d.Move(points[i].SubtractXY(r, r))
		d.Show()
		d.Refresh()
	}
}
