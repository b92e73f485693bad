package scene

// elevation returns metres above the sea, from the massifs near the place and the distance from the coast.
func (w *World) elevation(massifs []segment, x, y, coast float32) float32 {
	var envelope float32
	for i := range massifs {
		m := &massifs[i]
		d2 := m.distance2(x, y) / (m.half * m.half)
		if d2 < 1 {
			f := 1 - d2
			envelope = max(envelope, m.height*f*f)
		}
	}
	// Valleys bend: crests are looked up at a place that has been pushed about.
	wx := x + 3*noise(w.seed+11, x*0.09, y*0.09)
	wy := y + 3*noise(w.seed+12, x*0.09, y*0.09)
	hills := 95 + 70*fbm(w.seed+13, x*0.045, y*0.045, 3, 0.5) + 26*fbm(w.seed+14, wx*0.35, wy*0.35, 3, 0.5)
	h := hills
	if envelope > 5 {
		crest := ridged(w.seed+15, wx*0.085, wy*0.085, 6)
		spur := ridged(w.seed+16, wx*0.33, wy*0.33, 3)
		h += envelope * (0.14 + 1.15*crest + 0.26*spur)
	}
	return max(h*smoothstep(-0.2, 9, coast), 0.5)
}
