// Package engine moves the bytes: it implements download.Queue on a journal, with ranged transfers that survive a quit, a
// crash, an expired signature and a bad line.
//
// One process owns the queue and transfers; others that open it look on, and command through the journal. One goroutine
// schedules (owner.go, schedule.go), one works on each file (worker.go), a few on its ranges (fetch.go). What must not be
// here: how URLs are signed, what items are, anything of a window.
package engine

import (
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// Config says how an Engine works. Zero values mean the default in brackets.
type Config struct {
	// Journal is the path of the queue file. LockPath is held by the owner [Journal + ".lock"].
	Journal, LockPath string
	// Signers gives the signer of a connection. An error of KindLogin blocks that connection until Wake or a later try.
	Signers func(connection string) (download.Signer, error)
	// Transport fetches [NewTransport()]. The engine closes its idle connections when it closes.
	Transport http.RoundTripper
	// Concurrency bounds the files at once [4], PerHost the connections to one host [8], PerFile those for one file [4].
	Concurrency, PerHost, PerFile int
	// BandwidthLimit in bytes per second over all transfers [none].
	BandwidthLimit int64
	// StallTimeout cuts a transfer on which nothing arrives [30 s].
	StallTimeout time.Duration
	// GiveUp fails a task on which nothing arrived for so long, in spite of all tries [24 h].
	GiveUp time.Duration
	// Reserve is how many bytes of the disk stay free [256 MiB].
	Reserve int64
	// BackoffMin and BackoffMax bound the waits between tries [500 ms, 60 s].
	BackoffMin, BackoffMax time.Duration
	// Poll is how often the journal is asked for the commands of other processes [300 ms].
	Poll time.Duration
	// Checkpoint is how often progress is made durable and shown [500 ms].
	Checkpoint time.Duration
	// Splitter plans the ranges of a file [FixedSplit].
	Splitter Splitter
	Logger   *slog.Logger
	// Now is the clock [time.Now]. FreeSpace returns the bytes that are free where dir lies [the file system's answer].
	Now       func() time.Time
	FreeSpace func(dir string) (int64, error)
}

// NewTransport returns the transport for transfers: HTTP/1.1, so that parallel ranges get connections of their own instead
// of sharing one, no transparent decompression, bounded headers.
func NewTransport() *http.Transport {
	t := httpx.NewTransport()
	t.ForceAttemptHTTP2 = false
	p := new(http.Protocols)
	p.SetHTTP1(true)
	t.Protocols = p
	t.DisableCompression = true
	t.MaxResponseHeaderBytes = 256 << 10
	t.ReadBufferSize = 64 << 10
	return t
}

func (c Config) withDefaults() (Config, error) {
	if c.Journal == "" || c.Signers == nil {
		return c, &download.Error{Op: "open the download queue", Kind: download.KindInvalid, Err: errors.New("a journal and signers are needed")}
	}
	if c.LockPath == "" {
		c.LockPath = filepath.Clean(c.Journal) + ".lock"
	}
	if c.Transport == nil {
		c.Transport = NewTransport()
	}
	if c.Splitter == nil {
		c.Splitter = FixedSplit{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.FreeSpace == nil {
		c.FreeSpace = freeSpace
	}
	or(&c.Concurrency, 4)
	or(&c.PerHost, 8)
	or(&c.PerFile, 4)
	or(&c.StallTimeout, 30*time.Second)
	or(&c.GiveUp, 24*time.Hour)
	or(&c.Reserve, 256<<20)
	or(&c.BackoffMin, 500*time.Millisecond)
	or(&c.BackoffMax, time.Minute)
	or(&c.Poll, 300*time.Millisecond)
	or(&c.Checkpoint, 500*time.Millisecond)
	return c, nil
}

func or[T ~int | ~int64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}
