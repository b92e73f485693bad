package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/signing"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/vault"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

func start(t *testing.T, dir string) *server.Server {
	t.Helper()
	s, err := server.Start(t.Context(), server.Config{StateDir: dir, Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0", Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *server.Server) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil && t.Context().Err() == nil {
		t.Error(err)
	}
}

// login returns a signer in the name of a user of the demo.
func login(t *testing.T, a server.Addresses, user string) *signing.Signer {
	t.Helper()
	session := oidc.New(oidc.Config{
		Name: "test", Issuer: a.Issuer, ClientID: "dinamis-desktop", Vault: &vault.Memory{},
		OpenBrowser: idptest.Browser{Username: user, Password: user}.Open,
	})
	t.Cleanup(session.Close)
	if err := session.LoginBrowser(t.Context()); err != nil {
		t.Fatal(err)
	}
	return signing.New(signing.Config{Endpoint: a.Signing, Tokens: session})
}

// item is what the tests read of an item.
type item struct {
	ID     string
	Assets map[string]struct {
		Href     string
		Checksum string `json:"file:checksum"`
		Size     int64  `json:"file:size"`
	}
}

func search(t *testing.T, a server.Addresses, query string) (items []item, matched int) {
	t.Helper()
	var page struct {
		Features      []item
		NumberMatched int
	}
	body := get(t, a.STAC+"/search?"+query, http.StatusOK)
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	return page.Features, page.NumberMatched
}

func get(t *testing.T, address string, want int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Fatalf("%s: %s, want %d\n%.300s", strings.SplitN(address, "?", 2)[0], resp.Status, want, body)
	}
	return body
}

// Filling the archive takes seconds, so these share one server.
func TestDemo(t *testing.T) {
	a := start(t, t.TempDir()).Addresses()
	t.Run("from login to bytes", func(t *testing.T) { testFromLoginToBytes(t, a) })
	t.Run("the archive holds what it promises", func(t *testing.T) { testArchiveHoldsWhatItPromises(t, a) })
	t.Run("every user writes only under their own name", func(t *testing.T) { testEveryUserWritesOnlyUnderTheirOwnName(t, a) })
}

func testFromLoginToBytes(t *testing.T, a server.Addresses) {
	items, matched := search(t, a, "collections=super-sentinel-2-l2a&limit=1&bbox=3.6,43.5,4.1,43.8")
	if len(items) != 1 || matched < 1 {
		t.Fatalf("%d items, %d matched", len(items), matched)
	}
	asset := items[0].Assets["img"]
	if asset.Checksum != "" {
		t.Fatal("a checksum stands before the bytes exist")
	}
	get(t, asset.Href, http.StatusForbidden)
	get(t, strings.TrimSuffix(a.STAC, "stac")+"licences/super-sentinel-2-l2a.txt", http.StatusOK)

	signed, err := login(t, a, "alice").Sign(t.Context(), []string{asset.Href})
	if err != nil {
		t.Fatal(err)
	}
	u := signed[0].URL.Reveal()
	if !strings.Contains(u, "X-Amz-Security-Token=") {
		t.Error("the URL was not signed with temporary credentials")
	}
	body := get(t, u, http.StatusOK)
	sum := sha256.Sum256(body)

	items, _ = search(t, a, "collections=super-sentinel-2-l2a&ids="+items[0].ID)
	if got, want := items[0].Assets["img"].Checksum, "1220"+hex.EncodeToString(sum[:]); got != want {
		t.Errorf("file:checksum is %q, the bytes say %q", got, want)
	}
	if got := items[0].Assets["img"].Size; got != int64(len(body)) {
		t.Errorf("file:size is %d, the object has %d bytes", got, len(body))
	}
}

func testArchiveHoldsWhatItPromises(t *testing.T, a server.Addresses) {
	total := 0
	for _, c := range []string{"spot-6-7-drs", "sentinel2-l2a-theia", "super-sentinel-2-l2a"} {
		// Counting stops at 10,000 unless a client prefers to know.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.STAC+"/search?limit=1&collections="+c, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Prefer", "count=1000000")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var page struct{ NumberMatched int }
		err = json.NewDecoder(resp.Body).Decode(&page)
		resp.Body.Close()
		if err != nil || page.NumberMatched == 0 {
			t.Fatalf("%s: %d items, %v", c, page.NumberMatched, err)
		}
		total += page.NumberMatched
	}
	if total < 20_000 {
		t.Errorf("the archive has %d items", total)
	}
}

func TestRestartKeepsAddressesAndFillsOnce(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	first := s.Addresses()
	if _, err := server.Start(t.Context(), server.Config{StateDir: dir, Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0"}); !errors.Is(err, server.ErrInUse) {
		t.Errorf("a second server on the same directory: %v", err)
	}
	before := get(t, first.STAC+"/search?limit=5", http.StatusOK)
	stop(t, s)
	stat, err := os.Stat(filepath.Join(dir, "catalogue.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, dir).Addresses()
	if again != first {
		t.Errorf("addresses changed from %v to %v although the ports are free", first, again)
	}
	if read, err := server.ReadAddresses(dir); err != nil || read != again {
		t.Errorf("addresses.json says %v (%v)", read, err)
	}
	if after := get(t, again.STAC+"/search?limit=5", http.StatusOK); string(before) != string(after) {
		t.Error("the same search answers something else after a restart")
	}
	if now, err := os.Stat(filepath.Join(dir, "catalogue.sqlite")); err != nil || now.ModTime().After(stat.ModTime().Add(time.Minute)) {
		t.Errorf("catalogue after a restart: %v", err)
	}
}

func testEveryUserWritesOnlyUnderTheirOwnName(t *testing.T, a server.Addresses) {
	signer := login(t, a, "bob")
	// auth/signing signs for reading; the store must refuse what was signed for something else.
	signed, err := signer.Sign(t.Context(), []string{a.Objects + "/dinamis/users/alice/note.txt"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, signed[0].URL.Reveal(), strings.NewReader("mine now"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("PUT with a URL signed for GET: %s", resp.Status)
	}
}

func TestBadConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  server.Config
		file string
		want string
	}{
		"not loopback":  {server.Config{Listen: "0.0.0.0:0", ObjectsListen: "127.0.0.1:0"}, "", "loopback"},
		"no port":       {server.Config{Listen: "127.0.0.1", ObjectsListen: "127.0.0.1:0"}, "", "write it as"},
		"bad policies":  {server.Config{Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0"}, `{"Roles": [{"RoleName": "x", "Wrong": 1}]}`, "policies.json"},
		"no such roles": {server.Config{Listen: "127.0.0.1:0", ObjectsListen: "127.0.0.1:0"}, `{"Roles": []}`, "role"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.StateDir = t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(c.cfg.StateDir, "policies.json"), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := server.Start(t.Context(), c.cfg)
			if err == nil {
				stop(t, s)
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error does not name what is wrong: %v", err)
			}
			// Nothing is left locked or listening.
			if _, err := os.Stat(filepath.Join(c.cfg.StateDir, "addresses.json")); err == nil {
				t.Error("addresses of a server that never ran were written")
			}
		})
	}
}
