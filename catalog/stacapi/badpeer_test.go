package stacapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/stacapi"
)

func answer(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if k, v, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestStatusesAndAnswers(t *testing.T) {
	const jsonType = "Content-Type: application/json"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		kind   catalog.Kind
		text   string
	}{
		{"400", answer(400, jsonType, `{"code":"x","description":"bbox: is\n odd"}`), catalog.KindInvalid, "bbox: is odd"},
		{"422", answer(422, jsonType, `{"detail":[{"msg":"bad limit"}]}`), catalog.KindInvalid, "bad limit"},
		{"401", answer(401, jsonType, `{"detail":"Not authenticated"}`), catalog.KindUnauthorized, "Not authenticated"},
		{"403", answer(403, "Content-Type: text/html", `<html>secret</html>`), catalog.KindForbidden, "403 Forbidden"},
		{"404", answer(404, "", ``), catalog.KindNotFound, "404"},
		{"413", answer(413, "", ``), catalog.KindTooLarge, "413"},
		{"429", answer(429, "Retry-After: 7", `slow down`), catalog.KindThrottled, "try again in 7s"},
		{"500", answer(500, "Content-Type: text/plain", "oops"), catalog.KindUnavailable, "oops"},
		{"503", answer(503, "", ``), catalog.KindUnavailable, "503"},
		{"204", answer(204, "", ``), catalog.KindProtocol, "204"},
		{"not JSON", answer(200, "Content-Type: text/html; charset=x", `<html>login</html>`), catalog.KindProtocol, `not a JSON object but "text/html"`},
		{"empty", answer(200, jsonType, ``), catalog.KindProtocol, "not a JSON object"},
		{"an array", answer(200, jsonType, `[]`), catalog.KindProtocol, "not a JSON object"},
		{"no features", answer(200, jsonType, `{"type":"FeatureCollection"}`), catalog.KindProtocol, "features"},
		{"half", answer(200, jsonType, `{"type":"FeatureCollection","features":[{"type"`), catalog.KindProtocol, "not JSON"},
		{"cut short", answer(200, "Content-Length: 5000", `{"type":"FeatureCollection",`), catalog.KindProtocol, "cut short"},
		{"item without id", answer(200, jsonType, `{"features":[{"type":"Feature"}]}`), catalog.KindProtocol, "feature 0"},
		{"long message", answer(400, jsonType, `{"description":"`+strings.Repeat("é", 5000)+`"}`), catalog.KindInvalid, "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer(t, &peer{search: c.answer})
			_, err := p.client(t).Search(t.Context(), catalog.Query{Limit: 5})
			wantKind(t, c.name, err, c.kind, c.text)
			if err != nil && (len(err.Error()) > 1500 || strings.Contains(err.Error(), "secret")) {
				t.Errorf("the message is %q", err)
			}
		})
	}
}

