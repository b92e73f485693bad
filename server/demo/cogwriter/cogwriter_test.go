package cogwriter

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// pixel is the value of the test image: a gradient with a hash on top, so that no two tiles are alike.
func pixel(x, y, b, bits int) uint16 {
	h := uint32(x)*2654435761 ^ uint32(y)*2246822519 ^ uint32(b)*3266489917
	h ^= h >> 15
	v := uint16(1 + (x*3+y*7+b*50)%200 + int(h%50))
	if bits == 8 {
		return v & 0xff
	}
	return v * 97
}

// inside is the mask of the test image: a tilted half-plane.
func inside(x, y int) bool { return 3*x+y > 150 }

func fill(m Image) func(context.Context, *Tile) error {
	n := len(m.Bands)
	return func(_ context.Context, t *Tile) error {
		for y := range t.H {
			for x := range t.W {
				if m.Mask && !inside(t.X+x, t.Y+y) {
					continue
				}
				if m.Mask {
					t.Mask[y*TileSize+x] = 1
				}
				for b := range n {
					t.Pix[(y*TileSize+x)*n+b] = pixel(t.X+x, t.Y+y, b, m.Bits)
				}
			}
		}
		return nil
	}
}

func write(t testing.TB, m Image) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cog.tif")
	if err := Write(context.Background(), path, m, fill(m)); err != nil {
		t.Fatal(err)
	}
	return path
}

func bands(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("band <%d>", i)
	}
	return out
}

// run runs a tool of GDAL, which the tests need: a machine without it fails them.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s (Debian packages gdal-bin, python3-gdal): %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	if stderr.Len() > 0 {
		t.Fatalf("%s %s complains: %s", name, strings.Join(args, " "), stderr.Bytes())
	}
	return out
}

func TestGDALReadsEveryForm(t *testing.T) {
	zero := uint16(0)
	base := Image{EPSG: 2154, West: 700000, North: 6600000, PixelSize: 15}
	var paths []string
	for i, m := range []Image{
		{Width: 1500, Height: 1100, Bands: bands(4), Bits: 16, Mask: true, NoData: &zero, Scale: 0.0001},
		{Width: 1025, Height: 513, Bands: bands(1), Bits: 16, BigTIFF: true, Mask: true},
		{Width: 2049, Height: 700, Bands: bands(2), Bits: 8, Overviews: Nearest},
		{Width: 7, Height: 3, Bands: bands(3), Bits: 8},
	} {
		m.EPSG, m.West, m.North, m.PixelSize = base.EPSG, base.West, base.North, base.PixelSize
		m.Metadata = map[string]string{"NOTE": "a < b & c"}
		path := write(t, m)
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkInfo(t, m, path) })
		paths = append(paths, path)
	}
	const script = "import sys\nfrom osgeo_utils.samples import validate_cloud_optimized_geotiff as v\n" +
		"for p in sys.argv[1:]:\n    w, e, _ = v.validate(p, full_check=True)\n    assert not w and not e, (p, w, e)\n"
	run(t, "/usr/bin/python3", append([]string{"-c", script}, paths...)...)
}

type gdalInfo struct {
	Size             [2]int
	GeoTransform     [6]float64
	Metadata         map[string]map[string]string
	CoordinateSystem struct{ WKT string }
	Bands            []struct {
		Block       [2]int
		Type        string
		Description string
		NoDataValue *float64
		Scale       float64
		Overviews   []struct{ Size [2]int }
		Mask        struct {
			Flags     []string
			Overviews []struct{ Size [2]int }
		}
	}
}

