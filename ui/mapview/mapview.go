// Package mapview is the map widget: it shows footprints on a map of the world, and lets people look around, pick
// items and draw an area.
//
// It holds what touches Fyne: events, cursors, controls, and the moving of pictures. Drawing is in the package raster.
// It knows footprints and geometries, not STAC items; it searches nothing and asks no server.
package mapview

import (
	"fyne.io/fyne/v2"
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

// Labels are the words that the map shows.
type Labels struct {
	ZoomIn, ZoomOut, Fit, DrawRectangle, DrawPolygon, ClearArea string
	// North, South, East and West are the letters of the hemispheres.
	North, South, East, West string
	// DecimalComma writes 3,5 instead of 3.5.
	DecimalComma bool
	// PolygonHint says how to finish a polygon.
	RectangleHint, PolygonHint string
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

	opts       Options
	tool       Tool
	footprints []Footprint
	selection  []string
	hover      string
	area       geom.Geometry
	view       geo.BBox
}

var _ fyne.Widget = (*Map)(nil)
