package mapview

import (
	"fyne.io/fyne/v2"
	"github.com/peterstace/simplefeatures/geom"
)

// mostHandles is how many corners of an area can be dragged; the renderer shows no more handles than that either.
const mostHandles = 64

// corners returns the corners of the area if it can be changed by hand: one polygon without holes, in one piece.
func (m *Map) corners() []geom.XY {
	p, ok := m.request.area.AsPolygon()
	if !ok || p.IsEmpty() || p.NumInteriorRings() > 0 {
		return nil
	}
	seq := p.ExteriorRing().Coordinates()
	n := seq.Length() - 1 // the last closes the ring
	if n > mostHandles {
		return nil
	}
	out := make([]geom.XY, n)
	for i := range out {
		out[i] = seq.GetXY(i)
	}
	return out
}

// handleAt returns which corner of the area is at a point of the view, or -1.
func (m *Map) handleAt(p fyne.Position) int {
	if m.tool != ToolPan {
		return -1
	}
	for i, c := range m.corners() {
		if within(p, m.cam.near(c, p), near+2) {
			return i
		}
	}
	return -1
}

// beginEdit takes the corner of the area at p in hand, if there is one. The rest of the area becomes a
// draft: of a rectangle the opposite corner, of another polygon all other corners.
func (m *Map) beginEdit(p fyne.Position) {
	i := m.handleAt(p)
	if i < 0 {
		return
	}
	ring := m.corners()
	m.draft = draft{end: ring[i], hasEnd: true, editing: ToolPolygon}
	if isRectangle(ring) {
		m.draft.editing = ToolRectangle
		m.draft.corners = []geom.XY{ring[(i+2)%4]}
		return
	}
	for k := 1; k < len(ring); k++ {
		m.draft.corners = append(m.draft.corners, ring[(i+k)%len(ring)])
	}
}

// endEdit makes the changed draft the area. If its edges cross, the area stays as it was.
func (m *Map) endEdit() {
	if m.draft.editing == ToolRectangle {
		m.finishRectangle()
	} else if area, ok := polygon(m.draft.outline(ToolPolygon)); ok {
		m.drawn(area)
	}
	m.draft = draft{}
	m.view.update()
}

// isRectangle reports whether a ring of four corners runs along meridians and parallels.
func isRectangle(ring []geom.XY) bool {
	if len(ring) != 4 {
		return false
	}
	a, b, c, d := ring[0], ring[1], ring[2], ring[3]
	return a.X == b.X && b.Y == c.Y && c.X == d.X && d.Y == a.Y || a.Y == b.Y && b.X == c.X && c.Y == d.Y && d.X == a.X
}
