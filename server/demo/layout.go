package demo

import (
	"fmt"
	"math"
	"sort"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// France is id 250 of ISO 3166-1, the number by which Natural Earth files it.
const franceID = "250"

// country is the outline of mainland France with Corsica, for deciding which scenes exist: its edges by the latitudes
// that they reach, since half a million places are asked for.
type country struct {
	bands [(countryNorth - countrySouth) * bandsPerDegree][][2]geom.XY
}

const (
	countrySouth, countryNorth = 41, 52
	bandsPerDegree             = 8
)

func (c *country) add(ring basemap.Line) {
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		lo := int((min(a.Y, b.Y) - countrySouth) * bandsPerDegree)
		hi := int((max(a.Y, b.Y) - countrySouth) * bandsPerDegree)
		for k := max(lo, 0); k <= min(hi, len(c.bands)-1); k++ {
			c.bands[k] = append(c.bands[k], [2]geom.XY{a, b})
		}
	}
}

func loadFrance() (*country, error) {
	base, err := basemap.Load(basemap.Medium)
	if err != nil {
		return nil, fmt.Errorf("outline of France: %w", err)
	}
	c, rings := new(country), 0
	for _, each := range base.Countries {
		if each.ID != franceID {
			continue
		}
		for _, poly := range each.Area {
			// The overseas departments lie outside this box.
			if p := poly[0][0]; p.X > -6 && p.X < 10 && p.Y > countrySouth && p.Y < countryNorth {
				c.add(poly[0])
				rings++
			}
		}
	}
	if rings == 0 {
		return nil, fmt.Errorf("outline of France: the basemap has no country %s", franceID)
	}
	return c, nil
}

func (c *country) contains(lon, lat float64) bool {
	k := int(math.Floor((lat - countrySouth) * bandsPerDegree))
	if k < 0 || k >= len(c.bands) {
		return false
	}
	in := false
	for _, e := range c.bands[k] {
		a, b := e[0], e[1]
		if (a.Y > lat) != (b.Y > lat) && lon < a.X+(lat-a.Y)/(b.Y-a.Y)*(b.X-a.X) {
			in = !in
		}
	}
	return in
}

// share returns how much of a projected box lies in the country, 0 to 1, from n × n samples.
func (c *country) share(p *geo.Projection, west, south, east, north float64, n int) float64 {
	hits := 0
	for i := range n {
		for j := range n {
			x := west + (float64(i)+0.5)/float64(n)*(east-west)
			y := south + (float64(j)+0.5)/float64(n)*(north-south)
			if c.contains(p.Inverse(x, y)) {
				hits++
			}
		}
	}
	return float64(hits) / float64(n*n)
}

// A Sentinel-2 tile is its 100 km MGRS square with a margin: 109.8 km, from 20 m west and 20 m north of it.
const (
	tileSize   = 109800
	tileMargin = 20
)

// orbitTilt is the angle of a descending sun-synchronous track from north over France, in radians: it runs from
// the north-north-east to the south-south-west.
const orbitTilt = 12 * math.Pi / 180

// track is a relative orbit of Sentinel-2 over France.
type track struct {
	orbit int
	// lon is where its middle crosses 46.5° N. Tracks lie 360/143 degrees apart.
	lon float64
	// phase is the day of the five-day cycle on which one of the two satellites flies it.
	phase int
}

func tracks() []track {
	return []track{{65, 9.0, 4}, {108, 6.5, 2}, {8, 4.0, 0}, {51, 1.45, 3}, {94, -1.05, 1}, {137, -3.55, 4}, {37, -6.1, 2}}
}

// swathHalf is half the width of the swath, metres.
const swathHalf = 145e3

// s2View is a tile as one orbit sees it.
type s2View struct {
	square geo.MGRSSquare
	track  track
	*frame
	covered float64 // share of the tile in the swath
	home    bool    // every acquisition is in the archive, not only the clearest of each month
}

// homeTiles have the whole series: those of the Super-Sentinel-2 sites and a few of mountains, plains and coasts.
func homeTiles() map[string]bool {
	return map[string]bool{
		"31TEJ": true, "31UFQ": true, "30TXQ": true, "31TCJ": true, "30TXP": true, "31TDJ": true, "31TFJ": true,
		"31UDQ": true, "31TFL": true, "32TLR": true, "30UXU": true, "31TGJ": true,
	}
}

