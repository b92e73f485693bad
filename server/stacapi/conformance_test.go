package stacapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
	client "forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/stacapi"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

// overHTTP puts this server and its client in front of a catalogue.
func overHTTP(t testing.TB, src catalog.Source, transport http.RoundTripper) catalog.Source {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	api, err := stacapi.New(stacapi.Config{Source: src, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(api)
	t.Cleanup(srv.Close)
	if transport == nil {
		transport = srv.Client().Transport
	}
	c, err := client.New(client.Config{URL: srv.URL + "/stac", HTTPClient: &http.Client{Transport: transport}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The same query gives the same items in the same order through the API as without it.
func TestMemoryBehindAPI(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) (catalog.Source, catalog.Writer) {
		m := catalogtest.NewMemory()
		return overHTTP(t, m, nil), m
	}, catalogtest.Rewrites(), catalogtest.Items(60))
}

func TestSQLiteBehindAPI(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) (catalog.Source, catalog.Writer) {
		s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "catalogue.db"), store.Options{Authoritative: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return overHTTP(t, s, nil), s
	}, catalogtest.Rewrites(), catalogtest.Items(60))
}
