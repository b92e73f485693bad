package idp

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage is what the protocol library asks of us. It is thin: the state is the provider's.
type storage struct{ p *Provider }

var (
	_ op.Storage                        = (*storage)(nil)
	_ op.DeviceAuthorizationStorage     = (*storage)(nil)
	_ op.CanGetPrivateClaimsFromRequest = (*storage)(nil)
	_ op.CanSetUserinfoFromRequest      = (*storage)(nil)

	errUnsupported = errors.New("not supported by this provider")
)

func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	a := &authRequest{AuthRequest: *r}
	a.Scopes = scopesOf(r.Scopes)
	if _, err := s.p.pending.addInteraction(a, nil); err != nil {
		return nil, err
	}
	return a, nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	if i, ok := s.p.pending.interaction(id); ok && i.auth != nil {
		return i.auth, nil
	}
	return nil, errUnknownCode
}

// AuthRequestByCode takes the code: it works once, also when what comes after it fails. A replay ends what the first
// use began (RFC 6749 § 4.1.2).
func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	a, err := s.p.pending.consume(code)
	if errors.Is(err, errReplayedCode) {
		s.p.log.Warn("an authorization code was replayed; its tokens are revoked", "client", a.ClientID)
		if id := s.p.pending.grantOfCode(a); id != "" {
			err = errors.Join(err, s.p.revokeGrant(ctx, id))
		}
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	i, ok := s.p.pending.interaction(id)
	if !ok || i.auth == nil {
		return errUnknownCode
	}
	return s.p.pending.saveCode(i.auth, code)
}

func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

// CreateAccessToken names an access token after its grant, so that a revoked grant can be seen from the token.
func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	t, ok := r.(*tokenRequest)
	if !ok {
		return "", time.Time{}, errUnsupported
	}
	return t.grant.id + "." + rand.Text(), time.Now().Add(s.p.cfg.AccessLifetime).UTC(), nil
}

func (s *storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errUnsupported // Refresh tokens are made in token.go.
}

func (s *storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnsupported
}

func (s *storage) TerminateSession(ctx context.Context, userID, clientID string) error {
	return s.p.revokeGrants(ctx, userID, clientID)
}

func (s *storage) GetRefreshTokenInfo(ctx context.Context, _, token string) (userID, tokenID string, err error) {
	g, err := s.p.grantByRefresh(ctx, token)
	if errors.Is(err, errNoRefresh) {
		return "", "", op.ErrInvalidRefreshToken
	}
	return g.subject, g.id, err
}

// RevokeToken revokes the whole grant, given an access token's id or what GetRefreshTokenInfo answered.
func (s *storage) RevokeToken(ctx context.Context, tokenID, _, clientID string) *oidc.Error {
	g, err := s.p.livingGrant(ctx, grantOf(tokenID))
	if errors.Is(err, errNoRefresh) {
		return nil // RFC 7009 § 2.2: an invalid token is as good as revoked.
	}
	if err != nil {
		return oidc.ErrServerError().WithParent(err)
	}
	if g.client != clientID {
		return oidc.ErrInvalidClient().WithDescription("the token was not issued for this client")
	}
	if err := s.p.revokeGrant(ctx, g.id); err != nil {
		return oidc.ErrServerError().WithParent(err)
	}
	s.p.log.Info("a grant was revoked by its client", "client", g.client)
	return nil
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.p.keys.signing() }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return s.p.keys.public(), nil }

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, ok := s.p.clients[id]
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription("the client_id is unknown")
	}
	out := *c
	out.prefix = s.p.prefix
	out.idToken = max(s.p.cfg.AccessLifetime, 5*time.Minute)
	return &out, nil
}

func (s *storage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return errors.New("the clients of this provider have no secret")
}

func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromToken answers the userinfo endpoint, as long as the login stands.
func (s *storage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	g, err := s.p.livingGrant(ctx, grantOf(tokenID))
	if err != nil {
		return err
	}
	u, ok := s.p.users.subject(subject)
	if !ok || g.subject != subject {
		return errNoRefresh
	}
	setUserinfo(info, u)
	return nil
}

// SetUserinfoFromRequest completes an ID token.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	u, ok := s.p.users.subject(r.GetSubject())
	if !ok {
		return errNoRefresh
	}
	setUserinfo(info, u)
	if sid, ok := r.(interface{ sessionID() string }); ok {
		info.AppendClaims("sid", sid.sessionID())
	}
	return nil
}

func setUserinfo(info *oidc.UserInfo, u *User) {
	info.Subject = u.Subject
	info.Name, info.PreferredUsername, info.Email = u.Name, u.Username, u.Email
	info.EmailVerified = oidc.Bool(u.Email != "")
	info.AppendClaims("groups", groupsOf(u))
}

// GetPrivateClaimsFromRequest completes an access token. "typ" tells it from an ID token, as Keycloak's does.
func (s *storage) GetPrivateClaimsFromRequest(_ context.Context, r op.TokenRequest, _ []string) (map[string]any, error) {
	t, ok := r.(*tokenRequest)
	if !ok {
		return nil, errUnsupported
	}
	return map[string]any{
		"typ": "Bearer", "azp": t.grant.client, "sid": t.grant.session, "scope": strings.Join(t.grant.scopes, " "),
		"preferred_username": t.user.Username, "name": t.user.Name, "email": t.user.Email, "groups": groupsOf(t.user),
	}, nil
}

// groupsOf is never nil: policies want a list.
func groupsOf(u *User) []string { return append([]string{}, u.Groups...) }

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnsupported
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errUnsupported
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnsupported
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnsupported
}

func (s *storage) Health(ctx context.Context) error { return s.p.db.RO.PingContext(ctx) }

func (s *storage) StoreDeviceAuthorization(_ context.Context, clientID, deviceCode, userCode string, _ time.Time, scopes []string) error {
	return s.p.pending.addDevice(&deviceRequest{
		code: deviceCode, userCode: userCode, client: clientID, scopes: scopesOf(scopes), interval: s.p.cfg.DeviceInterval,
	})
}

func (s *storage) GetDeviceAuthorizatonState(context.Context, string, string) (*op.DeviceAuthorizationState, error) {
	return nil, errUnsupported // The token endpoint asks pending.poll, which has the errors of RFC 8628.
}
