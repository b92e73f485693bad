// Package live puts the local catalogue behind a remote one: fresh when it can be, honest when it can't.
//
// What the service answers is kept before it is passed on, with the question that it answers; when the service is out of
// reach, or the user works offline, the same questions are answered from what was kept, and the page says so. What must
// not be here: how either of the two works.
package live

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Local is the catalogue on this machine. Its cursors are those of catalog.Position.
type Local interface {
	catalog.Source
	catalog.Writer
	catalog.CoverageWriter
}

// Config says what a Catalog stands on.
type Config struct {
	Remote catalog.Source
	Local  Local
	// Logger is told what goes wrong behind the scenes; nil means slog.Default.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Offline is whether to start in offline work.
	Offline bool
}

// State says how the service was last found.
type State struct {
	// Offline is true when the user chose to work offline: the service is then not asked.
	Offline bool
	// Reachable is true when the last thing asked of the service was answered, even by a refusal.
	Reachable bool
	// Err is why the service could not be reached; nil if Reachable or never asked.
	Err error
	// LastContact is when the service last answered; zero if it never has.
	LastContact time.Time
	// StoreErr is why the last answer could not be kept on this machine (full disk, damaged file); nil if it was.
	StoreErr error
}

// Catalog is a catalog.Source. It is safe for concurrent use.
type Catalog struct {
	remote catalog.Source
	local  Local
	log    *slog.Logger
	now    func() time.Time

	changes chan struct{}

	mu    sync.Mutex
	state State
	known map[catalog.CollectionID]bool // collections that the local catalogue has
	walks []*walk                       // the one used last is last

	background context.Context
	cancel     context.CancelFunc
	wg         sync.WaitGroup
	checking   sync.Mutex // one check for removed items at a time; guards checked
	checked    map[catalog.Key]time.Time
}

// New returns a catalogue. Close it.
func New(c Config) *Catalog {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	l := &Catalog{
		remote: c.Remote, local: c.Local, log: c.Logger, now: c.Now, state: State{Offline: c.Offline},
		changes: make(chan struct{}, 1), known: map[catalog.CollectionID]bool{},
		checked: map[catalog.Key]time.Time{},
	}
	l.background, l.cancel = context.WithCancel(context.Background())
	return l
}

// Close ends the work behind the scenes and waits for it. It closes neither of the two catalogues.
func (c *Catalog) Close() error {
	c.mu.Lock() // so that no work begins after Wait
	c.cancel()
	c.mu.Unlock()
	c.wg.Wait()
	return nil
}

// SetOffline chooses whether the service is asked.
func (c *Catalog) SetOffline(offline bool) {
	c.change(func(s *State) { s.Offline = offline })
}

// Offline reports what SetOffline chose.
func (c *Catalog) Offline() bool { return c.State().Offline }

// State returns how the service was last found.
func (c *Catalog) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Changes signals that State has changed, once for any number of changes not yet received. It is for one receiver.
func (c *Catalog) Changes() <-chan struct{} { return c.changes }

func (c *Catalog) change(f func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.state)
	select {
	case c.changes <- struct{}{}:
	default:
	}
}

// heard notes what asking the service came to.
func (c *Catalog) heard(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil {
		return // it was us who hung up
	}
	c.change(func(s *State) {
		if s.Reachable = err == nil || !unreachable(err); s.Reachable {
			s.Err, s.LastContact = nil, c.now()
			return
		}
		s.Err = err
	})
}

// unreachable reports whether the service gave no usable answer, so that what was kept is the best there is. A
// refusal is an answer: the login, the right or the question is what must change.
func unreachable(err error) bool {
	switch catalog.KindOf(err) {
	case catalog.KindUnavailable, catalog.KindThrottled, catalog.KindProtocol, catalog.KindTooLarge:
		return true
	}
	return false
}

// Search implements catalog.Source. Where the service gives no usable answer, the local catalogue answers; Page.Origin
// says so and why. A walk that the service began goes on in the local catalogue after the last item seen, and stays
// there.
func (c *Catalog) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	at, err := readPlace(q.Cursor)
	if err != nil {
		return catalog.Page{}, err
	}
	if at.local || c.Offline() {
		return c.searchLocal(ctx, q, at, nil)
	}
	began := c.now()
	rq := q
	rq.Cursor = at.Remote
	page, err := c.remote.Search(ctx, rq)
	c.heard(ctx, err)
	switch {
	case err == nil:
		return c.keepPage(ctx, q, at, page, began), nil
	case ctx.Err() != nil || !unreachable(err):
		return catalog.Page{}, err
	}
	page, localErr := c.searchLocal(ctx, q, at, err)
	if localErr != nil {
		c.log.Warn("The local catalogue could not stand in for the service.", "err", localErr)
		return catalog.Page{}, err
	}
	return page, nil
}

func (c *Catalog) searchLocal(ctx context.Context, q catalog.Query, at place, cause error) (catalog.Page, error) {
	q.Cursor = at.Local
	page, err := c.local.Search(ctx, q)
	if err != nil {
		return catalog.Page{}, err
	}
	page.Origin.Kind, page.Origin.Cause = catalog.OriginLocal, cause
	page.Next, page.Prev = localCursor(page.Next), localCursor(page.Prev)
	return page, nil
}

