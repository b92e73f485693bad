package idp

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// How long the steps of a login may take.
const (
	requestLifetime = 30 * time.Minute // from the authorization request to the password
	codeLifetime    = time.Minute      // from the redirect to the token request (RFC 6749 § 4.1.2: 10 minutes at most)
	codeMemory      = 10 * time.Minute // how long a used code is remembered, so that its replay is noticed
	deviceLifetime  = 10 * time.Minute
	deviceMemory    = time.Hour // how long an expired device code is answered as expired, not as unknown
	maxPending      = 10_000    // of each kind, so that strangers can't fill the memory
)

var (
	errUnknownCode  = errors.New("the code is unknown or expired")
	errReplayedCode = errors.New("the code was used before")
	errTooMany      = errors.New("too many logins are under way")
)

// authRequest is an authorization request between its start and its code's exchange. It implements op.AuthRequest.
type authRequest struct {
	oidc.AuthRequest
	id      string
	created time.Time

	// Set by the login.
	session  string // session id
	subject  string
	authTime time.Time
	done     bool

	// Set with the code.
	code     string
	codeTime time.Time
	consumed bool
	replayed bool
	grant    string
}

func (a *authRequest) GetID() string                      { return a.id }
func (a *authRequest) GetACR() string                     { return "" }
func (a *authRequest) GetAMR() []string                   { return []string{"pwd"} }
func (a *authRequest) GetAudience() []string              { return []string{a.ClientID} }
func (a *authRequest) GetAuthTime() time.Time             { return a.authTime }
func (a *authRequest) GetClientID() string                { return a.ClientID }
func (a *authRequest) GetNonce() string                   { return a.Nonce }
func (a *authRequest) GetScopes() []string                { return a.Scopes }
func (a *authRequest) GetState() string                   { return a.State }
func (a *authRequest) GetSubject() string                 { return a.subject }
func (a *authRequest) Done() bool                         { return a.done }
func (a *authRequest) GetRedirectURI() string             { return a.RedirectURI }
func (a *authRequest) GetResponseType() oidc.ResponseType { return a.ResponseType }
func (a *authRequest) GetResponseMode() oidc.ResponseMode { return a.ResponseMode }
func (a *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: a.CodeChallenge, Method: a.CodeChallengeMethod}
}

// deviceRequest is a device grant between its start and its tokens (RFC 8628).
type deviceRequest struct {
	code, userCode, client string
	scopes                 []string
	expires                time.Time
	interval               time.Duration
	lastPoll               time.Time

	decided, allowed, consumed bool
	session, subject           string
	authTime                   time.Time
}

// interaction is a person in front of the login page: for an authorization request, or for a device.
type interaction struct {
	id     string
	auth   *authRequest
	device *deviceRequest
	start  time.Time
	// subject is set once the password was right; a device still waits for the decision then.
	session, subject string
	authTime         time.Time
}

// pending holds what is under way. It isn't kept over a restart: the person starts again.
type pending struct {
	now func() time.Time

	mu           sync.Mutex
	swept        time.Time
	interactions map[string]*interaction
	codes        map[string]*authRequest
	devices      map[string]*deviceRequest // by device code
	userCodes    map[string]*deviceRequest
}

func newPending(now func() time.Time) *pending {
	return &pending{
		now: now, interactions: map[string]*interaction{}, codes: map[string]*authRequest{},
		devices: map[string]*deviceRequest{}, userCodes: map[string]*deviceRequest{},
	}
}

// sweep forgets what is over, at most once a minute unless something is full. The caller holds the lock.
func (p *pending) sweep() {
	now := p.now()
	full := max(len(p.interactions), len(p.codes), len(p.devices)) >= maxPending
	if now.Sub(p.swept) < time.Minute && (!full || now.Sub(p.swept) < time.Second) {
		return
	}
	p.swept = now
	maps.DeleteFunc(p.interactions, func(_ string, i *interaction) bool { return now.Sub(i.start) > requestLifetime })
	maps.DeleteFunc(p.codes, func(_ string, a *authRequest) bool { return now.Sub(a.codeTime) > codeMemory })
	maps.DeleteFunc(p.devices, func(_ string, d *deviceRequest) bool { return now.Sub(d.expires) > deviceMemory })
	maps.DeleteFunc(p.userCodes, func(_ string, d *deviceRequest) bool { return now.After(d.expires) })
}

