package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo"
)

// archiveVersion changes when the sample archive's documents do, so that an older state directory is filled again.
const archiveVersion = "2"

// archiveMark is the meta key under which a catalogue keeps what it was filled with.
const archiveMark = "demo-archive"

// fillArchive puts the sample archive into the catalogue, unless the very same is in it already.
func fillArchive(ctx context.Context, cat *store.Store, a *demo.Archive, at Addresses, seed uint64) error {
	mark := fmt.Sprintf("version %s, seed %d, at %s and %s", archiveVersion, seed, at.STAC, at.Objects)
	if was, err := cat.Meta(ctx, archiveMark); err != nil {
		return err
	} else if was == mark {
		return nil
	}
	if err := cat.PutCollections(ctx, a.Collections()); err != nil {
		return err
	}
	if _, err := cat.Import(ctx, withoutErrors(a.Items())); err != nil {
		return err
	}
	return cat.SetMeta(ctx, archiveMark, mark)
}

func withoutErrors(items func(func(catalog.Item) bool)) func(func(catalog.Item, error) bool) {
	return func(yield func(catalog.Item, error) bool) {
		items(func(it catalog.Item) bool { return yield(it, nil) })
	}
}

// archiveMaker makes objects of the sample archive, and writes size and checksum into the item's document once the bytes exist.
type archiveMaker struct {
	archive *demo.Archive
	cat     *store.Store
	mu      sync.Mutex // one read-change-write of a document at a time
}

// Make implements objectstore.Maker.
func (m *archiveMaker) Make(ctx context.Context, bucket, key, path string) error {
	if err := m.archive.Make(ctx, bucket, key, path); err != nil {
		return err
	}
	itemKey, asset, ok := m.archive.ItemKeyOf(key)
	if !ok {
		return nil
	}
	size, sum, err := digest(path)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	item, err := m.cat.Item(ctx, itemKey)
	if err != nil {
		return err
	}
	if item, err = m.archive.Describe(item, asset, size, sum); err != nil {
		return err
	}
	return m.cat.PutItems(ctx, []catalog.Item{item})
}

func digest(path string) (size int64, sha string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}
