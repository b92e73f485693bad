// Package oidc is the login: OpenID Connect through the system's browser (code + PKCE) or by the device grant, refreshed in
// the background and kept in a vault between starts.
//
// It is built on golang.org/x/oauth2 and github.com/coreos/go-oidc. What must not live here: screens (auth.View tells them
// what to show), and what tokens are used for.
package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// DefaultScopes are asked for where a connection names none.
func DefaultScopes() []string { return []string{"openid", "profile", "email", "offline_access"} }

// How long things may take.
const (
	defaultLoginTimeout = 5 * time.Minute
	requestTimeout      = 30 * time.Second
	refreshTimeout      = 90 * time.Second
	refreshMargin       = 30 * time.Second
)

// Config says where to log in and as which program.
type Config struct {
	// Name is the connection's id. The vault keeps the login under it, so that it must differ between connections.
	Name string
	// Issuer is the provider's address, as https://host/realms/dinamis. It must be https, except on this computer.
	// Empty means the one that SigningURL names.
	Issuer string
	// SigningURL is the root of the signing API, whose openapi.json names the provider (DiscoverIssuer). It is asked only where
	// Issuer is empty, and not before the first login.
	SigningURL string
	// ClientID names this program at the provider, a public client without a secret.
	ClientID string
	// Scopes are asked for; empty means DefaultScopes.
	Scopes []string
	// Vault keeps the refresh token. It is the only place that does.
	Vault auth.Vault
	// LockFile, if set, is locked around each refresh. Processes that share a vault must share it, since a provider that
	// rotates refresh tokens ends the login when two of them use the same one.
	LockFile string
	// HTTPClient is used for all requests; nil means one of httpx with a time-out of 30 s.
	HTTPClient *http.Client
	// OpenBrowser shows an address to the person; nil means OpenBrowser. It may return at once or when the browser ends.
	OpenBrowser func(url string) error
	// LoginTimeout bounds a browser login; 0 means 5 minutes.
	LoginTimeout time.Duration
	// Now is the clock of expiries; nil means time.Now.
	Now func() time.Time
	// Logger gets what happens, never a secret; nil discards.
	Logger *slog.Logger
}

// Session is one login at one provider. It implements auth.Session and may be used by many goroutines.
type Session struct {
	cfg     Config
	http    *http.Client
	now     func() time.Time
	log     *slog.Logger
	wait    func(context.Context, time.Duration) error // between polls of the device grant
	ctx     context.Context                            // ends with Close
	end     context.CancelFunc
	changes chan struct{}
	restore chan struct{} // holds one token: who takes it restores

	mu       sync.Mutex
	restored bool
	provider *provider
	learnt   string // the issuer, where the configuration does not name it
	loginURL string // what the browser of a login under way should show
	view     auth.View
	busy     bool // a login is under way
	access   auth.Token
	life     time.Duration // of access, when it was new
	idToken  auth.Secret   // for the provider's logout
	unsaved  *entry        // newer than the vault, which refused it
	flight   *flight
	epoch    int // counts logins and logouts, so that a refresh that began before one doesn't undo it
}

var _ auth.Session = (*Session)(nil)

// New makes a session. It touches neither network nor vault; call Restore, or let the first use do it.
func New(cfg Config) *Session {
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = DefaultScopes()
	}
	if cfg.OpenBrowser == nil {
		cfg.OpenBrowser = OpenBrowser
	}
	if cfg.LoginTimeout == 0 {
		cfg.LoginTimeout = defaultLoginTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = httpx.NewClient(requestTimeout)
	}
	s := &Session{
		cfg: cfg, http: boundedClient(cfg.HTTPClient), now: cfg.Now, wait: sleep, changes: make(chan struct{}, 1), restore: make(chan struct{}, 1),
		log: cfg.Logger.With("connection", cfg.Name),
	}
	s.restore <- struct{}{}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends what is under way. The login stays in the vault.
func (s *Session) Close() {
	s.end()
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
	if f != nil {
		<-f.done
	}
	s.http.CloseIdleConnections()
}

// LoginURL returns the address that the browser of a login under way should show, to copy it into another one; empty if none is.
func (s *Session) LoginURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loginURL
}

