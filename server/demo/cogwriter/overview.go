package cogwriter

// window is a part of an image to be halved: rows of stride pixels, of which w × h count.
type window struct {
	pix          []uint16
	mask         []uint8 // nil: all valid
	w, h, stride int
}

// shrinkTile halves a tile of the full resolution into the first overview. Tiles start at even pixels, so no two of
// them touch the same pixel there.
func (w *writer) shrinkTile(t *Tile) {
	w.shrink(&w.planes[0], t.X/2, t.Y/2, window{t.Pix, t.Mask, t.W, t.H, TileSize})
}

// shrinkPlane halves an overview into the next.
func (w *writer) shrinkPlane(dst, src *plane) {
	w.shrink(dst, 0, 0, window{src.pix, src.mask, src.w, src.h, src.w})
}

func (w *writer) shrink(dst *plane, x0, y0 int, src window) {
	n := len(w.Bands)
	for y := 0; y < src.h; y += 2 {
		for x := 0; x < src.w; x += 2 {
			at := y*src.stride + x
			// At an odd edge there is only one column or row below.
			from := [4]int{at, -1, -1, -1}
			if x+1 < src.w {
				from[1] = at + 1
			}
			if y+1 < src.h {
				from[2] = at + src.stride
				if x+1 < src.w {
					from[3] = at + src.stride + 1
				}
			}
			to := (y0+y/2)*dst.w + x0 + x/2
			if w.Overviews == Nearest {
				copy(dst.pix[to*n:to*n+n], src.pix[at*n:at*n+n])
				if src.mask != nil {
					dst.mask[to] = src.mask[at]
				}
				continue
			}
			w.average(dst, to, src, from)
		}
	}
}

// average sets a pixel to the mean of the valid ones among those below, rounded; it is valid if one of them is.
func (w *writer) average(dst *plane, to int, src window, from [4]int) {
	n := len(w.Bands)
	var valid [4]int
	count := 0
	for _, i := range from {
		if i >= 0 && (src.mask == nil || src.mask[i] != 0) {
			valid[count] = i
			count++
		}
	}
	if count == 0 {
		return
	}
	if src.mask != nil {
		dst.mask[to] = 1
	}
	for b := range n {
		sum := uint32(count / 2)
		for _, i := range valid[:count] {
			sum += uint32(src.pix[i*n+b])
		}
		dst.pix[to*n+b] = uint16(sum / uint32(count))
	}
}
