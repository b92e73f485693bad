package mapview

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"github.com/peterstace/simplefeatures/geom"
	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// stage is a map in a window, with the UI goroutine's queue in the hands of the test.
type stage struct {
	*testing.T
	m      *Map
	window fyne.Window
	queue  chan func()
	clock  time.Time
	log    []string // what the callbacks were told
}

func newStage(t *testing.T, o Options) *stage {
	t.Helper()
	test.NewTempApp(t)
	s := &stage{T: t, queue: make(chan func(), 1000), clock: time.Unix(0, 0)}
	o.Dispatch = func(f func()) { s.queue <- f }
	s.m = New(o)
	s.m.pointer.now = func() time.Time { return s.clock }
	note := func(format string, args ...any) { s.log = append(s.log, fmt.Sprintf(format, args...)) }
	s.m.OnSelect = func(ids []string, extend bool) { note("select %v %v", ids, extend); s.m.SetSelection(ids) }
	s.m.OnHover = func(id string) { note("hover %q", id) }
	s.m.OnArea = func(g geom.Geometry) { note("area %v", !g.IsEmpty()) }
	s.m.OnTool = func(tool Tool) { note("tool %d", tool) }
	s.m.OnActivate = func(id string) { note("activate %s", id) }
	s.window = test.NewTempWindow(t, s.m)
	s.window.SetPadded(false)
	s.window.Resize(fyne.NewSize(600, 400))
	t.Cleanup(s.m.Close)
	return s
}

// pump runs what was dispatched until done is true.
func (s *stage) pump(what string, done func() bool) {
	s.Helper()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case f := <-s.queue:
			f()
		case <-deadline:
			s.Fatalf("%s: never happened", what)
		}
	}
}

// settled waits for a picture of what was ordered last.
func (s *stage) settled() {
	s.Helper()
	s.pump("a picture of the last order", func() bool {
		return s.m.pic.img != nil && s.m.pic.cam == s.m.cam && s.m.shapes.Len() == len(s.m.request.footprints)
	})
}

// told returns what the callbacks were told since it was last asked.
func (s *stage) told() string {
	out := strings.Join(s.log, "; ")
	s.log = nil
	return out
}

// expect fails unless the callbacks were told this.
func (s *stage) expect(want string) {
	s.Helper()
	if got := s.told(); got != want {
		s.Errorf("callbacks were told %q, want %q", got, want)
	}
}

func (s *stage) click(p fyne.Position, mod fyne.KeyModifier) {
	e := &desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: p, AbsolutePosition: p}, Button: desktop.MouseButtonPrimary, Modifier: mod}
	s.m.MouseDown(e)
	s.m.MouseUp(e)
}

func (s *stage) slowClick(p fyne.Position, mod fyne.KeyModifier) {
	s.clock = s.clock.Add(time.Minute)
	s.click(p, mod)
}

func (s *stage) move(p fyne.Position) {
	s.m.MouseMoved(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: p, AbsolutePosition: p}})
}

func (s *stage) drag(from fyne.Position, steps ...fyne.Delta) {
	e := &desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: from}, Button: desktop.MouseButtonPrimary}
	s.m.MouseDown(e)
	at := from
	for _, d := range steps {
		at = at.Add(d)
		s.m.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: at}, Dragged: d})
	}
	e.Position = at
	s.m.MouseUp(e)
	s.m.DragEnd()
}

func (s *stage) key(names ...fyne.KeyName) {
	for _, n := range names {
		s.m.TypedKey(&fyne.KeyEvent{Name: n})
	}
}

