package engine

import (
	"context"
	"os"
	"path/filepath"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

// Enqueue implements download.Queue. The folders that the requests name are made, so that a wrong one is told at once. A
// presigned href is kept without its signature.
func (e *Engine) Enqueue(ctx context.Context, reqs []download.Request) ([]download.TaskID, error) {
	clean := make([]download.Request, len(reqs))
	made := map[string]bool{}
	for i, r := range reqs {
		href, err := download.Unsigned(r.Href)
		if err != nil {
			return nil, keyed(err, r.Item+"/"+r.Asset)
		}
		if _, err := download.PathFor(r, 0); err != nil {
			return nil, err
		}
		r.Href, r.Dir = href, filepath.Clean(r.Dir)
		if r.Size <= 0 {
			r.Size = -1
		}
		if !made[r.Dir] {
			if err := os.MkdirAll(r.Dir, 0o777); err != nil {
				return nil, diskError("make the download folder", r.Dir, err)
			}
			made[r.Dir] = true
		}
		clean[i] = r
	}
	var ids []download.TaskID
	var recs []journal.Record
	err := e.journal.UpdateDurable(ctx, func(tx *journal.Tx) (err error) {
		if ids, err = tx.Insert(clean); err != nil {
			return err
		}
		recs, err = tx.Mine()
		return err
	}, func() { e.put(recs...) })
	if err != nil {
		return nil, err
	}
	e.wake()
	return ids, nil
}

func keyed(err error, key string) error {
	if de, ok := err.(*download.Error); ok && de.Key == "" {
		de.Key = key
	}
	return err
}

// Pause implements download.Queue.
func (e *Engine) Pause(ctx context.Context, ids ...download.TaskID) error {
	return e.command(ctx, journal.DoPause, ids)
}

// Resume implements download.Queue.
func (e *Engine) Resume(ctx context.Context, ids ...download.TaskID) error {
	return e.command(ctx, journal.DoResume, ids)
}

// Cancel implements download.Queue.
func (e *Engine) Cancel(ctx context.Context, ids ...download.TaskID) error {
	return e.command(ctx, journal.DoCancel, ids)
}

// Retry implements download.Queue.
func (e *Engine) Retry(ctx context.Context, ids ...download.TaskID) error {
	return e.command(ctx, journal.DoRetry, ids)
}

// Forget implements download.Queue.
func (e *Engine) Forget(ctx context.Context, ids ...download.TaskID) error {
	return e.command(ctx, journal.DoForget, ids)
}

// command does an action as the owner, or leaves it for the owner to find.
func (e *Engine) command(ctx context.Context, a journal.Action, ids []download.TaskID) error {
	if e.Owner() {
		return e.apply(ctx, a, ids)
	}
	var recs []journal.Record
	err := e.journal.UpdateDurable(ctx, func(tx *journal.Tx) (err error) {
		if err := tx.Check(ids); err != nil {
			return err
		}
		if err := tx.Wish(a, ids); err != nil {
			return err
		}
		recs, err = tx.Mine()
		return err
	}, func() { e.put(recs...) })
	if err == nil && e.Owner() {
		e.grant(ctx) // it became the owner meanwhile
	}
	return err
}

func (e *Engine) apply(ctx context.Context, a journal.Action, ids []download.TaskID) error {
	var recs []journal.Record
	err := e.journal.UpdateDurable(ctx, func(tx *journal.Tx) (err error) {
		if err := tx.Check(ids); err != nil {
			return err
		}
		if recs, err = tx.Apply(a, ids); err != nil {
			return err
		}
		return tx.ClearWishes(ids)
	}, func() {
		if a == journal.DoForget {
			e.remove(recs)
		} else {
			e.put(recs...)
		}
	})
	if err != nil {
		return err
	}
	if a == journal.DoCancel {
		e.sweep(ctx, recs)
	}
	if a == journal.DoRetry || a == journal.DoResume {
		e.mu.Lock()
		for _, r := range recs {
			if t := e.byID[r.ID]; t != nil {
				t.notBefore, t.tries = e.cfg.Now(), 0
			}
		}
		e.mu.Unlock()
	}
	e.wake()
	return nil
}
