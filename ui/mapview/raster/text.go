package raster

import (
	"fmt"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Fonts are TrueType or OpenType files for the names on the map. Nil means the Go fonts.
type Fonts struct {
	Regular, Bold []byte
}

// style is how a name is set.
type style struct {
	bold    bool
	size    float64 // points
	spacing float64 // extra points between letters
}

// textKey names a rendered word.
type textKey struct {
	text  string
	style style
	scale float64
}

// word is a rendered name: its letters, and the same grown by the halo.
type word struct {
	letters, halo *image.Alpha
}

// typesetter renders words and keeps them.
type typesetter struct {
	regular, bold *opentype.Font
	faces         map[style]map[float64]font.Face
	words         map[textKey]word
}

// maxWords bounds the cache: it is emptied when it has grown so far.
const maxWords = 4096

func newTypesetter(f Fonts) (*typesetter, error) {
	if f.Regular == nil {
		f.Regular = goregular.TTF
	}
	if f.Bold == nil {
		f.Bold = gomedium.TTF
	}
	regular, err := opentype.Parse(f.Regular)
	if err != nil {
		return nil, fmt.Errorf("map: regular font: %w", err)
	}
	bold, err := opentype.Parse(f.Bold)
	if err != nil {
		return nil, fmt.Errorf("map: bold font: %w", err)
	}
	return &typesetter{
		regular: regular, bold: bold,
		faces: make(map[style]map[float64]font.Face), words: make(map[textKey]word),
	}, nil
}

func (t *typesetter) face(s style, scale float64) (font.Face, error) {
	if f, ok := t.faces[s][scale]; ok {
		return f, nil
	}
	src := t.regular
	if s.bold {
		src = t.bold
	}
	f, err := opentype.NewFace(src, &opentype.FaceOptions{Size: s.size * scale, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("map: font of %v points: %w", s.size, err)
	}
	if t.faces[s] == nil {
		t.faces[s] = make(map[float64]font.Face)
	}
	t.faces[s][scale] = f
	return f, nil
}

// set renders a word, or takes it from the cache. A word that the font cannot set is empty.
func (t *typesetter) set(text string, s style, scale float64) word {
	key := textKey{text, s, scale}
	if w, ok := t.words[key]; ok {
		return w
	}
	if len(t.words) >= maxWords {
		clear(t.words)
	}
	w := word{letters: image.NewAlpha(image.Rectangle{}), halo: image.NewAlpha(image.Rectangle{})}
	if face, err := t.face(s, scale); err == nil {
		w = renderWord(face, text, fixed.Int26_6(s.spacing*scale*64), haloPoints*scale)
	}
	t.words[key] = w
	return w
}

// haloPoints is how far the halo reaches beyond the letters, in points.
const haloPoints = 1.5

func renderWord(face font.Face, text string, spacing fixed.Int26_6, halo float64) word {
	m := face.Metrics()
	pad := int(math.Ceil(halo)) + 1
	width := font.MeasureString(face, text) + spacing*fixed.Int26_6(len([]rune(text)))
	size := image.Rect(0, 0, width.Ceil()+2*pad, (m.Ascent+m.Descent).Ceil()+2*pad)
	letters := image.NewAlpha(size)
	d := font.Drawer{Dst: letters, Src: image.Opaque, Face: face, Dot: fixed.P(pad, pad+m.Ascent.Ceil())}
	prev := rune(-1)
	for _, r := range text {
		if prev >= 0 {
			d.Dot.X += face.Kern(prev, r) + spacing
		}
		if dr, mask, maskp, adv, ok := face.Glyph(d.Dot, r); ok {
			draw.DrawMask(letters, dr, image.Opaque, image.Point{}, mask, maskp, draw.Over)
			d.Dot.X += adv
		}
		prev = r
	}
	return word{letters: letters, halo: grow(letters, halo)}
}

// grow spreads each letter over a soft disc.
func grow(src *image.Alpha, radius float64) *image.Alpha {
	type part struct {
		dx, dy int
		weight uint32
	}
	var disc []part
	r := int(math.Ceil(radius))
	for dy := -r; dy <= r; dy++ {
		for dx := -r; dx <= r; dx++ {
			if w := min(radius+0.5-math.Hypot(float64(dx), float64(dy)), 1); w > 0 {
				disc = append(disc, part{dx, dy, uint32(w * 256)})
			}
		}
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	out := image.NewAlpha(src.Rect)
	for y := range h {
		for x := range w {
			v := uint32(src.Pix[y*src.Stride+x])
			if v == 0 {
				continue
			}
			for _, d := range disc {
				if px, py := x+d.dx, y+d.dy; uint(px) < uint(w) && uint(py) < uint(h) {
					p := &out.Pix[py*out.Stride+px]
					*p = max(*p, uint8(v*d.weight>>8))
				}
			}
		}
	}
	return out
}

// stamp blends a mask with its top left corner at x, y. It may leave the image on every side.
func stamp(img *image.RGBA, mask *image.Alpha, x, y int, k ink) {
	r := mask.Rect.Add(image.Pt(x, y)).Intersect(img.Rect)
	for py := r.Min.Y; py < r.Max.Y; py++ {
		row := mask.Pix[(py-y)*mask.Stride+r.Min.X-x:]
		k.row(rowAt(img, r.Min.X, py), row[:r.Dx()])
	}
}