func (s *Session) setLoginURL(u string) {
	s.set(func(*auth.View) { s.loginURL = u })
}

// Snapshot implements auth.Session. Before Restore it says LoggedOut.
func (s *Session) Snapshot() auth.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.view
	v.Identity.Groups = append([]string(nil), v.Identity.Groups...)
	return v
}

// Changes implements auth.Session.
func (s *Session) Changes() <-chan struct{} { return s.changes }

// set changes the view and tells of it.
func (s *Session) set(f func(*auth.View)) {
	s.mu.Lock()
	f(&s.view)
	s.mu.Unlock()
	s.changed()
}

func (s *Session) changed() {
	select {
	case s.changes <- struct{}{}:
	default:
	}
}

// Restore takes up the login of the last start from the vault, without a network and without asking. No login there is no
// error, nor is a vault that waits for consent: the session is LoggedOut then.
func (s *Session) Restore(ctx context.Context) error {
	select {
	case <-s.restore:
		defer func() { s.restore <- struct{}{} }()
	case <-ctx.Done():
		return &auth.Error{Op: "restore login", Kind: auth.KindCancelled, Key: s.cfg.Name, Err: ctx.Err()}
	}
	s.mu.Lock()
	done := s.restored
	s.mu.Unlock()
	if done {
		return nil
	}
	e, err := s.load(ctx)
	kind := auth.KindOf(err)
	if err != nil && kind != auth.KindNotFound && kind != auth.KindLocked {
		if ctx.Err() == nil {
			s.set(func(v *auth.View) { v.Err = err })
		}
		return err
	}
	s.mu.Lock()
	s.restored = true
	if err == nil && s.view.Status == auth.LoggedOut {
		s.view = auth.View{Status: auth.LoggedIn, Identity: e.identity()}
	}
	s.mu.Unlock()
	s.changed()
	return nil
}

// begin starts a login, and returns what ends it. The end restores the status if the login failed.
func (s *Session) begin(ctx context.Context, op string) (end func(error), err error) {
	if err := s.Restore(ctx); err != nil {
		// A vault that can't be read is no reason not to log in anew; one that can't be written will say so.
		s.log.Warn("the saved login cannot be read", "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return nil, &auth.Error{Op: op, Kind: auth.KindConflict, Key: s.cfg.Name, Err: errors.New("a login is under way already")}
	}
	s.busy = true
	before := s.view
	s.view = auth.View{Status: auth.LoggingIn, Identity: before.Identity}
	s.changed()
	return func(err error) {
		s.mu.Lock()
		s.busy = false
		if err != nil {
			if s.view.Status == auth.LoggingIn { // else a logout came in between
				s.view = before
			}
			s.view.Device, s.view.Err = nil, err
		}
		s.mu.Unlock()
		s.changed()
	}, nil
}

// writable asks the vault before the person is sent to the browser.
func (s *Session) writable(ctx context.Context, op string) error {
	_, err := s.cfg.Vault.Load(ctx, s.cfg.Name)
	if auth.KindOf(err) == auth.KindLocked {
		return &auth.Error{Op: op, Kind: auth.KindLocked, Key: s.cfg.Name, Err: err}
	}
	return nil
}

// accept makes a fresh login the session's. The vault has it before anyone else.
func (s *Session) accept(ctx context.Context, op string, g granted) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: s.cfg.Name, Err: err}
	}
	defer unlock()
	e := s.entryOf(g)
	if e.Refresh != "" {
		if err := s.save(ctx, e); err != nil {
			s.revokeQuietly(ctx, g)
			return &auth.Error{Op: op, Kind: auth.KindOf(err), Key: s.cfg.Name, Err: err}
		}
	}
	s.mu.Lock()
	s.epoch++
	s.restored, s.unsaved, s.flight = true, nil, nil
	s.take(g)
	s.view = auth.View{Status: auth.LoggedIn, Identity: g.identity}
	s.mu.Unlock()
	s.log.Info("logged in", "user", g.identity.Username)
	return nil
}

// take keeps the tokens of an answer. The caller holds the lock.
func (s *Session) take(g granted) {
	s.access, s.life = auth.Token{Access: g.access, Expiry: g.expiry}, g.expiry.Sub(s.now())
	if g.idToken != "" {
		s.idToken = g.idToken
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
