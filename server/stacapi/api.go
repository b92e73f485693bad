// Package stacapi serves a catalogue as a STAC API 1.0.0 with OGC API Features: any catalog.Source, and a
// catalog.Writer where the catalogue can be changed.
//
// Stored documents pass through as bytes: only an item's links are made anew, since they depend on where the API is
// reached. What must not be here: databases, logins, object stores; they are behind the interfaces or beside the handler.
package stacapi

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Config says what is served, and where.
type Config struct {
	// Source answers everything. Required.
	Source catalog.Source
	// Writer takes transactions; nil means that the API is read-only.
	Writer catalog.Writer
	// Authorize is asked before every write. Required with a Writer, so that nothing is open by oversight.
	Authorize Authorizer
	// PublicURL is the base address in every link, without a slash at its end, e.g. "http://127.0.0.1:8480/stac". Empty
	// means what each request names: its scheme and Host, and BasePath.
	PublicURL string
	// BasePath is the part of the request's path before the API's own; "/stac" if empty, "/" for none.
	BasePath string
	// ID, Title and Description are those of the landing page, with defaults.
	ID, Title, Description string
	// MaxLimit bounds a page; 0 means catalog.MaxLimit.
	MaxLimit int
	// CountUpTo is how many matches are counted for each search, 0 for none, since counting can cost more than the page.
	// A client asks for its own number with "Prefer: count=<number>" (RFC 7240), and learns from "Preference-Applied" that
	// it was counted: without a numberMatched in the answer there are more.
	CountUpTo int
	// MaxBody bounds a request's body in bytes; 0 means 4 MiB.
	MaxBody int64
	// Logger is told of failures, and of every request at debug level; nil means slog.Default().
	Logger *slog.Logger
}

// API is the handler. It takes the full path of a request.
type API struct {
	cfg      Config
	basePath string
	openAPI  []byte
	apiPage  []byte
	mem      *memory
	writes   sync.Mutex // from looking whether something exists to writing it
}

// New checks the configuration and returns the handler.
func New(cfg Config) (*API, error) {
	if cfg.Source == nil {
		return nil, fmt.Errorf("stac api: no source")
	}
	if cfg.Writer != nil && cfg.Authorize == nil {
		return nil, fmt.Errorf("stac api: a writer, but nothing that says who may write")
	}
	if cfg.PublicURL != "" {
		u, err := url.Parse(cfg.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("stac api: public URL %q is not an absolute http address without a query", cfg.PublicURL)
		}
	}
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	cfg.ID = cmp.Or(cfg.ID, "dinamis")
	cfg.Title = cmp.Or(cfg.Title, "DINAMIS STAC API")
	cfg.Description = cmp.Or(cfg.Description, "Satellite images, searched by place, time and properties.")
	cfg.MaxBody = cmp.Or(cfg.MaxBody, 4<<20)
	if cfg.MaxLimit <= 0 || cfg.MaxLimit > catalog.MaxLimit {
		cfg.MaxLimit = catalog.MaxLimit
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	a := &API{cfg: cfg, basePath: "/" + strings.Trim(cmp.Or(cfg.BasePath, "/stac"), "/"), mem: newMemory()}
	if a.basePath == "/" {
		a.basePath = ""
	}
	var err error
	if a.openAPI, a.apiPage, err = describe(cfg); err != nil {
		return nil, fmt.Errorf("stac api: %w", err)
	}
	return a, nil
}

// request is one request on its way: where it came in, and what it asks for.
type request struct {
	*http.Request
	id   string
	base string   // the public address of the landing page
	self string   // the public address of what was asked for, without its query
	path []string // the segments after the base path, unescaped
}

func (r *request) selfWithQuery() string {
	if r.URL.RawQuery == "" {
		return r.self
	}
	return r.self + "?" + r.URL.RawQuery
}

// ServeHTTP answers one request. A panic becomes a 500 with the request's id.
func (a *API) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	began := time.Now()
	r := &request{Request: hr, id: requestID(hr)}
	h := w.Header()
	h.Set("X-Request-Id", r.id)
	setCORS(h)
	sw := &statusWriter{ResponseWriter: w}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			a.cfg.Logger.Error("stac api: panic", "request", r.id, "path", hr.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if sw.status == 0 {
				a.fail(sw, r, &httpError{status: http.StatusInternalServerError, code: "InternalError", msg: "an internal error; the log has it under request " + r.id})
			}
		}
		a.cfg.Logger.Debug("stac api", "request", r.id, "method", hr.Method, "path", hr.URL.Path, "status", sw.status, "bytes", sw.n, "took", time.Since(began))
	}()
	if err := a.locate(r); err != nil {
		a.fail(sw, r, err)
		return
	}
	if err := a.dispatch(sw, r); err != nil {
		a.fail(sw, r, err)
	}
}

