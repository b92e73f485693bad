package stacapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

func (a *API) searchGET(w http.ResponseWriter, r *request) error {
	s, err := a.fromURL(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.find(w, r, s)
	if err != nil {
		return err
	}
	links := []link{{Rel: "self", Href: r.selfWithQuery(), Type: typeGeoJSON}, rootLink(r)}
	links = append(links, pageLinks(r, page)...)
	return a.replyPage(w, r, s, page, appendLinks(nil, nil, links))
}

func (a *API) searchPOST(w http.ResponseWriter, r *request) error {
	s, err := a.fromBody(r.Body)
	if err != nil {
		return err
	}
	page, err := a.find(w, r, s)
	if err != nil {
		return err
	}
	links := appendLinks(nil, nil, []link{{Rel: "self", Href: r.selfWithQuery(), Type: typeGeoJSON}, rootLink(r)})
	for _, l := range [...]struct {
		rel   string
		token catalog.Cursor
	}{{"next", page.Next}, {"prev", page.Prev}} {
		if l.token == "" {
			continue
		}
		links = append(links[:len(links)-1], ',')
		links = link{Rel: l.rel, Href: r.self, Type: typeGeoJSON, Method: http.MethodPost}.appendTo(links)
		// The whole body, so that a client that doesn't know merge is right too.
		links = append(links[:len(links)-1], `,"merge":false,"body":`...)
		links = withToken(links, s.body, string(l.token))
		links = append(links, "}]"...)
	}
	return a.replyPage(w, r, s, page, links)
}

// items answers /collections/{id}/items.
func (a *API) items(w http.ResponseWriter, r *request) error {
	s, err := a.fromURL(r.URL.RawQuery)
	if err != nil {
		return err
	}
	id := catalog.CollectionID(r.path[1])
	s.Collections = []catalog.CollectionID{id}
	page, err := a.find(w, r, s)
	if err != nil {
		return err
	}
	if len(page.Items) == 0 { // a collection without a match, or no collection
		if _, err := a.findCollection(r.Context(), string(id)); err != nil {
			return err
		}
	}
	parent := collectionURL(r.base, id)
	links := []link{
		{Rel: "self", Href: r.self, Type: typeGeoJSON},
		rootLink(r),
		{Rel: "parent", Href: parent, Type: typeJSON},
		{Rel: "collection", Href: parent, Type: typeJSON},
	}
	links = append(links, pageLinks(r, page)...)
	return a.replyPage(w, r, s, page, appendLinks(nil, nil, links))
}

func rootLink(r *request) link { return link{Rel: "root", Href: r.base, Type: typeJSON} }

// find asks the catalogue, with the count that the client or the configuration wants.
func (a *API) find(w http.ResponseWriter, r *request, s *search) (catalog.Page, error) {
	s.CountUpTo = a.cfg.CountUpTo
	if n, ok := preferredCount(r.Header.Values("Prefer")); ok {
		s.CountUpTo = n
		w.Header().Set("Preference-Applied", "count="+strconv.Itoa(n))
		w.Header().Add("Vary", "Prefer")
	}
	page, err := a.cfg.Source.Search(r.Context(), s.Query)
	if catalog.KindOf(err) == catalog.KindInvalid && s.Cursor != "" && err != nil && strings.Contains(err.Error(), "cursor") {
		return page, invalid("token", "it is not one of this search; begin again without it")
	}
	return page, err
}

// preferredCount reads "Prefer: count=<number>" (RFC 7240).
func preferredCount(headers []string) (int, bool) {
	for _, h := range headers {
		for p := range strings.SplitSeq(h, ",") {
			if v, ok := strings.CutPrefix(strings.TrimSpace(p), "count="); ok {
				if n, err := strconv.Atoi(strings.Trim(v, `"`)); err == nil && n >= 0 {
					return min(n, 10_000_000), true
				}
			}
		}
	}
	return 0, false
}

// pageLinks leads on from the answer to a GET.
func pageLinks(r *request, p catalog.Page) []link {
	var links []link
	for _, l := range [...]struct {
		rel   string
		token catalog.Cursor
	}{{"next", p.Next}, {"prev", p.Prev}} {
		if l.token != "" {
			links = append(links, link{Rel: l.rel, Href: r.self + "?" + queryWithToken(r.URL.RawQuery, string(l.token)), Type: typeGeoJSON, Method: http.MethodGet})
		}
	}
	return links
}

// queryWithToken replaces the token of a query string and leaves the rest as it was sent.
func queryWithToken(rawQuery, token string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(rawQuery, "&") {
		if name, _, _ := strings.Cut(p, "="); p != "" && name != "token" {
			b.WriteString(p + "&")
		}
	}
	return b.String() + "token=" + url.QueryEscape(token)
}

// withToken appends the body of a POST with its token replaced.
func withToken(dst, body []byte, token string) []byte {
	dst = append(dst, '{')
	jsonscan.EachMember(body, 0, func(m jsonscan.Member) {
		if !jsonscan.KeyIs(m.Key, "token") {
			dst = append(append(append(dst, m.Key...), ':'), body[m.Start:m.End]...)
			dst = append(dst, ',')
		}
	})
	return append(jsonscan.AppendString(append(dst, `"token":`...), token), '}')
}

// replyPage writes a FeatureCollection: the documents as they are stored but for their links.
func (a *API) replyPage(w http.ResponseWriter, r *request, s *search, page catalog.Page, links []byte) error {
	b := a.mem.get()
	defer func() { a.mem.put(b) }()
	b = append(b, `{"type":"FeatureCollection","features":[`...)
	for i, it := range page.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.appendFeature(b, r, s, it)
	}
	b = append(append(b, `],"links":`...), links...)
	b = strconv.AppendInt(append(b, `,"numberReturned":`...), int64(len(page.Items)), 10)
	matched := ""
	if page.Matched.Kind == catalog.CountExact {
		matched = strconv.FormatInt(page.Matched.N, 10)
		b = append(append(b, `,"numberMatched":`...), matched...)
	}
	b = strconv.AppendInt(append(b, `,"context":{"limit":`...), int64(s.PageLimit()), 10)
	b = strconv.AppendInt(append(b, `,"returned":`...), int64(len(page.Items)), 10)
	if matched != "" {
		b = append(append(b, `,"matched":`...), matched...)
	}
	b = append(b, "}}"...)
	return a.reply(w, r, typeGeoJSON, b, false)
}

func (a *API) appendFeature(b []byte, r *request, s *search, it catalog.Item) []byte {
	if s.fields == nil {
		return appendItem(b, r.base, it)
	}
	tmp := a.mem.get()
	tmp = appendItem(tmp, r.base, it)
	b = s.fields.appendTo(b, tmp)
	a.mem.put(tmp)
	return b
}

func (a *API) item(w http.ResponseWriter, r *request) error {
	key := catalog.Key{Collection: catalog.CollectionID(r.path[1]), Item: catalog.ItemID(r.path[3])}
	it, err := a.cfg.Source.Item(r.Context(), key)
	if catalog.KindOf(err) == catalog.KindNotFound && err != nil {
		return notFound("there is no item %q in collection %q", r.path[3], r.path[1])
	}
	if err != nil {
		return err
	}
	return a.reply(w, r, typeGeoJSON, appendItem(nil, r.base, it), true)
}
