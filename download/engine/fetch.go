package engine

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

// bufferSize is how much is read and written at once.
const bufferSize = 128 << 10

// inPlace is how often a range is tried again without progress before its file gives up its place.
const inPlace = 2

// transfer fetches one file into its partial file.
type transfer struct {
	w    *worker
	part *part
	hash *digest

	mu             sync.Mutex
	segs           []*segment
	total          int64 // -1: not known
	etag, modified string
	// resumable is false for a server without ranges: after any failure the file starts over.
	resumable bool
	shown     int64 // bytes that the last checkpoint confirmed
}

// segment is a range under way. Its end may be unknown (Length -1).
type segment struct {
	journal.Segment
	busy bool
}

// restart is an error after which the bytes on the disk cannot be used: the file starts clean.
type restart struct{ cause *download.Error }

func (r restart) Error() string { return r.cause.Error() }
func (r restart) Unwrap() error { return r.cause }

func restartFor(kind download.Kind, host, why string) error {
	return restart{&download.Error{Op: "fetch", Kind: kind, Key: host, Err: errors.New(why + "; started clean")}}
}

// run fetches until every byte of the file is in the partial file.
func (t *transfer) run(ctx context.Context) error {
	var first *answer
	if !t.resumable {
		var err error
		if first, err = t.begin(ctx); err != nil {
			return err
		}
	}
	// A disk that fails at a checkpoint ends the connections, and is the cause that they report.
	cctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	finished := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { t.checkpoints(cctx, cancel, finished) })
	g, gctx := errgroup.WithContext(cctx)
	for range min(t.w.e.cfg.PerFile, max(t.open(), 1)) {
		// The first answer belongs to the first range, whoever runs first.
		s, a := t.take(), first
		first = nil
		g.Go(func() error { return t.connection(gctx, s, a) })
	}
	err := g.Wait()
	close(finished)
	background.Wait()
	var r restart
	if errors.As(err, &r) {
		return err
	}
	// Whatever ended it, the bytes that arrived are kept.
	if cerr := t.checkpoint(context.WithoutCancel(ctx)); err == nil {
		err = cerr
	}
	return err
}

// open counts the ranges that are not complete.
func (t *transfer) open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, s := range t.segs {
		if s.Done != s.Length {
			n++
		}
	}
	return n
}

// connection works on s and then on one range after another. The answer, if there is one, is for s.
func (t *transfer) connection(ctx context.Context, s *segment, a *answer) error {
	if s == nil && a != nil {
		a.close() // an empty file
	}
	for ; s != nil; s = t.take() {
		if err := t.segment(ctx, s, a); err != nil {
			return err
		}
		a = nil
	}
	return nil
}

func (t *transfer) take() *segment {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.segs {
		if !s.busy && s.Done != s.Length {
			s.busy = true
			return s
		}
	}
	return nil
}

// segment fetches one range to its end. A failure that may pass is tried again at its byte.
func (t *transfer) segment(ctx context.Context, s *segment, a *answer) error {
	for tries := 0; ; {
		before := t.done(s)
		err := t.once(ctx, s, a)
		a = nil
		if err == nil && t.complete(s) {
			return nil
		}
		if err == nil {
			continue // the server gave less than was asked, honestly; the rest is asked for again
		}
		if t.done(s) > before {
			tries = 0
		}
		if tries++; tries > inPlace || !t.resumable || !mayPass(err) || ctx.Err() != nil {
			return err
		}
		t.w.e.cfg.Logger.Debug("range fails, trying again", "task", t.w.rec.ID, "at", t.done(s), "err", err)
		if err := pause(ctx, t.w.e.backoff(tries-1)); err != nil {
			return err
		}
	}
}

func (t *transfer) done(s *segment) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return s.Done
}

func (t *transfer) complete(s *segment) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return s.Done == s.Length
}

// mayPass reports whether an error is worth another try on the spot.
func mayPass(err error) bool {
	var r restart
	var c connectError
	if errors.As(err, &r) || errors.As(err, &c) {
		return false
	}
	switch download.KindOf(err) {
	case download.KindNetwork, download.KindServer, download.KindProtocol:
		return true
	}
	return false
}

// pause sleeps for d, or returns the cause of ctx's end.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// once asks for the rest of a range and copies the answer.
func (t *transfer) once(ctx context.Context, s *segment, a *answer) error {
	if a == nil {
		from := s.Offset + t.done(s)
		var err error
		if a, err = t.ask(ctx, from, s.Offset+s.Length-1); err != nil {
			return err
		}
		if err := t.check(a, from, s.Offset+s.Length-1); err != nil {
			a.close()
			return err
		}
		if err := t.w.arrived(ctx, t); err != nil {
			a.close()
			return err
		}
	}
	defer a.close()
	return t.copy(ctx, s, a)
}

