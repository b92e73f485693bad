//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui"
)

// TestScreenshots takes the pictures of the README and the guide, on the sample archive, in the window as it is.
func TestScreenshots(t *testing.T) {
	back := startBackend(t, t.TempDir())
	for _, v := range []struct{ name, theme, language string }{
		{"search", "light", "en"}, {"search-dark-fr", "dark", "fr"},
	} {
		t.Run(v.name, func(t *testing.T) {
			home := t.TempDir()
			back.settings(t, home, t.TempDir(), map[string]any{"theme": v.theme, "language": v.language})
			s := newScreen(t, 1440, 900)
			a := startApp(t, s, home)
			a.until("the collections", 30*time.Second, func(i ui.Inspection) bool { return i.Collections == 3 })
			logIn(t, a)
			searchMontpellier(t, a)
			a.press("download")
			a.press("download.start")
			a.until("a transfer", 30*time.Second, func(i ui.Inspection) bool { return len(i.Transfers) > 0 })
			time.Sleep(time.Second)
			s.move(a.window, 720, 880)
			publish(t, s.picture(v.name), v.name)
		})
	}
}

// publish copies a picture to docs/images.
func publish(t *testing.T, path, name string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root(t), "docs", "images")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
