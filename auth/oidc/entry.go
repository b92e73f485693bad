package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// entry is what the vault keeps of a login. It is small: Windows takes 2,560 bytes.
type entry struct {
	Version  int      `json:"v"`
	Issuer   string   `json:"iss"`
	Client   string   `json:"client"`
	Refresh  string   `json:"refresh"`
	Subject  string   `json:"sub"`
	Username string   `json:"user"`
	Name     string   `json:"name,omitempty"`
	Email    string   `json:"email,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

const (
	entryVersion = 1
	entryLimit   = 2400
)

func (e entry) identity() auth.Identity {
	return auth.Identity{Subject: e.Subject, Username: e.Username, Name: e.Name, Email: e.Email, Groups: e.Groups}
}

func (s *Session) entryOf(g granted) entry {
	i := g.identity
	return entry{
		Version: entryVersion, Issuer: s.issuer(), Client: s.cfg.ClientID, Refresh: g.refresh.Reveal(),
		Subject: i.Subject, Username: i.Username, Name: i.Name, Email: i.Email, Groups: i.Groups,
	}
}

// encode leaves out what is only for show where there is too much of it.
func (e entry) encode() (auth.Secret, error) {
	b, err := json.Marshal(e)
	if err == nil && len(b) > entryLimit {
		e.Groups, e.Email, e.Name = nil, "", ""
		b, err = json.Marshal(e)
	}
	return auth.Secret(b), err
}

// decodeEntry reads a vault's text. A damaged one is as good as none.
func decodeEntry(text auth.Secret) (entry, bool) {
	var e entry
	err := json.Unmarshal([]byte(text.Reveal()), &e)
	return e, err == nil && e.Version == entryVersion && e.Refresh != "" && e.Subject != ""
}

// load returns the saved login: KindNotFound if there is none for this provider and program.
func (s *Session) load(ctx context.Context) (entry, error) {
	const op = "load login"
	s.mu.Lock()
	unsaved := s.unsaved
	s.mu.Unlock()
	if unsaved != nil {
		return *unsaved, nil
	}
	text, err := s.cfg.Vault.Load(ctx, s.cfg.Name)
	if err != nil {
		return entry{}, &auth.Error{Op: op, Kind: auth.KindOf(err), Key: s.cfg.Name, Err: err}
	}
	e, ok := decodeEntry(text)
	known := s.issuer()
	if ok && known == "" && e.Client == s.cfg.ClientID {
		s.learn(e.Issuer)
		known = e.Issuer
	}
	if !ok || e.Issuer != known || e.Client != s.cfg.ClientID {
		return entry{}, &auth.Error{Op: op, Kind: auth.KindNotFound, Key: s.cfg.Name, Err: errors.New("the saved login is of another provider")}
	}
	return e, nil
}

func (s *Session) save(ctx context.Context, e entry) error {
	text, err := e.encode()
	if err != nil {
		return err
	}
	return s.cfg.Vault.Save(ctx, s.cfg.Name, text)
}

// lock keeps other processes from refreshing at the same time. Without a lock file it does nothing.
func (s *Session) lock(ctx context.Context) (unlock func(), err error) {
	if s.cfg.LockFile == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(s.cfg.LockFile), 0o700); err != nil {
		return nil, err
	}
	l := flock.New(s.cfg.LockFile, flock.SetPermissions(0o600))
	ok, err := l.TryLockContext(ctx, 50*time.Millisecond)
	if err != nil || !ok {
		return nil, errors.Join(errors.New("another process holds the login's lock file"), err)
	}
	return func() {
		if err := l.Unlock(); err != nil {
			s.log.Warn("the login's lock file cannot be unlocked", "err", err)
		}
	}, nil
}
