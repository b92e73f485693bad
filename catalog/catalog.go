// Package catalog holds the vocabulary of what exists: collections, items, queries, pages, and the two
// interfaces that every catalogue speaks, Source and Writer.
//
// A newcomer finds here the words and the contracts. What must not be here: drivers, net/http, Fyne. Each
// implementation has its own package: store (SQLite on this machine), stacapi (a remote STAC API), live
// (the remote one with the store behind it), server/postgis. All of them pass the suite of catalogtest.
package catalog

import (
	"context"
	"strings"
)

// CollectionID names a STAC collection. It is opaque and case-sensitive.
type CollectionID string

// ItemID names a STAC item. It is unique only within its collection.
type ItemID string

// Key names one item in a catalogue.
type Key struct {
	Collection CollectionID
	Item       ItemID
}

// String returns "collection/item", for messages.
func (k Key) String() string { return string(k.Collection) + "/" + string(k.Item) }

// Compare orders keys by item id, then by collection id: the tie-break of every page order.
func (k Key) Compare(o Key) int {
	if c := strings.Compare(string(k.Item), string(o.Item)); c != 0 {
		return c
	}
	return strings.Compare(string(k.Collection), string(o.Collection))
}

// Source answers questions about what exists. The same query gives the same items in the same order from
// every implementation. All methods are safe for concurrent use and return an *Error.
type Source interface {
	// Search returns one page. An unknown collection in the query matches nothing. KindInvalid for a query that
	// cannot be answered (the message names the parameter), KindUnavailable when the catalogue is out of reach.
	Search(ctx context.Context, q Query) (Page, error)
	// Item returns one item. KindNotFound if there is none.
	Item(ctx context.Context, key Key) (Item, error)
	// Collections returns every collection, ordered by id.
	Collections(ctx context.Context) ([]Collection, error)
}

// Writer changes a catalogue. Each call is atomic: all of it is stored, or none.
type Writer interface {
	// PutCollections inserts or replaces collections by id.
	PutCollections(ctx context.Context, cs []Collection) error
	// PutItems inserts or replaces items by key. KindConflict if a collection does not exist.
	PutItems(ctx context.Context, items []Item) error
	// DeleteItems removes items; a key that is not there is not an error.
	DeleteItems(ctx context.Context, keys []Key) error
	// DeleteCollection removes a collection with its items. KindNotFound if there is none.
	DeleteCollection(ctx context.Context, id CollectionID) error
}

// CoverageWriter records which queries were fetched and how far, so that an offline answer can be honest.
type CoverageWriter interface {
	RecordCoverage(ctx context.Context, c Coverage) error
}
