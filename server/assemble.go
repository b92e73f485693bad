package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/store"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/objectstore"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/signing"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/stacapi"
)

// bucket holds the archive.
const bucket = "dinamis"

// parts are the handlers of the two ports.
type parts struct {
	api, objects http.Handler
}

// assemble opens each part on the state directory and wires them.
func (s *Server) assemble(ctx context.Context, cfg Config) (parts, error) {
	provider, err := idp.New(ctx, idp.Config{
		Issuer: s.addresses.Issuer, Dir: filepath.Join(cfg.StateDir, "idp"), UsersFile: usersFile(cfg.StateDir),
		Demo: cfg.Demo, AccessLifetime: cfg.AccessLifetime, Logger: cfg.Logger.With("part", "idp"),
	})
	if err != nil {
		return parts{}, err
	}
	s.closers = append(s.closers, provider.Close)

	cat, err := store.Open(ctx, filepath.Join(cfg.StateDir, "catalogue.sqlite"), store.Options{Authoritative: true})
	if err != nil {
		return parts{}, err
	}
	s.closers = append(s.closers, cat.Close)
	mux := http.NewServeMux()
	maker, err := s.sampleArchive(ctx, cfg, cat, mux)
	if err != nil {
		return parts{}, err
	}

	objects, err := s.objectStore(cfg, maker)
	if err != nil {
		return parts{}, err
	}
	s.closers = append(s.closers, objects.Close)
	role, err := userRole(objects.Policies())
	if err != nil {
		return parts{}, err
	}

	signer, err := signing.New(signing.Config{
		PublicURL: s.addresses.Signing, ObjectsURL: s.addresses.Objects, RoleARN: objectstore.RoleARN(role),
		TokenURL:        s.addresses.Issuer + "/protocol/openid-connect/token",
		DefaultDuration: cfg.URLLifetime, MaxSession: maxSession, Authorize: refusesWhatTheStoreWould(objects, role),
		Logger: cfg.Logger.With("part", "signing"),
	})
	if err != nil {
		return parts{}, err
	}
	stac, err := stacapi.New(stacapi.Config{
		Source: cat, PublicURL: s.addresses.STAC, Title: "DINAMIS reference catalogue", CountUpTo: countUpTo,
		Description: "STAC API of the DINAMIS reference backend.", Logger: cfg.Logger.With("part", "stac"),
	})
	if err != nil {
		return parts{}, err
	}
	mux.Handle("/realms/dinamis/", provider)
	mux.Handle("/signing/", signer)
	mux.Handle("/stac", stac)
	mux.Handle("/stac/", stac)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/stac/api.html", http.StatusFound) })
	return parts{api: mux, objects: objects}, nil
}

// maxSession is the longest that the role of the default policies gives temporary credentials for, so that URLs may be asked to live as long.
const maxSession = 7 * 24 * time.Hour

// countUpTo is how many matches a search counts by default: enough for "2,345 of …", cheap enough for each page.
const countUpTo = 10_000

// sampleArchive fills the catalogue and serves the archive's licences, which anybody may read. The maker makes its objects.
func (s *Server) sampleArchive(ctx context.Context, cfg Config, cat *store.Store, mux *http.ServeMux) (objectstore.Maker, error) {
	if !cfg.Demo {
		return nil, nil
	}
	base := strings.TrimSuffix(s.addresses.STAC, "/stac")
	archive, err := demo.New(demo.Config{Seed: cfg.Seed, ObjectsURL: s.addresses.Objects, Bucket: bucket, LicencesURL: base + "/licences"})
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /licences/{name}", func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutSuffix(r.PathValue("name"), ".txt")
		text := archive.Licence(catalog.CollectionID(name))
		if !ok || text == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
	})
	if err := fillArchive(ctx, cat, archive, s.addresses, cfg.Seed); err != nil {
		return nil, fmt.Errorf("fill the sample archive: %w", err)
	}
	return &archiveMaker{archive: archive, cat: cat}, nil
}

// objectStore opens the store under the policies of policies.json, or the default ones.
func (s *Server) objectStore(cfg Config, maker objectstore.Maker) (*objectstore.Store, error) {
	policies, err := readPolicies(filepath.Join(cfg.StateDir, "policies.json"))
	if err != nil {
		return nil, err
	}
	return objectstore.New(objectstore.Config{
		Dir: filepath.Join(cfg.StateDir, "objects"), Issuer: s.addresses.Issuer, Audience: idp.ResourceAudience,
		Buckets: []string{bucket}, Policies: policies, Maker: maker, Logger: cfg.Logger.With("part", "objects"),
	})
}

// userRole returns the role that users take: the default one, or the only one of policies.json.
func userRole(p *objectstore.Policies) (string, error) {
	roles := p.Roles()
	switch {
	case slices.Contains(roles, objectstore.DefaultRole):
		return objectstore.DefaultRole, nil
	case len(roles) == 1:
		return roles[0], nil
	}
	return "", fmt.Errorf("policies.json: it names %d roles; name the one that users take %q", len(roles), objectstore.DefaultRole)
}

// refusesWhatTheStoreWould lets the signing API say no to an upload before it is tried. The store decides in any case.
func refusesWhatTheStoreWould(objects *objectstore.Store, role string) func(context.Context, signing.Call) error {
	return func(_ context.Context, c signing.Call) error {
		return objects.Policies().Authorize(objectstore.Request{
			Role: role, Claims: objectstore.NewClaims(c.Claims), Action: c.Action, Resource: objectstore.ResourceARN(c.Bucket, c.Key),
		})
	}
}

func readPolicies(path string) (*objectstore.Policies, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return objectstore.DefaultPolicies(bucket), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	p, err := objectstore.ParsePolicies(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// usersFile returns the users' file where there is one. A server without users still serves public questions.
func usersFile(dir string) string {
	path := filepath.Join(dir, "users.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}
