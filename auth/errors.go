package auth

import "errors"

// Kind classifies an Error by what can be done about it.
type Kind uint8

// The kinds of an Error.
const (
	KindInternal    Kind = iota // a defect of ours
	KindLogin                   // log in (again)
	KindDenied                  // the person or the provider said no: wrong password, consent refused
	KindCancelled               // the login was cancelled or timed out
	KindConflict                // a login is under way already
	KindForbidden               // logged in, but without the right
	KindThrottled               // too many requests; later is fine
	KindUnavailable             // provider, signing API or keychain out of reach
	KindProtocol                // an answer breaks the protocol: state mismatch, bad ID token, not JSON
	KindNotFound                // no such secret, no such object
	KindLocked                  // the vault wants consent or a passphrase
)

var kindNames = [...]string{
	"internal error", "login required", "denied", "cancelled", "login under way", "forbidden", "too many requests",
	"unavailable", "unexpected answer", "not found", "locked",
}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Error is the one error type of this domain.
type Error struct {
	Op   string
	Kind Kind
	Key  string // connection, secret name or path without its query; never a secret
	Err  error
}

// Error returns "op key: cause".
func (e *Error) Error() string {
	s := e.Op
	if e.Key != "" {
		s += " " + e.Key
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	return s + ": " + e.Kind.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes every KindLogin error match ErrLoginRequired.
func (e *Error) Is(target error) bool { return target == ErrLoginRequired && e.Kind == KindLogin }

// KindOf returns the kind of the first *Error in err's chain; KindLogin for a bare ErrLoginRequired.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, ErrLoginRequired) {
		return KindLogin
	}
	return KindInternal
}
