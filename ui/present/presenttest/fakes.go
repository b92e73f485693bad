package presenttest

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strconv"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// Catalog is a catalogue in memory. Fields that are set replace what it does.
type Catalog struct {
	All         []catalog.Item
	List        []catalog.Collection
	SearchFn    func(ctx context.Context, q catalog.Query) (catalog.Page, error)
	CollFn      func(ctx context.Context) ([]catalog.Collection, error)
	mu          sync.Mutex
	offline     bool
	LastQueries []catalog.Query
}

// SetOffline implements present.Catalog.
func (c *Catalog) SetOffline(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offline = on
}

// Offline implements present.Catalog.
func (c *Catalog) Offline() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offline
}

// Search implements catalog.Source: all items in their order, in pages.
func (c *Catalog) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	c.mu.Lock()
	c.LastQueries = append(c.LastQueries, q)
	c.mu.Unlock()
	if c.SearchFn != nil {
		return c.SearchFn(ctx, q)
	}
	return Paged(c.All, q), nil
}

// Queries returns the questions asked so far.
func (c *Catalog) Queries() []catalog.Query {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.LastQueries)
}

// Paged returns the page of all that a query asks for, as if every item matched.
func Paged(all []catalog.Item, q catalog.Query) catalog.Page {
	at, err := strconv.Atoi(string(q.Cursor))
	if err != nil {
		at = 0
	}
	end := min(at+q.PageLimit(), len(all))
	p := catalog.Page{Items: all[at:end], Matched: catalog.Count{N: int64(len(all)), Kind: catalog.CountExact}, Origin: catalog.Origin{Complete: true}}
	if end < len(all) {
		p.Next = catalog.Cursor(strconv.Itoa(end))
	}
	return p
}

// Item implements catalog.Source.
func (c *Catalog) Item(_ context.Context, key catalog.Key) (catalog.Item, error) {
	for _, it := range c.All {
		if it.Key == key {
			return it, nil
		}
	}
	return catalog.Item{}, &catalog.Error{Op: "item", Kind: catalog.KindNotFound, Key: key.String()}
}

// Collections implements catalog.Source.
func (c *Catalog) Collections(ctx context.Context) ([]catalog.Collection, error) {
	if c.CollFn != nil {
		return c.CollFn(ctx)
	}
	return c.List, nil
}

// Thumbnails gives a grey picture for every item but those whose id is in Missing.
type Thumbnails struct{ Missing map[catalog.ItemID]bool }

// Thumbnail implements present.Thumbnails.
func (f Thumbnails) Thumbnail(ctx context.Context, it catalog.Item, size int) (image.Image, error) {
	if f.Missing[it.Key.Item] {
		return nil, &catalog.Error{Op: "thumbnail", Kind: catalog.KindNotFound}
	}
	return image.NewGray(image.Rect(0, 0, size, size)), ctx.Err()
}

// Session is a login that the test steers.
type Session struct {
	mu      sync.Mutex
	busy    sync.Mutex
	view    auth.View
	changes chan struct{}
	// Answer ends the login under way; it is read once per login.
	Answer chan error
	// OnLogout is what Logout returns.
	OnLogout error
}

// NewSession returns a session with a view.
func NewSession(v auth.View) *Session {
	return &Session{view: v, changes: make(chan struct{}, 1), Answer: make(chan error)}
}

// Set changes the view as a provider would.
func (s *Session) Set(v auth.View) {
	s.mu.Lock()
	s.view = v
	s.mu.Unlock()
	select {
	case s.changes <- struct{}{}:
	default:
	}
}

// Token implements auth.TokenSource.
func (s *Session) Token(context.Context) (auth.Token, error) {
	return auth.Token{}, auth.ErrLoginRequired
}

// login does one login at a time, as the contract of a session wants it.
func (s *Session) login(ctx context.Context, v auth.View) error {
	if !s.busy.TryLock() {
		return &auth.Error{Op: "log in", Kind: auth.KindConflict}
	}
	defer s.busy.Unlock()
	s.Set(v)
	select {
	case err := <-s.Answer:
		if err == nil {
			s.Set(auth.View{Status: auth.LoggedIn, Identity: auth.Identity{Username: "alice", Name: "Alice Martin"}})
			return nil
		}
		s.Set(auth.View{})
		return err
	case <-ctx.Done():
		s.Set(auth.View{})
		return ctx.Err()
	}
}

// LoginBrowser implements auth.Session.
func (s *Session) LoginBrowser(ctx context.Context) error {
	return s.login(ctx, auth.View{Status: auth.LoggingIn})
}

// LoginDevice implements auth.Session.
func (s *Session) LoginDevice(ctx context.Context) error {
	code := &auth.DevicePrompt{UserCode: "WDJB-MJHT", VerificationURI: "https://sso.example.org/device"}
	return s.login(ctx, auth.View{Status: auth.LoggingIn, Device: code})
}

// LoginURL implements present.LoginLinker.
func (s *Session) LoginURL() string {
	if s.Snapshot().Status == auth.LoggingIn {
		return "https://sso.example.org/auth"
	}
	return ""
}

