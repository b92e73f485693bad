package idp

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// endpointDir is where Keycloak has its OpenID endpoints, below the issuer.
const endpointDir = "protocol/openid-connect/"

// maxForm bounds the body of any request: forms of a few fields.
const maxForm = 64 << 10

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	api := func(path string, h http.HandlerFunc) { mux.Handle(p.prefix+path, cors(h)) }
	page := func(path string, h http.HandlerFunc) {
		mux.Handle(p.prefix+path, http.NewCrossOriginProtection().Handler(h))
	}
	oidcPath := "/" + endpointDir
	api("/.well-known/openid-configuration", p.discovery)
	api(oidcPath+"certs", p.certs)
	api(oidcPath+"token", p.token)
	api(oidcPath+"userinfo", p.userinfo)
	api(oidcPath+"revoke", func(w http.ResponseWriter, r *http.Request) { noStore(w); op.Revoke(w, r, p.op) })
	api(oidcPath+"token/introspect", func(w http.ResponseWriter, r *http.Request) { noStore(w); op.Introspect(w, r, p.op) })
	api(oidcPath+"auth/device", p.deviceAuthorization)
	// A client of another origin may send its user here, so these two do without the protection of forms.
	mux.HandleFunc(p.prefix+oidcPath+"auth", p.authorize)
	mux.HandleFunc(p.prefix+oidcPath+"logout", p.endSession)
	page("/login", p.login)
	page("/device", p.device)
	page("/device/confirm", p.deviceConfirm)
	page("/logout/confirm", p.logoutConfirm)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

// cors lets pages of any origin use the OpenID endpoints: they take tokens, never cookies (STAC Browser needs it).
func cors(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		if r.Method != http.MethodOptions {
			next(w, r)
			return
		}
		h.Set("Allow", "GET, HEAD, POST, OPTIONS")
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Accept-Language")
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// discovery answers the OpenID configuration, which says only what this provider does.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	c := op.CreateDiscoveryConfig(r.Context(), p.op, p.op.Storage())
	c.ResponseTypesSupported = []string{"code"}
	c.ResponseModesSupported = []string{"query", "fragment", "form_post"}
	c.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}
	c.TokenEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodNone}
	c.RevocationEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodNone}
	writeJSON(w, http.StatusOK, c)
}

func (p *Provider) certs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=60")
	op.Keys(w, r, p.op.Storage())
}

// userinfo answers who an access token speaks for, as long as its login stands.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	token, err := op.ParseUserinfoRequest(r, p.op.Decoder())
	if err != nil || token == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="dinamis"`)
		writeJSON(w, http.StatusUnauthorized, oidc.ErrInvalidRequest().WithDescription("access token missing"))
		return
	}
	claims, err := op.VerifyAccessToken[*oidc.AccessTokenClaims](r.Context(), token, p.op.AccessTokenVerifier(r.Context()))
	if err == nil {
		info := new(oidc.UserInfo)
		if err = p.op.Storage().SetUserinfoFromToken(r.Context(), info, claims.JWTID, claims.Subject, ""); err == nil {
			writeJSON(w, http.StatusOK, info)
			return
		}
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="dinamis", error="invalid_token"`)
	writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "the access token is expired, revoked or not ours"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) //nolint:errcheck // the peer is gone
}

// grantOf returns the grant that an access token's id names: "<grant>.<random>".
func grantOf(tokenID string) string {
	id, _, _ := strings.Cut(tokenID, ".")
	return id
}
