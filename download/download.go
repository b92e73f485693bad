// Package download holds the vocabulary of getting the bytes: requests, tasks, their states, and the queue.
//
// A newcomer finds here the state machine and the contracts. What must not be here: drivers, net/http, Fyne. Transfers are in
// engine, the queue on disk is in journal, the hostile store for tests is in downloadtest.
package download

import (
	"context"
	"time"
)

// TaskID names a task for ever, also across restarts.
type TaskID int64

// State is where a task stands.
type State uint8

// The states of a task. See CanBecome for the arrows between them.
const (
	Queued State = iota
	Signing
	Fetching
	Verifying
	Done
	Paused
	Failed
	Cancelled
)

var stateNames = [...]string{"queued", "signing", "fetching", "verifying", "done", "paused", "failed", "cancelled"}

// String returns the state in words.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// Active reports whether something is happening to the task right now.
func (s State) Active() bool { return s == Signing || s == Fetching || s == Verifying }

// Final reports whether nothing more happens by itself.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Request asks for one asset.
type Request struct {
	// Connection names the login that signs the href; opaque to the queue.
	Connection string
	// Href as it stands in the item, unsigned.
	Href string
	// Collection, Item and Asset say what it is; they name the folder and are shown.
	Collection, Item, Asset string
	// Title is what a person reads; may be empty.
	Title string
	// Dir is the folder that the queue's layout starts from, absolute. The file lands in
	// Dir/{collection}/{item}/{file}, with names that are safe on Windows, macOS and Linux.
	Dir string
	// Size in bytes, or -1 if unknown.
	Size int64
	// Checksum is a hexadecimal multihash (file:checksum), or empty.
	Checksum  string
	MediaType string
}

// Task is one request in the queue: an immutable picture.
type Task struct {
	ID TaskID
	Request
	State State
	// Path is where the file is or will be, absolute; next to it, Path+".part" while it is under way.
	Path string
	// Received counts the bytes on disk that are confirmed, of Total (-1 if unknown).
	Received, Total int64
	// Rate in bytes per second, smoothed; 0 unless fetching.
	Rate float64
	// SHA256 of the finished file, hexadecimal; Verified is true if it was compared with Request.Checksum.
	SHA256   string
	Verified bool
	// Attempts counts fetches that began.
	Attempts int
	// Err is the cause of Failed, or why a paused or queued task waits; nil otherwise. Retryable says if a retry can help.
	Err       *Error
	Retryable bool
	Added     time.Time
	Finished  time.Time
}

// View is an immutable picture of the queue.
type View struct {
	// Tasks in the order of the queue (oldest first), finished ones included.
	Tasks []Task
	// Rate is the sum of the rates, in bytes per second.
	Rate float64
	// Owner is true when this process works on the queue, false when another one does and this one looks on.
	Owner bool
	// Blocked is why nothing moves although something is queued (login required, folder gone, no network); nil otherwise.
	Blocked *Error
}

// Queue is the list of tasks that one machine works on. Every transition is in the journal before its effect can be
// seen. All methods are safe for concurrent use; they work in every process that has the queue open.
type Queue interface {
	// Enqueue adds tasks in order, all or none, and returns their ids. A request whose Href and Dir equal those of a task
	// that isn't Failed or Cancelled yields that task's id instead of a second one.
	Enqueue(ctx context.Context, reqs []Request) ([]TaskID, error)
	// Pause, Resume, Cancel and Retry act on the tasks named, or on all to which they apply if none is named. An id that
	// does not exist gives KindNotFound; a task to which the action does not apply is left alone. Cancel removes the
	// partial file. Retry keeps the partial file, and starts clean where that cannot be trusted.
	Pause(ctx context.Context, ids ...TaskID) error
	Resume(ctx context.Context, ids ...TaskID) error
	Cancel(ctx context.Context, ids ...TaskID) error
	Retry(ctx context.Context, ids ...TaskID) error
	// Forget removes final tasks from the list (all of them if none is named); files stay.
	Forget(ctx context.Context, ids ...TaskID) error
	// Snapshot returns the queue now; Changes fires, coalesced, after each change.
	Snapshot() View
	Changes() <-chan struct{}
}

// Signed is one URL to fetch. URL is a secret: it must not be logged or written down.
type Signed struct {
	Href   string
	URL    string
	Expiry time.Time // zero: never
}

// Signer turns hrefs of one connection into URLs that can be fetched, one answer per href, in order. An error of
// KindLogin means that only a human can help: the queue waits, and says so in View.Blocked.
type Signer interface {
	Sign(ctx context.Context, hrefs []string) ([]Signed, error)
	// Forget drops what is cached for these hrefs, after a signed URL was refused.
	Forget(hrefs ...string)
}
