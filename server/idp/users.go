package idp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// User is one entry of a users file: {"users": [{"username": "alice", "password_hash": "$argon2id$…", "groups": ["users"]}]}.
type User struct {
	Username string `json:"username"`
	// PasswordHash is argon2id (PHC string, see HashPassword) or bcrypt.
	PasswordHash string `json:"password_hash"`
	// Subject is the "sub" claim; empty derives one from the user name.
	Subject  string   `json:"sub,omitempty"`
	Name     string   `json:"name,omitempty"`
	Email    string   `json:"email,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Disabled bool     `json:"disabled,omitempty"`

	check verifier
}

const maxUsersFile = 16 << 20

// ParseUsers reads a users file. The error names the entry and the field.
func ParseUsers(r io.Reader) ([]User, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxUsersFile))
	if err != nil {
		return nil, err
	}
	var file struct {
		Users []User `json:"users"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf(`want {"users": [{"username": …, "password_hash": …, "groups": […]}]}: %w`, err)
	}
	if dec.More() {
		return nil, errors.New("there is something after the end of the JSON object")
	}
	return file.Users, checkUsers(file.Users)
}

// checkUsers completes the entries in place.
func checkUsers(users []User) error {
	names, subjects := map[string]int{}, map[string]int{}
	for i := range users {
		u := &users[i]
		bad := func(field, why string) error { return fmt.Errorf("users[%d] (%q): %s: %s", i, u.Username, field, why) }
		if !validUsername(u.Username) {
			return bad("username", "want 1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit")
		}
		if j, ok := names[u.Username]; ok {
			return bad("username", fmt.Sprintf("is also that of users[%d]", j))
		}
		names[u.Username] = i
		check, err := parseHash(u.PasswordHash)
		if err != nil {
			return bad("password_hash", err.Error())
		}
		u.check = check
		if u.Subject == "" {
			u.Subject = uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:dinamis:user:"+u.Username)).String()
		}
		if j, ok := subjects[u.Subject]; ok {
			return bad("sub", fmt.Sprintf("is also that of users[%d]", j))
		}
		subjects[u.Subject] = i
		if k := slices.Index(u.Groups, ""); k >= 0 {
			return bad(fmt.Sprintf("groups[%d]", k), "is empty")
		}
		if u.Name == "" {
			u.Name = u.Username
		}
	}
	return nil
}

// validUsername admits names that are safe in a policy's path (users/<name>/).
func validUsername(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i, c := range []byte(s) {
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// demoUsers have passwords that everyone knows, so that their hashes needn't cost anything.
func demoUsers() []User {
	users := []User{
		{Username: "alice", Name: "Alice Martin", Email: "alice@example.org", Groups: []string{"users"}},
		{Username: "bob", Name: "Bob Durand", Email: "bob@example.org", Groups: []string{"users"}},
		{Username: "admin1", Name: "Admin One", Email: "admin1@example.org", Groups: []string{"admin"}},
	}
	for i := range users {
		users[i].PasswordHash = hashPassword(users[i].Username, 64, 1)
	}
	return users
}

// userStore holds the users and follows the file.
type userStore struct {
	path  string
	demo  []User
	log   *slog.Logger
	dummy verifier // checked for unknown names, so that they take as long as known ones
	gate  chan struct{}

	mu        sync.Mutex
	byName    map[string]*User
	bySubject map[string]*User
	mtime     time.Time
	size      int64
}

func newUserStore(path string, demo bool, log *slog.Logger) (*userStore, error) {
	s := &userStore{path: path, log: log, gate: make(chan struct{}, 2)}
	h, err := HashPassword("nobody")
	if err != nil {
		return nil, err
	}
	if s.dummy, err = parseHash(h); err != nil {
		return nil, err
	}
	if demo {
		s.demo = demoUsers()
	}
	return s, s.reload()
}

// reload reads the file if it changed. On error the users stay as they are.
func (s *userStore) reload() error {
	var users []User
	if s.path != "" {
		st, err := os.Stat(s.path)
		if err != nil {
			return fmt.Errorf("users file: %w", err)
		}
		if s.byName != nil && st.ModTime().Equal(s.mtime) && st.Size() == s.size {
			return nil
		}
		f, err := os.Open(s.path)
		if err != nil {
			return fmt.Errorf("users file: %w", err)
		}
		defer f.Close()
		// These are remembered first: a bad file is reported once, not at every login.
		s.mtime, s.size = st.ModTime(), st.Size()
		if users, err = ParseUsers(f); err != nil {
			return fmt.Errorf("users file %s: %w", s.path, err)
		}
	} else if s.byName != nil {
		return nil
	}
	users = append(users, s.demo...)
	if err := checkUsers(users); err != nil {
		return fmt.Errorf("users file %s with the demo's users: %w", s.path, err)
	}
	s.byName, s.bySubject = make(map[string]*User, len(users)), make(map[string]*User, len(users))
	for i := range users {
		s.byName[users[i].Username], s.bySubject[users[i].Subject] = &users[i], &users[i]
	}
	return nil
}

// subject returns the enabled user with this "sub".
func (s *userStore) subject(sub string) (*User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow()
	u := s.bySubject[sub]
	return u, u != nil && !u.Disabled
}

// authenticate returns the enabled user with this name and password. It takes as long for an unknown name.
func (s *userStore) authenticate(name, password string) (*User, bool) {
	s.mu.Lock()
	s.follow()
	u := s.byName[name]
	s.mu.Unlock()
	check := s.dummy
	if u != nil {
		check = u.check
	}
	// A hash takes much memory on purpose; the gate bounds how many are made at once.
	s.gate <- struct{}{}
	ok := check.verify(password)
	<-s.gate
	return u, ok && u != nil && !u.Disabled
}

func (s *userStore) follow() {
	if err := s.reload(); err != nil {
		s.log.Error("the users file cannot be read; the users stay as they were", "err", err)
	}
}