func wkt(t testing.TB, s string) geom.Geometry {
	t.Helper()
	g, err := geom.UnmarshalWKT(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pile is two footprints over Montpellier and one over Brest.
func pile(t testing.TB) []Footprint {
	return []Footprint{
		{"below", wkt(t, "POLYGON((3 43,5 43,5 45,3 45,3 43))")},
		{"above", wkt(t, "POLYGON((3.5 43,5 43,5 45,3.5 45,3.5 43))")},
		{"brest", wkt(t, "POLYGON((-5 48,-4 48,-4 49,-5 49,-5 48))")},
	}
}

var montpellier = geo.BBox{West: 2.5, South: 42.5, East: 5.5, North: 45.5}

func TestStartsOverFrance(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	if v := s.m.Viewport(); !v.Encloses(france) {
		t.Errorf("viewport %v does not show France", v)
	}
	s.window.Resize(fyne.NewSize(900, 300))
	if v := s.m.Viewport(); !v.Encloses(france) {
		t.Errorf("viewport %v does not show France after a resize", v)
	}
}

func TestClickSelectsFromTheTop(t *testing.T) {
	s := newStage(t, Options{})
	s.m.SetFootprints(pile(t))
	s.m.Fit(montpellier)
	s.settled()
	at := s.m.cam.point(4, 44)
	s.slowClick(at, 0)
	s.expect("select [above] false")
	s.slowClick(at, 0)
	s.expect("select [below] false")
	s.slowClick(at, 0)
	s.expect("select [above] false")
	s.slowClick(s.m.cam.point(3.2, 44), fyne.KeyModifierControl)
	s.expect("select [below] true")
	s.slowClick(s.m.cam.point(2.6, 43), fyne.KeyModifierShift)
	s.expect("")
	s.slowClick(s.m.cam.point(2.6, 43), 0)
	s.expect("select [] false")
	s.slowClick(at, 0)
	s.click(at, 0)
	s.expect("select [above] false; activate above")
}

func TestHover(t *testing.T) {
	s := newStage(t, Options{Describe: func(id string) string { return "scene " + id }})
	s.m.SetFootprints(pile(t))
	s.m.Fit(montpellier)
	s.settled()
	at := s.m.cam.point(4, 44)
	s.move(at)
	s.move(at.AddXY(1, 0))
	s.expect(`hover "above"`)
	if tip := s.m.view.glass.tip; !tip.box.Visible() || tip.text.Text != "scene above\nand 1 more here" {
		t.Errorf("tooltip %q, visible %v", tip.text.Text, tip.box.Visible())
	}
	if s.m.Cursor() != desktop.PointerCursor {
		t.Error("the cursor does not say that a footprint can be clicked")
	}
	s.m.MouseOut()
	s.expect(`hover ""`)
	if s.m.view.glass.tip.box.Visible() {
		t.Error("the tooltip stays")
	}
}

func TestDragMovesTheMap(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	lon, lat := s.m.cam.lonLat(fyne.NewPos(300, 200))
	picture := s.m.view.raster.Position()
	s.drag(fyne.NewPos(300, 200), fyne.NewDelta(10, 0), fyne.NewDelta(20, 15))
	if got := s.m.cam.point(lon, lat); math.Abs(float64(got.X-330)) > 0.1 || math.Abs(float64(got.Y-215)) > 0.1 {
		t.Errorf("the place under the pointer went to %v", got)
	}
	if got := s.m.view.raster.Position(); got != picture.AddXY(30, 15) {
		t.Errorf("the picture moved from %v to %v before a new one came", picture, got)
	}
	s.expect("")
	var told geo.BBox
	s.m.OnViewport = func(b geo.BBox) { told = b }
	s.pump("OnViewport", func() bool { return told != geo.BBox{} })
	if told != s.m.Viewport() {
		t.Errorf("OnViewport got %v, the viewport is %v", told, s.m.Viewport())
	}
}

func TestWheelZoomsAboutThePointer(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	p := fyne.NewPos(150, 120)
	lon, lat := s.m.cam.lonLat(p)
	before := s.m.cam.zoom
	for _, dy := range []float32{10, 2500, 1, 1, 1, 1} {
		s.m.Scrolled(&fyne.ScrollEvent{PointEvent: fyne.PointEvent{Position: p}, Scrolled: fyne.NewDelta(0, dy)})
	}
	if got := s.m.cam.zoom - before; math.Abs(got-2.4*wheelStep) > 1e-6 {
		t.Errorf("two notches and four touches zoomed by %v", got)
	}
	if got := s.m.cam.point(lon, lat); math.Abs(float64(got.X-p.X)) > 0.1 || math.Abs(float64(got.Y-p.Y)) > 0.1 {
		t.Errorf("the place under the pointer went to %v", got)
	}
	s.settled()
}

func TestKeyboard(t *testing.T) {
	s := newStage(t, Options{})
	s.m.SetFootprints(pile(t))
	s.m.Fit(montpellier)
	s.settled()
	s.window.Canvas().Focus(s.m)
	if !s.m.view.ring.Visible() || !s.m.view.cross[0].Visible() {
		t.Error("focus is not to be seen")
	}
	s.key(fyne.KeyReturn)
	s.expect("select [above] false")
	s.key(fyne.KeyReturn)
	s.expect("activate above")
	before := s.m.cam
	s.key(fyne.KeyLeft, fyne.KeyUp)
	if s.m.cam.x >= before.x || s.m.cam.y >= before.y {
		t.Errorf("arrows moved from %v to %v", before, s.m.cam)
	}
	s.m.TypedRune('+')
	s.m.TypedRune('-')
	if s.m.cam.zoom != before.zoom {
		t.Errorf("zoom %v after + and -, was %v", s.m.cam.zoom, before.zoom)
	}
	s.key(fyne.KeyHome)
	for _, f := range pile(t) {
		if !s.m.Viewport().Encloses(geo.Bounds(f.Geometry)) {
			t.Errorf("Home does not show %s", f.ID)
		}
	}
	s.window.Canvas().Unfocus()
	if s.m.view.ring.Visible() {
		t.Error("focus is still to be seen")
	}
}

func TestTabReachesTheControls(t *testing.T) {
	s := newStage(t, Options{Labels: French()})
	s.settled()
	var names []string
	for range 12 {
		s.window.Canvas().(interface{ FocusNext() }).FocusNext()
		if c, ok := s.window.Canvas().Focused().(*control); ok && !slices.Contains(names, c.name) {
			names = append(names, c.name)
			if tip := s.m.view.glass.tip; tip.text.Text != c.name || !tip.box.Visible() {
				t.Errorf("tooltip %q on the control %q", tip.text.Text, c.name)
			}
		}
	}
	f := French()
	if want := []string{f.ZoomIn, f.ZoomOut, f.Fit, f.DrawRectangle, f.DrawPolygon}; !slices.Equal(names, want) {
		t.Errorf("Tab reaches %v, want %v", names, want)
	}
}

func TestManyOrdersOnePicture(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	for range 200 {
		s.m.look(s.m.cam.moved(0.5, 0).zoomed(0.001, fyne.NewPos(10, 10)))
	}
	last := s.m.cam
	s.settled()
	if s.m.pic.cam != last {
		t.Errorf("picture of %v, want the last order %v", s.m.pic.cam, last)
	}
	// Besides pictures the queue holds a few reports that the view is at rest.
	if n := len(s.queue); n > 2*pool {
		t.Errorf("%d calls wait for the UI goroutine after 200 orders", n)
	}
}

func TestPictureAfterPalette(t *testing.T) {
	s := newStage(t, Options{})
	s.settled()
	s.m.SetPalette(raster.Dark())
	sea := raster.Dark().Sea
	s.m.Fit(geo.BBox{West: -40, South: 30, East: -30, North: 40})
	s.pump("a dark picture", func() bool {
		c := s.m.pic.img.RGBAAt(5, 5)
		return s.m.pic.cam == s.m.cam && c.R <= sea.R+40 && c.B <= sea.B+40
	})
	img := s.window.Canvas().Capture()
	if r, _, _, _ := img.At(300, 40).RGBA(); r>>8 > 0x40 {
		t.Errorf("the window shows %v where the sea is dark", img.At(300, 40))
	}
}

func TestCloseEndsGoroutines(t *testing.T) {
	// Decoding a base map cannot be broken off; it is done once per process.
	for _, l := range []basemap.Level{basemap.Coarse, basemap.Medium, basemap.Fine} {
		if _, err := raster.LoadBase(l); err != nil {
			t.Fatal(err)
		}
	}
	test.NewTempApp(t)
	ignore := goleak.IgnoreCurrent()
	m := New(Options{Dispatch: func(func()) {}})
	m.resized(fyne.NewSize(300, 200))
	m.SetFootprints(pile(t))
	m.Close()
	m.Close()
	m.SetHover("above")
	m.worker.done.Wait()
	goleak.VerifyNone(t, ignore)
}

func BenchmarkDragStep(b *testing.B) {
	test.NewTempApp(b)
	m := New(Options{Dispatch: func(func()) {}})
	defer m.Close()
	w := test.NewTempWindow(b, m)
	w.Resize(fyne.NewSize(1280, 800))
	i := 0
	for b.Loop() {
		i++
		d := float32(3)
		if i%2 == 0 {
			d = -3
		}
		m.Dragged(&fyne.DragEvent{Dragged: fyne.NewDelta(d, d)})
	}
}
