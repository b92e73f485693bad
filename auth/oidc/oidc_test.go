package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/vault"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
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
	r := &rig{vault: &vault.Memory{}, clock: &clock{}, log: &bytes.Buffer{}}
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

func TestBrowserLoginLastsOverRestart(t *testing.T) {
	p := idptest.Start(t)
	pages := make(chan idptest.Page, 1)
	r := newRig(t, p.Issuer(), func(c *oidc.Config) {
		c.OpenBrowser = func(u string) error {
			b := alice()
			b.Language = "fr"
			last, err := b.Walk(u)
			pages <- last
			return err
		}
	})
	wantStatus(t, r.Session, auth.LoggedOut)
	if _, err := r.Token(t.Context()); !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("token before login: %v", err)
	}
	tok := r.login(t)
	if got := userinfo(t, p.Issuer(), tok); got != http.StatusOK {
		t.Errorf("the token isn't taken: %d", got)
	}
	v := r.Snapshot()
	if v.Status != auth.LoggedIn || v.Err != nil || v.Identity.Username != "alice" || v.Identity.Email != "alice@example.org" || len(v.Identity.Groups) != 1 {
		t.Errorf("view: %+v", v)
	}
	if last := <-pages; last.URL.RawQuery != "" || !strings.Contains(last.Text, "Vous pouvez fermer cet onglet") {
		t.Errorf("the browser ended at %v: %s", last.URL, last.Text)
	}
	select {
	case <-r.Changes():
	default:
		t.Error("no change was told")
	}

	// The next start, first without a network.
	s := r.again(t)
	r.wire.disturb(unreachable)
	if err := s.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := s.Snapshot(); v.Status != auth.LoggedIn || v.Identity.Username != "alice" || v.Identity.Groups[0] != "users" {
		t.Errorf("view after a restart: %+v", v)
	}
	_, err := s.Token(t.Context())
	wantKind(t, err, auth.KindUnavailable, "cannot be reached")
	wantStatus(t, s, auth.LoggedIn)
	r.wire.disturb(nil)
	before := r.refreshToken(t)
	if tok, err := s.Token(t.Context()); err != nil || userinfo(t, p.Issuer(), tok) != http.StatusOK {
		t.Errorf("token after a restart: %v", err)
	}
	if r.refreshToken(t) == before {
		t.Error("the rotated refresh token isn't in the vault")
	}
}

func TestEntryOfAnotherProvider(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	r.login(t)
	r.cfg.Issuer = "https://other.example/realms/x"
	s := r.again(t)
	if err := s.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, s, auth.LoggedOut)
	if err := r.vault.Save(t.Context(), "theia", "{damaged"); err != nil {
		t.Fatal(err)
	}
	r.cfg.Issuer = p.Issuer()
	s = r.again(t)
	if err := s.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, s, auth.LoggedOut)
}

func TestLoginRefused(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer(), func(c *oidc.Config) { c.OpenBrowser = idptest.Browser{Deny: true}.Open })
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindDenied, "cancelled the login")
	if v := r.Snapshot(); v.Status != auth.LoggedOut || v.Err == nil {
		t.Errorf("view: %+v", v)
	}
	r = newRig(t, p.Issuer(), func(c *oidc.Config) { c.OpenBrowser = idptest.Browser{Username: "alice", Password: "x"}.Open })
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindUnavailable, "answered 401")
	r = newRig(t, p.Issuer(), func(c *oidc.Config) { c.ClientID = "unknown" })
	if err := r.LoginBrowser(t.Context()); err == nil {
		t.Error("an unknown client logged in")
	}
	// A failed login leaves an older one alone.
	r = newRig(t, p.Issuer())
	r.login(t)
	r.cfg.OpenBrowser = idptest.Browser{Deny: true}.Open
	s := r.again(t)
	if err := s.LoginBrowser(t.Context()); err == nil {
		t.Fatal("denied, but logged in")
	}
	wantStatus(t, s, auth.LoggedIn)
	if _, err := s.Token(t.Context()); err != nil {
		t.Errorf("token of the older login: %v", err)
	}
}