// Logout implements auth.Session.
func (s *Session) Logout(context.Context) error {
	s.Set(auth.View{})
	return s.OnLogout
}

// Snapshot implements auth.Session.
func (s *Session) Snapshot() auth.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

// Changes implements auth.Session.
func (s *Session) Changes() <-chan struct{} { return s.changes }

// Connections keeps connections in memory.
type Connections struct {
	mu    sync.Mutex
	Conns []present.Connection
	// Workspaces by connection id.
	Workspaces map[string]present.Workspace
	OpenErr    error
	Closed     []string
}

// List implements present.Connections.
func (c *Connections) List() []present.Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.Conns)
}

// Current implements present.Connections.
func (c *Connections) Current() string { return "" }

// Open implements present.Connections.
func (c *Connections) Open(_ context.Context, id string) (present.Workspace, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.OpenErr != nil {
		return present.Workspace{}, c.OpenErr
	}
	w, ok := c.Workspaces[id]
	if !ok {
		return present.Workspace{}, fmt.Errorf("no connection %q", id)
	}
	for _, conn := range c.Conns {
		if conn.ID == id {
			w.Connection = conn
		}
	}
	w.Close = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.Closed = append(c.Closed, id)
	}
	return w, nil
}

// ClosedIDs returns the connections that were closed, in order.
func (c *Connections) ClosedIDs() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.Closed)
}

// Save implements present.Connections.
func (c *Connections) Save(_ context.Context, conn present.Connection) (present.Connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.ID == "" {
		conn.ID = fmt.Sprintf("c%d", len(c.Conns))
		c.Conns = append(c.Conns, conn)
		c.Workspaces[conn.ID] = present.Workspace{Catalog: &Catalog{}}
		return conn, nil
	}
	for i := range c.Conns {
		if c.Conns[i].ID == conn.ID {
			c.Conns[i] = conn
			return conn, nil
		}
	}
	return conn, errors.New("no such connection")
}

// Remove implements present.Connections.
func (c *Connections) Remove(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Conns = slices.DeleteFunc(c.Conns, func(x present.Connection) bool { return x.ID == id })
	return nil
}

// Queue is a download queue whose tasks stand still unless the test moves them.
type Queue struct {
	mu      sync.Mutex
	view    download.View
	changes chan struct{}
	Err     error
	Calls   []string
}

// NewQueue returns a queue that this process owns.
func NewQueue(tasks ...download.Task) *Queue {
	return &Queue{view: download.View{Tasks: tasks, Owner: true}, changes: make(chan struct{}, 1)}
}

// Set replaces the view.
func (q *Queue) Set(v download.View) {
	q.mu.Lock()
	q.view = v
	q.mu.Unlock()
	select {
	case q.changes <- struct{}{}:
	default:
	}
}

// Enqueue implements download.Queue.
func (q *Queue) Enqueue(_ context.Context, reqs []download.Request) ([]download.TaskID, error) {
	if q.Err != nil {
		return nil, q.Err
	}
	v := q.Snapshot()
	var ids []download.TaskID
	for _, r := range reqs {
		id := download.TaskID(len(v.Tasks) + 1)
		v.Tasks = append(slices.Clone(v.Tasks), download.Task{ID: id, Request: r, Total: r.Size})
		ids = append(ids, id)
	}
	q.Set(v)
	return ids, nil
}

func (q *Queue) call(name string, ids []download.TaskID) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Calls = append(q.Calls, fmt.Sprint(name, ids))
	return q.Err
}

// Called returns the actions so far, such as "pause[1]".
func (q *Queue) Called() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.Calls)
}

// Pause implements download.Queue.
func (q *Queue) Pause(_ context.Context, ids ...download.TaskID) error { return q.call("pause", ids) }

// Resume implements download.Queue.
func (q *Queue) Resume(_ context.Context, ids ...download.TaskID) error { return q.call("resume", ids) }

// Cancel implements download.Queue.
func (q *Queue) Cancel(_ context.Context, ids ...download.TaskID) error { return q.call("cancel", ids) }

// Retry implements download.Queue.
func (q *Queue) Retry(_ context.Context, ids ...download.TaskID) error { return q.call("retry", ids) }

// Forget implements download.Queue.
func (q *Queue) Forget(_ context.Context, ids ...download.TaskID) error { return q.call("forget", ids) }

// Snapshot implements download.Queue.
func (q *Queue) Snapshot() download.View {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.view
}

// Changes implements download.Queue.
func (q *Queue) Changes() <-chan struct{} { return q.changes }

// Disk answers with fixed figures.
type Disk struct {
	FreeBytes int64
	Refuse    error
}

// Free implements present.Disk.
func (d Disk) Free(string) (int64, error) { return d.FreeBytes, nil }

// Writable implements present.Disk.
func (d Disk) Writable(string) error { return d.Refuse }

// Preferences keeps settings in memory.
type Preferences struct {
	mu sync.Mutex
	S  present.Settings
}

// Load implements present.Preferences.
func (p *Preferences) Load() present.Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.S
}

// Save implements present.Preferences.
func (p *Preferences) Save(s present.Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.S = s
}
