package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// PutCollections implements catalog.Writer.
func (s *Store) PutCollections(ctx context.Context, cs []catalog.Collection) error {
	return s.update(ctx, "put collections", func(tx *sql.Tx) error {
		for _, c := range cs {
			if c.ID == "" || len(c.Raw) == 0 {
				return &catalog.Error{Op: "put collections", Kind: catalog.KindInvalid, Err: errors.New("a collection has no id or no document")}
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO collection(id, doc) VALUES(?, ?) ON CONFLICT(id) DO UPDATE SET doc = excluded.doc WHERE doc <> excluded.doc",
				string(c.ID), []byte(c.Raw))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// PutItems implements catalog.Writer. A document that has not changed costs a look and no write.
func (s *Store) PutItems(ctx context.Context, items []catalog.Item) error {
	if len(items) == 0 {
		return nil
	}
	rows, err := s.encodeAll(items)
	if err != nil {
		return err
	}
	return s.update(ctx, "put items", func(tx *sql.Tx) error {
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		return w.put(ctx, rows)
	})
}

// encodeAll encodes on all processors, leaves out what a later item of the same key replaces, and sorts by time, so that
// the file grows at its end.
func (s *Store) encodeAll(items []catalog.Item) ([]*row, error) {
	last := make(map[catalog.Key]int, len(items))
	for i, it := range items {
		if it.Key.Item == "" || len(it.Raw) == 0 {
			return nil, &catalog.Error{Op: "put items", Kind: catalog.KindInvalid, Key: it.Key.String(), Err: errors.New("the item has no id or no document")}
		}
		last[it.Key] = i
	}
	rows := make([]*row, len(items))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 1+len(items)/32) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return
				}
				if last[items[i].Key] == i {
					rows[i] = s.docs.encode(items[i])
				}
			}
		})
	}
	wg.Wait()
	rows = slices.DeleteFunc(rows, func(r *row) bool { return r == nil })
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.second, b.second) })
	return rows, nil
}

// writer holds the statements of one transaction.
type writer struct {
	tx                             *sql.Tx
	find, top, item, doc, rt, fts  *sql.Stmt
	delItem, delDoc, delRT, delFTS *sql.Stmt
	collections                    map[catalog.CollectionID]int64
	reach                          int64
	second, seq                    int64 // the last rid given out
	fresh                          bool  // no key is taken yet: none is looked up
}

const insertItem = `INSERT INTO item(rid, coll, id, dt, flags, t0, t1, minx, maxx, miny, maxy, cloud, gsd, platform, title, created, updated, bbox, geom, sum)
	VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`

func newWriter(ctx context.Context, tx *sql.Tx) (*writer, error) {
	w := &writer{tx: tx, second: noSecond - 1}
	for st, text := range map[**sql.Stmt]string{
		&w.find:    "SELECT rid, sum FROM item WHERE id = ? AND coll = ?",
		&w.top:     "SELECT coalesce(max(rid), ?1 - 2) FROM item WHERE rid BETWEEN ?1 AND ?2",
		&w.item:    insertItem,
		&w.doc:     "INSERT INTO item_doc(rid, doc) VALUES(?, ?)",
		&w.rt:      "INSERT INTO item_rt VALUES(?,?,?,?,?,?,?)",
		&w.fts:     "INSERT INTO item_fts(rowid, words) VALUES(?, ?)",
		&w.delItem: "DELETE FROM item WHERE rid = ?",
		&w.delDoc:  "DELETE FROM item_doc WHERE rid = ?",
		&w.delRT:   "DELETE FROM item_rt WHERE rid IN (?1, ?1 + 1)",
		&w.delFTS:  "DELETE FROM item_fts WHERE rowid = ?",
	} {
		var err error
		if *st, err = tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
	}
	var err error
	if w.reach, err = readReach(ctx, tx); err != nil {
		return nil, err
	}
	w.collections, err = readCollections(ctx, tx)
	return w, err
}

func readCollections(ctx context.Context, r querier) (map[catalog.CollectionID]int64, error) {
	rows, err := r.QueryContext(ctx, "SELECT id, no FROM collection")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[catalog.CollectionID]int64{}
	for rows.Next() {
		var id catalog.CollectionID
		var no int64
		if err := rows.Scan(&id, &no); err != nil {
			return nil, err
		}
		m[id] = no
	}
	return m, rows.Err()
}

// readReach returns how far from dt the span of any item lasts. It bounds the part of item_walk that a question about
// time must look at.
func readReach(ctx context.Context, r querier) (int64, error) {
	var n int64
	err := r.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'reach'").Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n, err
}

// put stores rows that are sorted by second, each key once.
func (w *writer) put(ctx context.Context, rows []*row) error {
	reach := w.reach
	for _, r := range rows {
		var ok bool
		if r.coll, ok = w.collections[r.it.Key.Collection]; !ok {
			return &catalog.Error{Op: "put items", Kind: catalog.KindConflict, Key: r.it.Key.String(), Err: errors.New("its collection does not exist")}
		}
		reach = max(reach, r.reach())
		if err := w.putRow(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.it.Key, err)
		}
	}
	if reach == w.reach {
		return nil
	}
	w.reach = reach
	_, err := w.tx.ExecContext(ctx, "INSERT OR REPLACE INTO meta(key, value) VALUES('reach', ?)", reach)
	return err
}

