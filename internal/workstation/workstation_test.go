package workstation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// A damaged catalogue is set aside and told, the connection opens all the same, and no network is needed for it.
func TestDamagedCatalogueIsSetAside(t *testing.T) {
	// No keychain: its library keeps a connection to the bus for ever.
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "no-bus"))
	paths, err := DefaultPaths(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := paths.Catalogue("theia")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no catalogue ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Open(t.Context(), Options{Paths: paths, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	link, err := w.Link(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	warnings := w.Warnings()
	if len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "damaged") {
		t.Errorf("warnings: %v", warnings)
	}
	kept, err := filepath.Glob(file + ".damaged-*")
	if err != nil || len(kept) != 1 {
		t.Errorf("the damaged file is kept as %v (%v)", kept, err)
	}
	page, err := link.Catalog.Search(t.Context(), catalog.Query{})
	if err != nil || page.Origin.Kind != catalog.OriginLocal || page.Origin.Complete {
		t.Errorf("an empty catalogue answers %+v, %v", page.Origin, err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRequestsChooseAssets(t *testing.T) {
	it, err := catalog.ParseItem([]byte(`{"type":"Feature","id":"i","collection":"c","geometry":null,"properties":{"datetime":"2022-01-01T00:00:00Z"},"assets":{
		"xs":{"href":"https://h/xs.tif","roles":["data"],"file:size":7},"pan":{"href":"https://h/pan.tif","roles":["data"]},"thumbnail":{"href":"https://h/t.png","roles":["thumbnail"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		keys []string
		want string
	}{{nil, "xs pan"}, {[]string{"thumbnail"}, "thumbnail"}, {[]string{"xs", "nonsense"}, "xs"}, {[]string{"nonsense"}, ""}} {
		reqs, err := Requests("lab", it, c.keys, "/d")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range reqs {
			got = append(got, r.Asset)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: %v, want %s", c.keys, got, c.want)
		}
	}
}
