package sqlitex

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

var v1 = fstest.MapFS{"001_first.sql": {Data: []byte("CREATE TABLE a(x INTEGER); CREATE TABLE b(y INTEGER);")}}

func open(t *testing.T, path string, m fs.FS) (*DB, error) {
	t.Helper()
	db, err := Open(t.Context(), path, Options{AppID: 0x444e4d53, Migrations: m})
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, err
}

func TestOpenMigratesAndKeeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with ? and #", "x.db")
	db, err := open(t, path, v1)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec("INSERT INTO a VALUES(7)"); return err }); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := db.Update(t.Context(), func(tx *sql.Tx) error { tx.Exec("INSERT INTO a VALUES(8)"); return boom }); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	v2 := fstest.MapFS{"001_first.sql": v1["001_first.sql"], "002_more.sql": {Data: []byte("ALTER TABLE a ADD COLUMN z INTEGER DEFAULT 5")}}
	db2, err := open(t, path, v2)
	if err != nil {
		t.Fatal(err)
	}
	var x, z, n int
	if err := db2.RO.QueryRow("SELECT x, z, (SELECT count(*) FROM a) FROM a").Scan(&x, &z, &n); err != nil || x != 7 || z != 5 || n != 1 {
		t.Fatalf("x=%d z=%d n=%d err=%v", x, z, n, err)
	}
	if _, err := db2.RO.Exec("DELETE FROM a"); err == nil {
		t.Fatal("the read-only handle wrote")
	}
	if _, err := open(t, path, v1); !errors.Is(err, ErrNewer) {
		t.Fatalf("an older program opened a newer file: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the file isn't where it was asked for: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte("this is no database, but it is long enough to be read as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, garbage, v1); !errors.Is(err, ErrCorrupt) {
		t.Errorf("garbage: %v", err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE theirs(x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, foreign, v1); !errors.Is(err, ErrForeign) {
		t.Errorf("foreign: %v", err)
	}
	if after, err := os.ReadFile(foreign); err != nil || string(after) != string(before) {
		t.Error("a foreign file was changed:", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, filepath.Join(file, "x.db"), v1); !errors.Is(err, ErrReadOnly) {
		t.Errorf("below a file: %v", err)
	}
}

func TestTwoProcessesMigrateOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	errs := make(chan error, 4)
	for range 4 {
		go func() {
			db, err := Open(context.Background(), path, Options{AppID: 1, Migrations: v1})
			if err == nil {
				err = db.Close()
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
