package geo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The letters of the military grid reference system (NGA.STND.0037): I and O are left out.
const (
	mgrsBands   = "CDEFGHJKLMNPQRSTUVWX"
	mgrsColumns = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	mgrsRows    = "ABCDEFGHJKLMNPQRSTUV"
)

// MGRSSquare is a 100 km square of the military grid, such as 31TEJ.
type MGRSSquare struct {
	Zone     int     // UTM zone, 1 to 60
	Band     byte    // latitude band, C to X
	Easting  float64 // of the south-west corner, metres, a multiple of 100 km
	Northing float64 // of the south-west corner, metres, a multiple of 100 km
}

// String returns the name: zone, band, column and row letter.
func (s MGRSSquare) String() string {
	col := mgrsColumns[(s.Zone-1)%3*8+int(s.Easting/100e3)-1]
	row := int(s.Northing / 100e3)
	if s.Zone%2 == 0 {
		row += 5
	}
	return fmt.Sprintf("%02d%c%c%c", s.Zone, s.Band, col, mgrsRows[row%20])
}

// EPSG returns the code of the square's UTM zone.
func (s MGRSSquare) EPSG() int {
	if s.Band >= 'N' {
		return 32600 + s.Zone
	}
	return 32700 + s.Zone
}

// NewMGRSSquare returns the square that holds a UTM coordinate of the northern hemisphere. Its band is that of lat.
func NewMGRSSquare(zone int, x, y, lat float64) MGRSSquare {
	band := min(max(int(math.Floor((lat+80)/8)), 0), len(mgrsBands)-1)
	return MGRSSquare{
		Zone: zone, Band: mgrsBands[band],
		Easting: math.Floor(x/100e3) * 100e3, Northing: math.Floor(y/100e3) * 100e3,
	}
}

// ParseMGRSSquare reads a name such as "31TEJ".
func ParseMGRSSquare(name string) (MGRSSquare, error) {
	bad := func(why string) (MGRSSquare, error) {
		return MGRSSquare{}, fmt.Errorf("MGRS square %q: %s (want zone, band, column and row, such as 31TEJ)", name, why)
	}
	if len(name) != 5 {
		return bad("not five characters")
	}
	zone, err := strconv.Atoi(name[:2])
	if err != nil || zone < 1 || zone > 60 {
		return bad("zone is not 01 to 60")
	}
	band := strings.IndexByte(mgrsBands, name[2])
	if band < 0 {
		return bad("band is not C to X without I and O")
	}
	col := strings.IndexByte(mgrsColumns, name[3]) - (zone-1)%3*8
	if col < 0 || col > 7 {
		return bad("column letter is not of this zone")
	}
	row := strings.IndexByte(mgrsRows, name[4])
	if row < 0 {
		return bad("row letter is not A to V without I and O")
	}
	if zone%2 == 0 {
		row = (row + 15) % 20
	}
	// Rows repeat every 2,000 km; the band says which of them is meant.
	want := bandNorthing(band)
	north := float64(row) * 100e3
	for north+100e3 <= want {
		north += 2000e3
	}
	return MGRSSquare{Zone: zone, Band: name[2], Easting: float64(col+1) * 100e3, Northing: north}, nil
}

// bandNorthing returns the UTM northing of a band's southern edge on the central meridian.
func bandNorthing(band int) float64 {
	lat := float64(band*8-80) * math.Pi / 180
	// The meridian arc to about 100 m (Snyder, Map Projections, eq. 3-21), times the scale of UTM.
	m := 6378137 * (0.99832430*lat - 0.00251459*math.Sin(2*lat) + 0.00000264*math.Sin(4*lat))
	north := 0.9996 * m
	if north < 0 {
		north += 10e6
	}
	return north
}
