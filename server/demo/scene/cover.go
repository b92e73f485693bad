package scene

import "math"

// node is the land at a point of the lattice that spans a few pixels; what lies between is interpolated.
type node struct {
	x, y     float32 // km
	coast    float32 // km, positive on land
	height   float32 // metres
	light    float32 // of the slope, 1 on flat ground
	forest   float32 // wood where positive
	town     float32 // built up where positive
	dry      float32 // Mediterranean where above 0.5
	vine     float32 // share of vineyards
	meadow   float32 // share of grassland
	pine     float32 // share of needle trees
	pushX    float32 // how far the place is pushed before lines are drawn, km
	pushY    float32
	opacity  float32 // of the cloud above
	bright   float32 // of that cloud
	shadow   float32 // of a cloud towards the sun
	haze     float32
	tone     float32 // slow change of brightness
	snowline float32
}

func mixNodes(a, b *node, t float32) node {
	return node{
		lerp(a.x, b.x, t), lerp(a.y, b.y, t), lerp(a.coast, b.coast, t), lerp(a.height, b.height, t), lerp(a.light, b.light, t),
		lerp(a.forest, b.forest, t), lerp(a.town, b.town, t), lerp(a.dry, b.dry, t), lerp(a.vine, b.vine, t),
		lerp(a.meadow, b.meadow, t), lerp(a.pine, b.pine, t), lerp(a.pushX, b.pushX, t), lerp(a.pushY, b.pushY, t),
		lerp(a.opacity, b.opacity, t), lerp(a.bright, b.bright, t), lerp(a.shadow, b.shadow, t), lerp(a.haze, b.haze, t), lerp(a.tone, b.tone, t),
		lerp(a.snowline, b.snowline, t),
	}
}

// surface is what one pixel shows.
type surface struct {
	class, under   class // under shows through by mix
	variant        uint8
	dry            uint8
	mix            float32
	light          float32
	snow           float32
	opacity        float32
	bright         float32
	shadow         float32
	haze           float32
	darkSlope, sea bool
}

// around holds the named places near a tile.
type around struct {
	waters, sands, towns, massifs []segment
}

func (w *World) around(x0, y0, x1, y1 float32) around {
	return around{
		waters:  near(w.waters, x0, y0, x1, y1, 4.5),
		sands:   near(w.sands, x0, y0, x1, y1, 3),
		towns:   near(w.towns, x0, y0, x1, y1, 8),
		massifs: near(w.massifs, x0, y0, x1, y1, 1),
	}
}

// ground fills a node's land: everything but light and sky. x, y and coast are set.
func (w *World) ground(n *node, a *around) {
	x, y := n.x, n.y
	n.height = w.elevation(a.massifs, x, y, n.coast)
	// The Mediterranean climate reaches up the Rhône to Montélimar, and west to Carcassonne.
	south := smoothstep(-232, -285, y+18*noise(w.seed+21, x*0.02, y*0.02))
	n.dry = south * smoothstep(-25, 5, x) * smoothstep(900, 450, n.height)
	n.pushX = 0.75*noise(w.seed+57, x*0.15, y*0.15) + 0.28*noise(w.seed+22, x*0.5, y*0.5) + 0.05*noise(w.seed+24, x*2.1, y*2.1)
	n.pushY = 0.75*noise(w.seed+58, x*0.15, y*0.15) + 0.28*noise(w.seed+23, x*0.5, y*0.5) + 0.05*noise(w.seed+25, x*2.1, y*2.1)
	n.tone = 1 + 0.10*noise(w.seed+26, x*0.12, y*0.12)
	n.meadow = 0.25 + 0.35*noise(w.seed+27, x*0.03, y*0.03) + smoothstep(150, 700, n.height)*0.7 + smoothstep(-160, -330, x)*0.35
	n.vine = n.dry*smoothstep(190, 60, n.height)*(0.55+0.5*noise(w.seed+28, x*0.07, y*0.07)) - 0.05
	n.forest = w.woods(n)
	n.pine = 0.25 + 0.5*noise(w.seed+29, x*0.11, y*0.11) + n.dry*0.35 + smoothstep(900, 1500, n.height)*0.6 + w.landes(x, y)
	n.town = w.built(n, a)
}