func (p *pending) addInteraction(auth *authRequest, device *deviceRequest) (*interaction, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	if len(p.interactions) >= maxPending {
		return nil, errTooMany
	}
	i := &interaction{id: rand.Text(), auth: auth, device: device, start: p.now()}
	if auth != nil {
		auth.id, auth.created = i.id, i.start
	}
	p.interactions[i.id] = i
	return i, nil
}

func (p *pending) interaction(id string) (*interaction, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.interactions[id]
	if !ok || p.now().Sub(i.start) > requestLifetime {
		return nil, false
	}
	return i, true
}

// authenticated notes who stands in front of the page.
func (p *pending) authenticated(i *interaction, session, subject string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.session, i.subject, i.authTime = session, subject, at
	if a := i.auth; a != nil {
		a.session, a.subject, a.authTime, a.done = session, subject, at, true
	}
}

// person returns who was authenticated for i.
func (p *pending) person(i *interaction) (session, subject string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return i.session, i.subject, i.authTime
}

// finish ends the interaction: its page can't be used a second time.
func (p *pending) finish(i *interaction) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.interactions[i.id]; !ok {
		return false
	}
	delete(p.interactions, i.id)
	return true
}

func (p *pending) saveCode(a *authRequest, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	if len(p.codes) >= maxPending {
		return errTooMany
	}
	a.code, a.codeTime = code, p.now()
	p.codes[code] = a
	return nil
}

// consume takes a code, once. A second use gives errReplayedCode and the request, whose grant must be revoked.
func (p *pending) consume(code string) (*authRequest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.codes[code]
	switch {
	case !ok:
		return nil, errUnknownCode
	case a.consumed:
		a.replayed = true
		return a, errReplayedCode
	}
	a.consumed = true
	if p.now().Sub(a.codeTime) > codeLifetime {
		return nil, errUnknownCode
	}
	return a, nil
}

// granted notes which grant came of a code; false if the code was replayed meanwhile.
func (p *pending) granted(a *authRequest, grant string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.grant = grant
	return !a.replayed
}

func (p *pending) grantOfCode(a *authRequest) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return a.grant
}

func (p *pending) addDevice(d *deviceRequest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep()
	if len(p.devices) >= maxPending {
		return errTooMany
	}
	if _, ok := p.userCodes[d.userCode]; ok {
		return op.ErrDuplicateUserCode
	}
	d.expires = p.now().Add(deviceLifetime)
	p.devices[d.code], p.userCodes[d.userCode] = d, d
	return nil
}

// deviceByUserCode returns the undecided request with this code.
func (p *pending) deviceByUserCode(code string) (*deviceRequest, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.userCodes[code]
	return d, ok && !d.decided && !p.now().After(d.expires)
}

// decide allows or denies a device, once.
func (p *pending) decide(d *deviceRequest, allow bool, session, subject string, at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.decided || p.now().After(d.expires) {
		return false
	}
	d.decided, d.allowed, d.session, d.subject, d.authTime = true, allow, session, subject, at
	delete(p.userCodes, d.userCode)
	return true
}

// poll answers a device: its request when it's allowed (once), else the error of RFC 8628 § 3.5.
func (p *pending) poll(code, clientID string) (*deviceRequest, *oidc.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	d, ok := p.devices[code]
	switch {
	case !ok || now.Sub(d.expires) > deviceMemory || d.client != clientID || d.consumed:
		return nil, oidc.ErrInvalidGrant().WithDescription("the device code is unknown or was used before")
	case d.decided && !d.allowed:
		return nil, oidc.ErrAccessDenied().WithDescription("the user denied the request")
	case d.decided:
		d.consumed = true
		return d, nil
	case now.After(d.expires):
		return nil, oidc.ErrExpiredDeviceCode()
	}
	early := !d.lastPoll.IsZero() && now.Sub(d.lastPoll) < d.interval
	d.lastPoll = now
	if early {
		d.interval += 5 * time.Second
		return nil, oidc.ErrSlowDown()
	}
	return nil, oidc.ErrAuthorizationPending()
}

// scopesOf keeps what this provider knows, without doubles.
func scopesOf(asked []string) []string {
	known := []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess}
	return slices.DeleteFunc(known, func(s string) bool { return !slices.Contains(asked, s) })
}
