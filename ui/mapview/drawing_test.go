package mapview

import (
	"math"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func TestDrawRectangle(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	s.m.SetTool(ToolRectangle)
	s.expect("tool 1")
	if s.m.Cursor() != desktop.CrosshairCursor {
		t.Error("no crosshair for drawing")
	}
	a, b := s.m.cam.point(3, 45), s.m.cam.point(5, 43)
	s.drag(a, fyne.NewDelta(5, 5), fyne.NewDelta(b.X-a.X-5, b.Y-a.Y-5))
	s.expect("tool 0; area true")
	got := geo.Bounds(s.m.request.area)
	for i, d := range [...]float64{got.West - 3, got.South - 43, got.East - 5, got.North - 45} {
		if math.Abs(d) > 0.01 {
			t.Errorf("side %d of %v is off by %v", i, got, d)
		}
	}
	s.m.ClearArea()
	s.expect("area false")
}

func TestDrawRectangleByKeyboard(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	s.window.Canvas().Focus(s.m)
	s.m.TypedRune('r')
	s.m.TypedRune(' ')
	s.key(fyne.KeyRight, fyne.KeyDown)
	if hint := s.m.hint(); !strings.Contains(hint, "km²") {
		t.Errorf("hint %q does not say how large the area is", hint)
	}
	s.m.TypedRune(' ')
	s.expect("tool 1; tool 0; area true")
}

func TestDrawPolygon(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	corners := []fyne.Position{{X: 200, Y: 100}, {X: 400, Y: 120}, {X: 380, Y: 300}}
	s.m.SetTool(ToolPolygon)
	for _, p := range corners {
		s.slowClick(p, 0)
	}
	s.move(fyne.NewPos(250, 280))
	if n := len(s.m.draft.outline(ToolPolygon)); n != 4 {
		t.Errorf("rubber band has %d corners, want 4", n)
	}
	s.slowClick(fyne.NewPos(100, 390), 0)
	s.key(fyne.KeyBackspace)
	s.slowClick(corners[0].AddXY(3, 3), 0)
	s.expect("tool 2; tool 0; area true")
	if n := s.m.request.area.MustAsPolygon().ExteriorRing().Coordinates().Length(); n != 4 {
		t.Errorf("polygon has %d points, want 4 with the closing one", n)
	}

	s.m.SetTool(ToolPolygon)
	s.slowClick(corners[0], 0)
	s.slowClick(corners[1], 0)
	s.slowClick(corners[2], 0)
	s.click(corners[2], 0)
	s.expect("tool 2; tool 0; area true")

	s.m.SetTool(ToolPolygon)
	s.slowClick(corners[0], 0)
	s.key(fyne.KeyEnter, fyne.KeyEscape)
	if s.m.draft.begun() || s.m.Tool() != ToolPolygon {
		t.Error("Escape does not give up the drawing alone")
	}
	s.key(fyne.KeyEscape)
	s.expect("tool 2; tool 0")
}

func TestCrossingPolygonIsRefused(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	s.m.SetTool(ToolPolygon)
	for _, p := range []fyne.Position{{X: 200, Y: 100}, {X: 400, Y: 300}, {X: 400, Y: 100}, {X: 200, Y: 300}} {
		s.slowClick(p, 0)
	}
	s.key(fyne.KeyReturn)
	s.expect("tool 2")
	if s.m.hint() != s.m.opts.Labels.CrossingHint {
		t.Errorf("hint %q does not say what is wrong", s.m.hint())
	}
	s.key(fyne.KeyBackspace)
	s.slowClick(fyne.NewPos(300, 90), 0)
	s.key(fyne.KeyReturn)
	s.expect("tool 0; area true")
}

func TestDrawOverTheAntimeridian(t *testing.T) {
	s := newStage(t, Options{})
	s.m.Fit(geo.BBox{West: 170, South: -25, East: -170, North: -10})
	s.settled()
	s.m.SetTool(ToolPolygon)
	for _, c := range [][2]float64{{178, -20}, {182, -20}, {182, -15}, {178, -15}} {
		s.slowClick(s.m.cam.near(geom.XY{X: c[0], Y: c[1]}, s.m.centre()), 0)
	}
	s.key(fyne.KeyReturn)
	s.expect("tool 2; tool 0; area true")
	b := geo.Bounds(s.m.request.area)
	if !b.CrossesAntimeridian() || math.Abs(b.West-178) > 0.1 || math.Abs(b.East+178) > 0.1 {
		t.Errorf("area %v does not cross the antimeridian from 178 to -178", b)
	}
	if v := s.m.Viewport(); !v.CrossesAntimeridian() {
		t.Errorf("viewport %v does not cross the antimeridian", v)
	}
}

func TestDragACornerOfTheArea(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	near := func(got, want geo.BBox) bool {
		a, b := got.Array(), want.Array()
		for i := range a {
			if math.Abs(a[i]-b[i]) > 0.02 {
				return false
			}
		}
		return true
	}
	pull := func(from, to [2]float64) {
		a, b := s.m.cam.point(from[0], from[1]), s.m.cam.point(to[0], to[1])
		s.drag(a, fyne.NewDelta(2, 2), fyne.NewDelta(b.X-a.X-2, b.Y-a.Y-2))
	}
	before := s.m.cam
	s.m.SetArea(geo.BBox{West: 2, South: 44, East: 4, North: 46}.Geometry())
	s.move(s.m.cam.point(4, 46))
	if s.m.Cursor() != desktop.PointerCursor {
		t.Error("the cursor does not say that a corner can be dragged")
	}
	pull([2]float64{4, 46}, [2]float64{5, 47})
	s.expect("area true")
	if got := geo.Bounds(s.m.request.area); !near(got, geo.BBox{West: 2, South: 44, East: 5, North: 47}) {
		t.Errorf("rectangle became %v", got)
	}

	s.m.SetArea(wkt(t, "POLYGON((0 44,2 44,3 46,0 47,0 44))"))
	pull([2]float64{3, 46}, [2]float64{4, 46})
	s.expect("area true")
	if got := geo.Bounds(s.m.request.area); !near(got, geo.BBox{West: 0, South: 44, East: 4, North: 47}) {
		t.Errorf("polygon became %v", got)
	}

	// Pulled across an opposite edge, the ring would cross itself: it stays as it was.
	pull([2]float64{4, 46}, [2]float64{-1, 45})
	s.expect("")
	if got := geo.Bounds(s.m.request.area); !near(got, geo.BBox{West: 0, South: 44, East: 4, North: 47}) {
		t.Errorf("polygon became %v", got)
	}
	if s.m.cam != before {
		t.Error("the map moved along")
	}
}
