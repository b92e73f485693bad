package download

import "errors"

// Kind classifies an Error by what can be done about it.
type Kind uint8

// The kinds of an Error. New ones go to the end: the journal keeps their numbers.
const (
	KindInternal  Kind = iota // a defect of ours
	KindInvalid               // the request is wrong
	KindNotFound              // no such task, or the object does not exist (404)
	KindLogin                 // log in again; the queue goes on afterwards
	KindForbidden             // the login lacks the right (403 with a fresh signature)
	KindThrottled             // the host wants us to wait
	KindNetwork               // out of reach, reset, stalled, cut short
	KindServer                // the host failed (5xx)
	KindProtocol              // the answer isn't the file: HTML, wrong range, wrong length
	KindChanged               // the object changed while it was fetched
	KindChecksum              // the bytes are not what file:checksum promises
	KindDiskFull              // no room left
	KindFolder                // the folder is missing, read-only, or the file is locked
	KindCorrupt               // the journal is damaged
	KindUnsafe                // refused for safety: downgrade to http, a path outside the folder
)

var kindNames = [...]string{
	"internal error", "invalid", "not found", "login required", "forbidden", "too many requests", "network", "server error",
	"unexpected answer", "changed on the server", "checksum mismatch", "disk full", "folder not writable", "damaged", "refused",
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
	Key  string // item/asset, path or host; never a URL's query
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

// KindOf returns the kind of the first *Error in err's chain, or KindInternal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}
