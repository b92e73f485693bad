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
