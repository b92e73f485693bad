package idp_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is a public client with a loopback redirect, by hand, so that every parameter can be wrong.
type app struct {
	t        *testing.T
	s        *idptest.Server
	callback *httptest.Server
	verifier string
	got      url.Values // query of the last redirect
}

func newApp(t *testing.T, s *idptest.Server) *app {
	a := &app{t: t, s: s, verifier: rand.Text() + rand.Text()}
	a.callback = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.got = r.URL.Query()
		io.WriteString(w, "you can close this tab")
	}))
	t.Cleanup(a.callback.Close)
	return a
}

func (a *app) authURL(change ...string) string {
	sum := sha256.Sum256([]byte(a.verifier))
	v := url.Values{
		"client_id": {"dinamis-desktop"}, "response_type": {"code"}, "scope": {"openid profile email offline_access"},
		"redirect_uri": {a.callback.URL + "/cb"}, "state": {"st&te="}, "nonce": {"n0"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	set(v, change)
	return a.s.Issuer() + "/protocol/openid-connect/auth?" + v.Encode()
}

// set changes pairs of name, value; an empty value removes.
func set(v url.Values, change []string) {
	for i := 0; i+1 < len(change); i += 2 {
		v.Set(change[i], change[i+1])
		if change[i+1] == "" {
			v.Del(change[i])
		}
	}
}

func (a *app) code(b idptest.Browser, change ...string) string {
	a.t.Helper()
	a.got = nil
	if err := b.Open(a.authURL(change...)); err != nil {
		a.t.Fatalf("login: %v", err)
	}
	if a.got.Get("code") == "" {
		a.t.Fatalf("the redirect had no code: %v", a.got)
	}
	return a.got.Get("code")
}

type tokens struct {
	Access         string `json:"access_token"`
	Refresh        string `json:"refresh_token"`
	ID             string `json:"id_token"`
	Type           string `json:"token_type"`
	Expires        int    `json:"expires_in"`
	RefreshExpires int    `json:"refresh_expires_in"`
	Error          string `json:"error"`
	Description    string `json:"error_description"`
}

func (a *app) post(path string, v url.Values, answer any) *http.Response {
	a.t.Helper()
	resp, err := http.PostForm(a.s.Issuer()+"/protocol/openid-connect/"+path, v)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	if answer != nil {
		if err := json.Unmarshal(b, answer); err != nil {
			a.t.Fatalf("%s answered %d %q: %v", path, resp.StatusCode, b, err)
		}
	}
	return resp
}

func (a *app) exchange(code string, change ...string) (tokens, int) {
	a.t.Helper()
	v := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"dinamis-desktop"}, "code": {code},
		"redirect_uri": {a.callback.URL + "/cb"}, "code_verifier": {a.verifier},
	}
	set(v, change)
	var tk tokens
	resp := a.post("token", v, &tk)
	if resp.Header.Get("Cache-Control") != "no-store" {
		a.t.Error("a token answer may be cached")
	}
	return tk, resp.StatusCode
}

func (a *app) refresh(token string, change ...string) (tokens, int) {
	a.t.Helper()
	v := url.Values{"grant_type": {"refresh_token"}, "client_id": {"dinamis-desktop"}, "refresh_token": {token}}
	set(v, change)
	var tk tokens
	resp := a.post("token", v, &tk)
	return tk, resp.StatusCode
}

func (a *app) login(b idptest.Browser) tokens {
	a.t.Helper()
	tk, status := a.exchange(a.code(b))
	if status != http.StatusOK {
		a.t.Fatalf("exchange: %d %s %s", status, tk.Error, tk.Description)
	}
	return tk
}

func (a *app) userinfo(access string) (int, map[string]any) {
	a.t.Helper()
	req, _ := http.NewRequest(http.MethodGet, a.s.Issuer()+"/protocol/openid-connect/userinfo", nil)
	req.Header.Set("authorization", "bearer "+access) // lower case, as the SDKs send it
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	m := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		a.t.Fatal(err)
	}
	return resp.StatusCode, m
}

