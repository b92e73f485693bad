package oidc_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
)

// peer is an OpenID provider that misbehaves on demand.
type peer struct {
	*httptest.Server
	key, otherKey *rsa.PrivateKey

	mu    sync.Mutex
	nonce string
	// claims changes the ID token's claims; sign replaces its signature; answer changes the token answer.
	claims func(map[string]any)
	sign   func(claims []byte) string
	answer func(map[string]any)
	// handle, if it returns true, answered a request itself.
	handle func(w http.ResponseWriter, r *http.Request) bool
}

var peerKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var out [2]*rsa.PrivateKey
	for i := range out {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		out[i] = k
	}
	return out
})

func newPeer(t *testing.T) *peer {
	p := &peer{key: peerKeys()[0], otherKey: peerKeys()[1]}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	p.mu.Lock()
	handle := p.handle
	p.mu.Unlock()
	if handle != nil && handle(w, r) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.json(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"device_authorization_endpoint": p.URL + "/device", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"},
		})
	case "/keys":
		p.json(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	case "/auth":
		q := r.URL.Query()
		p.mu.Lock()
		p.nonce = q.Get("nonce")
		p.mu.Unlock()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"c"}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	case "/token":
		p.token(w)
	default:
		http.NotFound(w, r)
	}
}

func (p *peer) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func (p *peer) token(w http.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	c := map[string]any{
		"iss": p.URL, "sub": "s1", "aud": "dinamis-desktop", "nonce": p.nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"preferred_username": "mallory",
	}
	if p.claims != nil {
		p.claims(c)
	}
	b, _ := json.Marshal(c)
	sign := p.sign
	if sign == nil {
		sign = func(b []byte) string { return rs256(p.key, b) }
	}
	a := map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 300, "refresh_token": "rt", "id_token": sign(b)}
	if p.answer != nil {
		p.answer(a)
	}
	p.json(w, a)
}

