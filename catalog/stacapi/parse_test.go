package stacapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A service behind a proxy names itself with http; a client that came by https stays with it.
func TestLinksStayOnHTTPS(t *testing.T) {
	base := mustURL(t, "https://stac.example/api")
	for href, want := range map[string]string{
		"http://stac.example/api/search":    "https://stac.example/api/search",
		"http://stac.example:80/api/search": "https://stac.example/api/search",
		"http://other.example/search":       "http://other.example/search",
		"search#x":                          "https://stac.example/search",
	} {
		got, err := resolve(base, base, href)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", href, got, err)
		}
	}
}

func FuzzLanding(f *testing.F) {
	for _, s := range []string{
		`{"links":[{"rel":"search","href":"/search","method":"POST"},{"rel":"data","href":"c"}],"conformsTo":["a#sort"]}`,
		`{"links":[{"rel":"search","href":"https://x:99999/%zz"}]}`, `{"links":{}}`, `[]`, `{"links":[null,1,"x"],"conformsTo":null}`,
	} {
		f.Add([]byte(s))
	}
	base := mustURL(f, "https://stac.example/stac")
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseLanding(base, base, body)
		if err == nil && (s.search == nil || s.search.Host == "" || s.collections == nil) {
			t.Fatalf("%s gives %+v", body, s)
		}
	})
}

func FuzzPage(f *testing.F) {
	for _, s := range []string{
		`{"features":[{"type":"Feature","id":"a"}],"links":[{"rel":"next","href":"/s","method":"POST","body":{"token":"x"},"merge":true},{"rel":"prev","href":"?p=1"}],"numberMatched":5}`,
		`{"features":[{"type":"Feature","id":"a"}],"links":[{"rel":"next","href":"/s","method":"POST","body":[]}],"context":{"matched":1e3}}`,
		`{"features":[],"links":[{"rel":"next"}]}`, `{"features":5}`, `{`, ``,
	} {
		f.Add([]byte(s), "token")
	}
	base := mustURL(f, "https://stac.example/stac")
	c, err := New(Config{URL: base.String()})
	if err != nil {
		f.Fatal(err)
	}
	svc := &service{search: mustURL(f, "https://stac.example/stac/search"), post: true, collections: mustURL(f, "https://stac.example/stac/collections")}
	f.Fuzz(func(t *testing.T, body []byte, cursor string) {
		sent := func() *exchange {
			return &exchange{method: http.MethodPost, url: svc.search, body: map[string]json.RawMessage{"limit": json.RawMessage("10")}}
		}
		_, _ = decodeCursor(catalog.Cursor(cursor)) // must not panic
		p, err := c.page(svc, catalog.Query{CountUpTo: 5}, sent(), &response{body: body, header: http.Header{}, url: svc.search}, catalog.Origin{}.AsOf)
		if err != nil {
			return
		}
		for _, cur := range []catalog.Cursor{p.Next, p.Prev} {
			if cur == "" {
				continue
			}
			pos, err := decodeCursor(cur)
			if err != nil {
				t.Fatalf("%s gives cursor %s: %v", body, cur, err)
			}
			next, err := c.follow(svc, sent(), pos)
			if err != nil || !c.trusts(svc, next.url) {
				t.Fatalf("%s leads to %+v, %v", body, next, err)
			}
		}
	})
}
