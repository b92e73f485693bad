package scene

import (
	"math"
	"time"
)

// Sun returns where the sun stands at a place and time: azimuth in degrees clockwise from north, elevation in
// degrees above the horizon. Good to about 0.1° (Michalsky's formulas, The Astronomical Almanac).
func Sun(t time.Time, lon, lat float64) (azimuth, elevation float64) {
	const rad = math.Pi / 180
	d := float64(t.Unix())/86400 - 10957.5 // days since J2000.0
	g := (357.528 + 0.9856003*d) * rad
	l := (280.460 + 0.9856474*d) * rad
	ecl := l + (1.915*math.Sin(g)+0.020*math.Sin(2*g))*rad
	obl := (23.439 - 4e-7*d) * rad
	ra := math.Atan2(math.Cos(obl)*math.Sin(ecl), math.Cos(ecl))
	dec := math.Asin(math.Sin(obl) * math.Sin(ecl))
	gmst := math.Mod(18.697374558+24.06570982441908*d, 24) * 15 * rad
	h := gmst + lon*rad - ra
	phi := lat * rad
	el := math.Asin(math.Sin(phi)*math.Sin(dec) + math.Cos(phi)*math.Cos(dec)*math.Cos(h))
	az := math.Atan2(-math.Sin(h), math.Tan(dec)*math.Cos(phi)-math.Sin(phi)*math.Cos(h))
	if az < 0 {
		az += 2 * math.Pi
	}
	return az / rad, el / rad
}
