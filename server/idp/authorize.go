package idp

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// authorizer is the library's authorization endpoint with our rules.
type authorizer struct{ *op.Provider }

// ValidateAuthRequest checks the client and its redirect first: until they hold, no error may be sent to the redirect.
func (a authorizer) ValidateAuthRequest(ctx context.Context, r *oidc.AuthRequest, st op.Storage, hint *op.IDTokenHintVerifier) (string, error) {
	c, err := st.GetClientByClientID(ctx, r.ClientID)
	if err != nil {
		return "", oidc.ErrInvalidRequestRedirectURI().WithDescription("the client_id is unknown").WithParent(err)
	}
	if !loopbackRedirect(r.RedirectURI) {
		return "", oidc.ErrInvalidRequestRedirectURI().WithDescription(
			"the redirect_uri must be http on 127.0.0.1 or [::1], any port (RFC 8252 section 7.3)")
	}
	if r.MaxAge, err = op.ValidateAuthReqPrompt(r.Prompt, r.MaxAge); err != nil {
		return "", err
	}
	if r.Scopes, err = op.ValidateAuthReqScopes(c, r.Scopes); err != nil {
		return "", err
	}
	if !slices.Contains(r.Scopes, oidc.ScopeOpenID) {
		return "", oidc.ErrInvalidScope().WithDescription("the scope must contain openid")
	}
	if err := op.ValidateAuthReqResponseType(c, r.ResponseType); err != nil {
		return "", err
	}
	if r.CodeChallenge == "" {
		return "", oidc.ErrInvalidRequest().WithDescription("PKCE is required: code_challenge is missing (RFC 7636)")
	}
	if r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return "", oidc.ErrInvalidRequest().WithDescription("PKCE needs code_challenge_method=S256")
	}
	if len(r.CodeChallenge) != 43 {
		return "", oidc.ErrInvalidRequest().WithDescription("the code_challenge is no SHA-256 in base64url")
	}
	return op.ValidateAuthReqIDTokenHint(ctx, r.IDTokenHint, hint)
}

// Logger is asked for by the library's interface, which doesn't use it any more.
func (a authorizer) Logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	op.Authorize(w, r, authorizer{p.op})
}

// sessionFor returns the browser's session if it is good enough for i without a password.
func (p *Provider) sessionFor(r *http.Request, i *interaction) (session, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	s, err := p.sessionByCookie(r.Context(), c.Value)
	if err != nil {
		return session{}, false
	}
	if _, ok := p.users.subject(s.subject); !ok {
		return session{}, false
	}
	if a := i.auth; a != nil {
		if a.MaxAge != nil && p.now().Sub(s.authTime) >= time.Duration(*a.MaxAge)*time.Second {
			return session{}, false
		}
		if slices.Contains(a.Prompt, oidc.PromptSelectAccount) {
			return session{}, false
		}
	}
	return s, true
}

// complete sends an authenticated person on: back to the client with a code, or to the question about the device.
func (p *Provider) complete(w http.ResponseWriter, r *http.Request, i *interaction) {
	if i.device != nil {
		http.Redirect(w, r, p.prefix+"/device/confirm?request="+i.id, http.StatusSeeOther)
		return
	}
	if i.auth.ResponseMode == oidc.ResponseModeFormPost {
		op.AuthResponseCode(w, r, i.auth, authorizer{p.op})
		p.pending.finish(i)
		return
	}
	to, err := op.BuildAuthResponseCallbackURL(r.Context(), i.auth, authorizer{p.op})
	if !p.pending.finish(i) || err != nil {
		p.failed(w, r, http.StatusBadRequest, msgRequestGone)
		return
	}
	// 303, so that no browser sends the password on (RFC 9700 § 4.12).
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// refuse sends an error back to the client.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, i *interaction, err error) {
	p.pending.finish(i)
	op.AuthRequestError(w, r, i.auth, err, authorizer{p.op})
}