func rs256(key *rsa.PrivateKey, claims []byte) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		panic(err)
	}
	j, err := s.Sign(claims)
	if err != nil {
		panic(err)
	}
	out, err := j.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return out
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// follow is a browser that has nothing to fill in.
func follow(address string) error {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestPeerIsGoodUnlessTold(t *testing.T) {
	p := newPeer(t)
	r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
	r.login(t)
	if v := r.Snapshot(); v.Identity.Username != "mallory" {
		t.Errorf("view: %+v", v)
	}
}

func TestBadIDTokens(t *testing.T) {
	p := newPeer(t)
	for name, c := range map[string]struct {
		claims func(map[string]any)
		sign   func([]byte) string
		answer func(map[string]any)
		text   string
	}{
		"wrong nonce":  {claims: func(m map[string]any) { m["nonce"] = "other" }, text: "nonce"},
		"no nonce":     {claims: func(m map[string]any) { delete(m, "nonce") }, text: "nonce"},
		"wrong aud":    {claims: func(m map[string]any) { m["aud"] = "somebody" }, text: "audience"},
		"no aud":       {claims: func(m map[string]any) { delete(m, "aud") }, text: "audience"},
		"foreign azp":  {claims: func(m map[string]any) { m["azp"] = "somebody" }, text: "azp"},
		"two aud":      {claims: func(m map[string]any) { m["aud"] = []string{"dinamis-desktop", "x"} }, text: "azp"},
		"wrong iss":    {claims: func(m map[string]any) { m["iss"] = "https://evil.example" }, text: "different provider"},
		"expired":      {claims: func(m map[string]any) { m["exp"] = time.Now().Add(-2 * time.Minute).Unix() }, text: "clock"},
		"not yet":      {claims: func(m map[string]any) { m["nbf"] = time.Now().Add(time.Hour).Unix() }, text: "nbf"},
		"nobody":       {claims: func(m map[string]any) { m["sub"] = "" }, text: "nobody"},
		"wrong access": {claims: func(m map[string]any) { m["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, text: "at_hash"},
		"alg none": {sign: func(b []byte) string {
			return b64(`{"alg":"none"}`) + "." + b64(string(b)) + "."
		}, text: "refused"},
		"foreign key": {sign: func(b []byte) string { return rs256(p.otherKey, b) }, text: "refused"},
		// The public key as an HMAC secret: the classic confusion of algorithms.
		"HS256 by the public key": {sign: func(b []byte) string {
			head := b64(`{"alg":"HS256","kid":"k"}`) + "." + b64(string(b))
			m := hmac.New(sha256.New, x509.MarshalPKCS1PublicKey(&p.key.PublicKey))
			m.Write([]byte(head))
			return head + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
		}, text: "refused"},
		"not a JWT":   {sign: func([]byte) string { return "abc" }, text: "refused"},
		"no ID token": {answer: func(m map[string]any) { delete(m, "id_token") }, text: "no ID token"},
		"mac token":   {answer: func(m map[string]any) { m["token_type"] = "mac" }, text: "bearer"},
		"no token":    {answer: func(m map[string]any) { delete(m, "access_token") }, text: "not the JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			p.mu.Lock()
			p.claims, p.sign, p.answer = c.claims, c.sign, c.answer
			p.mu.Unlock()
			r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
			wantKind(t, r.LoginBrowser(t.Context()), auth.KindProtocol, c.text)
			wantStatus(t, r.Session, auth.LoggedOut)
			if _, err := r.vault.Load(t.Context(), "theia"); auth.KindOf(err) != auth.KindNotFound {
				t.Error("the vault has a login that was refused")
			}
		})
	}
}

func TestBadAnswers(t *testing.T) {
	p := newPeer(t)
	status := func(n int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(n); io.WriteString(w, body) }
	}
	short := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"issuer":"`)
	}
	large := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<16))
		for range (200 << 20) / len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	html := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html"); io.WriteString(w, "<html>") }
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/keys"} {
		for name, c := range map[string]struct {
			answer func(http.ResponseWriter)
			kind   auth.Kind
			text   string
		}{
			"not JSON":  {html, auth.KindProtocol, ""},
			"cut short": {short, auth.KindUnavailable, "cut short"},
			"200 MB":    {large, auth.KindProtocol, "too large"},
			"503":       {status(503, "busy"), auth.KindUnavailable, "503"},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				p.mu.Lock()
				p.handle = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path == path {
						c.answer(w)
						return true
					}
					return false
				}
				p.mu.Unlock()
				r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
				err := r.LoginBrowser(t.Context())
				if path == "/keys" {
					// go-oidc tells what is wrong with the keys only in words.
					if k := auth.KindOf(err); err == nil || k != auth.KindProtocol && k != auth.KindUnavailable {
						t.Errorf("got %v", err)
					}
				} else {
					wantKind(t, err, c.kind, c.text)
				}
				p.mu.Lock()
				p.handle = nil
				p.mu.Unlock()
				r.login(t) // a failure isn't remembered
			})
		}
	}
}

func TestOtherIssuerAndClearText(t *testing.T) {
	p := newPeer(t)
	for name, c := range map[string]struct {
		change map[string]any
		text   string
	}{
		"other issuer":        {map[string]any{"issuer": "https://evil.example"}, "did not match"},
		"clear token address": {map[string]any{"token_endpoint": "http://example.org/token"}, "must be https"},
		"no token address":    {map[string]any{"token_endpoint": ""}, "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			p.mu.Lock()
			p.handle = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/.well-known/openid-configuration" {
					return false
				}
				d := map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys"}
				for k, v := range c.change {
					d[k] = v
				}
				p.json(w, d)
				return true
			}
			p.mu.Unlock()
			r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
			wantKind(t, r.LoginBrowser(t.Context()), auth.KindProtocol, c.text)
		})
	}
	for status, kind := range map[int]auth.Kind{
		401: auth.KindProtocol, 403: auth.KindProtocol, 404: auth.KindProtocol, 429: auth.KindThrottled, 500: auth.KindUnavailable, 503: auth.KindUnavailable,
	} {
		p.mu.Lock()
		p.handle = func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(status); return true }
		p.mu.Unlock()
		r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
		wantKind(t, r.LoginBrowser(t.Context()), kind, fmt.Sprint(status))
	}
	r := newRig(t, "http://example.org/realms/x", func(c *oidc.Config) { c.OpenBrowser = follow })
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindProtocol, "must be https")
	r = newRig(t, "http://127.0.0.1:1/realms/x", func(c *oidc.Config) { c.OpenBrowser = follow })
	wantKind(t, r.LoginBrowser(t.Context()), auth.KindUnavailable, "cannot be reached")
}

