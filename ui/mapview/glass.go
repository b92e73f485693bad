package mapview

import (
	"math"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// glass is the text on the window pane before the map: scale, coordinates, attribution, hint and tooltip.
type glass struct {
	scale, position, credit, hint, tip *pill

	bar [3]*canvas.Line
}

// barMost is the longest that the scale bar gets, in points.
const barMost = 120

func newGlass(m *Map) *glass {
	g := &glass{scale: newPill(), position: newPill(), credit: newPill(), hint: newPill(), tip: newPill()}
	for i := range g.bar {
		g.bar[i] = canvas.NewLine(m.opts.Palette.Text)
		g.bar[i].StrokeWidth = 1.5
	}
	g.credit.set(basemap.Attribution)
	g.refresh()
	return g
}

func (g *glass) pills() []*pill { return []*pill{g.scale, g.position, g.credit, g.hint, g.tip} }

func (g *glass) objects() []fyne.CanvasObject {
	var out []fyne.CanvasObject
	for _, p := range g.pills() {
		out = append(out, p.box)
	}
	for _, l := range g.bar {
		out = append(out, l)
	}
	return out
}

func (g *glass) refresh() {
	for _, p := range g.pills() {
		p.refresh()
	}
	for _, l := range g.bar {
		l.StrokeColor = theme.Color(theme.ColorNameForeground)
		l.Refresh()
	}
}

func (g *glass) update(m *Map) {
	size := m.cam.size
	pad := theme.Padding()
	if !m.sized() {
		return
	}
	g.updateScale(m, pad)
	g.credit.box.Move(fyne.NewPos(size.Width-g.credit.box.Size().Width-pad, size.Height-g.credit.box.Size().Height-pad))
	g.updatePosition(m)
	g.position.box.Move(fyne.NewPos(g.scale.box.Position().X+g.scale.box.Size().Width+pad,
		size.Height-g.position.box.Size().Height-pad))
	g.hint.set(m.hint())
	g.hint.box.Move(fyne.NewPos((size.Width-g.hint.box.Size().Width)/2, pad*2))
	g.updateTip(m, pad)
}

func (g *glass) updateScale(m *Map, pad float32) {
	mpp := m.cam.metresPerPoint()
	metres := roundDistance(barMost * mpp)
	g.scale.set(m.opts.Labels.distance(metres))
	length := float32(metres / mpp)
	inset := theme.InnerPadding()
	box := g.scale.box
	height := box.MinSize().Height
	box.Resize(fyne.NewSize(max(box.MinSize().Width, length+2*inset), height))
	box.Move(fyne.NewPos(pad, m.cam.size.Height-height-pad))
	left := box.Position().AddXY(inset, height-6)
	right := left.AddXY(length, 0)
	place := func(l *canvas.Line, a, b fyne.Position) { l.Position1, l.Position2 = a, b; l.Refresh() }
	place(g.bar[0], left, right)
	place(g.bar[1], left.AddXY(0, -3), left)
	place(g.bar[2], right.AddXY(0, -3), right)
}

// updatePosition shows the place under the pointer, or in the middle while the keyboard moves the map.
func (g *glass) updatePosition(m *Map) {
	at, ok := m.aim()
	if !ok {
		g.position.set("")
		return
	}
	lon, lat := m.cam.lonLat(at)
	// As many decimals as a point on the screen tells apart.
	decimals := int(min(max(math.Ceil(math.Log10(m.cam.world()/360)), 1), 5))
	g.position.set(m.opts.Labels.position(geo.WrapLon(lon), lat, decimals))
}

func (g *glass) updateTip(m *Map, pad float32) {
	if m.pointer.tip != "" {
		g.tip.set(m.pointer.tip)
		g.tip.box.Move(m.pointer.tipAt)
		return
	}
	if !m.pointer.inside || m.pointer.dragging || m.tool != ToolPan {
		g.tip.set("")
		return
	}
	g.tip.set(m.describe(m.pointer.under))
	s, at := g.tip.box.Size(), m.pointer.at
	const away = 16
	pos := at.AddXY(away, away)
	if pos.X+s.Width > m.cam.size.Width-pad {
		pos.X = max(pad, at.X-away/2-s.Width)
	}
	if pos.Y+s.Height > m.cam.size.Height-pad {
		pos.Y = max(pad, at.Y-away/2-s.Height)
	}
	g.tip.box.Move(pos)
}
