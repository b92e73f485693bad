package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The expected values come from PROJ (gdaltransform of Debian 12).
func TestProjectionAgreesWithPROJ(t *testing.T) {
	for _, tc := range []struct {
		epsg           int
		lon, lat, x, y float64
	}{
		{2154, 3.8767, 43.6108, 770795.509, 6279476.135},
		{2154, -4.4861, 48.3904, 146632.979, 6836262.327},
		{32631, 3.8767, 43.6108, 570746.620, 4829020.083},
		{32630, -1.2, 44.56, 642949.516, 4935649.661},
		{32631, 7, 45, 815261.427, 4990738.262},
		{32731, 3.0, -10.0, 500000, 8894587.509},
		{3857, 3.8767, 43.6108, 431552.270, 5405408.813},
	} {
		p, err := NewProjection(tc.epsg)
		if err != nil {
			t.Fatal(err)
		}
		x, y := p.Forward(tc.lon, tc.lat)
		if math.Hypot(x-tc.x, y-tc.y) > 0.001 {
			t.Errorf("EPSG:%d Forward(%v, %v) = %.3f, %.3f; want %.3f, %.3f", tc.epsg, tc.lon, tc.lat, x, y, tc.x, tc.y)
		}
	}
}

func TestProjectionRoundTrip(t *testing.T) {
	for _, epsg := range []int{4326, 2154, 3857, 32630, 32631, 32632} {
		p, err := NewProjection(epsg)
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			lon := rapid.Float64Range(-5, 10).Draw(t, "lon")
			lat := rapid.Float64Range(41, 51.5).Draw(t, "lat")
			x, y := p.Forward(lon, lat)
			lon2, lat2 := p.Inverse(x, y)
			if math.Abs(lon-lon2) > 1e-8 || math.Abs(lat-lat2) > 1e-8 {
				t.Fatalf("EPSG:%d: %v, %v came back as %v, %v", epsg, lon, lat, lon2, lat2)
			}
		})
	}
}

func TestProjectionRefusesUnknownCode(t *testing.T) {
	if _, err := NewProjection(27700); err == nil {
		t.Fatal("EPSG:27700 was accepted")
	}
}

func TestMGRSSquare(t *testing.T) {
	for _, tc := range []struct {
		name     string
		lon, lat float64
		east     float64
		north    float64
	}{
		{"31TEJ", 3.8767, 43.6108, 500e3, 4800e3}, // Montpellier
		{"31UDQ", 2.35, 48.86, 400e3, 5400e3},     // Paris
		{"30TXQ", -1.25, 44.6, 600e3, 4900e3},     // Arcachon
		{"32TLQ", 6.6, 44.7, 300e3, 4900e3},       // Oisans
		{"56HLH", 151.2, -33.9, 300e3, 6200e3},    // Sydney
	} {
		s, err := ParseMGRSSquare(tc.name)
		if err != nil {
			t.Fatal(err)
		}
		if s.String() != tc.name {
			t.Errorf("%s reads back as %s", tc.name, s)
		}
		if s.Band >= 'N' {
			p, err := NewProjection(s.EPSG())
			if err != nil {
				t.Fatal(err)
			}
			x, y := p.Forward(tc.lon, tc.lat)
			if got := NewMGRSSquare(s.Zone, x, y, tc.lat); got != s {
				t.Errorf("%v, %v lies in %s, want %s", tc.lon, tc.lat, got, tc.name)
			}
		}
		if s.Easting != tc.east || s.Northing != tc.north {
			t.Errorf("%s: south-west corner %v, %v; want %v, %v", tc.name, s.Easting, s.Northing, tc.east, tc.north)
		}
	}
	for _, bad := range []string{"", "31TE", "00TEJ", "31IEJ", "31TZJ", "31TEW", "xxTEJ"} {
		if _, err := ParseMGRSSquare(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
