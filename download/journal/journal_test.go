package journal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

func clock() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func openAt(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func request(dir, name string) download.Request {
	return download.Request{
		Connection: "dinamis", Href: "https://store.test/b/" + name, Collection: "spot", Item: "scene", Asset: "xs",
		Dir: dir, Size: 10, Title: "t",
	}
}

func insert(t *testing.T, j *Journal, reqs ...download.Request) []download.TaskID {
	t.Helper()
	var ids []download.TaskID
	err := j.Update(t.Context(), func(tx *Tx) (err error) { ids, err = tx.Insert(reqs); return err }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func apply(t *testing.T, j *Journal, a Action, ids ...download.TaskID) []Record {
	t.Helper()
	var recs []Record
	err := j.Update(t.Context(), func(tx *Tx) (err error) { recs, err = tx.Apply(a, ids); return err }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return recs
}

func all(t *testing.T, j *Journal) []Record {
	t.Helper()
	recs, _, n, err := j.Changed(t.Context(), 0)
	if err != nil || n != len(recs) {
		t.Fatalf("%d of %d records, %v", len(recs), n, err)
	}
	return recs
}

func TestInsertRecognisesTwinsAndKeepsPathsApart(t *testing.T) {
	dir := t.TempDir()
	j := openAt(t, filepath.Join(dir, "q.db"))
	ids := insert(t, j, request(dir, "a.tif"), request(dir, "a.tif"), request(dir, "x/a.tif"), request(dir, "y/A.TIF"))
	if ids[0] != ids[1] || ids[2] == ids[0] || ids[3] == ids[2] {
		t.Fatalf("ids %v", ids)
	}
	seen := map[string]bool{}
	for _, r := range all(t, j) {
		if k := download.PathKey(r.Path); seen[k] {
			t.Errorf("two tasks at %s", r.Path)
		} else {
			seen[k] = true
		}
	}
	first := all(t, j)[0].Path
	apply(t, j, DoCancel, ids[0])
	again := insert(t, j, request(dir, "a.tif"))
	if again[0] == ids[0] {
		t.Fatal("a cancelled task was revived")
	}
	if p := all(t, j)[3].Path; p != first {
		t.Errorf("the second try lies at %s, not at %s", p, first)
	}
	if recs := apply(t, j, DoRetry, ids[0]); len(recs) != 0 {
		t.Error("a retry made a second task for one file")
	}
}

func TestActionsApplyWhereTheyMay(t *testing.T) {
	dir := t.TempDir()
	j := openAt(t, filepath.Join(dir, "q.db"))
	ids := insert(t, j, request(dir, "a"), request(dir, "b"))
	steps := []struct {
		do   Action
		hits int
		want download.State
	}{
		{DoResume, 0, download.Queued},
		{DoPause, 1, download.Paused},
		{DoPause, 0, download.Paused},
		{DoRetry, 0, download.Paused},
		{DoForget, 0, download.Paused},
		{DoResume, 1, download.Queued},
		{DoCancel, 1, download.Cancelled},
		{DoCancel, 0, download.Cancelled},
		{DoRetry, 1, download.Queued},
	}
	for i, s := range steps {
		if recs := apply(t, j, s.do, ids[0]); len(recs) != s.hits {
			t.Fatalf("step %d: %d tasks changed, want %d", i, len(recs), s.hits)
		}
		if got := all(t, j)[0].State; got != s.want {
			t.Fatalf("step %d: %s, want %s", i, got, s.want)
		}
	}
	if got := len(apply(t, j, DoCancel)); got != 2 {
		t.Errorf("cancel of all changed %d", got)
	}
	if got := len(apply(t, j, DoForget)); got != 2 || len(all(t, j)) != 0 {
		t.Errorf("forget of all removed %d", got)
	}
	err := j.Update(t.Context(), func(tx *Tx) error { return tx.Check(ids) }, nil)
	if download.KindOf(err) != download.KindNotFound {
		t.Errorf("a forgotten id: %v", err)
	}
}

func TestSaveRefusesForbiddenArrowsAndStaleStates(t *testing.T) {
	dir := t.TempDir()
	j := openAt(t, filepath.Join(dir, "q.db"))
	insert(t, j, request(dir, "a"))
	r := all(t, j)[0]
	save := func(to download.State, from ...download.State) (ok bool, err error) {
		r.State = to
		err = j.Update(t.Context(), func(tx *Tx) (err error) { ok, err = tx.Save(r, from...); return err }, nil)
		return ok, err
	}
	if _, err := save(download.Done, download.Queued); err == nil {
		t.Error("queued became done")
	}
	if ok, err := save(download.Fetching, download.Signing); ok || err != nil {
		t.Errorf("a queued task took an arrow from signing: %v %v", ok, err)
	}
	if ok, err := save(download.Signing, download.Queued); !ok || err != nil {
		t.Errorf("queued to signing: %v %v", ok, err)
	}
}

func TestRecordSurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "q.db")
	j := openAt(t, path)
	id := insert(t, j, request(dir, "a"))[0]
	r := all(t, j)[0]
	r.State, r.ETag, r.Total, r.Attempts, r.Trouble = download.Signing, `"e"`, 99, 2, clock()
	r.Err = &download.Error{Op: "fetch", Kind: download.KindNetwork, Key: "store.test", Err: errors.New("reset")}
	segs := []Segment{{0, 50, 0}, {50, 49, 0}}
	err := j.UpdateDurable(t.Context(), func(tx *Tx) error {
		if _, err := tx.Save(r, download.Queued); err != nil {
			return err
		}
		return tx.SetSegments(id, segs)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	segs[0].Done, segs[1].Done = 20, 7
	if err := j.Update(t.Context(), func(tx *Tx) error { _, err := tx.Progress(id, 27, segs); return err }, nil); err != nil {
		t.Fatal(err)
	}
	j.Close()
	j = openAt(t, path)
	if err := j.Update(t.Context(), func(tx *Tx) error { _, err := tx.Recover(); return err }, nil); err != nil {
		t.Fatal(err)
	}
	got := all(t, j)[0]
	if got.State != download.Queued || got.Received != 27 || got.Total != 99 || got.ETag != `"e"` || got.Err.Error() != r.Err.Error() || got.Err.Kind != r.Err.Kind {
		t.Errorf("%+v", got)
	}
	if s, err := j.Segments(t.Context(), id); err != nil || len(s) != 2 || s[1] != segs[1] {
		t.Errorf("segments %v %v", s, err)
	}
	apply(t, j, DoCancel, id)
	if err := j.Update(t.Context(), func(tx *Tx) error {
		ok, err := tx.Progress(id, 27, segs)
		if ok {
			t.Error("a cancelled task made progress")
		}
		return err
	}, nil); err != nil {
		t.Fatal(err)
	}
	if s, _ := j.Segments(t.Context(), id); len(s) != 0 {
		t.Errorf("a cancelled task kept %v", s)
	}
}

func TestASecondProcessIsSeen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "q.db")
	a, b := openAt(t, path), openAt(t, path)
	id := insert(t, a, request(dir, "a"))[0]
	_, mark, _, err := a.Changed(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	v0, err := a.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Update(t.Context(), func(tx *Tx) error { return tx.Wish(DoPause, nil) }, nil); err != nil {
		t.Fatal(err)
	}
	v1, err := a.Version(t.Context())
	if err != nil || v1 == v0 {
		t.Fatalf("version %d then %d, %v", v0, v1, err)
	}
	recs, _, _, err := a.Changed(t.Context(), mark)
	if err != nil || len(recs) != 1 || recs[0].ID != id || recs[0].Wish != Pause || recs[0].State != download.Queued {
		t.Errorf("%+v %v", recs, err)
	}
}

func TestDamageIsSetAside(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"no database":     func([]byte) []byte { return []byte(strings.Repeat("this is no queue. ", 100)) },
		"cut short":       func(b []byte) []byte { return b[:len(b)/2] },
		"a page scrubbed": func(b []byte) []byte { copy(b[4096:], bytes.Repeat([]byte{0xA5}, 8192)); return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "q.db")
			j := openAt(t, path)
			insert(t, j, request(dir, "a"))
			j.Close()
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, harm(b), 0o600); err != nil {
				t.Fatal(err)
			}
			j = openAt(t, path)
			if j.SetAside() == "" {
				t.Fatal("nothing was reported")
			}
			if _, err := os.Stat(j.SetAside()); err != nil {
				t.Errorf("the damaged file is gone: %v", err)
			}
			if n := len(all(t, j)); n != 0 {
				t.Errorf("a fresh queue has %d tasks", n)
			}
			insert(t, j, request(dir, "a"))
		})
	}
}

func TestOpenRefusesWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.db")
	db, err := sqlitex.Open(t.Context(), other, sqlitex.Options{AppID: 7, Migrations: migrationsSub(t)})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	newer := filepath.Join(dir, "newer.db")
	j := openAt(t, newer)
	if _, err := j.db.RW.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	j.Close()
	for _, p := range []string{other, newer} {
		if _, err := Open(t.Context(), p, clock); download.KindOf(err) != download.KindCorrupt {
			t.Errorf("%s: %v", p, err)
		}
		if _, err := os.Stat(p); err != nil {
			t.Errorf("it was moved: %v", err)
		}
	}
	below := filepath.Join(dir, "newer.db", "q.db")
	if _, err := Open(t.Context(), below, clock); download.KindOf(err) != download.KindFolder {
		t.Errorf("below a file: %v", err)
	}
}

func TestOneBadWriteDoesNotTakeOthersAlong(t *testing.T) {
	dir := t.TempDir()
	j := openAt(t, filepath.Join(dir, "q.db"))
	boom := errors.New("boom")
	errs := make(chan error, 100)
	for i := range 100 {
		go func() {
			errs <- j.Update(context.Background(), func(tx *Tx) error {
				if i%10 == 0 {
					return boom
				}
				_, err := tx.Insert([]download.Request{request(dir, string(rune('a'+i)))})
				return err
			}, nil)
		}()
	}
	bad := 0
	for range 100 {
		if err := <-errs; errors.Is(err, boom) {
			bad++
		} else if err != nil {
			t.Error(err)
		}
	}
	if n := len(all(t, j)); bad != 10 || n != 90 {
		t.Errorf("%d failed, %d rows", bad, n)
	}
	j.Close()
	if err := j.Update(t.Context(), func(*Tx) error { return nil }, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
