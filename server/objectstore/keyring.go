package objectstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keyring is the file with the store's secrets.
type keyring struct {
	Root Credentials
	Seal []byte // 32 bytes: session tokens are sealed with a key derived from it
}

// loadKeys reads the keyring, or makes one that only its owner can read.
func loadKeys(path string) (keyring, error) {
	var k keyring
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &k); err != nil || len(k.Seal) != 32 || k.Root.AccessKeyID == "" || k.Root.SecretAccessKey == "" {
			return keyring{}, fmt.Errorf("%s is damaged: remove it to get new keys; URLs that are signed already stop working then", path)
		}
		return k, nil
	case !errors.Is(err, fs.ErrNotExist):
		return keyring{}, err
	}
	k = keyring{Root: Credentials{AccessKeyID: newAccessKey("AKIA"), SecretAccessKey: base64.StdEncoding.EncodeToString(random(30))}, Seal: random(32)}
	if b, err = json.Marshal(k); err != nil {
		return keyring{}, err
	}
	return k, writeSecret(path, b)
}

// writeSecret writes a file of mode 0600, whole or not at all.
func writeSecret(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand.Read never fails
	return b
}

// temporaryPrefix starts the access keys of temporary credentials, as AWS has it; "AKIA" starts permanent ones.
const temporaryPrefix = "ASIA"

func isTemporary(accessKey string) bool { return strings.HasPrefix(accessKey, temporaryPrefix) }

func newAccessKey(prefix string) string {
	return prefix + base32.StdEncoding.EncodeToString(random(10))
}

// session is what temporary credentials stand for. It travels in the session token, sealed: the store keeps nothing, and
// a restart leaves signed URLs valid.
type session struct {
	AccessKey string `json:"a"`
	Role      string `json:"r"`
	Name      string `json:"n"` // RoleSessionName
	Subject   string `json:"s"`
	Expires   int64  `json:"e"` // Unix seconds
	Claims    Claims `json:"c,omitempty"`
}

// sealer seals sessions and derives the secrets that belong to their keys.
type sealer struct {
	aead   cipher.AEAD
	secret []byte
}

func newSealer(master []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "dinamis session token", 32)
	if err != nil {
		return nil, err
	}
	secret, err := hkdf.Key(sha256.New, master, nil, "dinamis session secret", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead: aead, secret: secret}, err
}

// secretOf returns the secret of a temporary access key.
func (k *sealer) secretOf(accessKey string) string {
	return base64.StdEncoding.EncodeToString(hmacSHA256(k.secret, accessKey)[:30])
}

func (k *sealer) seal(s session) (string, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(k.aead.Seal(nil, nil, b, nil)), nil
}

// open returns the session in the token, if it is ours, belongs to the access key, and hasn't ended.
func (k *sealer) open(token, accessKey string, now time.Time) (session, error) {
	var s session
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		b, err = k.aead.Open(nil, nil, b, nil)
	}
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil || s.AccessKey != accessKey {
		return session{}, fail(http.StatusBadRequest, "InvalidToken", "The provided token is malformed or otherwise invalid.")
	}
	if now.Unix() >= s.Expires {
		return session{}, fail(http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
	}
	return s, nil
}
