package journal

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

const columns = `id, connection, href, collection, item, asset, title, dir, size, checksum, media_type, state, wish, path, received,
 total, etag, modified, sha256, verified, attempts, restarts, mismatches, trouble, leftover, err_kind, err_op, err_key, err_text, retryable,
 added, finished, changed`

var states = func() map[string]download.State {
	m := map[string]download.State{}
	for s := download.Queued; s <= download.Cancelled; s++ {
		m[s.String()] = s
	}
	return m
}()

func scan(row interface{ Scan(...any) error }) (Record, int64, error) {
	var (
		r                        Record
		state, wish              string
		trouble, added, finished int64
		changed                  int64
		kind                     sql.NullInt64
		op, key, text            sql.NullString
	)
	err := row.Scan(&r.ID, &r.Connection, &r.Href, &r.Collection, &r.Item, &r.Asset, &r.Title, &r.Dir, &r.Size, &r.Checksum, &r.MediaType,
		&state, &wish, &r.Path, &r.Received, &r.Total, &r.ETag, &r.Modified, &r.SHA256, &r.Verified, &r.Attempts, &r.Restarts, &r.Mismatches, &trouble,
		&r.Leftover, &kind, &op, &key, &text, &r.Retryable, &added, &finished, &changed)
	if err != nil {
		return Record{}, 0, err
	}
	s, ok := states[state]
	if !ok {
		return Record{}, 0, errors.New("unknown state " + state)
	}
	r.State, r.Wish = s, Wish(wish)
	r.Trouble, r.Added, r.Finished = unmilli(trouble), unmilli(added), unmilli(finished)
	if kind.Valid {
		r.Err = &download.Error{Op: op.String, Kind: download.Kind(kind.Int64), Key: key.String}
		if text.String != "" {
			r.Err.Err = errors.New(text.String)
		}
	}
	return r, changed, nil
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func unmilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Changed returns the records that changed after the mark, in the order of the queue, the new mark, and how many records
// there are in all (a viewer that counts otherwise missed a removal, and starts over with mark 0).
func (j *Journal) Changed(ctx context.Context, after int64) (recs []Record, mark int64, count int, err error) {
	const op = "read the download queue"
	fail := func(err error) ([]Record, int64, int, error) {
		return nil, after, 0, typed(op, j.db.Path(), sqlitex.Classify(err))
	}
	tx, err := j.db.RO.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fail(err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM task").Scan(&count); err != nil {
		return fail(err)
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM task WHERE changed > ? ORDER BY id", after)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	mark = after
	for rows.Next() {
		r, c, err := scan(rows)
		if err != nil {
			return fail(err)
		}
		recs = append(recs, r)
		mark = max(mark, c)
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	return recs, mark, count, nil
}

// Segments returns the ranges of a task's partial file, by offset.
func (j *Journal) Segments(ctx context.Context, id download.TaskID) ([]Segment, error) {
	rows, err := j.db.RO.QueryContext(ctx, "SELECT offset, length, done FROM segment WHERE task = ? ORDER BY offset", id)
	if err != nil {
		return nil, typed("read the download queue", j.db.Path(), sqlitex.Classify(err))
	}
	defer rows.Close()
	var segs []Segment
	for rows.Next() {
		var s Segment
		if err := rows.Scan(&s.Offset, &s.Length, &s.Done); err != nil {
			return nil, typed("read the download queue", j.db.Path(), sqlitex.Classify(err))
		}
		segs = append(segs, s)
	}
	return segs, typed("read the download queue", j.db.Path(), sqlitex.Classify(rows.Err()))
}
