package stacapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// StatusError is the cause of an error that a service answered with.
type StatusError struct {
	Status int
	// Message is the service's own sentence, cleaned and bounded; may be empty.
	Message string
	// RetryAfter is how long the service asks to wait; 0 if it doesn't say.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	msg := fmt.Sprintf("the service answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		msg += ": " + e.Message
	}
	if e.RetryAfter > 0 {
		msg += fmt.Sprintf(" (try again in %s)", e.RetryAfter)
	}
	return msg
}

// kindOfStatus maps an HTTP status to a kind, once.
func kindOfStatus(status int) catalog.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return catalog.KindInvalid
	case http.StatusUnauthorized:
		return catalog.KindUnauthorized
	case http.StatusForbidden:
		return catalog.KindForbidden
	case http.StatusNotFound, http.StatusGone:
		return catalog.KindNotFound
	case http.StatusConflict:
		return catalog.KindConflict
	case http.StatusRequestEntityTooLarge:
		return catalog.KindTooLarge
	case http.StatusTooManyRequests:
		return catalog.KindThrottled
	}
	if status >= 500 {
		return catalog.KindUnavailable
	}
	return catalog.KindProtocol
}

// exchange is one request: of a search, the parameters are in body (POST) or in the URL's query (GET).
type exchange struct {
	method    string
	url       *url.URL
	body      map[string]json.RawMessage // nil for a GET
	prefer    string
	mayShrink bool // a 502 or 504 is answered with a smaller page, not with the same request again
}

// limit returns the page size that is asked for; 0 if it isn't known.
func (e *exchange) limit() int {
	n := 0
	if e.body != nil {
		_ = json.Unmarshal(e.body["limit"], &n) // absent: 0
		return n
	}
	n, _ = strconv.Atoi(e.url.Query().Get("limit"))
	return n
}

func (e *exchange) setLimit(n int) {
	if e.body != nil {
		e.body["limit"] = json.RawMessage(strconv.Itoa(n))
		return
	}
	v := e.url.Query()
	v.Set("limit", strconv.Itoa(n))
	u := *e.url
	u.RawQuery = v.Encode()
	e.url = &u
}

// response is a successful answer.
type response struct {
	body   []byte
	header http.Header
	url    *url.URL // after redirects
}

// maxRetryAfter is the longest pause that a caller is made to wait through.
const maxRetryAfter = 30 * time.Second

// do makes a request, again while the service is busy. All requests of this package only read.
func (c *Client) do(ctx context.Context, op, key string, e *exchange) (*response, error) {
	for try := 1; ; try++ {
		resp, err := c.once(ctx, op, key, e)
		var se *StatusError
		if err == nil || !errors.As(err, &se) || try >= c.cfg.Tries || !busy(se.Status) || e.mayShrink && tooMuch(se.Status) {
			return resp, err
		}
		pause := se.RetryAfter
		if pause == 0 {
			pause = 500 * time.Millisecond << (try - 1)
			pause += rand.N(pause / 2) // so that many clients don't return at once
		}
		deadline, ok := ctx.Deadline()
		if pause > maxRetryAfter || ok && time.Until(deadline) < pause {
			return nil, err
		}
		c.cfg.Logger.Info("stac: waiting for the service", "status", se.Status, "pause", pause, "url", httpx.Redact(e.url.String()))
		if werr := c.cfg.Wait(ctx, pause); werr != nil {
			return nil, c.failed(op, key, werr)
		}
	}
}

