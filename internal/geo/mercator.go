package geo

import "math"

// MaxMercatorLat is the latitude, north and south, at which the square of Web Mercator (EPSG:3857) ends.
const MaxMercatorLat = 85.05112877980659

// MercatorX returns the place of a longitude in degrees across the Web Mercator square: 0 at 180° W, 1 at 180° E.
// Longitudes outside ±180 go on in the same measure, so that a shape over the antimeridian stays in one piece.
func MercatorX(lon float64) float64 { return lon/360 + 0.5 }

// MercatorY returns the place of a latitude in degrees down the Web Mercator square: 0 in the north, 1 in the south.
// Latitudes beyond MaxMercatorLat are clamped to it.
func MercatorY(lat float64) float64 {
	if lat >= MaxMercatorLat {
		return 0
	}
	if lat <= -MaxMercatorLat {
		return 1
	}
	s := math.Sin(lat * math.Pi / 180)
	return 0.5 - math.Log((1+s)/(1-s))/(4*math.Pi)
}

// LonOfMercatorX is the inverse of MercatorX.
func LonOfMercatorX(x float64) float64 { return (x - 0.5) * 360 }

// LatOfMercatorY is the inverse of MercatorY.
func LatOfMercatorY(y float64) float64 {
	return math.Atan(math.Sinh((0.5-y)*2*math.Pi)) * 180 / math.Pi
}

// WrapLon brings a longitude in degrees into [-180, 180).
func WrapLon(lon float64) float64 {
	if lon >= -180 && lon < 180 {
		return lon
	}
	l := math.Mod(lon+180, 360)
	if l < 0 {
		l += 360
	}
	return l - 180
}
