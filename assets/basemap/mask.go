package basemap

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// bandsPerDegree is how finely the land mask sorts edges by latitude. A lookup reads the edges of one band.
const bandsPerDegree = 4

// mask answers whether a point is on land by counting the edges east of it (even-odd rule).
type mask struct {
	bands [180 * bandsPerDegree][]edge
}

type edge struct{ a, b geom.XY }

// IsLand reports whether a point, in degrees, lies on land (lakes count as land at this scale). The first call builds an
// index of all edges; later calls take about a microsecond. It may be called from any goroutine.
func (b *Base) IsLand(lon, lat float64) bool {
	return b.mask().contains(lon, lat)
}

func newMask(land []Polygon) *mask {
	m := new(mask)
	for _, poly := range land {
		for _, ring := range poly {
			for i := 1; i < len(ring); i++ {
				m.add(edge{ring[i-1], ring[i]})
			}
		}
	}
	return m
}

func (m *mask) add(e edge) {
	if e.a.Y == e.b.Y {
		return
	}
	lo, hi := m.band(min(e.a.Y, e.b.Y)), m.band(max(e.a.Y, e.b.Y))
	for i := lo; i <= hi; i++ {
		m.bands[i] = append(m.bands[i], e)
	}
}

func (m *mask) band(lat float64) int {
	return min(max(int((lat+90)*bandsPerDegree), 0), len(m.bands)-1)
}

func (m *mask) contains(lon, lat float64) bool {
	if math.IsNaN(lon) || math.IsNaN(lat) || lat < -90 || lat > 90 {
		return false
	}
	// Rings over the antimeridian are stored on one turn of the globe only, so the point is tried on its neighbours too.
	var inside [3]bool
	for _, e := range m.bands[m.band(lat)] {
		if (e.a.Y > lat) == (e.b.Y > lat) {
			continue
		}
		x := e.a.X + (lat-e.a.Y)/(e.b.Y-e.a.Y)*(e.b.X-e.a.X)
		for k := range inside {
			if lon+float64(k-1)*360 < x {
				inside[k] = !inside[k]
			}
		}
	}
	return inside[0] || inside[1] || inside[2]
}
