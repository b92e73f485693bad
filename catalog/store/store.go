// Package store keeps a catalogue in one SQLite file: the local catalogue of the desktop and the embedded one of the
// server. It is a catalog.Source, Writer and CoverageWriter.
//
// Documents are kept byte for byte (compressed); what is searched stands beside them in columns, an R*Tree over space
// and time, and a full-text index. SQL only narrows the candidates: whether an item matches is decided by
// catalog.Matcher, so that the answers are those of every other Source. What must not be here: HTTP, and knowledge of
// what the items are for.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

// AppID marks our catalogue files in PRAGMA application_id: "DNMS".
const AppID = 0x444e4d53

//go:embed schema/*.sql
var schema embed.FS

// Options say how a catalogue is opened. The zero value is good.
type Options struct {
	// Authoritative says that the file is the catalogue itself, not a copy of parts of another: its answers are complete as of now.
	Authoritative bool
	// CacheKiB is SQLite's page cache for each connection; 0 means 16 MiB.
	CacheKiB int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is an open catalogue file. It is safe for concurrent use, also by several processes.
type Store struct {
	db   *sqlitex.DB
	opts Options
	docs *codec

	mu     sync.RWMutex // held for reading by each call, for writing by Close
	closed bool

	names    sync.Map // collection number → catalog.CollectionID
	coverage atomic.Pointer[knownCoverage]
	readers  *readers
	few      int // fewCandidates, less in tests
	batch    int // batchSize, less in tests
}

// Open opens or creates the catalogue at path. A file or folder that cannot be written is opened for reading.
//
// KindNewer for a file of a later version of this program, KindCorrupt for a damaged one (see OpenOrRecover),
// KindInvalid for a file of something else, KindReadOnly where no file can be created.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	const op = "open catalogue"
	if o.Now == nil {
		o.Now = time.Now
	}
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		return nil, fail(op, path, err)
	}
	db, err := sqlitex.Open(ctx, path, sqlitex.Options{
		AppID: AppID, Migrations: files, CacheKiB: o.CacheKiB, AllowReadOnly: true,
		Pragmas: []string{"wal_autocheckpoint(4000)", "journal_size_limit(67108864)"},
	})
	if err != nil {
		return nil, fail(op, path, err)
	}
	docs, err := newCodec()
	if err != nil {
		return nil, errors.Join(fail(op, path, err), db.Close())
	}
	return &Store{db: db, opts: o, docs: docs, readers: newReaders(db.RO), few: fewCandidates, batch: batchSize}, nil
}

// Path returns the path of the file.
func (s *Store) Path() string { return s.db.Path() }

// ReadOnly reports whether the file was found to be unwritable when it was opened.
func (s *Store) ReadOnly() bool { return s.db.ReadOnly() }

// Close waits for calls that are under way, then closes the file. It may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.docs.close()
	return errors.Join(s.readers.close(), s.db.Close())
}

// begin lets a call in, unless the store is closed. The caller defers the result.
func (s *Store) begin(op string) (func(), error) {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return nil, &catalog.Error{Op: op, Kind: catalog.KindUnavailable, Key: s.Path(), Err: errors.New("the catalogue is closed")}
	}
	return s.mu.RUnlock, nil
}

// view runs f in one snapshot of the catalogue.
func (s *Store) view(ctx context.Context, op string, f func(r *reader) error) error {
	done, err := s.begin(op)
	if err != nil {
		return err
	}
	defer done()
	return s.suspect(fail(op, "", s.readers.use(ctx, func(r *reader) error {
		return r.snapshot(ctx, func() error { return f(r) })
	})))
}

// update runs f in one transaction.
func (s *Store) update(ctx context.Context, op string, f func(tx *sql.Tx) error) error {
	done, err := s.begin(op)
	if err != nil {
		return err
	}
	defer done()
	if s.ReadOnly() {
		return fail(op, s.Path(), sqlitex.ErrReadOnly)
	}
	return s.suspect(fail(op, "", s.db.Update(ctx, f)))
}

// fail turns an error into the domain's; one that is already passes as it is.
func fail(op, key string, err error) error {
	var known *catalog.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	err = sqlitex.Classify(err)
	kind := catalog.KindInternal
	switch {
	case errors.Is(err, sqlitex.ErrNewer):
		kind = catalog.KindNewer
	case errors.Is(err, sqlitex.ErrCorrupt):
		kind = catalog.KindCorrupt
	case errors.Is(err, sqlitex.ErrForeign):
		kind = catalog.KindInvalid
	case errors.Is(err, sqlitex.ErrReadOnly):
		kind = catalog.KindReadOnly
		err = fmt.Errorf("the catalogue cannot be written; check the rights of its file and folder: %w", err)
	case errors.Is(err, sqlitex.ErrFull):
		kind = catalog.KindReadOnly
		err = fmt.Errorf("the disk is full; free some space: %w", err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		kind = catalog.KindUnavailable
	}
	return &catalog.Error{Op: op, Kind: kind, Key: key, Err: err}
}
