package raster

import (
	"image"
	"image/color"
)

// ink is a colour prepared for blending: channels 0–255 and alpha 0–256, not premultiplied.
type ink struct{ r, g, b, a uint32 }

func newInk(c color.NRGBA) ink {
	return ink{uint32(c.R), uint32(c.G), uint32(c.B), (uint32(c.A)*257 + 128) >> 8}
}

// faded returns the ink with its alpha multiplied by f, 0–1.
func (k ink) faded(f float64) ink {
	k.a = uint32(float64(k.a)*min(max(f, 0), 1) + 0.5)
	return k
}

// over blends the ink over one pixel with an alpha of 0–256. The images here are opaque, and stay so.
func (k ink) over(p []uint8, a uint32) {
	p = p[:4:4]
	n := 256 - a
	p[0] = uint8((uint32(p[0])*n + k.r*a) >> 8)
	p[1] = uint8((uint32(p[1])*n + k.g*a) >> 8)
	p[2] = uint8((uint32(p[2])*n + k.b*a) >> 8)
}

// row blends the ink over a row of pixels with a coverage of 0–255 each.
func (k ink) row(pix, cover []uint8) {
	for i, c := range cover {
		if c != 0 {
			k.over(pix[i*4:], (k.a*uint32(c)+128)>>8)
		}
	}
}

// paint makes every pixel of an image one opaque colour.
func paint(img *image.RGBA, c color.NRGBA) {
	if len(img.Pix) < 4 {
		return
	}
	copy(img.Pix, []uint8{c.R, c.G, c.B, 0xFF})
	for n := 4; n < len(img.Pix); n *= 2 {
		copy(img.Pix[n:], img.Pix[:n])
	}
}

// rowAt returns the pixels of a row from column x on.
func rowAt(img *image.RGBA, x, y int) []uint8 { return img.Pix[y*img.Stride+x*4:] }
