package stacapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

// writable serves an empty catalogue that takes writes with "Authorization: Bearer alice", to collections that begin with "a".
func writable(t *testing.T) *world {
	t.Helper()
	m := catalogtest.NewMemory()
	return serve(t, m, stacapi.Config{Writer: m, Authorize: func(r *http.Request, c catalog.CollectionID) error {
		switch {
		case r.Header.Get("Authorization") != "Bearer alice":
			return &catalog.Error{Op: "write", Kind: catalog.KindUnauthorized, Key: string(c)}
		case !strings.HasPrefix(string(c), "a"):
			return &catalog.Error{Op: "write", Kind: catalog.KindForbidden, Key: string(c)}
		}
		return nil
	}})
}

const (
	aCollection = `{"type":"Collection","stac_version":"1.1.0","id":"a","description":"d","license":"other","extent":{"spatial":{"bbox":[[-180,-90,180,90]]},"temporal":{"interval":[[null,null]]}},"links":[]}`
	anItem      = `{"type":"Feature","stac_version":"1.1.0","id":"i","geometry":null,"properties":{"datetime":"2020-01-01T00:00:00.120Z","x": 1.00,"y":{"z":1,"w":2}},"assets":{}}`
)

func (w *world) write(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	return w.do(t, method, path, body, append([]string{"Authorization", "Bearer alice"}, headers...)...)
}

func wantStatus(t *testing.T, what string, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s: %d %s, want %d", what, a.StatusCode, a.raw, status)
	}
	if status == http.StatusNoContent && (a.Header.Get("Content-Type") != "" || len(a.raw) != 0) {
		t.Errorf("%s: no content of type %q", what, a.Header.Get("Content-Type"))
	}
}

func TestTransactions(t *testing.T) {
	w := writable(t)
	wantStatus(t, "an item before its collection", w.write(t, "POST", "/collections/a/items", anItem), 404)
	a := w.write(t, "POST", "/collections", aCollection)
	wantStatus(t, "new collection", a, 201)
	if a.Header.Get("Location") != w.base+"/collections/a" || a.href("self") != w.base+"/collections/a" {
		t.Errorf("Location %s", a.Header.Get("Location"))
	}
	wantStatus(t, "the collection again", w.write(t, "POST", "/collections", aCollection), 409)
	wantStatus(t, "changed collection", w.write(t, "PUT", "/collections/a", strings.Replace(aCollection, `"d"`, `"other words"`, 1)), 204)
	if got := w.get(t, "/collections/a").json["description"]; got != "other words" {
		t.Errorf("description %v", got)
	}

	a = w.write(t, "POST", "/collections/a/items", anItem)
	wantStatus(t, "new item", a, 201)
	if a.Header.Get("Content-Type") != "application/geo+json" || a.json["collection"] != "a" || a.href("self") != w.base+"/collections/a/items/i" {
		t.Errorf("%s: %s", a.Header.Get("Content-Type"), a.raw)
	}
	if !strings.Contains(string(a.raw), `"datetime":"2020-01-01T00:00:00.120Z","x": 1.00`) {
		t.Errorf("the item is not what was sent: %s", a.raw)
	}
	wantStatus(t, "the item again", w.write(t, "POST", "/collections/a/items", anItem), 409)
	wantStatus(t, "several", w.write(t, "POST", "/collections/a/items", `{"type":"FeatureCollection","features":[`+strings.Replace(anItem, `"i"`, `"j"`, 1)+`,`+strings.Replace(anItem, `"i"`, `"k"`, 1)+`]}`), 201)
	wantStatus(t, "several, one of them there", w.write(t, "POST", "/collections/a/items", `{"type":"FeatureCollection","features":[`+strings.Replace(anItem, `"i"`, `"new"`, 1)+`,`+anItem+`]}`), 409)
	wantStatus(t, "none of them was stored", w.get(t, "/collections/a/items/new"), 404)

	wantStatus(t, "replaced item", w.write(t, "PUT", "/collections/a/items/i", strings.Replace(anItem, `1.00`, `2.00`, 1)), 204)
	wantStatus(t, "patched item", w.write(t, "PATCH", "/collections/a/items/i", `{"properties":{"y":{"z":null,"new":"é"},"eo:cloud_cover":5}}`), 204)
	a = w.get(t, "/collections/a/items/i")
	props, err := json.Marshal(a.json["properties"])
	if err != nil {
		t.Fatal(err)
	}
	if string(props) != `{"datetime":"2020-01-01T00:00:00.120Z","eo:cloud_cover":5,"x":2,"y":{"new":"é","w":2}}` || !strings.Contains(string(a.raw), `"x": 2.00`) && !strings.Contains(string(a.raw), `"x":2.00`) {
		t.Errorf("properties %s in %s", props, a.raw)
	}
	wantStatus(t, "deleted item", w.write(t, "DELETE", "/collections/a/items/i", ""), 204)
	wantStatus(t, "deleted again", w.write(t, "DELETE", "/collections/a/items/i", ""), 404)
	wantStatus(t, "deleted collection", w.write(t, "DELETE", "/collections/a", ""), 204)
	wantStatus(t, "its items", w.get(t, "/collections/a/items/j"), 404)
}

