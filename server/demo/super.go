package demo

import (
	"fmt"
	"math"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// site is one of the five places of Super-Sentinel-2.
type site struct {
	name, title string
	square      string // the Sentinel-2 tile that it is made from
	bbox        geo.BBox
}

// sites returns the places with the boxes that the service publishes.
func sites() []site {
	return []site{
		{"vienne-le-chateau", "Vienne-le-Château", "31UFQ", geo.BBox{West: 4.886140, South: 49.171417, East: 4.995230, North: 49.238478}},
		{"montpellier", "Montpellier", "31TEJ", geo.BBox{West: 3.696201, South: 43.547450, East: 4.036414, North: 43.754317}},
		{"dune-du-pilat", "Dune du Pilat", "30TXQ", geo.BBox{West: -1.286111, South: 44.498021, East: -1.124742, North: 44.629694}},
		{"lac-de-la-gimone", "Lac de la Gimone", "31TCJ", geo.BBox{West: 0.602124, South: 43.293268, East: 0.728970, North: 43.385851}},
		{"levignacq", "Lévignacq", "30TXP", geo.BBox{West: -1.259343, South: 43.941352, East: -1.088786, North: 44.065011}},
	}
}

// planSuper makes an image of a site from each clear Sentinel-2 scene over it.
func planSuper(seed uint64, s2 []acquisition) ([]acquisition, error) {
	const clear = 25 // percent of the tile
	var out []acquisition
	for _, st := range sites() {
		f, err := siteFrame(st)
		if err != nil {
			return nil, err
		}
		for _, a := range s2 {
			if a.square != st.square || a.cloud > clear || a.time.Year() < firstYear || !holds(a.frame, f) {
				continue
			}
			u := scene.Unit(scene.Mix(seed, chanceSuper, uint64(a.time.UnixMilli()), uint64(len(st.name))))
			b := a
			b.collection, b.frame = SuperSentinel2, f
			b.id = fmt.Sprintf("SUPER_%s_%s", strings.TrimSuffix(a.id, "_C_V2-2"), strings.ToUpper(st.name))
			b.title = fmt.Sprintf("%s, %s", st.title, a.time.Format("2006-01-02 15:04"))
			b.cloud = math.Round(max(a.cloud*(u*1.6-0.6), 0)*10) / 10
			out = append(out, b)
		}
	}
	return out, nil
}

func siteFrame(st site) (*frame, error) {
	sq, err := geo.ParseMGRSSquare(st.square)
	if err != nil {
		return nil, fmt.Errorf("site %s: %w", st.name, err)
	}
	p, err := geo.NewProjection(sq.EPSG())
	if err != nil {
		return nil, fmt.Errorf("site %s: %w", st.name, err)
	}
	var corners []geom.XY
	for _, c := range [4]geom.XY{
		{X: st.bbox.West, Y: st.bbox.South},
		{X: st.bbox.East, Y: st.bbox.South},
		{X: st.bbox.East, Y: st.bbox.North},
		{X: st.bbox.West, Y: st.bbox.North},
	} {
		x, y := p.Forward(c.X, c.Y)
		corners = append(corners, geom.XY{X: x, Y: y})
	}
	w, s, e, n := snapBox(corners, 15)
	ring := []geom.XY{{X: w, Y: s}, {X: e, Y: s}, {X: e, Y: n}, {X: w, Y: n}}
	return newFrame(p, ring, w, s, e, n)
}

// holds reports whether the footprint of outer, which is convex, holds all of inner's.
func holds(outer, inner *frame) bool {
	for i, b := range outer.ring {
		a := outer.ring[(i+len(outer.ring)-1)%len(outer.ring)]
		for _, v := range inner.ring {
			if (b.X-a.X)*(v.Y-a.Y)-(b.Y-a.Y)*(v.X-a.X) < 0 {
				return false
			}
		}
	}
	return true
}
