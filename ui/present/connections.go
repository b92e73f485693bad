package present

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Reach says how the catalogue of a connection stands.
type Reach uint8

// The states of reach.
const (
	ReachUnknown Reach = iota // nobody asked yet
	ReachOnline
	ReachDown    // asked, and not answered
	ReachOffline // by choice
)

// ConnectionState is what the connection picker shows.
type ConnectionState struct {
	List    []Connection
	Current Connection // zero if there is none
	Opening bool
	Reach   Reach
	Offline bool
	Problem Problem
}

// ReachLabel names a state of reach.
func (p *Printer) ReachLabel(r Reach) string {
	switch r {
	case ReachOnline:
		return p.T("Online")
	case ReachDown:
		return p.T("Out of reach")
	case ReachOffline:
		return p.T("Working offline")
	}
	return p.T("Not asked yet")
}

// ConnectionPicker is the presenter of the connections: which one is open, and whether we work offline.
type ConnectionPicker struct {
	signal
	// OnOpen is called with each workspace that was opened; the zero workspace when there is none.
	OnOpen func(Workspace)
	// OnOffline is called after the person switched.
	OnOffline func(offline bool)

	do    Dispatcher
	p     *Printer
	conns Connections
	state ConnectionState
	work  Workspace
	gen   int
}

// NewConnectionPicker returns the presenter; Start opens the current connection.
func NewConnectionPicker(do Dispatcher, p *Printer, conns Connections, offline bool) *ConnectionPicker {
	c := &ConnectionPicker{do: do, p: p, conns: conns}
	c.state.Offline = offline
	return c
}

// State returns what to show now.
func (c *ConnectionPicker) State() ConnectionState { return c.state }

// Start opens the connection that was current last time, else the first one.
func (c *ConnectionPicker) Start() {
	c.state.List = c.conns.List()
	id := c.conns.Current()
	if id == "" && len(c.state.List) > 0 {
		id = c.state.List[0].ID
	}
	if id == "" {
		c.changed()
		return
	}
	c.Switch(id)
}

// Switch opens another connection and closes the one before.
func (c *ConnectionPicker) Switch(id string) {
	c.gen++
	gen := c.gen
	c.state.Opening, c.state.Problem = true, Problem{}
	c.changed()
	go func() {
		w, err := c.conns.Open(context.Background(), id)
		c.do(func() {
			if gen != c.gen {
				if err == nil && w.Close != nil {
					w.Close()
				}
				return
			}
			c.opened(w, err)
		})
	}()
}

func (c *ConnectionPicker) opened(w Workspace, err error) {
	c.state.Opening = false
	if err != nil {
		c.state.Problem = c.p.Explain(err)
		c.changed()
		return
	}
	before := c.work
	c.work = w
	w.Catalog.SetOffline(c.state.Offline)
	c.state.Current, c.state.Reach = w.Connection, ReachUnknown
	if c.state.Offline {
		c.state.Reach = ReachOffline
	}
	c.changed()
	if c.OnOpen != nil {
		c.OnOpen(w)
	}
	if before.Close != nil {
		go before.Close()
	}
}

// Workspace returns the open one; zero if none is.
func (c *ConnectionPicker) Workspace() Workspace { return c.work }

// SetOffline makes the copy on this computer answer alone, or not.
func (c *ConnectionPicker) SetOffline(offline bool) {
	if offline == c.state.Offline {
		return
	}
	c.state.Offline = offline
	if c.work.Catalog != nil {
		c.work.Catalog.SetOffline(offline)
	}
	c.state.Reach = ReachUnknown
	if offline {
		c.state.Reach = ReachOffline
	}
	c.changed()
	if c.OnOffline != nil {
		c.OnOffline(offline)
	}
}

// Answered learns from an answer of the catalogue whether the service can be reached.
func (c *ConnectionPicker) Answered(o catalog.Origin, err error) {
	if c.state.Offline {
		return
	}
	r := ReachOnline
	switch {
	case err != nil:
		switch catalog.KindOf(err) {
		case catalog.KindUnavailable, catalog.KindProtocol, catalog.KindThrottled, catalog.KindInternal:
			r = ReachDown
		}
	case o.Kind == catalog.OriginLocal:
		r = ReachDown
	}
	if r != c.state.Reach {
		c.state.Reach = r
		c.changed()
	}
}

// CheckConnection cleans what was typed and says what is wrong with it; empty if nothing is.
func (p *Printer) CheckConnection(c Connection) (Connection, string) {
	c.Name = strings.TrimSpace(c.Name)
	c.ClientID = strings.TrimSpace(c.ClientID)
	if c.Name == "" {
		return c, p.T("Give the connection a name.")
	}
	var err error
	if c.StacURL, err = cleanURL(c.StacURL); err != nil || c.StacURL == "" {
		return c, p.T("The address of the STAC API must look like https://host/path: {why}", "why", why(p, err))
	}
	if c.SigningURL, err = cleanURL(c.SigningURL); err != nil {
		return c, p.T("The address of the signing API must look like https://host/path, or be empty: {why}", "why", why(p, err))
	}
	if c.Issuer, err = cleanURL(c.Issuer); err != nil {
		return c, p.T("The address of the login service must look like https://host/path, or be empty: {why}", "why", why(p, err))
	}
	return c, ""
}

func why(p *Printer, err error) string {
	if err == nil {
		return p.T("it is empty")
	}
	return err.Error()
}

// cleanURL accepts https anywhere and http on this machine only, since a token in clear would be anyone's.
func cleanURL(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return s, errors.Unwrap(err)
	case u.Host == "":
		return s, errors.New("no host")
	case u.User != nil:
		return s, errors.New("no password belongs into an address")
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return s, errors.New("not https")
	}
	return s, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Save checks a connection and keeps it; done gets the sentence that says what is wrong, empty if it was kept. The current
// connection is opened again.
func (c *ConnectionPicker) Save(conn Connection, done func(problem string)) {
	conn, problem := c.p.CheckConnection(conn)
	if problem != "" {
		done(problem)
		return
	}
	go func() {
		saved, err := c.conns.Save(context.Background(), conn)
		list := c.conns.List()
		c.do(func() {
			if err != nil {
				done(c.p.Explain(err).Text + " " + err.Error())
				return
			}
			c.state.List = list
			c.changed()
			done("")
			if conn.ID == "" || saved.ID == c.state.Current.ID {
				c.Switch(saved.ID)
			}
		})
	}()
}

// Remove forgets a connection. If it is the open one, the first of the others is opened.
func (c *ConnectionPicker) Remove(id string) {
	go func() {
		err := c.conns.Remove(context.Background(), id)
		list := c.conns.List()
		c.do(func() {
			c.state.List = list
			if err != nil {
				c.state.Problem = c.p.Explain(err)
			}
			if err == nil && id == c.state.Current.ID {
				c.closeCurrent()
			}
			c.changed()
		})
	}()
}

func (c *ConnectionPicker) closeCurrent() {
	if len(c.state.List) > 0 {
		c.Switch(c.state.List[0].ID)
		return
	}
	before := c.work
	c.work, c.state.Current = Workspace{}, Connection{}
	if c.OnOpen != nil {
		c.OnOpen(Workspace{})
	}
	if before.Close != nil {
		go before.Close()
	}
}