func TestRefusedTransactions(t *testing.T) {
	w := writable(t)
	wantStatus(t, "new collection", w.write(t, "POST", "/collections", aCollection), 201)
	wantStatus(t, "new item", w.write(t, "POST", "/collections/a/items", anItem), 201)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/collections/a/items", `{`, 400},
		{"POST", "/collections/a/items", `{"type":"Feature"}`, 400},
		{"POST", "/collections/a/items", strings.Replace(anItem, `"id"`, `"collection":"b","id"`, 1), 400},
		{"PUT", "/collections/a/items/i", strings.Replace(anItem, `"i"`, `"j"`, 1), 400},
		{"PUT", "/collections/a/items/none", strings.Replace(anItem, `"i"`, `"none"`, 1), 404},
		{"PATCH", "/collections/a/items/i", `[]`, 400},
		{"PATCH", "/collections/a/items/i", `{"id":"j"}`, 400},
		{"PUT", "/collections/a", strings.Replace(aCollection, `"a"`, `"ab"`, 1), 400},
		{"PUT", "/collections/ab", strings.Replace(aCollection, `"a"`, `"ab"`, 1), 404},
		{"DELETE", "/collections/ab", "", 404},
		{"POST", "/collections", strings.Replace(aCollection, `"a"`, `"b"`, 1), 403},
		{"POST", "/collections/b/items", anItem, 403},
		{"DELETE", "/collections/b", "", 403},
	} {
		a := w.write(t, c.method, c.path, c.body)
		wantStatus(t, c.method+" "+c.path, a, c.status)
		if a.json["code"] == nil || a.json["description"] == nil {
			t.Errorf("%s %s: %s", c.method, c.path, a.raw)
		}
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE"} {
		wantStatus(t, "without a login", w.do(t, method, "/collections/a/items/i", anItem), 401)
	}
	if a := w.get(t, "/collections/a/items/i"); a.StatusCode != 200 {
		t.Error("a refused write changed something")
	}
}

func TestIfMatch(t *testing.T) {
	w := writable(t)
	wantStatus(t, "new collection", w.write(t, "POST", "/collections", aCollection), 201)
	wantStatus(t, "new item", w.write(t, "POST", "/collections/a/items", anItem), 201)
	tag := w.get(t, "/collections/a/items/i").Header.Get("ETag")
	wantStatus(t, "a stale tag", w.write(t, "PUT", "/collections/a/items/i", anItem, "If-Match", `"old"`), 412)
	wantStatus(t, "the right tag", w.write(t, "PATCH", "/collections/a/items/i", `{"properties":{"x":5}}`, "If-Match", tag), 204)
	wantStatus(t, "the tag of before", w.write(t, "DELETE", "/collections/a/items/i", "", "If-Match", tag), 412)
	wantStatus(t, "any", w.write(t, "DELETE", "/collections/a/items/i", "", "If-Match", "*"), 204)
}

func TestReadOnlyTakesNoWrites(t *testing.T) {
	w := archive(t, 3, stacapi.Config{})
	wantStatus(t, "POST", w.do(t, "POST", "/collections", aCollection), 405)
	wantStatus(t, "DELETE", w.do(t, "DELETE", "/collections/spot", ""), 405)
	m := catalogtest.NewMemory()
	if _, err := stacapi.New(stacapi.Config{Source: m, Writer: m}); err == nil {
		t.Error("a writer without an authorizer is taken")
	}
}
