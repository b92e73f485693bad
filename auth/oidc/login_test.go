package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/vault"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

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
	ctx, cancel := context.WithCancel(t.Context())
	r := newRig(t, p.Issuer(), func(c *oidc.Config) {
		c.OpenBrowser = func(address string) error {
			get(t, callbackOf(t, address).String()+"?code=x&state=other", "")
			cancel() // the person gives up
			return nil
		}
	})
	wantKind(t, r.LoginBrowser(ctx), auth.KindProtocol, "state mismatch")
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

// A connection that names only its signing API finds the provider through it, and is logged in after a restart without asking again.
func TestIssuerFromTheSigningAPI(t *testing.T) {
	p := idptest.Start(t)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"components":{"securitySchemes":{"OAuth2PasswordBearer":{"type":"oauth2","flows":{"password":{"scopes":{},"tokenUrl":%q}}}}}}`,
			p.Issuer()+"/protocol/openid-connect/token")
	}))
	cfg := oidc.Config{
		Name: "lab", SigningURL: api.URL, ClientID: "gdal", Vault: &vault.Memory{},
		OpenBrowser: idptest.Browser{Username: "alice", Password: "alice"}.Open,
	}
	s := oidc.New(cfg)
	defer s.Close()
	if err := s.LoginBrowser(t.Context()); err != nil {
		t.Fatal(err)
	}
	api.Close()
	again := oidc.New(cfg)
	defer again.Close()
	if err := again.Restore(t.Context()); err != nil || again.Snapshot().Identity.Username != "alice" {
		t.Fatalf("after a restart: %v, %+v", err, again.Snapshot())
	}
	if _, err := again.Token(t.Context()); err != nil {
		t.Errorf("a token without the signing API: %v", err)
	}
}