// locate splits the path and derives the public addresses.
func (a *API) locate(r *request) error {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), a.basePath)
	if !ok || rest != "" && rest[0] != '/' {
		return notFound("there is nothing at %s; the API is at %s", r.URL.Path, a.basePath)
	}
	r.base = a.cfg.PublicURL
	if r.base == "" {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		r.base = (&url.URL{Scheme: scheme, Host: r.Host, Path: a.basePath}).String()
	}
	r.self = r.base + rest
	for seg := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		s, err := url.PathUnescape(seg)
		if err != nil {
			return invalid("path", "%q is not escaped rightly", seg)
		}
		if s != "" {
			r.path = append(r.path, s)
		}
	}
	return nil
}

// route is what one address answers: a handler for each method.
type route map[string]func(http.ResponseWriter, *request) error

// routes returns the methods of an address; nil where there is nothing.
func (a *API) routes(path []string) route {
	get := func(f func(http.ResponseWriter, *request) error) route { return route{http.MethodGet: f} }
	if len(path) == 0 {
		return get(a.landing)
	}
	if len(path) == 1 {
		switch path[0] {
		case "conformance":
			return get(a.conformance)
		case "collections":
			return get(a.collections)
		case "children":
			return get(a.children)
		case "search":
			return route{http.MethodGet: a.searchGET, http.MethodPost: a.searchPOST}
		case "queryables":
			return get(a.queryables)
		case "api":
			return get(a.api)
		case "api.html":
			return get(a.apiHTML)
		}
		return nil
	}
	if path[0] != "collections" {
		return nil
	}
	switch {
	case len(path) == 2:
		return get(a.collection)
	case len(path) == 3 && path[2] == "items":
		return get(a.items)
	case len(path) == 3 && path[2] == "queryables":
		return get(a.queryables)
	case len(path) == 4 && path[2] == "items":
		return get(a.item)
	}
	return nil
}

func (a *API) dispatch(w http.ResponseWriter, r *request) error {
	methods := a.withWrites(r.path, a.routes(r.path))
	if methods == nil {
		return notFound("there is nothing at %s; see %s/api.html", r.URL.Path, r.base)
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if f := methods[method]; f != nil {
		r.Body = http.MaxBytesReader(w, r.Body, a.cfg.MaxBody)
		return f(w, r)
	}
	allow := []string{http.MethodOptions}
	for m := range methods {
		allow = append(allow, m)
		if m == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	if r.Method == http.MethodOptions {
		w.Header().Set("Access-Control-Allow-Methods", strings.Join(allow, ", "))
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return &httpError{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed", msg: fmt.Sprintf("%s is not possible here; %s is", r.Method, strings.Join(allow, ", "))}
}

// setCORS lets pages of any origin read the API: it holds no cookies, so that there is nothing to steal.
func setCORS(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, If-Match, If-None-Match, Prefer, X-Request-Id, access-key, secret-key")
	h.Set("Access-Control-Expose-Headers", "Allow, Content-Type, Content-Encoding, ETag, Link, Location, Preference-Applied, Retry-After, X-Request-Id")
}

// requestID takes the id that a proxy gave, if it is plain, or makes one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 && strings.IndexFunc(id, func(c rune) bool {
		return c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) < 0 {
		return id
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// findCollection returns the collection of that id.
func (a *API) findCollection(ctx context.Context, id string) (catalog.Collection, error) {
	cs, err := a.cfg.Source.Collections(ctx)
	if err != nil {
		return catalog.Collection{}, err
	}
	for _, c := range cs {
		if string(c.ID) == id {
			return c, nil
		}
	}
	return catalog.Collection{}, notFound("there is no collection %q", id)
}
