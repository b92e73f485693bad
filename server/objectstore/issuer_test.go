package objectstore_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer is an identity provider that also makes the tokens that an attacker would.
type issuer struct {
	*httptest.Server
	key   *rsa.PrivateKey
	other *rsa.PrivateKey // not published
	now   func() time.Time
}

func newIssuer(t testing.TB, now func() time.Time) *issuer {
	t.Helper()
	keys := rsaKeys()
	i := &issuer{now: now, key: keys[0], other: keys[1]}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) claims(user string, groups ...string) map[string]any {
	return map[string]any{
		"iss": i.URL, "aud": []string{"dinamis"}, "sub": "id-of-" + user, "preferred_username": user, "groups": groups,
		"iat": i.now().Unix(), "exp": i.now().Add(5 * time.Minute).Unix(), "azp": "gdal", "typ": "Bearer",
	}
}

// with returns the claims of alice, changed.
func (i *issuer) with(change map[string]any) map[string]any {
	c := i.claims("alice", "users")
	maps.Copy(c, change)
	return c
}

// token signs claims as the provider does.
func (i *issuer) token(t testing.TB, claims map[string]any) string {
	return signJWT(t, jose.RS256, i.key, "k1", claims)
}

func (i *issuer) user(t testing.TB, name string, groups ...string) string {
	return i.token(t, i.claims(name, groups...))
}

func signJWT(t testing.TB, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	s, err := signer.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// unsigned makes an alg=none token.
func unsigned(t testing.TB, claims map[string]any) string {
	t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + enc(b) + "."
}

// publicKeyBytes is what a key-confusion attack uses as an HMAC secret.
func (i *issuer) publicKeyBytes(t testing.TB) []byte {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rsaKeys makes the keys once, since that takes a moment.
var rsaKeys = sync.OnceValue(func() (keys [2]*rsa.PrivateKey) {
	for i := range keys {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = k
	}
	return keys
})
