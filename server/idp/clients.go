package idp

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// client is a public native client: no secret, PKCE, any port of a loopback address.
type client struct {
	id, name string
	prefix   string // set by storage, for the login page's address
	idToken  time.Duration
}

// builtinClients returns the clients that the field knows: "gdal" is that of the published SDKs, the other is ours.
func builtinClients() map[string]*client {
	return map[string]*client{
		"gdal":            {id: "gdal", name: "GDAL / Python"},
		"dinamis-desktop": {id: "dinamis-desktop", name: "DINAMIS Desktop"},
	}
}

// loopbackRedirect says whether uri is http on a literal loopback address, any port, any path (RFC 8252 § 7.3). The name
// "localhost" isn't, since a resolver can point it elsewhere (§ 8.3).
func loopbackRedirect(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.User != nil || strings.Contains(uri, "#") || u.Opaque != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && (ip == netip.IPv6Loopback() || ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}))
}

func (c *client) GetID() string          { return c.id }
func (c *client) RedirectURIs() []string { return nil }
func (c *client) PostLogoutRedirectURIs() []string {
	return []string{"http://127.0.0.1/", "http://[::1]/"}
}
func (c *client) ApplicationType() op.ApplicationType { return op.ApplicationTypeNative }
func (c *client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodNone }
func (c *client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeDeviceCode}
}

func (c *client) LoginURL(id string) string {
	return c.prefix + "/login?request=" + url.QueryEscape(id)
}
func (c *client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c *client) IDTokenLifetime() time.Duration      { return c.idToken }
func (c *client) DevMode() bool                       { return false }
func (c *client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

func (c *client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
func (c *client) IsScopeAllowed(string) bool           { return false }
func (c *client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c *client) ClockSkew() time.Duration             { return 0 }