// landes is the pine forest of the south-west, 0 to 1.
func (w *World) landes(x, y float32) float32 {
	wob := 14 * noise(w.seed+31, x*0.03, y*0.03)
	return smoothstep(-150, -185, x+wob) * smoothstep(-170, -195, y+wob) * smoothstep(-312, -285, y+wob)
}

// woods is positive where there is wood, with edges a few hundred metres wide.
func (w *World) woods(n *node) float32 {
	x, y := n.x+n.pushX, n.y+n.pushY
	f := 0.60*fbm(w.seed+32, x*0.075, y*0.075, 3, 0.55) + 0.80*fbm(w.seed+33, x*0.33, y*0.33, 4, 0.62)
	f += -0.17 + 0.42*smoothstep(180, 800, n.height) + 0.75*w.landes(x, y)
	f -= 0.9 * smoothstep(1650, 2050, n.height)
	// Hills of the south are wooded, plains near its coast are not.
	f += n.dry * (0.30*smoothstep(90, 260, n.height) - 0.16)
	return f - 0.5*smoothstep(1.5, 0.3, n.coast)*(1-w.landes(x, y))
}

// built is positive where there are houses: the towns by name, and villages strewn over the country.
func (w *World) built(n *node, a *around) float32 {
	best := float32(-1)
	rough := 0.55*fbm(w.seed+34, n.x*0.32, n.y*0.32, 3, 0.55) + 0.25*noise(w.seed+35, n.x*1.6, n.y*1.6)
	for i := range a.towns {
		t := &a.towns[i]
		d := hypot32(n.x-t.ax, n.y-t.ay) / t.half
		best = max(best, 0.75-d*0.72+rough*min(d*1.1, 1.2))
	}
	const every = 4.2 // km between villages
	ci, cj := floor32(n.x/every), floor32(n.y/every)
	for j := cj - 1; j <= cj+1; j++ {
		for i := ci - 1; i <= ci+1; i++ {
			h := lattice(w.seed+36, i, j)
			if h&7 < 2 {
				continue
			}
			vx := (float32(i) + 0.1 + 0.8*float32(h>>8&255)/255) * every
			vy := (float32(j) + 0.1 + 0.8*float32(h>>16&255)/255) * every
			radius := 0.22 + 0.5*float32(h>>24)/255*float32(h>>24)/255
			d := hypot32(n.x-vx, n.y-vy) / radius
			if d < 4 {
				best = max(best, 0.42-d*0.50+rough*1.3)
			}
		}
	}
	return best - smoothstep(700, 1500, n.height)*0.5 - smoothstep(0.1, -0.1, n.coast)
}

// pixelContext is what the pixels of one small block share.
type pixelContext struct {
	w             *World
	waters, sands []segment
	res           float32 // km
	fine          bool    // streets and furrows can be seen
	bank          float32 // km from the water of the last pixel
}

// cover decides what one pixel shows of the ground.
func (c *pixelContext) cover(n *node, s *surface) {
	w := c.w
	x, y := n.x+n.pushX, n.y+n.pushY
	grain := noise(w.seed+41, n.x*9, n.y*9)
	var fine float32
	if c.fine {
		fine = noise(w.seed+42, n.x*31, n.y*31)
	}
	s.light, s.mix, s.snow = n.light*n.tone, 0, 0
	s.dry = 0
	if n.dry > 0.5+0.25*grain {
		s.dry = 1
	}
	s.darkSlope = n.light < 0.3
	s.sea = false
	if c.water(n, s, grain, fine) {
		return
	}
	h := n.height + 60*grain
	switch {
	case n.town+0.22*grain > 0 && c.town(n, s, x, y, fine):
	case h > 1900:
		c.heights(s, h, grain, fine)
	case n.forest > 0.30 || c.bank < 0.05+0.05*grain:
		c.wood(n, s, grain, fine)
	default:
		c.country(n, s, x, y, grain, fine)
	}
	if d := n.height + 160*grain + 60*fine - n.snowline + (n.light-1)*140; d > -60 {
		s.snow = smoothstep(-60, 90, d)
		if s.class == clsNeedleleaf || s.class == clsBroadleaf {
			s.snow *= 0.35
		}
	}
}

