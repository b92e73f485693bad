package stacapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/stacapi"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a service that says what a test wants.
type peer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
	conforms []string
	noPost   bool
	search   http.HandlerFunc
	other    http.HandlerFunc // everything but the landing page and search
	landing  http.HandlerFunc // nil for a good one
}

type seen struct {
	Method, Path, Query, Body, Auth, Prefer string
}

const allClasses = "https://api.stacspec.org/v1.0.0/item-search#sort https://api.stacspec.org/v1.0.0/item-search#filter http://www.opengis.net/spec/cql2/1.0/conf/cql2-json"

func newPeer(t *testing.T, p *peer) *peer {
	t.Helper()
	if p.conforms == nil {
		p.conforms = strings.Fields(allClasses)
	}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a body that breaks off is the client's defect, which the comparison shows
	p.mu.Lock()
	p.requests = append(p.requests, seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header.Get("Authorization"), r.Header.Get("Prefer")})
	p.mu.Unlock()
	switch {
	case r.URL.Path == "/" && p.landing != nil:
		p.landing(w, r)
	case r.URL.Path == "/":
		links := []map[string]any{{"rel": "data", "href": "/collections"}, {"rel": "search", "href": p.URL + "/search", "method": "GET"}}
		if !p.noPost {
			links = append(links, map[string]any{"rel": "search", "href": p.URL + "/search", "method": "POST"})
		}
		writeJSON(w, map[string]any{"type": "Catalog", "links": links, "conformsTo": p.conforms})
	case r.URL.Path == "/search" && p.search != nil:
		p.search(w, r)
	case p.other != nil:
		p.other(w, r)
	default:
		writeJSON(w, page())
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(raw)
}

func page(ids ...string) map[string]any {
	features := []any{}
	for _, id := range ids {
		features = append(features, map[string]any{
			"type": "Feature", "stac_version": "1.0.0", "id": id, "collection": "c", "geometry": nil, "properties": map[string]any{"datetime": "2024-01-01T00:00:00Z"},
			"links": []any{}, "assets": map[string]any{},
		})
	}
	return map[string]any{"type": "FeatureCollection", "features": features, "links": []any{}}
}

func withLinks(p map[string]any, links ...map[string]any) map[string]any {
	p["links"] = links
	return p
}

// last returns the requests since the landing page.
func (p *peer) last() []seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []seen
	for _, r := range p.requests {
		if r.Path != "/" {
			out = append(out, r)
		}
	}
	return out
}

