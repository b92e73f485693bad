package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/crypto/chacha20poly1305"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

// File keeps secrets in one file, encrypted with XChaCha20-Poly1305 under a random key that lies in a second file.
//
// What this protects: a copy of the one file without the other (a backup, a synchronised or shared state folder, a crash
// report) tells nothing, and a changed file is noticed. What it doesn't: anyone who can read both files, which is every
// program of the same user, the administrator, and whoever holds the disk when it isn't encrypted. That is less than a
// keychain gives, and why Consent is asked for.
type File struct {
	// Path is the encrypted file.
	Path string
	// KeyPath is the file of the key. It should be in another folder than Path: the user's configuration, not the state.
	KeyPath string
	// Consent says that the person was told the above and agreed. Without it everything answers KindLocked.
	Consent bool
}

const (
	fileMagic   = "DINAMIS-VAULT-1\n" // also authenticated
	maxFile     = 1 << 20
	lockTimeout = 10 * time.Second
)

var errDamaged = errors.New("the file of secrets is damaged or its key was replaced: log in again")

// Load implements auth.Vault.
func (v *File) Load(ctx context.Context, name string) (auth.Secret, error) {
	const op = "load secret"
	if err := v.check(ctx, op, name, ""); err != nil {
		return "", err
	}
	// No lock: the file is replaced at once, so that a reader sees the old or the new one.
	all, err := v.read()
	if err != nil {
		return "", &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: name, Err: err}
	}
	s, ok := all[name]
	if !ok {
		return "", notFound(name)
	}
	return auth.Secret(s), nil
}

// Save implements auth.Vault. A file that can't be read any more is put aside as ".damaged", not overwritten.
func (v *File) Save(ctx context.Context, name string, s auth.Secret) error {
	return v.update(ctx, "save secret", name, s, func(all map[string]string) bool {
		all[name] = s.Reveal()
		return true
	})
}

// Delete implements auth.Vault.
func (v *File) Delete(ctx context.Context, name string) error {
	return v.update(ctx, "delete secret", name, "", func(all map[string]string) bool {
		_, ok := all[name]
		delete(all, name)
		return ok
	})
}

func (v *File) check(ctx context.Context, op, name string, s auth.Secret) error {
	if !v.Consent {
		return &auth.Error{Op: op, Kind: auth.KindLocked, Key: name, Err: errors.New("keeping the login in an encrypted file needs your consent")}
	}
	return check(ctx, op, name, s)
}

// update changes the file under a lock that other processes hold too. change says whether there is something to write.
func (v *File) update(ctx context.Context, op, name string, s auth.Secret, change func(map[string]string) bool) error {
	if err := v.check(ctx, op, name, s); err != nil {
		return err
	}
	fail := func(err error) error {
		return &auth.Error{Op: op, Kind: auth.KindUnavailable, Key: name, Err: err}
	}
	if err := os.MkdirAll(filepath.Dir(v.Path), 0o700); err != nil {
		return fail(err)
	}
	lock := flock.New(v.Path+".lock", flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if ok, err := lock.TryLockContext(ctx, 20*time.Millisecond); !ok || err != nil {
		return fail(errors.Join(errors.New("another process holds the file of secrets"), err))
	}
	defer lock.Unlock() //nolint:errcheck // closing the file unlocks it
	all, err := v.read()
	if errors.Is(err, errDamaged) {
		if err := os.Rename(v.Path, v.Path+".damaged"); err != nil {
			return fail(err)
		}
		all, err = map[string]string{}, nil
	}
	if err != nil {
		return fail(err)
	}
	if !change(all) {
		return nil
	}
	if err := v.write(all); err != nil {
		return fail(err)
	}
	return nil
}

// read returns all secrets; none if there is no file yet.
func (v *File) read() (map[string]string, error) {
	f, err := os.Open(v.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	key, err := v.key(false)
	if err != nil {
		return nil, err
	}
	return open(b, key)
}

// open decrypts a file. Whatever is wrong with it, the answer is errDamaged.
func open(b, key []byte) (map[string]string, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("%w (key: %w)", errDamaged, err)
	}
	if len(b) > maxFile || !bytes.HasPrefix(b, []byte(fileMagic)) || len(b) < len(fileMagic)+aead.NonceSize() {
		return nil, errDamaged
	}
	rest := b[len(fileMagic):]
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(fileMagic))
	if err != nil {
		return nil, errDamaged
	}
	all := map[string]string{}
	if err := json.Unmarshal(plain, &all); err != nil || all == nil {
		return nil, errDamaged
	}
	return all, nil
}

func seal(all map[string]string, key []byte) ([]byte, error) {
	plain, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return aead.Seal(append([]byte(fileMagic), nonce...), nonce, plain, []byte(fileMagic)), nil
}

func (v *File) write(all map[string]string) error {
	key, err := v.key(true)
	if err != nil {
		return err
	}
	b, err := seal(all, key)
	if err != nil {
		return err
	}
	return replace(v.Path, b)
}

// key reads the key; with create it makes one where there is none. A key that others can read is refused.
func (v *File) key(create bool) ([]byte, error) {
	st, err := os.Stat(v.KeyPath)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, errDamaged
		}
		return v.newKey()
	}
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the key %s can be read by others (%v): make it 0600", v.KeyPath, st.Mode().Perm())
	}
	key, err := os.ReadFile(v.KeyPath)
	if err != nil {
		return nil, err
	}
	if len(key) != chacha20poly1305.KeySize {
		if create {
			return v.newKey()
		}
		return nil, errDamaged
	}
	return key, nil
}

func (v *File) newKey() ([]byte, error) {
	key := make([]byte, chacha20poly1305.KeySize)
	rand.Read(key)
	if err := os.MkdirAll(filepath.Dir(v.KeyPath), 0o700); err != nil {
		return nil, err
	}
	return key, replace(v.KeyPath, key)
}

// replace writes a file so that after a crash the old or the new content is there, never half of it.
func replace(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes the rename durable where folders can be synced; elsewhere the system does it in its own time.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync() //nolint:errcheck // not every file system can
		d.Close()
	}
}
