package raster

import (
	"image"
	"slices"

	"github.com/peterstace/simplefeatures/geom"
)

// Scene is everything that an image shows. It is immutable: a change is a new Scene with new slices.
type Scene struct {
	View    View
	Palette Palette
	// Base may be nil while it is being decoded: then there is only sea.
	Base      *Base
	Graticule bool
	// Language picks the names of countries and places (BCP 47); empty means English.
	Language string
	// Footprints may be nil.
	Footprints *Footprints
	// Selection and Hover name footprints that stand out. Unknown ids are ignored.
	Selection []string
	Hover     string
	// Area is the area of interest; empty means none.
	Area geom.Geometry
}

// Renderer draws scenes. It keeps what a following scene may share with the last: base map and places of names while the
// view stays, and base map with footprints while only selection, hover or area change. It belongs to one goroutine at a
// time.
type Renderer struct {
	text  *typesetter
	names *gazetteer
	c     canvas

	base, full                 *image.RGBA
	labels                     *placer
	baseKey, fullKey, labelKey layerKey
}

// layerKey says what a kept layer shows.
type layerKey struct {
	view       View
	palette    Palette
	base       *Base
	graticule  bool
	language   string
	footprints *Footprints
}

// NewRenderer returns a renderer that writes names in the given fonts.
func NewRenderer(f Fonts) (*Renderer, error) {
	text, err := newTypesetter(f)
	if err != nil {
		return nil, err
	}
	return &Renderer{text: text}, nil
}

// Render draws a scene into dst if that has the size of the view, and else into a new image, and returns it. The image is
// opaque, its origin is (0, 0) and its Stride is 4·Width, which Fyne uploads without a copy.
func (r *Renderer) Render(dst *image.RGBA, s Scene) *image.RGBA {
	s.View = s.View.sane()
	size := image.Rect(0, 0, s.View.Width, s.View.Height)
	dst = sized(dst, size)
	f := newFrame(s.View)

	key := layerKey{s.View, s.Palette, s.Base, s.Graticule, "", nil}
	if r.base == nil || r.baseKey != key {
		r.base = sized(r.base, size)
		r.drawBase(f, s)
		r.baseKey, r.fullKey = key, layerKey{}
	}
	key.language = s.Language
	if s.Base != nil && (r.labels == nil || r.labelKey != key) {
		r.placeLabels(f, s)
		r.labelKey = key
	}
	key.language, key.footprints = "", s.Footprints
	if r.full == nil || r.fullKey != key {
		r.full = sized(r.full, size)
		copy(r.full.Pix, r.base.Pix)
		r.c.begin(r.full)
		drawFootprints(&r.c, f, s.Footprints, s.Palette)
		r.fullKey = key
	}
	copy(dst.Pix, r.full.Pix)
	r.c.begin(dst)
	r.drawStanding(f, s)
	if s.Base != nil {
		r.labels.draw(&r.c)
	}
	if !s.Area.IsEmpty() {
		area := newShape("", s.Area)
		drawArea(&r.c, f, &area, s.Palette)
	}
	return dst
}

func sized(img *image.RGBA, r image.Rectangle) *image.RGBA {
	if img == nil || img.Rect != r || img.Stride != 4*r.Dx() {
		return image.NewRGBA(r)
	}
	return img
}

func (r *Renderer) drawBase(f frame, s Scene) {
	r.c.begin(r.base)
	if s.Base == nil {
		paint(r.base, s.Palette.Sea)
	} else {
		s.Base.drawSurface(&r.c, f, s.Palette)
	}
	if s.Graticule {
		drawGraticule(&r.c, f, s.Palette)
	}
	if s.Base != nil {
		s.Base.drawLines(&r.c, f, s.Palette)
	}
}

func (r *Renderer) placeLabels(f frame, s Scene) {
	if r.names == nil || r.names.lang != s.Language {
		r.names = newGazetteer(s.Language)
	}
	r.labels = placeLabels(f, s.Base, r.names, r.text, s.Palette)
}

// drawStanding paints the footprints that stand out.
func (r *Renderer) drawStanding(f frame, s Scene) {
	fp := s.Footprints
	if fp.Len() == 0 {
		return
	}
	order := make([]int32, 0, len(s.Selection))
	for _, id := range s.Selection {
		if i, ok := fp.byID[id]; ok {
			order = append(order, i)
		}
	}
	slices.Sort(order)
	selected := make([]*shape, len(order))
	for i, n := range order {
		selected[i] = &fp.shapes[n]
	}
	drawSelected(&r.c, f, selected, s.Palette.Selected, s.Palette.Casing, 0.3, 1.1)
	if i, ok := fp.byID[s.Hover]; ok {
		tint := 0.2
		if slices.Contains(order, i) {
			tint = 0 // it has one already
		}
		drawSelected(&r.c, f, []*shape{&fp.shapes[i]}, s.Palette.Hover, s.Palette.Casing, tint, 0.9)
	}
}
