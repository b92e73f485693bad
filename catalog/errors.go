package catalog

import (
	"errors"
	"strings"
)

// Kind classifies an Error by what can be done about it.
type Kind uint8

// The kinds of an Error. The server maps each once to an HTTP status, the window once to a sentence.
const (
	KindInternal     Kind = iota // a defect of ours
	KindInvalid                  // the question is wrong; the message names what would be right
	KindNotFound                 // no such item or collection
	KindConflict                 // it exists already, or what it needs does not
	KindUnauthorized             // the service wants a login
	KindForbidden                // the login lacks the right
	KindThrottled                // too many requests; later is fine
	KindUnavailable              // out of reach, or the service failed
	KindProtocol                 // the answer is not what the protocol promises: not JSON, cut short, not STAC
	KindTooLarge                 // the answer or the document exceeds our bounds
	KindCorrupt                  // the catalogue file is damaged
	KindNewer                    // the catalogue file was written by a newer version of this program
	KindReadOnly                 // the catalogue cannot be written (permission, full disk)
)

var kindNames = [...]string{
	"internal error", "invalid", "not found", "conflict", "login required", "forbidden", "too many requests",
	"unavailable", "unexpected answer", "too large", "damaged", "written by a newer version", "cannot be written",
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
	Op   string // the operation, e.g. "search" or "open catalogue"
	Kind Kind
	Key  string // what it was about: an item key, a collection, a file; may be empty
	Err  error  // the cause; never holds a secret
}

// Error returns "op key: cause", with the kind where there is no cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Key != "" {
		b.WriteString(" " + e.Key)
	}
	b.WriteString(": ")
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(e.Kind.String())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, or KindInternal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}
