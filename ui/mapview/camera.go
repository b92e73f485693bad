package mapview

import (
	"math"

	"fyne.io/fyne/v2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

const (
	maxZoom  = 18
	tileSize = 256
	// fitZoom is the nearest that Fit goes: a box without size would otherwise fill the screen with nothing.
	fitZoom = 12
	// fitMargin is what Fit leaves free on each side, as a part of the view.
	fitMargin = 0.08
)

// camera is where the map looks. It is a value: each motion returns a new one.
type camera struct {
	x, y float64 // centre in the Web Mercator square, x in [0, 1)
	zoom float64
	size fyne.Size // of the view, in points
}

func (c camera) world() float64 { return tileSize * math.Exp2(c.zoom) }

// minZoom is where the world is as high as the view: there is never emptiness above or below.
func (c camera) minZoom() float64 {
	return max(0, math.Log2(max(float64(c.size.Height), 1)/tileSize))
}

// settled brings the camera back to where it may be.
func (c camera) settled() camera {
	c.zoom = min(max(c.zoom, c.minZoom()), maxZoom)
	c.x -= math.Floor(c.x)
	half := min(float64(c.size.Height)/2/c.world(), 0.5)
	c.y = min(max(c.y, half), 1-half)
	return c
}

// moved returns the camera after the map was dragged by points.
func (c camera) moved(dx, dy float32) camera {
	w := c.world()
	c.x -= float64(dx) / w
	c.y -= float64(dy) / w
	return c.settled()
}

// zoomed returns the camera after zooming by steps of two, with the place under p staying there.
func (c camera) zoomed(by float64, p fyne.Position) camera {
	x, y := c.at(p)
	c.zoom = min(max(c.zoom+by, c.minZoom()), maxZoom)
	w := c.world()
	c.x = x - float64(p.X-c.size.Width/2)/w
	c.y = y - float64(p.Y-c.size.Height/2)/w
	return c.settled()
}

// at returns the place under a point of the view, in the Web Mercator square; x may leave [0, 1).
func (c camera) at(p fyne.Position) (x, y float64) {
	w := c.world()
	return c.x + float64(p.X-c.size.Width/2)/w, c.y + float64(p.Y-c.size.Height/2)/w
}

// lonLat returns the place under a point of the view in degrees. The longitude goes on beyond ±180 on other turns.
func (c camera) lonLat(p fyne.Position) (lon, lat float64) {
	x, y := c.at(p)
	return geo.LonOfMercatorX(x), geo.LatOfMercatorY(min(max(y, 0), 1))
}

// point returns where a place falls in the view, on the given turn.
func (c camera) point(lon, lat float64) fyne.Position {
	w := c.world()
	return fyne.NewPos(
		float32((geo.MercatorX(lon)-c.x)*w)+c.size.Width/2,
		float32((geo.MercatorY(lat)-c.y)*w)+c.size.Height/2,
	)
}

// viewport returns what is in view.
func (c camera) viewport() geo.BBox {
	west, north := c.lonLat(fyne.NewPos(0, 0))
	east, south := c.lonLat(fyne.NewPos(c.size.Width, c.size.Height))
	b := geo.BBox{West: -180, South: south, East: 180, North: north}
	if east-west < 360 {
		b.West, b.East = geo.WrapLon(west), geo.WrapLon(east)
	}
	return b
}

// fitted returns the camera that shows all of a box.
func (c camera) fitted(b geo.BBox) camera {
	if b.CrossesAntimeridian() {
		b.East += 360
	}
	x0, x1 := geo.MercatorX(b.West), geo.MercatorX(b.East)
	y0, y1 := geo.MercatorY(b.North), geo.MercatorY(b.South)
	c.x, c.y = (x0+x1)/2, (y0+y1)/2
	inner := 1 - 2*fitMargin
	c.zoom = min(
		zoomFor(x1-x0, float64(c.size.Width)*inner),
		zoomFor(y1-y0, float64(c.size.Height)*inner),
		fitZoom)
	return c.settled()
}

// zoomFor returns the zoom at which a part of the Mercator square is so many points long.
func zoomFor(part, points float64) float64 {
	if part <= 0 {
		return fitZoom
	}
	return math.Log2(points / tileSize / part)
}

// metresPerPoint is the true distance that a point spans at the centre of the view.
func (c camera) metresPerPoint() float64 {
	const equator = 40075016.68557849 // metres round the WGS 84 ellipsoid at the equator
	return equator * math.Cos(geo.LatOfMercatorY(c.y)*math.Pi/180) / c.world()
}

// offset returns by how many points camera b has to be moved to look at what a looks at, the short way round the globe.
func offset(a, b camera) (dx, dy float64) {
	d := a.x - b.x
	d -= math.Round(d)
	w := b.world()
	return d * w, (a.y - b.y) * w
}
