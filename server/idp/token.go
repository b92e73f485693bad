package idp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// tokenRequest is what an access token is made for. It is none of the library's request types, so that the library makes
// no refresh token for it.
type tokenRequest struct {
	grant grant
	user  *User
}

func (t *tokenRequest) GetSubject() string    { return t.grant.subject }
func (t *tokenRequest) GetScopes() []string   { return t.grant.scopes }
func (t *tokenRequest) GetAudience() []string { return []string{ResourceAudience, t.grant.client} }

// idRequest is what an ID token is made for. Its audience is the client alone: an ID token opens no resource.
type idRequest struct{ *tokenRequest }

func (t idRequest) GetAMR() []string       { return []string{"pwd"} }
func (t idRequest) GetAudience() []string  { return []string{t.grant.client} }
func (t idRequest) GetAuthTime() time.Time { return t.grant.authTime }
func (t idRequest) GetClientID() string    { return t.grant.client }
func (t idRequest) sessionID() string      { return t.grant.session }

// idCodeRequest is the same with the nonce of an authorization request.
type idCodeRequest struct {
	*authRequest
	sid string
}

func (t idCodeRequest) sessionID() string { return t.sid }

// tokenAnswer is RFC 6749 § 5.1 with Keycloak's refresh_expires_in, which the published SDKs read.
type tokenAnswer struct {
	*oidc.AccessTokenResponse
	RefreshExpiresIn int64 `json:"refresh_expires_in"`
}

