package scene

// Scale turns reflectance into the stored numbers: 10,000 is a perfect white.
const Scale = 10000

// Inks are the palette mixed down to the bands of one image.
type Inks struct {
	bands  int
	table  [2][classes][variants][]float32
	snow   []float32
	cloud  []float32
	haze   []float32
	shade  []float32 // how much light a cloud's shadow leaves
	jitter float32
}

// Inks mixes the scene's palette for these bands.
func (s *Scene) Inks(bands ...Band) *Inks {
	k := &Inks{bands: len(bands), jitter: 0.0035}
	mix := func(sp spectrum) []float32 {
		out := make([]float32, len(bands))
		for i, b := range bands {
			for c, w := range b {
				out[i] += w * sp[c]
			}
		}
		return out
	}
	for dry := range 2 {
		for c := range classes {
			for v := range variants {
				k.table[dry][c][v] = mix(s.palette[dry][c][v])
			}
		}
	}
	k.snow, k.cloud = mix(snow()), mix(cloud())
	// Scattered light is strongest in the blue; shadows are filled by it.
	k.haze = mix(spectrum{.034, .021, .012, .010, .008, .007, .006, .005, .001, .0005})
	k.shade = mix(spectrum{.46, .40, .36, .34, .33, .32, .31, .31, .28, .27})
	return k
}

// Reflectance fills a block of pixels: pix has stride pixels to a row and holds the bands of a pixel next to each
// other; mask gets a 1 where the footprint is, and may be nil. Stored values are 1 to 65535; 0 stays for no data.
func (s *Scene) Reflectance(k *Inks, x0, y0, w, h, stride int, pix []uint16, mask []uint8) error {
	return s.each(x0, y0, w, h, func(x, y int, _ *node, p *surface) {
		at := y*stride + x
		if mask != nil {
			mask[at] = 1
		}
		top := k.table[p.dry][p.class][p.variant]
		var under []float32
		if p.mix > 0 {
			under = k.table[p.dry][p.under][p.variant]
		}
		h := lattice(s.sky.seed, int32(x0+x), int32(y0+y))
		for b := range k.bands {
			r := top[b]
			if under != nil {
				r = lerp(r, under[b], p.mix)
			}
			if p.snow > 0 {
				r = lerp(r, k.snow[b], p.snow)
			}
			r *= p.light
			if p.shadow > 0 {
				r *= lerp(1, k.shade[b], p.shadow)
			}
			r += p.haze * k.haze[b]
			if p.opacity > 0 {
				r = lerp(r, k.cloud[b]*p.bright, p.opacity)
			}
			// The sensor's noise grows with the light.
			r *= 1 + (unit32(h)-0.5)*2*k.jitter*3
			h = h*0x9e3779b1 + 0x7f4a7c15
			r += (unit32(h^h>>15) - 0.5) * 0.0008
			pix[at*k.bands+b] = uint16(min(max(r*Scale+0.5, 1), 65535))
		}
	})
}

// Flags says what a pixel shows, for masks.
type Flags uint8

// The flags of a pixel. Cloud is a cloud that hides half of the ground or more, ThinCloud one that hides less.
const (
	Cloud Flags = 1 << iota
	ThinCloud
	CloudShadow
	Water
	Snow
	DarkSlope
)

// Classify calls emit for every pixel of a block that lies in the footprint, with its column and row in the block.
func (s *Scene) Classify(x0, y0, w, h int, emit func(x, y int, f Flags)) error {
	return s.each(x0, y0, w, h, func(x, y int, _ *node, p *surface) {
		var f Flags
		switch {
		case p.opacity >= 0.5:
			f |= Cloud
		case p.opacity > 0.08:
			f |= ThinCloud
		}
		if p.shadow >= 0.5 && p.opacity < 0.5 {
			f |= CloudShadow
		}
		if p.class.isWater() {
			f |= Water
		}
		if p.snow > 0.4 {
			f |= Snow
		}
		if p.darkSlope {
			f |= DarkSlope
		}
		emit(x, y, f)
	})
}
