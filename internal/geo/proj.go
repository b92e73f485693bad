package geo

import (
	"fmt"
	"math"

	"github.com/wroge/wgs84"
)

// Projection converts between a projected coordinate reference system and longitude/latitude. It is
// immutable and safe for concurrent use; NewProjection makes one.
type Projection struct {
	epsg             int
	forward, inverse func(a, b float64) (x, y float64)
}

// NewProjection returns the projection of an EPSG code: 4326 (here in lon/lat order, as OGC:CRS84), 2154
// (RGF93 / Lambert-93), 3857 (Web Mercator), 32601–32660 and 32701–32760 (WGS 84 / UTM north and south).
// Coordinates are metres east and north, degrees for 4326. Any other code is an error that names these.
func NewProjection(epsg int) (*Projection, error) {
	p := &Projection{epsg: epsg}
	switch {
	case epsg == 4326:
		same := func(lon, lat float64) (x, y float64) { return lon, lat }
		p.forward, p.inverse = same, same
	case epsg == 2154:
		p.use(wgs84.RGF93FranceLambert())
	case epsg == 3857:
		p.use(wgs84.WebMercator())
	case epsg > 32600 && epsg <= 32660:
		u := newUTM(epsg-32600, false)
		p.forward, p.inverse = u.forward, u.inverse
	case epsg > 32700 && epsg <= 32760:
		u := newUTM(epsg-32700, true)
		p.forward, p.inverse = u.forward, u.inverse
	default:
		return nil, fmt.Errorf("projection: EPSG:%d is not supported (4326, 2154, 3857, 326xx and 327xx are)", epsg)
	}
	return p, nil
}

func (p *Projection) use(crs wgs84.CoordinateReferenceSystem) {
	flat := func(f wgs84.Func) func(a, b float64) (x, y float64) {
		return func(a, b float64) (x, y float64) {
			x, y, _ = f(a, b, 0)
			return x, y
		}
	}
	p.forward, p.inverse = flat(wgs84.Transform(wgs84.LonLat(), crs)), flat(wgs84.Transform(crs, wgs84.LonLat()))
}

// EPSG returns the code of the projected system.
func (p *Projection) EPSG() int { return p.epsg }

// Forward converts lon/lat degrees to easting and northing.
func (p *Projection) Forward(lon, lat float64) (x, y float64) { return p.forward(lon, lat) }

// Inverse converts easting and northing to lon/lat degrees.
func (p *Projection) Inverse(x, y float64) (lon, lat float64) { return p.inverse(x, y) }

// UTMZone returns the zone of a longitude, 1 to 60, without the exceptions of Norway and Svalbard.
func UTMZone(lon float64) int {
	z := int(math.Floor((lon+180)/6)) + 1
	return min(max(z, 1), 60)
}