// token is the token endpoint.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST, OPTIONS")
		writeJSON(w, http.StatusMethodNotAllowed, oidc.ErrInvalidRequest().WithDescription("the token endpoint takes POST"))
		return
	}
	var answer *tokenAnswer
	err := r.ParseForm()
	if err == nil {
		switch grant := r.PostForm.Get("grant_type"); oidc.GrantType(grant) {
		case oidc.GrantTypeCode:
			answer, err = p.tokenByCode(r)
		case oidc.GrantTypeRefreshToken:
			answer, err = p.tokenByRefresh(r)
		case oidc.GrantTypeDeviceCode:
			answer, err = p.tokenByDevice(r)
		case "":
			err = oidc.ErrInvalidRequest().WithDescription("grant_type missing")
		default:
			err = oidc.ErrUnsupportedGrantType().WithDescription("this grant_type is not supported")
		}
	} else {
		err = oidc.ErrInvalidRequest().WithDescription("the form cannot be read")
	}
	if err != nil {
		p.tokenError(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// tokenError answers RFC 6749 § 5.2. What isn't an OAuth error is ours, and only the log learns it.
func (p *Provider) tokenError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusBadRequest
	var oe *oidc.Error
	if !errors.As(err, &oe) {
		p.log.Error("the token endpoint failed", "err", err)
		oe = oidc.ErrServerError().WithDescription("the provider failed; see its log")
		status = http.StatusInternalServerError
	}
	if oe.ErrorType == oidc.InvalidClient {
		status = http.StatusUnauthorized
	}
	p.log.Debug("a token request was refused", "client", r.PostForm.Get("client_id"), "grant", r.PostForm.Get("grant_type"), "why", oe.Description)
	writeJSON(w, status, map[string]string{"error": string(oe.ErrorType), "error_description": oe.Description})
}

func (p *Provider) tokenByCode(r *http.Request) (*tokenAnswer, error) {
	ctx := r.Context()
	req, err := op.ParseAccessTokenRequest(r, p.op.Decoder())
	if err != nil {
		return nil, err
	}
	if req.Code == "" {
		return nil, oidc.ErrInvalidRequest().WithDescription("code missing")
	}
	ar, c, err := op.ValidateAccessTokenRequest(ctx, req, p.op)
	if err != nil {
		return nil, err
	}
	a, ok := ar.(*authRequest)
	if !ok {
		return nil, errUnsupported
	}
	g := grant{session: a.session, client: c.GetID(), subject: a.subject, scopes: a.Scopes, authTime: a.authTime}
	refresh, err := p.newGrant(ctx, &g, slices.Contains(g.scopes, oidc.ScopeOfflineAccess))
	if err != nil {
		return nil, err
	}
	if !p.pending.granted(a, g.id) {
		return nil, errors.Join(oidc.ErrInvalidGrant().WithDescription("the code was used twice"), p.revokeGrant(ctx, g.id))
	}
	return p.answer(ctx, c, g, idCodeRequest{a, a.session}, req.Code, refresh)
}

func (p *Provider) tokenByRefresh(r *http.Request) (*tokenAnswer, error) {
	ctx := r.Context()
	req, err := op.ParseRefreshTokenRequest(r, p.op.Decoder())
	if err != nil {
		return nil, err
	}
	c, err := p.op.Storage().GetClientByClientID(ctx, req.ClientID)
	if err != nil {
		return nil, err
	}
	// The scope is checked first: a refused request must not cost the token.
	if g, err := p.grantByRefresh(ctx, req.RefreshToken); err == nil {
		for _, s := range req.Scopes {
			if !slices.Contains(g.scopes, s) {
				return nil, oidc.ErrInvalidScope().WithDescription("the scope goes beyond what was granted")
			}
		}
	}
	g, next, err := p.rotate(ctx, req.RefreshToken, c.GetID())
	switch {
	case errors.Is(err, errReuse):
		p.log.Warn("a refresh token was used twice; its chain is revoked", "client", g.client)
		return nil, oidc.ErrInvalidGrant().WithDescription("%s", err)
	case errors.Is(err, errNoRefresh):
		return nil, oidc.ErrInvalidGrant().WithDescription("%s", err)
	case err != nil:
		return nil, err
	}
	return p.answer(ctx, c, g, nil, "", next)
}

func (p *Provider) tokenByDevice(r *http.Request) (*tokenAnswer, error) {
	ctx := r.Context()
	id, _, err := op.ClientIDFromRequest(r, p.op)
	if err != nil {
		return nil, err
	}
	c, err := p.op.Storage().GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	d, oe := p.pending.poll(r.PostForm.Get("device_code"), id)
	if oe != nil {
		return nil, oe
	}
	g := grant{session: d.session, client: id, subject: d.subject, scopes: d.scopes, authTime: d.authTime}
	refresh, err := p.newGrant(ctx, &g, slices.Contains(g.scopes, oidc.ScopeOfflineAccess))
	if err != nil {
		return nil, err
	}
	return p.answer(ctx, c, g, nil, "", refresh)
}

// answer signs the tokens of a grant. idFor is nil where there is no nonce.
func (p *Provider) answer(ctx context.Context, c op.Client, g grant, idFor op.IDTokenRequest, code, refresh string) (*tokenAnswer, error) {
	u, ok := p.users.subject(g.subject)
	if !ok {
		return nil, oidc.ErrInvalidGrant().WithDescription("the user is disabled or gone")
	}
	t := &tokenRequest{grant: g, user: u}
	access, _, validity, err := op.CreateAccessToken(ctx, t, c.AccessTokenType(), p.op, c, "")
	if err != nil {
		return nil, err
	}
	a := &tokenAnswer{AccessTokenResponse: &oidc.AccessTokenResponse{
		AccessToken: access, TokenType: oidc.BearerToken, RefreshToken: refresh,
		ExpiresIn: uint64(max(validity.Round(time.Second), 0) / time.Second), Scope: g.scopes,
	}}
	if refresh != "" {
		a.RefreshExpiresIn = int64(p.cfg.RefreshLifetime / time.Second)
	}
	if slices.Contains(g.scopes, oidc.ScopeOpenID) {
		if idFor == nil {
			idFor = idRequest{t}
		}
		a.IDToken, err = op.CreateIDToken(ctx, p.cfg.Issuer, idFor, c.IDTokenLifetime(), access, code, p.op.Storage(), c)
	}
	return a, err
}
