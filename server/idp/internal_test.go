package idp

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPasswordHashes(t *testing.T) {
	h, err := HashPassword("correct horse")
	if err != nil || !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q %v", h, err)
	}
	again, err := HashPassword("correct horse")
	if err != nil || again == h {
		t.Error("two hashes of one password are equal: there is no salt")
	}
	if _, err := HashPassword(""); err == nil {
		t.Error("an empty password was hashed")
	}
	for name, c := range map[string]struct {
		hash string
		good string
	}{
		"ours": {h, "correct horse"},
		// From the argon2 reference command line: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 4 -l 24 -e
		"reference": {"$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0", ""},
		// From the bcrypt reference vectors (crypt_blowfish).
		"bcrypt 2a": {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
		"bcrypt 2y": {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	} {
		v, err := parseHash(c.hash)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.good != "" && !v.verify(c.good) {
			t.Errorf("%s: the right password is refused", name)
		}
		if v.verify(c.good + "x") {
			t.Errorf("%s: a wrong password is taken", name)
		}
	}
	for _, bad := range []string{
		"", "x", "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=16$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=19$m=99999999,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=19$t=2,m=65536,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=19$m=8,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=19$m=65536,t=0,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=19$m=65536,t=2,p=4$!$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0",
		"$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$", "$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ",
		"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2b$10$short",
	} {
		if _, err := parseHash(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27CRAt3D9yHgRkKmYZ5K2vxD0")
	f.Add("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	f.Add("$argon2id$")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseHash(s)
		if err != nil {
			return
		}
		if h, ok := v.(*argonHash); ok {
			again, err := parseArgon(h.String())
			if err != nil || again.memory != h.memory || again.time != h.time || again.lanes != h.lanes || string(again.key) != string(h.key) {
				t.Errorf("%q became %q (%v)", s, h.String(), err)
			}
		}
	})
}

func FuzzParseUsers(f *testing.F) {
	f.Add(`{"users": [{"username": "a", "password_hash": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "groups": ["g"]}]}`)
	f.Add(`{"users": null}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, s string) {
		users, err := ParseUsers(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, u := range users {
			if u.check == nil || u.Subject == "" || strings.ContainsAny(u.Username, "/\\ ") {
				t.Errorf("%q gave %+v", s, u)
			}
		}
	})
}

func TestLoopbackRedirect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uri := "http://" + rapid.SampledFrom([]string{"127.0.0.1", "[::1]"}).Draw(t, "host") +
			rapid.StringMatching(`(:[1-9][0-9]{0,3})?(/[a-z]*)*(\?[a-z]*=[a-z]*)?`).Draw(t, "rest")
		if !loopbackRedirect(uri) {
			t.Fatalf("%q is refused", uri)
		}
	})
	for _, uri := range []string{
		"", "http:", "http://", "//127.0.0.1/", "127.0.0.1:80", "https://127.0.0.1/", "http://localhost/", "http://127.0.0.1.evil/", "http://0x7f.1/",
		"http://127.1/", "http://[::]/", "http://0.0.0.0/", "http://[::1%25lo]/", "http://a@127.0.0.1/", "http://127.0.0.1/#", "http://127.0.0.1/#x", "ftp://127.0.0.1/",
	} {
		if loopbackRedirect(uri) {
			t.Errorf("%q is taken", uri)
		}
	}
}

func TestTextsAreComplete(t *testing.T) {
	en, fr := slices.Sorted(maps.Keys(textsEN)), slices.Sorted(maps.Keys(textsFR))
	if !slices.Equal(en, fr) {
		t.Errorf("the languages differ: %v, %v", en, fr)
	}
	for k := range textsEN {
		if strings.TrimSpace(textsEN[k]) == "" || strings.TrimSpace(textsFR[k]) == "" {
			t.Errorf("%s is empty", k)
		}
	}
}

func TestPendingIsBounded(t *testing.T) {
	p := newPending(applied().Now)
	for range maxPending {
		if _, err := p.addInteraction(&authRequest{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.addInteraction(&authRequest{}, nil); !errors.Is(err, errTooMany) {
		t.Errorf("got %v", err)
	}
}

func applied() Config {
	var c Config
	applyDefaults(&c)
	return c
}
