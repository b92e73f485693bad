// Package idp is a development OpenID provider: users from a file, login pages of plain HTML, code + PKCE, device grant and
// rotating refresh tokens, in the layout of Keycloak's addresses.
//
// The protocol is github.com/zitadel/oidc's; what lives here is its state (SQLite), its users and its pages. What must not
// live here: knowledge of images, catalogues or object stores. It is made for development, tests and small installations:
// there is no user administration, no e-mail and no second factor.
package idp

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

// ResourceAudience is in the "aud" claim of every access token. A resource server (STS, signing, STAC transactions) must ask for it.
const ResourceAudience = "dinamis"

//go:embed migrations/*.sql
var migrations embed.FS

const appID = 0x44494450 // "DIDP"

// Config says what a provider is.
type Config struct {
	// Issuer is the address under which the provider is reached, without a trailing slash, as
	// http://127.0.0.1:8480/realms/dinamis. The handler must be mounted at its path.
	Issuer string
	// Dir keeps the state: signing keys, sessions, refresh tokens (hashed). It is made if it isn't there.
	Dir string
	// UsersFile names the users (see User); empty for none. It is read again when it changes.
	UsersFile string
	// Demo adds the users alice, bob and admin1, whose passwords are their names, and the login page says so.
	Demo bool
	// AccessLifetime is how long access tokens last; 0 means 5 minutes, as Keycloak does.
	AccessLifetime time.Duration
	// RefreshLifetime is how long a login lasts without being used; 0 means 5 days.
	RefreshLifetime time.Duration
	// DeviceInterval is the least time between two polls of the device grant; 0 means 5 seconds.
	DeviceInterval time.Duration
	// SigningKey is the first signing key of an empty Dir; nil makes one of 2048 bits.
	SigningKey *rsa.PrivateKey
	// Now is the clock of sessions, codes, refresh tokens and throttling; nil means time.Now. The dates inside tokens
	// are the protocol library's and always real.
	Now func() time.Time
	// Logger gets logins and refusals, never a secret; nil discards.
	Logger *slog.Logger
}

// Provider is the OpenID provider. It is an http.Handler that gets full paths.
type Provider struct {
	cfg      Config
	prefix   string // path of the issuer
	secure   bool
	db       *sqlitex.DB
	users    *userStore
	clients  map[string]*client
	keys     *keyRing
	pending  *pending
	throttle *throttle
	pages    *pages
	op       *op.Provider
	csrfKey  [32]byte
	handler  http.Handler
	now      func() time.Time
	log      *slog.Logger
}

// New opens the state and makes a provider. The error names the entry and field of a bad users file.
func New(ctx context.Context, cfg Config) (*Provider, error) {
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" || issuer.RawQuery != "" || strings.HasSuffix(cfg.Issuer, "/") {
		return nil, fmt.Errorf("idp: issuer %q: want an address such as http://127.0.0.1:8480/realms/dinamis", cfg.Issuer)
	}
	applyDefaults(&cfg)
	p := &Provider{
		cfg: cfg, prefix: issuer.Path, secure: issuer.Scheme == "https", clients: builtinClients(),
		now: cfg.Now, log: cfg.Logger, pending: newPending(cfg.Now), throttle: newThrottle(cfg.Now),
	}
	rand.Read(p.csrfKey[:])
	if p.users, err = newUserStore(cfg.UsersFile, cfg.Demo, cfg.Logger); err != nil {
		return nil, fmt.Errorf("idp: %w", err)
	}
	if p.pages, err = newPages(); err != nil {
		return nil, fmt.Errorf("idp: pages: %w", err)
	}
	if p.db, err = openState(ctx, cfg.Dir); err != nil {
		return nil, fmt.Errorf("idp: state: %w", err)
	}
	if p.keys, err = openKeyRing(ctx, p.db, cfg.SigningKey, p.now); err != nil {
		return nil, errors.Join(fmt.Errorf("idp: signing keys: %w", err), p.db.Close())
	}
	if p.op, err = p.protocol(); err != nil {
		return nil, errors.Join(fmt.Errorf("idp: %w", err), p.db.Close())
	}
	p.handler = p.routes()
	return p, nil
}

func applyDefaults(c *Config) {
	if c.AccessLifetime == 0 {
		c.AccessLifetime = 5 * time.Minute
	}
	if c.RefreshLifetime == 0 {
		c.RefreshLifetime = 5 * 24 * time.Hour
	}
	if c.DeviceInterval == 0 {
		c.DeviceInterval = 5 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// openState opens the database. The file is made first, so that it is never readable by others, not even for a moment.
func openState(ctx context.Context, dir string) (*sqlitex.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "idp.db")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return sqlitex.Open(ctx, path, sqlitex.Options{AppID: appID, Migrations: sub, CacheKiB: 1024})
}

// protocol makes the library's provider. Its own router isn't used: what the library answers and what we do is told in routes.
func (p *Provider) protocol() (*op.Provider, error) {
	cfg := &op.Config{
		CodeMethodS256:        true,
		GrantTypeRefreshToken: true,
		SupportedScopes:       []string{"openid", "profile", "email", "offline_access"},
		SupportedClaims:       []string{"sub", "aud", "exp", "iat", "iss", "auth_time", "nonce", "azp", "sid", "preferred_username", "name", "email", "groups"},
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime:     deviceLifetime,
			PollInterval: p.cfg.DeviceInterval,
			UserFormPath: p.prefix + "/device",
			UserCode:     op.UserCodeBase20,
		},
	}
	rand.Read(cfg.CryptoKey[:]) // It only seals codes, which don't outlive the process.
	ep := func(s string) *op.Endpoint { return op.NewEndpoint(endpointDir + s) }
	return op.NewProvider(cfg, &storage{p}, op.StaticIssuer(p.cfg.Issuer), op.WithAllowInsecure(),
		op.WithCustomEndpoints(ep("auth"), ep("token"), ep("userinfo"), ep("revoke"), ep("logout"), ep("certs")),
		op.WithCustomDeviceAuthorizationEndpoint(ep("auth/device")),
		op.WithCustomIntrospectionEndpoint(ep("token/introspect")))
}

// Issuer returns the provider's name, which is also its address.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// ServeHTTP answers every path below the issuer's.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.handler.ServeHTTP(w, r.WithContext(op.ContextWithIssuer(r.Context(), p.cfg.Issuer)))
}

// Close closes the state.
func (p *Provider) Close() error { return p.db.Close() }
