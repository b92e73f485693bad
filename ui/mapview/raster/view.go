package raster

import (
	"math"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// tileSize is the width of the world in points at zoom 0, as in every slippy map.
const tileSize = 256

// maxPixels bounds either side of an image.
const maxPixels = 16384

// maxScale is finer than any screen.
const maxScale = 4

// maxZoom keeps pixel coordinates of the whole world well within what a float64 tells apart.
const maxZoom = 22

// View says which part of the world an image shows, in Web Mercator (EPSG:3857) with north up.
type View struct {
	// X and Y are the centre in the Web Mercator square, as geo.MercatorX and geo.MercatorY give it. The world
	// repeats along X: 0.2 and 1.2 look alike.
	X, Y float64
	// Zoom makes the world 256·2^Zoom points wide. It may have a fraction.
	Zoom float64
	// Width and Height are the size of the image in pixels.
	Width, Height int
	// Scale is pixels per point: 1 on a plain screen, 2 on a fine one.
	Scale float64
}

// sane returns v with every number in the range that drawing can handle.
func (v View) sane() View {
	v.X = clampOr(v.X, -4, 4, 0.5)
	v.Y = clampOr(v.Y, -1, 2, 0.5)
	v.Zoom = clampOr(v.Zoom, -4, maxZoom, 0)
	v.Scale = clampOr(v.Scale, 0.25, maxScale, 1)
	v.Width = min(max(v.Width, 1), maxPixels)
	v.Height = min(max(v.Height, 1), maxPixels)
	return v
}

// clampOr clamps v, and replaces NaN.
func clampOr(v, lo, hi, def float64) float64 {
	if math.IsNaN(v) {
		return def
	}
	return min(max(v, lo), hi)
}

// WorldPixels is the width of the world in pixels.
func (v View) WorldPixels() float64 { return tileSize * math.Exp2(v.Zoom) * v.Scale }

// Pixel returns where a place in the Web Mercator square falls in the image. x is taken as it is: add whole numbers for
// the other turns of the globe.
func (v View) Pixel(x, y float64) (px, py float64) {
	s := v.WorldPixels()
	return (x-v.X)*s + float64(v.Width)/2, (y-v.Y)*s + float64(v.Height)/2
}

// LonLat returns the place under a pixel, with the longitude in [-180, 180).
func (v View) LonLat(px, py float64) (lon, lat float64) {
	s := v.WorldPixels()
	x := v.X + (px-float64(v.Width)/2)/s
	y := min(max(v.Y+(py-float64(v.Height)/2)/s, 0), 1)
	return geo.WrapLon(geo.LonOfMercatorX(x)), geo.LatOfMercatorY(y)
}

// box is a rectangle in the Web Mercator square or in pixels.
type box struct{ x0, y0, x1, y1 float64 }

func emptyBox() box {
	return box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
}

func (b *box) add(x, y float64) {
	b.x0, b.y0 = min(b.x0, x), min(b.y0, y)
	b.x1, b.y1 = max(b.x1, x), max(b.y1, y)
}

// frame is a View made ready for projecting many points.
type frame struct {
	view   View
	s      float64 // pixels per world
	ox, oy float64 // pixel = x*s - ox
	bounds box     // what is visible, in the Mercator square
}

func newFrame(v View) frame {
	f := frame{view: v, s: v.WorldPixels()}
	f.ox, f.oy = v.X*f.s-float64(v.Width)/2, v.Y*f.s-float64(v.Height)/2
	f.bounds = box{f.ox / f.s, f.oy / f.s, (f.ox + float64(v.Width)) / f.s, (f.oy + float64(v.Height)) / f.s}
	return f
}

// grown returns the visible box with a margin in pixels.
func (f frame) grown(px float64) box {
	m := px / f.s
	return box{f.bounds.x0 - m, f.bounds.y0 - m, f.bounds.x1 + m, f.bounds.y1 + m}
}

// turns calls draw with each whole number k for which b, moved by k turns of the globe, is in the view with its margin.
func (f frame) turns(b box, margin float64, draw func(k float64)) {
	g := f.grown(margin)
	if b.y0 > g.y1 || b.y1 < g.y0 {
		return
	}
	for k := math.Ceil(g.x0 - b.x1); k <= math.Floor(g.x1-b.x0); k++ {
		draw(k)
	}
}
