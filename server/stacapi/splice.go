package stacapi

import (
	"bytes"
	"net/url"
	"slices"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

const (
	typeJSON    = "application/json"
	typeGeoJSON = "application/geo+json"
	typeSchema  = "application/schema+json"
	typeHTML    = "text/html"
	typeOpenAPI = "application/vnd.oai.openapi+json;version=3.1"

	relQueryables = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
	crs84         = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
)

// link is one link of a document that this server makes. Its method and body are for POST searches.
type link struct {
	Rel    string `json:"rel"`
	Href   string `json:"href"`
	Type   string `json:"type,omitempty"`
	Title  string `json:"title,omitempty"`
	Method string `json:"method,omitempty"`
}

func (l link) appendTo(dst []byte) []byte {
	dst = jsonscan.AppendString(append(dst, `{"rel":`...), l.Rel)
	dst = jsonscan.AppendString(append(dst, `,"href":`...), l.Href)
	for _, f := range [...]struct{ key, value string }{{`,"type":`, l.Type}, {`,"title":`, l.Title}, {`,"method":`, l.Method}} {
		if f.value != "" {
			dst = jsonscan.AppendString(append(dst, f.key...), f.value)
		}
	}
	return append(dst, '}')
}

func collectionURL(base string, id catalog.CollectionID) string {
	return base + "/collections/" + url.PathEscape(string(id))
}

func itemURL(base string, k catalog.Key) string {
	return collectionURL(base, k.Collection) + "/items/" + url.PathEscape(string(k.Item))
}

func itemLinks(base string, k catalog.Key) [4]link {
	parent := collectionURL(base, k.Collection)
	return [...]link{
		{Rel: "self", Href: itemURL(base, k), Type: typeGeoJSON},
		{Rel: "parent", Href: parent, Type: typeJSON},
		{Rel: "collection", Href: parent, Type: typeJSON},
		{Rel: "root", Href: base, Type: typeJSON},
	}
}

func collectionLinks(base string, id catalog.CollectionID) []link {
	self := collectionURL(base, id)
	return []link{
		{Rel: "self", Href: self, Type: typeJSON},
		{Rel: "parent", Href: base, Type: typeJSON},
		{Rel: "root", Href: base, Type: typeJSON},
		{Rel: "items", Href: self + "/items", Type: typeGeoJSON},
		{Rel: relQueryables, Href: self + "/queryables", Type: typeSchema, Title: "Queryables"},
	}
}

// appendItem appends an item's stored document with its links put in order.
func appendItem(dst []byte, base string, it catalog.Item) []byte {
	links := itemLinks(base, it.Key)
	return spliceLinks(dst, it.Raw, links[:])
}

// appendCollection appends a collection's stored document with its links put in order, and with the members that OGC
// API Features § 7.13 asks for where the document lacks them.
func appendCollection(dst []byte, base string, c catalog.Collection) []byte {
	start := len(dst)
	dst = spliceLinks(dst, c.Raw, collectionLinks(base, c.ID))
	doc := dst[start:]
	for _, m := range [...]struct{ key, value string }{
		{"itemType", `"feature"`},
		{"crs", `["` + crs84 + `"]`},
		{"storageCrs", `"` + crs84 + `"`},
	} {
		if jsonscan.Get(doc, m.key) == nil {
			dst = appendMember(dst, m.key, m.value)
		}
	}
	return dst
}

// appendMember adds a member to the non-empty object at whose closing brace dst ends.
func appendMember(dst []byte, key, value string) []byte {
	dst = bytes.TrimRight(dst, " \t\r\n")
	if len(dst) == 0 || dst[len(dst)-1] != '}' {
		return dst
	}
	dst = jsonscan.AppendString(append(dst[:len(dst)-1], ','), key)
	return append(append(append(dst, ':'), value...), '}')
}

// spliceLinks appends doc with its "links" replaced: ours first, then those of the document whose rel is none of ours. Every
// other byte stays. A document without links gets them as its last member.
func spliceLinks(dst, doc []byte, ours []link) []byte {
	var at jsonscan.Member
	first := true
	jsonscan.EachMember(doc, 0, func(m jsonscan.Member) {
		first = false
		if jsonscan.KeyIs(m.Key, "links") {
			at = m // the last one, as encoding/json would choose
		}
	})
	if at.Key != nil {
		dst = append(dst, doc[:at.Start]...)
		dst = appendLinks(dst, doc[at.Start:at.End], ours)
		return append(dst, doc[at.End:]...)
	}
	end := bytes.LastIndexByte(doc, '}')
	if end < 0 {
		return append(dst, doc...)
	}
	dst = append(dst, doc[:end]...)
	if !first {
		dst = append(dst, ',')
	}
	dst = appendLinks(append(dst, `"links":`...), nil, ours)
	return append(dst, doc[end:]...)
}

func appendLinks(dst, theirs []byte, ours []link) []byte {
	dst = append(dst, '[')
	for i, l := range ours {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = l.appendTo(dst)
	}
	jsonscan.EachElement(theirs, func(raw []byte) bool {
		rel := jsonscan.Get(raw, "rel")
		if !slices.ContainsFunc(ours, func(l link) bool { return jsonscan.KeyIs(rel, l.Rel) }) {
			dst = append(append(dst, ','), raw...)
		}
		return true
	})
	return append(dst, ']')
}
