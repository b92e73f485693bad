package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

const opDevice = "log in with a code"

// Bounds of what a provider may ask of a device (RFC 8628 § 3.2, § 3.5).
const (
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
	maxInterval     = time.Minute
	defaultExpiry   = 10 * time.Minute
	maxExpiry       = time.Hour
)

// deviceAnswer is RFC 8628 § 3.2.
type deviceAnswer struct {
	DeviceCode  string `json:"device_code"`
	UserCode    string `json:"user_code"`
	URI         string `json:"verification_uri"`
	CompleteURI string `json:"verification_uri_complete"`
	ExpiresIn   int64  `json:"expires_in"`
	Interval    int64  `json:"interval"`
}

// LoginDevice implements auth.Session: the device grant of RFC 8628. The prompt is in Snapshot().Device meanwhile.
func (s *Session) LoginDevice(ctx context.Context) error {
	end, err := s.begin(ctx, opDevice)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	err = s.loginDevice(ctx)
	end(err)
	return err
}

func (s *Session) loginDevice(ctx context.Context) error {
	if err := s.writable(ctx, opDevice); err != nil {
		return err
	}
	p, err := s.discover(ctx, opDevice)
	if err != nil {
		return err
	}
	d, err := s.deviceStart(ctx, p)
	if err != nil {
		return err
	}
	life := min(time.Duration(max(d.ExpiresIn, 0))*time.Second, maxExpiry)
	if life == 0 {
		life = defaultExpiry
	}
	expiry := s.now().Add(life)
	s.set(func(v *auth.View) {
		v.Device = &auth.DevicePrompt{UserCode: d.UserCode, VerificationURI: d.URI, CompleteURI: d.CompleteURI, Expiry: expiry}
	})
	t, err := s.devicePoll(ctx, p, d, expiry)
	if err != nil {
		return err
	}
	g, err := s.checked(ctx, opDevice, p, t, "", true)
	if err != nil {
		return err
	}
	return s.accept(ctx, opDevice, g)
}

// deviceStart asks for a code. It is done here, since x/oauth2's request doesn't end with its context.
func (s *Session) deviceStart(ctx context.Context, p *provider) (deviceAnswer, error) {
	var d deviceAnswer
	bad := func(text string) (deviceAnswer, error) {
		return d, &auth.Error{Op: opDevice, Kind: auth.KindProtocol, Key: s.cfg.Name, Err: errors.New(text)}
	}
	to := p.oauth.Endpoint.DeviceAuthURL
	if to == "" {
		return bad("the identity provider offers no login by code; use the browser")
	}
	if err := secure(to); err != nil {
		return bad(err.Error())
	}
	v := url.Values{"client_id": {s.cfg.ClientID}, "scope": {strings.Join(s.cfg.Scopes, " ")}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(v.Encode()))
	if err != nil {
		return d, s.failed(ctx, opDevice, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return d, s.failed(ctx, opDevice, err)
	}
	defer resp.Body.Close()
	body, err := httpx.ReadAll(resp.Body, maxAnswer)
	if err != nil {
		return d, s.failed(ctx, opDevice, err)
	}
	if resp.StatusCode/100 != 2 {
		re := &oauth2.RetrieveError{Response: resp}
		var e struct{ Error, Description string }
		if json.Unmarshal(body, &e) == nil {
			re.ErrorCode = e.Error
		}
		return d, s.failed(ctx, opDevice, re)
	}
	if json.Unmarshal(body, &d) != nil {
		return bad("the identity provider's answer is not the JSON that was expected")
	}
	if d.DeviceCode == "" || d.UserCode == "" {
		return bad("the identity provider's answer has no code")
	}
	for _, u := range []string{d.URI, d.CompleteURI} {
		if p, err := url.Parse(u); err != nil || u != "" && p.Scheme != "https" && p.Scheme != "http" || d.URI == "" {
			return bad("the identity provider's answer has no web address for the code")
		}
	}
	return d, nil
}

// devicePoll asks until the person decided. A network that fails for a while only makes it slower (RFC 8628 § 3.5).
func (s *Session) devicePoll(ctx context.Context, p *provider, d deviceAnswer, expiry time.Time) (*oauth2.Token, error) {
	interval := time.Duration(d.Interval) * time.Second
	if interval <= 0 {
		interval = defaultInterval
	}
	for {
		interval = min(interval, maxInterval)
		if err := s.wait(ctx, interval); err != nil {
			return nil, &auth.Error{Op: opDevice, Kind: auth.KindCancelled, Key: s.cfg.Name, Err: fmt.Errorf("the login was cancelled: %w", err)}
		}
		if !s.now().Before(expiry) {
			return nil, &auth.Error{Op: opDevice, Kind: auth.KindCancelled, Key: s.cfg.Name, Err: errors.New("the code expired before it was used; start again")}
		}
		// An exchange with another grant_type: the options replace what Exchange sets.
		t, err := p.oauth.Exchange(context.WithValue(ctx, oauth2.HTTPClient, s.http), "",
			oauth2.SetAuthURLParam("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
			oauth2.SetAuthURLParam("device_code", d.DeviceCode))
		if err == nil {
			return t, nil
		}
		var re *oauth2.RetrieveError
		var ne net.Error
		switch {
		case ctx.Err() != nil:
			return nil, &auth.Error{Op: opDevice, Kind: auth.KindCancelled, Key: s.cfg.Name, Err: fmt.Errorf("the login was cancelled: %w", context.Cause(ctx))}
		case errors.As(err, &re) && re.ErrorCode == "authorization_pending":
		case errors.As(err, &re) && re.ErrorCode == "slow_down":
			interval += slowDown
		case errors.As(err, &re) && re.Response.StatusCode >= 500, !errors.As(err, &re) && errors.As(err, &ne):
			interval *= 2
		default:
			return nil, s.failed(ctx, opDevice, err)
		}
	}
}
