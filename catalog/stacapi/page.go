package stacapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// pageDoc is what a page says beside its items.
type pageDoc struct {
	Links         []json.RawMessage `json:"links"`
	NumberMatched json.RawMessage   `json:"numberMatched"`
	Context       json.RawMessage   `json:"context"`
}

// page reads the answer to what was sent.
func (c *Client) page(svc *service, q catalog.Query, sent *exchange, got *response, asOf time.Time) (catalog.Page, error) {
	fail := func(err error) (catalog.Page, error) {
		return catalog.Page{}, &catalog.Error{Op: "search", Kind: catalog.KindProtocol, Err: err}
	}
	items, err := catalog.ParseItems(got.body)
	if err != nil {
		return catalog.Page{}, err
	}
	var doc pageDoc
	if err := json.Unmarshal(got.body, &doc); err != nil {
		return fail(fmt.Errorf("the page cannot be read: %w", err))
	}
	p := catalog.Page{Items: items, Matched: matched(q, doc, got.header), Origin: catalog.Origin{Kind: catalog.OriginRemote, AsOf: asOf, Complete: true}}
	links := parseLinks(doc.Links)
	if len(items) > 0 { // some services name a next page for ever
		if p.Next, err = c.cursor(svc, sent, got, findLink(links, "next")); err != nil {
			return fail(fmt.Errorf("next page: %w", err))
		}
	}
	if p.Prev, err = c.cursor(svc, sent, got, findLink(links, "prev", "previous")); err != nil {
		return fail(fmt.Errorf("previous page: %w", err))
	}
	return p, nil
}

// matched returns the count that the service tells. Without one, a service that applied our preference has more than we
// wanted counted.
func matched(q catalog.Query, doc pageDoc, h http.Header) catalog.Count {
	var ctx struct{ Matched json.RawMessage }
	_ = json.Unmarshal(doc.Context, &ctx) // no context, no count
	for _, raw := range []json.RawMessage{doc.NumberMatched, ctx.Matched} {
		if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil && n >= 0 {
			return catalog.Count{N: n, Kind: catalog.CountExact}
		}
	}
	if q.CountUpTo > 0 && strings.TrimSpace(h.Get("Preference-Applied")) == fmt.Sprintf("count=%d", q.CountUpTo) {
		return catalog.Count{N: int64(q.CountUpTo), Kind: catalog.CountAtLeast}
	}
	return catalog.Count{}
}

// position is a cursor of ours: what to ask next.
type position struct {
	Href string `json:"h,omitempty"` // of a GET, or of a POST elsewhere than the search address
	// Body holds the parameters of a POST: those that differ from the query's own, or all of them if Whole.
	Body  map[string]json.RawMessage `json:"b,omitempty"`
	Whole bool                       `json:"w,omitempty"`
}

// cursor makes a cursor of a page link; empty if there is none.
func (c *Client) cursor(svc *service, sent *exchange, got *response, l *link) (catalog.Cursor, error) {
	if l == nil || l.Href == "" {
		return "", nil
	}
	u, err := resolve(c.base, got.url, l.Href)
	if err != nil {
		return "", err
	}
	if !c.trusts(svc, u) {
		return "", fmt.Errorf("it is at another host, %s", clean(u.Host, 80))
	}
	var p position
	if strings.EqualFold(l.Method, http.MethodPost) {
		if p.Body, p.Whole, err = bodyOf(sent, l); err != nil {
			return "", err
		}
		if u.String() != svc.search.String() {
			p.Href = u.String()
		}
	} else {
		p.Href = u.String()
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return catalog.Cursor(base64.RawURLEncoding.EncodeToString(raw)), nil
}

// bodyOf returns the body of a POST link, as little of it as tells the difference from what was sent.
func bodyOf(sent *exchange, l *link) (body map[string]json.RawMessage, whole bool, err error) {
	if err := json.Unmarshal(l.Body, &body); err != nil || body == nil {
		return nil, false, errors.New("its link has no body")
	}
	if sent.body == nil {
		return body, true, nil
	}
	if !l.Merge {
		for name := range sent.body {
			if _, kept := body[name]; !kept {
				return body, true, nil
			}
		}
	}
	maps.DeleteFunc(body, func(name string, v json.RawMessage) bool {
		had, ok := sent.body[name]
		return ok && name != "token" && sameJSON(had, v)
	})
	return body, false, nil
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func decodeCursor(cursor catalog.Cursor) (*position, error) {
	if cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(cursor))
	var p position
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err == nil && p.Href == "" && p.Body == nil {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, unable("cursor: it is not one of this catalogue's; begin again without it")
	}
	return &p, nil
}

// follow makes the request that a cursor stands for, from the one that the query would begin with.
func (c *Client) follow(svc *service, first *exchange, p *position) (*exchange, error) {
	u := svc.search
	if p.Href != "" {
		var err error
		if u, err = url.Parse(p.Href); err != nil || !c.trusts(svc, u) {
			return nil, unable("cursor: it leads to another host than this catalogue's")
		}
	}
	if p.Body == nil {
		return &exchange{method: http.MethodGet, url: u}, nil
	}
	body := maps.Clone(p.Body)
	if !p.Whole {
		if first.body == nil {
			return nil, unable("cursor: it belongs to another query; begin again without it")
		}
		body = maps.Clone(first.body)
		maps.Copy(body, p.Body)
	}
	return &exchange{method: http.MethodPost, url: u, body: body}, nil
}
