package oidc_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

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
