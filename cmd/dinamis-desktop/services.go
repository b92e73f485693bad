package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/browser"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/engine"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// connections makes the workstation's connections the window's.
type connections struct {
	ws         *workstation.Workstation
	askConsent func(ctx context.Context) (bool, error)
	notice     func(text string)
	mu         sync.Mutex
	told       int // warnings of the workstation that were shown
}

// warn shows what went wrong since the last time, without having stopped anything.
func (c *connections) warn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.ws.Warnings()[c.told:] {
		c.told++
		c.notice(w.Error())
	}
}

// List implements present.Connections.
func (c *connections) List() []present.Connection {
	var out []present.Connection
	for _, x := range c.ws.Settings().Connections {
		out = append(out, shown(x))
	}
	return out
}

func shown(x workstation.Connection) present.Connection {
	return present.Connection{
		ID: x.ID, Name: x.Name, StacURL: x.STAC, SigningURL: x.Signing, Issuer: x.Issuer, ClientID: x.ClientID,
	}
}

// Current implements present.Connections.
func (c *connections) Current() string { return c.ws.Settings().Current }

// Open implements present.Connections.
func (c *connections) Open(ctx context.Context, id string) (present.Workspace, error) {
	link, err := c.ws.Link(ctx, id)
	if err != nil {
		return present.Workspace{}, err
	}
	c.warn()
	if err := c.ws.Update(func(s *workstation.Settings) {
		if _, err := s.Connection(id); err == nil {
			s.Current = id
		}
	}); err != nil {
		return present.Workspace{}, err
	}
	w := present.Workspace{Connection: shown(link.Connection), Catalog: link.Catalog, Thumbnails: link.Thumbnails}
	if link.Session != nil {
		w.Session = session{link.Session, c.ws, c.askConsent}
	}
	return w, nil
}

// Save implements present.Connections.
func (c *connections) Save(_ context.Context, p present.Connection) (present.Connection, error) {
	x := workstation.Connection{
		ID: p.ID, Name: p.Name, STAC: p.StacURL, Signing: p.SigningURL, Issuer: p.Issuer, ClientID: p.ClientID,
	}
	if x.ClientID == "" {
		x.ClientID = workstation.Theia().ClientID
	}
	known := c.ws.Settings().Connections
	if x.ID == "" {
		x.ID = freeID(x.Name, known)
	} else if i := slices.IndexFunc(known, func(k workstation.Connection) bool { return k.ID == x.ID }); i >= 0 {
		x.Scopes, x.SignedHosts = known[i].Scopes, known[i].SignedHosts // the form does not show them
	}
	if err := x.Validate(); err != nil {
		return present.Connection{}, err
	}
	err := c.ws.Update(func(s *workstation.Settings) {
		if i := slices.IndexFunc(s.Connections, func(k workstation.Connection) bool { return k.ID == x.ID }); i >= 0 {
			s.Connections[i] = x
			return
		}
		s.Connections = append(s.Connections, x)
	})
	return shown(x), err
}

// freeID makes an id out of a name: "THEIA test" becomes theia-test, or theia-test-2 if that is taken.
func freeID(name string, known []workstation.Connection) string {
	base := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name), "-")
	if base == "" {
		base = "connection"
	}
	for id, n := base, 2; ; id, n = fmt.Sprintf("%s-%d", base, n), n+1 {
		if !slices.ContainsFunc(known, func(k workstation.Connection) bool { return k.ID == id }) {
			return id
		}
	}
}

// Remove implements present.Connections.
func (c *connections) Remove(ctx context.Context, id string) error {
	link, err := c.ws.Link(ctx, id)
	if err != nil {
		return err
	}
	if link.Session != nil {
		if err := link.Session.Logout(ctx); err != nil {
			// The connection goes even where its provider is gone already.
			slog.Default().Debug("logout while removing a connection", "connection", id, "error", err)
		}
	}
	return c.ws.Update(func(s *workstation.Settings) {
		s.Connections = slices.DeleteFunc(s.Connections, func(k workstation.Connection) bool { return k.ID == id })
	})
}

// preferences keeps what the window remembers in the workstation's settings.
type preferences struct {
	ws  *workstation.Workstation
	log *slog.Logger
}

// Load implements present.Preferences.
func (p *preferences) Load() present.Settings {
	s := p.ws.Settings()
	out := present.Settings{Language: s.Language, Theme: s.Theme, DownloadDir: s.DownloadDir, Offline: s.Offline}
	if len(s.Window) > 0 {
		if err := json.Unmarshal(s.Window, &out.Layout); err != nil {
			p.log.Warn("the window's layout cannot be read; the default is used", "error", err)
		}
	}
	return out
}

// Save implements present.Preferences.
func (p *preferences) Save(n present.Settings) {
	layout, err := json.Marshal(n.Layout)
	if err == nil {
		err = p.ws.Update(func(s *workstation.Settings) {
			s.Language, s.Theme, s.DownloadDir, s.Offline, s.Window = n.Language, n.Theme, n.DownloadDir, n.Offline, layout
		})
	}
	if err != nil {
		p.log.Error("preferences could not be saved", "error", err)
	}
}

// disk answers questions about folders.
type disk struct{}

// Free implements present.Disk.
func (disk) Free(dir string) (int64, error) { return engine.FreeSpace(dir) }

// Writable implements present.Disk.
func (disk) Writable(dir string) error { return engine.Writable(dir) }

// openFolder shows a file's folder in the file manager.
func openFolder(path string) error {
	if path == "" {
		return errors.New("there is no folder to open")
	}
	return browser.OpenFile(path)
}