// water handles sea, beach, rivers, lakes and dunes; false means dry land.
func (c *pixelContext) water(n *node, s *surface, grain, fine float32) bool {
	w := c.w
	c.bank = 9
	shore := n.coast
	if shore < 3 && shore > -3 {
		shore += 0.10*noise(w.seed+43, n.x*1.3, n.y*1.3) + 0.035*grain + 0.01*fine
	}
	if shore < 0 {
		c.sea(n, s, -shore, grain, fine)
		return true
	}
	px, py := n.x+n.pushX, n.y+n.pushY
	bank := float32(9)
	for i := range c.waters {
		seg := &c.waters[i]
		d := float32(math.Sqrt(float64(seg.distance2(px, py)))) - seg.half
		if seg.half > 0.4 {
			d += min(seg.half, 1.6) * (0.6*noise(w.seed+44, n.x*0.55, n.y*0.55) + 0.22*noise(w.seed+56, n.x*1.9, n.y*1.9))
		}
		if d < bank {
			bank = d
			s.class = clsRiver
			if seg.half > 0.25 {
				s.class = clsLagoon
			}
		}
	}
	bank += 0.012 * grain
	c.bank = bank
	if s.class == clsLagoon && n.dry > 0.5 {
		c.bank = 9 // no trees stand around salt water
	}
	s.variant = 0
	if bank < 0 {
		s.light = 1 + 0.05*grain
		s.mix = 0
		if s.class == clsLagoon {
			s.variant = uint8(floor32((n.tone-0.9)*19) & 3)
		}
		return true
	}
	if n.dry > 0.5 && n.height < 14 && c.marsh(n, s, grain) {
		return true
	}
	beach := 0.07 + 0.05*noise(w.seed+45, n.x*0.2, n.y*0.2)
	if shore < beach && n.height < 60 {
		s.class, s.light = clsSand, n.light*(1+0.08*fine)
		return true
	}
	for i := range c.sands {
		d := float32(math.Sqrt(float64(c.sands[i].distance2(px, py)))) - c.sands[i].half
		if d < 0.04*grain {
			s.class, s.light = clsSand, n.light*(1+0.10*noise(w.seed+46, n.x*5, n.y*1.5)+0.05*fine)
			return true
		}
	}
	return false
}

// marsh strews ponds over the low land behind the beaches of the south. False means dry ground.
func (c *pixelContext) marsh(n *node, s *surface, grain float32) bool {
	wet := noise(c.w.seed+59, n.x*0.42, n.y*0.42) + 0.5*noise(c.w.seed+60, n.x*1.4, n.y*1.4) + 0.08*grain + (6-n.height)*0.03
	if n.coast < 0.35 || n.town > -0.1 || wet < 0.28 {
		return false
	}
	s.class, s.variant, s.mix = clsLagoon, uint8(floor32((n.tone-0.9)*19)&3), 0
	if wet < 0.42 {
		s.class, s.under, s.mix = clsScrub, clsLagoon, smoothstep(0.28, 0.42, wet)*0.7
	}
	s.light = n.light * (1 + 0.06*grain)
	return true
}

