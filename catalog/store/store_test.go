package store

import (
	"path/filepath"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
)

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) (catalog.Source, catalog.Writer) {
		s := open(t, filepath.Join(t.TempDir(), "catalogue.db"), Options{})
		return s, s
	})
}
