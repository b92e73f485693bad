package scene

import "math"

// parcel is a strip of land with one use.
type parcel struct {
	hash          uint32
	u, v          float32 // place within, 0 to 1
	across, along float32 // km
	gap           float32 // km to the next quarter, roughly
}

// parcelAt cuts the land: quarters of a kilometre or so with one direction each, cut into strips.
func (w *World) parcelAt(n *node, x, y float32) parcel {
	const size = 1.15 // km
	gx, gy := x/size, y/size
	ci, cj := floor32(gx-0.5), floor32(gy-0.5)
	f1, f2 := float32(9), float32(9)
	var id uint32
	for j := cj; j <= cj+1; j++ {
		for i := ci; i <= ci+1; i++ {
			h := lattice(w.seed+54, i, j)
			dx := float32(i) + 0.2 + 0.6*float32(h&1023)/1023 - gx
			dy := float32(j) + 0.2 + 0.6*float32(h>>10&1023)/1023 - gy
			switch d := dx*dx + dy*dy; {
			case d < f1:
				f1, f2, id = d, f1, h
			case d < f2:
				f2 = d
			}
		}
	}
	cs, sn := turned(id)
	// Strips are 90 to 330 m wide and 200 to 600 m long; among vines they are smaller.
	p := parcel{across: 0.09 + 0.24*float32(id>>14&255)/255, along: 0.20 + 0.40*float32(id>>22&255)/255, gap: (f2 - f1) * size}
	if n.vine > 0.25 {
		p.across *= 0.6
		p.along *= 0.6
	}
	u := (x*cs + y*sn) / p.across
	iu := floor32(u)
	v := (y*cs-x*sn)/p.along + unit32(lattice(id, iu, 7))
	iv := floor32(v)
	p.u, p.v, p.hash = u-float32(iu), v-float32(iv), lattice(id, iu, iv)
	return p
}

// country is what is neither town nor deep wood: copses, scrub and fields, one use to a parcel.
func (c *pixelContext) country(n *node, s *surface, x, y, grain, fine float32) {
	p := c.w.parcelAt(n, x, y)
	wild := n.forest + 0.05*grain + 0.03*fine + 0.34*(unit32(p.hash*0x85ebca6b)-0.5)
	switch {
	case wild > 0.02:
		c.wood(n, s, grain, fine)
	case s.dry == 1 && wild > -0.30-0.25*smoothstep(60, 160, n.height)+0.5*max(n.vine, 0):
		s.class, s.variant = clsScrub, uint8(p.hash>>9&3)
		// Holm oaks stand in the scrub.
		s.under, s.mix = clsNeedleleaf, smoothstep(-0.25, 0.3, wild+0.5*grain+0.4*fine)*0.8
		s.light *= 1 + 0.10*grain + 0.18*fine
	default:
		c.field(n, s, &p, grain, fine)
	}
}

// field draws a parcel of farmland.
func (c *pixelContext) field(n *node, s *surface, p *parcel, grain, fine float32) {
	s.class = crop(n, p.hash)
	s.variant = uint8(p.hash >> 6 & 3)
	s.light *= 0.92 + 0.16*unit32(p.hash) + 0.05*grain + 0.06*fine
	if !c.fine {
		return
	}
	// Furrows, and rows of vines.
	if s.class != clsGrass {
		_, furrow := math.Modf(float64(p.u * 9))
		s.light *= 0.97 + 0.07*abs32(float32(furrow)*2-1)
	}
	// A hedge or a track runs round each quarter, a baulk between strips.
	edge := min(min(p.u, 1-p.u)*p.across, min(p.v, 1-p.v)*p.along)
	switch {
	case p.gap < 0.022:
		s.class, s.light = clsAsphalt, n.light*(1.15+0.1*fine)
		s.under, s.mix = clsGrass, 0.35
	case p.gap < 0.055 && p.hash&3 == 0, edge < 0.010 && n.meadow > 0.5 && fine > -0.3:
		s.class, s.light = clsBroadleaf, n.light*(0.8+0.2*fine)
	case edge < 0.007:
		s.under, s.mix = clsGrass, 0.6
	}
}

// crop draws a parcel's crop by what is usual around.
func crop(n *node, parcel uint32) class {
	// Neighbours grow alike: the land's tone stands for the soil that decides it.
	p, q := unit32(parcel), 0.62*unit32(parcel*0x9e3779b1)+0.38*min(max((n.tone-0.93)*7, 0), 1)
	if p < n.vine {
		return clsVine
	}
	if p < n.vine+n.meadow*(1-max(n.vine, 0)) {
		if q < 0.15 {
			return clsLucerne
		}
		return clsGrass
	}
	if n.dry > 0.5 {
		switch {
		case q < 0.38:
			return clsWheat
		case q < 0.58:
			return clsSunflower
		case q < 0.78:
			return clsOrchard
		case q < 0.9:
			return clsGrass
		}
		return clsMaize
	}
	south := smoothstep(0, -200, n.y)
	switch {
	case q < 0.44:
		return clsWheat
	case q < 0.44+0.16*(1-south):
		return clsRape
	case q < 0.60+0.10*south:
		return clsSunflower
	case q < 0.88:
		return clsMaize
	}
	return clsLucerne
}