func checkInfo(t *testing.T, m Image, path string) {
	var info gdalInfo
	if err := json.Unmarshal(run(t, "gdalinfo", "-json", path), &info); err != nil {
		t.Fatal(err)
	}
	if info.Size != [2]int{m.Width, m.Height} || len(info.Bands) != len(m.Bands) {
		t.Errorf("size %v, %d bands", info.Size, len(info.Bands))
	}
	if info.GeoTransform != [6]float64{m.West, m.PixelSize, 0, m.North, 0, -m.PixelSize} {
		t.Errorf("geotransform %v", info.GeoTransform)
	}
	if !strings.Contains(info.CoordinateSystem.WKT, `ID["EPSG",2154]`) {
		t.Errorf("reference system %s", info.CoordinateSystem.WKT)
	}
	structure := info.Metadata["IMAGE_STRUCTURE"]
	if structure["LAYOUT"] != "COG" || structure["COMPRESSION"] != "DEFLATE" {
		t.Errorf("structure %v", structure)
	}
	if info.Metadata[""]["NOTE"] != "a < b & c" {
		t.Errorf("metadata %v", info.Metadata[""])
	}
	var want []struct{ Size [2]int }
	for _, l := range m.levels()[1:] {
		want = append(want, struct{ Size [2]int }{[2]int{l.w, l.h}})
	}
	for i, b := range info.Bands {
		if b.Description != m.Bands[i] || b.Type != map[int]string{8: "Byte", 16: "UInt16"}[m.Bits] {
			t.Errorf("band %d: %q %s", i, b.Description, b.Type)
		}
		if (b.NoDataValue != nil) != (m.NoData != nil) || m.Scale != 0 && b.Scale != m.Scale {
			t.Errorf("band %d: no data %v, scale %v", i, b.NoDataValue, b.Scale)
		}
		if d := cmp.Diff(want, b.Overviews); d != "" {
			t.Errorf("band %d: overviews %s", i, d)
		}
		if m.Mask {
			if d := cmp.Diff(want, b.Mask.Overviews); d != "" || strings.Join(b.Mask.Flags, " ") != "PER_DATASET" {
				t.Errorf("band %d: mask %v %s", i, b.Mask.Flags, d)
			}
		}
	}
	big := make([]byte, 4)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(big); err != nil || (big[2] == 43) != m.BigTIFF {
		t.Errorf("magic %v, %v", big, err)
	}
}

// TestGDALReadsTheSamePixels holds any image against what GDAL reads from it, mask included.
func TestGDALReadsTheSamePixels(t *testing.T) {
	dir := t.TempDir()
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		// Each check runs two programs; a dozen images are enough for the forms there are.
		if checks++; checks > 12 {
			return
		}
		m := Image{
			Width: rapid.IntRange(1, 1300).Draw(rt, "width"), Height: rapid.IntRange(1, 1300).Draw(rt, "height"),
			Bands: bands(rapid.IntRange(1, 5).Draw(rt, "bands")), Bits: rapid.SampledFrom([]int{8, 16}).Draw(rt, "bits"),
			Mask: rapid.Bool().Draw(rt, "mask"), BigTIFF: rapid.Bool().Draw(rt, "big"),
			Level: rapid.IntRange(1, 9).Draw(rt, "level"), Workers: rapid.IntRange(1, 4).Draw(rt, "workers"),
			EPSG: 32631, West: 5e5, North: 49e5, PixelSize: 10,
		}
		path := filepath.Join(dir, "cog.tif")
		if err := Write(context.Background(), path, m, fill(m)); err != nil {
			rt.Fatal(err)
		}
		raw := filepath.Join(dir, "raw.bin")
		run(t, "gdal_translate", "-q", "-of", "ENVI", "-co", "INTERLEAVE=BIP", path, raw)
		got, err := os.ReadFile(raw)
		if err != nil {
			rt.Fatal(err)
		}
		run(t, "gdal_translate", "-q", "-of", "ENVI", "-b", "mask", path, raw)
		mask, err := os.ReadFile(raw)
		if err != nil {
			rt.Fatal(err)
		}
		comparePixels(rt, m, got, mask)
	})
}

