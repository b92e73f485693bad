package workstation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func someDefaults() Settings {
	return Settings{Connections: []Connection{Theia()}, Current: "theia", DownloadDir: "/downloads", Parallel: 4}
}

func TestUnreadableSettingsAreSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	const text = `{"connections": [`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openSettings(path, someDefaults())
	if err == nil || !strings.Contains(err.Error(), path+".unreadable") {
		t.Fatalf("error = %v, want one that names the kept file", err)
	}
	if got := f.get(); got.Current != "theia" || got.Parallel != 4 {
		t.Errorf("settings = %+v, want the defaults", got)
	}
	if err := f.update(func(s *Settings) { s.Language = "fr" }); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(path + ".unreadable"); err != nil || string(kept) != text {
		t.Errorf("kept file = %q, %v", kept, err)
	}
}

func TestInvalidConnectionInTheFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	const text = `{"connections":[{"id":"lab","name":"Lab","stac":"http://lab.example.org"}],"current":"lab"}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openSettings(path, someDefaults())
	if err == nil || !strings.Contains(err.Error(), `"lab"`) || !strings.Contains(err.Error(), "STAC API") {
		t.Fatalf("error = %v, want one that names connection and field", err)
	}
	if err := f.update(func(s *Settings) { s.Theme = "dark" }); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(path + ".unreadable")
	if err != nil || string(kept) != text {
		t.Errorf("the person's file is lost: %q, %v", kept, err)
	}
}

func TestUpdateIsWrittenAndMerged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "settings.json")
	f, err := openSettings(path, someDefaults())
	if err != nil {
		t.Fatal(err)
	}
	lab := Connection{ID: "lab", Name: "Lab", STAC: "https://lab.example.org/stac"}
	if err := f.update(func(s *Settings) { s.Connections, s.Current, s.Parallel = []Connection{lab}, "lab", 0 }); err != nil {
		t.Fatal(err)
	}
	again, err := openSettings(path, someDefaults())
	if err != nil {
		t.Fatal(err)
	}
	got := again.get()
	if len(got.Connections) != 2 || got.Current != "lab" || got.Parallel != 4 || got.DownloadDir != "/downloads" {
		t.Errorf("settings = %+v, want lab, theia added, and the defaults where nothing is said", got)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v (%v), want the settings alone", entries, err)
	}
}

func TestInvalidUpdateChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.json")
	f, err := openSettings(path, someDefaults())
	if err != nil {
		t.Fatal(err)
	}
	err = f.update(func(s *Settings) { s.Connections[0].STAC = "ftp://x.example.org" })
	if err == nil || !strings.Contains(err.Error(), `"theia"`) {
		t.Fatalf("error = %v, want one that names the connection", err)
	}
	if got := f.get().Connections[0].STAC; got != Theia().STAC {
		t.Errorf("STAC = %s after a refused change", got)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a refused change wrote the file: %v", err)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		change     func(*Connection)
	}{
		{"id", "id", func(c *Connection) { c.ID = "Über" }},
		{"name", "name", func(c *Connection) { c.Name = " " }},
		{"no stac", "STAC API", func(c *Connection) { c.STAC = "" }},
		{"password", "log in instead", func(c *Connection) { c.STAC = "https://a:b@x.example.org" }},
		{"http", "https://", func(c *Connection) { c.Signing = "http://x.example.org" }},
		{"loopback lookalike", "https://", func(c *Connection) { c.Issuer = "http://127.evil.example.org" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Theia()
			tc.change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want %q in it", err, tc.want)
			}
		})
	}
	local := Connection{ID: "demo", Name: "Demo", STAC: "http://127.0.0.1:8480/stac"}
	if err := local.Validate(); err != nil {
		t.Errorf("a loopback address is refused: %v", err)
	}
}
