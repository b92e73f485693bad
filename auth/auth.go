// Package auth holds the vocabulary of "may I read this": tokens, identities, sessions, the vault that keeps a
// refresh token, and signed URLs.
//
// What must not be here: drivers, net/http, Fyne. The OpenID Connect client is in oidc, the places that keep a secret are in
// vault, the client of the signing API is in signing.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// ErrLoginRequired means that only a human can help: there is no session, or the provider ended it.
var ErrLoginRequired = errors.New("login required")

// Secret is text that must never be shown: it prints and logs as "[secret]".
type Secret string

// String hides the secret.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret.
func (Secret) GoString() string { return "[secret]" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText hides the secret, so that no encoder writes it by accident. Use string(s) where it is meant.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Token is an OAuth 2.0 access token.
type Token struct {
	Access Secret
	// Expiry is when the provider stops accepting it.
	Expiry time.Time
}

// TokenSource gives access tokens.
type TokenSource interface {
	// Token returns a token that is not expired. Concurrent callers share one refresh. The error wraps
	// ErrLoginRequired when only a human can help; any other error may pass (network, provider down).
	Token(ctx context.Context) (Token, error)
}

// Identity says who is logged in.
type Identity struct {
	Subject  string
	Username string // preferred_username
	Name     string
	Email    string
	Groups   []string
}

// Status is the state of a session.
type Status uint8

// The states of a session.
const (
	LoggedOut Status = iota
	LoggingIn        // a browser or device login is under way
	LoggedIn
	Expired // the provider ended the session: log in again
)

// View is an immutable picture of a session.
type View struct {
	Status   Status
	Identity Identity // set when LoggedIn or Expired
	// Device is set while a device login waits for its user.
	Device *DevicePrompt
	// Err is why the last login or refresh failed; nil if it didn't.
	Err error
}

// DevicePrompt is what a person needs for the device grant (RFC 8628 § 3.2).
type DevicePrompt struct {
	UserCode        string
	VerificationURI string
	CompleteURI     string // with the code in it; may be empty
	Expiry          time.Time
}

// Session is one login at one provider.
type Session interface {
	TokenSource
	// LoginBrowser logs in through the system browser (RFC 8252, PKCE S256) and returns when it's done, cancelled
	// by ctx, or timed out. One login at a time: a second call fails with KindConflict.
	LoginBrowser(ctx context.Context) error
	// LoginDevice logs in by the device grant; the prompt is in Snapshot().Device meanwhile.
	LoginDevice(ctx context.Context) error
	// Logout forgets the tokens here and ends the session at the provider. Tokens are forgotten in any case; the
	// error says that the provider could not be told.
	Logout(ctx context.Context) error
	// Snapshot returns the state now; Changes fires, coalesced, after each change.
	Snapshot() View
	Changes() <-chan struct{}
}

// Vault keeps secrets between starts, by name.
type Vault interface {
	// Load returns the secret; KindNotFound if there is none; KindLocked if a consent or a passphrase is missing.
	Load(ctx context.Context, name string) (Secret, error)
	Save(ctx context.Context, name string, s Secret) error
	// Delete forgets the secret; one that isn't there is no error.
	Delete(ctx context.Context, name string) error
}

// Signed is one URL after signing.
type Signed struct {
	Href string // as asked
	URL  Secret // what to fetch; it carries the right to read and is a secret
	// Expiry is when URL stops working; zero where it never does (public, or already signed by others without a date).
	Expiry time.Time
}

// Signer turns hrefs into URLs that can be fetched.
type Signer interface {
	// Sign answers one Signed per href, in order. A URL that is already signed, public or foreign passes through.
	Sign(ctx context.Context, hrefs []string) ([]Signed, error)
	// Forget drops what is cached for these hrefs, after a signed URL was refused.
	Forget(hrefs ...string)
}
