package mapview

import (
	"math"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

const (
	// near is how far in points the pointer may miss what it means.
	near = 5
	// wheelStep is the zoom of one notch of a wheel, wheelNotch what Fyne reports for it.
	wheelStep, wheelNotch = 0.5, 10
	// keyStep is the part of the view that an arrow key moves.
	keyStep = 0.12
	// keyZoom is the zoom of one press of + or -.
	keyZoom = 0.5
)

// pointer is what the mouse is doing.
type pointer struct {
	now      func() time.Time
	inside   bool
	at       fyne.Position
	pressed  fyne.Position
	button   desktop.MouseButton
	modifier fyne.KeyModifier
	dragging bool
	under    []string // footprints at the pointer, topmost first
	tip      string   // name of the control under the pointer, shown at tipAt
	tipAt    fyne.Position

	clickedAt fyne.Position
	clicked   time.Time
	candidate []string // what lay under the last click
	turn      int      // which of them was picked
	picked    string
}

func within(a, b fyne.Position, d float64) bool {
	return math.Hypot(float64(a.X-b.X), float64(a.Y-b.Y)) <= d
}

// at returns the ids of the footprints at a point of the view, topmost first.
func (m *Map) at(p fyne.Position) []string {
	lon, lat := m.cam.lonLat(p)
	return m.shapes.At(lon, lat, near*360/m.cam.world())
}

// MouseIn implements desktop.Hoverable.
func (m *Map) MouseIn(e *desktop.MouseEvent) { m.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (m *Map) MouseMoved(e *desktop.MouseEvent) {
	m.pointer.inside, m.pointer.at = true, e.Position
	m.hoverAt(e.Position)
	m.draft.to(m.cam, e.Position)
	m.view.draft.update(m)
	m.view.glass.update(m)
}

// MouseOut implements desktop.Hoverable.
func (m *Map) MouseOut() {
	m.pointer.inside = false
	m.hovered(nil)
	m.view.glass.update(m)
}

func (m *Map) hoverAt(p fyne.Position) {
	if m.tool != ToolPan || m.pointer.dragging {
		m.hovered(nil)
		return
	}
	m.hovered(m.at(p))
}

func (m *Map) hovered(ids []string) {
	was, is := "", ""
	if len(m.pointer.under) > 0 {
		was = m.pointer.under[0]
	}
	if len(ids) > 0 {
		is = ids[0]
	}
	m.pointer.under = ids
	if was == is {
		return
	}
	m.SetHover(is)
	if m.OnHover != nil {
		m.OnHover(is)
	}
}

// Cursor implements desktop.Cursorable.
func (m *Map) Cursor() desktop.Cursor {
	switch {
	case m.tool != ToolPan:
		return desktop.CrosshairCursor
	case len(m.pointer.under) > 0 || m.handleAt(m.pointer.at) >= 0:
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}

// MouseDown implements desktop.Mouseable.
func (m *Map) MouseDown(e *desktop.MouseEvent) {
	m.pointer.button, m.pointer.modifier = e.Button, e.Modifier
	m.pointer.pressed, m.pointer.dragging = e.Position, false
	if c := fyne.CurrentApp().Driver().CanvasForObject(m); c != nil && !m.focused {
		c.Focus(m)
		// The crosshair is for those who came by keyboard.
		m.view.setFocus(false)
	}
}

// MouseUp implements desktop.Mouseable. A press and release without a drag between them is a click.
func (m *Map) MouseUp(e *desktop.MouseEvent) {
	if m.pointer.dragging || e.Button != desktop.MouseButtonPrimary || m.pointer.button != e.Button {
		return
	}
	m.pointer.button = 0
	m.click(e.Position, m.pointer.modifier|e.Modifier)
}

func (m *Map) click(p fyne.Position, mod fyne.KeyModifier) {
	now := m.pointer.now()
	double := now.Sub(m.pointer.clicked) <= fyne.CurrentApp().Driver().DoubleTapDelay() && within(p, m.pointer.clickedAt, near)
	m.pointer.clicked = now
	if double {
		m.pointer.clicked = time.Time{}
	}
	previous := m.pointer.clickedAt
	m.pointer.clickedAt = p
	switch m.tool {
	case ToolRectangle:
		m.rectangleCorner(p)
	case ToolPolygon:
		m.polygonCorner(p, double)
	case ToolPan:
		if double && m.pointer.picked != "" {
			if m.OnActivate != nil {
				m.OnActivate(m.pointer.picked)
			}
			return
		}
		m.pick(m.at(p), within(p, previous, near), mod&(fyne.KeyModifierControl|fyne.KeyModifierShift|fyne.KeyModifierSuper) != 0)
	}
}

// pick selects the topmost of the footprints at a click, and at each further click on the same place the next below.
func (m *Map) pick(ids []string, again, extend bool) {
	if again && len(ids) > 1 && slices.Equal(ids, m.pointer.candidate) {
		m.pointer.turn = (m.pointer.turn + 1) % len(ids)
	} else {
		m.pointer.turn = 0
	}
	m.pointer.candidate, m.pointer.picked = ids, ""
	var chosen []string
	if len(ids) > 0 {
		m.pointer.picked = ids[m.pointer.turn]
		chosen = []string{m.pointer.picked}
	} else if extend {
		return
	}
	if m.OnSelect != nil {
		m.OnSelect(chosen, extend)
	}
}

// Dragged implements fyne.Draggable.
func (m *Map) Dragged(e *fyne.DragEvent) {
	if !m.pointer.dragging {
		m.pointer.dragging = true
		m.hovered(nil)
		if m.tool == ToolRectangle {
			m.draft.start(m.cam, m.pointer.pressed)
		} else {
			m.beginEdit(m.pointer.pressed)
		}
	}
	m.pointer.at = e.Position
	if m.drawing() == ToolRectangle || m.draft.editing == ToolPolygon {
		m.draft.to(m.cam, e.Position)
		m.view.draft.update(m)
		m.view.glass.update(m)
		return
	}
	m.look(m.cam.moved(e.Dragged.DX, e.Dragged.DY))
}

// DragEnd implements fyne.Draggable.
func (m *Map) DragEnd() {
	if !m.pointer.dragging {
		return
	}
	m.pointer.dragging = false
	m.pointer.button = 0
	switch {
	case m.draft.editing != ToolPan:
		m.endEdit()
	case m.tool == ToolRectangle:
		m.finishRectangle()
	}
}

// Scrolled implements fyne.Scrollable: it zooms about the pointer. A notch of a wheel counts the same however Fyne
// accelerates it; the small deltas of a trackpad add up.
func (m *Map) Scrolled(e *fyne.ScrollEvent) {
	d := float64(e.Scrolled.DY)
	if math.IsNaN(d) || d == 0 {
		return
	}
	d = min(max(d/wheelNotch, -1), 1) * wheelStep
	m.look(m.cam.zoomed(d, e.Position))
	if m.pointer.inside && !m.pointer.dragging {
		m.hoverAt(e.Position)
	}
}

// FocusGained implements fyne.Focusable.
func (m *Map) FocusGained() {
	m.focused = true
	m.view.setFocus(true)
	m.view.glass.update(m)
}

// FocusLost implements fyne.Focusable.
func (m *Map) FocusLost() {
	m.focused = false
	m.view.setFocus(false)
	m.view.glass.update(m)
}

// aim is the point that the coordinates are shown of: the pointer, or the crosshair of the keyboard.
func (m *Map) aim() (fyne.Position, bool) {
	switch {
	case m.pointer.inside:
		return m.pointer.at, true
	case m.focused:
		return m.centre(), true
	}
	return fyne.Position{}, false
}

// TypedRune implements fyne.Focusable.
func (m *Map) TypedRune(r rune) {
	switch r {
	case '+', '=':
		m.look(m.cam.zoomed(keyZoom, m.centre()))
	case '-', '_':
		m.look(m.cam.zoomed(-keyZoom, m.centre()))
	case 'r', 'R':
		m.toggle(ToolRectangle)
	case 'p', 'P':
		m.toggle(ToolPolygon)
	case 'f', 'F':
		m.FitFootprints()
	case ' ':
		m.mark()
	}
}

// TypedKey implements fyne.Focusable.
func (m *Map) TypedKey(e *fyne.KeyEvent) {
	w, h := m.cam.size.Width*keyStep, m.cam.size.Height*keyStep
	switch e.Name {
	case fyne.KeyLeft:
		m.step(w, 0)
	case fyne.KeyRight:
		m.step(-w, 0)
	case fyne.KeyUp:
		m.step(0, h)
	case fyne.KeyDown:
		m.step(0, -h)
	case fyne.KeyHome:
		m.FitFootprints()
	case fyne.KeyEscape:
		m.escape()
	case fyne.KeyBackspace:
		if m.tool == ToolPolygon {
			m.draft.undo()
			m.view.update()
		}
	case fyne.KeyDelete:
		if m.tool == ToolPan && !m.request.area.IsEmpty() {
			m.ClearArea()
		}
	case fyne.KeyReturn, fyne.KeyEnter:
		m.enter()
	default:
		if m.OnKey != nil {
			m.OnKey(e)
		}
	}
}

// step moves the map by keyboard. The crosshair then marks the middle.
func (m *Map) step(dx, dy float32) {
	m.view.setFocus(true)
	m.look(m.cam.moved(dx, dy))
	m.draft.to(m.cam, m.centre())
	m.view.update()
}

// escape gives up the drawing that has been begun, or else the tool.
func (m *Map) escape() {
	if m.draft.begun() {
		m.draft = draft{}
		m.view.update()
		return
	}
	m.SetTool(ToolPan)
}

// mark does with the keyboard what a click in the middle does.
func (m *Map) mark() {
	m.view.setFocus(true)
	switch m.tool {
	case ToolRectangle:
		m.rectangleCorner(m.centre())
	case ToolPolygon:
		m.polygonCorner(m.centre(), false)
	case ToolPan:
		m.pick(m.at(m.centre()), true, false)
	}
}

// enter finishes a drawing. Without one it selects what is under the crosshair, and opens what is selected already.
func (m *Map) enter() {
	if m.tool == ToolPolygon {
		m.finishPolygon()
		return
	}
	if m.tool == ToolRectangle {
		m.rectangleCorner(m.centre())
		return
	}
	ids := m.at(m.centre())
	if len(m.request.selection) == 1 && slices.Contains(ids, m.request.selection[0]) {
		if m.OnActivate != nil {
			m.OnActivate(m.request.selection[0])
		}
		return
	}
	if len(ids) > 0 {
		m.pick(ids, false, false)
	}
}
