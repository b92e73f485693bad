package scene

import (
	"math"
	"slices"
)

// sky is the clouds of one overpass.
type sky struct {
	seed      uint32
	scale     float32 // features per kilometre
	stretch   float32 // of the wind's direction
	cos, sin  float32
	threshold float32 // density from which it counts as cloud
	clear     bool
	height    float32 // km above the ground
	haze      float32
}

func newSky(seed uint64) sky {
	turn := Unit(Mix(seed, 1)) * 2 * math.Pi
	return sky{
		seed:    uint32(seed ^ seed>>32),
		scale:   float32(0.05 + 0.22*math.Pow(Unit(Mix(seed, 2)), 2)),
		stretch: float32(0.55 + 0.45*Unit(Mix(seed, 3))),
		cos:     float32(math.Cos(turn)), sin: float32(math.Sin(turn)),
		height: float32(1.2 + 1.8*Unit(Mix(seed, 4))),
		haze:   float32(math.Pow(Unit(Mix(seed, 5)), 2)),
		clear:  true,
	}
}

// density is how thick the cloud is; cloud where it exceeds the threshold.
func (s *sky) density(x, y float32) float32 {
	u, v := (x*s.cos+y*s.sin)*s.scale*s.stretch, (y*s.cos-x*s.sin)*s.scale
	wu := u + 0.16*noise(s.seed+1, u*2.3, v*2.3)
	wv := v + 0.16*noise(s.seed+2, u*2.3, v*2.3)
	return fbm(s.seed+3, wu, wv, 7, 0.64)
}

// cover sets the threshold so that the fraction of the samples that are cloud is percent / 100.
func (s *sky) cover(percent float64, samples []float32) {
	if percent <= 0 || len(samples) == 0 {
		return
	}
	s.clear = false
	slices.Sort(samples)
	i := int(math.Round((1 - percent/100) * float64(len(samples))))
	switch {
	case i >= len(samples):
		s.threshold = samples[len(samples)-1]
	case i <= 0:
		s.threshold = samples[0] - 0.2
	default:
		s.threshold = (samples[i-1] + samples[i]) / 2
	}
}

// opacity is how much of the ground a cloud hides: a half at the threshold.
func (s *sky) opacity(density float32) float32 {
	if s.clear {
		return 0
	}
	return smoothstep(-0.045, 0.045, density-s.threshold)
}
