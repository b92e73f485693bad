package journal

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// Action is a command that a person gives.
type Action uint8

// The actions.
const (
	DoPause Action = iota
	DoResume
	DoCancel
	DoRetry
	DoForget
)

// rule says what an action does: to tasks where applies holds, set; and the wish that stands for it.
type rule struct {
	applies string
	set     string
	wish    Wish
}

// lonely holds unless a second task for the same file lives already.
const lonely = ` AND NOT EXISTS (SELECT 1 FROM task o WHERE o.href = task.href AND o.dir = task.dir AND o.id <> task.id
 AND o.state NOT IN ('failed', 'cancelled'))`

var rules = map[Action]rule{
	DoPause: {
		"state IN ('queued', 'signing', 'fetching', 'verifying')",
		"state = 'paused', err_kind = NULL", Pause,
	},
	DoResume: {"state = 'paused'", "state = 'queued', trouble = 0, err_kind = NULL", Run},
	DoCancel: {
		"state NOT IN ('done', 'cancelled')",
		"state = 'cancelled', leftover = 1, path_key = NULL, received = 0, sha256 = '', etag = '', modified = '', finished = :now, err_kind = NULL", Cancel,
	},
	DoRetry: {
		"state IN ('failed', 'cancelled')" + lonely,
		"state = 'queued', restarts = 0, mismatches = 0, trouble = 0, finished = 0, retryable = 0, err_kind = NULL", Run,
	},
	DoForget: {"state IN ('done', 'failed', 'cancelled')", "", Forget},
}

// Apply does what the owner does for an action: to the tasks named, or to all if none is, where it applies. It returns the
// records after the change; of forgotten ones, as they were.
func (t *Tx) Apply(a Action, ids []download.TaskID) ([]Record, error) {
	r := rules[a]
	where, err := named(r.applies, ids)
	if err != nil {
		return nil, err
	}
	q := "UPDATE task SET " + r.set + ", wish = '', changed = :n WHERE " + where + " RETURNING " + columns
	if a == DoForget {
		q = "DELETE FROM task WHERE " + where + " RETURNING " + columns
	}
	recs, err := t.records(q)
	if err != nil {
		return nil, err
	}
	for i, rec := range recs {
		switch {
		case a == DoCancel:
			if err := t.SetSegments(rec.ID, nil); err != nil {
				return nil, err
			}
		case a == DoRetry:
			if recs[i].Path, err = t.reclaim(rec); err != nil {
				return nil, err
			}
		}
	}
	return recs, nil
}

// reclaim gives a task that is tried again a path, if it gave its own up.
func (t *Tx) reclaim(r Record) (string, error) {
	var held bool
	if err := t.tx.QueryRow("SELECT path_key IS NOT NULL FROM task WHERE id = ?", r.ID).Scan(&held); err != nil || held {
		return r.Path, err
	}
	return t.Repath(r.ID, func(string) bool { return true })
}

// Wish leaves an action for the owner to find.
func (t *Tx) Wish(a Action, ids []download.TaskID) error {
	r := rules[a]
	where, err := named(r.applies, ids)
	if err != nil {
		return err
	}
	_, err = t.records("UPDATE task SET wish = '" + string(r.wish) + "', changed = :n WHERE " + where + " RETURNING " + columns)
	return err
}

// Granted answers a wish: the action that it means for a task in state s, and whether there is one.
func Granted(w Wish, s download.State) (Action, bool) {
	switch w {
	case Pause:
		return DoPause, true
	case Cancel:
		return DoCancel, true
	case Forget:
		return DoForget, true
	case Run:
		if s == download.Paused {
			return DoResume, true
		}
		return DoRetry, true
	}
	return 0, false
}

// ClearWishes drops the wishes for the tasks named: they were granted, or could not be.
func (t *Tx) ClearWishes(ids []download.TaskID) error {
	if len(ids) == 0 {
		return nil
	}
	where, err := named("wish <> ''", ids)
	if err != nil {
		return err
	}
	_, err = t.tx.Exec("UPDATE task SET wish = '', changed = ? WHERE "+where, t.n)
	return err
}

// Recover puts what a former owner left in the middle back into the queue, and returns those records.
func (t *Tx) Recover() ([]Record, error) {
	return t.records("UPDATE task SET state = 'queued', changed = :n WHERE state IN ('signing', 'fetching', 'verifying') RETURNING " + columns)
}

func named(applies string, ids []download.TaskID) (string, error) {
	if len(ids) == 0 {
		return applies, nil
	}
	b, err := json.Marshal(ids)
	if err != nil {
		return "", err
	}
	// The ids are integers: their JSON needs no quoting.
	return fmt.Sprintf("(%s) AND id IN (SELECT value FROM json_each('%s'))", applies, b), nil
}

func (t *Tx) records(q string) ([]Record, error) {
	rows, err := t.tx.Query(q, sql.Named("n", t.n), sql.Named("now", milli(t.now())))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var recs []Record
	for rows.Next() {
		r, _, err := scan(rows)
		if err != nil {
			return nil, err
		}
		recs = append(recs, r)
	}
	return recs, rows.Err()
}
