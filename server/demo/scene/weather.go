package scene

// Weather is how good or bad one day is, place by place: the big picture, not the clouds themselves.
type Weather struct{ seed uint32 }

// NewWeather returns the weather of the day that the seed stands for.
func NewWeather(seed uint64) Weather { return Weather{uint32(seed ^ seed>>32)} }

// At returns a number of about -1.5 (clear) to 1.5 (overcast) that changes over some 300 km, and from day to day.
func (w Weather) At(lon, lat float64) float64 {
	day := float64(unit32(lattice(w.seed, 1, 2)))*1.6 - 0.8
	x, y := float32(lon*0.28), float32(lat*0.4)
	return day + 1.1*float64(noise(w.seed, x, y)) + 0.4*float64(noise(w.seed+7, x*2.7, y*2.7))
}
