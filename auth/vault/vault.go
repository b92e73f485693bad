// Package vault holds the places that keep a login between two starts: the operating system's keychain, an encrypted file
// where there is none and the person agreed, and memory.
//
// What must not live here: what the secrets mean. A vault keeps short texts by name; whose refresh token it is, is known
// in oidc.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// MaxSecret is the most that every vault takes, in bytes: Windows' limit for one secret.
const MaxSecret = 2560

// Memory keeps secrets until the program ends. The zero value is ready.
type Memory struct {
	mu sync.Mutex
	m  map[string]auth.Secret
}

// Load implements auth.Vault.
func (v *Memory) Load(ctx context.Context, name string) (auth.Secret, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := check(ctx, "load secret", name, ""); err != nil {
		return "", err
	}
	s, ok := v.m[name]
	if !ok {
		return "", notFound(name)
	}
	return s, nil
}

// Save implements auth.Vault.
func (v *Memory) Save(ctx context.Context, name string, s auth.Secret) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := check(ctx, "save secret", name, s); err != nil {
		return err
	}
	if v.m == nil {
		v.m = map[string]auth.Secret{}
	}
	v.m[name] = s
	return nil
}

// Delete implements auth.Vault.
func (v *Memory) Delete(ctx context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := check(ctx, "delete secret", name, ""); err != nil {
		return err
	}
	delete(v.m, name)
	return nil
}

func notFound(name string) error {
	return &auth.Error{Op: "load secret", Kind: auth.KindNotFound, Key: name}
}

// check refuses what no vault takes.
func check(ctx context.Context, op, name string, s auth.Secret) error {
	switch {
	case ctx.Err() != nil:
		return &auth.Error{Op: op, Kind: auth.KindCancelled, Key: name, Err: ctx.Err()}
	case name == "":
		return &auth.Error{Op: op, Kind: auth.KindInternal, Err: errors.New("the secret has no name")}
	case len(s) > MaxSecret:
		return &auth.Error{Op: op, Kind: auth.KindInternal, Key: name, Err: fmt.Errorf("the secret has %d bytes; a keychain takes %d", len(s), MaxSecret)}
	}
	return nil
}

// Fallback says what happens where there is no keychain.
type Fallback uint8

// The fallbacks.
const (
	Ask           Fallback = iota // nothing is kept: Load, Save and Delete answer KindLocked, and a person is asked
	EncryptedFile                 // the person agreed to an encrypted file
	SessionOnly                   // the person wants to log in again at each start
)

// Options say what New picks from.
type Options struct {
	// Service is the name in the keychain; empty means "dinamis-desktop".
	Service string
	// File is used with the fallback EncryptedFile; its Consent is set by the fallback.
	File File
	// Fallback applies where there is no keychain.
	Fallback Fallback
	// ProbeTimeout bounds the first question to the keychain, since D-Bus can hang; 0 means 10 s. It includes the time
	// in which a person types a keychain's passphrase.
	ProbeTimeout time.Duration
}

// Auto is the keychain where it works, else the fallback. The keychain is tried on the first use, once.
type Auto struct {
	keychain *Keychain
	file     File
	memory   Memory
	timeout  time.Duration

	once     sync.Once
	done     chan struct{} // closed when the probe is over
	probeErr error         // why the keychain isn't used

	mu       sync.Mutex
	fallback Fallback
}

// New makes a vault. It touches neither keychain nor disk.
func New(o Options) *Auto {
	if o.ProbeTimeout == 0 {
		o.ProbeTimeout = 10 * time.Second
	}
	o.File.Consent = true // Auto itself asks for it.
	return &Auto{
		keychain: &Keychain{Service: o.Service}, file: o.File, timeout: o.ProbeTimeout,
		fallback: o.Fallback, done: make(chan struct{}),
	}
}

// SetFallback changes what happens where there is no keychain, after a person decided.
func (v *Auto) SetFallback(f Fallback) {
	v.mu.Lock()
	v.fallback = f
	v.mu.Unlock()
}

// Load implements auth.Vault.
func (v *Auto) Load(ctx context.Context, name string) (auth.Secret, error) {
	w, err := v.pick(ctx, "load secret", name)
	if err != nil {
		return "", err
	}
	return w.Load(ctx, name)
}

// Save implements auth.Vault.
func (v *Auto) Save(ctx context.Context, name string, s auth.Secret) error {
	w, err := v.pick(ctx, "save secret", name)
	if err != nil {
		return err
	}
	return w.Save(ctx, name, s)
}

// Delete implements auth.Vault. Where nothing may be kept, there is nothing to delete.
func (v *Auto) Delete(ctx context.Context, name string) error {
	w, err := v.pick(ctx, "delete secret", name)
	if auth.KindOf(err) == auth.KindLocked {
		return nil
	}
	if err != nil {
		return err
	}
	return w.Delete(ctx, name)
}

// Keychain waits for the probe and says whether the keychain is used; if not, why.
func (v *Auto) Keychain(ctx context.Context) (bool, error) {
	v.once.Do(func() {
		go func() {
			defer close(v.done)
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.timeout)
			defer cancel()
			v.probeErr = probe(ctx, v.keychain)
		}()
	})
	select {
	case <-v.done:
		return v.probeErr == nil, v.probeErr
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

func (v *Auto) pick(ctx context.Context, op, name string) (auth.Vault, error) {
	ok, why := v.Keychain(ctx)
	if ctx.Err() != nil {
		return nil, &auth.Error{Op: op, Kind: auth.KindCancelled, Key: name, Err: ctx.Err()}
	}
	if ok {
		return v.keychain, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch v.fallback {
	case EncryptedFile:
		return &v.file, nil
	case SessionOnly:
		return &v.memory, nil
	}
	return nil, &auth.Error{
		Op: op, Kind: auth.KindLocked, Key: name,
		Err: fmt.Errorf("this computer has no usable keychain (%w): allow an encrypted file, or log in at each start", why),
	}
}

// probe tries all that a vault does, under a name that is no one's.
func probe(ctx context.Context, v auth.Vault) error {
	name, want := "probe-"+rand.Text(), auth.Secret(rand.Text())
	if err := v.Save(ctx, name, want); err != nil {
		return err
	}
	got, err := v.Load(ctx, name)
	if err == nil && got != want {
		err = errors.New("the keychain gave back something else")
	}
	return errors.Join(err, v.Delete(ctx, name))
}

var (
	_ auth.Vault = (*Memory)(nil)
	_ auth.Vault = (*Keychain)(nil)
	_ auth.Vault = (*File)(nil)
	_ auth.Vault = (*Auto)(nil)
)
