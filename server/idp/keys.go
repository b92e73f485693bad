package idp

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/sqlitex"
)

// keyRing holds the signing keys, newest first. The newest signs, all verify.
type keyRing struct {
	db  *sqlitex.DB
	now func() time.Time

	mu   sync.RWMutex
	keys []*signingKey
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

func (k *signingKey) ID() string                                  { return k.id }
func (k *signingKey) Key() any                                    { return k.private }
func (k *signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type publicKey struct{ *signingKey }

func (k publicKey) Key() any                           { return &k.private.PublicKey }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }

func openKeyRing(ctx context.Context, db *sqlitex.DB, first *rsa.PrivateKey, now func() time.Time) (*keyRing, error) {
	r := &keyRing{db: db, now: now}
	rows, err := db.RO.QueryContext(ctx, "SELECT id, private FROM keys ORDER BY created DESC, rowid DESC")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var der []byte
		if err := rows.Scan(&id, &der); err != nil {
			return nil, err
		}
		k, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", id, err)
		}
		private, ok := k.(*rsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("key %s is a %T, want RSA", id, k)
		}
		r.keys = append(r.keys, &signingKey{id, private})
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(r.keys) == 0 {
		return r, r.add(ctx, first)
	}
	return r, nil
}

// add makes key the one that signs; nil generates one.
func (r *keyRing) add(ctx context.Context, key *rsa.PrivateKey) error {
	if key == nil {
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	k := &signingKey{rand.Text(), key}
	err = r.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO keys(id, private, created) VALUES(?, ?, ?)", k.id, der, r.now().UnixMilli())
		return err
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.keys = append([]*signingKey{k}, r.keys...)
	r.mu.Unlock()
	return nil
}

// drop forgets keys that were replaced before t.
func (r *keyRing) drop(ctx context.Context, t time.Time) error {
	err := r.db.Update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM keys WHERE created < (SELECT max(created) FROM keys WHERE created <= ?)", t.UnixMilli())
		return err
	})
	if err != nil {
		return err
	}
	fresh, err := openKeyRing(ctx, r.db, nil, r.now)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.keys = fresh.keys
	r.mu.Unlock()
	return nil
}

func (r *keyRing) signing() (op.SigningKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.keys) == 0 {
		return nil, errors.New("there is no signing key")
	}
	return r.keys[0], nil
}

func (r *keyRing) public() []op.Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]op.Key, len(r.keys))
	for i, k := range r.keys {
		out[i] = publicKey{k}
	}
	return out
}

// RotateKey makes a new signing key. Tokens signed by the older ones stay valid. Keys that were replaced
// two refresh lifetimes ago can have no living token any more and are forgotten.
func (p *Provider) RotateKey(ctx context.Context) error {
	if err := p.keys.add(ctx, nil); err != nil {
		return fmt.Errorf("idp: rotate key: %w", err)
	}
	if err := p.keys.drop(ctx, p.now().Add(-2*p.cfg.RefreshLifetime)); err != nil {
		return fmt.Errorf("idp: rotate key: %w", err)
	}
	return nil
}
