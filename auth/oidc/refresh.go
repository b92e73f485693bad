package oidc

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// flight is one refresh that all waiters share.
type flight struct {
	done  chan struct{}
	token auth.Token
	err   error
}

// Token implements auth.TokenSource: the token in memory while it lasts 30 s more, else a refreshed one.
func (s *Session) Token(ctx context.Context) (auth.Token, error) {
	const op = "get access token"
	if err := s.Restore(ctx); err != nil {
		return auth.Token{}, err
	}
	s.mu.Lock()
	if s.view.Status != auth.LoggedIn && !(s.view.Status == auth.LoggingIn && s.access.Access != "") {
		err := s.view.Err
		s.mu.Unlock()
		return auth.Token{}, &auth.Error{Op: op, Kind: auth.KindLogin, Key: s.cfg.Name, Err: errors.Join(auth.ErrLoginRequired, err)}
	}
	if s.fresh() {
		defer s.mu.Unlock()
		return s.access, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		go s.fly(f, s.epoch)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return auth.Token{}, &auth.Error{Op: op, Kind: auth.KindCancelled, Key: s.cfg.Name, Err: ctx.Err()}
	}
}

// fresh says whether the token in memory will do. A short-lived one is used for half of its life. The caller holds the lock.
func (s *Session) fresh() bool {
	return s.access.Access != "" && s.access.Expiry.Sub(s.now()) > min(refreshMargin, s.life/2)
}

// fly refreshes in the session's own time: a waiter that gives up doesn't spoil it for the others, and a rotated token is
// never lost between the provider and the vault because of one.
func (s *Session) fly(f *flight, epoch int) {
	ctx, cancel := context.WithTimeout(s.ctx, refreshTimeout)
	defer cancel()
	g, err := s.refresh(ctx, epoch)
	s.mu.Lock()
	if s.flight == f {
		s.flight = nil
	}
	if err == nil && s.epoch == epoch {
		s.take(g)
		s.view.Status = auth.LoggedIn
		if g.identity.Subject != "" {
			s.view.Identity = g.identity
		}
		if s.unsaved == nil {
			s.view.Err = nil
		}
	} else if err == nil {
		err = &auth.Error{Op: "refresh login", Kind: auth.KindLogin, Key: s.cfg.Name, Err: errors.New("the login changed meanwhile")}
	}
	f.token, f.err = auth.Token{Access: g.access, Expiry: g.expiry}, err
	if err != nil {
		f.token = auth.Token{}
	}
	s.mu.Unlock()
	close(f.done)
	s.changed()
}

// refresh gets new tokens by the vault's refresh token, and has the vault keep the new one before it returns.
func (s *Session) refresh(ctx context.Context, epoch int) (granted, error) {
	const op = "refresh login"
	unlock, err := s.lock(ctx)
	if err != nil {
		return granted{}, &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: s.cfg.Name, Err: err}
	}
	defer unlock()
	e, err := s.load(ctx)
	if auth.KindOf(err) == auth.KindNotFound {
		return granted{}, s.gone(epoch, auth.LoggedOut, errors.New("this login was ended on this computer"))
	}
	if err != nil {
		return granted{}, &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: s.cfg.Name, Err: err}
	}
	p, err := s.discover(ctx, op)
	if err != nil {
		return granted{}, err
	}
	t, err := s.useRefresh(ctx, p, e.Refresh)
	if invalidGrant(err) {
		// Another process without our lock may have rotated it since we loaded it.
		if again, err2 := s.load(ctx); err2 == nil && again.Refresh != e.Refresh {
			e = again
			t, err = s.useRefresh(ctx, p, e.Refresh)
		}
	}
	if invalidGrant(err) {
		return granted{}, s.expired(ctx, epoch, s.failed(ctx, op, err))
	}
	if err != nil {
		return granted{}, s.failed(ctx, op, err)
	}
	return s.refreshed(ctx, op, p, e, t)
}

func (s *Session) useRefresh(ctx context.Context, p *provider, refresh string) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.http)
	return p.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
}

// refreshed checks and saves the answer of a refresh.
func (s *Session) refreshed(ctx context.Context, op string, p *provider, e entry, t *oauth2.Token) (granted, error) {
	g, err := s.checked(ctx, op, p, t, "", false)
	old := e
	e.Refresh = t.RefreshToken
	if err == nil && g.identity.Subject != "" {
		if g.identity.Subject != e.Subject {
			err = &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: errors.New("the provider refreshed the login of somebody else")}
		} else {
			e = s.entryOf(g)
		}
	}
	if e.Refresh != old.Refresh || err == nil && g.identity.Subject != "" {
		// Saved even if the ID token is refused: the old refresh token is worth nothing any more.
		if errSave := s.save(ctx, e); errSave != nil {
			s.keepUnsaved(&e, errSave)
		} else {
			s.keepUnsaved(nil, nil)
		}
	}
	return g, err
}

// keepUnsaved holds what the vault refused until the next refresh tries again. Losing it would end the login for a
// keychain that is locked for a moment.
func (s *Session) keepUnsaved(e *entry, err error) {
	s.mu.Lock()
	s.unsaved = e
	if e != nil {
		s.view.Err = err
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Warn("the refreshed login cannot be saved; it lasts until the program ends", "err", err)
	}
}

func invalidGrant(err error) bool {
	var re *oauth2.RetrieveError
	return errors.As(err, &re) && re.ErrorCode == "invalid_grant"
}

// expired notes that the provider ended the login: its refresh token is worth nothing and leaves the vault.
func (s *Session) expired(ctx context.Context, epoch int, cause error) error {
	s.mu.Lock()
	same := s.epoch == epoch
	s.mu.Unlock()
	if same {
		if err := s.cfg.Vault.Delete(ctx, s.cfg.Name); err != nil {
			s.log.Warn("an ended login cannot be removed from the vault", "err", err)
		}
	}
	s.log.Info("the provider ended the login")
	return s.gone(epoch, auth.Expired, cause)
}

// gone changes to a status in which only a human can help, and returns the error for the waiters.
func (s *Session) gone(epoch int, to auth.Status, cause error) error {
	err := &auth.Error{Op: "refresh login", Kind: auth.KindLogin, Key: s.cfg.Name, Err: cause}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return err
	}
	s.access, s.idToken, s.unsaved = auth.Token{}, "", nil
	if s.view.Status != auth.LoggingIn {
		s.view.Status, s.view.Err = to, err
		if to == auth.LoggedOut {
			s.view = auth.View{}
		}
	}
	return err
}

// Invalidate drops the access token, after a resource server refused it before its time. The next Token refreshes.
func (s *Session) Invalidate(t auth.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access.Access == t.Access {
		s.access, s.life = auth.Token{}, time.Duration(0)
	}
}

// Renew returns another token than the refused one: a resource server turned that down before its time.
func (s *Session) Renew(ctx context.Context, refused auth.Token) (auth.Token, error) {
	s.Invalidate(refused)
	return s.Token(ctx)
}