// claims verifies a token with the published keys.
func (a *app) claims(token string) map[string]any {
	a.t.Helper()
	resp, err := http.Get(a.s.Issuer() + "/protocol/openid-connect/certs")
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		a.t.Fatal(err)
	}
	t, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		a.t.Fatal(err)
	}
	m := map[string]any{}
	if err := t.Claims(set, &m); err != nil {
		a.t.Fatalf("the signature doesn't fit the published keys: %v", err)
	}
	return m
}

func alice() idptest.Browser { return idptest.Browser{Username: "alice", Password: "alice"} }

func TestLogin(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	tk := a.login(alice())
	if got := a.got.Get("state"); got != "st&te=" {
		t.Errorf("state came back as %q", got)
	}
	if tk.Type != "Bearer" || tk.Expires != 300 || tk.Refresh == "" || tk.RefreshExpires != 5*24*3600 {
		t.Errorf("token answer: %+v", tk)
	}
	access, id := a.claims(tk.Access), a.claims(tk.ID)
	for name, want := range map[string]any{
		"iss": s.Issuer(), "aud": []any{"dinamis", "dinamis-desktop"}, "azp": "dinamis-desktop", "typ": "Bearer",
		"preferred_username": "alice", "groups": []any{"users"}, "name": "Alice Martin", "email": "alice@example.org",
	} {
		if fmt.Sprint(access[name]) != fmt.Sprint(want) {
			t.Errorf("access token: %s = %v, want %v", name, access[name], want)
		}
	}
	for _, name := range []string{"sub", "exp", "iat", "jti"} {
		if access[name] == nil {
			t.Errorf("access token: no %s", name)
		}
	}
	if fmt.Sprint(id["aud"]) != "[dinamis-desktop]" || id["nonce"] != "n0" || id["preferred_username"] != "alice" ||
		fmt.Sprint(id["groups"]) != "[users]" || id["sid"] == nil || id["sub"] != access["sub"] {
		t.Errorf("ID token: %v", id)
	}
	status, info := a.userinfo(tk.Access)
	if status != http.StatusOK || info["preferred_username"] != "alice" || fmt.Sprint(info["groups"]) != "[users]" || info["sub"] != access["sub"] {
		t.Errorf("userinfo: %d %v", status, info)
	}
	if status, _ := a.userinfo(tk.ID + "x"); status != http.StatusUnauthorized {
		t.Errorf("userinfo of a broken token: %d", status)
	}
}

func TestDiscovery(t *testing.T) {
	s := idptest.Start(t)
	resp, err := http.Get(s.Issuer() + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var d map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	base := s.Issuer() + "/protocol/openid-connect/"
	for name, want := range map[string]string{
		"issuer": s.Issuer(), "authorization_endpoint": base + "auth", "token_endpoint": base + "token",
		"userinfo_endpoint": base + "userinfo", "jwks_uri": base + "certs", "end_session_endpoint": base + "logout",
		"device_authorization_endpoint": base + "auth/device", "revocation_endpoint": base + "revoke",
		"introspection_endpoint": base + "token/introspect", "code_challenge_methods_supported": "[S256]",
		"response_types_supported": "[code]", "id_token_signing_alg_values_supported": "[RS256]",
	} {
		if fmt.Sprint(d[name]) != want {
			t.Errorf("%s = %v, want %v", name, d[name], want)
		}
	}
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("no CORS on the discovery document")
	}
	// What the published SDKs derive from the token URL.
	if strings.Count(base+"token", "/token") != 1 {
		t.Error("the token URL contains /token more than once")
	}
}