func (c *pixelContext) sea(n *node, s *surface, depth, grain, fine float32) {
	w := c.w
	swirl := noise(w.seed+47, n.x*0.12+n.pushX*2, n.y*0.12+n.pushY*2)
	s.class, s.under = clsSeaDeep, clsSeaShallow
	s.mix = min(max((1-smoothstep(0, 5.5, depth+1.3*swirl))*0.85+0.08*swirl, 0), 1)
	s.variant, s.sea = 0, true
	s.light = 1 + 0.05*grain + 0.06*noise(w.seed+48, n.x*2.2, n.y*5.1)
	// Foam along the shore.
	if c.fine && depth < 0.05 {
		s.light += 0.6 * max(fine, 0)
	}
}

func (c *pixelContext) wood(n *node, s *surface, grain, fine float32) {
	crown := lattice(c.w.seed+49, floor32(n.x*40), floor32(n.y*40))
	s.class = clsBroadleaf
	if n.pine+0.5*grain > 0.55 {
		s.class = clsNeedleleaf
	}
	s.variant = uint8(crown >> 3 & 3)
	s.light *= 0.97 + 0.10*grain + 0.24*fine
	// The pine forest of the south-west is cut in square lots.
	if l := c.w.landes(n.x, n.y); l > 0.3 {
		lot := lattice(c.w.seed+50, floor32((n.x+0.3*n.y)*1.6), floor32((n.y-0.3*n.x)*1.6))
		switch {
		case lot&15 < 2:
			s.class, s.variant = clsGrass, uint8(lot>>4&3)
		case lot&15 < 4:
			s.class = clsScrub
		default:
			s.light *= 0.88 + 0.3*unit32(lot)
		}
	}
}

func (c *pixelContext) heights(s *surface, h, grain, fine float32) {
	s.variant = uint8(floor32((grain+1)*1.99) & 3)
	s.class, s.under = clsAlpine, clsRock
	s.mix = smoothstep(2050, 2650, h+250*grain+180*fine)
	s.light *= 1 + 0.12*grain + 0.2*fine
}

// town draws blocks of houses between streets; gardens thin it out towards the edge. False means not built.
func (c *pixelContext) town(n *node, s *surface, x, y, fine float32) bool {
	turn := lattice(c.w.seed+51, floor32(x*0.7), floor32(y*0.7))
	cs, sn := turned(turn)
	u, v := (x*cs+y*sn)*11, (y*cs-x*sn)*11
	iu, iv := floor32(u), floor32(v)
	fu, fv := u-float32(iu), v-float32(iv)
	h := lattice(c.w.seed+52, iu, iv)
	dense := min(max(n.town, 0), 1)
	if c.fine && (fu < 0.13 || fv < 0.13) {
		s.class, s.variant = clsAsphalt, 0
		s.light *= 1 + 0.1*fine
		return true
	}
	// A house lot is a third of a block.
	lot := lattice(c.w.seed+53, floor32(u*3), floor32(v*3))
	p := unit32(h)
	s.variant = uint8(lot & 3)
	park := unit32(lattice(c.w.seed+55, floor32(u*0.2), floor32(v*0.2)))
	switch {
	case p < 0.34-0.34*dense:
		return false
	case park < 0.05:
		s.class = clsBroadleaf
		s.under, s.mix = clsGrass, 0.5+0.5*fine
	case park > 0.93:
		// Halls and yards.
		s.class = clsRoofGrey
	case unit32(lot) < 0.62-0.40*dense:
		s.class = clsGarden
	case p > 0.93-0.10*dense:
		s.class = clsRoofGrey
	case lot>>20&7 < 2:
		s.class = clsAsphalt
	default:
		s.class = clsRoofTile
	}
	if !c.fine && s.class != clsBroadleaf {
		// A coarse pixel holds houses and gardens.
		s.under, s.mix = clsGarden, 0.45-0.35*dense
	}
	s.light *= 0.82 + 0.4*unit32(lot<<7^h) + 0.12*fine
	return true
}

// turned returns cosine and sine of one of 32 directions within a right angle.
func turned(h uint32) (c, s float32) {
	sin, cos := math.Sincos(float64(h>>9&31) * (math.Pi / 2 / 32))
	return float32(cos), float32(sin)
}
