package scene

import (
	"math"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
)

// coastTile holds, for one degree by one degree, how far the coast is: kilometres, positive on land, negative at sea,
// cut off at coastReach. Its nodes lie on a lattice that is the same for every image.
type coastTile struct {
	lon, lat int
	once     sync.Once
	err      error
	nodes    []float32
	uniform  float32 // the distance everywhere, where nodes is nil
}

const (
	coastNX, coastNY = 192, 256 // cells per degree: some 400 m
	coastReach       = 20       // km
	coastBlock       = 16       // nodes, both ways, that share a list of segments
)

func (t *coastTile) measure(base *basemap.Base) {
	x0, y0 := place(float64(t.lon), float64(t.lat))
	x1, y1 := place(float64(t.lon+1), float64(t.lat+1))
	segments := near(coastSegments(base, t.lon, t.lat), x0, y0, x1, y1, coastReach)
	if len(segments) == 0 {
		t.uniform = -coastReach
		if base.IsLand(float64(t.lon)+0.5, float64(t.lat)+0.5) {
			t.uniform = coastReach
		}
		return
	}
	t.nodes = make([]float32, (coastNX+1)*(coastNY+1))
	for j := 0; j <= coastNY; j += coastBlock {
		for i := 0; i <= coastNX; i += coastBlock {
			t.measureBlock(base, segments, i, j)
		}
	}
}

// coastSegments returns the shore within half a degree of the tile.
func coastSegments(base *basemap.Base, lon, lat int) []segment {
	const margin = 0.5
	w, e := float64(lon)-margin, float64(lon)+1+margin
	s, n := float64(lat)-margin, float64(lat)+1+margin
	var out []segment
	for _, poly := range base.Land {
		for _, ring := range poly {
			for i := 1; i < len(ring); i++ {
				a, b := ring[i-1], ring[i]
				if max(a.X, b.X) < w || min(a.X, b.X) > e || max(a.Y, b.Y) < s || min(a.Y, b.Y) > n {
					continue
				}
				ax, ay := place(a.X, a.Y)
				bx, by := place(b.X, b.Y)
				out = append(out, segment{ax: ax, ay: ay, bx: bx, by: by})
			}
		}
	}
	return out
}

// measureBlock measures a block of nodes against the segments that can be nearest to one of them. The side is looked
// up once where the shore does not reach into the block.
func (t *coastTile) measureBlock(base *basemap.Base, segments []segment, i0, j0 int) {
	cx, cy := t.node(i0+coastBlock/2, j0+coastBlock/2)
	ex, ey := t.node(i0, j0)
	radius := hypot32(cx-ex, cy-ey) * 1.05
	nearest := float32(math.Inf(1))
	ds := make([]float32, len(segments))
	for k := range segments {
		ds[k] = float32(math.Sqrt(float64(segments[k].distance2(cx, cy))))
		nearest = min(nearest, ds[k])
	}
	var some []segment
	for k := range segments {
		if ds[k] <= nearest+2*radius {
			some = append(some, segments[k])
		}
	}
	land := t.isLand(base, i0+coastBlock/2, j0+coastBlock/2)
	for j := j0; j < min(j0+coastBlock, coastNY+1); j++ {
		for i := i0; i < min(i0+coastBlock, coastNX+1); i++ {
			x, y := t.node(i, j)
			best := float32(coastReach * coastReach)
			for k := range some {
				best = min(best, some[k].distance2(x, y))
			}
			d := float32(math.Sqrt(float64(best)))
			if nearest <= radius {
				land = t.isLand(base, i, j)
			}
			if !land {
				d = -d
			}
			t.nodes[j*(coastNX+1)+i] = d
		}
	}
}

func (t *coastTile) node(i, j int) (x, y float32) {
	return place(float64(t.lon)+float64(i)/coastNX, float64(t.lat)+float64(j)/coastNY)
}

func (t *coastTile) isLand(base *basemap.Base, i, j int) bool {
	return base.IsLand(float64(t.lon)+float64(i)/coastNX, float64(t.lat)+float64(j)/coastNY)
}

// at returns the distance at a place within the tile.
func (t *coastTile) at(lon, lat float64) float32 {
	if t.nodes == nil {
		return t.uniform
	}
	fx, fy := (lon-float64(t.lon))*coastNX, (lat-float64(t.lat))*coastNY
	i, j := min(int(fx), coastNX-1), min(int(fy), coastNY-1)
	u, v := float32(fx-float64(i)), float32(fy-float64(j))
	n := t.nodes[j*(coastNX+1)+i:]
	return lerp(lerp(n[0], n[1], u), lerp(n[coastNX+1], n[coastNX+2], u), v)
}

func hypot32(x, y float32) float32 { return float32(math.Sqrt(float64(x*x + y*y))) }
