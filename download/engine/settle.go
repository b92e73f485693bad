package engine

import (
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

// settle decides what an error means for the task: it waits in the queue, starts clean, or has failed. It writes w.rec; clean
// says that the ranges on the disk must be forgotten along.
func (w *worker) settle(err error) (clean bool) {
	if errors.Is(err, errShutdown) {
		w.rec.State = download.Queued
		return false
	}
	e := errorOf(err)
	w.rec.Err = e
	var r restart
	if errors.As(err, &r) || errors.Is(err, errPartGone) {
		w.restart(e)
		return true
	}
	tries := w.e.failed(w.rec.ID, w.advanced)
	host, conn := gate{host: hostOf(w.rec.Href)}, gate{conn: w.rec.Connection}
	var asked throttled
	var connect connectError
	switch e.Kind {
	case download.KindLogin:
		w.wait(conn, 0, tries)
	case download.KindDiskFull, download.KindFolder:
		w.wait(gate{dir: w.rec.Dir}, 0, tries)
	case download.KindThrottled:
		errors.As(err, &asked)
		w.trouble(host, asked.after, tries)
	case download.KindNetwork, download.KindServer:
		switch {
		case errors.As(err, &connect):
			w.trouble(host, 0, tries)
		case e.Op == "sign":
			w.trouble(conn, 0, tries)
		default:
			w.trouble(gate{}, 0, tries)
		}
	case download.KindProtocol:
		if tries >= maxProtocol {
			w.fail(e)
			break
		}
		w.trouble(gate{}, 0, tries)
	default:
		w.fail(e)
	}
	return false
}

// trouble is wait for what is given up on after GiveUp without a byte.
func (w *worker) trouble(g gate, after time.Duration, tries int) {
	now := w.e.cfg.Now()
	if w.rec.Trouble.IsZero() {
		w.rec.Trouble = now.UTC()
	}
	if d := now.Sub(w.rec.Trouble); d >= w.e.cfg.GiveUp {
		e := *w.rec.Err
		e.Err = fmt.Errorf("given up after %s: %w", d.Round(time.Second), w.rec.Err)
		w.fail(&e)
		return
	}
	w.wait(g, after, tries)
}

// wait puts the task back into the queue, behind the gate that the error closes, or for a while of its own.
func (w *worker) wait(g gate, after time.Duration, tries int) {
	w.rec.State = download.Queued
	d := max(after, w.e.backoff(tries-1))
	if g != (gate{}) {
		// Another task goes first when the gate opens, should the fault be this one's own.
		d = w.e.shut(g, w.rec.Err, after) + w.e.cfg.BackoffMin/2
	}
	w.e.hold(w.rec.ID, d)
	w.e.cfg.Logger.Warn("download waits", "task", w.rec.ID, "for", d, "err", w.rec.Err)
}

// restart forgets the bytes and begins again at once, or fails when that was done too often.
func (w *worker) restart(e *download.Error) {
	w.rec.SHA256, w.rec.Verified = "", false
	w.rec.ETag, w.rec.Modified, w.rec.Received, w.rec.Total = "", "", 0, w.rec.Size
	n, most := &w.rec.Restarts, maxRestarts
	if e.Kind == download.KindChecksum {
		n, most = &w.rec.Mismatches, maxMismatches
	}
	if *n >= most {
		w.fail(e)
		return
	}
	*n++
	w.rec.State = download.Queued
	w.e.cfg.Logger.Warn("download starts clean", "task", w.rec.ID, "err", e)
}

// fail ends the task; what it has stays, for a retry.
func (w *worker) fail(e *download.Error) {
	w.rec.State, w.rec.Err, w.rec.Finished = download.Failed, e, w.e.cfg.Now().UTC()
	w.rec.Retryable = e.Kind != download.KindUnsafe && e.Kind != download.KindInvalid
	w.e.cfg.Logger.Warn("download failed", "task", w.rec.ID, "err", e)
}
