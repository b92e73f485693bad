package idp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// The cost of a new hash: OWASP's second recommendation for argon2id (19 MiB, 2 passes, 1 lane).
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// Bounds of what a users file may ask for, so that a typing error doesn't eat the machine.
const (
	maxArgonMemory = 1 << 20 // KiB
	maxArgonTime   = 64
	maxBcryptCost  = 16
)

// HashPassword returns the argon2id hash of password as a PHC string, for a users file.
func HashPassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("the password is empty")
	}
	return hashPassword(password, argonMemory, argonTime), nil
}

func hashPassword(password string, memory, time uint32) string {
	h := argonHash{memory: memory, time: time, lanes: argonLanes, salt: make([]byte, argonSalt)}
	rand.Read(h.salt)
	h.key = argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, argonKey)
	return h.String()
}

// verifier checks one password.
type verifier interface{ verify(password string) bool }

// parseHash reads an argon2id (PHC) or bcrypt ($2a$, $2b$, $2y$) hash.
func parseHash(s string) (verifier, error) {
	switch {
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon(s)
	case strings.HasPrefix(s, "$2a$"), strings.HasPrefix(s, "$2b$"), strings.HasPrefix(s, "$2y$"):
		cost, err := bcrypt.Cost([]byte(s))
		if err != nil {
			return nil, fmt.Errorf("bcrypt: %w", err)
		}
		if cost > maxBcryptCost {
			return nil, fmt.Errorf("bcrypt: cost %d is over %d", cost, maxBcryptCost)
		}
		if len(s) != 60 {
			return nil, fmt.Errorf("bcrypt: %d characters, want 60", len(s))
		}
		return bcryptHash(s), nil
	}
	return nil, errors.New("want a hash that starts with $argon2id$, $2a$, $2b$ or $2y$")
}

type bcryptHash string

func (h bcryptHash) verify(password string) bool {
	return bcrypt.CompareHashAndPassword([]byte(h), []byte(password)) == nil
}

type argonHash struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

func (h *argonHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.lanes,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

func (h *argonHash) verify(password string) bool {
	got := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(got, h.key) == 1
}

// parseArgon reads $argon2id$v=19$m=…,t=…,p=…$salt$key (PHC string format; the parameters in this order, as every
// writer has them).
func parseArgon(s string) (*argonHash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return nil, fmt.Errorf("argon2id: %d fields, want $argon2id$v=19$m=…,t=…,p=…$salt$hash", len(parts)-1)
	}
	if parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, fmt.Errorf("argon2id: version %q, want v=%d", parts[2], argon2.Version)
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return nil, fmt.Errorf("argon2id: parameters %q, want m=…,t=…,p=…", parts[3])
	}
	h := &argonHash{}
	m, err1 := argonParam(params[0], "m", maxArgonMemory)
	t, err2 := argonParam(params[1], "t", maxArgonTime)
	p, err3 := argonParam(params[2], "p", 255)
	salt, err4 := argonBytes(parts[4], "salt", 8, 64)
	key, err5 := argonBytes(parts[5], "hash", 16, 64)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, err
	}
	if m < 8*p {
		return nil, fmt.Errorf("argon2id: m=%d is under 8 × p", m)
	}
	h.memory, h.time, h.lanes, h.salt, h.key = uint32(m), uint32(t), uint8(p), salt, key
	return h, nil
}

func argonParam(s, name string, most uint64) (uint64, error) {
	v, ok := strings.CutPrefix(s, name+"=")
	n, err := strconv.ParseUint(v, 10, 32)
	if !ok || err != nil || n == 0 || n > most {
		return 0, fmt.Errorf("argon2id: parameter %q, want %s=1…%d", s, name, most)
	}
	return n, nil
}

func argonBytes(s, name string, least, most int) ([]byte, error) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("argon2id: %s: %w", name, err)
	}
	if len(b) < least || len(b) > most {
		return nil, fmt.Errorf("argon2id: %s of %d bytes, want %d to %d", name, len(b), least, most)
	}
	return b, nil
}
