package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

var (
	// errStopped ends a worker whose task was paused, cancelled or forgotten: the journal has the new state already.
	errStopped = errors.New("stopped by a command")
	// errShutdown ends a worker because the program does.
	errShutdown = errors.New("the program ends")
)

var underWay = []download.State{download.Queued, download.Signing, download.Fetching, download.Verifying}

// worker takes one task from queued to done, or to where it waits or fails.
type worker struct {
	e     *Engine
	stop  context.CancelCauseFunc
	ahead func() []string
	meter meter

	mu       sync.Mutex
	rec      journal.Record // its request, id and path don't change while a transfer runs
	advanced bool           // bytes came that will not be asked for again
}

// run works until the task is done, waits or failed. It leaves the journal true whatever happens.
func (w *worker) run(ctx context.Context) {
	err := w.work(ctx)
	if err == nil {
		return
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, errStopped) {
		return
	}
	// The last words must reach the journal also when the program ends; while its disk is full, they wait.
	w.mu.Lock()
	clean := w.settle(err)
	w.mu.Unlock()
	for n := 0; ; n++ {
		err := w.e.save(context.WithoutCancel(ctx), w.rec, nil, clean, underWay...)
		if err == nil || errors.Is(err, errStopped) {
			return
		}
		w.e.cfg.Logger.Error("cannot write the download queue", "task", w.rec.ID, "err", err)
		if pause(ctx, w.e.backoff(n)) != nil {
			return // the next start finds the task interrupted
		}
	}
}

func (w *worker) work(ctx context.Context) error {
	if w.rec.Leftover {
		if err := w.e.discard(ctx, w.rec); err != nil {
			return err
		}
		w.rec.Leftover = false
	}
	if done, err := w.alreadyThere(ctx); done || err != nil {
		return err
	}
	segs, err := w.e.journal.Segments(ctx, w.rec.ID)
	if err != nil {
		return err
	}
	// A file whose bytes are all there needs no signature any more.
	next := download.Verifying
	if len(segs) == 0 || slices.ContainsFunc(segs, func(s journal.Segment) bool { return s.Done != s.Length }) {
		next = download.Signing
		w.rec.Attempts++
	}
	if err := w.move(ctx, next, download.Queued); err != nil {
		return err
	}
	t, err := w.prepare(ctx, segs)
	if err != nil {
		return err
	}
	defer t.part.f.Close()
	if err := t.run(ctx); err != nil {
		return err
	}
	return w.finish(ctx, t)
}

// prepare opens the partial file, if the journal's ranges can be in it, or a clean one.
func (w *worker) prepare(ctx context.Context, segs []journal.Segment) (*transfer, error) {
	missing := w.rec.Total - w.rec.Received
	if w.rec.Total < 0 {
		missing = 0
	}
	if err := w.e.room(w.rec.Dir, missing); err != nil {
		return nil, err
	}
	end := int64(0)
	for _, s := range segs {
		if s.Done > 0 {
			end = s.Offset + s.Done
		}
	}
	if len(segs) > 0 {
		st, err := os.Stat(w.rec.Path + download.PartSuffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, diskError("find the partial file", w.rec.Path+download.PartSuffix, err)
		}
		if err != nil || st.Size() < end {
			return nil, restartFor(download.KindFolder, w.rec.Path+download.PartSuffix, "the partial file is gone or shorter than it was")
		}
	}
	p, err := openPart(w.rec.Dir, w.rec.Path, len(segs) == 0)
	if err != nil {
		return nil, err
	}
	w.e.clear(gate{dir: w.rec.Dir})
	t := &transfer{w: w, part: p, hash: newDigest(w.rec.Checksum), total: -1, shown: w.rec.Received}
	if len(segs) > 0 {
		t.resumable, t.total, t.etag, t.modified = true, w.rec.Total, w.rec.ETag, w.rec.Modified
		for _, s := range segs {
			t.segs = append(t.segs, &segment{Segment: s})
		}
	}
	return t, nil
}

// planned journals what the first answer told, before a byte of it is kept.
func (w *worker) planned(ctx context.Context, t *transfer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rec.Total, w.rec.ETag, w.rec.Modified, w.rec.Received = t.total, t.etag, t.modified, 0
	t.shown = 0
	w.rec.Err, w.rec.State = nil, download.Fetching
	var segs []journal.Segment
	if t.resumable {
		for _, s := range t.segs {
			segs = append(segs, s.Segment)
		}
	}
	w.e.clear(gate{host: hostOf(w.rec.Href)})
	return w.e.save(ctx, w.rec, segs, true, download.Signing)
}

// arrived takes note of the first answer of a resumed file.
func (w *worker) arrived(ctx context.Context, t *transfer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rec.State != download.Signing {
		return nil
	}
	w.rec.Err, w.rec.State = nil, download.Fetching
	w.e.clear(gate{host: hostOf(w.rec.Href)})
	return w.e.save(ctx, w.rec, nil, false, download.Signing)
}

// progress journals how many bytes are on the disk.
func (w *worker) progress(ctx context.Context, received int64, segs []journal.Segment) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if received > w.rec.Received && len(segs) > 0 {
		w.advanced, w.rec.Trouble = true, time.Time{}
	}
	w.rec.Received = received
	return w.e.progress(ctx, w.rec.ID, received, segs)
}

