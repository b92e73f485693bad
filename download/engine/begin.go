package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

// begin sends the first request, learns what the server can do, and plans the ranges.
func (t *transfer) begin(ctx context.Context) (*answer, error) {
	to := t.w.e.cfg.Splitter.First() - 1
	for {
		a, err := t.ask(ctx, 0, to)
		if err != nil {
			return nil, err
		}
		again, err := t.accept(a, to)
		if err != nil || again {
			a.close()
		}
		if err != nil {
			return nil, err
		}
		if !again {
			if err := t.w.planned(ctx, t); err != nil {
				a.close()
				return nil, err
			}
			return a, nil
		}
		to = -1 // this one is asked for without a range
	}
}

// accept reads the first answer. again means that the file must be asked for without a range.
func (t *transfer) accept(a *answer, to int64) (again bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if looksLikeHTML(t.w.rec.Request, a.Header.Get("Content-Type"), nil) {
		return false, protocolError(a.host, errHTML)
	}
	t.etag, t.modified, t.total = a.Header.Get("ETag"), a.Header.Get("Last-Modified"), -1
	r, rerr := parseContentRange(a.Header.Get("Content-Range"))
	switch {
	case a.StatusCode == http.StatusOK:
		return false, t.acceptWhole(a)
	case to < 0:
		return false, protocolError(a.host, fmt.Errorf("the host answers %s to a request without a range", statusText(a.StatusCode)))
	case a.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		if rerr == nil && r.total == 0 {
			t.total, t.resumable, a.body = 0, true, bytes.NewReader(nil)
			return false, t.promised(a)
		}
		return true, nil
	case encoded(a.Response), rerr == nil && r.total < 0:
		return true, nil
	case rerr != nil:
		return false, protocolError(a.host, rerr)
	case r.from != 0 || r.to > to:
		return false, protocolError(a.host, fmt.Errorf("the server gives bytes %d-%d where 0-%d were asked", r.from, r.to, to))
	case a.ContentLength >= 0 && a.ContentLength != r.to+1:
		return false, protocolError(a.host, fmt.Errorf("the server announces %d bytes for a range of %d", a.ContentLength, r.to+1))
	}
	t.total, t.resumable = r.total, true
	a.body = io.LimitReader(a.Body, r.to+1)
	plan := append([]journal.Segment{{Length: r.to + 1}}, t.w.e.cfg.Splitter.Split(r.to+1, r.total, t.w.e.cfg.PerFile)...)
	t.segs = nil
	for _, s := range plan {
		t.segs = append(t.segs, &segment{Segment: s})
	}
	return false, t.promised(a)
}

// acceptWhole takes an answer that is the whole file, from a server without ranges.
func (t *transfer) acceptWhole(a *answer) error {
	t.total = a.ContentLength
	if encoded(a.Response) {
		if enc := strings.ToLower(a.Header.Get("Content-Encoding")); enc != "gzip" && enc != "x-gzip" {
			return protocolError(a.host, fmt.Errorf("the server compresses the file with %.20q, which was not asked for", enc))
		}
		z, err := gzip.NewReader(watched{a})
		if err != nil {
			return protocolError(a.host, fmt.Errorf("the server says that the file is compressed: %w", err))
		}
		a.body, t.total = z, -1
	}
	t.segs = []*segment{{Segment: journal.Segment{Length: t.total}}}
	return t.promised(a)
}

// watched reads the raw body under the watchdog, for the decoder's own header.
type watched struct{ a *answer }

func (w watched) Read(b []byte) (int, error) {
	w.a.timer.Reset(w.a.stall)
	return w.a.Body.Read(b)
}

// promised compares the size with the item's.
func (t *transfer) promised(a *answer) error {
	if size := t.w.rec.Size; size > 0 && t.total >= 0 && t.total != size {
		return protocolError(a.host, fmt.Errorf("the server has %d bytes, the item promises %d", t.total, size))
	}
	return nil
}
