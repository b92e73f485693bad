package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

const (
	// maxAnswer bounds every answer of a provider: documents of a few kilobytes. It is under x/oauth2's own bound, which
	// cuts without a word.
	maxAnswer = 512 << 10
	// clockLeeway is how far this computer's clock may be ahead when it judges an ID token.
	clockLeeway = time.Minute
)

// provider is what discovery told.
type provider struct {
	*gooidc.Provider
	oauth      oauth2.Config
	verifier   *gooidc.IDTokenVerifier
	endSession string
	revocation string
}

// granted is a checked token answer.
type granted struct {
	access, refresh, idToken auth.Secret
	expiry                   time.Time
	identity                 auth.Identity // zero where there was no ID token
}

// discover returns the provider, asking it once. A failure isn't kept: the next use tries again.
func (s *Session) discover(ctx context.Context, op string) (*provider, error) {
	s.mu.Lock()
	p := s.provider
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	issuer, err := s.findIssuer(ctx)
	if err != nil {
		return nil, err
	}
	if err := secure(issuer); err != nil {
		return nil, &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: fmt.Errorf("issuer: %w", err)}
	}
	gp, err := gooidc.NewProvider(gooidc.ClientContext(ctx, s.http), issuer)
	if err != nil {
		return nil, s.discoveryError(ctx, op, err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
		Revocation string `json:"revocation_endpoint"`
		JWKS       string `json:"jwks_uri"`
	}
	if err := gp.Claims(&more); err != nil {
		return nil, s.failed(ctx, op, fmt.Errorf("discovery: %w", err))
	}
	p = &provider{Provider: gp, endSession: more.EndSession, revocation: more.Revocation}
	ep := gp.Endpoint()
	for name, u := range map[string]string{
		"authorization_endpoint": ep.AuthURL, "token_endpoint": ep.TokenURL, "jwks_uri": more.JWKS,
	} {
		if err := secure(u); err != nil {
			return nil, &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: fmt.Errorf("the provider's %s: %w", name, err)}
		}
	}
	// A guess of how to send the client id would try twice, and a code works once.
	ep.AuthStyle = oauth2.AuthStyleInParams
	p.oauth = oauth2.Config{ClientID: s.cfg.ClientID, Endpoint: ep, Scopes: s.cfg.Scopes}
	p.verifier = gp.Verifier(&gooidc.Config{
		ClientID: s.cfg.ClientID, Now: func() time.Time { return s.now().Add(-clockLeeway) },
	})
	s.mu.Lock()
	s.provider = p
	s.mu.Unlock()
	return p, nil
}

// issuer returns the provider's address as far as it is known: configured, learnt from the signing API, or saved with the login.
func (s *Session) issuer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Issuer != "" {
		return s.cfg.Issuer
	}
	return s.learnt
}

// findIssuer asks the signing API where nothing else names the provider.
func (s *Session) findIssuer(ctx context.Context) (string, error) {
	if known := s.issuer(); known != "" {
		return known, nil
	}
	found, err := DiscoverIssuer(ctx, s.http, s.cfg.SigningURL)
	if err != nil {
		return "", err
	}
	s.learn(found)
	return found, nil
}

func (s *Session) learn(issuer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learnt = issuer
}

// discoveryError tells apart what go-oidc gives only as text.
func (s *Session) discoveryError(ctx context.Context, op string, err error) error {
	if mismatch := new(gooidc.IssuerMismatchError); errors.As(err, &mismatch) {
		return &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: err}
	}
	var status int
	if n, scanErr := fmt.Sscanf(err.Error(), "%3d ", &status); n == 1 && scanErr == nil && status >= 300 && status <= 599 {
		kind := auth.KindProtocol
		switch {
		case status == http.StatusTooManyRequests:
			kind = auth.KindThrottled
		case status >= 500:
			kind = auth.KindUnavailable
		}
		return &auth.Error{Op: op, Kind: kind, Key: s.cfg.Name, Err: fmt.Errorf(
			"the identity provider answers %d (%s) to discovery; is %s its issuer?", status, http.StatusText(status), httpx.Redact(s.issuer()),
		)}
	}
	return s.failed(ctx, op, fmt.Errorf("discovery: %w", err))
}

// secure admits https, and http where it doesn't leave this computer.
func secure(u string) error {
	p, err := url.Parse(u)
	switch {
	case err != nil || p.Host == "":
		return fmt.Errorf("%q is no address", httpx.Redact(u))
	case p.Scheme == "https":
		return nil
	case p.Scheme == "http" && loopback(p.Hostname()):
		return nil
	}
	return fmt.Errorf("%s would send secrets in clear: it must be https", httpx.Redact(u))
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checked turns a token answer into tokens, after the ID token in it was verified. nonce is empty for a refresh.
func (s *Session) checked(ctx context.Context, op string, p *provider, t *oauth2.Token, nonce string, idRequired bool) (granted, error) {
	bad := func(err error) (granted, error) {
		return granted{}, &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: err}
	}
	if !strings.EqualFold(t.Type(), "bearer") {
		return bad(errors.New("the provider's token is no bearer token"))
	}
	g := granted{access: auth.Secret(t.AccessToken), refresh: auth.Secret(t.RefreshToken), expiry: s.expiry(t)}
	raw, _ := t.Extra("id_token").(string)
	if raw == "" {
		if idRequired {
			return bad(errors.New("the provider's answer has no ID token"))
		}
		return g, nil
	}
	it, err := p.verifier.Verify(gooidc.ClientContext(ctx, s.http), raw)
	if err != nil {
		return granted{}, s.verifyError(ctx, op, err)
	}
	var c struct {
		AZP      string   `json:"azp"`
		Username string   `json:"preferred_username"`
		Name     string   `json:"name"`
		Email    string   `json:"email"`
		Groups   []string `json:"groups"`
	}
	if err := it.Claims(&c); err != nil {
		return bad(errors.New("the claims of the ID token cannot be read"))
	}
	switch {
	case it.Nonce != nonce && nonce != "":
		return bad(errors.New("the nonce of the ID token is not that of this login"))
	case c.AZP != "" && c.AZP != s.cfg.ClientID, c.AZP == "" && len(it.Audience) > 1:
		return bad(errors.New("the ID token was made for another program (azp)"))
	case it.Subject == "":
		return bad(errors.New("the ID token names nobody (sub)"))
	}
	if it.AccessTokenHash != "" && it.VerifyAccessToken(t.AccessToken) != nil {
		return bad(errors.New("the ID token belongs to another access token (at_hash)"))
	}
	if c.Username == "" {
		c.Username = it.Subject
	}
	g.idToken = auth.Secret(raw)
	g.identity = auth.Identity{Subject: it.Subject, Username: c.Username, Name: c.Name, Email: c.Email, Groups: c.Groups}
	return g, nil
}

