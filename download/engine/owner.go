package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

// ratesEvery is how often the rates are worked out: the view changes no more often for them.
const ratesEvery = 250 * time.Millisecond

func free(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// Run works on the queue until ctx ends or Close is called: as its owner when no other process is, else looking on until
// that one goes. It returns when everything that it started has ended.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.mu.Lock()
	if e.closed || e.stop != nil {
		e.mu.Unlock()
		return errors.New("run the download queue: it runs already or is closed")
	}
	e.stop, e.stopped = cancel, make(chan struct{})
	e.mu.Unlock()
	defer close(e.stopped)

	work, shutdown := context.WithCancelCause(context.Background())
	defer e.release()
	defer e.workers.Wait()
	defer shutdown(errShutdown)

	poll, rates := time.NewTicker(e.cfg.Poll), time.NewTicker(ratesEvery)
	defer poll.Stop()
	defer rates.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var version int64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.kick:
		case <-timer.C:
		case <-poll.C:
			version = e.look(ctx, version)
		case <-rates.C:
			e.meter()
			continue
		}
		e.own(ctx)
		if !e.Owner() {
			continue
		}
		if next := e.schedule(work); !next.IsZero() {
			timer.Reset(max(next.Sub(e.cfg.Now()), time.Millisecond))
		}
	}
}

// Owner reports whether this process works on the queue.
func (e *Engine) Owner() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.owner
}

// own tries to become the owner.
func (e *Engine) own(ctx context.Context) {
	if e.Owner() {
		return
	}
	ok, err := e.lock.TryLock()
	if err != nil {
		err := diskError("lock the download queue", e.cfg.LockPath, err)
		e.mu.Lock()
		news := e.ownErr == nil
		e.ownErr = err
		e.mu.Unlock()
		if news {
			e.cfg.Logger.Error("cannot become the owner of the download queue", "err", err)
			e.touch()
		}
		return
	}
	if !ok {
		return
	}
	// What a former owner left in the middle, and did not show us, comes from the journal.
	err = e.journal.Update(ctx, func(tx *journal.Tx) error { _, err := tx.Recover(); return err }, nil)
	if err == nil {
		err = e.refresh(ctx, true)
	}
	if err != nil {
		e.cfg.Logger.Error("cannot take the download queue over", "err", err)
		_ = e.lock.Unlock()
		return
	}
	e.mu.Lock()
	e.owner, e.ownErr = true, nil
	var left []journal.Record
	for _, t := range e.tasks {
		if t.rec.Leftover && t.rec.State == download.Cancelled {
			left = append(left, t.rec)
		}
	}
	e.mu.Unlock()
	e.touch()
	e.grant(ctx)
	e.sweep(ctx, left)
}

// release gives the queue up after the last worker ended.
func (e *Engine) release() {
	e.mu.Lock()
	owner := e.owner
	e.owner = false
	e.mu.Unlock()
	if owner {
		if err := e.lock.Unlock(); err != nil {
			e.cfg.Logger.Error("cannot unlock the download queue", "err", err)
		}
	}
	e.touch()
}

// look takes in what other processes wrote since version, and returns the new one.
func (e *Engine) look(ctx context.Context, version int64) int64 {
	v, err := e.journal.Version(ctx)
	if err == nil && v != version {
		if err = e.refresh(ctx, false); err == nil && e.Owner() {
			e.grant(ctx)
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			e.cfg.Logger.Error("cannot read the download queue", "err", err)
		}
		return version
	}
	return v
}

// refresh reads what changed in the journal. An owner knows all but new tasks and wishes better than the journal that it
// reads; a viewer takes everything from there. whole starts over.
func (e *Engine) refresh(ctx context.Context, whole bool) error {
	var err error
	// Between two commits, lest a task that is just put into the queue here be taken for one that is gone.
	if oerr := e.journal.InOrder(ctx, func() { err = e.takeIn(ctx, whole) }); oerr != nil {
		return oerr
	}
	return err
}

func (e *Engine) takeIn(ctx context.Context, whole bool) error {
	e.mu.Lock()
	mark := e.mark
	e.mu.Unlock()
	if whole {
		mark = 0
	}
	recs, mark, count, err := e.journal.Changed(ctx, mark)
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.mark = mark
	if whole {
		e.tasks, e.byID = nil, map[download.TaskID]*entry{}
	}
	for _, r := range recs {
		if t := e.byID[r.ID]; t != nil && e.owner {
			t.rec.Wish = r.Wish
			continue
		}
		e.putOne(r)
	}
	missed := !e.owner && !whole && len(e.tasks) != count
	e.mu.Unlock()
	if missed {
		return e.takeIn(ctx, true)
	}
	e.touch()
	return nil
}

// grant does what other processes wish.
func (e *Engine) grant(ctx context.Context) {
	wishes := map[journal.Action][]download.TaskID{}
	e.mu.Lock()
	for _, t := range e.tasks {
		if a, ok := journal.Granted(t.rec.Wish, t.rec.State); ok {
			wishes[a] = append(wishes[a], t.rec.ID)
			t.rec.Wish = journal.None
		}
	}
	e.mu.Unlock()
	for a, ids := range wishes {
		if err := e.apply(ctx, a, ids); err != nil && ctx.Err() == nil {
			e.cfg.Logger.Error("cannot do what another window asks", "err", err)
		}
	}
}

// sweep removes the partial files of cancelled tasks that no worker will tidy up.
func (e *Engine) sweep(ctx context.Context, recs []journal.Record) {
	for _, r := range recs {
		e.mu.Lock()
		t := e.byID[r.ID]
		if t == nil || t.run != nil || !t.rec.Leftover || t.rec.State != download.Cancelled {
			e.mu.Unlock()
			continue
		}
		key := t.key
		busy := e.paths[key]
		e.paths[key] = true
		e.mu.Unlock()
		if busy {
			continue // a new task for the same file has replaced the partial file already
		}
		e.tidy(context.WithoutCancel(ctx), r.ID)
		e.mu.Lock()
		delete(e.paths, key)
		e.mu.Unlock()
	}
	e.wake()
}

// tidy removes what a cancelled task left.
func (e *Engine) tidy(ctx context.Context, id download.TaskID) {
	e.mu.Lock()
	t := e.byID[id]
	if t == nil || !t.rec.Leftover || t.rec.State != download.Cancelled {
		e.mu.Unlock()
		return
	}
	rec := t.rec
	e.mu.Unlock()
	if err := e.discard(ctx, rec); err != nil {
		e.cfg.Logger.Warn("the partial file of a cancelled download stays", "task", id, "err", err)
	}
}

// discard removes a task's partial file, and journals that.
func (e *Engine) discard(ctx context.Context, r journal.Record) error {
	if err := discard(r.Dir, r.Path); err != nil {
		return err
	}
	return e.journal.Update(ctx, func(tx *journal.Tx) error { return tx.Removed(r.ID) }, func() {
		e.mu.Lock()
		if t := e.byID[r.ID]; t != nil {
			t.rec.Leftover = false
		}
		e.mu.Unlock()
	})
}

// meter works the rates out.
func (e *Engine) meter() {
	e.mu.Lock()
	now := time.Now()
	sum, news := 0.0, false
	for _, t := range e.tasks {
		r := 0.0
		if t.run != nil && t.rec.State == download.Fetching {
			r = t.run.meter.tick(now)
		}
		news = news || r != t.rec.Rate
		t.rec.Rate = r
		sum += r
	}
	e.rate = sum
	e.mu.Unlock()
	if news {
		e.touch()
	}
}
