// Package basemap is the map of the world that the program carries with it: land, coasts, borders, countries and a
// small gazetteer, from Natural Earth (public domain). It needs no network.
//
// It holds data and its decoding. How it is drawn is the business of ui/mapview/raster.
package basemap

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Attribution is what a map made from this data should say.
const Attribution = "Natural Earth"

// Level is how much detail a base has.
type Level uint8

// The levels, from coarse to fine, by the scale of the Natural Earth series that they come from.
const (
	Coarse Level = iota // 1:110 million, about 8,000 points
	Medium              // 1:50 million, about 80,000 points
	Fine                // 1:10 million, about 480,000 points
)

// String names the level as Natural Earth does.
func (l Level) String() string {
	switch l {
	case Coarse:
		return "110m"
	case Medium:
		return "50m"
	case Fine:
		return "10m"
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// Line is a chain of points in degrees, X = longitude, Y = latitude. Longitudes are continuous along it: where it runs
// over the antimeridian they go on beyond ±180.
type Line []geom.XY

// Polygon is a list of closed rings, the outer one first. A ring around a pole is closed along the pole.
type Polygon []Line

// Country is one country or dependency with its area.
type Country struct {
	// ID is the ISO 3166-1 numeric code, such as "250"; empty where there is none.
	ID string
	// Name is Natural Earth's short English name.
	Name string
	Area []Polygon
}

// Base is the world at one level. It is immutable and shared: don't write to it.
type Base struct {
	Level     Level
	Land      []Polygon
	Coast     []Line
	Borders   []Line // land borders between countries, each once
	Countries []Country

	mask func() *mask
}

//go:embed data/*.json.gz
var files embed.FS

// maxUnpacked bounds what one embedded file unpacks to.
const maxUnpacked = 64 << 20

// loaders decode each level at most once per process, at the first call. They hold nothing but embedded constants.
var loaders = [...]func() (*Base, error){
	Coarse: sync.OnceValues(func() (*Base, error) { return read(Coarse) }),
	Medium: sync.OnceValues(func() (*Base, error) { return read(Medium) }),
	Fine:   sync.OnceValues(func() (*Base, error) { return read(Fine) }),
}

// Load returns the world at a level. The first call decodes it (Fine: some 200 ms), so it belongs off the UI goroutine;
// later calls return the same Base at once. It may be called from any goroutine.
func Load(level Level) (*Base, error) {
	if int(level) >= len(loaders) {
		return nil, fmt.Errorf("basemap: there is no %v, the levels are Coarse, Medium and Fine", level)
	}
	return loaders[level]()
}

func read(level Level) (*Base, error) {
	packed, err := files.ReadFile("data/countries-" + level.String() + ".json.gz")
	if err != nil {
		return nil, fmt.Errorf("basemap %v: %w", level, err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("basemap %v: %w", level, err)
	}
	data, err := io.ReadAll(io.LimitReader(zr, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("basemap %v: %w", level, err)
	}
	t, err := geo.DecodeTopoJSON(data)
	if err != nil {
		return nil, fmt.Errorf("basemap %v: %w", level, err)
	}
	return build(level, t), nil
}

func build(level Level, t *geo.Topology) *Base {
	b := &Base{Level: level}
	uses := make([]uint8, len(t.Arcs))
	for _, f := range t.Objects["countries"] {
		var props struct {
			Name string `json:"name"`
		}
		// A country without readable properties is one without a name; its area still counts.
		_ = json.Unmarshal(f.Properties, &props)
		b.Countries = append(b.Countries, Country{ID: f.ID, Name: props.Name, Area: polygons(t, f)})
		for _, rings := range f.Polygons {
			for _, ring := range rings {
				for _, a := range ring {
					if i := max(a, ^a); uses[i] < 2 {
						uses[i]++
					}
				}
			}
		}
	}
	for _, f := range t.Objects["land"] {
		b.Land = append(b.Land, polygons(t, f)...)
	}
	for i, n := range uses {
		if n == 0 {
			continue
		}
		line := make(Line, len(t.Arcs[i]))
		copy(line, t.Arcs[i])
		geo.UnwrapRing(line)
		if n == 1 {
			b.Coast = append(b.Coast, cutFrame(line)...)
		} else {
			b.Borders = append(b.Borders, cutFrame(line)...)
		}
	}
	b.mask = sync.OnceValue(func() *mask { return newMask(b.Land) })
	return b
}

func polygons(t *geo.Topology, f geo.TopoFeature) []Polygon {
	out := make([]Polygon, 0, len(f.Polygons))
	for _, rings := range f.Polygons {
		var poly Polygon
		for i, arcs := range rings {
			ring := closeRing(t.Ring(arcs))
			if len(ring) < 4 {
				continue
			}
			// A hole has to lie on the same turn of the globe as the ring around it.
			if i > 0 && len(poly) > 0 {
				shift := math.Round((poly[0][0].X-ring[0].X)/360) * 360
				for j := range ring {
					ring[j].X += shift
				}
			}
			poly = append(poly, ring)
		}
		if len(poly) > 0 {
			out = append(out, poly)
		}
	}
	return out
}

// closeRing unwraps a ring, and closes one that goes round a pole along the edge of the map.
func closeRing(ring Line) Line {
	if len(ring) == 0 {
		return nil
	}
	if geo.UnwrapRing(ring) == 0 {
		return ring
	}
	pole := 90.0
	if ring[0].Y < 0 {
		pole = -90
	}
	first, last := ring[0], ring[len(ring)-1]
	return append(ring, geom.XY{X: last.X, Y: pole}, geom.XY{X: first.X, Y: pole}, first)
}

// cutFrame leaves out the segments that only exist because the source cuts the world open at ±180° and at the south
// pole: they are no coast and no border.
func cutFrame(line Line) []Line {
	onFrame := func(a, b geom.XY) bool {
		const eps = 0.01
		return math.Abs(math.Abs(a.X)-180) < eps && math.Abs(math.Abs(b.X)-180) < eps || a.Y < -89.9 && b.Y < -89.9
	}
	var out []Line
	start := 0
	for i := 1; i < len(line); i++ {
		if !onFrame(line[i-1], line[i]) {
			continue
		}
		if i-start > 1 {
			out = append(out, line[start:i:i])
		}
		start = i
	}
	if len(line)-start > 1 {
		out = append(out, line[start:])
	}
	return out
}
