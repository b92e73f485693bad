package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// franceBox is what the map shows on a start: mainland France with Corsica.
var franceBox = geo.BBox{West: -5.5, South: 41, East: 10, North: 51.5}

// mapStage joins the map widget to the presenters.
type mapStage struct {
	s       *Shell
	root    fyne.CanvasObject
	view    *mapview.Map
	version int
}

func newMapStage(s *Shell) *mapStage {
	m := &mapStage{s: s}
	variant := s.app.Settings().ThemeVariant()
	p := s.p
	words := mapview.English()
	if p.Language() == present.French {
		words = mapview.French()
	}
	m.view = mapview.New(mapview.Options{
		Dispatch: s.svc.Dispatch, Palette: s.look.mapPalette(variant), Language: string(p.Language()), Describe: m.describe,
		Labels: mapview.Labels{
			ZoomIn: p.T("Zoom in"), ZoomOut: p.T("Zoom out"), Fit: p.T("Show all"), DrawRectangle: p.T("Draw a rectangle"),
			DrawPolygon: p.T("Draw a polygon"), ClearArea: p.T("Clear the area"),
			North: p.T("N"), South: p.T("S"), East: p.T("E"), West: p.T("W"), DecimalComma: p.Language() == present.French,
			RectangleHint: p.T("Drag over the map to draw a rectangle. Esc to stop."),
			PolygonHint:   p.T("Click for each corner; double click for the last. Esc to stop."),
			CrossingHint:  words.CrossingHint, More: words.More,
		},
	})
	m.view.OnSelect = func(ids []string, extend bool) {
		if row := s.results.SelectIDs(ids, extend); row >= 0 {
			s.list.scrollTo(row)
		}
	}
	m.view.OnHover = s.results.SetHover
	m.view.OnArea = s.search.SetArea
	m.view.OnTool = func(t mapview.Tool) { s.form.showTool(t) }
	m.view.OnActivate = m.zoomTo
	m.view.OnKey = func(e *fyne.KeyEvent) { s.windowKey(e) }
	s.results.Observe(m.show)
	s.search.Observe(func() { m.view.SetArea(s.search.State().Area) })
	s.app.Settings().AddListener(func(settings fyne.Settings) {
		s.svc.Dispatch(func() {
			s.epoch++
			m.view.SetPalette(s.look.mapPalette(settings.ThemeVariant()))
			s.list.list.Refresh()
			s.form.collections.list.Refresh()
			s.transfer.list.Refresh()
		})
	})
	m.root = container.NewStack(m.view)
	m.view.Fit(franceBox)
	return m
}

// describe is the tooltip of a footprint.
func (m *mapStage) describe(id string) string {
	row := m.s.results.Row(m.s.results.IndexOf(id))
	if row.Title == "" {
		return ""
	}
	text := row.Title + "\n" + row.Date
	if row.Cloud != "" {
		text += " · " + m.s.p.T("{percent} cloud", "percent", row.Cloud)
	}
	return text
}

func (m *mapStage) useTool(t mapview.Tool) {
	if m.view.Tool() == t {
		t = mapview.ToolPan
	}
	m.view.SetTool(t)
}

// show hands the footprints to the map when the rows changed: the first row on top, as it is in the list.
func (m *mapStage) show() {
	st := m.s.results.State()
	if st.Version == m.version {
		return
	}
	m.version = st.Version
	items := m.s.results.Items()
	fs := make([]mapview.Footprint, 0, len(items))
	for i := len(items) - 1; i >= 0; i-- {
		if g := items[i].Footprint; !g.IsEmpty() {
			fs = append(fs, mapview.Footprint{ID: items[i].Key.String(), Geometry: g})
		}
	}
	m.view.SetFootprints(fs)
	m.view.SetSelection(m.s.results.SelectedIDs())
	if len(items) > 0 && (!m.anyInView(items) || st.Loaded <= present.PageSize && m.tiny(items)) {
		m.fitResults()
	}
}

// tinyShare is the share of the map's width and height below which results are too small to tell footprints apart.
const tinyShare = 0.25

// tiny reports whether all items together cover only a small part of the map.
func (m *mapStage) tiny(items []catalog.Item) bool {
	all := geo.BBox{West: 180, South: 90, East: -180, North: -90}
	for _, it := range items {
		if it.BBox.CrossesAntimeridian() {
			return false
		}
		if it.HasBBox {
			all = geo.BBox{
				West: min(all.West, it.BBox.West), South: min(all.South, it.BBox.South),
				East: max(all.East, it.BBox.East), North: max(all.North, it.BBox.North),
			}
		}
	}
	view := m.view.Viewport()
	return !view.CrossesAntimeridian() && all.West <= all.East &&
		all.East-all.West < tinyShare*(view.East-view.West) && all.North-all.South < tinyShare*(view.North-view.South)
}

// anyInView reports whether the map shows a part of one of the items at least. If it doesn't, a person who searched elsewhere in the
// world would see nothing happen.
func (m *mapStage) anyInView(items []catalog.Item) bool {
	view := m.view.Viewport()
	for _, it := range items {
		if it.HasBBox && it.BBox.Intersects(view) {
			return true
		}
	}
	return false
}

func (m *mapStage) selectionChanged() {
	m.view.SetSelection(m.s.results.SelectedIDs())
	m.view.SetHover(m.s.results.Hover())
}

// zoomTo shows all of one footprint.
func (m *mapStage) zoomTo(id string) {
	if it := m.s.results.Row(m.s.results.IndexOf(id)).Item; it.HasBBox {
		m.view.Fit(it.BBox)
	}
}

// fitResults shows everything that was found.
func (m *mapStage) fitResults() {
	var all geom.Envelope
	for _, it := range m.s.results.Items() {
		all = all.ExpandToIncludeEnvelope(it.Footprint.Envelope())
	}
	if lo, hi, ok := all.MinMaxXYs(); ok {
		m.view.Fit(geo.BBox{West: lo.X, South: lo.Y, East: hi.X, North: hi.Y})
	}
}

func (m *mapStage) close() { m.view.Close() }

// dropTool puts the drawing tool away, and reports whether there was one.
func (m *mapStage) dropTool() bool {
	if m.view.Tool() == mapview.ToolPan {
		return false
	}
	m.view.SetTool(mapview.ToolPan)
	return true
}
