package demo

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// acquisition is one item before it is written down.
type acquisition struct {
	collection catalog.CollectionID
	id         string
	title      string
	platform   string
	time       time.Time
	cloud      float64 // percent of the footprint
	offNadir   float64 // degrees
	orbit      int     // relative orbit, 0 where it is not told
	square     string  // MGRS square, empty where there is none
	clouds     uint64  // seed of the day's sky, shared by what was seen in one overpass
	*frame
}

// The years of the archive.
const (
	firstYear = 2017
	lastYear  = 2023
)

// plan decides which scenes exist. The answer is in time order, ties by id.
func plan(seed uint64) ([]acquisition, error) {
	fr, err := loadFrance()
	if err != nil {
		return nil, err
	}
	spot, err := planSPOT(seed, fr)
	if err != nil {
		return nil, err
	}
	views, err := sentinel2Views(fr)
	if err != nil {
		return nil, err
	}
	s2 := planSentinel2(seed, views)
	super, err := planSuper(seed, s2)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(spot, s2, super)
	slices.SortFunc(all, func(a, b acquisition) int {
		if c := a.time.Compare(b.time); c != 0 {
			return c
		}
		return cmp.Compare(a.id, b.id)
	})
	return all, nil
}

// Each kind of chance has a number of its own, so that they don't move together.
const (
	chanceSPOT = iota + 1
	chanceWeather
	chanceClock
	chanceSky
	chanceSuper
)

// planSPOT covers mainland France once a year, as the national coverage does, and takes a part of it twice.
func planSPOT(seed uint64, fr *country) ([]acquisition, error) {
	p, err := geo.NewProjection(2154)
	if err != nil {
		return nil, err
	}
	var out []acquisition
	for year := firstYear; year <= lastYear; year++ {
		chance := func(vs ...uint64) float64 {
			return scene.Unit(scene.Mix(seed, append([]uint64{chanceSPOT, uint64(year)}, vs...)...))
		}
		shiftX, shiftY := (chance(1)-0.5)*spotStepX, (chance(2)-0.5)*spotStepY
		for i, c := range spotCentres(fr, p, shiftX, shiftY) {
			takes := 1
			if chance(3, uint64(i)) < 0.4 {
				takes = 2
			}
			for k := range takes {
				a, err := spotScene(p, c, year, func(n uint64) float64 { return chance(4, uint64(i), uint64(k), n) })
				if err != nil {
					return nil, err
				}
				a.clouds = scene.Mix(seed, chanceSky, uint64(a.time.UnixMilli()))
				out = append(out, a)
			}
		}
	}
	return out, nil
}

func spotScene(p *geo.Projection, c geom.XY, year int, chance func(n uint64) float64) (acquisition, error) {
	const snap = 60 // metres: a multiple of both pixel sizes
	c.X += (chance(0) - 0.5) * 4e3
	c.Y += (chance(1) - 0.5) * 4e3
	ring := spotRing(c)
	w, s, e, n := snapBox(ring, snap)
	f, err := newFrame(p, ring, w, s, e, n)
	if err != nil {
		return acquisition{}, fmt.Errorf("SPOT scene: %w", err)
	}
	// The coverage is flown from March to October, most of it in summer.
	day := 75 + int(math.Round((chance(2)+chance(3))/2*230))
	t := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day)
	t = t.Add(time.Duration(float64(overpass(f.centre.X, 10.75))) + time.Duration(chance(4)*float64(24*time.Minute)))
	t = t.Truncate(100 * time.Millisecond)
	mission := 6
	// SPOT 7 was lost in March 2023.
	if chance(5) < 0.5 && t.Before(time.Date(2023, 3, 17, 0, 0, 0, 0, time.UTC)) {
		mission = 7
	}
	stamp := t.Format("20060102150405") + fmt.Sprint(t.Nanosecond()/1e8)
	cloud := 0.0
	if x := chance(6); x > 0.35 {
		cloud = math.Round(math.Pow((x-0.35)/0.65, 2.2)*180) / 10
	}
	return acquisition{
		collection: SPOT, id: fmt.Sprintf("SPOT%d_MS_%s_SPOT%d_P_%s", mission, stamp, mission, stamp),
		title:    fmt.Sprintf("SPOT %d, %s", mission, t.Format("2006-01-02 15:04")),
		platform: fmt.Sprintf("spot-%d", mission), time: t, cloud: cloud,
		offNadir: math.Round(chance(7)*250) / 10, frame: f,
	}, nil
}