// check compares an answer to a ranged request with the file that the bytes on the disk belong to.
func (t *transfer) check(a *answer, from, to int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if looksLikeHTML(t.w.rec.Request, a.Header.Get("Content-Type"), nil) {
		return protocolError(a.host, errHTML)
	}
	etag := a.Header.Get("ETag")
	if etag != "" && t.etag != "" && etag != t.etag {
		return restartFor(download.KindChanged, a.host, "the file changed on the server while it was fetched")
	}
	r, err := parseContentRange(a.Header.Get("Content-Range"))
	switch a.StatusCode {
	case http.StatusOK:
		if a.ContentLength >= 0 && a.ContentLength != t.total {
			return restartFor(download.KindChanged, a.host, fmt.Sprintf("the file has %d bytes on the server now, not %d", a.ContentLength, t.total))
		}
		if etag == "" && t.etag == "" && t.modified != "" && a.Header.Get("Last-Modified") != t.modified {
			return restartFor(download.KindChanged, a.host, "the file has another date on the server now")
		}
		return restartFor(download.KindProtocol, a.host, "the server no longer gives ranges")
	case http.StatusRequestedRangeNotSatisfiable:
		return restartFor(download.KindChanged, a.host, "the server says that the range lies outside the file")
	}
	switch {
	case err != nil:
		return protocolError(a.host, err)
	case encoded(a.Response):
		return restartFor(download.KindProtocol, a.host, "the server began to compress the file")
	case r.total >= 0 && r.total != t.total:
		return restartFor(download.KindChanged, a.host, fmt.Sprintf("the file has %d bytes on the server now, not %d", r.total, t.total))
	case r.from != from || r.to > to:
		return protocolError(a.host, fmt.Errorf("the server gives bytes %d-%d where %d-%d were asked", r.from, r.to, from, to))
	case a.ContentLength >= 0 && a.ContentLength != r.to-r.from+1:
		return protocolError(a.host, fmt.Errorf("the server announces %d bytes for a range of %d", a.ContentLength, r.to-r.from+1))
	}
	a.body = io.LimitReader(a.Body, r.to-r.from+1)
	return nil
}

func encoded(r *http.Response) bool {
	e := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	return e != "" && e != "identity"
}

// copy writes a's body into the partial file, to the end of the body or of the range.
func (t *transfer) copy(ctx context.Context, s *segment, a *answer) error {
	e := t.w.e
	buf := e.buffers.Get().(*[bufferSize]byte)
	defer e.buffers.Put(buf)
	at := s.Offset + t.done(s)
	for {
		b := buf[:e.chunk()]
		if s.Length >= 0 {
			if left := s.Offset + s.Length - at; left == 0 {
				return nil
			} else if left < int64(len(b)) {
				b = b[:left]
			}
		}
		n, err := a.read(b)
		if n > 0 {
			if werr := t.write(ctx, s, a, at, b[:n]); werr != nil {
				return werr
			}
			at += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return t.end(s, a)
		}
		if err != nil {
			return err
		}
	}
}

// write puts b at its place, and only then counts it.
func (t *transfer) write(ctx context.Context, s *segment, a *answer, at int64, b []byte) error {
	r := t.w.rec.Request
	if at == 0 && looksLikeHTML(r, "", b) {
		return protocolError(a.host, errHTML)
	}
	if s.Length < 0 && r.Size > 0 && at+int64(len(b)) > r.Size {
		return protocolError(a.host, fmt.Errorf("the server sends more than the %d bytes that the item promises", r.Size))
	}
	if _, err := t.part.f.WriteAt(b, at); err != nil {
		return diskError("write the partial file", t.part.path, err)
	}
	t.hash.arrive(at, b)
	t.mu.Lock()
	s.Done += int64(len(b))
	t.mu.Unlock()
	t.w.meter.add(len(b))
	return t.w.e.throttle(ctx, len(b))
}

// end judges the end of a body.
func (t *transfer) end(s *segment, a *answer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Length >= 0 {
		if s.Done == s.Length || a.StatusCode == http.StatusPartialContent && a.ContentLength >= 0 {
			return nil
		}
		return &download.Error{Op: "fetch", Kind: download.KindNetwork, Key: a.host, Err: errCutShort}
	}
	// Only a body with an end of its own proves that it is whole; one that ends with its connection may be cut.
	chunked := slices.Contains(a.TransferEncoding, "chunked") || a.ProtoMajor >= 2
	_, zipped := a.body.(*gzip.Reader)
	size := t.w.rec.Size
	switch {
	case size > 0 && s.Done != size:
		return &download.Error{Op: "fetch", Kind: download.KindNetwork, Key: a.host, Err: fmt.Errorf("%w: %d of %d bytes came", errCutShort, s.Done, size)}
	case !chunked && !zipped && size <= 0 && !t.hash.wanted:
		return protocolError(a.host, errors.New("the server tells no length and the item promises neither size nor checksum: the file cannot be known to be whole"))
	}
	s.Length, t.total = s.Done, s.Done
	return nil
}

// checkpoints makes progress durable at intervals, until finished; a failure cancels the transfer.
func (t *transfer) checkpoints(ctx context.Context, cancel context.CancelCauseFunc, finished <-chan struct{}) {
	every := t.w.e.cfg.Checkpoint
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-finished:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		err := t.checkpoint(ctx)
		if err == nil {
			err = t.w.e.room(t.w.rec.Dir, 0)
		}
		if err != nil {
			cancel(err)
			return
		}
		// A slow disk shall not spend its time on flushing.
		timer.Reset(max(every, 4*time.Since(began)))
	}
}

// checkpoint puts what was written onto the disk, and then into the journal: never the other way round.
func (t *transfer) checkpoint(ctx context.Context) error {
	t.mu.Lock()
	var segs []journal.Segment
	var received int64
	for _, s := range t.segs {
		segs = append(segs, s.Segment)
		received += s.Done
	}
	resumable, news := t.resumable, received != t.shown
	t.mu.Unlock()
	if !news {
		return nil
	}
	if err := t.part.sync(); err != nil {
		return err
	}
	if !resumable {
		segs = nil
	}
	if err := t.w.progress(ctx, received, segs); err != nil {
		return err
	}
	t.mu.Lock()
	t.shown = received
	t.mu.Unlock()
	return nil
}
