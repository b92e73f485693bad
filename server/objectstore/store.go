package objectstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/singleflight"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// Maker makes objects that are not on disk when they are first asked for.
type Maker interface {
	// Make writes the whole object to the file path, which doesn't exist yet or is empty. The store then keeps it as if it had
	// been put. An error that wraps fs.ErrNotExist means that there is no such key. Several objects may be made at
	// once, but never the same one; ctx ends only when the store closes.
	Make(ctx context.Context, bucket, key, path string) error
}

// Config says what a store is made of. Dir and Issuer are required.
type Config struct {
	// Dir holds everything: blobs, index, keys. One store at a time uses it.
	Dir string
	// Region is what GetBucketLocation answers; empty means us-east-1. Signatures for any region are accepted.
	Region string
	// Issuer is the identity provider whose tokens AssumeRoleWithWebIdentity accepts; it is discovered on first use.
	Issuer string
	// Provider is its name in trust policies; empty means DefaultProvider. The issuer's URL goes for its name too.
	Provider string
	// Audience is what a token's aud must contain; empty means "dinamis".
	Audience string
	// Buckets are created if they don't exist.
	Buckets []string
	// Policies decide; nil means DefaultPolicies("dinamis").
	Policies *Policies
	// CapToToken ends temporary credentials with the token that they were given for. AWS lets them outlive it, and so does
	// this store by default, since the signing API hands out URLs that work for hours to people whose tokens live for minutes.
	CapToToken bool
	// Maker makes missing objects; nil means that a missing key is missing.
	Maker Maker
	// MakeConcurrency bounds how many objects are made at once; 0 means the number of CPUs.
	MakeConcurrency int
	// RootKey is the permanent key for administration. Nil means that one is generated and kept in Dir, readable by its owner.
	RootKey *Credentials
	// MaxObjectBytes bounds one object; 0 means 5 TiB, the bound of S3.
	MaxObjectBytes int64
	// HTTPClient reaches the identity provider; nil means one with a time-out of 10 s.
	HTTPClient *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets one line per request, without its query; nil means none.
	Logger *slog.Logger
}

// Credentials are an access key with its secret.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
}

// String shows the key and hides the secret.
func (c Credentials) String() string { return c.AccessKeyID + ":[secret]" }

// GoString shows the key and hides the secret.
func (c Credentials) GoString() string { return c.String() }

// LogValue shows the key and hides the secret.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Store is an object store: an http.Handler for a port of its own. Mount it directly: a ServeMux in front would clean paths,
// and a cleaned path is another key.
type Store struct {
	cfg      Config
	root     Credentials
	sealer   *sealer
	index    *index
	blobs    *blobs
	lock     *flock.Flock
	provider *provider
	policies atomic.Pointer[Policies]

	making  singleflight.Group
	slots   chan struct{} // one per object being made
	ctx     context.Context
	stop    context.CancelFunc
	pending sync.WaitGroup
	idle    func() // closes the connections of a client of our own
}

// New opens the store under cfg.Dir, or lays it out there. Close it.
func New(cfg Config) (*Store, error) {
	s, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	return s, nil
}

func open(cfg Config) (s *Store, err error) {
	idle := func() {}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = httpx.NewClient(10 * time.Second)
		idle = cfg.HTTPClient.CloseIdleConnections
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(cfg.Dir, "lock"))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("%s is in use by another store", cfg.Dir), err)
	}
	s = &Store{cfg: cfg, lock: lock, idle: idle, slots: make(chan struct{}, cfg.MakeConcurrency)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	keys, err := loadKeys(filepath.Join(cfg.Dir, "keys.json"))
	if err != nil {
		return nil, err
	}
	s.root = keys.Root
	if cfg.RootKey != nil {
		s.root = *cfg.RootKey
	}
	if s.sealer, err = newSealer(keys.Seal); err != nil {
		return nil, err
	}
	if s.index, err = openIndex(s.ctx, filepath.Join(cfg.Dir, "index.db")); err != nil {
		return nil, err
	}
	if s.blobs, err = openBlobs(cfg.Dir); err != nil {
		return nil, err
	}
	if err := s.sweep(s.ctx); err != nil {
		return nil, err
	}
	for _, b := range cfg.Buckets {
		if err := s.CreateBucket(s.ctx, b); err != nil {
			return nil, err
		}
	}
	s.provider = &provider{issuer: cfg.Issuer, audience: cfg.Audience, client: cfg.HTTPClient, now: cfg.Now}
	return s, s.SetPolicies(cfg.Policies)
}

func (cfg *Config) complete() error {
	if cfg.Dir == "" {
		return errors.New("the Dir is empty")
	}
	if u, err := url.Parse(cfg.Issuer); err != nil || u.Host == "" {
		return fmt.Errorf("the Issuer %q must be the URL of an identity provider", cfg.Issuer)
	}
	if k := cfg.RootKey; k != nil && (len(k.AccessKeyID) < 3 || len(k.SecretAccessKey) < 8 || isTemporary(k.AccessKeyID)) {
		return fmt.Errorf("the RootKey must have a key of 3 characters or more that doesn't start with %s, and a secret of 8 or more", temporaryPrefix)
	}
	for _, b := range cfg.Buckets {
		if err := checkBucket(b); err != nil {
			return err
		}
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Provider == "" {
		cfg.Provider = DefaultProvider
	}
	if cfg.Audience == "" {
		cfg.Audience = "dinamis"
	}
	if cfg.Policies == nil {
		cfg.Policies = DefaultPolicies("dinamis")
	}
	if cfg.MakeConcurrency <= 0 {
		cfg.MakeConcurrency = runtime.NumCPU()
	}
	if cfg.MaxObjectBytes <= 0 {
		cfg.MaxObjectBytes = 5 << 40
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Close stops what is being made, waits for it, and closes the index. Stop the HTTP server first.
func (s *Store) Close() error {
	s.stop()
	s.pending.Wait()
	s.idle()
	var err error
	if s.index != nil {
		err = s.index.close()
	}
	return errors.Join(err, s.lock.Unlock())
}

// RootKey returns the permanent key, for administration only. The signing API must not have it.
func (s *Store) RootKey() Credentials { return s.root }

// SetPolicies puts p in the place of the policies in force. Credentials already handed out are judged by p from then on.
func (s *Store) SetPolicies(p *Policies) error {
	for _, name := range p.providers() {
		if !slices.Contains(s.providerNames(), name) {
			return fmt.Errorf("a trust policy has Federated %q, but the identity provider here is %q", name, s.cfg.Provider)
		}
	}
	s.policies.Store(p)
	return nil
}

// Policies returns the policies in force.
func (s *Store) Policies() *Policies { return s.policies.Load() }

func (s *Store) providerNames() []string { return []string{s.cfg.Provider, s.cfg.Issuer} }

// CreateBucket makes a bucket; one that exists is no error.
func (s *Store) CreateBucket(ctx context.Context, bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	return s.index.createBucket(ctx, bucket, s.cfg.Now())
}

// Stat returns what the index knows of an object that is on disk; an error that wraps fs.ErrNotExist if it isn't.
func (s *Store) Stat(ctx context.Context, bucket, key string) (ObjectInfo, error) {
	return s.index.get(ctx, bucket, key)
}
