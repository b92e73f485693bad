package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
)

func newFile(t *testing.T) *File {
	dir := t.TempDir()
	return &File{Path: filepath.Join(dir, "state", "secrets"), KeyPath: filepath.Join(dir, "config", "vault.key"), Consent: true}
}

// conform is what every vault does.
func conform(t *testing.T, v auth.Vault) {
	t.Helper()
	ctx := t.Context()
	if _, err := v.Load(ctx, "none"); auth.KindOf(err) != auth.KindNotFound {
		t.Errorf("a secret that isn't there: %v", err)
	}
	if err := v.Delete(ctx, "none"); err != nil {
		t.Errorf("delete what isn't there: %v", err)
	}
	long := auth.Secret(strings.Repeat("é", MaxSecret/2))
	for _, s := range []auth.Secret{"first", "second, with é, \n and \"quotes\"", "", long} {
		if err := v.Save(ctx, "a connection/é", s); err != nil {
			t.Fatalf("save: %v", err)
		}
		if err := v.Save(ctx, "other", "kept"); err != nil {
			t.Fatalf("save: %v", err)
		}
		if got, err := v.Load(ctx, "a connection/é"); err != nil || got != s {
			t.Errorf("load gave %d bytes (%v), want %d", len(got), err, len(s))
		}
	}
	if err := v.Save(ctx, "a connection/é", long+"x"); err == nil {
		t.Error("a secret over the limit was taken")
	}
	if got, err := v.Load(ctx, "a connection/é"); err != nil || got != long {
		t.Errorf("a refused save changed the secret: %v", err)
	}
	if err := v.Delete(ctx, "a connection/é"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, err := v.Load(ctx, "a connection/é"); auth.KindOf(err) != auth.KindNotFound {
		t.Errorf("a deleted secret: %v", err)
	}
	if got, err := v.Load(ctx, "other"); err != nil || got != "kept" {
		t.Errorf("another secret: %v", err)
	}
	if err := v.Save(ctx, "", "x"); err == nil {
		t.Error("a secret without a name was taken")
	}
	if err := v.Delete(ctx, "other"); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := v.Load(over, "other"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled load: %v", err)
	}
}

func TestConformance(t *testing.T) {
	keyring.MockInit()
	t.Run("memory", func(t *testing.T) { conform(t, &Memory{}) })
	t.Run("file", func(t *testing.T) { conform(t, newFile(t)) })
	t.Run("keychain", func(t *testing.T) { conform(t, &Keychain{}) })
	t.Run("auto", func(t *testing.T) { conform(t, New(Options{})) })
}

// childEnv tells this test binary that it runs below dbus-run-session.
const childEnv = "DINAMIS_TEST_SECRET_SERVICE"

// TestSecretService runs the suite on a real GNOME Keyring, on a bus of its own. It needs the Debian packages dbus and
// gnome-keyring.
func TestSecretService(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		secretServiceChild(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", self, "-test.run=^TestSecretService$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"=1", "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_DATA_HOME="+filepath.Join(dir, "data"))
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestSecretService")) {
		t.Fatalf("dbus-run-session (Debian: dbus, gnome-keyring): %v\n%s", err, out)
	}
}

func secretServiceChild(t *testing.T) {
	daemon := exec.Command("gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground")
	daemon.Stdin = strings.NewReader("passphrase")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		daemon.Process.Kill()
		daemon.Wait()
	}()
	// Nothing may ask for the service before the daemon has its name: the bus would start another one, which is locked.
	bus, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var owned bool
		if err := bus.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&owned); err != nil {
			t.Fatal(err)
		}
		if owned {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("gnome-keyring-daemon doesn't take its name on the bus")
		}
	}
	v := New(Options{ProbeTimeout: 20 * time.Second})
	if ok, err := v.Keychain(t.Context()); !ok {
		t.Fatalf("the keychain isn't usable: %v", err)
	}
	conform(t, v)
	conform(t, &Keychain{Service: "dinamis-test"})
}

