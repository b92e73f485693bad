package geo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Topology is a decoded TopoJSON document (TopoJSON 1.0 specification §2.1): lines that shapes share, and the
// shapes as lists of them.
type Topology struct {
	// Arcs are the shared lines, in absolute degrees, lon/lat.
	Arcs [][]geom.XY
	// Objects are the named collections, each flattened to its polygonal features.
	Objects map[string][]TopoFeature
}

// TopoFeature is one Polygon or MultiPolygon of a topology.
type TopoFeature struct {
	ID         string
	Properties json.RawMessage
	// Polygons holds for each polygon its rings, outer ring first, and for each ring the arcs that make it.
	// A negative index ^i means arc i walked backwards (specification §2.1.4).
	Polygons [][][]int
}

const (
	maxTopoArcs   = 1 << 20
	maxTopoPoints = 1 << 23
	maxTopoDepth  = 16
)

type topoGeometry struct {
	Type       string          `json:"type"`
	ID         json.RawMessage `json:"id"`
	Properties json.RawMessage `json:"properties"`
	Arcs       json.RawMessage `json:"arcs"`
	Geometries []topoGeometry  `json:"geometries"`
}

// DecodeTopoJSON reads a topology. Arcs are turned from quantised deltas into degrees. Every arc index is checked, so that
// Ring cannot fail afterwards. Points and lines are left out: nothing here needs them.
func DecodeTopoJSON(data []byte) (*Topology, error) {
	var doc struct {
		Type      string `json:"type"`
		Transform *struct {
			Scale     [2]float64 `json:"scale"`
			Translate [2]float64 `json:"translate"`
		} `json:"transform"`
		Arcs    [][][2]float64          `json:"arcs"`
		Objects map[string]topoGeometry `json:"objects"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("topojson: %w", err)
	}
	if doc.Type != "Topology" {
		return nil, fmt.Errorf("topojson: type is %q, want \"Topology\"", doc.Type)
	}
	if len(doc.Arcs) > maxTopoArcs {
		return nil, fmt.Errorf("topojson: %d arcs, at most %d are read", len(doc.Arcs), maxTopoArcs)
	}
	t := &Topology{Arcs: make([][]geom.XY, len(doc.Arcs)), Objects: make(map[string][]TopoFeature, len(doc.Objects))}
	points := 0
	for i, arc := range doc.Arcs {
		if points += len(arc); points > maxTopoPoints {
			return nil, fmt.Errorf("topojson: more than %d points", maxTopoPoints)
		}
		line := make([]geom.XY, len(arc))
		var x, y float64
		for j, p := range arc {
			if tr := doc.Transform; tr != nil {
				x, y = x+p[0], y+p[1]
				line[j] = geom.XY{X: x*tr.Scale[0] + tr.Translate[0], Y: y*tr.Scale[1] + tr.Translate[1]}
			} else {
				line[j] = geom.XY{X: p[0], Y: p[1]}
			}
			if !isFinite(line[j].X) || !isFinite(line[j].Y) {
				return nil, fmt.Errorf("topojson: arc %d, point %d is not finite", i, j)
			}
		}
		t.Arcs[i] = line
	}
	for name, g := range doc.Objects {
		var out []TopoFeature
		if err := t.flatten(&out, g, 0); err != nil {
			return nil, fmt.Errorf("topojson: object %q: %w", name, err)
		}
		t.Objects[name] = out
	}
	return t, nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (t *Topology) flatten(out *[]TopoFeature, g topoGeometry, depth int) error {
	if depth > maxTopoDepth {
		return errors.New("collections are nested too deeply")
	}
	f := TopoFeature{ID: topoID(g.ID), Properties: g.Properties}
	switch g.Type {
	case "GeometryCollection":
		for _, child := range g.Geometries {
			if err := t.flatten(out, child, depth+1); err != nil {
				return err
			}
		}
		return nil
	case "Polygon":
		f.Polygons = make([][][]int, 1)
		if err := json.Unmarshal(g.Arcs, &f.Polygons[0]); err != nil {
			return fmt.Errorf("polygon arcs: %w", err)
		}
	case "MultiPolygon":
		if err := json.Unmarshal(g.Arcs, &f.Polygons); err != nil {
			return fmt.Errorf("multipolygon arcs: %w", err)
		}
	default:
		return nil
	}
	for _, rings := range f.Polygons {
		for _, ring := range rings {
			for _, a := range ring {
				if i := max(a, ^a); i >= len(t.Arcs) {
					return fmt.Errorf("arc %d does not exist, there are %d", a, len(t.Arcs))
				}
			}
		}
	}
	*out = append(*out, f)
	return nil
}

// topoID returns an id that may be a JSON string or number as text.
func topoID(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Ring joins arcs end to end. The shared point between two arcs occurs once.
func (t *Topology) Ring(arcs []int) []geom.XY {
	var out []geom.XY
	for _, a := range arcs {
		line := t.Arcs[max(a, ^a)]
		for j := range line {
			p := line[j]
			if a < 0 {
				p = line[len(line)-1-j]
			}
			if n := len(out); j == 0 && n > 0 && out[n-1] == p {
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// UnwrapRing makes the longitudes of a line or ring continuous, in place: a step of more than 180° is taken the short
// way round, so that the result may leave ±180. It returns by how many degrees the last point has moved on from where
// the line would be without unwrapping: ±360 for a ring around a pole, 0 for any other ring.
func UnwrapRing(line []geom.XY) float64 {
	var shift float64
	for i := 1; i < len(line); i++ {
		x := line[i].X + shift
		switch d := x - line[i-1].X; {
		case d > 180:
			shift -= 360
			x -= 360
		case d < -180:
			shift += 360
			x += 360
		}
		line[i].X = x
	}
	return shift
}
