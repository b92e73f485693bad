// Package journal keeps the queue on disk, in SQLite: tasks, the ranges of files under way, and what other processes wish.
//
// It knows what may follow what (download.State.CanBecome) and keeps paths apart, but starts nothing: the transfers are in
// engine. What must never come here: signed URLs, tokens, net/http.
//
// Writes go through Update, which commits the writes of all callers together, in order, and runs each caller's then in that
// same order after the commit: what is shown never runs ahead of what is kept.
package journal

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

// AppID marks a journal's file ("DiDq").
const AppID = 0x44694471

//go:embed migrations/*.sql
var migrations embed.FS

// Wish is what a process that does not own the queue asks of a task.
type Wish string

// The wishes. Run resumes what is paused and retries what failed or was cancelled.
const (
	None   Wish = ""
	Run    Wish = "run"
	Pause  Wish = "pause"
	Cancel Wish = "cancel"
	Forget Wish = "forget"
)

// Record is a task with what only the owner needs.
type Record struct {
	download.Task
	Wish Wish
	// ETag and Modified are the validators of the object whose bytes are in the partial file.
	ETag, Modified string
	// Restarts counts clean starts because the object changed or ranges failed; Mismatches those because of the checksum.
	Restarts, Mismatches int
	// Trouble is since when nothing arrived; zero if all is well.
	Trouble time.Time
	// Leftover says that the partial file has yet to be removed.
	Leftover bool
}

// Segment is a range of a file under way: Done bytes from Offset on are on the disk. Length is -1 where the server does
// not tell the end.
type Segment struct{ Offset, Length, Done int64 }

// Journal is an open queue file. Its methods are safe for concurrent use.
type Journal struct {
	db       *sqlitex.DB
	now      func() time.Time
	setAside string

	ops     chan *op
	stop    chan struct{}
	stopped sync.WaitGroup
	once    sync.Once
}

type op struct {
	do      func(*Tx) error
	then    func()
	durable bool
	err     error
	done    chan struct{}
}

// Open opens or creates the journal at path. A damaged one is set aside under a name of its own, and a fresh one begun: see
// SetAside. The error is KindCorrupt for a file of another program or of a newer version of this one, KindFolder or
// KindDiskFull if it cannot be written.
func Open(ctx context.Context, path string, now func() time.Time) (*Journal, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	o := sqlitex.Options{AppID: AppID, Migrations: sub, CacheKiB: 4 << 10, Readers: 2}
	db, err := open(ctx, path, o)
	aside := ""
	if errors.Is(err, sqlitex.ErrCorrupt) {
		if aside, err = moveAside(path, now()); err != nil {
			return nil, &download.Error{Op: "set the damaged queue aside", Kind: download.KindCorrupt, Key: path, Err: err}
		}
		db, err = open(ctx, path, o)
	}
	if err != nil {
		return nil, typed("open the download queue", path, err)
	}
	j := &Journal{db: db, now: now, setAside: aside, ops: make(chan *op), stop: make(chan struct{})}
	j.stopped.Add(1)
	go j.write()
	return j, nil
}

// open also looks for damage behind an intact first page.
func open(ctx context.Context, path string, o sqlitex.Options) (*sqlitex.DB, error) {
	db, err := sqlitex.Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	var verdict string
	if err := db.RW.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return nil, errors.Join(sqlitex.Classify(err), db.Close())
	}
	if verdict != "ok" {
		return nil, errors.Join(fmt.Errorf("%w: %s", sqlitex.ErrCorrupt, verdict), db.Close())
	}
	return db, nil
}

// moveAside renames the damaged file with its companions, so that nothing is lost to whoever wants to look into it.
func moveAside(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.damaged-%s-%d", path, now.UTC().Format("20060102T150405Z"), n)
	}
	for _, ext := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+ext, aside+ext); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}

// SetAside returns where a damaged journal was moved to when this one was opened, or "".
func (j *Journal) SetAside() string { return j.setAside }

// Path returns the journal's path.
func (j *Journal) Path() string { return j.db.Path() }

// Close waits for the writes under way and closes the file.
func (j *Journal) Close() error {
	var err error
	j.once.Do(func() {
		close(j.stop)
		j.stopped.Wait()
		err = j.db.Close()
	})
	return err
}

