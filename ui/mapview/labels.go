package mapview

import (
	"math"
	"strconv"
	"strings"
)

// Labels are the words that the map shows. Their owner translates them.
type Labels struct {
	// ZoomIn to ClearArea name the buttons on the map.
	ZoomIn, ZoomOut, Fit, DrawRectangle, DrawPolygon, ClearArea string
	// RectangleHint and PolygonHint say how to draw; CrossingHint says that edges of a polygon cross.
	RectangleHint, PolygonHint, CrossingHint string
	// More says that more footprints lie under the pointer; "%d" stands for how many.
	More string
	// North, South, East and West are the letters of the hemispheres.
	North, South, East, West string
	// DecimalComma writes 3,5 instead of 3.5.
	DecimalComma bool
}

// English returns the labels in English.
func English() Labels {
	return Labels{
		ZoomIn: "Zoom in", ZoomOut: "Zoom out", Fit: "Show all results",
		DrawRectangle: "Draw a rectangle", DrawPolygon: "Draw a polygon", ClearArea: "Clear the area",
		RectangleHint: "Drag to draw a rectangle · Esc cancels",
		PolygonHint:   "Click to set corners · Enter or double click to finish · Esc cancels",
		CrossingHint:  "Edges cross: move on, or take the last corner back with Backspace",
		More:          "and %d more here",
		North:         "N", South: "S", East: "E", West: "W",
	}
}

// French returns the labels in French.
func French() Labels {
	return Labels{
		ZoomIn: "Zoom avant", ZoomOut: "Zoom arrière", Fit: "Voir tous les résultats",
		DrawRectangle: "Dessiner un rectangle", DrawPolygon: "Dessiner un polygone", ClearArea: "Effacer la zone",
		RectangleHint: "Glisser pour dessiner un rectangle · Échap annule",
		PolygonHint:   "Cliquer pour poser les sommets · Entrée ou double clic pour finir · Échap annule",
		CrossingHint:  "Des côtés se croisent : continuer, ou reprendre le dernier sommet avec Retour arrière",
		More:          "et %d autres ici",
		North:         "N", South: "S", East: "E", West: "O",
		DecimalComma: true,
	}
}

// orEnglish fills empty fields.
func (l Labels) orEnglish() Labels {
	e := English()
	for _, f := range [...]struct{ to, from *string }{
		{&l.ZoomIn, &e.ZoomIn},
		{&l.ZoomOut, &e.ZoomOut},
		{&l.Fit, &e.Fit},
		{&l.DrawRectangle, &e.DrawRectangle},
		{&l.DrawPolygon, &e.DrawPolygon},
		{&l.ClearArea, &e.ClearArea},
		{&l.RectangleHint, &e.RectangleHint},
		{&l.PolygonHint, &e.PolygonHint},
		{&l.CrossingHint, &e.CrossingHint},
		{&l.More, &e.More},
		{&l.North, &e.North},
		{&l.South, &e.South},
		{&l.East, &e.East},
		{&l.West, &e.West},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	return l
}

// number writes v with a fixed number of decimals.
func (l Labels) number(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if l.DecimalComma {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// position writes a place as latitude and longitude, as people say it: 43.6108° N, 3.8767° E.
func (l Labels) position(lon, lat float64, decimals int) string {
	ns, ew := l.North, l.East
	if lat < 0 {
		ns = l.South
	}
	if lon < 0 {
		ew = l.West
	}
	return l.number(math.Abs(lat), decimals) + "° " + ns + "   " + l.number(math.Abs(lon), decimals) + "° " + ew
}

// area writes square kilometres with about three digits.
func (l Labels) area(km2 float64) string {
	switch {
	case km2 < 10:
		return l.number(km2, 2) + " km²"
	case km2 < 100:
		return l.number(km2, 1) + " km²"
	}
	return l.grouped(km2) + " km²"
}

// grouped writes a whole number with thin spaces between thousands (ISO 80000-1 §7.3.1).
func (l Labels) grouped(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// distance writes a round distance for the scale bar.
func (l Labels) distance(metres float64) string {
	if metres < 1000 {
		return l.number(metres, 0) + " m"
	}
	return l.grouped(metres/1000) + " km"
}
