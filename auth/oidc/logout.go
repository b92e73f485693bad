package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// logoutLock is how long a logout waits for another process's refresh.
const logoutLock = 5 * time.Second

// Logout implements auth.Session. The tokens leave memory and vault first; then the provider is told to end the session
// and to revoke the refresh token.
func (s *Session) Logout(ctx context.Context) error {
	const op = "log out"
	lockCtx, cancel := context.WithTimeout(ctx, logoutLock)
	unlock, err := s.lock(lockCtx)
	cancel()
	if err != nil {
		// Forgetting matters more than the order of two processes.
		unlock = func() {}
	}
	defer unlock()
	e, errLoad := s.load(ctx)
	had := errLoad == nil
	errVault := s.cfg.Vault.Delete(context.WithoutCancel(ctx), s.cfg.Name)

	s.mu.Lock()
	s.epoch++
	idToken := s.idToken
	s.access, s.idToken, s.unsaved, s.flight, s.restored = auth.Token{}, "", nil, nil, true
	s.view = auth.View{}
	s.mu.Unlock()
	s.changed()
	s.log.Info("logged out")

	if errVault != nil {
		errVault = fmt.Errorf("the saved login could not be removed: %w", errVault)
	}
	var errTell error
	if had || idToken != "" {
		if errTell = s.tellLogout(ctx, e.Refresh, idToken); errTell != nil {
			errTell = fmt.Errorf("you are logged out here, but the provider could not be told: %w", errTell)
		}
	}
	if err := errors.Join(errVault, errTell); err != nil {
		return &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: s.cfg.Name, Err: err}
	}
	return nil
}

// tellLogout ends the session at the provider. The session's end needs an ID token; after a restart there is none, and a
// last refresh gets one.
func (s *Session) tellLogout(ctx context.Context, refresh string, idToken auth.Secret) error {
	const op = "end session"
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	p, err := s.discover(ctx, op)
	if err != nil {
		return err
	}
	if p.endSession != "" && idToken == "" && refresh != "" {
		t, err := s.useRefresh(ctx, p, refresh)
		if invalidGrant(err) {
			return nil // The provider ended it already.
		}
		if err != nil {
			return s.failed(ctx, op, err)
		}
		refresh = t.RefreshToken
		raw, _ := t.Extra("id_token").(string)
		idToken = auth.Secret(raw)
	}
	var errs []error
	if p.endSession != "" && idToken != "" {
		errs = append(errs, s.post(ctx, op, p.endSession, url.Values{"id_token_hint": {idToken.Reveal()}, "client_id": {s.cfg.ClientID}}))
	}
	if p.revocation != "" && refresh != "" {
		errs = append(errs, s.revoke(ctx, p, refresh))
	}
	if p.endSession == "" && p.revocation == "" {
		errs = append(errs, errors.New("it offers neither the end of a session nor revocation"))
	}
	return errors.Join(errs...)
}

func (s *Session) revoke(ctx context.Context, p *provider, refresh string) error {
	return s.post(ctx, "revoke login", p.revocation, url.Values{
		"token": {refresh}, "token_type_hint": {"refresh_token"}, "client_id": {s.cfg.ClientID},
	})
}

// revokeQuietly takes back tokens that couldn't be kept.
func (s *Session) revokeQuietly(ctx context.Context, g granted) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	p, err := s.discover(ctx, "revoke login")
	if err == nil && p.revocation != "" && g.refresh != "" {
		err = s.revoke(ctx, p, g.refresh.Reveal())
	}
	if err != nil {
		s.log.Warn("a login that could not be saved was not revoked", "err", err)
	}
}

// post sends a form of which only the success matters. A redirect is one.
func (s *Session) post(ctx context.Context, op, to string, v url.Values) error {
	if err := secure(to); err != nil {
		return &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(v.Encode()))
	if err != nil {
		return s.failed(ctx, op, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.http.Do(req)
	if err != nil {
		return s.failed(ctx, op, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		return &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: s.cfg.Name, Err: fmt.Errorf("%s answers %d", httpx.Redact(to), resp.StatusCode)}
	}
	return nil
}