// ErrClosed means that the journal was closed.
var ErrClosed = errors.New("the download queue is closed")

// Update runs do in a transaction, together with the writes of others that wait, and returns once it is committed. then
// runs after the commit, before Update returns, in the order of the commits. do may run twice: it must have no other effect.
func (j *Journal) Update(ctx context.Context, do func(*Tx) error, then func()) error {
	return j.submit(ctx, &op{do: do, then: then, done: make(chan struct{})})
}

// UpdateDurable is Update that also survives a loss of power right after. For what must not come back: a clean start of a
// partial file whose old ranges would otherwise be believed again. And for what a person asked for.
func (j *Journal) UpdateDurable(ctx context.Context, do func(*Tx) error, then func()) error {
	return j.submit(ctx, &op{do: do, then: then, durable: true, done: make(chan struct{})})
}

// InOrder runs f between two commits of this process: what f reads is neither older nor newer than what the thens before
// and after it were told. f must not write to the journal.
func (j *Journal) InOrder(ctx context.Context, f func()) error {
	return j.submit(ctx, &op{then: f, done: make(chan struct{})})
}

func (j *Journal) submit(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case j.ops <- o:
	case <-j.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	<-o.done
	return typed("write the download queue", filepath.Base(j.db.Path()), o.err)
}

// write is the one writer: it takes what waits, commits it together, and answers.
func (j *Journal) write() {
	defer j.stopped.Done()
	for {
		var batch []*op
		select {
		case o := <-j.ops:
			batch = append(batch, o)
		case <-j.stop:
			return
		}
		for more := true; more && len(batch) < 256; {
			select {
			case o := <-j.ops:
				batch = append(batch, o)
			default:
				more = false
			}
		}
		if err := j.commit(batch); err != nil {
			// One of them failed and took the others along: each again, on its own.
			for _, o := range batch {
				o.err = err
				if len(batch) > 1 {
					o.err = j.commit([]*op{o})
				}
			}
		}
		for _, o := range batch {
			if o.err == nil && o.then != nil {
				o.then()
			}
			close(o.done)
		}
	}
}

func (j *Journal) commit(batch []*op) error {
	// A write that has begun is finished: the caller's context ends its waiting in the line only.
	ctx := context.Background()
	batch = slices.DeleteFunc(slices.Clone(batch), func(o *op) bool { return o.do == nil })
	if len(batch) == 0 {
		return nil
	}
	for _, o := range batch {
		if o.durable {
			if _, err := j.db.RW.ExecContext(ctx, "PRAGMA synchronous=FULL"); err != nil {
				return sqlitex.Classify(err)
			}
			defer j.db.RW.ExecContext(ctx, "PRAGMA synchronous=NORMAL") //nolint:errcheck // full stays correct, only slower
			break
		}
	}
	return j.db.Update(ctx, func(tx *sql.Tx) error {
		for _, o := range batch {
			t := &Tx{tx: tx, now: j.now}
			if err := t.tick(); err != nil {
				return err
			}
			if err := o.do(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// Version returns a number that changes when another process writes to the journal.
func (j *Journal) Version(ctx context.Context) (int64, error) {
	var v int64
	err := j.db.RW.QueryRowContext(ctx, "PRAGMA data_version").Scan(&v)
	return v, typed("watch the download queue", filepath.Base(j.db.Path()), sqlitex.Classify(err))
}

// typed gives err the domain's type, unless it has it.
func typed(op, key string, err error) error {
	var de *download.Error
	if err == nil || errors.As(err, &de) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	kind := download.KindInternal
	switch {
	case errors.Is(err, sqlitex.ErrCorrupt), errors.Is(err, sqlitex.ErrForeign), errors.Is(err, sqlitex.ErrNewer):
		kind = download.KindCorrupt
	case errors.Is(err, sqlitex.ErrReadOnly):
		kind = download.KindFolder
	case errors.Is(err, sqlitex.ErrFull):
		kind = download.KindDiskFull
	}
	return &download.Error{Op: op, Kind: kind, Key: key, Err: err}
}
