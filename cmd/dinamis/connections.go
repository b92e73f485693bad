package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
)

// connectionCmd is `dinamis connections`.
type connectionCmd struct {
	List   connectionList   `cmd:"" default:"1" help:"List the connections."`
	Add    connectionAdd    `cmd:"" help:"Add a connection, or change the one of that id."`
	Use    connectionUse    `cmd:"" help:"Choose the current connection."`
	Remove connectionRemove `cmd:"" help:"Remove a connection; its local catalogue stays on disk."`
}

type (
	connectionList struct{}
	connectionAdd  struct {
		ID       string   `arg:"" help:"Lower-case letters, digits and dashes."`
		STAC     string   `name:"stac" help:"Root of the STAC API." required:"" placeholder:"URL"`
		Name     string   `help:"What people read; the id if empty."`
		Signing  string   `help:"Root of the signing API." placeholder:"URL"`
		Issuer   string   `help:"OpenID provider, if the signing API does not name it." placeholder:"URL"`
		ClientID string   `help:"OAuth client." default:"gdal"`
		Scopes   []string `help:"OAuth scopes." default:"openid,offline_access"`
		Hosts    []string `help:"Hosts whose assets are signed; all if none." placeholder:"HOST"`
	}
	connectionUse struct {
		ID string `arg:""`
	}
	connectionRemove struct {
		ID string `arg:""`
	}
)

// Run lists connections, the current one with a star.
func (connectionList) Run(_ context.Context, a *app) error {
	s := a.ws.Settings()
	if a.JSON {
		return json.NewEncoder(a.out).Encode(s.Connections)
	}
	tab := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	for _, c := range s.Connections {
		mark := " "
		if c.ID == s.Current {
			mark = "*"
		}
		fmt.Fprintf(tab, "%s %s\t%s\t%s\n", mark, c.ID, c.Name, c.STAC)
	}
	return tab.Flush()
}

// Run adds or replaces a connection.
func (c connectionAdd) Run(_ context.Context, a *app) error {
	if c.Name == "" {
		c.Name = c.ID
	}
	next := workstation.Connection{
		ID: c.ID, Name: c.Name, STAC: c.STAC, Signing: c.Signing, Issuer: c.Issuer,
		ClientID: c.ClientID, Scopes: c.Scopes, SignedHosts: c.Hosts,
	}
	if err := next.Validate(); err != nil {
		return usageError{err}
	}
	return a.ws.Update(func(s *workstation.Settings) {
		if i := slices.IndexFunc(s.Connections, func(o workstation.Connection) bool { return o.ID == c.ID }); i >= 0 {
			s.Connections[i] = next
			return
		}
		s.Connections = append(s.Connections, next)
	})
}

// Run chooses the current connection.
func (c connectionUse) Run(_ context.Context, a *app) error {
	if _, err := a.ws.Settings().Connection(c.ID); err != nil {
		return usageError{err}
	}
	return a.ws.Update(func(s *workstation.Settings) { s.Current = c.ID })
}

// Run removes a connection.
func (c connectionRemove) Run(_ context.Context, a *app) error {
	s := a.ws.Settings()
	if _, err := s.Connection(c.ID); err != nil {
		return usageError{err}
	}
	if strings.EqualFold(c.ID, s.Current) {
		return usagef("%s is the current connection; choose another one first: dinamis connections use ID", c.ID)
	}
	return a.ws.Update(func(s *workstation.Settings) {
		s.Connections = slices.DeleteFunc(s.Connections, func(o workstation.Connection) bool { return o.ID == c.ID })
	})
}
