package stacapi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

const base = "https://stac.example/stac"

func TestSpliceLinks(t *testing.T) {
	ours := []link{{Rel: "self", Href: "S"}, {Rel: "root", Href: `R"`}}
	const made = `{"rel":"self","href":"S"},{"rel":"root","href":"R\""}`
	for _, c := range []struct{ doc, want string }{
		{`{"id":"a","links":[],"x":1.00}`, `{"id":"a","links":[` + made + `],"x":1.00}`},
		{`{"links":[{"rel":"self","href":"old"}, {"rel":"license","href":"l"} ,{"href":"?"}]}`, `{"links":[` + made + `,{"rel":"license","href":"l"},{"href":"?"}]}`},
		{`{"links":[{"href":"root","rel":"r\u006fot"}]}`, `{"links":[` + made + `]}`},
		{`{ "id": "a" }`, `{ "id": "a" ,"links":[` + made + `]}`},
		{`{}`, `{"links":[` + made + `]}`},
		{`{"a":{"links":[1]},"links":null}`, `{"a":{"links":[1]},"links":[` + made + `]}`},
		{"{\n \"li\\u006eks\" : [ ] }", "{\n \"li\\u006eks\" : [" + made + "] }"},
		{`{"s":"\"links\":[","links":[{"rel":"a","t":"]}"}]}`, `{"s":"\"links\":[","links":[` + made + `,{"rel":"a","t":"]}"}]}`},
	} {
		if got := string(spliceLinks(nil, []byte(c.doc), ours)); got != c.want {
			t.Errorf("%s\nbecomes %s\nwant    %s", c.doc, got, c.want)
		}
	}
}

// FuzzSpliceLinks holds the scanner against encoding/json: for every object the answer is JSON in which only the links differ.
func FuzzSpliceLinks(f *testing.F) {
	for _, s := range []string{
		`{"id":"a","links":[{"rel":"self"},{"rel":"x","a":[1,{"b":"]"}]}],"p":{"links":[]}}`, `{}`, `{"links":5}`, ` { "links" : [ ] , "a" : -1e5 } `,
		`{"a":"\\\"","links":[{"rel":"license"}],"b":null}`, `{"links":[`, `[{"links":[]}]`, `"links"`, `{"links":[],"links":[{"rel":"b"}]}`,
	} {
		f.Add([]byte(s))
	}
	ours := []link{{Rel: "self", Href: base}}
	f.Fuzz(func(t *testing.T, doc []byte) {
		out := spliceLinks(nil, doc, ours)
		projected := newFieldSet([]string{"links", "p.a"}, []string{"p.b"}, true).appendTo(nil, doc)
		var want map[string]json.RawMessage
		if json.Unmarshal(doc, &want) != nil || want == nil {
			return
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s becomes %s: %v", doc, out, err)
		}
		if !json.Valid(projected) {
			t.Fatalf("%s is projected to %s", doc, projected)
		}
		if !json.Valid(withToken(nil, doc, `t"`)) {
			t.Fatalf("%s with a token is %s", doc, withToken(nil, doc, `t"`))
		}
		var theirs []json.RawMessage
		_ = json.Unmarshal(want["links"], &theirs) // links that are no array are dropped
		var links []json.RawMessage
		if err := json.Unmarshal(got["links"], &links); err != nil || len(links) < 1 || len(links) > 1+len(theirs) {
			t.Fatalf("%s has links %s", doc, got["links"])
		}
		delete(want, "links")
		delete(got, "links")
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%s becomes %s", doc, out)
		}
	})
}

func TestItemIsSplicedOnce(t *testing.T) {
	it, err := catalog.ParseItem([]byte(`{"type":"Feature","id":"é/ %","collection":"c d","geometry":null,"properties":{"datetime":null},"assets":{},"links":[{"rel":"via","href":"v"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	once := appendItem(nil, base, it)
	it.Raw = once
	if twice := appendItem(nil, base, it); !bytes.Equal(once, twice) {
		t.Errorf("%s\n%s", once, twice)
	}
	if want := base + "/collections/c%20d/items/%C3%A9%2F%20%25"; !bytes.Contains(once, []byte(want)) {
		t.Errorf("no %s in %s", want, once)
	}
}

func TestSortIsSimplified(t *testing.T) {
	for sent, want := range map[string]int{"-datetime": 0, "-properties.datetime,+id,+collection": 0, "-datetime,id": 0, "-id": 1, "id": 1, "datetime": 1, "gsd,-datetime,id": 2} {
		var p params
		if err := p.sortText(sent); err != nil || len(p.Sort) != want {
			t.Errorf("%s: %v, %v", sent, p.Sort, err)
		}
	}
}

// merged is RFC 7396 § 2 word for word, on decoded values.
func merged(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	t, ok := target.(map[string]any)
	if !ok {
		t = map[string]any{}
	}
	for name, v := range p {
		if v == nil {
			delete(t, name)
		} else {
			t[name] = merged(t[name], v)
		}
	}
	return t
}

func FuzzMergePatch(f *testing.F) {
	for _, c := range [][2]string{ // appendix A of RFC 7396
		{`{"a":"b"}`, `{"a":"c"}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`},
		{`{"a":["b"]}`, `{"a":"c"}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`},
		{` { "é" : 1.00 } `, `{"\u00e9": {"x": [ ]}, "y\"": 2}`},
	} {
		f.Add([]byte(c[0]), []byte(c[1]))
	}
	f.Fuzz(func(t *testing.T, doc, patch []byte) {
		out := mergePatch(nil, doc, patch)
		var d, p, got any
		if json.Unmarshal(doc, &d) != nil || json.Unmarshal(patch, &p) != nil || twice(doc) || twice(patch) {
			return
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s with %s is %s: %v", doc, patch, out, err)
		}
		if want := merged(d, p); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s with %s is %s, want %v", doc, patch, out, want)
		}
	})
}

// twice reports whether an object names a member twice, which has no agreed meaning (RFC 8259 § 4).
func twice(doc []byte) bool {
	seen, found := map[string]bool{}, false
	jsonscan.EachMember(doc, 0, func(m jsonscan.Member) {
		name := nameOf(m.Key)
		found = found || seen[name] || twice(doc[m.Start:m.End])
		seen[name] = true
	})
	return found
}