func TestLoginEndsWithoutAnswer(t *testing.T) {
	p := idptest.Start(t)
	nothing := func(string) error { return nil } // the person closes the browser
	r := newRig(t, p.Issuer(), func(c *oidc.Config) { c.OpenBrowser, c.LoginTimeout = nothing, 50*time.Millisecond })
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindCancelled, "not finished in time")

	opened := make(chan struct{})
	r = newRig(t, p.Issuer(), func(c *oidc.Config) { c.OpenBrowser = func(string) error { close(opened); return nil } })
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-opened
		wantStatus(t, r.Session, auth.LoggingIn)
		wantKind(t, r.LoginBrowser(t.Context()), auth.KindConflict, "under way")
		wantKind(t, r.LoginDevice(t.Context()), auth.KindConflict, "under way")
		cancel()
	}()
	wantKind(t, r.LoginBrowser(ctx), auth.KindCancelled, "was cancelled")
	wantStatus(t, r.Session, auth.LoggedOut)
}

// callbackOf returns the redirect address of an authorization request.
func callbackOf(t *testing.T, address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		t.Error(err)
		return &url.URL{}
	}
	cb, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		t.Error(err)
	}
	return cb
}

func get(t *testing.T, u, hostHeader string) int {
	req, err := http.NewRequest(http.MethodGet, u, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Host, req.Close = hostHeader, true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestForeignAnswersDontEndTheLogin(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer(), func(c *oidc.Config) {
		c.OpenBrowser = func(address string) error {
			cb := callbackOf(t, address)
			state := func() string { u, _ := url.Parse(address); return u.Query().Get("state") }()
			for name, c := range map[string]struct {
				path, query, host string
				want              int
			}{
				"wrong state":     {"/callback", "code=evil&state=wrong", "", http.StatusBadRequest},
				"no state":        {"/callback", "code=evil", "", http.StatusBadRequest},
				"wrong error":     {"/callback", "error=access_denied&state=wrong", "", http.StatusBadRequest},
				"neither":         {"/callback", "state=" + state, "", http.StatusBadRequest},
				"mixed up issuer": {"/callback", "code=evil&iss=https://evil.example&state=" + state, "", http.StatusBadRequest},
				"rebinding":       {"/callback", "code=evil&state=" + state, "evil.example:" + cb.Port(), http.StatusMisdirectedRequest},
				"other path":      {"/", "code=evil&state=" + state, "", http.StatusNotFound},
				"done too early":  {"/done", "", "", http.StatusNotFound},
			} {
				if got := get(t, "http://"+cb.Host+c.path+"?"+c.query, c.host); got != c.want {
					t.Errorf("%s: %d, want %d", name, got, c.want)
				}
			}
			return alice().Open(address)
		}
	})
	r.login(t)
}

func TestStateMismatch(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer(), func(c *oidc.Config) {
		c.LoginTimeout = 200 * time.Millisecond
		c.OpenBrowser = func(address string) error {
			get(t, callbackOf(t, address).String()+"?code=x&state=other", "")
			return nil
		}
	})
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindProtocol, "state mismatch")
}

func TestRefreshIsShared(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	first := r.login(t)
	r.clock.forward(4*time.Minute + 25*time.Second)
	if tok, err := r.Token(t.Context()); err != nil || tok != first {
		t.Errorf("35 s before its end the token was renewed: %v", err)
	}
	r.clock.forward(10 * time.Second)
	before := r.wire.count("POST token")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if tok, err := r.Token(t.Context()); err != nil || tok.Access == first.Access {
				t.Errorf("token: %v", err)
			}
		})
	}
	wg.Wait()
	if n := r.wire.count("POST token") - before; n != 1 {
		t.Errorf("%d refreshes for 50 waiters", n)
	}
}

