// Package stacapi is a catalogue behind a STAC API: a catalog.Source that asks a remote service.
//
// It speaks STAC API 1.0 as real services do: POST or GET search, next links of every style, CQL2 or the query
// extension. What must not be here: storing answers (catalog/store) and falling back to them (catalog/live).
package stacapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// Config says which service, and how patient to be with it.
type Config struct {
	// URL is that of the landing page. Required.
	URL string
	// HTTPClient carries the requests; nil means one of httpx with a time-out of two minutes.
	HTTPClient *http.Client
	// Token returns a bearer token for each request, or "" for none; nil means that the service needs no login. It is sent
	// to the host of URL alone.
	Token func(ctx context.Context) (string, error)
	// Logger is told of retries and of documents that are left out; nil means slog.Default().
	Logger *slog.Logger
	// MaxBody bounds an answer in bytes; 0 means 64 MiB.
	MaxBody int64
	// Tries is how often a request is made in all while the service is busy (429, 502, 503, 504); 0 means 3.
	Tries int
	// Wait pauses between two tries; nil means a timer.
	Wait func(ctx context.Context, d time.Duration) error
}

// Client is a catalog.Source.
//
// Where the service offers no sorting, only the default order can be asked for: newest first, as services without the
// sort extension commonly answer. Where it offers no filter, or no free text, a query with one is KindInvalid.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client

	lock chan struct{} // held while the landing page is read; a channel, so that waiting ends with the context
	svc  *service
}

var _ catalog.Source = (*Client)(nil)

// New checks the configuration. It makes no request.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &catalog.Error{Op: "connect", Kind: catalog.KindInvalid, Key: httpx.Redact(cfg.URL), Err: errors.New("the address of a STAC API begins with https:// or http://")}
	}
	u.Fragment = ""
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 64<<20)
	cfg.Tries = cmp.Or(cfg.Tries, 3)
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = httpx.NewClient(2 * time.Minute)
	}
	c := &Client{cfg: cfg, base: u, lock: make(chan struct{}, 1)}
	own := *cfg.HTTPClient
	own.CheckRedirect = checkRedirect
	c.http = &own
	return c, nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errRedirect says why a redirect is not followed.
type errRedirect string

func (e errRedirect) Error() string { return string(e) }

// checkRedirect follows redirects that are harmless: not from https to http, not turning a POST search into a GET of
// everything, and without the token once the host changes.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) >= 5:
		return errRedirect("the service redirects in circles")
	case first.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errRedirect("the service redirects from https to " + req.URL.Scheme + ", which is refused")
	case first.Method != req.Method:
		return errRedirect("the service has moved to " + httpx.Redact(req.URL.String()) + "; use that address")
	case first.URL.Host != req.URL.Host:
		req.Header.Del("Authorization")
	}
	return nil
}

// Search implements catalog.Source.
func (c *Client) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	const op = "search"
	m, err := catalog.NewMatcher(q)
	if err != nil {
		return catalog.Page{}, err
	}
	next, err := decodeCursor(q.Cursor)
	if err != nil {
		return catalog.Page{}, err
	}
	svc, err := c.service(ctx)
	if err != nil {
		return catalog.Page{}, err
	}
	sent, err := svc.question(q, m.Area())
	if err != nil {
		return catalog.Page{}, err
	}
	if next != nil {
		if sent, err = c.follow(svc, sent, next); err != nil {
			return catalog.Page{}, err
		}
	}
	if q.CountUpTo > 0 {
		sent.prefer = fmt.Sprintf("count=%d", q.CountUpTo)
	}
	asOf := time.Now().UTC()
	got, err := c.searchShrinking(ctx, op, sent)
	if err != nil {
		return catalog.Page{}, err
	}
	return c.page(svc, q, sent, got, asOf)
}

// searchShrinking asks for a smaller page where the service gives up on a large one. Such a page is whole in itself: its next
// link leads on from where it ends.
func (c *Client) searchShrinking(ctx context.Context, op string, sent *exchange) (*response, error) {
	for {
		sent.mayShrink = sent.limit() > 10
		got, err := c.do(ctx, op, "", sent)
		var se *StatusError
		if err == nil || !sent.mayShrink || !errors.As(err, &se) || !tooMuch(se.Status) {
			return got, err
		}
		sent.setLimit(max(10, sent.limit()/4))
		c.cfg.Logger.Info("stac: asking for a smaller page", "status", se.Status, "limit", sent.limit())
	}
}

func tooMuch(status int) bool {
	return status == http.StatusRequestEntityTooLarge || status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}

// Item implements catalog.Source.
func (c *Client) Item(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	const op = "get item"
	if key.Collection == "" || key.Item == "" {
		return catalog.Item{}, &catalog.Error{Op: op, Kind: catalog.KindInvalid, Key: key.String(), Err: errors.New("an item is named by its collection and its id")}
	}
	svc, err := c.service(ctx)
	if err != nil {
		return catalog.Item{}, err
	}
	u := joinPath(svc.collections, string(key.Collection), "items", string(key.Item))
	got, err := c.do(ctx, op, key.String(), &exchange{method: http.MethodGet, url: u})
	if err != nil {
		return catalog.Item{}, err
	}
	it, err := catalog.ParseItem(got.body)
	if err != nil {
		return catalog.Item{}, &catalog.Error{Op: op, Kind: catalog.KindOf(err), Key: key.String(), Err: errors.Unwrap(err)}
	}
	if it.Key.Collection == "" { // optional in STAC where a parent link tells it
		it.Key.Collection = key.Collection
	}
	if it.Key != key {
		return catalog.Item{}, &catalog.Error{Op: op, Kind: catalog.KindProtocol, Key: key.String(), Err: fmt.Errorf("the service answered with %s", it.Key)}
	}
	return it, nil
}

// joinPath appends escaped segments to the path of u, before its query.
func joinPath(u *url.URL, segments ...string) *url.URL {
	raw := strings.TrimRight(u.EscapedPath(), "/")
	for _, s := range segments {
		raw += "/" + url.PathEscape(s)
	}
	out := *u
	out.RawPath = raw
	out.Path, _ = url.PathUnescape(raw) // it was escaped just now
	return &out
}
