// Package scene is the land that the sample archive's satellites see: one function from a place to what grows there,
// the same for every sensor and date, with a sun, seasons and a sky of its own for every overpass.
//
// A newcomer finds here, from the ground up: the coast (coast.go), hills (relief.go), places by name (places.go),
// what covers the ground (cover.go, fields.go), how that reflects light through the year (spectra.go), clouds (sky.go), and how
// an image is made of it all (render.go). Nothing here knows about files, STAC or collections.
//
// Inside, a place is x kilometres east and y kilometres north of 2.5° E, 46.5° N on a plate carrée.
package scene

import (
	"fmt"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
)

const (
	lon0, lat0 = 2.5, 46.5
	kmPerLon   = 76.63 // at lat0
	kmPerLat   = 111.19
)

// World is the land of one seed. It is safe for concurrent use.
type World struct {
	seed    uint32
	waters  []segment
	sands   []segment
	massifs []segment
	towns   []segment
	base    func() (*basemap.Base, error)

	mu    sync.Mutex
	coast map[[2]int]*coastTile
}

// segment is a straight piece of a line in kilometres.
type segment struct {
	ax, ay, bx, by float32
	half           float32 // half of the width, or the reach
	height         float32 // of a massif, metres
}

// NewWorld returns the land of a seed. The coast is read when it is first needed.
func NewWorld(seed uint64) *World {
	w := &World{
		seed: uint32(splitmix(seed)), coast: map[[2]int]*coastTile{},
		base: func() (*basemap.Base, error) { return basemap.Load(basemap.Fine) },
	}
	for _, l := range waters() {
		w.waters = appendSegments(w.waters, l.at, l.width/2, 0)
	}
	for _, l := range sands() {
		w.sands = appendSegments(w.sands, l.at, l.width/2, 0)
	}
	for _, m := range massifs() {
		w.massifs = appendSegments(w.massifs, m.at, m.width, m.height)
	}
	for _, t := range towns() {
		w.towns = appendSegments(w.towns, []float32{t.lon, t.lat, t.lon, t.lat}, t.radius, 0)
	}
	return w
}

func appendSegments(out []segment, at []float32, half, height float32) []segment {
	for i := 2; i < len(at); i += 2 {
		ax, ay := place(float64(at[i-2]), float64(at[i-1]))
		bx, by := place(float64(at[i]), float64(at[i+1]))
		out = append(out, segment{ax, ay, bx, by, half, height})
	}
	return out
}

// place converts degrees to kilometres.
func place(lon, lat float64) (x, y float32) {
	return float32((lon - lon0) * kmPerLon), float32((lat - lat0) * kmPerLat)
}

// distance2 returns the square of the distance of a point from the segment.
func (s *segment) distance2(x, y float32) float32 {
	dx, dy := s.bx-s.ax, s.by-s.ay
	px, py := x-s.ax, y-s.ay
	if l := dx*dx + dy*dy; l > 0 {
		t := min(max((px*dx+py*dy)/l, 0), 1)
		px -= t * dx
		py -= t * dy
	}
	return px*px + py*py
}

// near returns the segments that come within reach of a box, beyond their own half width.
func near(all []segment, x0, y0, x1, y1, reach float32) []segment {
	var out []segment
	for _, s := range all {
		r := s.half + reach
		if min(s.ax, s.bx)-r <= x1 && max(s.ax, s.bx)+r >= x0 && min(s.ay, s.by)-r <= y1 && max(s.ay, s.by)+r >= y0 {
			out = append(out, s)
		}
	}
	return out
}

// coastAt returns the tile of the coast with these whole degrees in its south-west corner, and keeps it.
func (w *World) coastAt(lon, lat int) (*coastTile, error) {
	const keep = 96 // tiles of 0.2 MB
	w.mu.Lock()
	t, ok := w.coast[[2]int{lon, lat}]
	if !ok {
		if len(w.coast) >= keep {
			clear(w.coast)
		}
		t = &coastTile{lon: lon, lat: lat}
		w.coast[[2]int{lon, lat}] = t
	}
	w.mu.Unlock()
	t.once.Do(func() {
		base, err := w.base()
		if err != nil {
			t.err = fmt.Errorf("coast: %w", err)
			return
		}
		t.measure(base)
	})
	return t, t.err
}