func TestSingleSignOn(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	jar, _ := cookiejar.New(nil)
	b := alice()
	b.Jar = jar
	first := a.login(b)
	// The same browser needs no password a second time, nor for another client.
	again := idptest.Browser{Username: "nobody", Password: "nothing", Jar: jar}
	code := a.code(again, "client_id", "gdal")
	tk, status := a.exchange(code, "client_id", "gdal")
	if status != http.StatusOK || a.claims(tk.ID)["sid"] != a.claims(first.ID)["sid"] {
		t.Fatalf("second login: %d %+v", status, tk)
	}
	a.code(again, "prompt", "none")
	// prompt=login asks for it all the same.
	if err := again.Open(a.authURL("prompt", "login")); err == nil {
		t.Error("prompt=login took an old session")
	}
	// Without a session, prompt=none is answered by an error that reaches the client.
	if err := (idptest.Browser{}).Open(a.authURL("prompt", "none")); err != nil || a.got.Get("error") != "login_required" {
		t.Errorf("prompt=none: %v %v", err, a.got)
	}
}

func TestWrongPassword(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	jar, _ := cookiejar.New(nil)
	var pages []string
	b := idptest.Browser{Username: "alice", Password: "wrong", Jar: jar, Language: "fr", Visit: func(status int, page string) {
		pages = append(pages, fmt.Sprintf("%d %s", status, page))
	}}
	p, err := b.Walk(a.authURL())
	if err == nil || p.Status != http.StatusUnauthorized {
		t.Fatalf("wrong password: %d %v", p.Status, err)
	}
	if !strings.Contains(p.Text, "mot de passe est faux") || !strings.Contains(p.Text, `value="alice"`) {
		t.Errorf("the form doesn't say what is wrong: %s", p.Text)
	}
	if !strings.Contains(pages[0], "Démonstration") {
		t.Error("the demo's login page doesn't name its users")
	}
	// The form that was shown again works.
	start := strings.Index(p.Text, `name="request" value="`) + len(`name="request" value="`)
	id := p.Text[start : start+strings.IndexByte(p.Text[start:], '"')]
	good := alice()
	good.Jar = jar
	if err := good.Open(s.Issuer() + "/login?request=" + id); err != nil || a.got.Get("code") == "" {
		t.Errorf("the request is not usable any more: %v %v", err, a.got)
	}
}

func TestCancelReachesClient(t *testing.T) {
	a := newApp(t, idptest.Start(t))
	if err := (idptest.Browser{Deny: true}).Open(a.authURL()); err != nil {
		t.Fatal(err)
	}
	if a.got.Get("error") != "access_denied" || a.got.Get("state") != "st&te=" {
		t.Errorf("cancel: %v", a.got)
	}
}

func TestRefreshRotates(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	first := a.login(alice())
	second, status := a.refresh(first.Refresh)
	if status != http.StatusOK || second.Refresh == first.Refresh || second.Access == first.Access || second.ID == "" {
		t.Fatalf("refresh: %d %+v", status, second)
	}
	if got := a.claims(second.ID); got["sid"] != a.claims(first.ID)["sid"] || got["nonce"] != nil && got["nonce"] != "" {
		t.Errorf("ID token of a refresh: %v", got)
	}
	if tk, status := a.refresh(second.Refresh, "client_id", "gdal"); status != http.StatusBadRequest || tk.Error != "invalid_grant" {
		t.Errorf("another client's refresh: %d %+v", status, tk)
	}
	if tk, status := a.refresh(second.Refresh, "scope", "openid admin"); status != http.StatusBadRequest || tk.Error != "invalid_scope" {
		t.Errorf("more scope: %d %+v", status, tk)
	}
	s.Restart(t)
	third, status := a.refresh(second.Refresh)
	if status != http.StatusOK {
		t.Fatalf("refresh after a restart: %d %+v", status, third)
	}
	if got := a.claims(first.Access); got["preferred_username"] != "alice" {
		t.Error("a token from before the restart doesn't verify")
	}
	// Replay of a rotated token ends the chain.
	if tk, status := a.refresh(first.Refresh); status != http.StatusBadRequest || tk.Error != "invalid_grant" {
		t.Errorf("replay: %d %+v", status, tk)
	}
	if tk, status := a.refresh(third.Refresh); status != http.StatusBadRequest || tk.Error != "invalid_grant" {
		t.Errorf("the chain lives on after a replay: %d %+v", status, tk)
	}
	if status, _ := a.userinfo(third.Access); status != http.StatusUnauthorized {
		t.Errorf("userinfo after a replay: %d", status)
	}
}

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
