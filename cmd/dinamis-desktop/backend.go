package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server"
)

// backend is the embedded reference backend of --demo, or the one that another window started.
type backend struct {
	addresses server.Addresses
	mu        sync.Mutex
	running   *server.Server
}

// startBackend starts the backend, or joins the one that serves the folder already.
func startBackend(ctx context.Context, dir string, log *slog.Logger) (*backend, error) {
	s, err := server.Start(ctx, server.Config{
		StateDir: dir, Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0", Demo: true, Logger: log,
	})
	if errors.Is(err, server.ErrInUse) {
		a, err := server.ReadAddresses(dir)
		return &backend{addresses: a}, err
	}
	if err != nil {
		return nil, err
	}
	return &backend{addresses: s.Addresses(), running: s}, nil
}

func (b *backend) connection() workstation.Connection {
	return workstation.Connection{
		ID: "demo", Name: "Sample archive (on this computer)",
		STAC: b.addresses.STAC, Signing: b.addresses.Signing, Issuer: b.addresses.Issuer,
		ClientID: "dinamis-desktop", Scopes: []string{"openid", "profile", "email", "offline_access"},
	}
}

func (b *backend) close(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == nil {
		return nil
	}
	s := b.running
	b.running = nil
	return s.Close(ctx)
}