func TestAutoWithoutKeychain(t *testing.T) {
	keyring.MockInitWithError(errors.New("no D-Bus here"))
	defer keyring.MockInit()
	f := newFile(t)
	v := New(Options{File: *f})
	err := v.Save(t.Context(), "a", "s")
	if auth.KindOf(err) != auth.KindLocked || !strings.Contains(err.Error(), "no D-Bus here") || !strings.Contains(err.Error(), "encrypted file") {
		t.Errorf("save without a decision: %v", err)
	}
	if _, err := v.Load(t.Context(), "a"); auth.KindOf(err) != auth.KindLocked {
		t.Errorf("load without a decision: %v", err)
	}
	if err := v.Delete(t.Context(), "a"); err != nil {
		t.Errorf("delete without a decision: %v", err)
	}
	v.SetFallback(SessionOnly)
	conform(t, v)
	if _, err := os.Stat(f.Path); !os.IsNotExist(err) {
		t.Errorf("session only, but there is a file: %v", err)
	}
	v.SetFallback(EncryptedFile)
	conform(t, v)
	if _, err := os.Stat(f.Path); err != nil {
		t.Errorf("there is no file: %v", err)
	}
}

func TestKeychainThatHangs(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := bounded(ctx, func() (int, error) { <-release; return 1, nil })
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "keychain") {
		t.Errorf("got %v", err)
	}
}

func TestFileNeedsConsent(t *testing.T) {
	f := newFile(t)
	f.Consent = false
	if err := f.Save(t.Context(), "a", "s"); auth.KindOf(err) != auth.KindLocked {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(f.Path)); !os.IsNotExist(err) {
		t.Error("something was written without consent")
	}
}

func TestFileOnDisk(t *testing.T) {
	f := newFile(t)
	ctx := t.Context()
	if err := f.Save(ctx, "theia", "a very secret token"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{f.Path, f.KeyPath} {
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, st.Mode(), err)
		}
	}
	b, _ := os.ReadFile(f.Path)
	if bytes.Contains(b, []byte("secret token")) || bytes.Contains(b, []byte("theia")) {
		t.Error("the file shows its content")
	}
	if err := os.Chmod(f.KeyPath, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(ctx, "theia"); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that others can read: %v", err)
	}
	os.Chmod(f.KeyPath, 0o600)

	b[len(b)-1] ^= 1
	if err := os.WriteFile(f.Path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(ctx, "theia"); auth.KindOf(err) != auth.KindUnavailable || !strings.Contains(err.Error(), "log in again") {
		t.Errorf("a damaged file: %v", err)
	}
	if err := f.Save(ctx, "theia", "new"); err != nil {
		t.Errorf("save after damage: %v", err)
	}
	if kept, err := os.ReadFile(f.Path + ".damaged"); err != nil || !bytes.Equal(kept, b) {
		t.Errorf("the damaged file wasn't put aside: %v", err)
	}
	if err := os.Remove(f.KeyPath); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(ctx, "theia"); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("a lost key: %v", err)
	}
	if err := f.Save(ctx, "theia", "newer"); err != nil {
		t.Errorf("save after the key was lost: %v", err)
	}
	if got, err := f.Load(ctx, "theia"); err != nil || got != "newer" {
		t.Errorf("load: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(f.Path), ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFileSharedByProcesses(t *testing.T) {
	f := newFile(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			other := *f // as another process has it
			if err := other.Save(t.Context(), fmt.Sprint(i), auth.Secret(fmt.Sprint("s", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		if got, err := f.Load(t.Context(), fmt.Sprint(i)); err != nil || got != auth.Secret(fmt.Sprint("s", i)) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestSealRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "secrets")
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		b, err := seal(all, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := open(b, key)
		if err != nil || len(got) != len(all) {
			t.Fatalf("open: %v, %d of %d", err, len(got), len(all))
		}
		i := rapid.IntRange(0, len(b)-1).Draw(t, "byte")
		b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := open(b, key); !errors.Is(err, errDamaged) {
			t.Fatalf("a flipped bit went unnoticed: %v", err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	key := bytes.Repeat([]byte{7}, 32)
	good, err := seal(map[string]string{"a": "b"}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte(fileMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		// Nobody without the key makes a file that opens; each process has a good one of its own.
		if all, err := open(b, key); err == nil && (len(all) != 1 || all["a"] != "b") {
			t.Errorf("a made-up file opened: %v", all)
		} else if err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("got %v", err)
		}
	})
}