func (p *peer) client(t *testing.T, change ...func(*stacapi.Config)) *stacapi.Client {
	t.Helper()
	cfg := stacapi.Config{
		URL: p.URL, HTTPClient: p.Client(), Logger: slog.New(slog.DiscardHandler),
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := stacapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ids(p catalog.Page) string {
	var out []string
	for _, it := range p.Items {
		out = append(out, string(it.Key.Item))
	}
	return strings.Join(out, " ")
}

func wantKind(t *testing.T, what string, err error, kind catalog.Kind, text string) {
	t.Helper()
	var ce *catalog.Error
	if !errors.As(err, &ce) || ce.Kind != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want %s with %q", what, err, kind, text)
	}
}

func fullQuery(t *testing.T) catalog.Query {
	t.Helper()
	e, err := cql2.ParseText(`eo:cloud_cover < 10 AND platform LIKE 'SPOT%'`)
	if err != nil {
		t.Fatal(err)
	}
	return catalog.Query{
		Collections: []catalog.CollectionID{"c", "d"}, IDs: []catalog.ItemID{"a/b"}, Limit: 7, Filter: e,
		Area: geo.BBox{West: 170, South: -1.5, East: -170, North: 2}.Geometry(),
		Time: catalog.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
		Sort: []catalog.SortKey{{Field: "eo:cloud_cover", Desc: true}}, CountUpTo: 50,
	}
}

func TestWhatIsAskedByPOST(t *testing.T) {
	p := newPeer(t, &peer{})
	if _, err := p.client(t).Search(t.Context(), fullQuery(t)); err != nil {
		t.Fatal(err)
	}
	got := p.last()[0]
	want := `{"bbox":[170,-1.5,-170,2],"collections":["c","d"],"datetime":"2020-01-01T00:00:00Z/..",` +
		`"filter":{"op":"and","args":[{"op":"<","args":[{"property":"eo:cloud_cover"},10]},{"op":"like","args":[{"property":"platform"},"SPOT%"]}]},` +
		`"filter-lang":"cql2-json","ids":["a/b"],"limit":7,"sortby":[{"field":"eo:cloud_cover","direction":"desc"},{"field":"id","direction":"asc"}]}`
	if d := cmp.Diff(strings.ReplaceAll(want, "<", `\u003c`), got.Body); d != "" || got.Method != "POST" || got.Prefer != "count=50" {
		t.Errorf("%s %s", got.Method, d)
	}
}

func TestWhatIsAskedByGET(t *testing.T) {
	p := newPeer(t, &peer{noPost: true})
	if _, err := p.client(t).Search(t.Context(), fullQuery(t)); err != nil {
		t.Fatal(err)
	}
	got := p.last()[0]
	want := "bbox=170%2C-1.5%2C-170%2C2&collections=c%2Cd&datetime=2020-01-01T00%3A00%3A00Z%2F..&" +
		"filter=eo%3Acloud_cover+%3C+10+AND+platform+LIKE+%27SPOT%25%27&filter-lang=cql2-text&ids=a%2Fb&limit=7&sortby=-eo%3Acloud_cover%2C%2Bid"
	if d := cmp.Diff(want, got.Query); d != "" || got.Method != "GET" {
		t.Errorf("%s %s", got.Method, d)
	}
	_, err := p.client(t).Search(t.Context(), catalog.Query{IDs: []catalog.ItemID{"a,b"}})
	wantKind(t, "an id with a comma", err, catalog.KindInvalid, "comma")
}

func TestServicesThatCanLess(t *testing.T) {
	parse := func(s string) cql2.Expr {
		e, err := cql2.ParseText(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	p := newPeer(t, &peer{conforms: []string{"https://api.stacspec.org/v1.0.0/item-search#query", "https://api.stacspec.org/v1.0.0-rc.1/item-search#free-text"}})
	c := p.client(t)
	for filter, want := range map[string]string{
		`eo:cloud_cover < 10 AND platform = 'x'`:                              `{"eo:cloud_cover":{"lt":10},"platform":{"eq":"x"}}`,
		`10 >= gsd AND flag <> TRUE`:                                          `{"flag":{"neq":true},"gsd":{"lte":10}}`,
		`gsd BETWEEN 1 AND 2 AND created > TIMESTAMP('2020-01-01T00:00:00Z')`: `{"created":{"gt":"2020-01-01T00:00:00Z"},"gsd":{"gte":1,"lte":2}}`,
		`platform IN ('a', 'b') AND title LIKE 'x%'`:                          `{"platform":{"in":["a","b"]},"title":{"startsWith":"x"}}`,
		`a LIKE '%x' AND b LIKE '%x%' AND c LIKE 'x'`:                         `{"a":{"endsWith":"x"},"b":{"contains":"x"},"c":{"eq":"x"}}`,
	} {
		if _, err := c.Search(t.Context(), catalog.Query{Filter: parse(filter)}); err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		reqs := p.last()
		var body map[string]json.RawMessage
		if err := json.Unmarshal([]byte(reqs[len(reqs)-1].Body), &body); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(body["query"])); d != "" || body["sortby"] != nil {
			t.Errorf("%s: %s", filter, d)
		}
	}
	for _, filter := range []string{`a = 1 OR b = 2`, `a IS NULL`, `a LIKE 'x_%'`, `a = b`, `gsd < 5 AND gsd < 6`, `d = DATE('2020-01-01')`, `NOT a = 1`} {
		_, err := c.Search(t.Context(), catalog.Query{Filter: parse(filter)})
		wantKind(t, filter, err, catalog.KindInvalid, "filter: ")
	}
	_, err := c.Search(t.Context(), catalog.Query{Sort: []catalog.SortKey{{Field: "gsd"}}})
	wantKind(t, "sort", err, catalog.KindInvalid, "cannot sort")
	if _, err := c.Search(t.Context(), catalog.Query{Text: "forest"}); err != nil {
		t.Error(err)
	}
	_, err = c.Search(t.Context(), catalog.Query{Text: "two words"})
	wantKind(t, "two words", err, catalog.KindInvalid, "text: ")

	c = newPeer(t, &peer{conforms: []string{}}).client(t)
	_, err = c.Search(t.Context(), catalog.Query{Filter: parse(`eo:cloud_cover < 10`)})
	wantKind(t, "no filter at all", err, catalog.KindInvalid, "cannot filter by eo:cloud_cover")
	_, err = c.Search(t.Context(), catalog.Query{Text: "x"})
	wantKind(t, "no free text", err, catalog.KindInvalid, "no free-text search")
}

// Next links of every style lead to the next page.
func TestNextLinks(t *testing.T) {
	for name, next := range map[string]func(base string) map[string]any{
		"GET":          func(b string) map[string]any { return map[string]any{"href": b + "/search?limit=2&token=next:c:i2"} },
		"relative GET": func(string) map[string]any { return map[string]any{"href": "?token=next:c:i2", "method": "get"} },
		"POST whole": func(b string) map[string]any {
			return map[string]any{"href": b + "/search", "method": "POST", "body": map[string]any{"limit": 2, "token": "next:c:i2", "sortby": []any{}}}
		},
		"POST merge": func(b string) map[string]any {
			return map[string]any{"href": b + "/search", "method": "POST", "merge": true, "body": map[string]any{"token": "next:c:i2"}}
		},
		"POST incomplete": func(b string) map[string]any {
			return map[string]any{"href": b + "/search", "method": "POST", "body": map[string]any{"token": "next:c:i2"}}
		},
		"POST elsewhere": func(b string) map[string]any {
			return map[string]any{"href": b + "/search/page2", "method": "POST", "merge": true, "body": map[string]any{"token": "next:c:i2"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &peer{}
			answer := func(w http.ResponseWriter, r *http.Request) {
				p.mu.Lock()
				req := p.requests[len(p.requests)-1]
				p.mu.Unlock()
				if strings.Contains(req.Query+req.Body, "next:c:i2") {
					writeJSON(w, withLinks(page("i3"), map[string]any{"rel": "previous", "href": p.URL + "/search?token=prev:c:i3"}))
					return
				}
				l := next(p.URL)
				l["rel"] = "next"
				writeJSON(w, withLinks(page("i1", "i2"), l))
			}
			p.search, p.other = answer, answer
			newPeer(t, p)
			c := p.client(t)
			q := catalog.Query{Limit: 2}
			first, err := c.Search(t.Context(), q)
			if err != nil || ids(first) != "i1 i2" || first.Next == "" || first.Prev != "" {
				t.Fatalf("%s, %v", ids(first), err)
			}
			q.Cursor = first.Next
			second, err := c.Search(t.Context(), q)
			if err != nil || ids(second) != "i3" || second.Next != "" || second.Prev == "" {
				t.Fatalf("%s, %v", ids(second), err)
			}
			if got := p.last()[1]; name == "POST merge" && !strings.Contains(got.Body, `"limit":2`) {
				t.Errorf("the merged body lost its limit: %s", got.Body)
			}
			if got := p.last()[1]; name == "POST incomplete" && strings.Contains(got.Body, "limit") {
				t.Errorf("a body that is not to be merged was: %s", got.Body)
			}
		})
	}
}

func TestNextLinksToOtherHostsAreRefused(t *testing.T) {
	p := &peer{}
	p.search = func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, withLinks(page("i1"), map[string]any{"rel": "next", "href": "https://evil.test/search?token=1"}))
	}
	_, err := newPeer(t, p).client(t).Search(t.Context(), catalog.Query{})
	wantKind(t, "next at another host", err, catalog.KindProtocol, "evil.test")
	// base64 of {"h":"https://evil.test/"}
	_, err = newPeer(t, &peer{}).client(t).Search(t.Context(), catalog.Query{Cursor: "eyJoIjoiaHR0cHM6Ly9ldmlsLnRlc3QvIn0"})
	wantKind(t, "cursor to another host", err, catalog.KindInvalid, "cursor")
}

func TestPagesThatNeverEnd(t *testing.T) {
	p := &peer{}
	p.search = func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, withLinks(page(), map[string]any{"rel": "next", "href": "/search?token=again"}))
	}
	got, err := newPeer(t, p).client(t).Search(t.Context(), catalog.Query{})
	if err != nil || got.Next != "" {
		t.Errorf("an empty page leads on: %q, %v", got.Next, err)
	}
}

