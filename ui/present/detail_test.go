package present_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present/presenttest"
)

var errReadOnly = errors.New("read-only file system")

func newDetail(t *testing.T, c *presenttest.Catalog) (*present.Detail, *presenttest.Pump) {
	pump := presenttest.NewPump()
	d := present.NewDetail(pump.Do, printer(t, present.English), func(catalog.CollectionID) (string, string) { return "Proprietary", "https://example.org/c" })
	d.SetSource(c)
	return d, pump
}

func fields(fs []present.Field) []string {
	var out []string
	for _, f := range fs {
		out = append(out, strings.ReplaceAll(f.Label+": "+f.Value, "\u00a0", " "))
	}
	return out
}

func TestDetailInWords(t *testing.T) {
	d, pump := newDetail(t, &presenttest.Catalog{})
	d.Show(presenttest.Item(3))
	if d.State().Phase != present.PhaseLoading || d.State().Title != "SPOT6_0003" {
		t.Errorf("%+v", d.State())
	}
	pump.Until(t, "the document", func() bool { return d.State().Phase == present.PhaseReady })
	st := d.State()
	if diff := cmp.Diff([]string{
		"Acquired: 4 Jul 2022", "Cloud cover: 3%", "Satellite: SPOT-6", "Resolution: 1.5 m", "Projection: EPSG:2154",
	}, fields(st.Facts)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"Time: 4 Jul 2022, 10:02:03 UTC", "Collection: spot-6-7-drs", "Sun elevation: 58.2°", "Size in pixels: 38,670 × 40,012",
		"Bounds: 43°N 1°E – 43.5°N 1.7°E", "Footprint: 3,152 km²", "Identifier: SPOT6_0003",
	}, fields(st.Fields)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"custom:note: kept"}, fields(st.More)); diff != "" {
		t.Error(diff)
	}
	if st.License != "DINAMIS charter" || st.LicenseHref != "https://example.org/licence" {
		t.Errorf("licence %q %q", st.License, st.LicenseHref)
	}
	if len(st.Bands) != 2 || st.Bands[1].Common != "near infrared" || strings.ReplaceAll(st.Bands[1].Wavelength, "\u00a0", " ") != "825 nm" {
		t.Errorf("%+v", st.Bands)
	}
	if !strings.Contains(st.Raw, "\n  \"assets\": {\n") {
		t.Error("the document is not indented")
	}
}

func TestDetailAssets(t *testing.T) {
	d, pump := newDetail(t, &presenttest.Catalog{})
	d.Show(presenttest.Item(3))
	pump.Until(t, "the document", func() bool { return d.State().Phase == present.PhaseReady })
	if diff := cmp.Diff([]string{"src_xs", "src_pan"}, d.ChosenKeys()); diff != "" {
		t.Error(diff)
	}
	if got := strings.ReplaceAll(d.State().CheckedSize, "\u00a0", " "); got != "3.9 GB" {
		t.Errorf("size %q", got)
	}
	a := d.State().Assets[0]
	if a.Type != "Cloud-optimised GeoTIFF" || !a.Checksum || strings.ReplaceAll(a.Note, "\u00a0", " ") != "6 m" {
		t.Errorf("%+v", a)
	}
	// What is chosen here is chosen for the next image of the collection too.
	d.Check("src_pan", false)
	d.Show(presenttest.Item(4))
	pump.Until(t, "the next", func() bool { return d.State().Phase == present.PhaseReady && d.State().Key.Item == "SPOT6_0004" })
	if diff := cmp.Diff([]string{"src_xs"}, d.ChosenKeys()); diff != "" {
		t.Error(diff)
	}
	d.Hide()
	if d.State().Phase != present.PhaseIdle {
		t.Error("the detail stays")
	}
}

// An item that the list holds without its document is read from the catalogue; one that is gone says so, and can be tried again.
func TestDetailFetches(t *testing.T) {
	whole := presenttest.Item(5)
	bare := whole
	bare.Raw = nil
	c := &presenttest.Catalog{}
	d, pump := newDetail(t, c)
	d.Show(bare)
	pump.Until(t, "a failure", func() bool { return d.State().Phase == present.PhaseFailed })
	if d.State().Problem.Text != "It is not in the catalogue any more." {
		t.Errorf("%+v", d.State().Problem)
	}
	c.All = []catalog.Item{whole}
	d.Again()
	pump.Until(t, "the document", func() bool { return d.State().Phase == present.PhaseReady })
}

func TestDetailOfOddDocuments(t *testing.T) {
	for name, raw := range map[string]string{
		"no assets, null geometry": `{"type":"Feature","stac_version":"1.1.0","id":"x","collection":"c","geometry":null,"properties":{"datetime":null},"links":[],"assets":{}}`,
		"what go-stac refuses":     `{"type":"Feature","stac_version":"1.1.0","id":"x","collection":"c","stac_extensions":7,"geometry":null,"properties":{"datetime":"2020-01-01T00:00:00Z","gsd":"ten"},"links":3,"assets":{"a":{"href":"https://x.org/a"}}}`,
	} {
		it, err := catalog.ParseItem([]byte(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d, pump := newDetail(t, &presenttest.Catalog{})
		d.Show(it)
		pump.Until(t, name, func() bool { return d.State().Phase == present.PhaseReady })
		if d.State().License != "Proprietary" || d.State().LicenseHref == "" {
			t.Errorf("%s: the licence of the collection is not shown", name)
		}
	}
}
