package engine

import (
	"context"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// gate names what several tasks share and what may be shut to all of them: a login, a host, or a folder.
type gate struct{ conn, host, dir string }

// shutGate is a gate that is shut until a time. After that one task at a time may try it.
type shutGate struct {
	until time.Time
	tries int
	err   *download.Error
	probe download.TaskID
}

func hostOf(href string) string {
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	return u.Host
}

func gatesOf(r download.Request) [3]gate {
	return [3]gate{{conn: r.Connection}, {host: hostOf(r.Href)}, {dir: r.Dir}}
}

// shut shuts a gate for the backoff that its failures earn, at least for after, and returns how long that is from now.
func (e *Engine) shut(g gate, err *download.Error, after time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.cfg.Now()
	s := e.gates[g]
	if s == nil {
		s = &shutGate{}
		e.gates[g] = s
	}
	s.err, s.probe = err, 0
	// Those that failed together count once.
	if !now.Before(s.until) {
		s.tries++
	}
	if until := now.Add(max(after, e.backoff(s.tries-1))); until.After(s.until) {
		s.until = until
	}
	return s.until.Sub(now)
}

// clear opens a gate that proved to be passable.
func (e *Engine) clear(g gate) {
	e.mu.Lock()
	_, was := e.gates[g]
	delete(e.gates, g)
	e.mu.Unlock()
	if was {
		e.wake()
	}
}

// backoff is the wait after the nth failure in a row, with jitter so that tasks don't march in step.
func (e *Engine) backoff(n int) time.Duration {
	d := e.cfg.BackoffMax
	if n = max(n, 0); n < 30 {
		d = min(d, e.cfg.BackoffMin<<n)
	}
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1))
}

// failed counts a failure and returns how many came in a row without progress.
func (e *Engine) failed(id download.TaskID, progress bool) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.byID[id]
	if t == nil {
		return 1
	}
	if progress {
		t.tries = 0
	}
	t.tries++
	return t.tries
}

// hold keeps a task from starting for d.
func (e *Engine) hold(id download.TaskID, d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.byID[id]; t != nil {
		t.notBefore = e.cfg.Now().Add(d)
	}
}

// Wake tries at once what waits: call it after a login, or when the network is back.
func (e *Engine) Wake() {
	e.mu.Lock()
	for _, s := range e.gates {
		s.until = time.Time{}
	}
	for _, t := range e.tasks {
		t.notBefore = time.Time{}
	}
	e.mu.Unlock()
	e.wake()
}

// schedule starts what may start, and returns when it should be called again at the latest (zero: when something happens).
func (e *Engine) schedule(ctx context.Context) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.cfg.Now()
	var next time.Time
	later := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, t := range e.tasks {
		if e.running >= e.cfg.Concurrency {
			break
		}
		if t.rec.State != download.Queued || t.run != nil || e.paths[t.key] {
			continue
		}
		if now.Before(t.notBefore) {
			later(t.notBefore)
			continue
		}
		if until, ok := e.passes(t, now); !ok {
			if !until.IsZero() {
				later(until)
			}
			continue
		}
		e.start(ctx, t)
	}
	return next
}

// passes reports whether t may go through its gates, and if not, when to look again. A task that may go through a gate
// whose time has come is that gate's probe: the others wait for what it finds.
func (e *Engine) passes(t *entry, now time.Time) (time.Time, bool) {
	for _, g := range t.gates {
		s := e.gates[g]
		if s == nil {
			continue
		}
		if now.Before(s.until) {
			return s.until, false
		}
		if p := e.byID[s.probe]; s.probe != 0 && p != nil && p.run != nil {
			return time.Time{}, false
		}
	}
	for _, g := range t.gates {
		if s := e.gates[g]; s != nil {
			s.probe = t.rec.ID
		}
	}
	return time.Time{}, true
}

// start runs t's worker. The caller holds e.mu.
func (e *Engine) start(ctx context.Context, t *entry) {
	wctx, stop := context.WithCancelCause(ctx)
	key := t.key
	w := &worker{e: e, stop: stop, rec: t.rec}
	w.ahead = func() []string { return e.soon(w.rec.Connection) }
	t.run = w
	e.paths[key] = true
	e.running++
	e.workers.Go(func() {
		w.run(wctx)
		stop(nil)
		e.tidy(context.WithoutCancel(wctx), w.rec.ID)
		e.mu.Lock()
		t.run = nil
		t.rec.Rate = 0
		delete(e.paths, key)
		e.running--
		e.mu.Unlock()
		e.touch()
		e.wake()
	})
}

// soon names the hrefs of a connection whose turn comes within minutes, in the order of the queue.
func (e *Engine) soon(connection string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	budget := max(int64(1)<<30, int64(e.rate*300))
	var hrefs []string
	for _, t := range e.tasks {
		if t.rec.Connection != connection || t.rec.State != download.Queued && t.rec.State != download.Signing {
			continue
		}
		hrefs = append(hrefs, t.rec.Href)
		if t.rec.Size > 0 {
			budget -= t.rec.Size
		} else {
			budget -= 128 << 20
		}
		if len(hrefs) >= signBatch || budget <= 0 && len(hrefs) >= e.cfg.Concurrency {
			break
		}
	}
	return hrefs
}

// limits bounds the connections to each host.
type limits struct {
	most int
	mu   sync.Mutex
	host map[string]chan struct{}
}

func (l *limits) acquire(ctx context.Context, host string) (release func(), err error) {
	l.mu.Lock()
	c := l.host[host]
	if c == nil {
		c = make(chan struct{}, l.most)
		l.host[host] = c
	}
	l.mu.Unlock()
	select {
	case c <- struct{}{}:
		return sync.OnceFunc(func() { <-c }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
