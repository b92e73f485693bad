package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// pick returns the first acquisition of a collection over a place for which ok is true.
func pick(tb testing.TB, a *Archive, id catalog.CollectionID, lon, lat float64, ok func(*acquisition) bool) *acquisition {
	tb.Helper()
	for i := range a.scenes {
		s := &a.scenes[i]
		if s.collection == id && shows(s, lon, lat) && ok(s) {
			return s
		}
	}
	tb.Fatalf("no scene of %s over %v, %v", id, lon, lat)
	return nil
}

// shows reports whether a place lies in the footprint.
func shows(s *acquisition, lon, lat float64) bool {
	x, y := s.proj.Forward(lon, lat)
	for i, b := range s.ring {
		a := s.ring[(i+len(s.ring)-1)%len(s.ring)]
		if (b.X-a.X)*(y-a.Y)-(b.Y-a.Y)*(x-a.X) < 0 {
			return false
		}
	}
	return true
}

func productOf(tb testing.TB, s *acquisition, key string) product {
	tb.Helper()
	for _, p := range products(s.collection) {
		if p.key == key {
			return p
		}
	}
	tb.Fatalf("%s has no asset %s", s.id, key)
	return product{}
}

func makeAsset(tb testing.TB, a *Archive, s *acquisition, key string) string {
	tb.Helper()
	p := productOf(tb, s, key)
	path := filepath.Join(tb.TempDir(), s.id+p.suffix)
	if err := a.Make(context.Background(), "dinamis", objectKey(s, p), path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// run runs a tool of GDAL, which the tests need: a machine without it fails them.
func run(tb testing.TB, stdin, name string, args ...string) string {
	tb.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		tb.Fatalf("%s %s (Debian packages gdal-bin, python3-gdal): %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

func summer(s *acquisition) bool { return s.time.Month() >= 6 && s.time.Month() <= 8 }

// cut reports whether the edge of the swath runs through the frame.
func cut(s *acquisition) bool { return len(s.ring) != 4 || ringArea(s.ring) < 0.9*tileSize*tileSize }

func TestAssetsAreWhatTheItemSays(t *testing.T) {
	a := testArchive(t)
	spot := pick(t, a, SPOT, 3.88, 43.5, summer)
	s2 := pick(t, a, Sentinel2, 3.88, 43.5, cut)
	site := pick(t, a, SuperSentinel2, 0.66, 43.34, summer)
	var paths []string
	for _, m := range []struct {
		s   *acquisition
		key string
	}{{spot, "src_xs"}, {site, "img"}, {s2, "B8A"}, {s2, "B11"}, {s2, "MG2_R2"}, {s2, "EDG_R2"}} {
		path := makeAsset(t, a, m.s, m.key)
		checkWithGDAL(t, a, m.s, productOf(t, m.s, m.key), path)
		paths = append(paths, path)
	}
	const script = "import sys\nfrom osgeo_utils.samples import validate_cloud_optimized_geotiff as v\n" +
		"for p in sys.argv[1:]:\n    w, e, _ = v.validate(p, full_check=True)\n    assert not w and not e, (p, w, e)\n"
	run(t, "", "/usr/bin/python3", append([]string{"-c", script}, paths...)...)
}

// checkWithGDAL holds a file against its item's document, as GDAL reads both, and against the scene's own pixels.
func checkWithGDAL(t *testing.T, a *Archive, s *acquisition, p product, path string) {
	t.Helper()
	var doc struct {
		Properties struct {
			Code string `json:"proj:code"`
		}
		Assets map[string]struct {
			Shape     [2]int     `json:"proj:shape"`
			Transform [6]float64 `json:"proj:transform"`
			DataType  string     `json:"data_type"`
			Bands     []struct{ Name string }
		}
	}
	if err := json.Unmarshal(a.item(s).Raw, &doc); err != nil {
		t.Fatal(err)
	}
	asset := doc.Assets[p.key]
	var info struct {
		Size         [2]int
		GeoTransform [6]float64
		Stac         struct {
			EPSG int `json:"proj:epsg"`
		}
		Bands []struct {
			Type, Description string
			Mask              struct{ Flags []string }
		}
	}
	if err := json.Unmarshal([]byte(run(t, "", "gdalinfo", "-json", path)), &info); err != nil {
		t.Fatal(err)
	}
	tr := asset.Transform
	if info.Size != [2]int{asset.Shape[1], asset.Shape[0]} || info.GeoTransform != [6]float64{tr[2], tr[0], tr[1], tr[5], tr[3], tr[4]} {
		t.Errorf("%s: GDAL reads size %v and transform %v; the item says %v, %v", path, info.Size, info.GeoTransform, asset.Shape, tr)
	}
	if got := fmt.Sprintf("EPSG:%d", info.Stac.EPSG); got != doc.Properties.Code {
		t.Errorf("%s: GDAL reads %s, the item says %s", path, got, doc.Properties.Code)
	}
	for i, b := range info.Bands {
		if strings.ToLower(b.Type) != asset.DataType && (b.Type != "Byte" || asset.DataType != "uint8") {
			t.Errorf("%s: GDAL reads %s, the item says %s", path, b.Type, asset.DataType)
		}
		if p.kind == kindPixels && (b.Description != asset.Bands[i].Name || strings.Join(b.Mask.Flags, "") != "PER_DATASET") {
			t.Errorf("%s: band %d is %q with mask %v", path, i, b.Description, b.Mask.Flags)
		}
	}
	if p.kind == kindPixels {
		checkPixels(t, a, s, p, path)
	}
}

// checkPixels compares what GDAL reads at some places with the scene rendered there alone.
func checkPixels(t *testing.T, a *Archive, s *acquisition, p product, path string) {
	t.Helper()
	sc, err := a.sceneOf(s, p.res)
	if err != nil {
		t.Fatal(err)
	}
	var bands []scene.Band
	for _, b := range p.bands {
		bands = append(bands, sensorBand(b.name))
	}
	inks := sc.Inks(bands...)
	w, h := s.size(p.res)
	var asked strings.Builder
	var want []string
	for y := 8; y < h; y += h / 6 {
		for x := 8; x < w; x += w / 6 {
			// Blocks of 64 pixels rest on nodes that the tiles of the file rest on too.
			const n = 64
			ox, oy := x&^(n-1), y&^(n-1)
			pix, mask := make([]uint16, n*n*len(bands)), make([]uint8, n*n)
			if err := sc.Reflectance(inks, ox, oy, min(n, w-ox), min(n, h-oy), n, pix, mask); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&asked, x, y)
			for b := range bands {
				want = append(want, strconv.Itoa(int(pix[((y-oy)*n+x-ox)*len(bands)+b])))
			}
		}
	}
	got := strings.Fields(run(t, asked.String(), "gdallocationinfo", "-valonly", path))
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s: GDAL reads other pixels than were made:\n%v\n%v", path, got, want)
	}
	if strings.Trim(strings.Join(want, ""), "0") == "" {
		t.Errorf("%s: nothing but no-data", path)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	a := testArchive(t)
	b, err := newArchive()
	if err != nil {
		t.Fatal(err)
	}
	s := pick(t, a, SuperSentinel2, 0.66, 43.34, summer)
	for _, key := range []string{"img", "thumbnail"} {
		one, err := os.ReadFile(makeAsset(t, a, s, key))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(makeAsset(t, b, s, key))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s of %s differs between two archives of one seed", key, s.id)
		}
	}
}

// TestCloudsCoverWhatTheItemSays counts the cloud mask of scenes with any cover.
func TestCloudsCoverWhatTheItemSays(t *testing.T) {
	a := testArchive(t)
	for _, from := range []float64{0, 4, 20, 45, 85} {
		s := pick(t, a, Sentinel2, 3.88, 43.5, func(s *acquisition) bool { return s.cloud >= from })
		const res = 300
		sc, err := a.sceneOf(s, res)
		if err != nil {
			t.Fatal(err)
		}
		w, h := s.size(res)
		clouds, all := 0, 0
		err = sc.Classify(0, 0, w, h, func(_, _ int, f scene.Flags) {
			all++
			if f&scene.Cloud != 0 {
				clouds++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := 100 * float64(clouds) / float64(all); math.Abs(got-s.cloud) > 3 {
			t.Errorf("%s: %.1f %% cloud, the item says %.1f %%", s.id, got, s.cloud)
		}
	}
}

// TestThePixelsUnderAClearSky checks that the cloud mask tells the truth: where it says nothing, the ground shows as
// it would without a cloud, and where it says cloud it is bright.
func TestThePixelsUnderAClearSky(t *testing.T) {
	a := testArchive(t)
	s := pick(t, a, Sentinel2, 3.2, 45.3, func(s *acquisition) bool { return s.cloud > 20 && s.cloud < 50 })
	const n, res = 128, 200
	cloudy, err := a.sceneOf(s, res)
	if err != nil {
		t.Fatal(err)
	}
	bare := *s
	bare.cloud = 0
	open, err := a.sceneOf(&bare, res)
	if err != nil {
		t.Fatal(err)
	}
	blue := scene.Channel(scene.B02)
	one, two, flags := make([]uint16, n*n), make([]uint16, n*n), make([]scene.Flags, n*n)
	if err := cloudy.Reflectance(cloudy.Inks(blue), 200, 200, n, n, n, one, nil); err != nil {
		t.Fatal(err)
	}
	if err := open.Reflectance(open.Inks(blue), 200, 200, n, n, n, two, nil); err != nil {
		t.Fatal(err)
	}
	if err := cloudy.Classify(200, 200, n, n, func(x, y int, f scene.Flags) { flags[y*n+x] = f }); err != nil {
		t.Fatal(err)
	}
	seen := map[bool]int{}
	for i, f := range flags {
		switch {
		case f&scene.Cloud != 0:
			seen[true]++
			if one[i] < 1200 {
				t.Fatalf("pixel %d is called cloud and reflects %d", i, one[i])
			}
		case f&(scene.ThinCloud|scene.CloudShadow) == 0:
			seen[false]++
			// Up to 8 % of thin cloud and half a shadow are not flagged.
			if d := int(one[i]) - int(two[i]); d > 800 || d < -int(two[i])*2/3 {
				t.Fatalf("pixel %d is called clear and reflects %d instead of %d", i, one[i], two[i])
			}
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("the window shows only one of them: %v", seen)
	}
}

// TestSensorsAgreeOnWater compares the same places in SPOT, Sentinel-2 and Super-Sentinel-2.
func TestSensorsAgreeOnWater(t *testing.T) {
	a := testArchive(t)
	water := func(s *acquisition, res float64) func(lon, lat float64) bool {
		sc, err := a.sceneOf(s, res)
		if err != nil {
			t.Fatal(err)
		}
		return func(lon, lat float64) (wet bool) {
			x, y := s.proj.Forward(lon, lat)
			col, row := int((x-s.west)/res)&^7, int((s.north-y)/res)&^7
			hits := 0
			if err := sc.Classify(col, row, 8, 8, func(_, _ int, f scene.Flags) {
				if f&scene.Water != 0 {
					hits++
				}
			}); err != nil {
				t.Fatal(err)
			}
			return hits > 32
		}
	}
	whole := func(s *acquisition) bool { return !cut(s) }
	both := func(s *acquisition) bool { return shows(s, 3.95, 43.45) && shows(s, 3.8, 43.62) }
	sensors := []func(lon, lat float64) bool{
		water(pick(t, a, SPOT, 3.9, 43.52, both), 15),
		water(pick(t, a, Sentinel2, 3.9, 43.52, whole), 25),
		water(pick(t, a, SuperSentinel2, 3.9, 43.6, summer), 15),
	}
	for _, p := range []struct {
		lon, lat float64
		wet      bool
		n        int
	}{{3.95, 43.45, true, 2}, {3.90, 43.50, true, 2}, {3.80, 43.62, false, 3}, {3.88, 43.61, false, 3}, {3.85, 43.64, false, 3}} {
		for i, wet := range sensors[:p.n] {
			if got := wet(p.lon, p.lat); got != p.wet {
				t.Errorf("sensor %d at %v, %v: water is %v, want %v", i, p.lon, p.lat, got, p.wet)
			}
		}
	}
}

func TestThumbnailIsTheScene(t *testing.T) {
	a := testArchive(t)
	for _, s := range []*acquisition{
		pick(t, a, SPOT, 3.88, 43.5, summer),
		pick(t, a, SuperSentinel2, 0.66, 43.34, summer),
	} {
		f, err := os.Open(makeAsset(t, a, s, "thumbnail"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		size := img.Bounds().Size()
		if long := max(size.X, size.Y); long < 172 || long > 400 {
			t.Errorf("%s: thumbnail of %v", s.id, size)
		}
		opaque := 0
		for y := range size.Y {
			for x := range size.X {
				if _, _, _, alpha := img.At(x, y).RGBA(); alpha > 0x7fff {
					opaque++
				}
			}
		}
		share := ringArea(s.ring) / ((s.east - s.west) * (s.north - s.south))
		if got := float64(opaque) / float64(size.X*size.Y); math.Abs(got-share) > 0.03 {
			t.Errorf("%s: %.2f of the thumbnail is opaque, the footprint fills %.2f", s.id, got, share)
		}
	}
}

func TestMetadataIsXML(t *testing.T) {
	a := testArchive(t)
	s := pick(t, a, Sentinel2, 3.88, 43.5, summer)
	b, err := os.ReadFile(makeAsset(t, a, s, "MD"))
	if err != nil {
		t.Fatal(err)
	}
	var m muscate
	if err := xml.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if m.ID != s.id || m.Zone != "T"+s.square || m.Orbit != s.orbit {
		t.Errorf("metadata %+v", m)
	}
}

func TestMakeStopsAndLeavesNothing(t *testing.T) {
	a := testArchive(t)
	s := pick(t, a, SPOT, 3.88, 43.5, summer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, p := range products(s.collection) {
		if err := a.Make(ctx, "dinamis", objectKey(s, p), filepath.Join(dir, "object")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", p.key, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
