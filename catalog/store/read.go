package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// readDocuments fills in Raw of a page.
func (s *Store) readDocuments(ctx context.Context, r querier, items []catalog.Item, rids map[catalog.Key]int64) error {
	wanted := make([]int64, 0, len(items))
	at := make(map[int64]int, len(items))
	for i, it := range items {
		if it.Raw == nil {
			rid := rids[it.Key]
			wanted = append(wanted, rid)
			at[rid] = i
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rows, err := r.QueryContext(ctx, "SELECT rid, doc FROM json_each(?) AS wanted CROSS JOIN item_doc ON item_doc.rid = wanted.value", jsonText(wanted))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var rid int64
		var doc sql.RawBytes
		if err := rows.Scan(&rid, &doc); err != nil {
			return err
		}
		i := at[rid]
		if items[i].Raw, err = s.docs.unpack(doc); err != nil {
			return err
		}
		delete(at, rid)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, i := range at {
		return &catalog.Error{Op: "read document", Kind: catalog.KindCorrupt, Key: items[i].Key.String(), Err: errors.New("its document is missing")}
	}
	return nil
}

// Item implements catalog.Source.
func (s *Store) Item(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	const op = "get item"
	var it catalog.Item
	err := s.view(ctx, op, func(r *reader) error {
		a := &asked{s: s, r: r, withDoc: true}
		rows, err := r.QueryContext(ctx, "SELECT "+a.columns()+` FROM item JOIN collection ON collection.no = item.coll JOIN item_doc ON item_doc.rid = item.rid
			WHERE item.id = ? AND collection.id = ?`, string(key.Item), string(key.Collection))
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			if err := rows.Err(); err != nil {
				return err
			}
			return &catalog.Error{Op: op, Kind: catalog.KindNotFound, Key: key.String()}
		}
		f, err := (&scanner{withDoc: true, docs: s.docs, name: a.nameOf(ctx)}).scan(rows)
		it = f.item
		return err
	})
	return it, err
}

// Collections implements catalog.Source.
func (s *Store) Collections(ctx context.Context) ([]catalog.Collection, error) {
	var cs []catalog.Collection
	err := s.view(ctx, "list collections", func(r *reader) error {
		rows, err := r.QueryContext(ctx, "SELECT doc FROM collection ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var doc []byte
			if err := rows.Scan(&doc); err != nil {
				return err
			}
			c, err := catalog.ParseCollection(doc)
			if err != nil {
				return &catalog.Error{Op: "list collections", Kind: catalog.KindCorrupt, Err: err}
			}
			cs = append(cs, c)
		}
		return rows.Err()
	})
	return cs, err
}

// Footprint is what a map draws of an item.
type Footprint struct {
	Key        catalog.Key
	Geometry   geom.Geometry
	Time       catalog.Interval
	CloudCover float64
}

// Footprints returns up to most items of an answer in its order, from the beginning, without documents; those that have no
// footprint are left out. Limit and Cursor of the query don't matter. The count is that of Query.CountUpTo.
func (s *Store) Footprints(ctx context.Context, q catalog.Query, most int) ([]Footprint, catalog.Count, error) {
	var out []Footprint
	var count catalog.Count
	q.Cursor = ""
	err := s.view(ctx, "read footprints", func(r *reader) error {
		a, err := s.ask(ctx, r, q, most)
		if err != nil {
			return err
		}
		count = a.count
		out = make([]Footprint, 0, len(a.found))
		for _, f := range a.found {
			if f.item.HasBBox {
				out = append(out, Footprint{Key: f.item.Key, Geometry: f.item.Footprint, Time: f.item.Time, CloudCover: f.item.CloudCover})
			}
		}
		return nil
	})
	return out, count, err
}

// Meta returns a note about the catalogue, such as the address of the service that it is a copy of; "" if there is none.
func (s *Store) Meta(ctx context.Context, key string) (string, error) {
	var v string
	err := s.view(ctx, "read note", func(r *reader) error {
		err := r.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", "user:"+key).Scan(&v)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return v, err
}

// SetMeta keeps a note about the catalogue.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.update(ctx, "keep note", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", "user:"+key, value)
		return err
	})
}

// origin says what a local answer rests on.
func (s *Store) origin(ctx context.Context, r querier, q catalog.Query) (catalog.Origin, error) {
	if s.opts.Authoritative {
		return catalog.Origin{Kind: catalog.OriginLocal, AsOf: s.opts.Now().UTC().Truncate(time.Microsecond), Complete: true}, nil
	}
	known, err := s.coverages(ctx, r)
	if err != nil {
		return catalog.Origin{}, err
	}
	return catalog.LocalOrigin(q, known), nil
}
