package downloadtest

import (
	"context"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// Signer signs the store's hrefs.
type Signer struct {
	Store *Store
	// Life is how long a URL claims to be valid; 0: for ever. Now is its clock [time.Now].
	Life time.Duration
	Now  func() time.Time

	mu      sync.Mutex
	err     error
	batches [][]string
	forgot  int
}

// Fail makes Sign return err until it is called with nil.
func (s *Signer) Fail(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
}

// Batches returns the hrefs of each call so far.
func (s *Signer) Batches() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]string(nil), s.batches...)
}

// Forgotten counts the hrefs that were refused and forgotten.
func (s *Signer) Forgotten() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forgot
}

// Sign implements download.Signer.
func (s *Signer) Sign(ctx context.Context, hrefs []string) ([]download.Signed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, append([]string(nil), hrefs...))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	out := make([]download.Signed, len(hrefs))
	for i, h := range hrefs {
		out[i] = download.Signed{Href: h, URL: s.Store.sign(h)}
		if s.Life > 0 {
			out[i].Expiry = now().Add(s.Life)
		}
	}
	return out, nil
}

// Forget implements download.Signer.
func (s *Signer) Forget(hrefs ...string) {
	s.mu.Lock()
	s.forgot += len(hrefs)
	s.mu.Unlock()
}
