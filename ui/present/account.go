package present

import (
	"context"
	"errors"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// LoginStep says what the login dialog shows.
type LoginStep uint8

// The steps of a login.
const (
	LoginClosed LoginStep = iota // no dialog
	LoginBrowser
	LoginDeviceWaiting // the code is being asked for
	LoginDeviceCode    // the code is there
	LoginFailed
)

// AccountState is what the account button and the login dialog show.
type AccountState struct {
	// Available is false where the connection has no login.
	Available bool
	Status    auth.Status
	// Name is what the button says; Who is the longer form with the mail address and groups.
	Name, Who string
	Step      LoginStep
	// LoginURL is the address that the browser should be showing; empty where it isn't known.
	LoginURL string
	Device   auth.DevicePrompt
	Problem  Problem
	// LoggingOut is true while the provider is being told.
	LoggingOut bool
}

// Account is the presenter of who is logged in.
type Account struct {
	signal
	// OnLogin is called after a login that succeeded.
	OnLogin func()
	// OnLogout is called after a logout, with what went wrong at the provider, if anything.
	OnLogout func(Problem)

	do      Dispatcher
	p       *Printer
	session auth.Session
	state   AccountState
	every   time.Duration
	stop    context.CancelFunc // of the follower
	cancel  context.CancelFunc // of the login under way
	gen     int
}

// NewAccount returns a presenter without a session.
func NewAccount(do Dispatcher, p *Printer) *Account {
	return &Account{do: do, p: p, every: RefreshEvery, stop: func() {}, cancel: func() {}}
}

// State returns what to show now.
func (a *Account) State() AccountState { return a.state }

// SetSession follows another session from now on; nil for none.
func (a *Account) SetSession(s auth.Session) {
	a.stop()
	a.CancelLogin()
	a.session = s
	a.state = AccountState{Available: s != nil}
	a.changed()
	if s == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	type seen struct {
		view auth.View
		url  string
	}
	go follow(ctx, s.Changes(), a.every, a.do, func() seen {
		v := seen{view: s.Snapshot()}
		if l, ok := s.(LoginLinker); ok {
			v.url = l.LoginURL()
		}
		return v
	}, func(v seen) { a.show(v.view, v.url) })
}

// Close stops following the session and cancels a login under way.
func (a *Account) Close() {
	a.stop()
	a.cancel()
}

func (a *Account) show(v auth.View, url string) {
	a.state.Status, a.state.LoginURL = v.Status, url
	a.state.Name, a.state.Who = "", ""
	if v.Status == auth.LoggedIn || v.Status == auth.Expired {
		a.state.Name = first(v.Identity.Name, first(v.Identity.Username, v.Identity.Subject))
		a.state.Who = v.Identity.Username
		if v.Identity.Email != "" {
			a.state.Who += " · " + v.Identity.Email
		}
	}
	if v.Device != nil && (a.state.Step == LoginDeviceWaiting || a.state.Step == LoginDeviceCode) {
		a.state.Step, a.state.Device = LoginDeviceCode, *v.Device
	}
	a.changed()
}

// Login logs in through the system browser.
func (a *Account) Login() { a.login(LoginBrowser, auth.Session.LoginBrowser) }

// LoginDevice logs in with a code that is typed on any device.
func (a *Account) LoginDevice() { a.login(LoginDeviceWaiting, auth.Session.LoginDevice) }

func (a *Account) login(step LoginStep, run func(auth.Session, context.Context) error) {
	if a.session == nil {
		return
	}
	a.cancel()
	a.gen++
	gen, session := a.gen, a.session
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.state.Step, a.state.Problem, a.state.Device = step, Problem{}, auth.DevicePrompt{}
	a.changed()
	go func() {
		defer cancel()
		err := loginOnce(ctx, session, run)
		a.do(func() {
			if gen == a.gen {
				a.loginDone(err)
			}
		})
	}()
}

// loginOnce waits a little for a login that was just cancelled to let go, since a session does one at a time.
func loginOnce(ctx context.Context, s auth.Session, run func(auth.Session, context.Context) error) error {
	for range 20 {
		err := run(s, ctx)
		if err == nil || auth.KindOf(err) != auth.KindConflict {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return run(s, ctx)
}

func (a *Account) loginDone(err error) {
	switch {
	case err == nil:
		a.state.Step = LoginClosed
		a.changed()
		if a.OnLogin != nil {
			a.OnLogin()
		}
		return
	case errors.Is(err, context.Canceled):
		a.state.Step = LoginClosed
	default:
		a.state.Step, a.state.Problem = LoginFailed, a.p.Explain(err)
	}
	a.changed()
}

// CancelLogin gives up the login that is under way and closes its dialog.
func (a *Account) CancelLogin() {
	a.cancel()
	a.gen++
	if a.state.Step != LoginClosed {
		a.state.Step = LoginClosed
		a.changed()
	}
}

// Logout ends the session here, and at the provider if it can be reached.
func (a *Account) Logout() {
	if a.session == nil || a.state.LoggingOut {
		return
	}
	a.state.LoggingOut = true
	a.changed()
	session := a.session
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	go func() {
		defer cancel()
		err := session.Logout(ctx)
		a.do(func() {
			a.state.LoggingOut = false
			a.changed()
			if a.OnLogout != nil {
				a.OnLogout(a.p.Explain(err))
			}
		})
	}()
}