func TestCounts(t *testing.T) {
	for body, want := range map[string]catalog.Count{
		`"numberMatched":12`:             {N: 12, Kind: catalog.CountExact},
		`"context":{"matched":3}`:        {N: 3, Kind: catalog.CountExact},
		`"numberMatched":"many"`:         {},
		`"numberMatched":null`:           {},
		`"context":[],"numberMatched":1`: {N: 1, Kind: catalog.CountExact},
	} {
		p := newPeer(t, &peer{search: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"type":"FeatureCollection","features":[],%s}`, body)
		}})
		got, err := p.client(t).Search(t.Context(), catalog.Query{CountUpTo: 100})
		if err != nil || got.Matched != want {
			t.Errorf("%s: %+v, %v", body, got.Matched, err)
		}
		if got.Origin.Kind != catalog.OriginRemote || !got.Origin.Complete || got.Origin.AsOf.IsZero() {
			t.Errorf("origin %+v", got.Origin)
		}
	}
}

func TestItem(t *testing.T) {
	p := newPeer(t, &peer{other: func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/collections/c/items/a%2Fb%20%C3%A9%3F":
			io.WriteString(w, ` {"type":"Feature","id":"a/b é?", "geometry":null,"properties":{},"x": 1.00} `)
		case "/collections/c/items/other":
			io.WriteString(w, `{"type":"Feature","id":"another","collection":"c","geometry":null,"properties":{}}`)
		default:
			w.WriteHeader(404)
			writeJSON(w, map[string]any{"code": "NotFound", "description": "no such\nitem"})
		}
	}})
	c := p.client(t)
	it, err := c.Item(t.Context(), catalog.Key{Collection: "c", Item: "a/b é?"})
	if err != nil || string(it.Raw) != `{"type":"Feature","id":"a/b é?", "geometry":null,"properties":{},"x": 1.00}` || it.Key.Collection != "c" {
		t.Errorf("%+v %s, %v", it.Key, it.Raw, err)
	}
	_, err = c.Item(t.Context(), catalog.Key{Collection: "c", Item: "other"})
	wantKind(t, "another item", err, catalog.KindProtocol, "c/another")
	_, err = c.Item(t.Context(), catalog.Key{Collection: "c", Item: "none"})
	wantKind(t, "no item", err, catalog.KindNotFound, "no such item")
	_, err = c.Item(t.Context(), catalog.Key{Item: "none"})
	wantKind(t, "half a key", err, catalog.KindInvalid, "collection")
}

func TestCollections(t *testing.T) {
	p := &peer{}
	p.other = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" {
			io.WriteString(w, `{"collections":[{"type":"Collection","id":"b","x":1.0},{"no":"id"}],"links":[{"rel":"next","href":"/collections?offset=1"}]}`)
			return
		}
		io.WriteString(w, `{"collections":[{"type":"Collection","id":"a"}],"links":[{"rel":"next","href":"/collections?offset=2"},5]}`)
	}
	cs, err := newPeer(t, p).client(t).Collections(t.Context())
	if err != nil || len(cs) != 2 || cs[0].ID != "a" || string(cs[1].Raw) != `{"type":"Collection","id":"b","x":1.0}` {
		t.Errorf("%v, %v", cs, err)
	}
	p.other = func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"collections":[{"type":"Collection","id":"b"}],"links":[{"rel":"next","href":"https://evil.test/"}]}`)
	}
	_, err = p.client(t).Collections(t.Context())
	wantKind(t, "next at another host", err, catalog.KindProtocol, "evil.test")
}

func TestWrongAddresses(t *testing.T) {
	for _, u := range []string{"", "stac.example", "file:///etc/passwd", "https://"} {
		_, err := stacapi.New(stacapi.Config{URL: u})
		wantKind(t, u, err, catalog.KindInvalid, "https://")
	}
}
