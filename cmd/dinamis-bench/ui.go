package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// benchUI measures the map's renderer at 1280 × 800, which has a frame of 16 ms for the footprints.
func benchUI(_ context.Context, report func(figure)) error {
	r, err := raster.NewRenderer(raster.Fonts{})
	if err != nil {
		return err
	}
	v := raster.View{X: geo.MercatorX(2.5), Y: geo.MercatorY(46.5), Zoom: 5.7, Width: 1280, Height: 800, Scale: 1}
	base, err := raster.LoadBase(raster.LevelFor(v))
	if err != nil {
		return err
	}
	for _, n := range []int{3_000, 20_000, 100_000} {
		scene := raster.Scene{View: v, Palette: raster.Light(), Base: base, Graticule: true}
		list := tiltedScenes(n)
		img := r.Render(nil, scene)
		var spent time.Duration
		const rounds = 30
		for range rounds {
			scene.Footprints = raster.NewFootprints(list) // a new set is drawn anew, as after a search
			begun := time.Now()
			img = r.Render(img, scene)
			spent += time.Since(begun)
		}
		report(figure{fmt.Sprintf("ui/render-%d-footprints", n), ms(spent) / rounds, "ms", "<=", 16, "1280 × 800, over France"})
	}
	return nil
}

// tiltedScenes are SPOT scenes of 58 × 60 km over France.
func tiltedScenes(n int) []raster.Footprint {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]raster.Footprint, n)
	for i := range out {
		lon, lat := -4+11*r.Float64(), 43+7*r.Float64()
		sin, cos := math.Sincos(12 * math.Pi / 180)
		var flat []float64
		for _, c := range [...][2]float64{{-29, -30}, {29, -30}, {29, 30}, {-29, 30}, {-29, -30}} {
			x, y := c[0]*cos+c[1]*sin, c[1]*cos-c[0]*sin
			flat = append(flat, lon+x/111.3/math.Cos(lat*math.Pi/180), lat+y/111.3)
		}
		ring := geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
		out[i] = raster.Footprint{ID: fmt.Sprint(i), Geometry: geom.NewPolygon([]geom.LineString{ring}).AsGeometry()}
	}
	return out
}
