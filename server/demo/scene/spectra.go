package scene

import "math"

// Channels of a spectrum: the ten land bands of Sentinel-2, from which every other band is mixed.
const (
	B02 = iota
	B03
	B04
	B05
	B06
	B07
	B08
	B8A
	B11
	B12
	channels
)

// spectrum is reflectance, 0 to 1, in each channel.
type spectrum [channels]float32

// Band says how an image band mixes the channels; the weights sum to one.
type Band [channels]float32

// Channel returns the band that is one channel alone.
func Channel(c int) Band {
	var b Band
	b[c] = 1
	return b
}

// Panchromatic returns the band of SPOT 6/7 from 0.45 to 0.75 µm.
func Panchromatic() Band {
	return Band{B02: 0.25, B03: 0.30, B04: 0.27, B05: 0.13, B06: 0.05}
}

func soilBrown() spectrum {
	return spectrum{.054, .079, .106, .128, .150, .164, .181, .193, .262, .215}
}

func soilPale() spectrum {
	return spectrum{.100, .134, .170, .193, .214, .228, .244, .254, .330, .285}
}

func soilRed() spectrum {
	return spectrum{.064, .090, .133, .160, .180, .195, .212, .226, .310, .260}
}

func leafCrop() spectrum {
	return spectrum{.024, .056, .028, .090, .310, .405, .440, .460, .205, .095}
}

func leafGrass() spectrum {
	return spectrum{.032, .066, .046, .108, .270, .335, .365, .385, .235, .125}
}

func leafBroad() spectrum {
	return spectrum{.019, .042, .021, .068, .250, .325, .355, .375, .165, .072}
}

func bareWood() spectrum {
	return spectrum{.036, .050, .060, .082, .125, .145, .165, .178, .185, .125}
}

func needles() spectrum {
	return spectrum{.016, .029, .018, .043, .150, .190, .212, .222, .105, .048}
}

func scrub() spectrum {
	return spectrum{.032, .052, .050, .082, .165, .203, .222, .238, .195, .125}
}

func straw() spectrum {
	return spectrum{.082, .120, .160, .190, .225, .242, .262, .280, .345, .250}
}

func flower() spectrum {
	return spectrum{.035, .128, .112, .165, .330, .400, .430, .450, .220, .110}
}

func alpine() spectrum {
	return spectrum{.045, .076, .074, .120, .215, .255, .275, .290, .275, .175}
}

func rock() spectrum {
	return spectrum{.125, .145, .162, .170, .178, .182, .188, .192, .225, .205}
}

func sand() spectrum {
	return spectrum{.210, .270, .325, .345, .360, .370, .385, .392, .440, .420}
}

func snow() spectrum {
	return spectrum{.840, .850, .840, .835, .825, .810, .800, .775, .110, .075}
}

func roofTile() spectrum {
	return spectrum{.085, .105, .152, .172, .185, .195, .205, .215, .235, .210}
}

func roofGrey() spectrum {
	return spectrum{.155, .168, .178, .184, .190, .195, .200, .205, .215, .200}
}

func asphalt() spectrum {
	return spectrum{.078, .088, .096, .102, .108, .112, .118, .122, .140, .130}
}

func seaDeep() spectrum {
	return spectrum{.034, .021, .0090, .0065, .0050, .0048, .0042, .0040, .0020, .0012}
}

func seaShallow() spectrum {
	return spectrum{.062, .072, .034, .019, .0105, .0095, .0085, .0080, .0030, .0018}
}

func lagoon() spectrum {
	return spectrum{.044, .058, .038, .028, .0150, .0135, .0120, .0110, .0040, .0025}
}

func river() spectrum {
	return spectrum{.040, .056, .042, .034, .0190, .0175, .0160, .0150, .0060, .0035}
}

func cloud() spectrum {
	return spectrum{.760, .765, .775, .780, .785, .788, .790, .790, .560, .460}
}

// class is what covers the ground.
type class uint8

const (
	clsWheat class = iota
	clsRape
	clsMaize
	clsSunflower
	clsGrass
	clsVine
	clsOrchard
	clsLucerne
	clsBroadleaf
	clsNeedleleaf
	clsScrub
	clsAlpine
	clsRock
	clsSand
	clsRoofTile
	clsRoofGrey
	clsAsphalt
	clsGarden
	clsSeaDeep
	clsSeaShallow
	clsLagoon
	clsRiver
	classes
)

// isWater reports whether the ground is under water.
func (c class) isWater() bool { return c >= clsSeaDeep }

// variants of each class differ in soil and in the farmer's dates.
const variants = 4

// palette is the reflectance of every class and variant on one day, with two climates: dry is the Mediterranean.
type palette [2][classes][variants]spectrum

// newPalette lets the year go by until a day (1 to 366).
func newPalette(day int) *palette {
	var p palette
	for dry := range 2 {
		for c := range classes {
			for v := range variants {
				p[dry][c][v] = reflect(c, v, float64(day), dry == 1)
			}
		}
	}
	return &p
}

