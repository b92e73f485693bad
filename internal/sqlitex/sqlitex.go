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
	// ErrBusy means that another process held the file for minutes.
	ErrBusy = errors.New("another program keeps the file locked")
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
	// AllowReadOnly opens an existing file that cannot be written, or lies in a folder that cannot, for reading.
	AllowReadOnly bool
}

// DB is an open file. RW has one connection whose transactions start immediate; RO has several and cannot write.
type DB struct {
	RW, RO   *sql.DB
	path     string
	readOnly bool
}

// Open opens or creates the file, and migrates it. The error wraps one of the errors above where that is the cause.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if err := refuse(ctx, path, o); err != nil {
		return nil, err
	}
	rw, err := sql.Open("sqlite", dsn(path, o, writing))
	if err != nil {
		return nil, err
	}
	rw.SetMaxOpenConns(1)
	if err := retry(ctx, func() error { return migrate(ctx, rw, o) }); err != nil {
		rw.Close()
		if err = Classify(err); o.AllowReadOnly && errors.Is(err, ErrReadOnly) {
			return openReadOnly(ctx, path, o, err)
		}
		return nil, err
	}
	ro, err := openReaders(path, o, reading)
	if err != nil {
		rw.Close()
		return nil, err
	}
	return &DB{RW: rw, RO: ro, path: path, readOnly: !writable(path)}, nil
}

// refuse looks at a file that is there already before anything is changed in it: setting WAL is such a change.
func refuse(ctx context.Context, path string, o Options) error {
	if fi, err := os.Stat(path); err != nil || fi.Size() == 0 {
		return nil //nolint:nilerr // it will be created
	}
	db, err := openReaders(path, o, reading)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, _, err := inspect(ctx, db, o); errors.Is(err, ErrForeign) || errors.Is(err, ErrNewer) {
		return err
	}
	return nil // any other error comes again, and is dealt with, when the file is opened for writing
}

func openReaders(path string, o Options, how access) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, o, how))
	if err != nil {
		return nil, err
	}
	n := o.Readers
	if n == 0 {
		n = max(2, runtime.NumCPU())
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// openReadOnly is for a file that SQLite cannot open for writing because of why. In a folder where no WAL index can be
// made, only an immutable file can be read: as it was when it was last closed.
func openReadOnly(ctx context.Context, path string, o Options, why error) (*DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, why
	}
	for _, how := range []access{reading, immutable} {
		db, err := openReaders(path, o, how)
		if err != nil {
			return nil, err
		}
		version, names, err := inspect(ctx, db, o)
		switch {
		case err == nil && version == len(names):
			return &DB{RW: db, RO: db, path: path, readOnly: true}, nil
		case err == nil:
			db.Close()
			return nil, fmt.Errorf("%w, and its format %d must be brought to %d first", ErrReadOnly, version, len(names))
		}
		db.Close()
		if err = Classify(err); !errors.Is(err, ErrReadOnly) {
			return nil, err
		}
	}
	return nil, why
}

func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// Path returns the file's path.
func (d *DB) Path() string { return d.path }

// ReadOnly reports whether the file could not be written when it was opened (Options.AllowReadOnly).
func (d *DB) ReadOnly() bool { return d.readOnly }

// Close closes both handles.
func (d *DB) Close() error { return errors.Join(d.RO.Close(), d.RW.Close()) }

// retry calls f until another process lets go of the file, for two minutes or until ctx ends. Each try waits busy_timeout.
func retry(ctx context.Context, f func() error) error {
	for range 12 {
		err := f()
		if !isBusy(err) || ctx.Err() != nil {
			return err
		}
	}
	return ErrBusy
}

func isBusy(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_BUSY
}

// Update runs f in one immediate transaction and commits it if f returns nil. It waits for other processes, however
// long they write, up to two minutes.
func (d *DB) Update(ctx context.Context, f func(tx *sql.Tx) error) error {
	var tx *sql.Tx
	err := retry(ctx, func() (err error) { tx, err = d.RW.BeginTx(ctx, nil); return err })
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

// access says how a connection uses the file.
type access uint8

const (
	writing access = iota
	reading
	immutable // reading, without locks and WAL
)

func dsn(path string, o Options, how access) string {
	cache := o.CacheKiB
	if cache == 0 {
		cache = 16 << 10
	}
	v := url.Values{}
	v.Add("_pragma", "busy_timeout(10000)")
	v.Add("_pragma", "foreign_keys(1)")
	v.Add("_pragma", "cache_size(-"+strconv.Itoa(cache)+")")
	v.Add("_pragma", "temp_store(memory)")
	if how != writing {
		v.Set("mode", "ro")
		v.Add("_pragma", "query_only(1)")
		if how == immutable {
			v.Set("immutable", "1")
		}
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
	version, names, err := inspect(ctx, db, o)
	if err != nil {
		return err
	}
	for i := version; i < len(names); i++ {
		if err := step(ctx, db, o, names[i], i+1); err != nil {
			return fmt.Errorf("migration %s: %w", names[i], err)
		}
	}
	return nil
}

// inspect returns how many of the migrations the file has, or why it is not for us.
func inspect(ctx context.Context, db *sql.DB, o Options) (version int, names []string, err error) {
	if names, err = fs.Glob(o.Migrations, "*.sql"); err != nil {
		return 0, nil, err
	}
	sort.Strings(names)
	var appID, tables int
	// One statement sees one state: another process may be creating the file just now.
	err = db.QueryRowContext(ctx, "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version, pragma_application_id").
		Scan(&version, &appID, &tables)
	switch {
	case err != nil:
		return 0, nil, err
	case appID != 0 && int32(appID) != o.AppID, appID == 0 && version == 0 && tables > 0:
		return 0, nil, ErrForeign
	case version > len(names):
		return 0, nil, fmt.Errorf("%w: its format is %d, this program knows %d", ErrNewer, version, len(names))
	}
	return version, names, nil
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

// OpenDamaged opens a file for reading what can still be read, without looking at what it is.
func OpenDamaged(path string) (*sql.DB, error) {
	return sql.Open("sqlite", dsn(path, Options{}, reading))
}
