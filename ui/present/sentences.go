package present

import (
	"context"
	"errors"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// Action is what a person can do about a problem.
type Action uint8

// The actions.
const (
	ActionNone Action = iota
	ActionRetry
	ActionLogin
	ActionOffline
	ActionOnline
	ActionConnection // look at the connection's settings
	ActionFolder     // choose another folder
	ActionForm       // look at the search form
	ActionDevice     // log in with a code
)

// Problem is an error in words: what happened, and the action that helps.
type Problem struct {
	Text   string
	Detail string // the technical cause, for a report; without secrets
	Action Action
}

// ActionLabel names an action on its button; empty for ActionNone.
func (p *Printer) ActionLabel(a Action) string {
	switch a {
	case ActionRetry:
		return p.T("Try again")
	case ActionLogin:
		return p.T("Log in")
	case ActionOffline:
		return p.T("Work offline")
	case ActionOnline:
		return p.T("Go online")
	case ActionConnection:
		return p.T("Connection settings")
	case ActionFolder:
		return p.T("Choose a folder")
	case ActionForm:
		return p.T("Change the search")
	case ActionDevice:
		return p.T("Log in with a code")
	}
	return ""
}

// Explain turns any error of the domains into a sentence and the action that helps. This is the one place where kinds become words.
func (p *Printer) Explain(err error) Problem {
	if err == nil {
		return Problem{}
	}
	out := Problem{Detail: err.Error()}
	var (
		ce *catalog.Error
		ae *auth.Error
		de *download.Error
	)
	// The outermost domain speaks: a download that fails for want of a login is a matter of the login all the same, and its
	// own kind says so.
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.Text, out.Action = p.T("The service takes too long to answer."), ActionRetry
	case errors.As(err, &ce):
		out.Text, out.Action = p.catalogSentence(ce)
	case errors.As(err, &ae):
		out.Text, out.Action = p.authSentence(ae)
	case errors.As(err, &de):
		out.Text, out.Action = p.downloadSentence(de)
	case errors.Is(err, auth.ErrLoginRequired):
		out.Text, out.Action = p.T("Log in to go on."), ActionLogin
	default:
		out.Text, out.Action = p.T("Something went wrong in the program."), ActionRetry
	}
	return out
}

func (p *Printer) catalogSentence(e *catalog.Error) (string, Action) {
	switch e.Kind {
	case catalog.KindInvalid:
		return p.T("The service does not accept this search: {why}", "why", cause(e.Err, e.Kind.String())), ActionForm
	case catalog.KindNotFound:
		return p.T("It is not in the catalogue any more."), ActionRetry
	case catalog.KindConflict:
		return p.T("The catalogue was changed by someone else meanwhile."), ActionRetry
	case catalog.KindUnauthorized:
		return p.T("This catalogue wants a login."), ActionLogin
	case catalog.KindForbidden:
		return p.T("Your account may not see this catalogue."), ActionLogin
	case catalog.KindThrottled:
		return p.T("The service has too much to do. Try again in a minute."), ActionRetry
	case catalog.KindUnavailable:
		return p.T("The service is out of reach."), ActionRetry
	case catalog.KindProtocol:
		return p.T("The service gave an answer that cannot be understood."), ActionConnection
	case catalog.KindTooLarge:
		return p.T("The answer of the service is too large. Narrow the search."), ActionForm
	case catalog.KindCorrupt:
		return p.T("The catalogue on this computer is damaged. Start the program again: it sets the file aside and keeps what it can."), ActionNone
	case catalog.KindNewer:
		return p.T("The catalogue on this computer was written by a newer version. Update this program."), ActionNone
	case catalog.KindReadOnly:
		return p.T("The catalogue on this computer cannot be written: is the disk full?"), ActionRetry
	}
	return p.T("Something went wrong in the program."), ActionRetry
}

func (p *Printer) authSentence(e *auth.Error) (string, Action) {
	switch e.Kind {
	case auth.KindLogin:
		return p.T("Log in to go on."), ActionLogin
	case auth.KindDenied:
		return p.T("The login was refused."), ActionLogin
	case auth.KindCancelled:
		return p.T("The login was not finished: it was cancelled, or took too long."), ActionLogin
	case auth.KindConflict:
		return p.T("Another login is under way."), ActionNone
	case auth.KindForbidden:
		return p.T("Your account lacks the right to do this."), ActionLogin
	case auth.KindThrottled:
		return p.T("The login service has too much to do. Try again in a minute."), ActionRetry
	case auth.KindUnavailable:
		return p.T("The login service is out of reach."), ActionRetry
	case auth.KindProtocol:
		return p.T("The login service gave an answer that cannot be trusted. You are not logged in."), ActionLogin
	case auth.KindNotFound:
		return p.T("There is no saved login."), ActionLogin
	case auth.KindLocked:
		return p.T("The place that keeps your login is locked."), ActionLogin
	}
	return p.T("Something went wrong in the program."), ActionRetry
}

func (p *Printer) downloadSentence(e *download.Error) (string, Action) {
	switch e.Kind {
	case download.KindInvalid:
		return p.T("This file cannot be downloaded: {why}", "why", cause(e.Err, e.Kind.String())), ActionNone
	case download.KindNotFound:
		return p.T("The file does not exist on the server."), ActionNone
	case download.KindLogin:
		return p.T("Log in to go on with the downloads."), ActionLogin
	case download.KindForbidden:
		return p.T("Your account may not read this file."), ActionLogin
	case download.KindThrottled:
		return p.T("The server asks to wait; it goes on by itself."), ActionNone
	case download.KindNetwork:
		return p.T("The line was cut."), ActionRetry
	case download.KindServer:
		return p.T("The server failed."), ActionRetry
	case download.KindProtocol:
		return p.T("The server sent something else than the file."), ActionRetry
	case download.KindChanged:
		return p.T("The file changed on the server meanwhile."), ActionRetry
	case download.KindChecksum:
		return p.T("The bytes are not those that the catalogue promises."), ActionRetry
	case download.KindDiskFull:
		return p.T("The disk is full."), ActionFolder
	case download.KindFolder:
		return p.T("The folder cannot be written."), ActionFolder
	case download.KindCorrupt:
		return p.T("The list of downloads on this computer is damaged."), ActionNone
	case download.KindUnsafe:
		return p.T("Refused for safety: {why}", "why", cause(e.Err, e.Kind.String())), ActionNone
	}
	return p.T("Something went wrong in the program."), ActionRetry
}

// cause is the innermost message of err, which names what is wrong with the input.
func cause(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
