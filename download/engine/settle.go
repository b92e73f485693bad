package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// How often a file is begun again before it fails.
const (
	maxRestarts   = 5 // it changed on the server, or ranges failed
	maxMismatches = 1 // its bytes are not what the item promises
	maxProtocol   = 4 // answers that aren't the file, one after another
)

// settle decides what an error means for the task: it waits in the queue, starts clean, or has failed.
func (w *worker) settle(ctx context.Context, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, errShutdown) {
		w.rec.State = download.Queued
		return w.e.save(ctx, w.rec, nil, false, underWay...)
	}
	e := errorOf(err)
	w.rec.Err = e
	var r restart
	if errors.As(err, &r) || errors.Is(err, errPartGone) {
		return w.restart(ctx, e)
	}
	tries := w.e.failed(w.rec.ID, w.advanced)
	var wait throttled
	errors.As(err, &wait)
	var connect connectError
	host := gate{host: hostOf(w.rec.Href)}
	switch e.Kind {
	case download.KindLogin:
		return w.wait(ctx, gate{conn: w.rec.Connection}, 0, false, tries)
	case download.KindDiskFull, download.KindFolder:
		return w.wait(ctx, gate{dir: w.rec.Dir}, 0, false, tries)
	case download.KindThrottled:
		return w.wait(ctx, host, wait.after, true, tries)
	case download.KindNetwork, download.KindServer:
		g := gate{}
		if errors.As(err, &connect) {
			g = host
		} else if e.Op == "sign" {
			g = gate{conn: w.rec.Connection}
		}
		return w.wait(ctx, g, 0, true, tries)
	case download.KindProtocol:
		if tries < maxProtocol {
			return w.wait(ctx, gate{}, 0, true, tries)
		}
	}
	return w.fail(ctx, e)
}

// wait puts the task back into the queue, behind the gate that the error closes. Trouble that counts is given up on after
// GiveUp.
func (w *worker) wait(ctx context.Context, g gate, after time.Duration, counts bool, tries int) error {
	now := w.e.cfg.Now()
	if counts {
		if w.rec.Trouble.IsZero() {
			w.rec.Trouble = now.UTC()
		}
		if d := now.Sub(w.rec.Trouble); d >= w.e.cfg.GiveUp {
			e := *w.rec.Err
			e.Err = fmt.Errorf("given up after %s: %w", d.Round(time.Second), w.rec.Err)
			return w.fail(ctx, &e)
		}
	}
	w.rec.State = download.Queued
	d := max(after, w.e.backoff(tries-1))
	if g != (gate{}) {
		d = w.e.shut(g, w.rec.Err, after)
		// Another task goes first when the gate opens, should the fault be this one's own.
		d += w.e.cfg.BackoffMin / 2
	}
	w.e.hold(w.rec.ID, d)
	w.e.cfg.Logger.Warn("download waits", "task", w.rec.ID, "for", d, "err", w.rec.Err)
	return w.e.save(ctx, w.rec, nil, false, underWay...)
}

// restart forgets the bytes and begins again at once, or fails when that was done too often.
func (w *worker) restart(ctx context.Context, e *download.Error) error {
	w.rec.SHA256, w.rec.Verified = "", false
	w.rec.ETag, w.rec.Modified, w.rec.Received, w.rec.Total = "", "", 0, w.rec.Size
	n, most := &w.rec.Restarts, maxRestarts
	if e.Kind == download.KindChecksum {
		n, most = &w.rec.Mismatches, maxMismatches
	}
	w.rec.State = download.Queued
	if *n >= most {
		w.finalize(e)
	}
	*n++
	w.e.cfg.Logger.Warn("download starts clean", "task", w.rec.ID, "err", e)
	return w.e.save(ctx, w.rec, nil, true, underWay...)
}

func (w *worker) fail(ctx context.Context, e *download.Error) error {
	w.finalize(e)
	return w.e.save(ctx, w.rec, nil, false, underWay...)
}

func (w *worker) finalize(e *download.Error) {
	w.rec.State, w.rec.Err, w.rec.Finished = download.Failed, e, w.e.cfg.Now().UTC()
	w.rec.Retryable = e.Kind != download.KindUnsafe && e.Kind != download.KindInvalid
	w.e.cfg.Logger.Warn("download failed", "task", w.rec.ID, "err", e)
}