func TestWaiterLeavesRefreshGoesOn(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	r.login(t)
	expire(t, r.Session)
	asked, release := make(chan struct{}), make(chan struct{})
	r.wire.disturb(func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/token") {
			close(asked)
			<-release
		}
		return nil, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := r.Token(ctx); left <- err }()
	<-asked
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("a waiter that left: %v", err)
	}
	stayed := make(chan error)
	go func() { _, err := r.Token(t.Context()); stayed <- err }()
	close(release)
	if err := <-stayed; err != nil {
		t.Errorf("a waiter that stayed: %v", err)
	}
	if n := r.wire.count("POST token"); n != 2 {
		t.Errorf("%d token requests, want the login's and one refresh", n)
	}
}

func TestProviderEndsTheLogin(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	r.login(t)
	resp, err := http.PostForm(p.Issuer()+"/protocol/openid-connect/revoke", url.Values{"token": {r.refreshToken(t)}, "client_id": {"dinamis-desktop"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	expire(t, r.Session)
	_, err = r.Token(t.Context())
	wantKind(t, err, auth.KindLogin, "invalid_grant")
	if !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("not ErrLoginRequired: %v", err)
	}
	if v := r.Snapshot(); v.Status != auth.Expired || v.Identity.Username != "alice" || v.Err == nil {
		t.Errorf("view: %+v", v)
	}
	if _, err := r.vault.Load(t.Context(), "theia"); auth.KindOf(err) != auth.KindNotFound {
		t.Errorf("the vault still has the dead login: %v", err)
	}
	n := r.wire.count("POST token")
	if _, err := r.Token(t.Context()); !errors.Is(err, auth.ErrLoginRequired) || r.wire.count("POST token") != n {
		t.Errorf("an expired session asked again: %v", err)
	}
	r.login(t)
	wantStatus(t, r.Session, auth.LoggedIn)
}

func TestTroubleKeepsTheLogin(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	r.login(t)
	answer := func(status int, body string) func(*http.Request) (*http.Response, error) {
		return func(req *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
				Body: io.NopCloser(strings.NewReader(body)),
			}, nil
		}
	}
	for name, c := range map[string]struct {
		wire func(*http.Request) (*http.Response, error)
		kind auth.Kind
		text string
	}{
		"no network":   {unreachable, auth.KindUnavailable, "cannot be reached"},
		"503":          {answer(503, "busy"), auth.KindUnavailable, "503"},
		"429":          {answer(429, `{"error":"slow"}`), auth.KindThrottled, "slow"},
		"401":          {answer(401, `{"error":"invalid_client","error_description":"no\u0007 such client"}`), auth.KindProtocol, "invalid_client (no such client)"},
		"not JSON":     {answer(200, "<html>"), auth.KindProtocol, "not the JSON"},
		"no token":     {answer(200, "{}"), auth.KindProtocol, "not the JSON"},
		"200 MB":       {endless, auth.KindProtocol, "too large"},
		"bad ID token": {answer(200, `{"access_token":"a","token_type":"bearer","id_token":"x.y.z"}`), auth.KindProtocol, "ID token is refused"},
	} {
		t.Run(name, func(t *testing.T) {
			expire(t, r.Session)
			r.wire.disturb(c.wire)
			_, err := r.Token(t.Context())
			wantKind(t, err, c.kind, c.text)
			wantStatus(t, r.Session, auth.LoggedIn)
			r.wire.disturb(nil)
			if _, err := r.Token(t.Context()); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// endless answers 200 MB of JSON.
func endless(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(io.LimitReader(spaces{}, 200<<20)),
	}, nil
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestTwoProcessesShareALogin(t *testing.T) {
	p := idptest.Start(t)
	lock := filepath.Join(t.TempDir(), "login.lock")
	r := newRig(t, p.Issuer(), func(c *oidc.Config) { c.LockFile = lock })
	r.login(t)
	other := r.again(t)
	for range 4 {
		expire(t, r.Session)
		expire(t, other)
		var wg sync.WaitGroup
		for _, s := range []*oidc.Session{r.Session, other} {
			wg.Go(func() {
				if _, err := s.Token(t.Context()); err != nil {
					t.Errorf("token: %v", err)
				}
			})
		}
		wg.Wait()
	}
	// One logs out: the other notices at its next refresh.
	expire(t, other)
	if err := r.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Token(t.Context()); !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("token after the other process's logout: %v", err)
	}
	wantStatus(t, other, auth.LoggedOut)
}

// staleVault gives an old secret once: another process without our lock saved in between.
type staleVault struct {
	auth.Vault
	stale atomic.Pointer[auth.Secret]
}

func (v *staleVault) Load(ctx context.Context, name string) (auth.Secret, error) {
	if s := v.stale.Swap(nil); s != nil {
		return *s, nil
	}
	return v.Vault.Load(ctx, name)
}

func TestStaleRefreshTokenIsReadAgain(t *testing.T) {
	p := idptest.Start(t)
	sv := &staleVault{}
	r := newRig(t, p.Issuer(), func(c *oidc.Config) { sv.Vault = c.Vault; c.Vault = sv })
	r.login(t)
	old, err := r.vault.Load(t.Context(), "theia")
	if err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(old.Reveal()), &e); err != nil {
		t.Fatal(err)
	}
	e["refresh"] = "rotated-away" // unknown to the provider, so that the chain isn't revoked
	b, _ := json.Marshal(e)
	stale := auth.Secret(b)
	expire(t, r.Session)
	sv.stale.Store(&stale)
	if _, err := r.Token(t.Context()); err != nil {
		t.Errorf("token: %v", err)
	}
	wantStatus(t, r.Session, auth.LoggedIn)
}

// failingVault fails to save when told to.
type failingVault struct {
	auth.Vault
	fail atomic.Bool
	kind auth.Kind
}

func (v *failingVault) Save(ctx context.Context, name string, s auth.Secret) error {
	if v.fail.Load() {
		return &auth.Error{Op: "save secret", Kind: v.kind, Key: name, Err: errors.New("the keychain is locked")}
	}
	return v.Vault.Save(ctx, name, s)
}

func TestVaultFails(t *testing.T) {
	p := idptest.Start(t)
	fv := &failingVault{kind: auth.KindUnavailable}
	r := newRig(t, p.Issuer(), func(c *oidc.Config) { fv.Vault = c.Vault; c.Vault = fv })
	fv.fail.Store(true)
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindUnavailable, "keychain is locked")
	wantStatus(t, r.Session, auth.LoggedOut)
	if r.wire.count("POST revoke") != 1 {
		t.Error("a login that couldn't be kept wasn't revoked")
	}
	fv.fail.Store(false)
	r.login(t)
	// A rotation that can't be saved isn't lost while the program runs, and is saved when that works again.
	before := r.refreshToken(t)
	fv.fail.Store(true)
	for range 3 {
		expire(t, r.Session)
		if _, err := r.Token(t.Context()); err != nil {
			t.Fatalf("token: %v", err)
		}
	}
	if v := r.Snapshot(); v.Status != auth.LoggedIn || v.Err == nil || r.refreshToken(t) != before {
		t.Errorf("view: %+v", v)
	}
	fv.fail.Store(false)
	expire(t, r.Session)
	if _, err := r.Token(t.Context()); err != nil || r.refreshToken(t) == before || r.Snapshot().Err != nil {
		t.Errorf("after the vault came back: %v, %v", err, r.Snapshot().Err)
	}
	s := r.again(t)
	if _, err := s.Token(t.Context()); err != nil {
		t.Errorf("the next start: %v", err)
	}
}

func TestLockedVaultStopsBeforeTheBrowser(t *testing.T) {
	p := idptest.Start(t)
	dir := t.TempDir()
	r := newRig(t, p.Issuer(), func(c *oidc.Config) {
		c.Vault = &vault.File{Path: filepath.Join(dir, "v"), KeyPath: filepath.Join(dir, "k")}
		c.OpenBrowser = func(string) error { t.Error("the browser was opened"); return nil }
	})
	if err := r.Restore(t.Context()); err != nil {
		t.Errorf("restore: %v", err)
	}
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindLocked, "consent")
	wantKind(t, r.LoginDevice(t.Context()), auth.KindLocked, "consent")
}

func TestLogout(t *testing.T) {
	p := idptest.Start(t)
	jar, _ := cookiejar.New(nil)
	b := alice()
	b.Jar = jar
	r := newRig(t, p.Issuer(), func(c *oidc.Config) { c.OpenBrowser = b.Open })
	for _, restart := range []bool{false, true} {
		tok := r.login(t)
		s := r.Session
		if restart {
			s = r.again(t) // has no ID token in memory
			if err := s.Restore(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Logout(t.Context()); err != nil {
			t.Errorf("logout: %v", err)
		}
		if v := s.Snapshot(); v.Status != auth.LoggedOut || v.Identity.Username != "" {
			t.Errorf("view: %+v", v)
		}
		if _, err := r.vault.Load(t.Context(), "theia"); auth.KindOf(err) != auth.KindNotFound {
			t.Errorf("the vault still has the login: %v", err)
		}
		if got := userinfo(t, p.Issuer(), tok); got != http.StatusUnauthorized {
			t.Errorf("the access token still works: %d", got)
		}
		again := idptest.Browser{Username: "alice", Password: "wrong", Jar: jar}
		r2 := newRig(t, p.Issuer(), func(c *oidc.Config) { c.OpenBrowser = again.Open })
		if err := r2.LoginBrowser(t.Context()); err == nil {
			t.Error("the browser is still logged in at the provider")
		}
	}
	if err := r.Logout(t.Context()); err != nil {
		t.Errorf("logout of nobody: %v", err)
	}
}

func TestLogoutWithoutNetwork(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	r.login(t)
	r.wire.disturb(unreachable)
	err := r.Logout(t.Context())
	wantKind(t, err, auth.KindUnavailable, "logged out here, but the provider could not be told")
	wantStatus(t, r.Session, auth.LoggedOut)
	if _, err := r.vault.Load(t.Context(), "theia"); auth.KindOf(err) != auth.KindNotFound {
		t.Errorf("the vault still has the login: %v", err)
	}
}

func TestLogoutDuringRefresh(t *testing.T) {
	p := idptest.Start(t)
	r := newRig(t, p.Issuer())
	r.login(t)
	expire(t, r.Session)
	asked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.wire.disturb(func(req *http.Request) (*http.Response, error) {
		if strings.HasSuffix(req.URL.Path, "/token") {
			once.Do(func() { close(asked); <-release })
		}
		return nil, nil
	})
	got := make(chan error)
	go func() { _, err := r.Token(t.Context()); got <- err }()
	<-asked
	logout := r.Logout(t.Context())
	close(release)
	if err := <-got; !errors.Is(err, auth.ErrLoginRequired) {
		t.Errorf("token: %v", err)
	}
	if logout != nil {
		t.Errorf("logout: %v", logout)
	}
	wantStatus(t, r.Session, auth.LoggedOut)
	if _, err := r.vault.Load(t.Context(), "theia"); auth.KindOf(err) != auth.KindNotFound {
		t.Errorf("the refresh brought the login back: %v", err)
	}
}

func TestNoSecretInLogOrErrors(t *testing.T) {
	p := idptest.Start(t, func(c *idp.Config) { c.AccessLifetime = time.Minute })
	r := newRig(t, p.Issuer())
	tok := r.login(t)
	secrets := []string{tok.Access.Reveal(), r.refreshToken(t)}
	expire(t, r.Session)
	r.wire.disturb(unreachable)
	_, err := r.Token(t.Context())
	texts := r.log.String() + err.Error()
	r.wire.disturb(nil)
	if tok, err = r.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, tok.Access.Reveal(), r.refreshToken(t))
	r.wire.disturb(unreachable)
	if err := r.Logout(t.Context()); err != nil {
		texts += err.Error()
	}
	texts += r.log.String()
	for _, s := range secrets {
		if strings.Contains(texts, s) || strings.Contains(texts, s[len(s)-20:]) {
			t.Errorf("a secret is in %s", texts)
		}
	}
	if !strings.Contains(texts, "logged in") {
		t.Error("the log says nothing")
	}
}
