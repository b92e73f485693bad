package basemap_test

import (
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
)

func TestLevels(t *testing.T) {
	for _, level := range []basemap.Level{basemap.Coarse, basemap.Medium, basemap.Fine} {
		t.Run(level.String(), func(t *testing.T) {
			b, err := basemap.Load(level)
			if err != nil {
				t.Fatal(err)
			}
			again, _ := basemap.Load(level)
			if again != b {
				t.Error("a second Load decoded the level again")
			}
			if len(b.Land) < 100 || len(b.Coast) < 100 || len(b.Borders) < 200 || len(b.Countries) < 170 {
				t.Errorf("land %d, coast %d, borders %d, countries %d: too few",
					len(b.Land), len(b.Coast), len(b.Borders), len(b.Countries))
			}
			for _, poly := range b.Land {
				for _, ring := range poly {
					if first, last := ring[0], ring[len(ring)-1]; first != last {
						t.Fatalf("a ring is open: %v … %v", first, last)
					}
					for i := 1; i < len(ring); i++ {
						if d := ring[i].X - ring[i-1].X; ring[i].Y > -89 && (d > 180 || d < -180) {
							t.Fatalf("a ring jumps from %v to %v", ring[i-1], ring[i])
						}
					}
				}
			}
			for _, c := range b.Countries {
				if c.Name == "" {
					t.Errorf("country %q has no name", c.ID)
				}
			}
		})
	}
}

func TestIsLand(t *testing.T) {
	tests := []struct {
		name     string
		lon, lat float64
		want     bool
	}{
		{"Montpellier", 3.85, 43.65, true},
		{"Gulf of Lion", 4.2, 42.9, false},
		{"Corsica", 9.1, 42.1, true},
		{"Atlantic", -30, 40, false},
		{"Chukotka, west of the antimeridian", 178, 67, true},
		{"Chukotka, east of the antimeridian", -177, 66.5, true},
		{"Pacific at the antimeridian", 180, 0, false},
		{"Antarctica", 20, -85, true},
		{"Pole", 0, -89.95, true},
		{"Caspian Sea", 51, 42, false},
		{"beyond the world", 0, 91, false},
	}
	for _, level := range []basemap.Level{basemap.Coarse, basemap.Medium, basemap.Fine} {
		b, err := basemap.Load(level)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			if got := b.IsLand(tt.lon, tt.lat); got != tt.want {
				t.Errorf("%v: IsLand(%s) = %v, want %v", level, tt.name, got, tt.want)
			}
		}
	}
}

func TestLoadUnknownLevel(t *testing.T) {
	if _, err := basemap.Load(9); err == nil {
		t.Error("Load(9) succeeded")
	}
}
