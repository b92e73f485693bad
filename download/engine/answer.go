package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// maxRetryAfter bounds what a host may ask us to wait.
const maxRetryAfter = 15 * time.Minute

var (
	errStalled  = errors.New("nothing arrived for too long")
	errCutShort = errors.New("the answer was cut short")
)

// throttled is the cause of a KindThrottled error that names a time to wait.
type throttled struct{ after time.Duration }

func (t throttled) Error() string { return "the host asks to wait " + t.after.String() }

// connectError marks a failure before any answer: it says something of the host, not of the file.
type connectError struct{ error }

func (c connectError) Unwrap() error { return c.error }

// newClient returns a client that follows redirects as is safe for signed URLs.
func newClient(rt http.RoundTripper) *http.Client {
	return &http.Client{Transport: rt, CheckRedirect: checkRedirect}
}

var errDowngrade = errors.New("refused a redirect from https to http")

func checkRedirect(next *http.Request, via []*http.Request) error {
	// The referrer would be the signed URL.
	next.Header.Del("Referer")
	last := via[len(via)-1].URL
	if last.Scheme == "https" && next.URL.Scheme != "https" {
		return errDowngrade
	}
	if next.URL.Host != last.Host {
		// An object's validator is nobody else's business; what comes back is checked against it here.
		next.Header.Del("If-Range")
	}
	if len(via) >= 5 {
		return errors.New("stopped after 5 redirects")
	}
	return nil
}

// requestError types what http.Client.Do returned. No part of it shows the URL's query.
func requestError(ctx context.Context, host string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if !errors.Is(cause, errStalled) {
			return cause
		}
		err = errStalled
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	e := &download.Error{Op: "fetch", Kind: download.KindNetwork, Key: host, Err: err}
	switch {
	case errors.Is(err, errDowngrade):
		e.Kind = download.KindUnsafe
	case strings.Contains(err.Error(), "response headers exceed"), strings.Contains(err.Error(), "redirects"),
		strings.Contains(err.Error(), "malformed HTTP"):
		e.Kind = download.KindProtocol
	default:
		e.Err = connectError{bare(err)}
	}
	return e
}

// bare keeps the reason of a network error without addresses that only a programmer reads.
func bare(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Errorf("the host is not known: %s", dns.Err)
	}
	return err
}

// statusError types an answer that is neither 200 nor 206. 400, 401 and 403 are handled before, by signing again.
func statusError(resp *http.Response, host string, now time.Time) error {
	e := &download.Error{Op: "fetch", Key: host, Err: fmt.Errorf("the host answers %s", statusText(resp.StatusCode))}
	after := httpx.RetryAfter(resp.Header, now, maxRetryAfter)
	switch c := resp.StatusCode; {
	case c == http.StatusNotFound, c == http.StatusGone:
		e.Kind = download.KindNotFound
	case c == http.StatusTooManyRequests, c == http.StatusServiceUnavailable && after > 0:
		e.Kind = download.KindThrottled
		e.Err = fmt.Errorf("the host answers %s: %w", statusText(c), throttled{after})
	case c == http.StatusRequestTimeout:
		e.Kind = download.KindNetwork
	case c == http.StatusNetworkAuthenticationRequired:
		e.Kind = download.KindProtocol
		e.Err = errors.New("the network asks for a login of its own (captive portal)")
	case c == http.StatusForbidden, c == http.StatusUnauthorized:
		e.Kind = download.KindForbidden
		e.Err = fmt.Errorf("the host answers %s to a fresh signature: this login has no right to the file", statusText(c))
	case c >= 500:
		e.Kind = download.KindServer
	default:
		e.Kind = download.KindProtocol
	}
	return e
}

func statusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// contentRange is a parsed Content-Range header; total is -1 if it is not told.
type contentRange struct{ from, to, total int64 }

// parseContentRange reads "bytes a-b/total" and "bytes */total" (RFC 9110 § 14.4); the latter has from -1.
func parseContentRange(s string) (contentRange, error) {
	bad := func() (contentRange, error) {
		return contentRange{}, fmt.Errorf("Content-Range %.60q is not readable", s)
	}
	unit, rest, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return bad()
	}
	span, size, ok := strings.Cut(strings.TrimSpace(rest), "/")
	if !ok {
		return bad()
	}
	r := contentRange{-1, -1, -1}
	var err error
	if size != "*" {
		if r.total, err = number(size); err != nil {
			return bad()
		}
	}
	if span == "*" {
		return r, nil
	}
	a, b, ok := strings.Cut(span, "-")
	if !ok {
		return bad()
	}
	if r.from, err = number(a); err != nil {
		return bad()
	}
	if r.to, err = number(b); err != nil || r.to < r.from || r.total >= 0 && r.to >= r.total {
		return bad()
	}
	return r, nil
}

// number reads digits only: strconv would also take a sign.
func number(s string) (int64, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, errors.New("not a number")
	}
	return strconv.ParseInt(s, 10, 64)
}

// looksLikeHTML reports whether a page came where r's file should be: from its type, or from the first bytes of its body.
func looksLikeHTML(r download.Request, contentType string, head []byte) bool {
	if strings.Contains(r.MediaType, "html") {
		return false
	}
	name := strings.ToLower(download.FileName(r))
	if strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm") {
		return false
	}
	t, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	if t = strings.TrimSpace(t); t == "text/html" || t == "application/xhtml+xml" {
		return true
	}
	h := bytes.ToLower(bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf"))
	return bytes.HasPrefix(h, []byte("<!doctype html")) || bytes.HasPrefix(h, []byte("<html"))
}

var errHTML = errors.New("a web page came where the file should be: a captive portal or a proxy stands in between")

func protocolError(host string, err error) *download.Error {
	return &download.Error{Op: "fetch", Kind: download.KindProtocol, Key: host, Err: err}
}

// strongETag reports whether e may stand in If-Range (RFC 9110 § 13.1.5).
func strongETag(e string) bool { return len(e) >= 2 && e[0] == '"' }

// drain reads a little of a body that nobody wants, so that its connection can be used again, and closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 16<<10)
	body.Close()
}