// move journals a new state.
func (w *worker) move(ctx context.Context, to download.State, from ...download.State) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rec.State = to
	return w.e.save(ctx, w.rec, nil, false, from...)
}

// finish verifies the bytes and gives the file its name.
func (w *worker) finish(ctx context.Context, t *transfer) error {
	w.rec.Total, w.rec.Received = t.total, t.total
	if err := w.move(ctx, download.Verifying, download.Fetching, download.Verifying); err != nil {
		return err
	}
	if st, err := t.part.f.Stat(); err != nil {
		return diskError("read the partial file", t.part.path, err)
	} else if st.Size() > t.total {
		// A clean start that was cut may have left a longer file.
		if err := t.part.f.Truncate(t.total); err != nil {
			return diskError("write the partial file", t.part.path, err)
		}
	}
	if err := t.hash.finish(ctx, t.part.f, t.total); err != nil {
		if context.Cause(ctx) != nil {
			return err
		}
		return diskError("read the partial file", t.part.path, err)
	}
	if err := t.hash.check(); err != nil {
		return restart{&download.Error{Op: "verify", Kind: download.KindChecksum, Key: w.rec.Item + "/" + w.rec.Asset, Err: err}}
	}
	if err := t.part.sync(); err != nil {
		return err
	}
	if err := t.part.f.Close(); err != nil {
		return diskError("write the partial file", t.part.path, err)
	}
	// With the hash in the journal, a crash between here and done is told apart from a foreign file.
	w.rec.SHA256, w.rec.Verified = t.hash.sha256(), t.hash.wanted
	if err := w.move(ctx, download.Verifying, download.Verifying); err != nil {
		return err
	}
	return w.publish(ctx)
}

func (w *worker) publish(ctx context.Context) error {
	for {
		part := w.rec.Path + download.PartSuffix
		err := publish(part, w.rec.Path)
		if errors.Is(err, fs.ErrExist) {
			if err := w.settleOn(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		return w.done(ctx)
	}
}

func (w *worker) done(ctx context.Context) error {
	w.rec.Err, w.rec.Trouble, w.rec.Finished = nil, time.Time{}, w.e.cfg.Now().UTC()
	// The file has its name: nobody may stop its being told so.
	ctx = context.WithoutCancel(ctx)
	err := w.move(ctx, download.Done, download.Verifying)
	w.e.urls.drop(w.rec.Connection, w.rec.Href)
	if errors.Is(err, errStopped) {
		return nil // paused or cancelled in this moment: the file will be recognised
	}
	w.e.cfg.Logger.Info("downloaded", "task", w.rec.ID, "path", w.rec.Path, "bytes", w.rec.Total, "verified", w.rec.Verified)
	return err
}

// settleOn gives the task another path, because there is a file at its own that isn't its own. The partial file moves along.
func (w *worker) settleOn(ctx context.Context) error {
	old := w.rec.Path
	path, err := w.e.repath(ctx, w.rec.ID)
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.rec.Path = path
	w.mu.Unlock()
	if err := os.Rename(old+download.PartSuffix, path+download.PartSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return diskError("rename the partial file", old+download.PartSuffix, err)
	}
	return nil
}

// alreadyThere looks at a file that has the task's name before anything is fetched. It is done if it is the task's own (a
// crash came between the rename and the journal), or if its bytes are what the item promises; a foreign file is left alone,
// and the task gets another name.
func (w *worker) alreadyThere(ctx context.Context) (bool, error) {
	st, err := os.Lstat(w.rec.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, diskError("look for the file", w.rec.Path, err)
	}
	_, promise := download.ParseChecksum(w.rec.Checksum)
	known := w.rec.SHA256 != "" || promise == nil
	if !st.Mode().IsRegular() || !known || w.rec.Size > 0 && st.Size() != w.rec.Size {
		return false, w.settleOn(ctx)
	}
	d, err := hashFile(ctx, w.rec.Path, w.rec.Checksum)
	if err != nil {
		if context.Cause(ctx) != nil {
			return false, err
		}
		return false, diskError("read the file", w.rec.Path, err)
	}
	if own := w.rec.SHA256 != "" && d.sha256() == w.rec.SHA256; !own && (!d.wanted || d.check() != nil) {
		return false, w.settleOn(ctx)
	}
	w.rec.SHA256, w.rec.Verified = d.sha256(), d.wanted && d.check() == nil
	w.rec.Total, w.rec.Received = st.Size(), st.Size()
	if err := w.move(ctx, download.Verifying, download.Queued); err != nil {
		return false, err
	}
	if err := os.Remove(w.rec.Path + download.PartSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, diskError("remove the partial file", w.rec.Path+download.PartSuffix, err)
	}
	return true, w.done(ctx)
}

// errorOf types whatever ended a worker.
func errorOf(err error) *download.Error {
	var de *download.Error
	if errors.As(err, &de) {
		return de
	}
	if errors.Is(err, errPartGone) {
		return &download.Error{Op: "fetch", Kind: download.KindFolder, Err: err}
	}
	return &download.Error{Op: "fetch", Kind: download.KindInternal, Err: fmt.Errorf("unexpected: %w", err)}
}
