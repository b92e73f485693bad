package live

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

const (
	// maxWalks bounds the walks that are remembered, maxWalkItems the items of one: a longer walk records its coverage
	// but doesn't look for removed items.
	maxWalks     = 16
	maxWalkItems = 200_000
	// maxChecks bounds how many items that a walk did not show are looked up at the service, and checkEvery how often the
	// same one is: a service that reads a question otherwise than we do would be asked again and again.
	maxChecks  = 200
	checkEvery = time.Hour
)

// walk is an answer of the service that is being followed from its first page on. Only a walk that misses no page, and
// whose pages could all be kept, makes a coverage complete.
type walk struct {
	id       uint64
	question [sha256.Size]byte
	began    time.Time
	next     catalog.Cursor // of the service: the one page that may come next
	fetched  int64
	seen     map[catalog.Key]bool
	broken   bool
}

// fingerprint identifies what is asked for and in which order.
func fingerprint(q catalog.Query) ([sha256.Size]byte, error) {
	keys := q.SortKeys()
	q = q.Question()
	var filter json.RawMessage
	if q.Filter != nil {
		var err error
		if filter, err = cql2.JSON(q.Filter); err != nil {
			return [sha256.Size]byte{}, err
		}
	}
	text, err := json.Marshal([]any{q.Collections, q.IDs, q.Area.AsBinary(), q.Time, filter, q.Text, keys})
	return sha256.Sum256(text), err
}

// keepPage keeps a page of the service and returns it with cursors of ours.
func (c *Catalog) keepPage(ctx context.Context, q catalog.Query, at place, page catalog.Page, began time.Time) catalog.Page {
	page.Origin = catalog.Origin{Kind: catalog.OriginRemote, AsOf: began, Complete: true}
	kept := c.stored(c.store(ctx, page.Items))
	w := c.advance(q, at, page, began, kept)
	if n := len(page.Items); n > 0 {
		if page.Next != "" {
			page.Next = place{Remote: page.Next, Local: catalog.PositionOf(q, page.Items[n-1], false).Cursor(q), Walk: w.id}.cursor()
		}
		if page.Prev != "" {
			page.Prev = place{Remote: page.Prev, Local: catalog.PositionOf(q, page.Items[0], true).Cursor(q)}.cursor()
		}
	} else {
		page.Next, page.Prev = emptyPage(page.Next, at, w.id), emptyPage(page.Prev, at, 0)
	}
	if w.id == 0 || w.broken {
		return page
	}
	cov := catalog.Coverage{Query: q.Question(), At: w.began, Fetched: w.fetched, Complete: w.next == ""}
	if c.stored(c.local.RecordCoverage(ctx, cov)) && cov.Complete && len(w.seen) > 0 {
		c.checkRemoved(q.Question(), w.seen)
	}
	return page
}

// emptyPage continues past a page without items, which some services send: from where that page was.
func emptyPage(remote catalog.Cursor, at place, walk uint64) catalog.Cursor {
	if remote == "" {
		return ""
	}
	return place{Remote: remote, Local: at.Local, Walk: walk}.cursor()
}

// advance takes a page into its walk and returns a copy of it; one without an id if the page belongs to none.
func (c *Catalog) advance(q catalog.Query, at place, page catalog.Page, began time.Time, kept bool) walk {
	question, err := fingerprint(q)
	if err != nil {
		return walk{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var w *walk
	if at.Remote == "" {
		w = &walk{id: rand.Uint64() | 1, question: question, began: began, seen: map[catalog.Key]bool{}}
		c.walks = append(c.walks, w)
		c.walks = slices.Delete(c.walks, 0, max(0, len(c.walks)-maxWalks))
	} else {
		i := slices.IndexFunc(c.walks, func(w *walk) bool { return at.Walk != 0 && w.id == at.Walk })
		if i < 0 || c.walks[i].question != question || c.walks[i].next != at.Remote {
			return walk{}
		}
		w = c.walks[i]
		c.walks = append(slices.Delete(c.walks, i, i+1), w)
	}
	w.next = page.Next
	w.fetched += int64(len(page.Items))
	w.broken = w.broken || !kept
	if w.fetched > maxWalkItems {
		w.seen = nil
	}
	if w.seen != nil {
		for _, it := range page.Items {
			w.seen[it.Key] = true
		}
	}
	out := *w
	if w.next == "" { // ended; out keeps what it saw
		c.walks = slices.DeleteFunc(c.walks, func(x *walk) bool { return x == w })
	}
	return out
}

// checkRemoved looks, behind the scenes, for items that the local catalogue holds inside a question whose complete answer did
// not show them. The service is asked for each: one that it no longer knows is removed, one that has changed is kept
// anew. So neither an item that came during the walk nor a service that reads the question otherwise can cost anything.
func (c *Catalog) checkRemoved(q catalog.Query, seen map[catalog.Key]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.background.Err() != nil {
		return
	}
	c.wg.Go(func() {
		c.checking.Lock()
		defer c.checking.Unlock()
		if err := c.removeGone(c.background, q, seen); err != nil && c.background.Err() == nil {
			c.log.Info("Looking for removed items stopped early.", "err", err)
		}
	})
}

func (c *Catalog) removeGone(ctx context.Context, q catalog.Query, seen map[catalog.Key]bool) error {
	q.Limit = 1000
	var unseen []catalog.Key
	for first := true; first || q.Cursor != ""; first = false {
		page, err := c.local.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if !seen[it.Key] && len(unseen) < maxChecks && c.now().Sub(c.checked[it.Key]) > checkEvery {
				unseen = append(unseen, it.Key)
			}
		}
		q.Cursor = page.Next
	}
	for _, key := range unseen {
		if c.Offline() {
			return nil
		}
		if len(c.checked) >= 50*maxChecks {
			clear(c.checked)
		}
		c.checked[key] = c.now()
		it, err := c.remote.Item(ctx, key)
		switch {
		case err == nil:
			err = c.store(ctx, []catalog.Item{it})
		case catalog.KindOf(err) == catalog.KindNotFound:
			c.log.Info("The service has withdrawn an item.", "item", key.String())
			err = c.local.DeleteItems(ctx, []catalog.Key{key})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
