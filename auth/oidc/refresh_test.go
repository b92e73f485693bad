package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

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
