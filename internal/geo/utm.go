package geo

import "math"

// The transverse Mercator projection of UTM, by Krüger's series in the third flattening to its fourth order (Karney,
// "Transverse Mercator with an accuracy of a few nanometers", 2011, eqs. 35 and 36). It is our own because the
// inverse of wgs84 v1.1.7 is 9 m off at the edge of a zone, which is a whole Sentinel-2 pixel; this one is exact to
// less than a millimetre.
const (
	wgs84A    = 6378137.0
	wgs84F    = 1 / 298.257223563
	utmScale  = 0.9996
	utmOrigin = 500000.0
	utmSouth  = 10000000.0 // false northing of the southern hemisphere
)

type utm struct {
	lon0, north float64 // central meridian in degrees, false northing in metres
	radius      float64 // rectifying radius times the scale
	e           float64 // eccentricity
	alpha, beta [4]float64
}

func newUTM(zone int, south bool) utm {
	n := wgs84F / (2 - wgs84F)
	n2, n3, n4 := n*n, n*n*n, n*n*n*n
	u := utm{
		lon0:   float64(zone*6 - 183),
		radius: utmScale * wgs84A / (1 + n) * (1 + n2/4 + n4/64),
		e:      math.Sqrt(wgs84F * (2 - wgs84F)),
		alpha: [4]float64{
			n/2 - 2*n2/3 + 5*n3/16 + 41*n4/180,
			13*n2/48 - 3*n3/5 + 557*n4/1440,
			61*n3/240 - 103*n4/140,
			49561 * n4 / 161280,
		},
		beta: [4]float64{
			n/2 - 2*n2/3 + 37*n3/96 - n4/360,
			n2/48 + n3/15 - 437*n4/1440,
			17*n3/480 - 37*n4/840,
			4397 * n4 / 161280,
		},
	}
	if south {
		u.north = utmSouth
	}
	return u
}

func (u utm) forward(lon, lat float64) (x, y float64) {
	const rad = math.Pi / 180
	tau := math.Tan(lat * rad)
	sigma := math.Sinh(u.e * math.Atanh(u.e*tau/math.Hypot(1, tau)))
	tauP := tau*math.Hypot(1, sigma) - sigma*math.Hypot(1, tau)
	dl := (lon - u.lon0) * rad
	xi0 := math.Atan2(tauP, math.Cos(dl))
	eta0 := math.Asinh(math.Sin(dl) / math.Hypot(tauP, math.Cos(dl)))
	xi, eta := xi0, eta0
	for j, a := range u.alpha {
		k := 2 * float64(j+1)
		xi += a * math.Sin(k*xi0) * math.Cosh(k*eta0)
		eta += a * math.Cos(k*xi0) * math.Sinh(k*eta0)
	}
	return utmOrigin + u.radius*eta, u.north + u.radius*xi
}

func (u utm) inverse(x, y float64) (lon, lat float64) {
	const deg = 180 / math.Pi
	xi0 := (y - u.north) / u.radius
	eta0 := (x - utmOrigin) / u.radius
	xi, eta := xi0, eta0
	for j, b := range u.beta {
		k := 2 * float64(j+1)
		xi -= b * math.Sin(k*xi0) * math.Cosh(k*eta0)
		eta -= b * math.Cos(k*xi0) * math.Sinh(k*eta0)
	}
	tauP := math.Sin(xi) / math.Hypot(math.Sinh(eta), math.Cos(xi))
	// Three steps of Newton's method are past the precision of a float64 (Karney, eq. 21).
	tau := tauP
	for range 3 {
		sigma := math.Sinh(u.e * math.Atanh(u.e*tau/math.Hypot(1, tau)))
		ti := tau*math.Hypot(1, sigma) - sigma*math.Hypot(1, tau)
		e2 := 1 - u.e*u.e
		tau += (tauP - ti) / math.Hypot(1, ti) * (1 + e2*tau*tau) / (e2 * math.Hypot(1, tau))
	}
	return u.lon0 + deg*math.Atan2(math.Sinh(eta), math.Cos(xi)), deg * math.Atan(tau)
}