// overpass returns the time of day in UTC at which a satellite in a sun-synchronous orbit passes over a longitude.
func overpass(lon, localHour float64) time.Duration {
	return time.Duration((localHour - lon/15) * float64(time.Hour))
}

// planSentinel2 flies the five-day rhythm of the two satellites; before July 2017 there is one, every ten days.
func planSentinel2(seed uint64, views []s2View) []acquisition {
	// On this day Sentinel-2A flew relative orbit 8.
	epoch := time.Date(2018, 9, 25, 0, 0, 0, 0, time.UTC)
	twins := time.Date(2017, 7, 1, 0, 0, 0, 0, time.UTC)
	var out []acquisition
	for _, v := range views {
		first := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC)
		if v.home {
			first = time.Date(2015, 12, 1, 0, 0, 0, 0, time.UTC)
		}
		days := int(first.Sub(epoch).Hours() / 24)
		for n := (days-v.track.phase)/5 - 1; ; n++ {
			day := epoch.AddDate(0, 0, n*5+v.track.phase)
			if day.Year() > lastYear {
				break
			}
			satellite := "A"
			if n%2 != 0 {
				satellite = "B"
			}
			if day.Before(first) || satellite == "B" && day.Before(twins) {
				continue
			}
			out = append(out, s2Scene(seed, v, day, satellite))
		}
	}
	return clearest(out, views)
}

func s2Scene(seed uint64, v s2View, day time.Time, satellite string) acquisition {
	sky := scene.Mix(seed, chanceSky, uint64(day.Unix()), uint64(v.track.orbit))
	// Tiles further south along a track are seen a few seconds later.
	lon := v.track.lon + (v.centre.Y-46.5)*0.3
	t := day.Add(overpass(lon, 10.95) + time.Duration((51-v.centre.Y)*16*float64(time.Second)))
	t = t.Add(time.Duration(scene.Unit(scene.Mix(seed, chanceClock, uint64(day.Unix()))) * float64(4*time.Minute)))
	t = t.Truncate(time.Millisecond)
	name := v.square.String()
	return acquisition{
		collection: Sentinel2,
		id: fmt.Sprintf("SENTINEL2%s_%s-%03d_L2A_T%s_C_V2-2", satellite, t.Format("20060102-150405"),
			t.Nanosecond()/1e6, name),
		title:    fmt.Sprintf("Sentinel-2%s, %s, T%s", satellite, t.Format("2006-01-02 15:04"), name),
		platform: "sentinel-2" + string(satellite[0]|0x20), time: t,
		cloud:  cloudCover(seed, day, v.track.orbit, v.centre),
		orbit:  v.track.orbit,
		square: name, clouds: sky, frame: v.frame,
	}
}

// cloudCover returns a believable cover in percent: mostly clear or mostly overcast, less in summer and near the
// Mediterranean, alike for neighbours in one overpass.
func cloudCover(seed uint64, day time.Time, orbit int, at geom.XY) float64 {
	year := 2 * math.Pi * float64(day.YearDay()-200) / 365
	north := min(max((at.Y-43)/7, 0), 1)
	mean := 0.36 + 0.22*north - (0.20-0.06*north)*math.Cos(year)
	weather := scene.NewWeather(scene.Mix(seed, chanceWeather, uint64(day.Unix()), uint64(orbit)))
	z := weather.At(at.X, at.Y)
	cover := 100 / (1 + math.Exp(-3.1*(z+2.4*(mean-0.5))))
	if cover < 4 {
		cover *= cover / 4
	}
	return math.Round(cover*10) / 10
}

// clearest thins the series of all tiles but the home tiles to the clearest scene of each month, and drops everywhere
// what is overcast, as the production of L2A does.
func clearest(all []acquisition, views []s2View) []acquisition {
	home := map[*frame]bool{}
	for _, v := range views {
		home[v.frame] = v.home
	}
	type month struct {
		*frame
		year  int
		month time.Month
	}
	best := map[month]int{}
	for i, a := range all {
		m := month{a.frame, a.time.Year(), a.time.Month()}
		if j, ok := best[m]; !ok || a.cloud < all[j].cloud {
			best[m] = i
		}
	}
	var out []acquisition
	for i, a := range all {
		m := month{a.frame, a.time.Year(), a.time.Month()}
		if home[a.frame] && a.cloud <= 90 || best[m] == i {
			out = append(out, a)
		}
	}
	return out
}