func comparePixels(rt *rapid.T, m Image, got, mask []byte) {
	n := len(m.Bands)
	for y := range m.Height {
		for x := range m.Width {
			valid := !m.Mask || inside(x, y)
			if (mask[y*m.Width+x] == 255) != valid {
				rt.Fatalf("mask at %d, %d is %d", x, y, mask[y*m.Width+x])
			}
			for b := range n {
				want, at := uint16(0), (y*m.Width+x)*n+b
				if valid {
					want = pixel(x, y, b, m.Bits)
				}
				have := uint16(got[at*m.Bits/8])
				if m.Bits == 16 {
					have = binary.LittleEndian.Uint16(got[2*at:])
				}
				if have != want {
					rt.Fatalf("pixel %d, %d, band %d: GDAL reads %d, want %d", x, y, b, have, want)
				}
			}
		}
	}
}

// TestOverviewIsTheMeanOfValidPixels compares with a plain loop.
func TestOverviewIsTheMeanOfValidPixels(t *testing.T) {
	m := Image{Width: 601, Height: 515, Bands: bands(1), Bits: 16, Mask: true, EPSG: 2154, PixelSize: 1}
	path := write(t, m)
	raw := filepath.Join(t.TempDir(), "ov.bin")
	run(t, "gdal_translate", "-q", "-of", "ENVI", "-oo", "OVERVIEW_LEVEL=0", path, raw)
	got, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	for y := range 258 {
		for x := range 301 {
			total, count := 0, 0
			for _, d := range [4][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				if px, py := 2*x+d[0], 2*y+d[1]; px < m.Width && py < m.Height && inside(px, py) {
					total += int(pixel(px, py, 0, 16))
					count++
				}
			}
			want := 0
			if count > 0 {
				want = (total + count/2) / count
			}
			if have := int(binary.LittleEndian.Uint16(got[2*(y*301+x):])); have != want {
				t.Fatalf("overview at %d, %d: %d, want %d", x, y, have, want)
			}
		}
	}
}

func TestWorkersDoNotChangeTheBytes(t *testing.T) {
	m := Image{Width: 3000, Height: 1700, Bands: bands(1), Bits: 16, Mask: true, EPSG: 2154, PixelSize: 1, Workers: 1}
	one, err := os.ReadFile(write(t, m))
	if err != nil {
		t.Fatal(err)
	}
	m.Workers = 7
	seven, err := os.ReadFile(write(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, seven) {
		t.Error("seven workers wrote other bytes than one")
	}
}

func TestWriteLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cog.tif")
	m := Image{Width: 600, Height: 600, Bands: bands(1), Bits: 16, EPSG: 2154, PixelSize: 1}
	boom := errors.New("no pixels")
	if err := Write(t.Context(), path, m, func(context.Context, *Tile) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Write(ctx, path, m, fill(m)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestValidate(t *testing.T) {
	good := Image{Width: 1, Height: 1, Bands: bands(1), Bits: 8, EPSG: 2154, PixelSize: 1}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	large := uint16(256)
	for name, spoil := range map[string]func(*Image){
		"width": func(m *Image) { m.Width = 0 }, "height": func(m *Image) { m.Height = -1 }, "bands": func(m *Image) { m.Bands = nil },
		"bits": func(m *Image) { m.Bits = 12 }, "epsg": func(m *Image) { m.EPSG = 0 }, "size": func(m *Image) { m.PixelSize = 0 },
		"level": func(m *Image) { m.Level = 10 }, "no data": func(m *Image) { m.NoData = &large }, "workers": func(m *Image) { m.Workers = -1 },
	} {
		m := good
		spoil(&m)
		if err := Write(t.Context(), filepath.Join(t.TempDir(), "x"), m, fill(m)); err == nil {
			t.Errorf("a bad %s was accepted", name)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	m := Image{Width: 2048, Height: 2048, Bands: bands(1), Bits: 16, Mask: true, EPSG: 2154, PixelSize: 1}
	path := filepath.Join(b.TempDir(), "cog.tif")
	for b.Loop() {
		if err := Write(context.Background(), path, m, fill(m)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*m.Width*m.Height)/1e6/b.Elapsed().Seconds(), "Mpx/s")
}
