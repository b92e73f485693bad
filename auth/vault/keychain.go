package vault

import (
	"context"
	"errors"

	"github.com/zalando/go-keyring"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// DefaultService is the name of our secrets in the keychain.
const DefaultService = "dinamis-desktop"

// Keychain is the operating system's: Keychain on macOS, Credential Manager on Windows, Secret Service (GNOME Keyring,
// KWallet) elsewhere. The zero value is ready.
type Keychain struct {
	Service string // empty means DefaultService
}

func (v *Keychain) service() string {
	if v.Service == "" {
		return DefaultService
	}
	return v.Service
}

// Load implements auth.Vault.
func (v *Keychain) Load(ctx context.Context, name string) (auth.Secret, error) {
	const op = "load secret"
	if err := check(ctx, op, name, ""); err != nil {
		return "", err
	}
	s, err := bounded(ctx, func() (string, error) { return keyring.Get(v.service(), name) })
	if errors.Is(err, keyring.ErrNotFound) {
		return "", notFound(name)
	}
	if err != nil {
		return "", v.failed(op, name, err)
	}
	return auth.Secret(s), nil
}

// Save implements auth.Vault.
func (v *Keychain) Save(ctx context.Context, name string, s auth.Secret) error {
	const op = "save secret"
	if err := check(ctx, op, name, s); err != nil {
		return err
	}
	_, err := bounded(ctx, func() (struct{}, error) { return struct{}{}, keyring.Set(v.service(), name, s.Reveal()) })
	return v.failed(op, name, err)
}

// Delete implements auth.Vault.
func (v *Keychain) Delete(ctx context.Context, name string) error {
	const op = "delete secret"
	if err := check(ctx, op, name, ""); err != nil {
		return err
	}
	_, err := bounded(ctx, func() (struct{}, error) { return struct{}{}, keyring.Delete(v.service(), name) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return v.failed(op, name, err)
}

func (v *Keychain) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	kind := auth.KindUnavailable
	if errors.Is(err, context.Canceled) {
		kind = auth.KindCancelled
	}
	return &auth.Error{Op: op, Kind: kind, Key: name, Err: err}
}

// bounded ends with ctx, though the keychain's calls can't: one that hangs stays behind until D-Bus answers it.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	c := make(chan result, 1)
	go func() {
		v, err := f()
		c <- result{v, err}
	}()
	select {
	case r := <-c:
		return r.v, r.err
	case <-ctx.Done():
		var zero T
		return zero, errors.Join(errors.New("the keychain doesn't answer"), ctx.Err())
	}
}
