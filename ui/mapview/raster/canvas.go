package raster

import (
	"image"
	"image/color"
)

// canvas is an image with the scratch memory to draw on it. The image is opaque, with Stride 4·Width and its origin at 0.
type canvas struct {
	img     *image.RGBA
	fill    accum
	strokes strokes
}

func (c *canvas) begin(img *image.RGBA) {
	c.img = img
	w, h := img.Rect.Dx(), img.Rect.Dy()
	c.fill.reset(w, h)
	c.strokes.reset(w, h)
}

// flushFill paints the polygons in c.fill as one area, whatever their overlap.
func (c *canvas) flushFill(col color.NRGBA) {
	k := newInk(col)
	c.fill.sum(func(y int, cover []float32) {
		pix := rowAt(c.img, 0, y)
		for x, v := range cover {
			if v < 0 {
				v = -v
			}
			if v > 1.0/512 {
				k.over(pix[x*4:], uint32(float32(k.a)*min(v, 1)))
			}
		}
	})
}

// flushStrokes paints the lines in c.strokes.
func (c *canvas) flushStrokes(k ink) {
	c.strokes.rows(func(y, x0 int, cover []uint8) { k.row(rowAt(c.img, x0, y), cover) })
}
