package stacapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// service is what the landing page tells.
type service struct {
	search      *url.URL
	post        bool // search takes POST
	collections *url.URL
	conforms    []string
}

// link is a link as services send it. Anything that isn't of the expected type is taken as absent.
type link struct {
	Rel    string          `json:"rel"`
	Href   string          `json:"href"`
	Method string          `json:"method"`
	Merge  bool            `json:"merge"`
	Body   json.RawMessage `json:"body"`
}

// conformsTo reports whether one of the classes ends in one of the suffixes: versions and drafts differ in what is before.
func (s *service) conformsTo(suffixes ...string) bool {
	return slices.ContainsFunc(s.conforms, func(c string) bool {
		return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(c, suffix) })
	})
}

// service returns what the landing page says, which is read once; after a failure, again.
func (c *Client) service(ctx context.Context) (*service, error) {
	select {
	case c.lock <- struct{}{}:
		defer func() { <-c.lock }()
	case <-ctx.Done():
		return nil, c.failed("connect", "", ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		return nil, c.failed("connect", "", err)
	}
	if c.svc != nil {
		return c.svc, nil
	}
	got, err := c.do(ctx, "connect", "", &exchange{method: http.MethodGet, url: c.base})
	if err != nil {
		return nil, err
	}
	svc, err := parseLanding(c.base, got.url, got.body)
	if err != nil {
		return nil, &catalog.Error{Op: "connect", Kind: catalog.KindProtocol, Err: err}
	}
	c.svc = svc
	return svc, nil
}

// parseLanding reads a landing page that came from the address at.
func parseLanding(base, at *url.URL, body []byte) (*service, error) {
	var doc struct {
		Links      []json.RawMessage
		ConformsTo []json.RawMessage
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("the landing page is no STAC catalog: %w", err)
	}
	s := &service{}
	for _, raw := range doc.ConformsTo {
		var uri string
		if json.Unmarshal(raw, &uri) == nil {
			s.conforms = append(s.conforms, uri)
		}
	}
	for _, l := range parseLinks(doc.Links) {
		u, err := resolve(base, at, l.Href)
		if err != nil {
			continue
		}
		switch l.Rel {
		case "search":
			if strings.EqualFold(l.Method, http.MethodPost) {
				s.search, s.post = u, true
			} else if !s.post {
				s.search = u
			}
		case "data":
			if s.collections == nil {
				s.collections = u
			}
		}
	}
	if s.search == nil {
		return nil, errors.New("the landing page has no search link; it is no STAC API, or one that cannot search")
	}
	if s.collections == nil {
		s.collections = joinPath(at, "collections")
	}
	return s, nil
}

func parseLinks(raws []json.RawMessage) []link {
	var out []link
	for _, raw := range raws {
		var l link
		var te *json.UnmarshalTypeError
		if err := json.Unmarshal(raw, &l); err == nil || errors.As(err, &te) {
			out = append(out, l)
		}
	}
	return out
}

// resolve makes a link absolute. A service behind a proxy may name itself with http: where we came by https we stay there.
func resolve(base, at *url.URL, href string) (*url.URL, error) {
	u, err := at.Parse(href)
	if err != nil || href == "" {
		return nil, fmt.Errorf("the link %q cannot be read", clean(href, 80))
	}
	if base.Scheme == "https" && u.Scheme == "http" && u.Hostname() == base.Hostname() {
		u.Scheme, u.Host = base.Scheme, base.Host
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the link %q is no web address", clean(href, 80))
	}
	u.Fragment = ""
	return u, nil
}

// trusts reports whether a page link may lead there: to the host that was configured, or the one that answers searches.
func (c *Client) trusts(s *service, u *url.URL) bool {
	return (u.Host == c.base.Host && u.Scheme == c.base.Scheme) || (u.Host == s.search.Host && u.Scheme == s.search.Scheme) ||
		(u.Host == s.collections.Host && u.Scheme == s.collections.Scheme)
}

// maxPages bounds the pages of collections, against a service whose pages don't end.
const maxPages = 1000

// Collections implements catalog.Source. A document that is no collection is left out, and logged.
func (c *Client) Collections(ctx context.Context) ([]catalog.Collection, error) {
	const op = "list collections"
	svc, err := c.service(ctx)
	if err != nil {
		return nil, err
	}
	fail := func(format string, args ...any) ([]catalog.Collection, error) {
		return nil, &catalog.Error{Op: op, Kind: catalog.KindProtocol, Err: fmt.Errorf(format, args...)}
	}
	var all []catalog.Collection
	seen := map[catalog.CollectionID]bool{}
	at := svc.collections
	for range maxPages {
		got, err := c.do(ctx, op, "", &exchange{method: http.MethodGet, url: at})
		if err != nil {
			return nil, err
		}
		var doc struct{ Collections, Links []json.RawMessage }
		if err := json.Unmarshal(got.body, &doc); err != nil {
			return fail("the list of collections cannot be read: %w", err)
		}
		grew := false
		for _, raw := range doc.Collections {
			col, err := catalog.ParseCollection(raw)
			if err != nil {
				c.cfg.Logger.Warn("stac: a collection is left out", "error", err)
				continue
			}
			if !seen[col.ID] {
				seen[col.ID], grew = true, true
				all = append(all, col)
			}
		}
		next := findLink(parseLinks(doc.Links), "next")
		if next == nil || !grew { // pages that bring nothing new would go round in circles
			slices.SortFunc(all, func(a, b catalog.Collection) int { return strings.Compare(string(a.ID), string(b.ID)) })
			return all, nil
		}
		if at, err = resolve(c.base, got.url, next.Href); err != nil {
			return fail("next page: %w", err)
		}
		if !c.trusts(svc, at) {
			return fail("the next page is at another host, %s", at.Host)
		}
	}
	return fail("the list of collections does not end")
}

func findLink(links []link, rels ...string) *link {
	for i := range links {
		if slices.Contains(rels, links[i].Rel) {
			return &links[i]
		}
	}
	return nil
}
