package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// answer is a response under a watchdog: it ends when nothing arrives for StallTimeout.
type answer struct {
	*http.Response
	host  string
	ctx   context.Context
	body  io.Reader // Response.Body, or what decodes it
	timer *time.Timer
	stall time.Duration
	close func()
}

// read is body.Read with the watchdog running, and with errors typed.
func (a *answer) read(b []byte) (int, error) {
	a.timer.Reset(a.stall)
	n, err := a.body.Read(b)
	a.timer.Stop()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case context.Cause(a.ctx) != nil && !errors.Is(context.Cause(a.ctx), errStalled):
		return n, context.Cause(a.ctx)
	case context.Cause(a.ctx) != nil:
		err = errStalled
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errCutShort
	}
	return n, &download.Error{Op: "fetch", Kind: download.KindNetwork, Key: a.host, Err: err}
}

// ask sends one request for the bytes from from to to (inclusive; all of them without a Range if to < 0), signed as
// needed. It returns answers of status 200, 206 and 416; others become errors. The caller closes the answer.
func (t *transfer) ask(ctx context.Context, from, to int64) (*answer, error) {
	e, rec := t.w.e, t.w.rec.Request // the rest of the record changes meanwhile
	signed, err := e.urls.get(ctx, rec.Connection, rec.Href, t.w.ahead)
	for refused := false; ; refused = true {
		if err != nil {
			return nil, causeOr(ctx, err)
		}
		e.clear(gate{conn: rec.Connection})
		a, err2 := t.send(ctx, signed.URL, from, to)
		if err2 != nil {
			return nil, err2
		}
		switch a.StatusCode {
		case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
			return a, nil
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest:
			// Stores answer 403 to an expired signature, S3 also 400 to an expired session token.
			if !refused {
				drain(a.Body)
				a.close()
				signed, err = e.urls.renew(ctx, rec.Connection, rec.Href, signed.URL, t.w.ahead)
				continue
			}
		}
		err2 = statusError(a.Response, a.host, e.cfg.Now())
		drain(a.Body)
		a.close()
		return nil, err2
	}
}

func causeOr(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// send sends one request to a signed URL, which it must not show to anybody.
func (t *transfer) send(ctx context.Context, signedURL string, from, to int64) (*answer, error) {
	e := t.w.e
	u, err := url.Parse(signedURL)
	if err != nil {
		return nil, protocolError("", errors.New("the signed URL is not readable"))
	}
	release, err := e.hosts.acquire(ctx, u.Host)
	if err != nil {
		return nil, causeOr(ctx, err)
	}
	rctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(e.cfg.StallTimeout, func() { cancel(errStalled) })
	done := func() { timer.Stop(); cancel(nil); release() }
	req, err := http.NewRequestWithContext(rctx, http.MethodGet, signedURL, nil)
	if err != nil {
		done()
		return nil, protocolError(u.Host, errors.New("the signed URL is not readable"))
	}
	req.Header.Set("User-Agent", httpx.UserAgent)
	// A compressed representation could be neither split nor resumed, and isn't what the checksum is of.
	req.Header.Set("Accept-Encoding", "identity")
	if to >= 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
		t.mu.Lock()
		switch {
		case strongETag(t.etag):
			req.Header.Set("If-Range", t.etag)
		case t.etag == "" && t.modified != "":
			req.Header.Set("If-Range", t.modified)
		}
		t.mu.Unlock()
	}
	resp, err := e.client.Do(req)
	if err != nil {
		err = requestError(rctx, u.Host, err)
		done()
		return nil, err
	}
	timer.Stop()
	return &answer{
		Response: resp, host: u.Host, ctx: rctx, body: resp.Body, timer: timer, stall: e.cfg.StallTimeout,
		close: func() { resp.Body.Close(); done() },
	}, nil
}
