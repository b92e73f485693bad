package basemap

import (
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	list, err := readPlaces(strings.NewReader(placesCSV))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(Places()) || len(list) < 250 {
		t.Fatalf("%d places read, %d given", len(list), len(Places()))
	}
	b, err := Load(Fine)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, p := range list {
		key := p.Name + p.Country
		if seen[key] {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[key] = true
		if p.Name == "" || len(p.Country) != 2 || p.Class < 1 || p.Class > 4 {
			t.Errorf("%+v is incomplete", p)
		}
		// A town may stand on the shore, but not out at sea.
		near := false
		for _, d := range [...][2]float64{{0, 0}, {0.1, 0}, {-0.1, 0}, {0, 0.1}, {0, -0.1}} {
			near = near || b.IsLand(p.Lon+d[0], p.Lat+d[1])
		}
		if !near {
			t.Errorf("%s (%v, %v) lies in the sea", p.Name, p.Lon, p.Lat)
		}
	}
}

func TestPlacesErrors(t *testing.T) {
	for _, bad := range []string{"", "a,b,c\n", "a,b,c,d,e,f\nX,,FR,east,1,1\n", "a,b,c,d,e,f\nX,,FR,1,1\n"} {
		if _, err := readPlaces(strings.NewReader(bad)); err == nil {
			t.Errorf("readPlaces(%q) succeeded", bad)
		}
	}
}

func TestNameIn(t *testing.T) {
	p := Place{Name: "London", NameFR: "Londres"}
	for lang, want := range map[string]string{"": "London", "en": "London", "fr": "Londres", "fr-CA": "Londres", "frr": "London"} {
		if got := p.NameIn(lang); got != want {
			t.Errorf("NameIn(%q) = %q, want %q", lang, got, want)
		}
	}
}
