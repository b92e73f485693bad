package signing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

const (
	maxAnswer = 4 << 20
	maxWait   = time.Minute // the longest Retry-After that is obeyed
)

// batch is one call to the signing API, for all who wait for any of its hrefs.
type batch struct {
	hrefs   []string
	epoch   int
	waiters int // guarded by Signer.mu
	ctx     context.Context
	cancel  context.CancelFunc

	done   chan struct{} // closed when the two below are set
	answer map[string]auth.Signed
	failed map[string]error // by href
}

// newBatch is called with s.mu held.
func (s *Signer) newBatch(ctx context.Context) *batch {
	b := &batch{epoch: s.epoch, done: make(chan struct{})}
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

// leave is called by each waiter once; the last one ends the call.
func (s *Signer) leave(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.waiters--; b.waiters > 0 {
		return
	}
	b.cancel()
	s.drop(b)
}

// drop makes later callers ask anew. Called with s.mu held.
func (s *Signer) drop(b *batch) {
	for _, h := range b.hrefs {
		if s.calls[h] == b {
			delete(s.calls, h)
		}
	}
}

func (s *Signer) run(b *batch) {
	asked := s.cfg.Now()
	b.answer, b.failed = map[string]auth.Signed{}, map[string]error{}
	s.split(b, b.hrefs)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(b)
	if b.epoch == s.epoch {
		s.keep(b.answer, asked)
	}
	close(b.done)
}

// errBadRequest is the signing API's 400: one of the URLs is not one that it signs.
var errBadRequest = errors.New("bad request")

// split asks for all hrefs at once. Where the signing API takes offence at one of them, the halves are asked for, so that
// an href fails for itself alone, and not for others that wait in the same batch.
func (s *Signer) split(b *batch, hrefs []string) {
	answer, err := s.ask(b.ctx, hrefs)
	if n := len(hrefs); errors.Is(err, errBadRequest) && n > 1 {
		s.split(b, hrefs[:n/2])
		s.split(b, hrefs[n/2:])
		return
	}
	maps.Copy(b.answer, answer)
	if err != nil {
		for _, h := range hrefs {
			b.failed[h] = err
		}
	}
}

// keep remembers signed URLs. Called with s.mu held.
func (s *Signer) keep(answer map[string]auth.Signed, asked time.Time) {
	if len(s.known)+len(answer) > maxCached {
		now := s.cfg.Now()
		for h, e := range s.known {
			if !now.Before(e.until) {
				delete(s.known, h)
			}
		}
		for h := range s.known { // all alive: any makes room
			if len(s.known)+len(answer) <= maxCached {
				break
			}
			delete(s.known, h)
		}
	}
	for h, signed := range answer {
		margin := min(s.cfg.Margin, signed.Expiry.Sub(asked)/2)
		s.known[h] = entry{signed: signed, until: signed.Expiry.Add(-margin)}
	}
}

// ask makes the call, again where that can help: after a pause for what may pass, and once with a new token.
func (s *Signer) ask(ctx context.Context, hrefs []string) (map[string]auth.Signed, error) {
	token, err := s.cfg.Tokens.Token(ctx)
	if err != nil {
		return nil, s.tokenError(err)
	}
	renewed := false
	for attempt := 1; ; attempt++ {
		answer, wait, err := s.once(ctx, token, hrefs)
		switch kind := auth.KindOf(err); {
		case err == nil:
			return answer, nil
		case kind == auth.KindLogin && !renewed:
			renewed = true
			next, renewErr := s.renew(ctx, token)
			if renewErr != nil {
				return nil, renewErr
			}
			if next.Access == token.Access {
				return nil, err
			}
			token = next
			continue
		case kind != auth.KindThrottled && kind != auth.KindUnavailable || attempt >= s.cfg.Attempts:
			return nil, err
		}
		if wait == 0 {
			// Half of the pause is random, so that many clients don't come back together.
			wait = s.cfg.Backoff << (attempt - 1)
			wait = wait/2 + rand.N(wait/2+1)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, s.fail(auth.KindCancelled, ctx.Err())
		}
	}
}

func (s *Signer) renew(ctx context.Context, refused auth.Token) (token auth.Token, err error) {
	if r, ok := s.cfg.Tokens.(Renewer); ok {
		token, err = r.Renew(ctx, refused)
	} else {
		token, err = s.cfg.Tokens.Token(ctx)
	}
	if err != nil {
		return auth.Token{}, s.tokenError(err)
	}
	return token, nil
}

func (s *Signer) tokenError(err error) error {
	kind := auth.KindOf(err)
	if errors.Is(err, context.Canceled) {
		kind = auth.KindCancelled
	}
	return s.fail(kind, err)
}

func (s *Signer) fail(kind auth.Kind, err error) error {
	return &auth.Error{Op: "sign", Kind: kind, Key: httpx.Redact(s.cfg.Endpoint), Err: err}
}

type request struct {
	URLs     []string `json:"urls"`
	Duration int      `json:"duration_seconds,omitempty"`
}

// once makes one call. wait is how long the signing API wants us to wait before the next.
func (s *Signer) once(ctx context.Context, token auth.Token, hrefs []string) (answer map[string]auth.Signed, wait time.Duration, err error) {
	u, err := url.Parse(s.cfg.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, 0, s.fail(auth.KindNotFound, errors.New("the signing API's address must be an http or https URL"))
	}
	body, err := json.Marshal(request{URLs: hrefs, Duration: int(s.cfg.Duration / time.Second)})
	if err != nil {
		return nil, 0, s.fail(auth.KindInternal, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("sign_urls").String(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, s.fail(auth.KindInternal, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "bearer "+token.Access.Reveal())
	resp, err := s.cfg.HTTPClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, 0, s.fail(auth.KindCancelled, ctx.Err())
		}
		return nil, 0, s.fail(auth.KindUnavailable, httpx.RedactError(err))
	}
	defer resp.Body.Close()
	text, err := httpx.ReadAll(resp.Body, maxAnswer)
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, httpx.RetryAfter(resp.Header, s.cfg.Now(), maxWait), s.fail(kindOf(resp.StatusCode), refusal(resp.StatusCode, text))
	case errors.Is(err, httpx.ErrTooLarge):
		return nil, 0, s.fail(auth.KindProtocol, err)
	case err != nil && ctx.Err() != nil:
		return nil, 0, s.fail(auth.KindCancelled, ctx.Err())
	case err != nil:
		return nil, 0, s.fail(auth.KindUnavailable, fmt.Errorf("the answer was cut short: %w", err))
	}
	answer, err = decode(text, hrefs, s.cfg.Now())
	if err != nil {
		return nil, 0, s.fail(auth.KindProtocol, err)
	}
	return answer, 0, nil
}

func kindOf(status int) auth.Kind {
	switch status {
	case http.StatusUnauthorized:
		return auth.KindLogin
	case http.StatusForbidden:
		return auth.KindForbidden
	case http.StatusNotFound:
		return auth.KindNotFound
	case http.StatusTooManyRequests:
		return auth.KindThrottled
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return auth.KindUnavailable
	}
	return auth.KindProtocol
}

// refusal is the signing API's own sentence, if it sent one that is fit to be shown.
func refusal(status int, body []byte) error {
	var j struct {
		Detail any `json:"detail"`
	}
	text := fmt.Errorf("the signing API answered %d", status)
	if status == http.StatusBadRequest {
		text = rejected{text}
	}
	if json.Unmarshal(body, &j) != nil {
		return text
	}
	detail, ok := j.Detail.(string)
	if !ok || detail == "" {
		return text
	}
	if len(detail) > 400 || secretive(detail) {
		return text
	}
	return fmt.Errorf("%w: %s", text, detail)
}

// rejected is an error that is also errBadRequest.
type rejected struct{ error }

func (rejected) Is(target error) bool { return target == errBadRequest }

// secretive tells whether a text quotes something that must not be shown.
func secretive(s string) bool {
	l := strings.ToLower(s)
	for _, w := range []string{"x-amz-", "x-goog-", "signature=", "sig=", "bearer ey", "eyj"} {
		if strings.Contains(l, w) {
			return true
		}
	}
	return false
}

// decode reads an answer, which must have a usable URL for every href.
func decode(text []byte, hrefs []string, now time.Time) (map[string]auth.Signed, error) {
	var j struct {
		Expiry string            `json:"expiry"`
		Hrefs  map[string]string `json:"hrefs"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "unexpected end") {
			return nil, errors.New("the answer is cut short")
		}
		// The decoder's text may quote the body.
		return nil, errors.New("the answer is not the JSON of a signing API")
	}
	expiry, err := parseExpiry(j.Expiry)
	if err != nil {
		return nil, err
	}
	if !expiry.After(now) {
		return nil, fmt.Errorf("the answer's URLs ended at %s: do this machine's clock and the server's agree?", expiry.Format(time.RFC3339))
	}
	out := make(map[string]auth.Signed, len(hrefs))
	for _, h := range hrefs {
		signed, ok := j.Hrefs[h]
		if !ok {
			return nil, fmt.Errorf("the answer lacks a URL for %s", httpx.Redact(h))
		}
		if err := usable(h, signed); err != nil {
			return nil, err
		}
		out[h] = auth.Signed{Href: h, URL: auth.Secret(signed), Expiry: expiry}
	}
	return out, nil
}

// usable refuses what cannot be fetched, and what would carry the right to read in the clear where the href didn't.
func usable(href, signed string) error {
	u, err := url.Parse(signed)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the answer for %s is not a URL that can be fetched", httpx.Redact(href))
	}
	if strings.HasPrefix(strings.ToLower(href), "https:") && u.Scheme == "http" {
		return fmt.Errorf("the answer for %s falls back from https to http", httpx.Redact(href))
	}
	return nil
}

// parseExpiry reads RFC 3339. A time without a zone, as Python writes when nobody thought of it, is UTC.
func parseExpiry(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("the answer's expiry is not a time (RFC 3339)")
}
