package engine

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/time/rate"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

// Engine is a queue of downloads on a journal.
type Engine struct {
	cfg     Config
	journal *journal.Journal
	lock    *flock.Flock
	client  *http.Client
	urls    *urls
	hosts   *limits
	limiter *rate.Limiter // nil: no limit
	buffers sync.Pool

	kick    chan struct{}
	changes chan struct{}
	workers sync.WaitGroup

	mu      sync.Mutex
	tasks   []*entry // in the order of the queue
	byID    map[download.TaskID]*entry
	gates   map[gate]*shutGate
	paths   map[string]bool // folded paths that somebody works on
	running int
	owner   bool
	ownErr  *download.Error
	mark    int64 // of the journal's changes that are known
	rate    float64
	dirty   bool
	view    download.View
	stop    context.CancelFunc // of Run
	stopped chan struct{}
	closed  bool
}

var _ download.Queue = (*Engine)(nil)

// entry is a task in memory.
type entry struct {
	rec       journal.Record
	key       string  // its folded path
	gates     [3]gate // what it must pass
	run       *worker
	notBefore time.Time
	tries     int // failures in a row without progress
}

// Open opens the queue without starting anything: Snapshot and the commands work, transfers wait for Run. The error's kind
// is KindCorrupt for a journal of a newer version or another program; a damaged one is set aside, see SetAside.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(ctx, cfg.Journal, cfg.Now)
	if err != nil {
		return nil, err
	}
	if j.SetAside() != "" {
		cfg.Logger.Error("the download queue was damaged; a fresh one was begun", "set aside", j.SetAside())
	}
	e := &Engine{
		cfg: cfg, journal: j, lock: flock.New(cfg.LockPath), client: newClient(cfg.Transport),
		urls: newURLs(cfg.Signers, cfg.Now), hosts: &limits{most: cfg.PerHost, host: map[string]chan struct{}{}},
		buffers: sync.Pool{New: func() any { return new([bufferSize]byte) }},
		kick:    make(chan struct{}, 1), changes: make(chan struct{}, 1),
		byID: map[download.TaskID]*entry{}, gates: map[gate]*shutGate{}, paths: map[string]bool{},
	}
	if cfg.BandwidthLimit > 0 {
		e.limiter = rate.NewLimiter(rate.Limit(cfg.BandwidthLimit), int(min(max(cfg.BandwidthLimit/8, 1024), bufferSize)))
	}
	if err := e.refresh(ctx, true); err != nil {
		j.Close()
		return nil, err
	}
	return e, nil
}

// SetAside returns where a damaged journal was moved to by Open, or "".
func (e *Engine) SetAside() string { return e.journal.SetAside() }

// Close stops the transfers, makes what arrived durable, and closes the queue. It waits for that until ctx ends.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	stop, stopped := e.stop, e.stopped
	e.mu.Unlock()
	if stop != nil {
		stop()
		select {
		case <-stopped:
		case <-ctx.Done():
			return fmt.Errorf("close the download queue: %w", context.Cause(ctx))
		}
	}
	e.client.CloseIdleConnections()
	return e.journal.Close()
}

// Snapshot implements download.Queue. It costs nothing while nothing changes; the tasks are shared and must not be written.
func (e *Engine) Snapshot() download.View {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dirty {
		tasks := make([]download.Task, len(e.tasks))
		for i, t := range e.tasks {
			tasks[i] = t.rec.Task
		}
		e.view = download.View{Tasks: tasks, Rate: e.rate, Owner: e.owner, Blocked: e.blocked()}
		e.dirty = false
	}
	return e.view
}

// Changes implements download.Queue. There is one channel: it has one reader.
func (e *Engine) Changes() <-chan struct{} { return e.changes }

// blocked returns why nothing moves although something is queued. The caller holds e.mu.
func (e *Engine) blocked() *download.Error {
	if !e.owner {
		return e.ownErr
	}
	if len(e.gates) == 0 {
		return nil
	}
	var why *download.Error
	for _, t := range e.tasks {
		switch t.rec.State {
		case download.Fetching, download.Verifying:
			return nil
		case download.Queued, download.Signing:
			for _, g := range t.gates {
				if s := e.gates[g]; s != nil && why == nil {
					why = s.err
				}
			}
		}
	}
	return why
}

// touch marks the view as stale and tells its reader, who may be slow.
func (e *Engine) touch() {
	e.mu.Lock()
	e.dirty = true
	e.mu.Unlock()
	select {
	case e.changes <- struct{}{}:
	default:
	}
}

