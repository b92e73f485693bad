package mapview

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// authalicRadius is the radius of the sphere with the surface of the WGS 84 ellipsoid, in kilometres.
const authalicRadius = 6371.0071809

// ringArea returns the area of a ring in square kilometres on the authalic sphere, with edges along lines of equal
// latitude and longitude growth (Chamberlain and Duquette, JPL Publication 07-03, 2007). The ring need not be closed.
func ringArea(ring []geom.XY) float64 {
	const rad = math.Pi / 180
	sum := 0.0
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		sum += (q.X - p.X) * rad * (2 + math.Sin(p.Y*rad) + math.Sin(q.Y*rad))
	}
	return math.Abs(sum) * authalicRadius * authalicRadius / 2
}

// roundDistance returns the largest of 1, 2 and 5 times a power of ten that is at most limit.
func roundDistance(limit float64) float64 {
	if limit <= 0 || math.IsInf(limit, 0) || math.IsNaN(limit) {
		return 0
	}
	base := math.Pow(10, math.Floor(math.Log10(limit)))
	for _, f := range [...]float64{5, 2} {
		if f*base <= limit {
			return f * base
		}
	}
	return base
}
