package idp

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"

	"golang.org/x/text/language"
)

//go:embed pages/*.html pages/style.css
var pageFiles embed.FS

// msg is a sentence of the pages, by its name in texts. It is an alias, so that templates can name one.
type msg = string

const (
	msgLogin         msg = "login"
	msgDevice        msg = "device"
	msgLogout        msg = "logout"
	msgProblem       msg = "problem"
	msgAllowed       msg = "allowed"
	msgDenied        msg = "denied"
	msgDeviceAllowed msg = "deviceAllowed"
	msgDeviceDenied  msg = "deviceDenied"
	msgLoggedOut     msg = "loggedOut"
	msgWrongPassword msg = "wrongPassword"
	msgWrongCode     msg = "wrongCode"
	msgThrottled     msg = "throttled"
	msgRequestGone   msg = "requestGone"
	msgForeignForm   msg = "foreignForm"
	msgBadLogout     msg = "badLogout"
	msgFailed        msg = "failed"
	msgNotAllowed    msg = "notAllowed"
)

// pageData is what a page shows.
type pageData struct {
	Title, Text, Problem           msg
	Client, Request, Token, Action string
	Username, UserCode             string
	Demo                           bool
	// Redirect is where a login may lead; the page's policy must let the form go there.
	Redirect string

	Lang  string
	T     map[msg]string
	Style template.CSS
}

// pages renders the few pages of the provider.
type pages struct {
	tmpl  *template.Template
	style string
	hash  string // of style, for the content security policy
	match language.Matcher
}

func newPages() (*pages, error) {
	t, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(css)
	return &pages{
		tmpl: t, style: string(css), hash: base64.StdEncoding.EncodeToString(h[:]),
		match: language.NewMatcher([]language.Tag{language.English, language.French}),
	}, nil
}

// show renders a page in the language of the reader.
func (p *pages) show(w http.ResponseWriter, r *http.Request, name string, status int, d pageData) {
	d.Lang, d.T, d.Style = "en", textsEN, template.CSS(p.style)
	want, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if _, i, _ := p.match.Match(want...); i == 1 {
		d.Lang, d.T = "fr", textsFR
	}
	var b bytes.Buffer
	if err := p.tmpl.ExecuteTemplate(&b, name, d); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	noStore(w)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", d.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	// Not no-referrer: browsers would send "Origin: null" with the form then.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+p.hash+"'; img-src data:; form-action "+formAction(d.Redirect)+
		"; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // the reader is gone
}

// formAction lets a form lead to us and, after the login, to the client: browsers apply it to redirects too. CSP has no
// syntax for an IPv6 address.
func formAction(redirect string) string {
	u, err := url.Parse(redirect)
	if redirect == "" || err != nil {
		return "'self'"
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.Is4() {
		return "'self' http://" + u.Host
	}
	return "'self' http:"
}

// failed shows what went wrong and what to do.
func (p *Provider) failed(w http.ResponseWriter, r *http.Request, status int, text msg) {
	p.pages.show(w, r, "message", status, pageData{Title: msgProblem, Text: text})
}

func (p *Provider) notAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD, POST")
	p.failed(w, r, http.StatusMethodNotAllowed, msgNotAllowed)
}