func TestAnswersThatAreTooLarge(t *testing.T) {
	var sent atomic.Int64
	flood := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"type":"FeatureCollection","features":[`)
		chunk := bytes.Repeat([]byte(" "), 64<<10)
		for r.Context().Err() == nil && sent.Load() < 200<<20 {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	p := newPeer(t, &peer{search: flood})
	_, err := p.client(t, func(c *stacapi.Config) { c.MaxBody = 1 << 20 }).Search(t.Context(), catalog.Query{Limit: 5})
	wantKind(t, "200 MB", err, catalog.KindTooLarge, "larger")
	if n := sent.Load(); n > 50<<20 {
		t.Errorf("%d bytes were sent before the client gave up", n)
	}
	p = newPeer(t, &peer{search: answer(200, "Content-Length: 209715200", `{`)})
	_, err = p.client(t).Search(t.Context(), catalog.Query{Limit: 5})
	wantKind(t, "an announced 200 MB", err, catalog.KindTooLarge, "209715200")
}

func TestLandingPagesThatAreNone(t *testing.T) {
	for name, c := range map[string]struct{ body, text string }{
		"no search":   {`{"type":"Catalog","links":[{"rel":"self","href":"/"}]}`, "no search link"},
		"odd links":   {`{"links":[5,{"rel":"search","href":7},{"rel":"search","href":"mailto:x"},{"rel":"search","href":":"}],"conformsTo":[5]}`, "no search link"},
		"wrong types": {`{"links":"none"}`, "no STAC catalog"},
		"HTML":        {`<html>`, "is this the address of a STAC API"},
	} {
		p := newPeer(t, &peer{landing: answer(200, "", c.body)})
		_, err := p.client(t).Search(t.Context(), catalog.Query{})
		wantKind(t, name, err, catalog.KindProtocol, c.text)
	}
}

// The landing page is asked for once; after a failure, again.
func TestLandingPageIsKept(t *testing.T) {
	p := newPeer(t, &peer{landing: answer(500, "", "")})
	c := p.client(t)
	if _, err := c.Collections(t.Context()); err == nil {
		t.Fatal("no error")
	}
	p.landing = nil
	for range 3 {
		if _, err := c.Search(t.Context(), catalog.Query{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.requests) - len(p.last()); n != 2 {
		t.Errorf("the landing page was asked for %d times, want 2", n)
	}
}

func TestServerDown(t *testing.T) {
	p := newPeer(t, &peer{})
	c := p.client(t)
	p.Close()
	_, err := c.Search(t.Context(), catalog.Query{})
	wantKind(t, "server down", err, catalog.KindUnavailable, "connect")
}

func TestBusyServicesAreAskedAgain(t *testing.T) {
	for _, status := range []int{429, 502, 503, 504} {
		var n atomic.Int64
		var pauses []time.Duration
		p := newPeer(t, &peer{search: func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) < 3 {
				w.Header().Set("Retry-After", "4")
				w.WriteHeader(status)
				return
			}
			writeJSON(w, page("a"))
		}})
		c := p.client(t, func(c *stacapi.Config) {
			c.Wait = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
		})
		got, err := c.Search(t.Context(), catalog.Query{Limit: 5})
		if err != nil || ids(got) != "a" || len(pauses) != 2 || pauses[0] != 4*time.Second {
			t.Errorf("%d: %s, %v, pauses %v", status, ids(got), err, pauses)
		}
	}
	var n atomic.Int64
	p := newPeer(t, &peer{search: func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	}})
	_, err := p.client(t).Search(t.Context(), catalog.Query{})
	var se *stacapi.StatusError
	if !errors.As(err, &se) || se.RetryAfter != time.Hour || n.Load() != 1 {
		t.Errorf("a service that wants an hour was asked %d times: %v", n.Load(), err)
	}
	for _, status := range []int{400, 401, 403, 404, 500} {
		n.Store(0)
		p.search = func(w http.ResponseWriter, _ *http.Request) { n.Add(1); w.WriteHeader(status) }
		if _, err := p.client(t).Search(t.Context(), catalog.Query{}); err == nil || n.Load() != 1 {
			t.Errorf("%d was asked for %d times: %v", status, n.Load(), err)
		}
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	p := newPeer(t, &peer{search: answer(503, "", "")})
	ctx, cancel := context.WithCancel(t.Context())
	c := p.client(t, func(c *stacapi.Config) {
		c.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); <-ctx.Done(); return ctx.Err() }
	})
	_, err := c.Search(ctx, catalog.Query{})
	if !errors.Is(err, context.Canceled) || catalog.KindOf(err) != catalog.KindUnavailable {
		t.Error(err)
	}
}

func TestPagesShrinkWhereTheServiceGivesUp(t *testing.T) {
	for _, noPost := range []bool{false, true} {
		p := &peer{noPost: noPost}
		p.search = func(w http.ResponseWriter, _ *http.Request) {
			p.mu.Lock()
			r := p.requests[len(p.requests)-1]
			p.mu.Unlock()
			if strings.Contains(r.Body+r.Query, `"limit":1000`) || strings.Contains(r.Query, "limit=1000") {
				w.WriteHeader(504)
				return
			}
			writeJSON(w, page("a"))
		}
		got, err := newPeer(t, p).client(t).Search(t.Context(), catalog.Query{Limit: 1000})
		if err != nil || ids(got) != "a" || len(p.last()) != 2 {
			t.Errorf("%s, %v after %d requests", ids(got), err, len(p.last()))
		}
	}
}

func TestTokens(t *testing.T) {
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); a != "" {
			t.Errorf("another host was sent %q", a)
		}
		writeJSON(w, page("a"))
	}))
	defer foreign.Close()
	withToken := func(c *stacapi.Config) { c.Token = func(context.Context) (string, error) { return "s3cret", nil } }
	p := newPeer(t, &peer{})
	if _, err := p.client(t, withToken).Search(t.Context(), catalog.Query{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range p.requests {
		if r.Auth != "Bearer s3cret" {
			t.Errorf("%s was sent %q", r.Path, r.Auth)
		}
	}
	p.search = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, foreign.URL+"/search", http.StatusTemporaryRedirect)
	}
	if got, err := p.client(t, withToken).Search(t.Context(), catalog.Query{}); err != nil || ids(got) != "a" {
		t.Errorf("%s, %v", ids(got), err)
	}
	p.landing = func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{"links": []any{map[string]any{"rel": "search", "href": foreign.URL + "/search", "method": "POST"}}})
	}
	if got, err := p.client(t, withToken).Search(t.Context(), catalog.Query{}); err != nil || ids(got) != "a" {
		t.Errorf("%s, %v", ids(got), err)
	}
	loginRequired := errors.New("only a human can help")
	_, err := p.client(t, func(c *stacapi.Config) { c.Token = func(context.Context) (string, error) { return "", loginRequired } }).Search(t.Context(), catalog.Query{})
	wantKind(t, "no token", err, catalog.KindUnauthorized, "human")
	if !errors.Is(err, loginRequired) {
		t.Error("the cause is lost")
	}
}

func TestRedirects(t *testing.T) {
	p := newPeer(t, &peer{search: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere?secret=1", http.StatusMovedPermanently)
	}})
	_, err := p.client(t).Search(t.Context(), catalog.Query{})
	wantKind(t, "a POST that becomes a GET", err, catalog.KindProtocol, "has moved to")
	if strings.Contains(fmt.Sprint(err), "secret=1") {
		t.Error(err)
	}
	p.search = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/search", http.StatusTemporaryRedirect)
	}
	_, err = p.client(t).Search(t.Context(), catalog.Query{})
	wantKind(t, "circles", err, catalog.KindProtocol, "circles")

	plain := newPeer(t, &peer{})
	tls := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer tls.Close()
	c, err := stacapi.New(stacapi.Config{URL: tls.URL, HTTPClient: tls.Client()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Collections(t.Context())
	wantKind(t, "https to http", err, catalog.KindProtocol, "from https to http")
	if len(plain.requests) != 0 {
		t.Error("the redirect was followed")
	}
}
