// Package signing is a client of the signing API: it turns hrefs of private objects into URLs that can be fetched, in
// batches, and remembers them until shortly before they end.
//
// It implements auth.Signer. A signed URL is a secret: it never stands in an error or a log.
package signing

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

const (
	// batchSize is the most that the signing API takes in one call.
	batchSize = 64
	// defaultMargin is how long before its end a URL is signed again, as the published SDKs do.
	defaultMargin = 30 * time.Minute
	// maxCached bounds the memory of signed URLs; each takes about 2 KB.
	maxCached = 20_000
)

// Config says whom to ask, in whose name, and for which hrefs. Endpoint and Tokens are required.
type Config struct {
	// Endpoint is the signing API, such as https://signing.stac.teledetection.fr/.
	Endpoint string
	// Tokens gives the access tokens of the login. If it can also Renew, a token that the signing API refuses is renewed once.
	Tokens auth.TokenSource
	// Hosts are the hosts whose hrefs are signed: "example.org", "127.0.0.1:8481", "*.example.org" (its subdomains), or "*".
	// None means "*". Hrefs of other hosts pass through as they are.
	Hosts []string
	// Duration is how long URLs are to work; 0 leaves it to the signing API.
	Duration time.Duration
	// Margin is how long before its end a URL is signed again, but never more than half of its life; 0 means 30 min.
	Margin time.Duration
	// HTTPClient makes the calls; nil means one with a time-out of 30 s.
	HTTPClient *http.Client
	// Backoff is the pause after a first failure that may pass; it doubles each time. 0 means 800 ms.
	Backoff time.Duration
	// Attempts bounds the tries of one call; 0 means 5.
	Attempts int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Renewer is a token source that can be told that a token was refused although it should still be valid: the provider revoked
// it, or clocks differ.
type Renewer interface {
	// Renew returns a token other than the refused one, or an error that wraps auth.ErrLoginRequired.
	Renew(ctx context.Context, refused auth.Token) (auth.Token, error)
}

// Signer signs through the signing API. Safe for concurrent use.
type Signer struct {
	cfg Config

	mu    sync.Mutex
	known map[string]entry
	calls map[string]*batch // by href, while under way
	epoch int               // grows with Reset: an answer to an older question isn't kept
}

type entry struct {
	signed auth.Signed
	until  time.Time // when it is signed again
}

var _ auth.Signer = (*Signer)(nil)

// New returns a signer. Nothing is contacted before the first Sign.
func New(cfg Config) *Signer {
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = httpx.NewClient(30 * time.Second)
	}
	if len(cfg.Hosts) == 0 {
		cfg.Hosts = []string{"*"}
	}
	if cfg.Margin <= 0 {
		cfg.Margin = defaultMargin
	}
	if cfg.Backoff <= 0 {
		cfg.Backoff = 800 * time.Millisecond
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 5
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Signer{cfg: cfg, known: map[string]entry{}, calls: map[string]*batch{}}
}

// Sign answers one Signed per href, in order. What is known and lives long enough is answered at once; the rest is asked
// for in batches, each href once for all who wait. It fails as a whole with an *auth.Error.
func (s *Signer) Sign(ctx context.Context, hrefs []string) ([]auth.Signed, error) {
	out := make([]auth.Signed, len(hrefs))
	waiting := map[*batch][]int{}
	s.mu.Lock()
	now := s.cfg.Now()
	var fresh *batch
	var started []*batch
	for i, href := range hrefs {
		if pass, expiry := s.passes(href); pass {
			out[i] = auth.Signed{Href: href, URL: auth.Secret(href), Expiry: expiry}
			continue
		}
		if e, ok := s.known[href]; ok && now.Before(e.until) {
			out[i] = e.signed
			continue
		}
		b := s.calls[href]
		if b == nil {
			if fresh == nil || len(fresh.hrefs) == batchSize {
				fresh = s.newBatch(ctx)
				started = append(started, fresh)
			}
			b = fresh
			b.hrefs = append(b.hrefs, href)
			s.calls[href] = b
		}
		if waiting[b] == nil {
			b.waiters++
		}
		waiting[b] = append(waiting[b], i)
	}
	s.mu.Unlock()
	for _, b := range started {
		go s.run(b)
	}
	if err := s.await(ctx, hrefs, waiting, out); err != nil {
		return nil, err
	}
	return out, nil
}

// await collects the answers of the batches. A caller that leaves takes a batch with it only if nobody else waits for that.
func (s *Signer) await(ctx context.Context, hrefs []string, waiting map[*batch][]int, out []auth.Signed) error {
	var failed error
	for b, places := range waiting {
		if failed == nil {
			select {
			case <-b.done:
				for _, i := range places {
					failed = cmp.Or(failed, b.failed[hrefs[i]])
				}
			case <-ctx.Done():
				failed = &auth.Error{Op: "sign", Kind: auth.KindCancelled, Err: ctx.Err()}
			}
		}
		s.leave(b)
		if failed != nil {
			continue
		}
		for _, i := range places {
			out[i] = b.answer[hrefs[i]]
		}
	}
	return failed
}

// Forget drops what is known of these hrefs, so that the next Sign asks again.
func (s *Signer) Forget(hrefs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range hrefs {
		delete(s.known, h)
	}
}

// Reset drops everything: call it when the login changes, since a signed URL carries the rights of whom it was signed for.
func (s *Signer) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = map[string]entry{}
	s.calls = map[string]*batch{}
	s.epoch++
}

// passes tells whether an href is left as it is, and until when it works if it is signed already.
func (s *Signer) passes(href string) (bool, time.Time) {
	u, err := url.Parse(href)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return true, time.Time{}
	}
	if signed, expiry := alreadySigned(u.Query()); signed {
		return true, expiry
	}
	for _, pattern := range s.cfg.Hosts {
		if matchHost(pattern, u) {
			return false, time.Time{}
		}
	}
	return true, time.Time{}
}

// matchHost compares host and port if the pattern names a port, else the host alone.
func matchHost(pattern string, u *url.URL) bool {
	host, pattern := u.Hostname(), strings.ToLower(pattern)
	if _, _, err := net.SplitHostPort(pattern); err == nil {
		host = u.Host
	} else {
		pattern = strings.Trim(pattern, "[]")
	}
	// The brackets of an IPv6 address are no character class.
	ok, err := path.Match(strings.NewReplacer("[", `\[`, "]", `\]`).Replace(pattern), strings.ToLower(host))
	return ok && err == nil
}

// alreadySigned recognises the presigned URLs of S3, Google Cloud Storage, Azure and CloudFront.
func alreadySigned(q url.Values) (bool, time.Time) {
	for _, p := range []string{"X-Amz", "X-Goog"} {
		if !q.Has(p + "-Signature") {
			continue
		}
		at, err := time.Parse("20060102T150405Z", q.Get(p+"-Date"))
		life, err2 := time.ParseDuration(q.Get(p+"-Expires") + "s")
		if errors.Join(err, err2) != nil {
			return true, time.Time{}
		}
		return true, at.Add(life)
	}
	if q.Has("sig") && q.Has("se") {
		end, _ := time.Parse(time.RFC3339, q.Get("se")) // zero if it cannot be read
		return true, end
	}
	return q.Has("Signature") && (q.Has("Expires") || q.Has("Key-Pair-Id")), time.Time{}
}