// wake makes the owner look for something to do.
func (e *Engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// put shows what the journal has now.
func (e *Engine) put(recs ...journal.Record) {
	e.mu.Lock()
	for _, r := range recs {
		e.putOne(r)
	}
	e.mu.Unlock()
	e.touch()
}

// putOne is put for one record; a worker whose task was taken from it is stopped. The caller holds e.mu.
func (e *Engine) putOne(r journal.Record) {
	t := e.byID[r.ID]
	if t == nil {
		t = &entry{gates: gatesOf(r.Request)}
		e.byID[r.ID] = t
		i, _ := slices.BinarySearchFunc(e.tasks, r.ID, func(t *entry, id download.TaskID) int { return cmp.Compare(t.rec.ID, id) })
		t.rec.ID = r.ID
		e.tasks = slices.Insert(e.tasks, i, t)
	}
	if r.Path != t.rec.Path {
		t.key = download.PathKey(r.Path)
	}
	r.Rate = t.rec.Rate
	if r.State != download.Fetching {
		r.Rate = 0
	}
	t.rec = r
	if r.State == download.Paused || r.State == download.Cancelled {
		t.notBefore, t.tries = time.Time{}, 0
		if t.run != nil {
			t.run.stop(errStopped)
		}
	}
}

// remove takes forgotten tasks out of the view.
func (e *Engine) remove(recs []journal.Record) {
	e.mu.Lock()
	for _, r := range recs {
		delete(e.byID, r.ID)
	}
	e.tasks = slices.DeleteFunc(e.tasks, func(t *entry) bool { return e.byID[t.rec.ID] == nil })
	e.mu.Unlock()
	e.touch()
}

// save journals a record of a worker, and shows it. errStopped means that a command came first.
func (e *Engine) save(ctx context.Context, r journal.Record, segs []journal.Segment, replace bool, from ...download.State) error {
	var ok bool
	update := e.journal.Update
	if replace && len(segs) == 0 {
		update = e.journal.UpdateDurable
	}
	err := update(ctx, func(tx *journal.Tx) (err error) {
		if ok, err = tx.Save(r, from...); err != nil || !ok || !replace {
			return err
		}
		return tx.SetSegments(r.ID, segs)
	}, func() {
		if ok {
			e.put(r)
		}
	})
	if err == nil && !ok {
		return errStopped
	}
	return err
}

// progress journals bytes that are on the disk, and shows them.
func (e *Engine) progress(ctx context.Context, id download.TaskID, received int64, segs []journal.Segment) error {
	var ok bool
	err := e.journal.Update(ctx, func(tx *journal.Tx) (err error) {
		ok, err = tx.Progress(id, received, segs)
		return err
	}, func() {
		if !ok {
			return
		}
		e.mu.Lock()
		if t := e.byID[id]; t != nil {
			t.rec.Received = received
			if len(segs) > 0 {
				t.rec.Trouble = time.Time{}
			}
		}
		e.mu.Unlock()
		e.touch()
	})
	if err == nil && !ok {
		return errStopped
	}
	return err
}

// repath gives a task a path at which there is no file.
func (e *Engine) repath(ctx context.Context, id download.TaskID) (string, error) {
	var path string
	err := e.journal.Update(ctx, func(tx *journal.Tx) (err error) {
		path, err = tx.Repath(id, free)
		return err
	}, func() {
		e.mu.Lock()
		if t := e.byID[id]; t != nil {
			t.rec.Path, t.key = path, download.PathKey(path)
		}
		e.mu.Unlock()
		e.touch()
	})
	return path, err
}

// room fails with KindDiskFull unless need bytes can come and the reserve stays.
func (e *Engine) room(dir string, need int64) error {
	free, err := e.cfg.FreeSpace(dir)
	if err != nil {
		return diskError("find the download folder", dir, err)
	}
	if free-need < e.cfg.Reserve {
		return &download.Error{
			Op: "check the disk", Kind: download.KindDiskFull, Key: dir,
			Err: fmt.Errorf("%d MB are free, %d MB are needed and %d MB stay in reserve; it goes on by itself when there is room",
				free>>20, (need+1<<20-1)>>20, e.cfg.Reserve>>20),
		}
	}
	return nil
}

// chunk is how many bytes to read at once, so that the bandwidth limit can be kept.
func (e *Engine) chunk() int {
	if e.limiter == nil {
		return bufferSize
	}
	return min(bufferSize, e.limiter.Burst())
}

func (e *Engine) throttle(ctx context.Context, n int) error {
	if e.limiter == nil {
		return nil
	}
	if err := e.limiter.WaitN(ctx, n); err != nil {
		return causeOr(ctx, err)
	}
	return nil
}
