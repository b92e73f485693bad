package store

import (
	"context"
	"database/sql"
	"hash/maphash"
	"iter"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// batchSize is how many items one transaction of an import takes, and how many are sorted by time at once.
const batchSize = 5000

// Import puts many items and returns how many it took. It stops at the first error, of the sequence or of its own: an empty
// catalogue is filled in one transaction and stays empty then; otherwise the batches before it are kept.
//
// Items in order of time go in fastest. Collections must exist, as for PutItems; of several items with one key the last
// one stays.
func (s *Store) Import(ctx context.Context, items iter.Seq2[catalog.Item, error]) (int64, error) {
	next, stop := iter.Pull2(batches(items, s.batch))
	defer stop()
	var n int64
	first := true
	for {
		batch, err, more := next()
		if !more || err != nil {
			return n, err
		}
		if first {
			first = false
			filled, taken, err := s.fill(ctx, batch, next)
			if filled || err != nil {
				return taken, err
			}
		}
		if err := s.PutItems(ctx, batch); err != nil {
			return n, err
		}
		n += int64(len(batch))
	}
}

func batches(items iter.Seq2[catalog.Item, error], size int) iter.Seq2[[]catalog.Item, error] {
	return func(yield func([]catalog.Item, error) bool) {
		var batch []catalog.Item
		for it, err := range items {
			if err != nil {
				if len(batch) == 0 || yield(batch, nil) {
					yield(nil, err)
				}
				return
			}
			if batch = append(batch, it); len(batch) == size {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}

// fill imports into an empty catalogue: the tables first, the indexes of item afterwards. filled is false if there are
// items already.
func (s *Store) fill(ctx context.Context, batch []catalog.Item, next func() ([]catalog.Item, error, bool)) (filled bool, n int64, err error) {
	err = s.update(ctx, "import items", func(tx *sql.Tx) error {
		var taken bool
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS(SELECT 1 FROM item)").Scan(&taken); err != nil || taken {
			return err
		}
		filled = true
		indexes, err := dropIndexes(ctx, tx)
		if err != nil {
			return err
		}
		w, err := newWriter(ctx, tx)
		if err != nil {
			return err
		}
		w.fresh = true
		seen := map[uint64]bool{}
		seed := maphash.MakeSeed()
		var again []catalog.Item // of a key that may have come before
		for more := true; more; {
			unique := batch[:0:len(batch)]
			for _, it := range batch {
				if h := maphash.Comparable(seed, it.Key); !seen[h] {
					seen[h] = true
					unique = append(unique, it)
				} else {
					again = append(again, it)
				}
			}
			n += int64(len(batch))
			if err := s.putInto(ctx, w, unique); err != nil {
				return err
			}
			if batch, err, more = next(); err != nil {
				return err
			}
		}
		for _, text := range indexes {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		w.fresh = false
		return s.putInto(ctx, w, again)
	})
	if err != nil {
		n = 0
	}
	return filled, n, err
}

func (s *Store) putInto(ctx context.Context, w *writer, items []catalog.Item) error {
	rows, err := s.encodeAll(items)
	if err != nil {
		return err
	}
	return w.put(ctx, rows)
}

// dropIndexes drops those of item and returns how to make them again.
func dropIndexes(ctx context.Context, tx *sql.Tx) ([]string, error) {
	var texts []string
	for _, name := range []string{"item_key", "item_walk"} {
		var text string
		if err := tx.QueryRowContext(ctx, "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", name).Scan(&text); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}
