package basemap

import (
	_ "embed" // for the gazetteer
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Place is a town of the gazetteer.
type Place struct {
	// Name is the common English name, or the local one. NameFR is the French one, empty where it is the same.
	Name, NameFR string
	// Country is the ISO 3166-1 alpha-2 code.
	Country string
	// Lon and Lat are degrees, to about a kilometre.
	Lon, Lat float64
	// Class is how early a map should name it: 1 (capitals and largest cities) to 4 (small prefectures).
	Class int
}

// NameIn returns the name in a language (BCP 47).
func (p Place) NameIn(lang string) string {
	if p.NameFR != "" && (lang == "fr" || strings.HasPrefix(lang, "fr-")) {
		return p.NameFR
	}
	return p.Name
}

//go:embed places.csv
var placesCSV string

// places is decoded once; TestPlaces proves that the embedded file is well formed.
var places = sync.OnceValues(func() ([]Place, error) { return readPlaces(strings.NewReader(placesCSV)) })

// Places returns the gazetteer: the prefectures of France and the larger cities of the world. Don't write to it.
func Places() []Place {
	list, err := places()
	if err != nil {
		return nil
	}
	return list
}

func readPlaces(r io.Reader) ([]Place, error) {
	cr := csv.NewReader(r)
	cr.FieldsPerRecord = 6
	cr.ReuseRecord = true
	if _, err := cr.Read(); err != nil {
		return nil, fmt.Errorf("places: %w", err)
	}
	var out []Place
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("places: %w", err)
		}
		p := Place{Name: rec[0], NameFR: rec[1], Country: rec[2]}
		var lonErr, latErr, classErr error
		p.Lon, lonErr = strconv.ParseFloat(rec[3], 64)
		p.Lat, latErr = strconv.ParseFloat(rec[4], 64)
		p.Class, classErr = strconv.Atoi(rec[5])
		if err := errors.Join(lonErr, latErr, classErr); err != nil {
			return nil, fmt.Errorf("places: %s: %w", p.Name, err)
		}
		out = append(out, p)
	}
}
