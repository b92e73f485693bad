// Package mapview is the map widget: it shows footprints on a map of the world, and lets people look around, pick
// items and draw an area.
//
// It holds what touches Fyne: events, cursors, controls, and the moving of pictures. Drawing is in the package raster.
// It knows footprints and geometries, not STAC items; it searches nothing and asks no server.
package mapview

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// Footprint is the outline of one item, in lon/lat degrees. One that crosses the antimeridian is a multipolygon cut
// there (RFC 7946 §3.1.9).
type Footprint struct {
	ID       string
	Geometry geom.Geometry
}

// Tool is what a drag or click on the map does.
type Tool uint8

// The tools.
const (
	ToolPan       Tool = iota // drag moves the map, click selects
	ToolRectangle             // drag draws a rectangle
	ToolPolygon               // clicks set corners
)

// Options are fixed when the map is made. The zero value is usable in production.
type Options struct {
	// Dispatch runs a function on the UI goroutine, soon, without waiting for it; nil means fyne.Do.
	// Tests pass a queue that they pump.
	Dispatch func(func())
	// Palette is the colours to begin with; the zero value means raster.Light().
	Palette raster.Palette
	// Labels are the words on the map; empty fields are English.
	Labels Labels
	// Language picks the names of countries and places, as a BCP 47 tag such as "fr"; empty means English.
	Language string
	// Describe returns the text of the tooltip of a footprint, or "" for none. It is called on the UI goroutine and has
	// to answer at once. May be nil.
	Describe func(id string) string
}

// Map is the widget. All its methods and callbacks belong to the UI goroutine.
type Map struct {
	widget.BaseWidget

	// OnSelect is called when the user picks footprints; extend means "in addition to the selection" (Ctrl or Shift).
	// An empty list means that the user clicked where there is none. The map doesn't change its selection by itself:
	// the owner answers with SetSelection.
	OnSelect func(ids []string, extend bool)
	// OnHover is called when the pointer comes onto a footprint, or with "" when it leaves.
	OnHover func(id string)
	// OnArea is called when an area was drawn, or with an empty geometry when it was cleared.
	OnArea func(geom.Geometry)
	// OnViewport is called when the visible part of the world has changed and come to rest.
	OnViewport func(geo.BBox)
	// OnTool is called when the tool changes.
	OnTool func(Tool)
	// OnActivate is called when a footprint is double-clicked, or Enter is pressed on the selected one.
	OnActivate func(id string)
	// OnKey gets the keys that mean nothing to the map, while it has the focus.
	OnKey func(*fyne.KeyEvent)

	opts     Options
	tool     Tool
	cam      camera
	fit      *geo.BBox // what the view was fitted to, until the user looks elsewhere; never nil before there is a size
	request  order     // what is drawn, but for the camera
	shapes   *raster.Footprints
	focused  bool
	pointer  pointer
	draft    draft
	pic      picture
	settle   *time.Timer
	lastTold geo.BBox
	worker   *worker
	view     *view
	closed   bool
}

var (
	_ fyne.Widget        = (*Map)(nil)
	_ fyne.Focusable     = (*Map)(nil)
	_ fyne.Draggable     = (*Map)(nil)
	_ fyne.Scrollable    = (*Map)(nil)
	_ desktop.Mouseable  = (*Map)(nil)
	_ desktop.Hoverable  = (*Map)(nil)
	_ desktop.Cursorable = (*Map)(nil)
)
