package oidc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/vault"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock stands still until a test moves it, so that no test depends on the machine's speed.
type clock struct {
	start  time.Time
	offset atomic.Int64
}

func newClock() *clock                   { return &clock{start: time.Now()} }
func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.offset.Load())) }
func (c *clock) forward(d time.Duration) { c.offset.Add(int64(d)) }

// wire counts and disturbs requests.
type wire struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []string
	// before, if set, may answer in place of the network.
	before func(r *http.Request) (*http.Response, error)
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen = append(w.seen, r.Method+" "+r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	before := w.before
	w.mu.Unlock()
	if before != nil {
		if resp, err := before(r); resp != nil || err != nil {
			return resp, err
		}
	}
	return w.next.RoundTrip(r)
}

func (w *wire) count(what string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if s == what {
			n++
		}
	}
	return n
}

func (w *wire) disturb(f func(r *http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = f
}

// rig is a session with everything around it.
type rig struct {
	*oidc.Session
	cfg   oidc.Config
	vault *vault.Memory
	clock *clock
	wire  *wire
	log   *bytes.Buffer
}

func alice() idptest.Browser { return idptest.Browser{Username: "alice", Password: "alice"} }

func newRig(t *testing.T, issuer string, options ...func(*oidc.Config)) *rig {
	t.Helper()
	r := &rig{vault: &vault.Memory{}, clock: newClock(), log: &bytes.Buffer{}}
	r.wire = &wire{next: &http.Transport{DisableKeepAlives: true}}
	r.cfg = oidc.Config{
		Name: "theia", Issuer: issuer, ClientID: "dinamis-desktop", Vault: r.vault, Now: r.clock.now,
		HTTPClient: &http.Client{Transport: r.wire, Timeout: 20 * time.Second}, OpenBrowser: alice().Open,
		LoginTimeout: 30 * time.Second, Logger: slog.New(slog.NewTextHandler(&lockedWriter{w: r.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, o := range options {
		o(&r.cfg)
	}
	r.Session = oidc.New(r.cfg)
	t.Cleanup(r.Close)
	return r
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// again is the same session in another process: another start of the program.
func (r *rig) again(t *testing.T) *oidc.Session {
	t.Helper()
	s := oidc.New(r.cfg)
	t.Cleanup(s.Close)
	return s
}

func (r *rig) login(t *testing.T) auth.Token {
	t.Helper()
	if err := r.LoginBrowser(t.Context()); err != nil {
		t.Fatalf("login: %v", err)
	}
	tok, err := r.Token(t.Context())
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	return tok
}

// expire makes the next Token refresh. The clock isn't moved, since ID tokens are judged by it.
func expire(t *testing.T, s *oidc.Session) {
	t.Helper()
	tok, err := s.Token(t.Context())
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	s.Invalidate(tok)
}

// refreshToken reads the refresh token out of the vault.
func (r *rig) refreshToken(t *testing.T) string {
	t.Helper()
	text, err := r.vault.Load(t.Context(), "theia")
	if err != nil {
		t.Fatal(err)
	}
	var e struct{ Refresh string }
	if err := json.Unmarshal([]byte(text.Reveal()), &e); err != nil || e.Refresh == "" {
		t.Fatalf("the vault has no refresh token: %v", err)
	}
	return e.Refresh
}

func wantKind(t *testing.T, err error, kind auth.Kind, text string) {
	t.Helper()
	if err == nil || auth.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v (%v), want %v with %q", err, auth.KindOf(err), kind, text)
	}
}

func wantStatus(t *testing.T, s *oidc.Session, want auth.Status) {
	t.Helper()
	if got := s.Snapshot().Status; got != want {
		t.Errorf("status %d, want %d", got, want)
	}
}

func userinfo(t *testing.T, issuer string, tok auth.Token) int {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, issuer+"/protocol/openid-connect/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+tok.Access.Reveal())
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func unreachable(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }
