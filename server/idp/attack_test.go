package idp_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

func TestCodeAttacks(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	t.Run("replay", func(t *testing.T) {
		code := a.code(alice())
		tk, _ := a.exchange(code)
		if again, status := a.exchange(code); status != http.StatusBadRequest || again.Error != "invalid_grant" || again.Access != "" {
			t.Errorf("a code worked twice: %d %+v", status, again)
		}
		if got, status := a.refresh(tk.Refresh); status != http.StatusBadRequest || got.Error != "invalid_grant" {
			t.Errorf("the replayed code's refresh token still works: %d %+v", status, got)
		}
		if status, _ := a.userinfo(tk.Access); status != http.StatusUnauthorized {
			t.Errorf("the replayed code's access token still works: %d", status)
		}
	})
	for name, change := range map[string][]string{
		"wrong verifier":   {"code_verifier", "x" + rand.Text() + rand.Text()},
		"no verifier":      {"code_verifier", ""},
		"other client":     {"client_id", "gdal"},
		"other redirect":   {"redirect_uri", "http://127.0.0.1:1/cb"},
		"unknown client":   {"client_id", "evil"},
		"made-up code":     {"code", "abc"},
		"no code":          {"code", ""},
		"password grant":   {"grant_type", "password"},
		"no grant type":    {"grant_type", ""},
		"jwt bearer grant": {"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
	} {
		t.Run(name, func(t *testing.T) {
			tk, status := a.exchange(a.code(alice()), change...)
			if status < 400 || status >= 500 || tk.Access != "" || tk.Refresh != "" || tk.Error == "" {
				t.Errorf("got %d %+v", status, tk)
			}
		})
	}
}

func TestAuthorizationAttacks(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	// These come back to the client as errors.
	for name, c := range map[string]struct {
		change []string
		want   string
	}{
		"PKCE plain":     {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"PKCE no method": {[]string{"code_challenge_method", ""}, "invalid_request"},
		"PKCE missing":   {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"PKCE short":     {[]string{"code_challenge", "abc"}, "invalid_request"},
		"no scope":       {[]string{"scope", ""}, "invalid_request"},
		"no openid":      {[]string{"scope", "profile"}, "invalid_scope"},
		"foreign hint":   {[]string{"id_token_hint", "e30.e30.e30"}, "login_required"},
	} {
		t.Run(name, func(t *testing.T) {
			a.got = nil
			p, err := alice().Walk(a.authURL(c.change...))
			if err != nil || a.got.Get("error") != c.want || a.got.Get("state") != "st&te=" || a.got.Get("code") != "" {
				t.Errorf("got %v at %v (%v), want %s", a.got, p.URL, err, c.want)
			}
			if a.got.Get("error_description") == "" {
				t.Error("no description")
			}
		})
	}
	for name, change := range map[string][]string{
		"implicit":       {"response_type", "id_token"},
		"request object": {"request", "eyJ"},
	} {
		t.Run(name, func(t *testing.T) {
			a.got = nil
			p, err := alice().Walk(a.authURL(change...))
			if err != nil || a.got.Get("code") != "" || !strings.Contains(p.URL.String(), "error=") {
				t.Errorf("got %v at %v (%v)", a.got, p.URL, err)
			}
		})
	}
	// These must not be sent anywhere.
	_, port, _ := strings.Cut(strings.TrimPrefix(a.callback.URL, "http://"), ":")
	for name, change := range map[string][]string{
		"unknown client":  {"client_id", "evil"},
		"no client":       {"client_id", ""},
		"no redirect":     {"redirect_uri", ""},
		"public host":     {"redirect_uri", "http://example.org/cb"},
		"https loopback":  {"redirect_uri", "https://127.0.0.1/cb"},
		"localhost":       {"redirect_uri", "http://localhost:" + port + "/cb"},
		"custom scheme":   {"redirect_uri", "dinamis://cb"},
		"user info":       {"redirect_uri", "http://127.0.0.1@example.org/cb"},
		"user at":         {"redirect_uri", "http://me@127.0.0.1:" + port + "/cb"},
		"javascript":      {"redirect_uri", "javascript:alert(1)"},
		"look-alike host": {"redirect_uri", "http://127.0.0.1.example.org/cb"},
		"fragment":        {"redirect_uri", a.callback.URL + "/cb#x"},
		"mapped v6":       {"redirect_uri", "http://[::ffff:127.0.0.1]:" + port + "/cb"},
		"other loopback":  {"redirect_uri", "http://127.0.0.2:" + port + "/cb"},
		"not a URL":       {"redirect_uri", "http://127.0.0.1:%zz"},
	} {
		t.Run(name, func(t *testing.T) {
			a.got = nil
			p, err := alice().Walk(a.authURL(change...))
			if err == nil || p.Status != http.StatusBadRequest || a.got != nil || !strings.HasPrefix(p.URL.String(), s.URL) {
				t.Errorf("ended at %v with %d (%v), redirect %v", p.URL, p.Status, err, a.got)
			}
		})
	}
	t.Run("IPv6 loopback", func(t *testing.T) {
		p, err := idptest.Browser{Username: "alice", Password: "wrong"}.Walk(a.authURL("redirect_uri", "http://[::1]:9/cb"))
		if err == nil || p.Status != http.StatusUnauthorized {
			t.Errorf("no login form for [::1]: %d %v", p.Status, err)
		}
	})
}

func TestOnlyOwnFormsAreTaken(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar}
	resp, err := c.Get(a.authURL())
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	id := resp.Request.URL.Query().Get("request")
	csp := resp.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "form-action 'self' "+a.callback.URL+";") {
		t.Errorf("policy: %s", csp)
	}
	if resp.Header.Get("X-Frame-Options") != "DENY" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", resp.Header)
	}
	for _, ref := range []string{"<script", "http://", "https://"} {
		if strings.Contains(string(page), ref) {
			t.Errorf("the page has %q in it", ref)
		}
	}
	post := func(c *http.Client, v url.Values, header ...string) int {
		req, _ := http.NewRequest(http.MethodPost, s.Issuer()+"/login", strings.NewReader(v.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	start := strings.Index(string(page), `name="token" value="`) + len(`name="token" value="`)
	token := string(page)[start : start+43]
	good := url.Values{"request": {id}, "username": {"alice"}, "password": {"alice"}, "token": {token}}
	without := url.Values{"request": {id}, "username": {"alice"}, "password": {"alice"}}
	if got := post(c, without); got != http.StatusForbidden {
		t.Errorf("a form without token: %d", got)
	}
	if got := post(http.DefaultClient, good); got != http.StatusForbidden {
		t.Errorf("a form from a browser without the cookie: %d", got)
	}
	if got := post(c, good, "Sec-Fetch-Site", "cross-site"); got != http.StatusForbidden {
		t.Errorf("a form from another site: %d", got)
	}
	if got := post(c, good, "Origin", "http://evil.example"); got != http.StatusForbidden {
		t.Errorf("a form from another origin: %d", got)
	}
	if got := post(c, good); got != http.StatusOK || a.got.Get("code") == "" {
		t.Errorf("our own form: %d %v", got, a.got)
	}
	if got := post(c, good); got != http.StatusBadRequest {
		t.Errorf("a form sent twice: %d", got)
	}
}

func TestRevoke(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	for name, pick := range map[string]func(tokens) string{
		"refresh token": func(tk tokens) string { return tk.Refresh },
		"access token":  func(tk tokens) string { return tk.Access },
	} {
		tk := a.login(alice())
		if resp := a.post("revoke", url.Values{"token": {pick(tk)}, "client_id": {"gdal"}}, nil); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s revoked by another client: %d", name, resp.StatusCode)
		}
		if status, _ := a.userinfo(tk.Access); status != http.StatusOK {
			t.Errorf("%s: gone after another client's try", name)
		}
		if resp := a.post("revoke", url.Values{"token": {pick(tk)}, "client_id": {"dinamis-desktop"}}, nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
		if _, status := a.refresh(tk.Refresh); status != http.StatusBadRequest {
			t.Errorf("%s: refresh works after revocation", name)
		}
	}
	if resp := a.post("revoke", url.Values{"token": {"unknown"}, "client_id": {"gdal"}}, nil); resp.StatusCode != http.StatusOK {
		t.Errorf("an unknown token (RFC 7009 § 2.2): %d", resp.StatusCode)
	}
}

func TestLogoutEndsSession(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		jar, _ := cookiejar.New(nil)
		b := alice()
		b.Jar = jar
		tk := a.login(b)
		other := a.login(alice()) // another browser of the same person
		v := url.Values{"id_token_hint": {tk.ID}, "client_id": {"dinamis-desktop"}}
		var resp *http.Response
		var err error
		if method == http.MethodGet {
			resp, err = http.Get(s.Issuer() + "/protocol/openid-connect/logout?" + v.Encode())
		} else {
			resp, err = http.PostForm(s.Issuer()+"/protocol/openid-connect/logout", v)
		}
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
		if _, status := a.refresh(tk.Refresh); status != http.StatusBadRequest {
			t.Errorf("%s: refresh works after logout", method)
		}
		if _, status := a.refresh(other.Refresh); status != http.StatusOK {
			t.Errorf("%s: the other browser was logged out too", method)
		}
		if err := (idptest.Browser{Username: "x", Password: "y", Jar: jar}).Open(a.authURL()); err == nil {
			t.Errorf("%s: the browser needs no password after logout", method)
		}
	}
	// Without a hint, the browser is asked.
	jar, _ := cookiejar.New(nil)
	b := alice()
	b.Jar = jar
	tk := a.login(b)
	if err := b.Open(s.Issuer() + "/protocol/openid-connect/logout"); err != nil {
		t.Fatal(err)
	}
	if _, status := a.refresh(tk.Refresh); status != http.StatusBadRequest {
		t.Error("refresh works after the browser's logout")
	}
	resp, err := http.Get(s.Issuer() + "/protocol/openid-connect/logout?id_token_hint=e30.e30.e30")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a made-up hint: %d", resp.StatusCode)
	}
}

func TestKeyRotation(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	old := a.login(alice())
	if err := s.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh, status := a.refresh(old.Refresh)
	if status != http.StatusOK {
		t.Fatalf("refresh: %d", status)
	}
	kid := func(token string) string {
		tok, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Fatal(err)
		}
		return tok.Headers[0].KeyID
	}
	if kid(old.Access) == kid(fresh.Access) {
		t.Error("the new key doesn't sign")
	}
	s.Restart(t)
	for _, tk := range []tokens{old, fresh} {
		if a.claims(tk.Access)["preferred_username"] != "alice" {
			t.Error("a token doesn't verify")
		}
	}
	after, _ := a.refresh(fresh.Refresh)
	if kid(after.Access) != kid(fresh.Access) {
		t.Error("after a restart another key signs")
	}
}

func TestCORS(t *testing.T) {
	s := idptest.Start(t)
	for _, path := range []string{"token", "userinfo", "certs", "revoke", "auth/device"} {
		req, _ := http.NewRequest(http.MethodOptions, s.Issuer()+"/protocol/openid-connect/"+path, nil)
		req.Header.Set("Origin", "http://browser.example")
		req.Header.Set("Access-Control-Request-Method", "POST")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "Authorization") || resp.Header.Get("Allow") == "" {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
	req, _ := http.NewRequest(http.MethodGet, s.Issuer()+"/login?request=x", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if slices.Contains(resp.Header.Values("Access-Control-Allow-Origin"), "*") {
		t.Error("the login page may be read by other origins")
	}
}
