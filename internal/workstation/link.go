package workstation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/signing"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/live"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/stacapi"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// requestTimeout bounds one exchange with the STAC API, the signing API or the provider.
const requestTimeout = 60 * time.Second

// Link is an open connection: its services, ready to use, also without a network.
type Link struct {
	Connection Connection
	Catalog    *live.Catalog
	Store      *store.Store
	// Session is nil where the connection has no signing API and so no login.
	Session    *oidc.Session
	Signer     auth.Signer
	Thumbnails *Thumbnails

	client *http.Client
}

// Link opens the connection of that id ("" for the current one), once. It touches the disk but not the network.
func (w *Workstation) Link(ctx context.Context, id string) (*Link, error) {
	c, err := w.Settings().Connection(id)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l, ok := w.links[c.ID]; ok {
		return l, nil
	}
	l, err := w.open(ctx, c)
	if err != nil {
		return nil, err
	}
	w.links[c.ID] = l
	return l, nil
}

func (w *Workstation) open(ctx context.Context, c Connection) (*Link, error) {
	l := &Link{Connection: c, client: httpx.NewClient(requestTimeout), Signer: publicSigner{}}
	local, recovery, err := store.OpenOrRecover(ctx, w.opts.Paths.Catalogue(c.ID), store.Options{})
	if err != nil {
		return nil, err
	}
	if recovery != nil {
		w.warnings = append(w.warnings, fmt.Errorf("the local catalogue of %s was damaged (%w): %d items were saved, and the damaged file is kept as %s",
			c.Name, recovery.Cause, recovery.Items, recovery.Damaged))
	}
	l.Store = local
	remote, err := stacapi.New(stacapi.Config{URL: c.STAC, HTTPClient: l.client, Logger: w.log})
	if err != nil {
		return nil, errors.Join(err, local.Close())
	}
	l.Catalog = live.New(live.Config{
		Remote: remote, Local: local, Logger: w.log, Offline: w.opts.Offline || w.settings.get().Offline,
	})
	if c.Signing != "" {
		l.Session = w.session(c, l.client)
		l.Signer = signing.New(signing.Config{
			Endpoint: c.Signing, Tokens: l.Session, Hosts: c.SignedHosts, HTTPClient: l.client,
		})
		if err := l.Session.Restore(ctx); err != nil {
			w.log.Warn("the login could not be restored", "connection", c.ID, "error", err)
		}
	}
	l.Thumbnails = &Thumbnails{dir: w.opts.Paths.thumbnails(), signer: l.Signer, client: l.client, local: l.Catalog.Offline}
	return l, nil
}

func (w *Workstation) session(c Connection, client *http.Client) *oidc.Session {
	return oidc.New(oidc.Config{
		Name: c.ID, Issuer: c.Issuer, SigningURL: c.Signing, ClientID: c.ClientID, Scopes: c.Scopes, Vault: w.vault,
		LockFile:   filepath.Join(w.opts.Paths.Data, "login-"+c.ID+".lock"),
		HTTPClient: client, OpenBrowser: w.opts.OpenBrowser, Logger: w.log,
	})
}

func (l *Link) close() error {
	err := l.Catalog.Close()
	if l.Session != nil {
		l.Session.Close()
	}
	l.client.CloseIdleConnections()
	return errors.Join(err, l.Store.Close())
}