// expiry prefers our clock and the answer's seconds. An answer without them is used for a minute.
func (s *Session) expiry(t *oauth2.Token) time.Time {
	if t.ExpiresIn > 0 {
		return s.now().Add(time.Duration(min(t.ExpiresIn, 366*24*3600)) * time.Second)
	}
	return s.now().Add(time.Minute)
}

// verifyError says why an ID token was refused. Only the fetch of the keys can fail for want of a network.
func (s *Session) verifyError(ctx context.Context, op string, err error) error {
	if strings.Contains(err.Error(), "fetching keys") {
		return s.failed(ctx, op, err)
	}
	if late := new(gooidc.TokenExpiredError); errors.As(err, &late) {
		err = fmt.Errorf("it expired at %s; is the clock of this computer right?", late.Expiry.UTC().Format(time.RFC3339))
	}
	return &auth.Error{Op: op, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: fmt.Errorf("the ID token is refused: %w", err)}
}

// failed classifies an error of a request. It keeps no address with a query and no body.
func (s *Session) failed(ctx context.Context, op string, err error) error {
	e := &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: s.cfg.Name}
	var re *oauth2.RetrieveError
	var ne net.Error
	var syntax *json.SyntaxError
	switch {
	case ctx.Err() != nil:
		e.Kind, e.Err = auth.KindCancelled, context.Cause(ctx)
	case errors.As(err, &re):
		e.Kind, e.Err = retrieveKind(re)
	case errors.Is(err, httpx.ErrTooLarge), strings.Contains(err.Error(), httpx.ErrTooLarge.Error()):
		e.Kind, e.Err = auth.KindProtocol, fmt.Errorf("the identity provider's answer is too large: %w", httpx.ErrTooLarge)
	case errors.As(err, &ne):
		e.Err = fmt.Errorf("the identity provider cannot be reached: %w", httpx.RedactError(err))
	case errors.As(err, &syntax), strings.Contains(err.Error(), "parse json"), strings.Contains(err.Error(), "decode"),
		strings.Contains(err.Error(), "missing access_token"), strings.Contains(err.Error(), "Content-Type"):
		e.Kind, e.Err = auth.KindProtocol, errors.New("the identity provider's answer is not the JSON that was expected")
	case errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()):
		e.Err = errors.New("the identity provider's answer was cut short")
	default:
		e.Err = httpx.RedactError(err)
	}
	return e
}

// retrieveKind reads an error answer of RFC 6749 § 5.2.
func retrieveKind(re *oauth2.RetrieveError) (auth.Kind, error) {
	status := 0
	if re.Response != nil {
		status = re.Response.StatusCode
	}
	text := fmt.Errorf("the identity provider answers %d", status)
	if re.ErrorCode != "" {
		text = fmt.Errorf("the identity provider answers %s", printable(re.ErrorCode, re.ErrorDescription))
	}
	switch {
	case re.ErrorCode == "access_denied":
		return auth.KindDenied, text
	case re.ErrorCode == "expired_token":
		return auth.KindCancelled, text
	case status == http.StatusTooManyRequests:
		return auth.KindThrottled, text
	case status >= 500, status == http.StatusRequestTimeout:
		return auth.KindUnavailable, text
	}
	return auth.KindProtocol, text
}

// printable joins an error code and its description, as far as a person should see foreign text.
func printable(code, description string) string {
	clean := func(s string, most int) string {
		s = strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, s)
		if r := []rune(s); len(r) > most {
			s = string(r[:most]) + "…"
		}
		return s
	}
	if description == "" {
		return clean(code, 60)
	}
	return clean(code, 60) + " (" + clean(description, 200) + ")"
}

// boundedClient returns c with bounded answers, and without redirects of what carries a secret.
func boundedClient(c *http.Client) *http.Client {
	out := *c
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	out.Transport = boundedTransport{next}
	if out.Timeout == 0 {
		out.Timeout = requestTimeout
	}
	out.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if via[0].Method != http.MethodGet || len(via) >= 5 || secure(r.URL.String()) != nil {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &out
}

type boundedTransport struct{ next http.RoundTripper }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxAnswer}
	}
	return resp, err
}

// CloseIdleConnections makes http.Client.CloseIdleConnections work.
func (t boundedTransport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// boundedBody fails with httpx.ErrTooLarge past its bound.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, httpx.ErrTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n, httpx.ErrTooLarge
	}
	return n, err
}
