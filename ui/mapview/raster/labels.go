package raster

import (
	"cmp"
	"image"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// countryLabel is where the name of a country goes.
type countryLabel struct {
	id, name string
	at       point
	reach    float64 // distance from there to the nearest border, in the Mercator square
}

// gridSide is how finely the inside of a country is searched for the place of its name.
const gridSide = 14

// countryLabels finds for each country the point of its largest part that is farthest from its border.
func countryLabels(b *basemap.Base) []countryLabel {
	out := make([]countryLabel, 0, len(b.Countries))
	for _, c := range b.Countries {
		var best path
		size := 0.0
		for _, poly := range c.Area {
			p := project(poly[0])
			if a := math.Abs(signedArea(p.pts)); a > size {
				best, size = p, a
			}
		}
		if size == 0 {
			continue
		}
		l := countryLabel{id: c.ID, name: c.Name}
		l.at, l.reach = innermost(best)
		if l.reach > 0 {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b countryLabel) int { return cmp.Compare(b.reach, a.reach) })
	return out
}

// innermost returns a point well within a ring. Long rings are thinned first: names need no precision.
func innermost(p path) (point, float64) {
	step := 1 + len(p.pts)/400
	var pts []point
	for i := 0; i < len(p.pts); i += step {
		pts = append(pts, p.pts[i])
	}
	pts = append(pts, p.pts[0])
	var best point
	reach := 0.0
	for iy := range gridSide {
		for ix := range gridSide {
			q := point{
				p.box.x0 + (p.box.x1-p.box.x0)*(float64(ix)+0.5)/gridSide,
				p.box.y0 + (p.box.y1-p.box.y0)*(float64(iy)+0.5)/gridSide,
			}
			if !inRing(pts, q) {
				continue
			}
			d := math.Inf(1)
			for i := 1; i < len(pts) && d > reach; i++ {
				// Names are wide: room to the sides counts for less than room above and below.
				d = min(d, distance(q, pts[i-1], pts[i]))
			}
			if d > reach {
				best, reach = q, d
			}
		}
	}
	return best, reach
}

// gazetteer holds what names there are, in one language.
type gazetteer struct {
	lang      string
	namer     display.Namer
	upper     cases.Caser
	places    []basemap.Place
	countries map[string]string // by id
}

func newGazetteer(lang string) *gazetteer {
	tag, err := language.Parse(lang)
	if err != nil {
		tag = language.English
	}
	g := &gazetteer{lang: lang, namer: display.Regions(tag), upper: cases.Upper(tag), countries: make(map[string]string)}
	if g.namer == nil {
		g.namer = display.Regions(language.English)
	}
	g.places = slices.Clone(basemap.Places())
	slices.SortStableFunc(g.places, func(a, b basemap.Place) int { return cmp.Compare(a.Class, b.Class) })
	return g
}

// country returns the name of a country in the language of the gazetteer, or else the name that the map brings.
func (g *gazetteer) country(l countryLabel) string {
	if n, ok := g.countries[l.id]; ok && l.id != "" {
		return n
	}
	name := l.name
	if r, err := language.ParseRegion(l.id); err == nil {
		if n := g.namer.Name(r); n != "" {
			name = n
		}
	}
	// "Myanmar (Burma)": a map has no room for the second name.
	if i := strings.Index(name, " ("); i > 0 {
		name = name[:i]
	}
	name = g.upper.String(name)
	g.countries[l.id] = name
	return name
}

// placer finds room for names on an image.
type placer struct {
	f     frame
	set   *typesetter
	pal   Palette
	taken []image.Rectangle // by names and dots
	names []placedName
	dots  []placedDot
}

// placedName is a name and where it goes.
type placedName struct {
	word word
	x, y int
	ink  ink
}

// placedDot marks a town.
type placedDot struct{ x, y, radius float64 }

// margin is how far outside the image names are still placed, so that a name doesn't jump when its neighbour leaves.
const margin = 160

// placeLabels finds room for large cities, then for countries, then for the other places.
func placeLabels(f frame, b *Base, g *gazetteer, set *typesetter, p Palette) *placer {
	pl := &placer{f: f, set: set, pal: p}
	for _, place := range g.places {
		if place.Class > 1 {
			break
		}
		if f.view.Zoom >= placeZoom(place.Class) {
			pl.place(place, g.lang)
		}
	}
	for _, l := range b.labels {
		pl.country(l, g)
	}
	for _, place := range g.places {
		if place.Class > 1 && f.view.Zoom >= placeZoom(place.Class) {
			pl.place(place, g.lang)
		}
	}
	return pl
}

// placeZoom is from where on places of a class are named.
func placeZoom(class int) float64 {
	return [...]float64{0, 3.4, 4.5, 5.4, 6.4}[min(max(class, 1), 4)]
}

func (pl *placer) country(l countryLabel, g *gazetteer) {
	room := l.reach * pl.f.s / pl.f.view.Scale // points
	if room < 13 || room > 520 {
		return
	}
	x, y := l.at.x*pl.f.s-pl.f.ox, l.at.y*pl.f.s-pl.f.oy
	if pl.away(y) {
		return
	}
	s := style{bold: true, size: 10, spacing: 1.2}
	if room > 70 {
		s.size, s.spacing = 11.5, 2.4
	}
	w := pl.set.set(g.country(l), s, pl.f.view.Scale)
	// The name may stand out of the country a little, not more.
	if float64(w.letters.Rect.Dx()) > 3.4*l.reach*pl.f.s+20*pl.f.view.Scale {
		return
	}
	pl.turns(x, func(x float64) {
		pl.try(w, x-float64(w.letters.Rect.Dx())/2, y-float64(w.letters.Rect.Dy())/2, 3, newInk(pl.pal.Country))
	})
}

// away reports whether a row is too far from the image for a name there to matter.
func (pl *placer) away(y float64) bool {
	m := margin * pl.f.view.Scale
	return y < -m || y > float64(pl.f.view.Height)+m
}

// turns calls draw for each turn of the globe on which x is near the image.
func (pl *placer) turns(x float64, draw func(x float64)) {
	m, w := margin*pl.f.view.Scale, float64(pl.f.view.Width)
	for k := math.Ceil((-m - x) / pl.f.s); k <= math.Floor((w+m-x)/pl.f.s); k++ {
		draw(x + k*pl.f.s)
	}
}

func (pl *placer) place(p basemap.Place, lang string) {
	scale := pl.f.view.Scale
	s := style{size: 11}
	switch {
	case p.Class == 1:
		s = style{bold: true, size: 12}
	case p.Class == 2:
		s.size = 11.5
	}
	y := geo.MercatorY(p.Lat)*pl.f.s - pl.f.oy
	if pl.away(y) {
		return
	}
	w := pl.set.set(p.NameIn(lang), s, scale)
	width, height := float64(w.letters.Rect.Dx()), float64(w.letters.Rect.Dy())
	dot := 2.1 * scale
	if p.Class == 1 {
		dot = 2.6 * scale
	}
	pl.turns(geo.MercatorX(p.Lon)*pl.f.s-pl.f.ox, func(x float64) {
		gap := dot + 1.5*scale
		spots := [...][2]float64{
			{x + gap - 1.5*scale, y - height/2},
			{x - gap - width + 1.5*scale, y - height/2},
			{x - width/2, y - gap - height + 3*scale},
			{x - width/2, y + gap - 3*scale},
		}
		for _, at := range spots {
			if pl.try(w, at[0], at[1], 1, newInk(pl.pal.Text)) {
				pl.dot(x, y, dot)
				return
			}
		}
	})
}

// dot notes the mark of a town whose name has been placed.
func (pl *placer) dot(x, y, radius float64) {
	pl.taken = append(pl.taken, image.Rect(int(x-radius), int(y-radius), int(x+radius)+1, int(y+radius)+1))
	pl.dots = append(pl.dots, placedDot{x, y, radius})
}

// try places a word with its top left corner at x, y unless that would cover another one.
func (pl *placer) try(w word, x, y, space float64, k ink) bool {
	n := placedName{word: w, x: int(math.Round(x)), y: int(math.Round(y)), ink: k}
	box := n.box().Inset(-int(space * pl.f.view.Scale))
	for _, t := range pl.taken {
		if t.Overlaps(box) {
			return false
		}
	}
	pl.taken = append(pl.taken, box)
	pl.names = append(pl.names, n)
	return true
}

func (n placedName) box() image.Rectangle { return n.word.letters.Rect.Add(image.Pt(n.x, n.y)) }

// draw paints what was placed.
func (pl *placer) draw(c *canvas) {
	for _, d := range pl.dots {
		c.strokes.line(d.x, d.y, d.x, d.y, d.radius+1.1*pl.f.view.Scale)
	}
	c.flushStrokes(newInk(pl.pal.Halo))
	for _, d := range pl.dots {
		c.strokes.line(d.x, d.y, d.x, d.y, d.radius)
	}
	c.flushStrokes(newInk(pl.pal.Text))
	halo := newInk(pl.pal.Halo)
	for _, n := range pl.names {
		stamp(c.img, n.word.halo, n.x, n.y, halo)
		stamp(c.img, n.word.letters, n.x, n.y, n.ink)
	}
}
