package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

const (
	opLogin      = "log in"
	callbackPath = "/callback"
	donePath     = "/done"
	// pageGrace is how long the last page may take to reach the browser after the login is over.
	pageGrace = 2 * time.Second
)

// errLoginTimeout is the cause of a login that nobody finished.
var errLoginTimeout = errors.New("the login was not finished in time")

// LoginBrowser implements auth.Session: code + PKCE with a loopback redirect (RFC 8252, RFC 7636).
//
// An answer with a foreign state is refused with 400 and doesn't end the login, since any page in the browser could send
// one. If nothing better comes until the time-out or the cancellation, the error says that the state didn't match.
func (s *Session) LoginBrowser(ctx context.Context) error {
	end, err := s.begin(ctx, opLogin)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.LoginTimeout, errLoginTimeout)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	return s.loginBrowser(ctx, end)
}

// loginBrowser calls end as soon as the login is decided, and returns when the browser has its last page.
func (s *Session) loginBrowser(ctx context.Context, end func(error)) (err error) {
	ended := false
	defer func() {
		if !ended {
			end(err)
		}
	}()
	if err := s.writable(ctx, opLogin); err != nil {
		return err
	}
	p, err := s.discover(ctx, opLogin)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return &auth.Error{Op: opLogin, Kind: auth.KindInternal, Key: s.cfg.Name, Err: fmt.Errorf("no local port for the browser's answer: %w", err)}
	}
	cb := newCallback(l.Addr().String(), s.issuer())
	srv := &http.Server{Handler: cb, ReadTimeout: 10 * time.Second, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	var serving sync.WaitGroup
	serving.Go(func() { srv.Serve(l) }) //nolint:errcheck // it ends with Shutdown
	defer serving.Wait()
	defer closeServer(srv)

	conf := p.oauth
	conf.RedirectURL = "http://" + l.Addr().String() + callbackPath
	verifier, nonce := oauth2.GenerateVerifier(), rand.Text()
	address := conf.AuthCodeURL(cb.state, gooidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))

	s.setLoginURL(address)
	defer s.setLoginURL("")

	failed := make(chan error, 1)
	go func() {
		if err := s.cfg.OpenBrowser(address); err != nil {
			failed <- err
		}
	}()
	code, err := s.awaitCode(ctx, cb, failed)
	if err == nil {
		err = s.exchange(ctx, p, conf, code, verifier, nonce)
	}
	ended = true
	end(err)
	cb.finish(err)
	return err
}

// awaitCode waits for the browser's answer, or for what comes instead of it.
func (s *Session) awaitCode(ctx context.Context, cb *callback, failed <-chan error) (string, error) {
	fail := func(kind auth.Kind, err error) (string, error) {
		return "", &auth.Error{Op: opLogin, Kind: kind, Key: s.cfg.Name, Err: err}
	}
	select {
	case a := <-cb.answer:
		return s.answerCode(a)
	case err := <-failed:
		select {
		case a := <-cb.answer: // a browser that answered may end as it likes
			return s.answerCode(a)
		default:
		}
		return fail(auth.KindUnavailable, fmt.Errorf("the browser could not show the login page: %w", err))
	case <-ctx.Done():
		if cb.foreign() {
			return fail(auth.KindProtocol, errors.New("state mismatch: an answer came that doesn't belong to this login; start it again"))
		}
		if errors.Is(context.Cause(ctx), errLoginTimeout) {
			return fail(auth.KindCancelled, errLoginTimeout)
		}
		return fail(auth.KindCancelled, fmt.Errorf("the login was cancelled: %w", context.Cause(ctx)))
	}
}

func (s *Session) answerCode(a answer) (string, error) {
	if a.err == "" {
		return a.code, nil
	}
	kind := auth.KindProtocol
	switch a.err {
	case "access_denied":
		kind = auth.KindDenied
	case "temporarily_unavailable", "server_error":
		kind = auth.KindUnavailable
	}
	return "", &auth.Error{Op: opLogin, Kind: kind, Key: s.cfg.Name, Err: fmt.Errorf("the identity provider answers %s", printable(a.err, a.description))}
}

func (s *Session) exchange(ctx context.Context, p *provider, conf oauth2.Config, code, verifier, nonce string) error {
	t, err := conf.Exchange(context.WithValue(ctx, oauth2.HTTPClient, s.http), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return s.failed(ctx, opLogin, err)
	}
	g, err := s.checked(ctx, opLogin, p, t, nonce, true)
	if err != nil {
		return err
	}
	return s.accept(ctx, opLogin, g)
}

func closeServer(srv *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), pageGrace)
	defer cancel()
	if srv.Shutdown(ctx) != nil {
		srv.Close()
	}
}

// answer is what the provider sent by way of the browser.
type answer struct{ code, err, description string }

// callback is the loopback server of one login.
type callback struct {
	host, issuer, state string
	answer              chan answer // holds one
	decided             chan struct{}
	shown               chan struct{} // closed when the last page was asked for

	mu        sync.Mutex
	taken     bool
	strangers bool
	err       error
	showOnce  sync.Once
}

func newCallback(host, issuer string) *callback {
	return &callback{
		host: host, issuer: issuer, state: rand.Text(),
		answer: make(chan answer, 1), decided: make(chan struct{}), shown: make(chan struct{}),
	}
}

// foreign says whether an answer with another state came.
func (c *callback) foreign() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.strangers
}

// finish tells the browser how the login went, and waits a moment for it to show that.
func (c *callback) finish(err error) {
	c.mu.Lock()
	taken := c.taken
	c.err = err
	c.mu.Unlock()
	close(c.decided)
	if !taken {
		return
	}
	t := time.NewTimer(pageGrace)
	defer t.Stop()
	select {
	case <-c.shown:
	case <-t.C:
	}
}

// ServeHTTP answers only the address that we gave to the provider: a page of another name that resolves to us (DNS
// rebinding) is turned away.
func (c *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != c.host:
		showPage(w, r, http.StatusMisdirectedRequest, pageForeign, "")
	case r.URL.Path == donePath && r.Method == http.MethodGet:
		c.done(w, r)
	case r.URL.Path != callbackPath:
		showPage(w, r, http.StatusNotFound, pageForeign, "")
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		showPage(w, r, http.StatusMethodNotAllowed, pageForeign, "")
	default:
		c.take(w, r)
	}
}

// take accepts one answer with our state, waits until it is decided, and leads the browser to a clean address: the code
// doesn't stay in its history.
func (c *callback) take(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	mine := subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.state)) == 1
	// RFC 9207: an answer that names another provider was mixed up.
	mine = mine && (!q.Has("iss") || q.Get("iss") == c.issuer)
	a := answer{code: q.Get("code"), err: q.Get("error"), description: q.Get("error_description")}
	c.mu.Lock()
	first := mine && !c.taken && (a.code != "" || a.err != "")
	c.taken = c.taken || first
	c.strangers = c.strangers || !mine
	c.mu.Unlock()
	if !first {
		showPage(w, r, http.StatusBadRequest, pageForeign, "")
		return
	}
	c.answer <- a
	select {
	case <-c.decided:
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, donePath, http.StatusSeeOther)
	case <-r.Context().Done():
	}
}

func (c *callback) done(w http.ResponseWriter, r *http.Request) {
	select {
	case <-c.decided:
	default:
		showPage(w, r, http.StatusNotFound, pageForeign, "")
		return
	}
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err != nil {
		showPage(w, r, http.StatusOK, pageFailed, err.Error())
	} else {
		showPage(w, r, http.StatusOK, pageDone, "")
	}
	c.showOnce.Do(func() { close(c.shown) })
}
