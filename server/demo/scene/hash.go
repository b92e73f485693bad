package scene

import "math"

// Mix returns a well-mixed hash of the values, the same on every machine: the one source of chance of the archive.
func Mix(seed uint64, values ...uint64) uint64 {
	h := seed ^ 0x9e3779b97f4a7c15
	for _, v := range values {
		h = splitmix(h ^ splitmix(v))
	}
	return h
}

// splitmix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Unit turns a hash into a number in [0, 1).
func Unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// lattice hashes a point of an integer grid: fast, since noise asks it four times a sample.
func lattice(seed uint32, x, y int32) uint32 {
	h := seed ^ uint32(x)*0x85ebca6b ^ uint32(y)*0xc2b2ae35
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

// unit32 turns a lattice hash into a number in [0, 1).
func unit32(h uint32) float32 { return float32(h>>8) * (1.0 / (1 << 24)) }

func floor32(x float32) int32 {
	i := int32(x)
	if float32(i) > x {
		i--
	}
	return i
}

// noise is gradient noise in about [-1, 1], with features of size one.
func noise(seed uint32, x, y float32) float32 {
	ix, iy := floor32(x), floor32(y)
	fx, fy := x-float32(ix), y-float32(iy)
	u := fx * fx * fx * (fx*(fx*6-15) + 10)
	v := fy * fy * fy * (fy*(fy*6-15) + 10)
	a := gradient(lattice(seed, ix, iy), fx, fy)
	b := gradient(lattice(seed, ix+1, iy), fx-1, fy)
	c := gradient(lattice(seed, ix, iy+1), fx, fy-1)
	d := gradient(lattice(seed, ix+1, iy+1), fx-1, fy-1)
	a += u * (b - a)
	c += u * (d - c)
	return (a + v*(c-a)) * 1.5
}

// gradient takes the direction from the hash's bits: two components in [-1, 1).
func gradient(h uint32, x, y float32) float32 {
	gx := float32(int32(h<<16)>>16) * (1.0 / 32768)
	gy := float32(int32(h)>>16) * (1.0 / 32768)
	return gx*x + gy*y
}

// fbm sums octaves of noise, each of half the size and gain times the strength, down to features of size least.
func fbm(seed uint32, x, y float32, octaves int, gain float32) float32 {
	var sum, norm float32
	amp := float32(1)
	for i := range octaves {
		sum += amp * noise(seed+uint32(i)*0x9e37, x, y)
		norm += amp
		amp *= gain
		// The turn keeps the lattices of the octaves from lining up.
		x, y = 1.6*x+1.2*y+17.3, -1.2*x+1.6*y+9.1
	}
	return sum / norm
}

// ridged is noise with sharp crests, in [0, 1], as worn mountains have.
func ridged(seed uint32, x, y float32, octaves int) float32 {
	var sum, norm float32
	amp, weight := float32(1), float32(1)
	for i := range octaves {
		n := 1 - abs32(noise(seed+uint32(i)*0x85eb, x, y))*1.6
		n = max(n, 0)
		n *= n * weight
		weight = min(n*1.8, 1)
		sum += amp * n
		norm += amp
		amp *= 0.5
		x, y = 1.6*x+1.2*y+5.7, -1.2*x+1.6*y+3.9
	}
	return sum / norm
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// smoothstep rises from 0 at a to 1 at b.
func smoothstep(a, b, x float32) float32 {
	t := min(max((x-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}

func lerp(a, b, t float32) float32 { return a + (b-a)*t }
