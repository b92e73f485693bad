// Package signing is the S3 signing API: a login goes in, short-lived URLs come out.
//
// It answers as the living service of DINAMIS and THEIA does, so that the published SDKs work against it unchanged. The chain is
// real: the caller's own bearer token goes to the store's STS (AssumeRoleWithWebIdentity), which checks it and answers
// temporary credentials of that user; these presign. No permanent key of the store is here, so a URL can never do more than its
// user may.
//
// What must not be here: policies (the store has them), API keys and who owns them (a KeyRing brings them), the catalogue.
package signing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// Bounds of the API. A presigned URL lives seven days at most (Signature Version 4), and no longer than the credentials
// that signed it.
const (
	MaxURLs         = 64
	DefaultDuration = 8 * time.Hour
	MaxDuration     = 7 * 24 * time.Hour
	minSession      = 15 * time.Minute
	defaultSession  = 12 * time.Hour
	maxBody         = 1 << 20
	maxTokenBytes   = 16 << 10
)

// Call is what Authorize is asked about. Claims are those of a token that STS accepted.
type Call struct {
	Claims      map[string]any
	Action      string // s3:PutObject
	Bucket, Key string
}

// KeyRing turns a pair of an API key into an access token of its owner.
type KeyRing interface {
	// Token returns the token; an error that wraps ErrUnknownKey if the pair is not valid (any more).
	Token(ctx context.Context, accessKey, secretKey string) (string, error)
}

// ErrUnknownKey means that an API key does not exist, is revoked, or came with another secret.
var ErrUnknownKey = errors.New("the API key is not valid")

// Config says what is signed and by whom. ObjectsURL, PublicURL, TokenURL and RoleARN are required.
type Config struct {
	// PublicURL is where clients reach this API, such as http://127.0.0.1:8480/signing/. Its path is taken off a request's
	// path where it is there, so that the API can be mounted with http.StripPrefix or without, or at the root.
	PublicURL string
	// ObjectsURL is the endpoint of the object store, path style, as clients reach it: what URLs to sign start with.
	ObjectsURL string
	// STSURL is where the store's STS answers; empty means ObjectsURL.
	STSURL string
	// Buckets are the buckets whose objects are signed; none means all.
	Buckets []string
	// Region stands in the credential scope; empty means us-east-1.
	Region string
	// RoleARN is the role that users take.
	RoleARN string
	// TokenURL is the absolute URL of the identity provider's token endpoint; clients read it from openapi.json.
	TokenURL string
	// DefaultDuration is how long a URL works if nothing is asked; 0 means 8 h. Longer than MaxDuration is clamped to it; 0 means 7 days.
	DefaultDuration, MaxDuration time.Duration
	// SessionDuration is how long temporary credentials are asked for; MaxSession is the longest that the role allows, which
	// is what they are asked for where a URL is to live longer than SessionDuration. 0 means 12 h for both.
	SessionDuration, MaxSession time.Duration
	// Authorize, if not nil, refuses an upload before it is signed, where the store's policies are known here. The store decides in
	// any case.
	Authorize func(ctx context.Context, c Call) error
	// Keys accepts API keys; nil means that they are not enabled.
	Keys KeyRing
	// HTTPClient reaches STS; nil means one with a time-out of 20 s.
	HTTPClient *http.Client
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// API is the signing API.
type API struct {
	cfg      Config
	base     string // path of PublicURL, with a slash at its end
	objects  *url.URL
	sessions *sessions
	signer   *v4.Signer
	openapi  []byte
	docs     []byte
}

// New checks cfg and returns the API. Nothing is contacted before the first request.
func New(cfg Config) (*API, error) {
	a, err := build(cfg)
	if err != nil {
		return nil, fmt.Errorf("signing API: %w", err)
	}
	return a, nil
}

func build(cfg Config) (*API, error) {
	public, err := absolute("PublicURL", cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	objects, err := absolute("ObjectsURL", cfg.ObjectsURL)
	if err != nil {
		return nil, err
	}
	if _, err := absolute("TokenURL", cfg.TokenURL); err != nil {
		return nil, err
	}
	// The SDKs derive other endpoints by replacing "/token".
	if strings.Count(cfg.TokenURL, "/token") != 1 || !strings.HasSuffix(cfg.TokenURL, "/token") {
		return nil, fmt.Errorf("the TokenURL %q must end in /token and have that once", cfg.TokenURL)
	}
	if len(cfg.RoleARN) < 20 {
		return nil, fmt.Errorf("the RoleARN %q must be arn:aws:iam::<account>:role/<name>", cfg.RoleARN)
	}
	if cfg.STSURL == "" {
		cfg.STSURL = cfg.ObjectsURL
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	cfg.durations()
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = httpx.NewClient(20 * time.Second)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{
		cfg: cfg, base: strings.TrimSuffix(public.Path, "/") + "/", objects: objects,
		signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }),
	}
	a.sessions = newSessions(cfg)
	if a.openapi, err = openAPI(cfg); err != nil {
		return nil, err
	}
	a.docs = docsPage(cfg)
	return a, nil
}

func (cfg *Config) durations() {
	orElse := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	orElse(&cfg.MaxDuration, MaxDuration)
	cfg.MaxDuration = min(cfg.MaxDuration, MaxDuration)
	orElse(&cfg.DefaultDuration, DefaultDuration)
	cfg.DefaultDuration = min(cfg.DefaultDuration, cfg.MaxDuration)
	orElse(&cfg.SessionDuration, defaultSession)
	orElse(&cfg.MaxSession, max(defaultSession, cfg.SessionDuration))
	cfg.SessionDuration = max(min(cfg.SessionDuration, cfg.MaxSession), minSession)
	cfg.MaxSession = max(cfg.MaxSession, cfg.SessionDuration)
}

func absolute(name, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the %s %q must be an absolute http or https URL without a query", name, s)
	}
	return u, nil
}
