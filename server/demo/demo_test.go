package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io/fs"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/peterstace/simplefeatures/geom"
	"github.com/planetlabs/go-stac"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// shared is the archive that the tests read. Nothing of it changes but its cache of coasts.
var shared = sync.OnceValues(newArchive)

func newArchive() (*Archive, error) { return New(Config{Seed: 1, ObjectsURL: "http://127.0.0.1:8481"}) }

func testArchive(tb testing.TB) *Archive {
	tb.Helper()
	a, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestNewRefusesABadAddress(t *testing.T) {
	for _, cfg := range []Config{{}, {ObjectsURL: "http://127.0.0.1:1/"}, {ObjectsURL: "http://127.0.0.1:1", Bucket: "a/b"}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestItemsFollowFromTheSeed(t *testing.T) {
	a := testArchive(t)
	b, err := newArchive()
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(Config{Seed: 2, ObjectsURL: "http://127.0.0.1:8481"})
	if err != nil {
		t.Fatal(err)
	}
	if a.Len() < 20_000 || a.Len() > 25_000 {
		t.Errorf("%d items, want 20,000 to 25,000", a.Len())
	}
	// Hashes instead of documents: all of them together are 150 MB.
	hash := maphash.MakeSeed()
	sums := map[uint64]bool{}
	var inOrder []uint64
	for it := range a.Items() {
		sum := maphash.Bytes(hash, it.Raw)
		inOrder = append(inOrder, sum)
		sums[sum] = true
	}
	i := 0
	for it := range b.Items() {
		if maphash.Bytes(hash, it.Raw) != inOrder[i] {
			t.Fatalf("item %d differs between two archives of one seed: %s", i, it.Raw)
		}
		i++
	}
	for it := range other.Items() {
		if sums[maphash.Bytes(hash, it.Raw)] {
			t.Fatalf("another seed has the same item: %s", it.Raw)
		}
	}
}

func TestItemsAreInOrderUniqueAndInsideTheirCollection(t *testing.T) {
	a := testArchive(t)
	collections := map[catalog.CollectionID]catalog.Collection{}
	for _, c := range a.Collections() {
		collections[c.ID] = c
	}
	count := map[catalog.CollectionID]int{}
	seen := map[catalog.Key]bool{}
	var last time.Time
	for it := range a.Items() {
		if it.Datetime.Before(last) {
			t.Fatalf("%s is older than the item before it", it.Key)
		}
		last = it.Datetime
		if seen[it.Key] {
			t.Fatalf("%s comes twice", it.Key)
		}
		seen[it.Key] = true
		count[it.Key.Collection]++
		c := collections[it.Key.Collection]
		e, b := c.Extent, it.BBox
		if b.West < e.West || b.South < e.South || b.East > e.East || b.North > e.North {
			t.Errorf("%s: bbox %v leaves the collection's extent %v", it.Key, b, e)
		}
		if !c.Time.Contains(it.Time) {
			t.Errorf("%s: %v leaves the collection's interval %v", it.Key, it.Time, c.Time)
		}
		env := it.Footprint.Envelope()
		lo, hi, _ := env.MinMaxXYs()
		if lo != (geom.XY{X: b.West, Y: b.South}) || hi != (geom.XY{X: b.East, Y: b.North}) {
			t.Errorf("%s: bbox %v is not that of the footprint", it.Key, b)
		}
		if it.CloudCover < 0 || it.CloudCover > 100 {
			t.Errorf("%s: cloud cover %v", it.Key, it.CloudCover)
		}
	}
	if count[SPOT] < 1500 || count[Sentinel2] < 15_000 || count[SuperSentinel2] < 500 {
		t.Errorf("the mix is %v", count)
	}
}

// TestDocumentsAreSTAC holds every 50th document against go-stac and against the rules of STAC 1.1.0 and of the
// extensions that it names. No schema can be fetched without a network.
func TestDocumentsAreSTAC(t *testing.T) {
	a := testArchive(t)
	i := 0
	for it := range a.Items() {
		if i++; i%50 != 1 && it.Key.Collection != SuperSentinel2 {
			continue
		}
		var doc stac.Item
		if err := json.Unmarshal(it.Raw, &doc); err != nil {
			t.Fatalf("%s: go-stac: %v\n%s", it.Key, err, it.Raw)
		}
		if doc.Version != "1.1.0" || doc.Id != string(it.Key.Item) || doc.Collection != string(it.Key.Collection) {
			t.Errorf("%s: identity: %s %s %s", it.Key, doc.Version, doc.Id, doc.Collection)
		}
		checkDocument(t, it)
	}
}

func checkDocument(t *testing.T, it catalog.Item) {
	t.Helper()
	var doc struct {
		Type       string
		Geometry   json.RawMessage
		BBox       []float64
		Extensions []string `json:"stac_extensions"`
		Properties map[string]any
		Links      []map[string]string
		Assets     map[string]map[string]any
	}
	if err := json.Unmarshal(it.Raw, &doc); err != nil {
		t.Fatalf("%s: %v", it.Key, err)
	}
	g, err := geom.UnmarshalGeoJSON(doc.Geometry)
	if err != nil {
		t.Fatalf("%s: geometry: %v", it.Key, err)
	}
	if !geom.ExactEquals(g, it.Footprint) {
		t.Errorf("%s: the projection's footprint is not the document's", it.Key)
	}
	if p, ok := g.AsPolygon(); !ok || p.ExteriorRing().IsEmpty() || !p.ForceCCW().IsCCW() || !p.IsCCW() {
		t.Errorf("%s: RFC 7946 wants exterior rings counter-clockwise", it.Key)
	}
	for _, name := range []string{"datetime", "created", "updated"} {
		if _, err := time.Parse(time.RFC3339Nano, doc.Properties[name].(string)); err != nil {
			t.Errorf("%s: %s: %v", it.Key, name, err)
		}
	}
	if doc.Type != "Feature" || doc.Properties["datetime"] != it.Datetime.Format("2006-01-02T15:04:05.000Z") ||
		doc.Properties["eo:cloud_cover"] != it.CloudCover || doc.Properties["gsd"] != it.GSD ||
		doc.Properties["title"] != it.Title || doc.Properties["platform"] != it.Platform {
		t.Errorf("%s: the projection is not the document's", it.Key)
	}
	if ok, _ := regexp.MatchString(`^EPSG:(2154|326[0-9]{2})$`, doc.Properties["proj:code"].(string)); !ok {
		t.Errorf("%s: proj:code %v", it.Key, doc.Properties["proj:code"])
	}
	rels := map[string]string{}
	for _, l := range doc.Links {
		rels[l["rel"]] = l["href"]
	}
	if rels["license"] == "" || rels["collection"] == "" {
		t.Errorf("%s: links %v", it.Key, rels)
	}
	checkPrefixes(t, it, doc.Extensions)
	box := doc.Properties["proj:bbox"].([]any)
	for _, p := range products(it.Key.Collection) {
		checkAsset(t, it.Key, p, doc.Assets[p.key], box)
	}
	if len(doc.Assets) != len(products(it.Key.Collection)) {
		t.Errorf("%s: %d assets", it.Key, len(doc.Assets))
	}
}

// checkPrefixes checks that the document names the extension of each prefixed field, and no other.
func checkPrefixes(t *testing.T, it catalog.Item, extensions []string) {
	t.Helper()
	names := map[string]string{"projection": "proj"}
	got, want := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`"([a-z]+):[a-z_]+":`).FindAllSubmatch(it.Raw, -1) {
		want[string(m[1])] = true
	}
	for _, e := range extensions {
		name := strings.Split(strings.TrimPrefix(e, "https://stac-extensions.github.io/"), "/")[0]
		if n, ok := names[name]; ok {
			name = n
		}
		got[name] = true
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: fields used (-) and extensions named (+): %s", it.Key, d)
	}
}

func checkAsset(t *testing.T, key catalog.Key, p product, asset map[string]any, box []any) {
	t.Helper()
	href, _ := asset["href"].(string)
	if !strings.HasPrefix(href, "http://127.0.0.1:8481/dinamis/"+key.String()+"/") {
		t.Errorf("%s: asset %s: href %q", key, p.key, href)
	}
	if asset["type"] == "" || asset["title"] == "" || len(asset["roles"].([]any)) == 0 {
		t.Errorf("%s: asset %s lacks type, title or roles", key, p.key)
	}
	if p.res == 0 {
		return
	}
	shape, tr := asset["proj:shape"].([]any), asset["proj:transform"].([]any)
	h, w := shape[0].(float64), shape[1].(float64)
	west, north := tr[2].(float64), tr[5].(float64)
	if west != box[0] || north != box[3] || west+w*p.res != box[2] || north-h*p.res != box[1] {
		t.Errorf("%s: asset %s: shape %v and transform %v don't fill %v", key, p.key, shape, tr, box)
	}
}

func TestCollectionsAreSTAC(t *testing.T) {
	a := testArchive(t)
	last := catalog.CollectionID("")
	for _, c := range a.Collections() {
		if c.ID <= last {
			t.Errorf("%s is not in the order of ids", c.ID)
		}
		last = c.ID
		var doc stac.Collection
		if err := json.Unmarshal(c.Raw, &doc); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		if doc.Version != "1.1.0" || doc.Id != string(c.ID) || doc.License != c.License || len(doc.Extent.Spatial.Bbox) == 0 {
			t.Errorf("%s: %+v", c.ID, doc)
		}
		if len(doc.Links) == 0 || doc.Links[0].Rel != "license" || doc.Links[0].Href != c.LicenseHref {
			t.Errorf("%s: no licence link", c.ID)
		}
		path := t.TempDir() + "/licence.txt"
		if err := a.Make(t.Context(), "dinamis", strings.TrimPrefix(c.LicenseHref, a.base), path); err != nil {
			t.Errorf("%s: licence: %v", c.ID, err)
		}
	}
}

func TestItemKeyOfFindsEveryAsset(t *testing.T) {
	a := testArchive(t)
	for i := 0; i < len(a.scenes); i += 97 {
		s := &a.scenes[i]
		for _, p := range products(s.collection) {
			key, asset, ok := a.ItemKeyOf(objectKey(s, p))
			if !ok || asset != p.key || string(key.Item) != s.id || key.Collection != s.collection {
				t.Fatalf("%s: %v %v %v", objectKey(s, p), key, asset, ok)
			}
		}
	}
}

func TestMakeOfSomethingElseDoesNotExist(t *testing.T) {
	a := testArchive(t)
	good := objectKey(&a.scenes[0], products(a.scenes[0].collection)[0])
	for _, k := range [][2]string{
		{"other", good},
		{"dinamis", ""},
		{"dinamis", good + "x"},
		{"dinamis", "../" + good},
		{"dinamis", "licences/x.txt"},
		{"dinamis", "licences/spot-6-7-drs"},
		{"dinamis", strings.Replace(good, string(a.scenes[0].collection), "x", 1)},
	} {
		if err := a.Make(t.Context(), k[0], k[1], t.TempDir()+"/x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", k, err)
		}
	}
}

func TestDescribeChangesNothingElse(t *testing.T) {
	a := testArchive(t)
	rapid.Check(t, func(t *rapid.T) {
		s := &a.scenes[rapid.IntRange(0, len(a.scenes)-1).Draw(t, "scene")]
		item := a.item(s)
		before := item.Raw
		p := rapid.SampledFrom(products(s.collection)).Draw(t, "product")
		sum := rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, "sum")
		size := rapid.Int64Range(0, math.MaxInt64).Draw(t, "size")
		// The second call replaces what the first wrote.
		item, err := a.Describe(item, p.key, 7, strings.Repeat("0", 64))
		if err != nil {
			t.Fatal(err)
		}
		if item, err = a.Describe(item, p.key, size, sum); err != nil {
			t.Fatal(err)
		}
		var was, is map[string]any
		for raw, doc := range map[*json.RawMessage]*map[string]any{&before: &was, &item.Raw: &is} {
			d := json.NewDecoder(bytes.NewReader(*raw))
			d.UseNumber()
			if err := d.Decode(doc); err != nil {
				t.Fatalf("%v\n%s", err, *raw)
			}
		}
		asset := is["assets"].(map[string]any)[p.key].(map[string]any)
		if n, _ := asset["file:size"].(json.Number).Int64(); n != size || asset["file:checksum"] != "1220"+sum {
			t.Fatalf("asset %v", asset)
		}
		delete(asset, "file:size")
		delete(asset, "file:checksum")
		if is["stac_extensions"].([]any)[0] != extFile {
			t.Fatalf("extensions %v", is["stac_extensions"])
		}
		is["stac_extensions"] = is["stac_extensions"].([]any)[1:]
		if d := cmp.Diff(was, is); d != "" {
			t.Fatal(d)
		}
	})
	item := a.item(&a.scenes[0])
	if _, err := a.Describe(item, "nothing", 1, strings.Repeat("0", 64)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown asset: %v", err)
	}
	if _, err := a.Describe(item, "thumbnail", 1, "xyz"); err == nil {
		t.Error("a bad digest was accepted")
	}
}