func TestHangEndsWithTheContext(t *testing.T) {
	p := newPeer(t)
	asked, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	p.handle = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/token" {
			return false
		}
		close(asked)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	}
	r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	wantKind(t, r.LoginBrowser(ctx), auth.KindCancelled, "cancel")
}

func TestTokenRequestIsNotRedirected(t *testing.T) {
	p := newPeer(t)
	p.handle = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/token":
			http.Redirect(w, r, "/steal", http.StatusTemporaryRedirect)
			return true
		case "/steal":
			t.Error("the code was sent to another address")
		}
		return false
	}
	r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
	if err := r.LoginBrowser(t.Context()); err == nil {
		t.Error("logged in by a redirect")
	}
}

func TestRefreshOfSomebodyElse(t *testing.T) {
	p := newPeer(t)
	r := newRig(t, p.URL, func(c *oidc.Config) { c.OpenBrowser = follow })
	r.login(t)
	expire(t, r.Session)
	p.mu.Lock()
	p.claims = func(m map[string]any) { m["sub"] = "s2" }
	p.mu.Unlock()
	_, err := r.Token(t.Context())
	wantKind(t, err, auth.KindProtocol, "somebody else")
}

// signingAPI serves an openapi.json.
func signingAPI(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestDiscoverIssuer(t *testing.T) {
	doc := func(token string) string {
		return fmt.Sprintf(`{"components":{"securitySchemes":{"OAuth2PasswordBearer":{"type":"oauth2","flows":{"password":{"scopes":{},"tokenUrl":%q}}}}}}`, token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	for name, c := range map[string]struct {
		status     int
		body, want string
		kind       auth.Kind
		text       string
	}{
		"living service": {200, doc("https://auth.example/realms/dinamis/protocol/openid-connect/token"), "https://auth.example/realms/dinamis", 0, ""},
		"legacy path":    {200, doc("https://auth.example/auth/realms/x/protocol/openid-connect/token?a=b"), "https://auth.example/auth/realms/x", 0, ""},
		"no layout":      {200, doc("https://auth.example/oauth/token"), "", auth.KindProtocol, "protocol/openid-connect"},
		"clear text":     {200, doc("http://auth.example/realms/x/protocol/openid-connect/token"), "", auth.KindProtocol, "https"},
		"none":           {200, `{}`, "", auth.KindProtocol, "tokenUrl"},
		"not JSON":       {200, `<html>`, "", auth.KindProtocol, "JSON"},
		"404":            {404, ``, "", auth.KindProtocol, "404"},
		"502":            {502, ``, "", auth.KindUnavailable, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			u := signingAPI(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/signing/openapi.json" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			got, err := oidc.DiscoverIssuer(t.Context(), client, u+"/signing/")
			if c.want != "" && (err != nil || got != c.want) {
				t.Errorf("got %q %v", got, err)
			}
			if c.want == "" {
				wantKind(t, err, c.kind, c.text)
			}
		})
	}
	if _, err := oidc.DiscoverIssuer(t.Context(), client, "http://example.org/"); err == nil {
		t.Error("a signing API in clear text was asked")
	}
	u := signingAPI(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, doc("/realms/dinamis/protocol/openid-connect/token"))
	})
	if got, err := oidc.DiscoverIssuer(t.Context(), client, u+"/signing"); err != nil || got != u+"/realms/dinamis" {
		t.Errorf("a relative tokenUrl: %q %v", got, err)
	}
}

func FuzzIssuer(f *testing.F) {
	f.Add([]byte(`{"components":{"securitySchemes":{"OAuth2PasswordBearer":{"flows":{"password":{"tokenUrl":"https://h/realms/x/protocol/openid-connect/token"}}}}}}`))
	f.Add([]byte(`{"components":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		issuer, err := oidc.IssuerOf(b)
		if err == nil && !strings.HasPrefix(issuer, "https://") && !strings.HasPrefix(issuer, "http://") {
			t.Errorf("issuer %q", issuer)
		}
	})
}
