package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

// Recovery says what became of a damaged catalogue.
type Recovery struct {
	// Damaged is where the damaged file was set aside.
	Damaged string
	// Collections and Items are how many were saved into the new catalogue. Coverage is not saved: what the
	// catalogue still holds of an answer is not known.
	Collections, Items int64
	// Lost is how many items are known to be missing from it; more may be. An item that was deleted shortly before may
	// be back, until the service is asked again.
	Lost int64
	// Cause is what was found to be wrong.
	Cause error
}

// alwaysChecked is the size in bytes up to which a file's structure is checked at each opening (about 0.1 s); a larger one is
// checked only where there is a reason: it was not closed, or damage was met.
const alwaysChecked = 64 << 20

// OpenOrRecover is Open, except that a damaged file is set aside under a new name beside it, and what can still be read of
// it is saved into a fresh catalogue. The Recovery is nil if nothing was wrong. The damaged file is never changed or
// deleted.
func OpenOrRecover(ctx context.Context, path string, o Options) (*Store, *Recovery, error) {
	suspect := suspicious(path)
	s, err := Open(ctx, path, o)
	if err == nil {
		if !suspect {
			return s, nil, nil
		}
		if err = s.check(ctx); err == nil {
			_ = os.Remove(path + suspectSuffix) // at worst it is checked once more
			return s, nil, nil
		}
		if closeErr := s.Close(); catalog.KindOf(err) != catalog.KindCorrupt {
			return nil, nil, errors.Join(err, closeErr)
		}
	}
	if catalog.KindOf(err) != catalog.KindCorrupt {
		return nil, nil, err
	}
	r := &Recovery{Cause: err}
	if r.Damaged, err = setAside(path, time.Now()); err != nil {
		return nil, nil, &catalog.Error{Op: "recover catalogue", Kind: catalog.KindReadOnly, Key: path, Err: errors.Join(r.Cause, err)}
	}
	if s, err = Open(ctx, path, o); err != nil {
		return nil, nil, err
	}
	if err := r.save(ctx, s); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, r, nil
}

// suspectSuffix names the empty file that remembers that damage was met.
const suspectSuffix = ".suspect"

func suspicious(path string) bool {
	if fi, err := os.Stat(path); err == nil && fi.Size() <= alwaysChecked {
		return true
	}
	if fi, err := os.Stat(path + "-wal"); err == nil && fi.Size() > 0 {
		return true
	}
	_, err := os.Stat(path + suspectSuffix)
	return err == nil
}

// suspect remembers damage, so that the next OpenOrRecover looks closer.
func (s *Store) suspect(err error) error {
	if err != nil && catalog.KindOf(err) == catalog.KindCorrupt {
		if f, e := os.Create(s.Path() + suspectSuffix); e == nil {
			_ = f.Close()
		}
	}
	return err
}

// check reads the structure of the whole file.
func (s *Store) check(ctx context.Context) error {
	return s.view(ctx, "check catalogue", func(r *reader) error {
		var verdict string
		if err := r.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
			return err
		}
		if verdict != "ok" {
			return &catalog.Error{Op: "check catalogue", Kind: catalog.KindCorrupt, Key: s.Path(), Err: errors.New(verdict)}
		}
		return nil
	})
}

// setAside renames the file, with its write-ahead log.
func setAside(path string, now time.Time) (string, error) {
	to := path + ".damaged-" + now.UTC().Format("20060102T150405")
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			break
		}
		to = fmt.Sprintf("%s.damaged-%s-%d", path, now.UTC().Format("20060102T150405"), n)
	}
	if err := os.Rename(path, to); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-shm", suspectSuffix} {
		if err := os.Rename(path+suffix, to+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return to, nil
}

// save copies every document that can be read. Documents alone are enough: an item is made anew from its own.
func (r *Recovery) save(ctx context.Context, to *Store) error {
	db, err := sqlitex.OpenDamaged(r.Damaged)
	if err != nil {
		return err
	}
	defer db.Close()
	v := &saver{to: to, r: r, collections: map[catalog.CollectionID]bool{}, items: map[catalog.Key]bool{}}
	allCollections, err := readable(ctx, db, "SELECT doc FROM collection ORDER BY no", func(doc []byte) error { return v.collection(ctx, doc) })
	if err != nil {
		return err
	}
	allItems, err := readable(ctx, db, "SELECT doc FROM item_doc ORDER BY rid", func(doc []byte) error { return v.item(ctx, doc) })
	if err != nil {
		return err
	}
	if !allCollections || !allItems {
		if err := v.scan(ctx); err != nil {
			return err
		}
	}
	if err := v.flush(ctx); err != nil {
		return err
	}
	var n int64
	if db.QueryRowContext(ctx, "SELECT count(*) FROM item NOT INDEXED").Scan(&n) == nil {
		r.Lost = max(0, n-r.Items)
	}
	return ctx.Err()
}

// saver puts documents into the new catalogue, the first of each key.
type saver struct {
	to          *Store
	r           *Recovery
	collections map[catalog.CollectionID]bool
	items       map[catalog.Key]bool
	batch       []catalog.Item
}

// scan takes what only a look at every page finds.
func (v *saver) scan(ctx context.Context) error {
	f, err := os.Open(v.r.Damaged)
	if err != nil {
		return err
	}
	defer f.Close()
	// Collections first, so that an item found before its own doesn't bring a bare name in its place.
	for _, take := range []func(context.Context, []byte) error{v.collection, v.item} {
		for doc := range newPageScan(f).documents() {
			if err := take(ctx, doc); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (v *saver) collection(ctx context.Context, doc []byte) error {
	c, err := catalog.ParseCollection(doc)
	if err != nil || v.collections[c.ID] {
		return nil //nolint:nilerr // it is no collection, or cannot be saved
	}
	v.collections[c.ID] = true
	v.r.Collections++
	return v.to.PutCollections(ctx, []catalog.Collection{c})
}

func (v *saver) item(ctx context.Context, doc []byte) error {
	raw, err := v.to.docs.unpack(doc)
	if err != nil {
		return nil //nolint:nilerr // it is no item, or cannot be saved
	}
	it, err := catalog.ParseItem(raw)
	if err != nil || v.items[it.Key] {
		return nil //nolint:nilerr // likewise
	}
	if !v.collections[it.Key.Collection] {
		c, err := catalog.StubCollection(it.Key.Collection)
		if err != nil {
			return nil //nolint:nilerr // likewise
		}
		if err := v.collection(ctx, c.Raw); err != nil {
			return err
		}
	}
	v.items[it.Key] = true
	if v.batch = append(v.batch, it); len(v.batch) < v.to.batch {
		return nil
	}
	return v.flush(ctx)
}

func (v *saver) flush(ctx context.Context) error {
	err := v.to.PutItems(ctx, v.batch)
	v.r.Items += int64(len(v.batch))
	v.batch = nil
	return err
}
