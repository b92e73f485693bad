// Package sqlitex opens SQLite files the way all of ours are opened: one writer, a bounded read-only pool, WAL, an
// application id, and numbered migrations.
//
// It knows nothing of what is stored. A file is always opened through Open.
package sqlitex

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that Open and Classify tell apart.
var (
	// ErrNewer means that the file has a migration that this program doesn't know.
	ErrNewer = errors.New("the file was written by a newer version of this program")
	// ErrForeign means that the file is a SQLite database of another application.
	ErrForeign = errors.New("the file belongs to another application")
	// ErrCorrupt means that the file is damaged or no database at all.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrReadOnly means that the file or its folder cannot be written.
	ErrReadOnly = errors.New("the file cannot be written")
	// ErrFull means that the disk is full.
	ErrFull = errors.New("the disk is full")
)

// Options say what a file must be.
type Options struct {
	// AppID is written to and checked against PRAGMA application_id.
	AppID int32
	// Migrations holds NNN_name.sql files, applied in order, each in a transaction. PRAGMA user_version counts them.
	Migrations fs.FS
	// CacheKiB is the page cache of each connection; 0 means 16 MiB.
	CacheKiB int
	// Readers bounds the read-only pool; 0 means the number of CPUs, at least 2.
	Readers int
	// Pragmas are added to every connection, as "name(value)".
	Pragmas []string
}

// DB is an open file. RW has one connection whose transactions start immediate; RO has several and cannot write.
type DB struct {
	RW, RO *sql.DB
	path   string
}

// Open opens or creates the file, and migrates it. The error wraps one of the errors above where that is the cause.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	rw, err := sql.Open("sqlite", dsn(path, o, false))
	if err != nil {
		return nil, err
	}
	rw.SetMaxOpenConns(1)
	if err := migrate(ctx, rw, o); err != nil {
		rw.Close()
		return nil, Classify(err)
	}
	ro, err := sql.Open("sqlite", dsn(path, o, true))
	if err != nil {
		rw.Close()
		return nil, err
	}
	n := o.Readers
	if n == 0 {
		n = max(2, runtime.NumCPU())
	}
	ro.SetMaxOpenConns(n)
	ro.SetMaxIdleConns(n)
	return &DB{RW: rw, RO: ro, path: path}, nil
}

// Path returns the file's path.
func (d *DB) Path() string { return d.path }

// Close closes both handles.
func (d *DB) Close() error { return errors.Join(d.RO.Close(), d.RW.Close()) }

// Update runs f in one immediate transaction and commits it if f returns nil.
func (d *DB) Update(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := d.RW.BeginTx(ctx, nil)
	if err != nil {
		return Classify(err)
	}
	if err := f(tx); err != nil {
		return errors.Join(Classify(err), ignoreDone(tx.Rollback()))
	}
	return Classify(tx.Commit())
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func dsn(path string, o Options, readOnly bool) string {
	cache := o.CacheKiB
	if cache == 0 {
		cache = 16 << 10
	}
	v := url.Values{}
	v.Add("_pragma", "busy_timeout(10000)")
	v.Add("_pragma", "foreign_keys(1)")
	v.Add("_pragma", "cache_size(-"+strconv.Itoa(cache)+")")
	v.Add("_pragma", "temp_store(memory)")
	if readOnly {
		v.Set("mode", "ro")
		v.Add("_pragma", "query_only(1)")
	} else {
		v.Set("_txlock", "immediate")
		v.Add("_pragma", "journal_mode(wal)")
		v.Add("_pragma", "synchronous(normal)")
	}
	for _, p := range o.Pragmas {
		v.Add("_pragma", p)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), RawQuery: v.Encode()}).String()
}

func migrate(ctx context.Context, db *sql.DB, o Options) error {
	names, err := fs.Glob(o.Migrations, "*.sql")
	if err != nil {
		return err
	}
	sort.Strings(names)
	var version, appID int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&appID); err != nil {
		return err
	}
	switch {
	case appID != 0 && int32(appID) != o.AppID:
		return ErrForeign
	case appID == 0 && version == 0:
		var tables int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
			return err
		}
		if tables > 0 {
			return ErrForeign
		}
	case version > len(names):
		return fmt.Errorf("%w: its format is %d, this program knows %d", ErrNewer, version, len(names))
	}
	for i := version; i < len(names); i++ {
		if err := step(ctx, db, o, names[i], i+1); err != nil {
			return fmt.Errorf("migration %s: %w", names[i], err)
		}
	}
	return nil
}

// step applies one migration, unless another process did so meanwhile.
func step(ctx context.Context, db *sql.DB, o Options, name string, version int) error {
	text, err := fs.ReadFile(o.Migrations, name)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	var now int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&now); err != nil {
		return err
	}
	if now >= version {
		return nil
	}
	for _, s := range []string{
		string(text),
		fmt.Sprintf("PRAGMA user_version = %d", version),
		fmt.Sprintf("PRAGMA application_id = %d", o.AppID),
	} {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Classify wraps err with ErrCorrupt, ErrReadOnly or ErrFull where SQLite's result code says so.
func Classify(err error) error {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_IOERR:
		if strings.Contains(err.Error(), "disk is full") {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	return err
}
