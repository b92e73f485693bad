// Package server assembles the reference backend: STAC API, signing API and identity provider on one port, the object store on another,
// one state directory, no service to install.
//
// Each part is a package of its own that mounts on one http.Handler: stacapi, signing, idp, objectstore, and demo for the sample
// archive. What must not be here: protocol. This package listens, wires, fills the archive, and shuts down.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"
)

// Config says how a backend runs.
type Config struct {
	// StateDir keeps everything: catalogue, keys, sessions, objects.
	StateDir string
	// Listen and ObjectsListen are loopback addresses such as 127.0.0.1:8480. Port 0 takes the port of the last start if it is free, else any.
	Listen, ObjectsListen string
	// Demo adds the sample archive and its users.
	Demo bool
	// Seed makes another archive; 0 means the usual one.
	Seed uint64
	// AccessLifetime is how long an access token lives, and URLLifetime a signed URL that asks for no duration; 0 means 5 min and 8 h.
	AccessLifetime, URLLifetime time.Duration
	Logger                      *slog.Logger
}

// Addresses are where the parts of a running backend answer.
type Addresses struct {
	STAC    string `json:"stac"`
	Signing string `json:"signing"`
	Issuer  string `json:"issuer"`
	Objects string `json:"objects"`
}

// ErrInUse means that another server works on the state directory.
var ErrInUse = errors.New("another server is using this state directory")

// Server is a running backend.
type Server struct {
	addresses Addresses
	api       *http.Server
	objects   *http.Server
	serving   errgroup.Group
	closers   []func() error
}

// Start opens the state, fills the archive where there is none yet, and serves until Close. It returns once both
// ports answer.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{}
	if err := s.start(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), s.release())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, cfg Config) error {
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return err
	}
	if err := s.lock(cfg.StateDir); err != nil {
		return err
	}
	last := readAddresses(cfg.StateDir)
	api, err := listen(cfg.Listen, last.STAC)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, closed(api.Close))
	objects, err := listen(cfg.ObjectsListen, last.Objects)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, closed(objects.Close))

	base := "http://" + api.Addr().String()
	s.addresses = Addresses{
		STAC: base + "/stac", Signing: base + "/signing/", Issuer: base + "/realms/dinamis",
		Objects: "http://" + objects.Addr().String(),
	}
	p, err := s.assemble(ctx, cfg)
	if err != nil {
		return err
	}
	s.api = newHTTPServer(p.api, cfg.Logger)
	s.objects = newHTTPServer(p.objects, cfg.Logger)
	s.serving.Go(func() error { return served(s.api.Serve(api)) })
	s.serving.Go(func() error { return served(s.objects.Serve(objects)) })
	return writeAddresses(cfg.StateDir, s.addresses)
}

// Addresses returns where the backend answers.
func (s *Server) Addresses() Addresses { return s.addresses }

// Wait returns when serving has ended.
func (s *Server) Wait() error { return s.serving.Wait() }

// Close stops taking requests, finishes what runs until ctx ends, and releases the state directory.
func (s *Server) Close(ctx context.Context) error {
	err := errors.Join(s.api.Shutdown(ctx), s.objects.Shutdown(ctx))
	if err != nil {
		err = errors.Join(err, s.api.Close(), s.objects.Close())
	}
	return errors.Join(err, s.serving.Wait(), s.release())
}

func (s *Server) release() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *Server) lock(dir string) error {
	l := flock.New(filepath.Join(dir, "lock"))
	ok, err := l.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	if !ok {
		return fmt.Errorf("%s: %w", dir, ErrInUse)
	}
	s.closers = append(s.closers, l.Unlock)
	return nil
}

// listen takes the port of last, a URL, where address asks for port 0 and that port is free: signed-in clients and
// the hrefs in the archive then stay valid over a restart.
func listen(address, last string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: write it as 127.0.0.1:8480", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen address %q: only loopback (127.0.0.1, [::1]); put a reverse proxy with TLS in front to serve others", address)
	}
	if port == "0" && strings.HasPrefix(last, "http://"+host+":") {
		hostport, _, _ := strings.Cut(strings.TrimPrefix(last, "http://"), "/")
		if l, err := net.Listen("tcp", hostport); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", address)
}

func newHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10, // 64 URLs in a query string are tens of kilobytes
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// closed forgives a listener that http.Server closed already.
func closed(f func() error) func() error {
	return func() error {
		if err := f(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

func addressesFile(dir string) string { return filepath.Join(dir, "addresses.json") }

func readAddresses(dir string) Addresses {
	var a Addresses
	text, err := os.ReadFile(addressesFile(dir))
	if err != nil || json.Unmarshal(text, &a) != nil {
		return Addresses{} // the first start, or a file that only a hint was taken from
	}
	return a
}

func writeAddresses(dir string, a Addresses) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	tmp := addressesFile(dir) + ".new"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, addressesFile(dir))
}

// ReadAddresses returns where the server of a state directory answers, or fs.ErrNotExist if none was started there.
func ReadAddresses(dir string) (Addresses, error) {
	if a := readAddresses(dir); a != (Addresses{}) {
		return a, nil
	}
	return Addresses{}, fmt.Errorf("read %s: %w", addressesFile(dir), fs.ErrNotExist)
}
