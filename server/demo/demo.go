// Package demo is the sample archive of the reference backend: twenty thousand items that follow from a seed, and the
// bytes of every asset that they name, made when first asked for.
//
// A newcomer finds here which scenes exist (layout.go, plan.go), their STAC documents (document.go, collections.go) and
// how an object key leads to pixels (objects.go, render.go). What the land looks like is the business of scene, how a
// GeoTIFF is written that of cogwriter. Nothing here opens a port or a database.
//
// Everything is at one tenth of the real resolution, and the documents say so: an asset downloads in seconds.
package demo

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// The collections of the sample archive.
const (
	SPOT           catalog.CollectionID = "spot-6-7-drs"
	Sentinel2      catalog.CollectionID = "sentinel2-l2a-theia"
	SuperSentinel2 catalog.CollectionID = "super-sentinel-2-l2a"
)

// Config says which archive.
type Config struct {
	// Seed decides everything that is left to chance. Equal seeds give equal archives, byte for byte.
	Seed uint64
	// ObjectsURL is the object store's address without a trailing slash, such as http://127.0.0.1:8481. Documents
	// link to {ObjectsURL}/{Bucket}/{key}.
	ObjectsURL string
	// Bucket holds the assets; empty means "dinamis".
	Bucket string
	// LicencesURL is where Licence is served, without a trailing slash: documents link to {LicencesURL}/{collection}.txt, since a
	// licence must be readable before one has any right. Empty means licences/ in the bucket.
	LicencesURL string
}

// Archive is the sample archive. It is safe for concurrent use; New makes one.
type Archive struct {
	seed   uint64
	base   string // of hrefs: address and bucket, with a trailing slash
	terms  string // of licence links, with a trailing slash
	bucket string
	scenes []acquisition // in time order
	byID   map[string]int32
	docs   *documents
	world  *scene.World
}

// New plans the archive: which scenes exist and when they were taken. It takes some 100 ms.
func New(cfg Config) (*Archive, error) {
	if cfg.Bucket == "" {
		cfg.Bucket = "dinamis"
	}
	if cfg.ObjectsURL == "" || strings.HasSuffix(cfg.ObjectsURL, "/") {
		return nil, fmt.Errorf("sample archive: ObjectsURL %q must be an address without a trailing slash", cfg.ObjectsURL)
	}
	if strings.Contains(cfg.Bucket, "/") {
		return nil, errors.New("sample archive: a bucket's name holds no slash")
	}
	scenes, err := plan(cfg.Seed)
	if err != nil {
		return nil, fmt.Errorf("sample archive: %w", err)
	}
	a := &Archive{
		seed: cfg.Seed, bucket: cfg.Bucket, base: cfg.ObjectsURL + "/" + cfg.Bucket + "/",
		scenes: scenes, byID: make(map[string]int32, len(scenes)),
	}
	a.terms = a.base + licenceFolder
	if cfg.LicencesURL != "" {
		a.terms = strings.TrimSuffix(cfg.LicencesURL, "/") + "/"
	}
	for i := range scenes {
		a.byID[scenes[i].id] = int32(i)
	}
	a.docs = newDocuments(a.base, a.terms)
	a.world = scene.NewWorld(cfg.Seed)
	return a, nil
}

// Len returns the number of items.
func (a *Archive) Len() int { return len(a.scenes) }

// Items returns every item in the order of its time, with its document. Documents are made as they are asked for, so
// the whole archive is never in memory at once.
func (a *Archive) Items() iter.Seq[catalog.Item] {
	return func(yield func(catalog.Item) bool) {
		for i := range a.scenes {
			if !yield(a.item(&a.scenes[i])) {
				return
			}
		}
	}
}
