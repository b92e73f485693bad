package idp_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

func writeUsers(t *testing.T, path, text string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// A date of its own, since two writes may fall into one tick of the file system.
	when := time.Now().Add(-age)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

func TestUsersFile(t *testing.T) {
	argon, err := idp.HashPassword("pässword")
	if err != nil {
		t.Fatal(err)
	}
	bc, err := bcrypt.GenerateFromPassword([]byte("old"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users.json")
	users := func(carolDisabled bool) string {
		return fmt.Sprintf(`{"users": [
			{"username": "carol", "password_hash": %q, "groups": ["users", "lab"], "name": "Carol", "email": "c@example.org", "disabled": %v},
			{"username": "dan", "password_hash": %q, "sub": "dan-1"}]}`, argon, carolDisabled, bc)
	}
	writeUsers(t, path, users(false), time.Hour)
	s := idptest.Start(t, func(c *idp.Config) { c.Demo, c.UsersFile = false, path })
	a := newApp(t, s)
	carol := idptest.Browser{Username: "carol", Password: "pässword"}
	tk := a.login(carol)
	if got := a.claims(tk.Access); fmt.Sprint(got["groups"]) != "[users lab]" {
		t.Errorf("carol: %v", got)
	}
	dan := a.login(idptest.Browser{Username: "dan", Password: "old"})
	if got := a.claims(dan.Access); got["sub"] != "dan-1" || fmt.Sprint(got["groups"]) != "[]" {
		t.Errorf("dan: %v", got)
	}
	if err := alice().Open(a.authURL()); err == nil {
		t.Error("a demo user logged in without demo")
	}
	p, _ := carol.Walk(a.authURL("prompt", "login"))
	if strings.Contains(p.Text, "Demonstration") {
		t.Error("the page speaks of demo users")
	}

	// Disabled while the provider runs.
	writeUsers(t, path, users(true), 30*time.Minute)
	if got, status := a.refresh(tk.Refresh); status != http.StatusBadRequest || got.Error != "invalid_grant" {
		t.Errorf("refresh of a disabled user: %d %+v", status, got)
	}
	if status, _ := a.userinfo(tk.Access); status != http.StatusUnauthorized {
		t.Errorf("userinfo of a disabled user: %d", status)
	}
	if err := carol.Open(a.authURL()); err == nil {
		t.Error("a disabled user logged in")
	}
	// A bad file is not taken; the users stay as they were.
	writeUsers(t, path, `{"users": [`, 20*time.Minute)
	if _, status := a.refresh(dan.Refresh); status != http.StatusOK {
		t.Errorf("refresh with a bad users file: %d", status)
	}
}

func TestBadUsersFile(t *testing.T) {
	good, err := idp.HashPassword("x")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":       {`users:`, "want {"},
		"unknown field":  {`{"users": [{"username": "a", "password": "b"}]}`, `"password"`},
		"more":           {`{"users": []} {}`, "after the end"},
		"no name":        {`{"users": [{"password_hash": "` + good + `"}]}`, "users[0] (\"\"): username"},
		"bad name":       {`{"users": [{"username": "../x", "password_hash": "` + good + `"}]}`, "users[0] (\"../x\"): username"},
		"no hash":        {`{"users": [{"username": "a", "password_hash": "` + good + `"}, {"username": "b"}]}`, `users[1] ("b"): password_hash`},
		"plain password": {`{"users": [{"username": "a", "password_hash": "secret-in-clear"}]}`, "$argon2id$"},
		"twice":          {`{"users": [{"username": "a", "password_hash": "` + good + `"}, {"username": "a", "password_hash": "` + good + `"}]}`, "also that of users[0]"},
		"empty group":    {`{"users": [{"username": "a", "password_hash": "` + good + `", "groups": ["x", ""]}]}`, "groups[1]"},
		"sub twice":      {`{"users": [{"username": "a", "sub": "1", "password_hash": "` + good + `"}, {"username": "b", "sub": "1", "password_hash": "` + good + `"}]}`, "sub: is also"},
		"demo's name":    {`{"users": [{"username": "alice", "password_hash": "` + good + `"}]}`, "also that of"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "users.json")
			writeUsers(t, path, c.text, 0)
			_, err := idp.New(t.Context(), idp.Config{Issuer: "http://127.0.0.1:1/realms/dinamis", Dir: t.TempDir(), UsersFile: path, Demo: true})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret-in-clear") {
				t.Error("the error shows the field's content")
			}
		})
	}
	if _, err := idp.New(t.Context(), idp.Config{Issuer: "http://127.0.0.1:1/realms/dinamis", Dir: t.TempDir(), UsersFile: "/no/such/file"}); err == nil {
		t.Error("a users file that isn't there was taken")
	}
	for _, issuer := range []string{"", "realms/dinamis", "http://127.0.0.1/", "http://h/x?y"} {
		if _, err := idp.New(t.Context(), idp.Config{Issuer: issuer, Dir: t.TempDir()}); err == nil {
			t.Errorf("issuer %q was taken", issuer)
		}
	}
}

func TestStateIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := idptest.Start(t, func(c *idp.Config) { c.Dir = dir })
	a := newApp(t, s)
	tk := a.login(alice())
	next, _ := a.refresh(tk.Refresh)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there is no state", err)
	}
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", f, st.Mode())
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{tk.Refresh, next.Refresh} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s has a refresh token in clear", f)
			}
		}
	}
}