func (w *writer) putRow(ctx context.Context, r *row) error {
	if !w.fresh {
		var rid, sum int64
		err := w.find.QueryRowContext(ctx, string(r.it.Key.Item), r.coll).Scan(&rid, &sum)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case sum == r.sum:
			return nil
		default:
			if err := w.remove(ctx, rid); err != nil {
				return err
			}
		}
	}
	rid, err := w.newRID(ctx, r.second)
	if err != nil {
		return err
	}
	box := boxColumns(r.boxes)
	p := &r.it.Projection
	if _, err := w.item.ExecContext(ctx, rid, r.coll, string(r.it.Key.Item), r.dt, r.flags, r.t0, r.t1, box[0], box[1], box[2], box[3],
		nullFloat(p.CloudCover), nullFloat(p.GSD), nullText(p.Platform), nullText(p.Title), micro(p.Created), micro(p.Updated), r.bbox, r.geom, r.sum); err != nil {
		return err
	}
	if _, err := w.doc.ExecContext(ctx, rid, r.doc); err != nil {
		return err
	}
	return w.index(ctx, rid, r)
}

func (w *writer) index(ctx context.Context, rid int64, r *row) error {
	if len(r.boxes) > 0 {
		m0, m1 := r.minutes()
		for i, b := range r.boxes {
			n := outward(b)
			if _, err := w.rt.ExecContext(ctx, rid+int64(i), n[0], n[1], n[2], n[3], m0, m1); err != nil {
				return err
			}
		}
	}
	_, err := w.fts.ExecContext(ctx, rid, r.words)
	return err
}

func (w *writer) remove(ctx context.Context, rid int64) error {
	for _, st := range []*sql.Stmt{w.delItem, w.delDoc, w.delRT, w.delFTS} {
		if _, err := st.ExecContext(ctx, rid); err != nil {
			return err
		}
	}
	return nil
}

// newRID gives out the next free number in a second.
func (w *writer) newRID(ctx context.Context, second int64) (int64, error) {
	first := second << seqBits
	if w.second != second {
		var top int64
		if err := w.top.QueryRowContext(ctx, first, first+lastSeq).Scan(&top); err != nil {
			return 0, err
		}
		w.second, w.seq = second, top-first
	}
	w.seq += 2
	if w.seq <= lastSeq {
		return first + w.seq, nil
	}
	// The end of the second's numbers is taken: look for a gap that a deletion left.
	w.second = noSecond - 1
	var rid int64
	err := w.tx.QueryRowContext(ctx, `SELECT rid + 2 FROM item AS a WHERE rid BETWEEN ?1 AND ?2 - 2 AND NOT EXISTS(SELECT 1 FROM item WHERE rid = a.rid + 2) LIMIT 1`,
		first, first+lastSeq).Scan(&rid)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, &catalog.Error{Op: "put items", Kind: catalog.KindTooLarge, Err: errors.New("more than four million items share one second")}
	}
	return rid, err
}

// DeleteItems implements catalog.Writer.
func (s *Store) DeleteItems(ctx context.Context, keys []catalog.Key) error {
	if len(keys) == 0 {
		return nil
	}
	return s.update(ctx, "delete items", func(tx *sql.Tx) error {
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			var rid, sum int64
			err := w.find.QueryRowContext(ctx, string(k.Item), w.collections[k.Collection]).Scan(&rid, &sum)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err == nil {
				err = w.remove(ctx, rid)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteCollection implements catalog.Writer.
func (s *Store) DeleteCollection(ctx context.Context, id catalog.CollectionID) error {
	return s.update(ctx, "delete collection", func(tx *sql.Tx) error {
		var no int64
		err := tx.QueryRowContext(ctx, "SELECT no FROM collection WHERE id = ?", string(id)).Scan(&no)
		if errors.Is(err, sql.ErrNoRows) {
			return &catalog.Error{Op: "delete collection", Kind: catalog.KindNotFound, Key: string(id)}
		}
		if err != nil {
			return err
		}
		these := "(SELECT rid FROM item WHERE coll = ?1)"
		for _, text := range []string{
			"DELETE FROM item_rt WHERE rid IN " + these,
			"DELETE FROM item_rt WHERE rid IN " + strings.Replace(these, "rid", "rid + 1", 1),
			"DELETE FROM item_fts WHERE rowid IN " + these,
			"DELETE FROM item_doc WHERE rid IN " + these,
			"DELETE FROM item WHERE coll = ?1",
			"DELETE FROM collection WHERE no = ?1",
		} {
			if _, err := tx.ExecContext(ctx, text, no); err != nil {
				return err
			}
		}
		return nil
	})
}
