package catalogtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Memory is a catalogue in memory: Source, Writer and CoverageWriter. It answers by looking at every item, so that it
// is easily seen to be right; the other catalogues are held against it.
type Memory struct {
	mu          sync.RWMutex
	collections map[catalog.CollectionID]catalog.Collection
	items       map[catalog.Key]catalog.Item
	coverage    []catalog.Coverage
}

// NewMemory returns an empty catalogue.
func NewMemory() *Memory {
	return &Memory{collections: map[catalog.CollectionID]catalog.Collection{}, items: map[catalog.Key]catalog.Item{}}
}

// Oracle returns the items that a query asks for, in its order, cursor and limit aside.
func Oracle(items []catalog.Item, q catalog.Query) ([]catalog.Item, error) {
	m, err := catalog.NewMatcher(q)
	if err != nil {
		return nil, err
	}
	var found []catalog.Item
	for _, it := range items {
		ok, err := m.Match(it)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, it)
		}
	}
	slices.SortFunc(found, func(a, b catalog.Item) int { return catalog.Compare(q, a, b) })
	return found, nil
}

// Search implements catalog.Source.
func (m *Memory) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	if err := ctx.Err(); err != nil {
		return catalog.Page{}, &catalog.Error{Op: "search", Kind: catalog.KindUnavailable, Err: err}
	}
	pos, err := q.Position()
	if err != nil {
		return catalog.Page{}, err
	}
	m.mu.RLock()
	all := make([]catalog.Item, 0, len(m.items))
	for _, it := range m.items {
		all = append(all, it)
	}
	known := slices.Clone(m.coverage)
	m.mu.RUnlock()
	found, err := Oracle(all, q)
	if err != nil {
		return catalog.Page{}, err
	}
	total := len(found)
	if pos != nil {
		found = slices.DeleteFunc(found, func(it catalog.Item) bool { return !pos.Ahead(q, catalog.PositionOf(q, it, false)) })
		if pos.Before {
			slices.Reverse(found)
		}
	}
	page := catalog.NewPage(q, pos, found[:min(len(found), q.PageLimit()+1)])
	page.Matched = catalog.CountOf(q, int64(total))
	page.Origin = catalog.LocalOrigin(q, known)
	return page, nil
}

// Item implements catalog.Source.
func (m *Memory) Item(_ context.Context, key catalog.Key) (catalog.Item, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	it, ok := m.items[key]
	if !ok {
		return catalog.Item{}, &catalog.Error{Op: "get item", Kind: catalog.KindNotFound, Key: key.String()}
	}
	return it, nil
}

// Collections implements catalog.Source.
func (m *Memory) Collections(context.Context) ([]catalog.Collection, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var cs []catalog.Collection
	for _, c := range m.collections {
		cs = append(cs, c)
	}
	slices.SortFunc(cs, func(a, b catalog.Collection) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return cs, nil
}

// PutCollections implements catalog.Writer.
func (m *Memory) PutCollections(_ context.Context, cs []catalog.Collection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range cs {
		m.collections[c.ID] = c
	}
	return nil
}

// PutItems implements catalog.Writer.
func (m *Memory) PutItems(_ context.Context, items []catalog.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range items {
		if _, ok := m.collections[it.Key.Collection]; !ok {
			return &catalog.Error{Op: "put items", Kind: catalog.KindConflict, Key: it.Key.String(), Err: errors.New("its collection does not exist")}
		}
	}
	for _, it := range items {
		m.items[it.Key] = it
	}
	return nil
}

// DeleteItems implements catalog.Writer.
func (m *Memory) DeleteItems(_ context.Context, keys []catalog.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		delete(m.items, k)
	}
	return nil
}

// DeleteCollection implements catalog.Writer.
func (m *Memory) DeleteCollection(_ context.Context, id catalog.CollectionID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.collections[id]; !ok {
		return &catalog.Error{Op: "delete collection", Kind: catalog.KindNotFound, Key: string(id)}
	}
	delete(m.collections, id)
	for k := range m.items {
		if k.Collection == id {
			delete(m.items, k)
		}
	}
	return nil
}

// RecordCoverage implements catalog.CoverageWriter.
func (m *Memory) RecordCoverage(_ context.Context, c catalog.Coverage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.Query = c.Query.Question()
	m.coverage = append(m.coverage, c)
	return nil
}
