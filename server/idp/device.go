package idp

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// deviceAuthorization starts a device grant (RFC 8628 § 3.1).
func (p *Provider) deviceAuthorization(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST, OPTIONS")
		writeJSON(w, http.StatusMethodNotAllowed, oidc.ErrInvalidRequest().WithDescription("the device endpoint takes POST"))
		return
	}
	if err := op.DeviceAuthorization(w, r, p.op); err != nil {
		if errors.As(err, new(*oidc.Error)) {
			p.tokenError(w, r, err)
			return
		}
		p.tokenError(w, r, errors.Join(errors.New("device authorization"), err))
	}
}

// device asks for the code that the device shows.
func (p *Provider) device(w http.ResponseWriter, r *http.Request) {
	code := normalCode(r.FormValue("user_code"))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p.showDevice(w, r, http.StatusOK, code, "")
	case http.MethodPost:
		p.deviceSubmit(w, r, code)
	default:
		p.notAllowed(w, r)
	}
}

func (p *Provider) deviceSubmit(w http.ResponseWriter, r *http.Request, code string) {
	if !p.formToken(r, "device") {
		p.failed(w, r, http.StatusForbidden, msgForeignForm)
		return
	}
	key := "device\x00" + host(r.RemoteAddr)
	if p.throttle.wait(key) > 0 {
		p.showDevice(w, r, http.StatusTooManyRequests, code, msgThrottled)
		return
	}
	d, ok := p.pending.deviceByUserCode(code)
	if !ok {
		p.throttle.failed(key)
		p.showDevice(w, r, http.StatusNotFound, code, msgWrongCode)
		return
	}
	i, err := p.pending.addInteraction(nil, d)
	if err != nil {
		p.failed(w, r, http.StatusServiceUnavailable, msgFailed)
		return
	}
	http.Redirect(w, r, p.prefix+"/login?request="+i.id, http.StatusSeeOther)
}

func (p *Provider) showDevice(w http.ResponseWriter, r *http.Request, status int, code string, problem msg) {
	p.pages.show(w, r, "device", status, pageData{
		Title: msgDevice, UserCode: code, Problem: problem, Token: p.newFormToken(w, r, "device"), Action: p.prefix + "/device",
	})
}

// normalCode forgives lower case, spaces and a missing dash.
func normalCode(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z':
			return r
		}
		return -1
	}, s)
	if len(s) == 8 {
		return s[:4] + "-" + s[4:]
	}
	return s
}

// deviceConfirm asks the person who just logged in whether the device may act in their name.
func (p *Provider) deviceConfirm(w http.ResponseWriter, r *http.Request) {
	i, ok := p.pending.interaction(r.FormValue("request"))
	if !ok || i.device == nil {
		p.failed(w, r, http.StatusBadRequest, msgRequestGone)
		return
	}
	_, subject, at := p.pending.person(i)
	u, ok := p.users.subject(subject)
	if !ok {
		p.failed(w, r, http.StatusBadRequest, msgRequestGone)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p.pages.show(w, r, "confirm", http.StatusOK, pageData{
			Title: msgDevice, Client: p.clientName(i.device.client), UserCode: i.device.userCode, Username: u.Username,
			Request: i.id, Token: p.newFormToken(w, r, i.id), Action: p.prefix + "/device/confirm",
		})
	case http.MethodPost:
		p.deviceDecide(w, r, i, u, at)
	default:
		p.notAllowed(w, r)
	}
}

// deviceDecide gives the device a session of its own: logging out of the browser doesn't end a job on a cluster.
func (p *Provider) deviceDecide(w http.ResponseWriter, r *http.Request, i *interaction, u *User, at time.Time) {
	if !p.formToken(r, i.id) {
		p.failed(w, r, http.StatusForbidden, msgForeignForm)
		return
	}
	allow := r.PostForm.Get("decision") == "allow"
	var s session
	if allow {
		var err error
		if s, err = p.newSession(r.Context(), u.Subject, ""); err != nil {
			p.log.Error("a session cannot be stored", "err", err)
			p.failed(w, r, http.StatusInternalServerError, msgFailed)
			return
		}
	}
	p.pending.finish(i)
	if !p.pending.decide(i.device, allow, s.id, u.Subject, at) {
		p.failed(w, r, http.StatusBadRequest, msgRequestGone)
		return
	}
	p.log.Info("device login", "user", u.Username, "client", i.device.client, "allowed", allow)
	if allow {
		p.pages.show(w, r, "message", http.StatusOK, pageData{Title: msgAllowed, Text: msgDeviceAllowed})
		return
	}
	p.pages.show(w, r, "message", http.StatusOK, pageData{Title: msgDenied, Text: msgDeviceDenied})
}
