// Package httpx holds what every HTTP client and server of ours needs: clients with time-outs, bounded bodies, retries that
// obey Retry-After, and URLs that are fit for a log.
//
// It knows nothing of STAC, OIDC or S3.
package httpx

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// UserAgent is sent by every client of ours.
const UserAgent = "dinamis-desktop/0.1"

// ErrTooLarge means that a body exceeded the bound it was read with.
var ErrTooLarge = errors.New("the answer is larger than expected")

// NewTransport returns a transport with bounded dialling, TLS and header times, which honours the proxy
// environment. Bodies are not bounded in time: cancel the request's context.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       60 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 60 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// NewClient returns a client for short JSON exchanges: whole requests end after timeout. It sends UserAgent.
func NewClient(timeout time.Duration) *http.Client {
	return &http.Client{Transport: agent{NewTransport()}, Timeout: timeout}
}

type agent struct{ next *http.Transport }

func (a agent) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", UserAgent)
	}
	return a.next.RoundTrip(r)
}

// CloseIdleConnections makes http.Client.CloseIdleConnections work.
func (a agent) CloseIdleConnections() { a.next.CloseIdleConnections() }

// ReadAll reads r to its end, or fails with ErrTooLarge past max bytes.
func ReadAll(r io.Reader, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > max {
		return nil, fmt.Errorf("%w (over %d bytes)", ErrTooLarge, max)
	}
	return b, nil
}

// Redact returns u without user info, query and fragment: fit for a log or an error text.
func Redact(u string) string {
	p, err := url.Parse(u)
	if err != nil {
		return "(unreadable URL)"
	}
	if p.User == nil && p.RawQuery == "" && p.Fragment == "" {
		return u
	}
	p.User, p.Fragment = nil, ""
	if p.RawQuery != "" {
		p.RawQuery = "…"
	}
	return p.String()
}

// RedactError strips the query from the URL that a *url.Error carries, in place of its text.
func RedactError(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return fmt.Errorf("%s %s: %w", strings.ToUpper(ue.Op), Redact(ue.URL), ue.Err)
	}
	return err
}

// RetryAfter reads the Retry-After header in both forms (RFC 9110 § 10.2.3), clamped to most; 0 if there is none.
func RetryAfter(h http.Header, now time.Time, most time.Duration) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	d := time.Duration(0)
	if s, err := strconv.Atoi(v); err == nil {
		d = time.Duration(s) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return max(0, min(d, most))
}
