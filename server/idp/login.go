package idp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/time/rate"
)

// The cookies: who is logged in, and which browser this is (for the forms' tokens).
const (
	sessionCookie = "dinamis_session"
	browserCookie = "dinamis_browser"
)

// login shows the login form of an interaction (GET) and takes it (POST).
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	i, ok := p.pending.interaction(r.FormValue("request"))
	if !ok {
		p.failed(w, r, http.StatusBadRequest, msgRequestGone)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p.loginForm(w, r, i)
	case http.MethodPost:
		p.loginSubmit(w, r, i)
	default:
		p.notAllowed(w, r)
	}
}

func (p *Provider) loginForm(w http.ResponseWriter, r *http.Request, i *interaction) {
	if s, ok := p.sessionFor(r, i); ok {
		id := s.id
		p.pending.authenticated(i, id, s.subject, s.authTime)
		p.complete(w, r, i)
		return
	}
	if i.auth != nil && slices.Contains(i.auth.Prompt, oidc.PromptNone) {
		p.refuse(w, r, i, oidc.ErrLoginRequired().WithDescription("nobody is logged in"))
		return
	}
	hint := ""
	if i.auth != nil {
		hint = i.auth.LoginHint
	}
	p.showLogin(w, r, i, http.StatusOK, hint, "")
}

func (p *Provider) loginSubmit(w http.ResponseWriter, r *http.Request, i *interaction) {
	if !p.formToken(r, i.id) {
		p.failed(w, r, http.StatusForbidden, msgForeignForm)
		return
	}
	if r.PostForm.Get("cancel") != "" {
		p.cancelLogin(w, r, i)
		return
	}
	name, password := r.PostForm.Get("username"), r.PostForm.Get("password")
	key := name + "\x00" + host(r.RemoteAddr)
	if wait := p.throttle.wait(key); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		p.showLogin(w, r, i, http.StatusTooManyRequests, name, msgThrottled)
		return
	}
	u, ok := p.users.authenticate(name, password)
	if !ok {
		p.throttle.failed(key)
		p.log.Info("a login was refused", "client", i.clientID())
		p.showLogin(w, r, i, http.StatusUnauthorized, name, msgWrongPassword)
		return
	}
	if err := p.startSession(w, r, i, u); err != nil {
		p.log.Error("a session cannot be stored", "err", err)
		p.failed(w, r, http.StatusInternalServerError, msgFailed)
		return
	}
	p.log.Info("login", "user", u.Username, "client", i.clientID())
	p.complete(w, r, i)
}

// startSession gives the browser a new session with a new cookie: a cookie planted before the login gains nothing.
func (p *Provider) startSession(w http.ResponseWriter, r *http.Request, i *interaction, u *User) error {
	value := rand.Text() + rand.Text()
	s, err := p.newSession(r.Context(), u.Subject, value)
	if err != nil {
		return err
	}
	p.setCookie(w, sessionCookie, value, int(p.cfg.RefreshLifetime/time.Second))
	p.pending.authenticated(i, s.id, u.Subject, s.authTime)
	return nil
}

func (p *Provider) cancelLogin(w http.ResponseWriter, r *http.Request, i *interaction) {
	if i.auth != nil {
		p.refuse(w, r, i, oidc.ErrAccessDenied().WithDescription("the user cancelled the login"))
		return
	}
	p.pending.decide(i.device, false, "", "", time.Time{})
	p.pending.finish(i)
	p.pages.show(w, r, "message", http.StatusOK, pageData{Title: msgDenied, Text: msgDeviceDenied})
}

func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request, i *interaction, status int, name string, problem msg) {
	d := pageData{
		Title: msgLogin, Client: p.clientName(i.clientID()), Request: i.id, Token: p.newFormToken(w, r, i.id),
		Username: name, Problem: problem, Action: p.prefix + "/login", Demo: p.cfg.Demo,
	}
	if i.auth != nil {
		d.Redirect = i.auth.RedirectURI
	}
	p.pages.show(w, r, "login", status, d)
}

func (i *interaction) clientID() string {
	if i.auth != nil {
		return i.auth.ClientID
	}
	return i.device.client
}

func (p *Provider) clientName(id string) string {
	if c, ok := p.clients[id]; ok {
		return c.name
	}
	return id
}

// newFormToken binds a form to this browser: the browser keeps a random cookie, the form carries its MAC.
func (p *Provider) newFormToken(w http.ResponseWriter, r *http.Request, form string) string {
	var value string
	if c, err := r.Cookie(browserCookie); err == nil && len(c.Value) >= 26 {
		value = c.Value
	} else {
		value = rand.Text()
		p.setCookie(w, browserCookie, value, 0)
	}
	return p.formMAC(value, form)
}

func (p *Provider) formMAC(cookie, form string) string {
	m := hmac.New(sha256.New, p.csrfKey[:])
	m.Write([]byte(cookie + "\x00" + form))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// formToken says whether a posted form was shown to this browser by us.
func (p *Provider) formToken(r *http.Request, form string) bool {
	c, err := r.Cookie(browserCookie)
	if err != nil || r.ParseForm() != nil {
		return false
	}
	return hmac.Equal([]byte(r.PostForm.Get("token")), []byte(p.formMAC(c.Value, form)))
}

func (p *Provider) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: p.prefix + "/", MaxAge: maxAge,
		HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	})
}

// host returns the host of host:port.
func host(addr string) string {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return h
}

// throttle slows down guessing: ten wrong guesses at once per name and address, then one in six seconds. Right ones
// are free.
type throttle struct {
	now func() time.Time

	mu  sync.Mutex
	lim map[string]*rate.Limiter
}

const (
	guessBurst    = 10
	guessInterval = 6 * time.Second
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, lim: map[string]*rate.Limiter{}}
}

// wait returns how long until the next guess is taken; 0 means now.
func (t *throttle) wait(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.lim[key]
	if !ok {
		return 0
	}
	have := l.TokensAt(t.now())
	if have >= 1 {
		return 0
	}
	return time.Duration((1 - have) * float64(guessInterval))
}

// failed counts a wrong guess.
func (t *throttle) failed(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lim) > maxPending {
		for k, l := range t.lim {
			if l.TokensAt(t.now()) >= guessBurst {
				delete(t.lim, k)
			}
		}
	}
	l, ok := t.lim[key]
	if !ok {
		l = rate.NewLimiter(rate.Every(guessInterval), guessBurst)
		t.lim[key] = l
	}
	l.AllowN(t.now(), 1)
}