func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (c *Client) once(ctx context.Context, op, key string, e *exchange) (*response, error) {
	var body io.Reader
	if e.body != nil {
		raw, err := json.Marshal(e.body)
		if err != nil {
			return nil, &catalog.Error{Op: op, Key: key, Err: err}
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, e.method, e.url.String(), body)
	if err != nil {
		return nil, &catalog.Error{Op: op, Key: key, Err: httpx.RedactError(err)}
	}
	req.Header.Set("Accept", "application/geo+json, application/json")
	req.Header.Set("User-Agent", httpx.UserAgent)
	if e.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if e.prefer != "" {
		req.Header.Set("Prefer", e.prefer)
	}
	if err := c.authorize(ctx, req); err != nil {
		kind := catalog.KindUnauthorized
		var ne net.Error
		if errors.As(err, &ne) || ctx.Err() != nil {
			kind = catalog.KindUnavailable // the login service is out of reach: another login would not help
		}
		return nil, &catalog.Error{Op: op, Kind: kind, Key: key, Err: err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(op, key, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &catalog.Error{Op: op, Kind: kindOfStatus(resp.StatusCode), Key: key, Err: statusError(resp)}
	}
	raw, err := c.read(resp)
	if err != nil {
		return nil, c.failed(op, key, err)
	}
	return &response{body: raw, header: resp.Header, url: resp.Request.URL}, nil
}

func (c *Client) authorize(ctx context.Context, req *http.Request) error {
	if c.cfg.Token == nil || req.URL.Host != c.base.Host || req.URL.Scheme != c.base.Scheme {
		return nil
	}
	t, err := c.cfg.Token(ctx)
	if err != nil {
		return fmt.Errorf("no login: %w", err)
	}
	if t != "" {
		req.Header.Set("Authorization", "Bearer "+t)
	}
	return nil
}

// read reads an answer that must be JSON.
func (c *Client) read(resp *http.Response) ([]byte, error) {
	if resp.ContentLength > c.cfg.MaxBody {
		return nil, fmt.Errorf("%w: %d bytes, over %d", httpx.ErrTooLarge, resp.ContentLength, c.cfg.MaxBody)
	}
	raw, err := httpx.ReadAll(resp.Body, c.cfg.MaxBody)
	if err != nil {
		return nil, err
	}
	if t := bytes.TrimSpace(raw); len(t) == 0 || t[0] != '{' {
		kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
		return nil, &notJSON{kind}
	}
	return raw, nil
}

type notJSON struct{ contentType string }

func (e *notJSON) Error() string {
	return fmt.Sprintf("the answer is not a JSON object but %q; is this the address of a STAC API?", clean(e.contentType, 60))
}

// failed classifies what went wrong below HTTP.
func (c *Client) failed(op, key string, err error) error {
	kind := catalog.KindUnavailable
	var nj *notJSON
	var moved errRedirect
	switch {
	case errors.Is(err, httpx.ErrTooLarge):
		kind = catalog.KindTooLarge
	case errors.As(err, &nj), errors.As(err, &moved):
		kind = catalog.KindProtocol
	case errors.Is(err, io.ErrUnexpectedEOF):
		kind, err = catalog.KindProtocol, fmt.Errorf("the answer was cut short: %w", err)
	}
	return &catalog.Error{Op: op, Kind: kind, Key: key, Err: httpx.RedactError(err)}
}

// statusError reads the sentence with which a service explains itself.
func statusError(resp *http.Response) *StatusError {
	e := &StatusError{Status: resp.StatusCode, RetryAfter: httpx.RetryAfter(resp.Header, time.Now(), 24*time.Hour)}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	if err != nil {
		return e
	}
	e.Message = sentence(raw, resp.Header.Get("Content-Type"))
	return e
}

func sentence(raw []byte, contentType string) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		if strings.HasPrefix(contentType, "text/plain") {
			return clean(string(raw), 300)
		}
		return ""
	}
	for _, name := range []string{"description", "detail", "message", "error_description", "title", "error"} {
		v, ok := m[name]
		if !ok || string(v) == "null" {
			continue
		}
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v) // FastAPI answers a list of objects for a wrong parameter
		}
		if s = clean(s, 300); s != "" {
			return s
		}
	}
	return ""
}

// clean makes foreign text fit for one line: no control characters, at most n characters.
func clean(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > n {
		s = string(r[:n]) + "…"
	}
	return s
}
