// Package workstation opens one user's services: settings, vault, login, signer, catalogue and queue. The window and the command line share
// it, so that a login in one is a login in the other (docs/adr/0002).
//
// It wires the rooms and holds no domain of its own: a rule that belongs to catalog, auth or download goes there. It knows
// neither ui nor server.
package workstation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/vault"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/engine"
)

// defaultParallel is how many files are fetched at once unless the person chooses otherwise.
const defaultParallel = 4

// Options say whose workstation it is.
type Options struct {
	Paths Paths
	// Offline answers from the local catalogues alone.
	Offline bool
	// Connections are added to those of the settings for this run, without being saved; the first one is current. The embedded demo
	// uses it.
	Connections []Connection
	// OpenBrowser shows an address to the person; nil means the system's browser.
	OpenBrowser func(url string) error
	Logger      *slog.Logger
}

// Workstation is one user's services.
type Workstation struct {
	opts     Options
	log      *slog.Logger
	settings *settingsFile
	vault    *vault.Auto

	mu       sync.Mutex
	warnings []error
	links    map[string]*Link
	queue    *engine.Engine
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Open reads the settings. Nothing else is touched until it is asked for.
func Open(_ context.Context, o Options) (*Workstation, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Workstation{opts: o, log: o.Logger, links: map[string]*Link{}}
	defaults := Settings{
		Connections: []Connection{Theia()}, Current: Theia().ID,
		DownloadDir: o.Paths.downloadDir(), Parallel: defaultParallel,
	}
	var err error
	if w.settings, err = openSettings(o.Paths.settings(), defaults); err != nil {
		w.warn(err)
	}
	if err := os.MkdirAll(o.Paths.Data, 0o700); err != nil {
		return nil, fmt.Errorf("open workstation: %w", err)
	}
	fallback := vault.Ask
	if w.settings.get().VaultConsent {
		fallback = vault.EncryptedFile
	}
	w.vault = vault.New(vault.Options{
		File:     vault.File{Path: filepath.Join(o.Paths.Data, "vault"), KeyPath: o.Paths.vault() + ".key"},
		Fallback: fallback,
	})
	return w, nil
}

func (w *Workstation) warn(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warnings = append(w.warnings, err)
}

// Warnings returns what went wrong without keeping the workstation from opening: settings that could not be read, a catalogue or a
// queue that was set aside.
func (w *Workstation) Warnings() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]error(nil), w.warnings...)
}

// Settings returns the settings now, with the connections of this run.
func (w *Workstation) Settings() Settings {
	s := w.settings.get()
	if extra := w.opts.Connections; len(extra) > 0 {
		s.Connections = append(append([]Connection(nil), extra...), s.Connections...)
		s.Current = extra[0].ID
	}
	return s
}

// Update changes the settings and saves them. The connections of this run are not among them.
func (w *Workstation) Update(change func(*Settings)) error { return w.settings.update(change) }

// VaultNeedsConsent reports whether a login could not be kept here: there is no keychain, and the person was not asked yet.
func (w *Workstation) VaultNeedsConsent(ctx context.Context) bool {
	if w.settings.get().VaultConsent {
		return false
	}
	works, err := w.vault.Keychain(ctx)
	if err != nil {
		w.log.Info("no keychain", "error", err)
	}
	return !works
}

// DeclineVaultFile keeps logins in memory alone, until the program ends.
func (w *Workstation) DeclineVaultFile() { w.vault.SetFallback(vault.SessionOnly) }

// ConsentToVaultFile records that the person agreed to keep logins in an encrypted file where there is no keychain.
func (w *Workstation) ConsentToVaultFile() error {
	w.vault.SetFallback(vault.EncryptedFile)
	return w.Update(func(s *Settings) { s.VaultConsent = true })
}

// Queue returns the download queue, opens it on the first call, and works on it in the background until Close (unless another
// process does).
func (w *Workstation) Queue(ctx context.Context) (download.Queue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q, err := w.openQueue(ctx)
	if err != nil || w.stop != nil {
		return q, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.running.Go(func() {
		if err := q.Run(run); err != nil && run.Err() == nil {
			w.log.Error("download queue ended", "error", err)
		}
	})
	return q, nil
}

// LookAtQueue returns the download queue without working on it: commands are written down for the process that does.
func (w *Workstation) LookAtQueue(ctx context.Context) (download.Queue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.openQueue(ctx)
}

func (w *Workstation) openQueue(ctx context.Context) (*engine.Engine, error) {
	if w.queue != nil {
		return w.queue, nil
	}
	q, err := engine.Open(ctx, engine.Config{
		Journal: w.opts.Paths.queue(), Concurrency: w.settings.get().Parallel, Logger: w.log, Signers: w.queueSigner,
	})
	if err != nil {
		return nil, err
	}
	if aside := q.SetAside(); aside != "" {
		w.warnings = append(w.warnings, fmt.Errorf("the download queue was damaged; it is kept as %s, and an empty one is used", aside))
	}
	w.queue = q
	return q, nil
}

func (w *Workstation) queueSigner(connection string) (download.Signer, error) {
	link, err := w.Link(context.Background(), connection)
	if err != nil {
		return nil, &download.Error{Op: "sign", Kind: download.KindInvalid, Key: connection, Err: err}
	}
	return queueSigner{link.Signer}, nil
}

// Wake tells the queue that a login changed, so that what waited for it goes on at once.
func (w *Workstation) Wake() {
	w.mu.Lock()
	q := w.queue
	w.mu.Unlock()
	if q != nil {
		q.Wake()
	}
}

// Close stops the queue, with what is on disk confirmed, and closes the catalogues.
func (w *Workstation) Close(ctx context.Context) error {
	w.mu.Lock()
	q, stop, links := w.queue, w.stop, w.links
	w.queue, w.links = nil, map[string]*Link{}
	w.mu.Unlock()
	var errs []error
	if q != nil {
		errs = append(errs, q.Close(ctx))
	}
	if stop != nil {
		stop()
		w.running.Wait()
	}
	for _, l := range links {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}
