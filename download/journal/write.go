package journal

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// Tx is one write to the journal, inside Update.
type Tx struct {
	tx  *sql.Tx
	now func() time.Time
	n   int64 // the counter's value that marks what this write changes
}

func (t *Tx) tick() error {
	return t.tx.QueryRow("UPDATE counter SET n = n + 1 RETURNING n").Scan(&t.n)
}

// Insert adds tasks in order and returns their ids, old or new. A request whose Href and Dir equal those of a task that is
// neither failed nor cancelled yields that task; one whose like failed or was cancelled takes over its path.
func (t *Tx) Insert(reqs []download.Request) ([]download.TaskID, error) {
	in, err := t.inserter()
	if err != nil {
		return nil, err
	}
	defer in.close()
	ids := make([]download.TaskID, len(reqs))
	for i, r := range reqs {
		if ids[i], err = in.add(r); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// inserter holds the statements that ten thousand inserts share.
type inserter struct {
	t                        *Tx
	find, yield, taken, into *sql.Stmt
}

const takenSQL = "SELECT EXISTS(SELECT 1 FROM task WHERE path_key = ? AND id <> ?)"

func (t *Tx) inserter() (*inserter, error) {
	in := &inserter{t: t}
	for stmt, q := range map[**sql.Stmt]string{
		&in.find:  "SELECT id, state FROM task WHERE href = ? AND dir = ?",
		&in.yield: "UPDATE task SET path_key = NULL, changed = ? WHERE id = ?",
		&in.taken: takenSQL,
		&in.into: `INSERT INTO task(connection, href, collection, item, asset, title, dir, size, checksum, media_type, state,
 path, path_key, total, added, changed) VALUES (?,?,?,?,?,?,?,?,?,?,'queued',?,?,?,?,?)`,
	} {
		s, err := t.tx.Prepare(q)
		if err != nil {
			in.close()
			return nil, err
		}
		*stmt = s
	}
	return in, nil
}

func (in *inserter) close() {
	for _, s := range []*sql.Stmt{in.find, in.yield, in.taken, in.into} {
		if s != nil {
			s.Close()
		}
	}
}

func (in *inserter) add(r download.Request) (download.TaskID, error) {
	live, dead, err := in.twins(r)
	if err != nil || live != 0 {
		return live, err
	}
	for _, id := range dead {
		if _, err := in.yield.Exec(in.t.n, id); err != nil {
			return 0, err
		}
	}
	path, err := freePath(in.taken, r, 0, 0)
	if err != nil {
		return 0, err
	}
	res, err := in.into.Exec(r.Connection, r.Href, r.Collection, r.Item, r.Asset, r.Title, r.Dir, r.Size, r.Checksum, r.MediaType,
		path, download.PathKey(path), r.Size, milli(in.t.now()), in.t.n)
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	return download.TaskID(id), err
}

// twins finds the tasks for r's file: the one that lives, and those that failed or were cancelled.
func (in *inserter) twins(r download.Request) (live download.TaskID, dead []download.TaskID, err error) {
	rows, err := in.find.Query(r.Href, r.Dir)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id download.TaskID
		var state string
		if err := rows.Scan(&id, &state); err != nil {
			return 0, nil, err
		}
		if s := states[state]; s == download.Failed || s == download.Cancelled {
			dead = append(dead, id)
		} else if live == 0 {
			live = id
		}
	}
	return live, dead, rows.Err()
}

// freePath returns the first path for r, from the nth choice on, that no task other than self holds.
func freePath(taken *sql.Stmt, r download.Request, n int, self download.TaskID) (string, error) {
	for ; ; n++ {
		p, err := download.PathFor(r, n)
		if err != nil {
			return "", err
		}
		var yes bool
		if err := taken.QueryRow(download.PathKey(p), self).Scan(&yes); err != nil || !yes {
			return p, err
		}
	}
}

// Repath gives the task the first path that no other task holds and free accepts, and returns it.
func (t *Tx) Repath(id download.TaskID, free func(path string) bool) (string, error) {
	r, _, err := scan(t.tx.QueryRow("SELECT "+columns+" FROM task WHERE id = ?", id))
	if err != nil {
		return "", err
	}
	taken, err := t.tx.Prepare(takenSQL)
	if err != nil {
		return "", err
	}
	defer taken.Close()
	for n := 0; ; n++ {
		p, err := freePath(taken, r.Request, n, id)
		if err != nil {
			return "", err
		}
		if free(p) {
			_, err = t.tx.Exec("UPDATE task SET path = ?, path_key = ?, changed = ? WHERE id = ?", p, download.PathKey(p), t.n, id)
			return p, err
		}
	}
}

// Save writes what the owner knows of r, and moves it to r.State, if it still stands in one of the states from and the
// arrow is allowed; false if it doesn't stand there any more.
func (t *Tx) Save(r Record, from ...download.State) (bool, error) {
	names := make([]string, 0, len(from))
	for _, s := range from {
		if s != r.State && !s.CanBecome(r.State) {
			return false, fmt.Errorf("a task that is %s cannot become %s", s, r.State)
		}
		names = append(names, s.String())
	}
	in, err := json.Marshal(names)
	if err != nil {
		return false, err
	}
	kind, op, key, text := errorColumns(r.Err)
	res, err := t.tx.Exec(`UPDATE task SET state = ?, received = ?, total = ?, etag = ?, modified = ?, sha256 = ?, verified = ?, attempts = ?,
 restarts = ?, mismatches = ?, trouble = ?, leftover = ?, err_kind = ?, err_op = ?, err_key = ?, err_text = ?, retryable = ?, finished = ?, changed = ?
 WHERE id = ? AND state IN (SELECT value FROM json_each(?))`,
		r.State.String(), r.Received, r.Total, r.ETag, r.Modified, r.SHA256, r.Verified, r.Attempts, r.Restarts, r.Mismatches, milli(r.Trouble), r.Leftover,
		kind, op, key, text, r.Retryable, milli(r.Finished), t.n, r.ID, string(in))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func errorColumns(e *download.Error) (kind, op, key, text any) {
	if e == nil {
		return nil, nil, nil, nil
	}
	s := ""
	if e.Err != nil {
		s = e.Err.Error()
	}
	return int(e.Kind), e.Op, e.Key, s
}

// SetSegments replaces the ranges of a task's partial file, and the validators that they belong to.
func (t *Tx) SetSegments(id download.TaskID, segs []Segment) error {
	if _, err := t.tx.Exec("DELETE FROM segment WHERE task = ?", id); err != nil {
		return err
	}
	for _, s := range segs {
		if _, err := t.tx.Exec("INSERT INTO segment(task, offset, length, done) VALUES (?,?,?,?)", id, s.Offset, s.Length, s.Done); err != nil {
			return err
		}
	}
	return nil
}

// Progress records how many bytes are on the disk, and how far each range is. Ranges that move end the task's trouble; a
// transfer that cannot be resumed has none. It has no effect on a task that was cancelled or removed meanwhile.
func (t *Tx) Progress(id download.TaskID, received int64, segs []Segment) (bool, error) {
	res, err := t.tx.Exec(`UPDATE task SET received = ?1, trouble = iif(?2 AND ?1 > received, 0, trouble), changed = ?3
 WHERE id = ?4 AND leftover = 0 AND state NOT IN ('cancelled', 'done')`, received, len(segs) > 0, t.n, id)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	for _, s := range segs {
		if _, err := t.tx.Exec("UPDATE segment SET done = ? WHERE task = ? AND offset = ? AND done <= ?", s.Done, id, s.Offset, s.Done); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Removed records that a cancelled task's partial file is gone.
func (t *Tx) Removed(id download.TaskID) error {
	_, err := t.tx.Exec("UPDATE task SET leftover = 0, changed = ? WHERE id = ?", t.n, id)
	return err
}

// Check fails with KindNotFound if one of the ids does not exist.
func (t *Tx) Check(ids []download.TaskID) error {
	for _, id := range ids {
		var one int
		err := t.tx.QueryRow("SELECT 1 FROM task WHERE id = ?", id).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			return &download.Error{Op: "find the download", Kind: download.KindNotFound, Key: fmt.Sprint(id), Err: errors.New("no such task in the queue")}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Mine returns the records that this write changed, in the order of the queue.
func (t *Tx) Mine() ([]Record, error) {
	return t.records("SELECT " + columns + " FROM task WHERE changed = :n ORDER BY id")
}
