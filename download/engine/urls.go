package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// signBatch is the most hrefs that one call of the signing API takes (protocol.md, "Signing API").
const signBatch = 64

// urls signs hrefs in batches and keeps what was signed, in memory only, until shortly before it expires.
type urls struct {
	signers func(string) (download.Signer, error)
	now     func() time.Time

	mu     sync.Mutex
	signed map[hrefOf]signedAt
	busy   map[string]*signing
}

// signing is a call under way. Those who wait for it share an error that concerns them all.
type signing struct {
	done chan struct{}
	err  error
}

type hrefOf struct{ connection, href string }

type signedAt struct {
	download.Signed
	at time.Time
}

func newURLs(signers func(string) (download.Signer, error), now func() time.Time) *urls {
	return &urls{signers: signers, now: now, signed: map[hrefOf]signedAt{}, busy: map[string]*signing{}}
}

// fresh reports whether s can still be used: a quarter of its life is left, or 30 s.
func (s signedAt) fresh(now time.Time) bool {
	if s.Expiry.IsZero() {
		return true
	}
	margin := min(30*time.Second, s.Expiry.Sub(s.at)/4)
	return now.Before(s.Expiry.Add(-margin))
}

// get returns the URL for href. If it must be signed, ahead names others of the same connection that will start soon and are
// signed along. A URL just signed is returned whatever its expiry says: the clock here may be wrong.
func (u *urls) get(ctx context.Context, connection, href string, ahead func() []string) (download.Signed, error) {
	key := hrefOf{connection, href}
	for {
		u.mu.Lock()
		if s, ok := u.signed[key]; ok && s.fresh(u.now()) {
			u.mu.Unlock()
			return s.Signed, nil
		}
		wait, busy := u.busy[connection]
		if !busy {
			wait = &signing{done: make(chan struct{})}
			u.busy[connection] = wait
		}
		u.mu.Unlock()
		if !busy {
			s, err := u.sign(ctx, key, ahead)
			u.mu.Lock()
			wait.err = err
			close(wait.done)
			delete(u.busy, connection)
			u.mu.Unlock()
			return s, err
		}
		select {
		case <-wait.done:
			if wait.err != nil && passing(wait.err) {
				return download.Signed{}, wait.err
			}
		case <-ctx.Done():
			return download.Signed{}, ctx.Err()
		}
	}
}

// renew is get after the URL old was refused.
func (u *urls) renew(ctx context.Context, connection, href, old string, ahead func() []string) (download.Signed, error) {
	u.mu.Lock()
	key := hrefOf{connection, href}
	if s, ok := u.signed[key]; ok && s.URL == old {
		delete(u.signed, key)
	}
	_, other := u.signed[key]
	u.mu.Unlock()
	if !other {
		if s, err := u.signers(connection); err == nil {
			s.Forget(href)
		}
	}
	return u.get(ctx, connection, href, ahead)
}

// drop forgets the URL of a file that is finished.
func (u *urls) drop(connection, href string) {
	u.mu.Lock()
	delete(u.signed, hrefOf{connection, href})
	u.mu.Unlock()
}

func (u *urls) sign(ctx context.Context, key hrefOf, ahead func() []string) (download.Signed, error) {
	signer, err := u.signers(key.connection)
	if err != nil {
		return download.Signed{}, signError(key.connection, err)
	}
	batch := u.batch(key, ahead())
	signed, err := signer.Sign(ctx, batch)
	if err != nil && len(batch) > 1 && !passing(err) && ctx.Err() == nil {
		// One bad href must not stop the others.
		batch = batch[:1]
		signed, err = signer.Sign(ctx, batch)
	}
	if err != nil {
		return download.Signed{}, signError(key.connection, err)
	}
	if len(signed) != len(batch) {
		return download.Signed{}, signError(key.connection, &download.Error{
			Op: "sign", Kind: download.KindProtocol, Key: key.connection,
			Err: fmt.Errorf("%d URLs for %d hrefs", len(signed), len(batch)),
		})
	}
	at := u.now()
	u.mu.Lock()
	for i, s := range signed {
		u.signed[hrefOf{key.connection, batch[i]}] = signedAt{s, at}
	}
	u.mu.Unlock()
	if p, err := url.Parse(signed[0].URL); err != nil || p.Host == "" || (p.Scheme != "http" && p.Scheme != "https") {
		return download.Signed{}, &download.Error{Op: "sign", Kind: download.KindProtocol, Key: key.connection, Err: errors.New("the signed URL is no http or https URL")}
	}
	return signed[0], nil
}

func (u *urls) batch(key hrefOf, ahead []string) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	batch, seen, now := []string{key.href}, map[string]bool{key.href: true}, u.now()
	for _, h := range ahead {
		if len(batch) == signBatch {
			break
		}
		if s, ok := u.signed[hrefOf{key.connection, h}]; seen[h] || ok && s.fresh(now) {
			continue
		}
		seen[h] = true
		batch = append(batch, h)
	}
	return batch
}

// passing reports whether an error concerns the whole connection rather than one href.
func passing(err error) bool {
	switch download.KindOf(err) {
	case download.KindLogin, download.KindNetwork, download.KindThrottled, download.KindServer:
		return true
	}
	return false
}

// signError types an error of a signer; one without a type is taken for a failure that may pass.
func signError(connection string, err error) error {
	var de *download.Error
	if errors.As(err, &de) || errors.Is(err, context.Canceled) {
		return err
	}
	return &download.Error{Op: "sign", Kind: download.KindServer, Key: connection, Err: err}
}