// Item implements catalog.Source.
func (c *Catalog) Item(ctx context.Context, key catalog.Key) (catalog.Item, error) {
	if c.Offline() {
		return c.local.Item(ctx, key)
	}
	it, err := c.remote.Item(ctx, key)
	c.heard(ctx, err)
	switch {
	case err == nil:
		c.stored(c.store(ctx, []catalog.Item{it}))
		return it, nil
	case ctx.Err() != nil || !unreachable(err):
		return catalog.Item{}, err
	}
	if it, localErr := c.local.Item(ctx, key); localErr == nil {
		return it, nil
	}
	return catalog.Item{}, err
}

// Collections implements catalog.Source.
func (c *Catalog) Collections(ctx context.Context) ([]catalog.Collection, error) {
	if c.Offline() {
		return c.local.Collections(ctx)
	}
	cs, err := c.remote.Collections(ctx)
	c.heard(ctx, err)
	switch {
	case err == nil:
		c.stored(c.storeCollections(ctx, cs))
		return cs, nil
	case ctx.Err() != nil || !unreachable(err):
		return nil, err
	}
	if cs, localErr := c.local.Collections(ctx); localErr == nil && len(cs) > 0 {
		return cs, nil
	}
	return nil, err
}

// place is where in an answer a cursor of ours points, for both catalogues.
type place struct {
	Remote catalog.Cursor `json:"r,omitempty"`
	Local  catalog.Cursor `json:"l,omitempty"`
	Walk   uint64         `json:"w,omitempty"`
	local  bool           // the walk belongs to the local catalogue
}

const localPrefix, remotePrefix = "L.", "R."

func localCursor(c catalog.Cursor) catalog.Cursor {
	if c == "" {
		return ""
	}
	return localPrefix + c
}

func (p place) cursor() catalog.Cursor {
	text, err := json.Marshal(p)
	if err != nil { // strings and a number always marshal
		return ""
	}
	return catalog.Cursor(remotePrefix + base64.RawURLEncoding.EncodeToString(text))
}

func readPlace(c catalog.Cursor) (place, error) {
	if c == "" {
		return place{}, nil
	}
	if rest, ok := strings.CutPrefix(string(c), localPrefix); ok {
		return place{Local: catalog.Cursor(rest), local: true}, nil
	}
	var p place
	rest, ok := strings.CutPrefix(string(c), remotePrefix)
	text, err := base64.RawURLEncoding.DecodeString(rest)
	if ok && err == nil && json.Unmarshal(text, &p) == nil && p.Remote != "" {
		return p, nil
	}
	return place{}, &catalog.Error{Op: "search", Kind: catalog.KindInvalid, Err: errors.New("cursor: it is not one of this catalogue's; begin again without it")}
}

// store keeps items, with the collections that they need.
func (c *Catalog) store(ctx context.Context, items []catalog.Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := c.needCollections(ctx, items); err != nil {
		return err
	}
	err := c.local.PutItems(ctx, items)
	if catalog.KindOf(err) != catalog.KindConflict || err == nil {
		return err
	}
	// Another window has removed a collection.
	c.mu.Lock()
	clear(c.known)
	c.mu.Unlock()
	if err := c.needCollections(ctx, items); err != nil {
		return err
	}
	return c.local.PutItems(ctx, items)
}

// needCollections makes sure that the local catalogue has the collections of some items: from the service, or else as
// a bare name until the service describes it.
func (c *Catalog) needCollections(ctx context.Context, items []catalog.Item) error {
	missing := c.unknownOf(items)
	if len(missing) == 0 {
		return nil
	}
	have, err := c.local.Collections(ctx)
	if err != nil {
		return err
	}
	c.remember(have)
	if missing = c.unknownOf(items); len(missing) == 0 {
		return nil
	}
	if cs, err := c.remote.Collections(ctx); err == nil {
		if err := c.storeCollections(ctx, cs); err != nil {
			return err
		}
		missing = c.unknownOf(items)
	}
	var stubs []catalog.Collection
	for id := range missing {
		stub, err := catalog.StubCollection(id)
		if err != nil {
			return err
		}
		stubs = append(stubs, stub)
	}
	return c.storeCollections(ctx, stubs)
}

func (c *Catalog) unknownOf(items []catalog.Item) map[catalog.CollectionID]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	missing := map[catalog.CollectionID]bool{}
	for _, it := range items {
		if !c.known[it.Key.Collection] {
			missing[it.Key.Collection] = true
		}
	}
	return missing
}

func (c *Catalog) storeCollections(ctx context.Context, cs []catalog.Collection) error {
	if len(cs) == 0 {
		return nil
	}
	if err := c.local.PutCollections(ctx, cs); err != nil {
		return err
	}
	c.remember(cs)
	return nil
}

func (c *Catalog) remember(cs []catalog.Collection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range cs {
		c.known[x.ID] = true
	}
}

// stored notes whether an answer could be kept, and reports it. A failure doesn't cost the user the answer.
func (c *Catalog) stored(err error) bool {
	if err != nil {
		c.log.Warn("An answer of the service could not be kept.", "err", err)
	}
	if old := c.State().StoreErr; (err == nil) != (old == nil) || err != nil {
		c.change(func(s *State) { s.StoreErr = err })
	}
	return err == nil
}
