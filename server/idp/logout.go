package idp

import (
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// endSession is RP-initiated logout. With an id_token_hint it ends that token's session at once, for a browser as for a
// program; without one it asks first.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	req, err := op.ParseEndSessionRequest(r, p.op.Decoder())
	if err != nil {
		p.failed(w, r, http.StatusBadRequest, msgBadLogout)
		return
	}
	end, err := op.ValidateEndSessionRequest(r.Context(), req, p.op)
	if err != nil {
		p.failed(w, r, http.StatusBadRequest, msgBadLogout)
		return
	}
	if end.IDTokenHintClaims == nil {
		p.pages.show(w, r, "logout", http.StatusOK, pageData{
			Title: msgLogout, Token: p.newFormToken(w, r, "logout"), Action: p.prefix + "/logout/confirm",
		})
		return
	}
	if sid := end.IDTokenHintClaims.SessionID; sid != "" {
		err = p.endSessionByID(r.Context(), sid)
	} else {
		err = p.revokeGrants(r.Context(), end.UserID, end.ClientID)
	}
	if err != nil {
		p.log.Error("a session cannot be ended", "err", err)
		p.failed(w, r, http.StatusInternalServerError, msgFailed)
		return
	}
	p.log.Info("logout", "client", end.ClientID)
	if end.RedirectURI != "" {
		http.Redirect(w, r, end.RedirectURI, http.StatusSeeOther)
		return
	}
	p.pages.show(w, r, "message", http.StatusOK, pageData{Title: msgLogout, Text: msgLoggedOut})
}

// logoutConfirm ends the browser's own session.
func (p *Provider) logoutConfirm(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		p.notAllowed(w, r)
		return
	}
	if !p.formToken(r, "logout") {
		p.failed(w, r, http.StatusForbidden, msgForeignForm)
		return
	}
	if c, err := r.Cookie(sessionCookie); err == nil {
		if s, err := p.sessionByCookie(r.Context(), c.Value); err == nil {
			if err := p.endSessionByID(r.Context(), s.id); err != nil {
				p.log.Error("a session cannot be ended", "err", err)
				p.failed(w, r, http.StatusInternalServerError, msgFailed)
				return
			}
		}
	}
	p.setCookie(w, sessionCookie, "", -1)
	p.pages.show(w, r, "message", http.StatusOK, pageData{Title: msgLogout, Text: msgLoggedOut})
}