// season rises from 0 on day a to 1 on day b and falls back from day c to day d.
func season(day, a, b, c, d float64) float32 {
	return smoothstep(float32(a), float32(b), float32(day)) * (1 - smoothstep(float32(c), float32(d), float32(day)))
}

func blend(a, b spectrum, t float32) spectrum {
	for i := range a {
		a[i] = lerp(a[i], b[i], t)
	}
	return a
}

// reflect returns a class on a day. Crops are soil and leaf mixed by how far they have grown.
func reflect(c class, variant int, day float64, dry bool) spectrum {
	shift := float64(variant-2) * 7
	soil := [variants]spectrum{soilBrown(), blend(soilBrown(), soilPale(), .4), soilBrown(), blend(soilBrown(), soilPale(), .7)}[variant]
	if dry {
		soil = [variants]spectrum{soilPale(), blend(soilPale(), soilRed(), .6), blend(soilBrown(), soilRed(), .6), blend(soilPale(), soilBrown(), .7)}[variant]
	}
	d := day + shift
	if dry {
		d += 12 // the south is ahead
	}
	switch c {
	case clsWheat, clsRape, clsMaize, clsSunflower:
		// No field is quite bare: weeds and what is left of the last crop.
		return reflectCrop(c, d, blend(soil, leafGrass(), 0.08+0.05*float32(variant)))
	case clsGrass, clsLucerne:
		growth := 0.62 + 0.3*season(d, 70, 120, 250, 330)
		if dry {
			growth -= 0.45 * season(d, 160, 200, 255, 300)
		} else {
			growth -= 0.14 * season(d, 180, 210, 245, 280)
		}
		if c == clsLucerne {
			growth = min(growth+0.15, 0.97)
		}
		return blend(blend(soil, straw(), .5), leafGrass(), growth+0.03*float32(variant-2))
	case clsVine:
		return blend(soil, leafCrop(), 0.05+0.40*season(d, 110, 165, 275, 315))
	case clsOrchard:
		return blend(blend(soil, leafGrass(), .35), leafBroad(), 0.15+0.45*season(d, 95, 140, 285, 325))
	case clsBroadleaf:
		green := blend(bareWood(), leafBroad(), 0.12+0.88*season(day+0.4*shift, 92, 135, 285, 322))
		return blend(green, straw(), 0.22*season(day+0.4*shift, 278, 298, 310, 335))
	case clsGarden:
		return blend(blend(soil, roofGrey(), .3), leafBroad(), 0.35+0.3*season(day, 90, 130, 285, 320))
	}
	return reflectLasting(c, variant)
}

func reflectCrop(c class, d float64, soil spectrum) spectrum {
	switch c {
	case clsWheat:
		// Sown in October; green by April, ripe at the end of June, cut in July.
		green := 0.22*season(d, -60, 20, 60, 61) + season(d, 45, 105, 158, 182)*0.95 + 0.18*season(d, 320, 360, 700, 701)
		s := blend(soil, leafCrop(), min(green, 0.96))
		ripe := 0.9 * season(d, 160, 184, 200, 206)
		stubble := 0.55 * season(d, 200, 206, 245, 280)
		return blend(s, straw(), max(ripe, stubble))
	case clsRape:
		green := season(d, -80, 30, 165, 188)*0.9 + 0.7*season(d, 265, 310, 700, 701)
		s := blend(soil, leafCrop(), min(green, 0.93))
		s = blend(s, flower(), 0.85*season(d, 96, 108, 124, 134))
		return blend(s, straw(), 0.7*season(d, 175, 190, 215, 245))
	case clsMaize:
		s := blend(soil, leafCrop(), 0.96*season(d, 135, 195, 250, 282))
		return blend(s, straw(), 0.5*season(d, 258, 275, 290, 315))
	}
	s := blend(soil, leafCrop(), 0.85*season(d, 120, 178, 218, 248))
	return blend(s, flower(), 0.35*season(d, 180, 190, 208, 222))
}

// reflectLasting returns what looks alike all year.
func reflectLasting(c class, variant int) spectrum {
	t := float32(variant) / variants
	switch c {
	case clsNeedleleaf:
		return blend(needles(), leafBroad(), 0.12*t)
	case clsScrub:
		return blend(scrub(), rock(), 0.25*t)
	case clsAlpine:
		return blend(alpine(), leafGrass(), 0.5*t)
	case clsRock:
		return blend(rock(), soilBrown(), 0.4*t)
	case clsSand:
		return sand()
	case clsRoofTile:
		return blend(roofTile(), asphalt(), 0.3*t)
	case clsRoofGrey:
		return blend(roofGrey(), asphalt(), 0.6*t)
	case clsAsphalt:
		return asphalt()
	case clsSeaDeep:
		return seaDeep()
	case clsSeaShallow:
		return seaShallow()
	case clsLagoon:
		return blend(lagoon(), seaShallow(), 0.4*t)
	}
	return river()
}

// snowLine returns the height in metres above which snow lies on a day of the year: lowest in February.
func snowLine(day int) float32 {
	return 2150 - 950*float32(math.Cos(2*math.Pi*float64(day-45)/365))
}
