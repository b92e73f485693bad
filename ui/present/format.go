package present

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// nbsp keeps a number and its unit on one line. French wants a narrow one between thousands, which few fonts have.
const nbsp = "\u00a0"

// Int writes a whole number with the separators of the language.
func (p *Printer) Int(n int64) string {
	sign := ""
	if n < 0 {
		sign = "−"
	}
	s := strings.TrimPrefix(strconv.FormatInt(n, 10), "-")
	sep := ","
	if p.lang == French {
		sep = nbsp
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + sep + s[i:]
	}
	return sign + s
}

// Float writes a number with at most decimals digits after the point, without trailing zeros.
func (p *Printer) Float(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "–"
	}
	s := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
	out := p.Int(n)
	if frac != "" {
		point := "."
		if p.lang == French {
			point = ","
		}
		out += point + frac
	}
	if x < 0 && (n != 0 || frac != "") {
		out = "−" + out
	}
	return out
}

// Bytes writes a size in decimal units (SI): "1.2 MB", "1,2 Mo". Negative means unknown and is empty.
func (p *Printer) Bytes(n int64) string {
	if n < 0 {
		return ""
	}
	units := [...]string{"B", "kB", "MB", "GB", "TB", "PB"}
	if p.lang == French {
		units = [...]string{"o", "ko", "Mo", "Go", "To", "Po"}
	}
	x, i := float64(n), 0
	for x >= 999.5 && i < len(units)-1 {
		x, i = x/1000, i+1
	}
	decimals := 0
	if i > 0 && x < 99.95 {
		decimals = 1
	}
	return p.Float(x, decimals) + nbsp + units[i]
}

// Rate writes a speed in bytes per second.
func (p *Printer) Rate(bytesPerSecond float64) string {
	return p.Bytes(int64(bytesPerSecond)) + "/s"
}

// Date writes a day in UTC: "24 Nov 2026", "24 nov. 2026". Empty for the zero time.
func (p *Printer) Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return fmt.Sprintf("%d %s %d", t.Day(), p.month(t.Month()), t.Year())
}

// DateTime writes a day and a time of day in UTC, for acquisitions.
func (p *Printer) DateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.Date(t) + ", " + t.UTC().Format("15:04:05") + " UTC"
}

// Moment writes a day and a time of day in the person's own time zone, for things that happened here.
func (p *Printer) Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.Local()
	return fmt.Sprintf("%d %s %d %s", t.Day(), p.month(t.Month()), t.Year(), t.Format("15:04"))
}

var (
	englishMonths = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	frenchMonths  = [...]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."}
)

func (p *Printer) month(m time.Month) string {
	if p.lang == French {
		return frenchMonths[m-1]
	}
	return englishMonths[m-1]
}

// Left writes a time that is left, in its two largest units: "3 min 20 s", "2 h 05 min". Empty when unknown.
func (p *Printer) Left(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	s := int64(d.Round(time.Second) / time.Second)
	days := "d"
	if p.lang == French {
		days = "j"
	}
	switch {
	case s < 60:
		return fmt.Sprintf("%d%ss", max(s, 1), nbsp)
	case s < 3600:
		return fmt.Sprintf("%d%smin %02d%ss", s/60, nbsp, s%60, nbsp)
	case s < 86400:
		return fmt.Sprintf("%d%sh %02d%smin", s/3600, nbsp, s%3600/60, nbsp)
	}
	return fmt.Sprintf("%s%s%s %02d%sh", p.Int(s/86400), nbsp, days, s%86400/3600, nbsp)
}

// Percent writes a percentage, of 0 to 100.
func (p *Printer) Percent(x float64) string {
	decimals := 0
	if x > 0 && x < 10 {
		decimals = 1
	}
	if p.lang == French {
		return p.Float(x, decimals) + nbsp + "%"
	}
	return p.Float(x, decimals) + "%"
}

// Area writes a surface given in square metres, in square kilometres.
func (p *Printer) Area(m2 float64) string {
	km2 := m2 / 1e6
	decimals := 0
	switch {
	case km2 < 1:
		decimals = 3
	case km2 < 100:
		decimals = 1
	}
	return p.Float(km2, decimals) + nbsp + "km²"
}

// Metres writes a ground distance.
func (p *Printer) Metres(m float64) string { return p.Float(m, 2) + nbsp + "m" }

// Bounds writes a box as its corners: "43.55°N 3.70°E – 43.75°N 4.04°E".
func (p *Printer) Bounds(b geo.BBox) string {
	return p.corner(b.South, b.West) + " – " + p.corner(b.North, b.East)
}

func (p *Printer) corner(lat, lon float64) string {
	ns, ew, west := "N", "E", "W"
	if p.lang == French {
		west = "O"
	}
	if lat < 0 {
		ns = "S"
	}
	if lon < 0 {
		ew = west
	}
	return p.Float(math.Abs(lat), 2) + "°" + ns + nbsp + p.Float(math.Abs(lon), 2) + "°" + ew
}