// sentinel2Views lays the tiles of the real grid over France, each seen by the orbit that covers most of it and, for
// a home tile, by every orbit that covers a third of it or more.
func sentinel2Views(fr *country) ([]s2View, error) {
	var views []s2View
	home := homeTiles()
	for zone := 30; zone <= 32; zone++ {
		p, err := geo.NewProjection(32600 + zone)
		if err != nil {
			return nil, err
		}
		for e := 200e3; e < 800e3; e += 100e3 {
			for n := 4500e3; n < 5700e3; n += 100e3 {
				lon, lat := p.Inverse(e+50e3, n+50e3)
				// Beyond its zone a square exists in the grid of the next zone.
				if math.Abs(lon-float64(zone*6-183)) > 3.5 || fr.share(p, e, n, e+100e3, n+100e3, 12) < 0.04 {
					continue
				}
				sq := geo.NewMGRSSquare(zone, e+1, n+1, lat)
				vs, err := viewsOf(sq, p, home[sq.String()])
				if err != nil {
					return nil, err
				}
				views = append(views, vs...)
			}
		}
	}
	return views, nil
}

func viewsOf(sq geo.MGRSSquare, p *geo.Projection, home bool) ([]s2View, error) {
	west, north := sq.Easting-tileMargin, sq.Northing+100e3+tileMargin
	east, south := west+tileSize, north-tileSize
	_, lat := p.Inverse((west+east)/2, (south+north)/2)
	nx, ny := math.Cos(orbitTilt), -math.Sin(orbitTilt) // across the track, eastward
	var views []s2View
	for _, tr := range tracks() {
		// Along a descending track the longitude grows northward.
		lon := tr.lon + (lat-46.5)*math.Tan(orbitTilt)/math.Cos(lat*math.Pi/180)
		tx, ty := p.Forward(lon, lat)
		mid := nx*tx + ny*ty
		ring := []geom.XY{{X: west, Y: south}, {X: east, Y: south}, {X: east, Y: north}, {X: west, Y: north}}
		ring = clip(ring, nx, ny, mid+swathHalf)
		ring = clip(ring, -nx, -ny, swathHalf-mid)
		if len(ring) < 3 {
			continue
		}
		covered := ringArea(ring) / (tileSize * tileSize)
		if covered < 1.0/3 {
			continue
		}
		f, err := newFrame(p, ring, west, south, east, north)
		if err != nil {
			return nil, fmt.Errorf("tile %s, orbit %d: %w", sq, tr.orbit, err)
		}
		views = append(views, s2View{square: sq, track: tr, frame: f, covered: covered, home: home})
	}
	sort.SliceStable(views, func(i, j int) bool { return views[i].covered > views[j].covered })
	if !home && len(views) > 1 {
		views = views[:1]
	}
	return views, nil
}

// A SPOT scene is 58 km across its track and 60 km along it; neighbours overlap by some 4 km.
const (
	spotAcross, spotAlong = 58e3, 60e3
	spotStepX, spotStepY  = 53e3, 55e3
)

// spotCentres returns the middles of the scenes that together cover mainland France, in Lambert-93. Rows and columns
// follow the orbit; shift moves the whole lattice, as no two years are flown alike.
func spotCentres(fr *country, p *geo.Projection, shiftX, shiftY float64) []geom.XY {
	sin, cos := math.Sin(orbitTilt), math.Cos(orbitTilt)
	var out []geom.XY
	for i := -16; i <= 16; i++ {
		for j := -16; j <= 16; j++ {
			u, v := float64(i)*spotStepX+shiftX, float64(j)*spotStepY+shiftY
			x, y := 700e3+u*cos+v*sin, 6600e3-u*sin+v*cos
			if c := (geom.XY{X: x, Y: y}); onMainland(fr, p, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// onMainland reports whether about a fifth or more of the scene around c is mainland France.
func onMainland(fr *country, p *geo.Projection, c geom.XY) bool {
	// Most of the lattice lies nowhere near: France fits this box of Lambert-93.
	if c.X < 60e3 || c.X > 1110e3 || c.Y < 6010e3 || c.Y > 7140e3 {
		return false
	}
	const n = 3
	sin, cos := math.Sin(orbitTilt), math.Cos(orbitTilt)
	hits := 0
	for i := range n {
		for j := range n {
			u, v := (float64(i)-1)/n*spotAcross, (float64(j)-1)/n*spotAlong
			lon, lat := p.Inverse(c.X+u*cos+v*sin, c.Y-u*sin+v*cos)
			// Corsica lies east of this.
			if lon < 8.3 && fr.contains(lon, lat) {
				hits++
			}
		}
	}
	return hits >= 2
}

// spotRing returns the footprint of the scene in the middle of which c lies.
func spotRing(c geom.XY) []geom.XY {
	sin, cos := math.Sin(orbitTilt), math.Cos(orbitTilt)
	ring := make([]geom.XY, 4)
	for i, k := range [4][2]float64{{-1, -1}, {1, -1}, {1, 1}, {-1, 1}} {
		u, v := k[0]*spotAcross/2, k[1]*spotAlong/2
		ring[i] = geom.XY{X: c.X + u*cos + v*sin, Y: c.Y - u*sin + v*cos}
	}
	return ring
}
