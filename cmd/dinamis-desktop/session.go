package main

import (
	"context"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
)

// session is a login as the window uses it: where there is no keychain, the person is asked first whether the login may be kept in a file; and
// the queue is told of a success, so that what waited for it goes on at once.
type session struct {
	*oidc.Session
	ws  *workstation.Workstation
	ask func(ctx context.Context) (bool, error)
}

// LoginBrowser implements auth.Session.
func (s session) LoginBrowser(ctx context.Context) error {
	return s.login(ctx, s.Session.LoginBrowser)
}

// LoginDevice implements auth.Session.
func (s session) LoginDevice(ctx context.Context) error {
	return s.login(ctx, s.Session.LoginDevice)
}

func (s session) login(ctx context.Context, login func(context.Context) error) error {
	if s.ws.VaultNeedsConsent(ctx) {
		yes, err := s.ask(ctx)
		if err != nil {
			return &auth.Error{Op: "log in", Kind: auth.KindCancelled, Err: err}
		}
		if !yes {
			s.ws.DeclineVaultFile()
		} else if err := s.ws.ConsentToVaultFile(); err != nil {
			return &auth.Error{Op: "log in", Kind: auth.KindLocked, Err: err}
		}
	}
	if err := login(ctx); err != nil {
		return err
	}
	s.ws.Wake()
	return nil
}
