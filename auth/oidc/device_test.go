package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/oidc"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

// deviceRig is a rig whose waits are recorded and take no time; do runs before each poll.
func deviceRig(t *testing.T, issuer string, do func(poll int, prompt *auth.DevicePrompt) error) (*rig, *[]time.Duration) {
	r := newRig(t, issuer, func(c *oidc.Config) {
		c.OpenBrowser = func(string) error { t.Error("the device grant opened a browser"); return nil }
	})
	var waits []time.Duration
	r.SetWait(func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		if err := do(len(waits), r.Snapshot().Device); err != nil {
			return err
		}
		return ctx.Err()
	})
	return r, &waits
}

func TestDeviceLogin(t *testing.T) {
	// The provider's clock goes on by what the device waits, so that no poll comes too early.
	c := newClock()
	p := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now })
	r, waits := deviceRig(t, p.Issuer(), func(poll int, prompt *auth.DevicePrompt) error {
		c.forward(5 * time.Second)
		if prompt == nil || prompt.UserCode == "" || !strings.Contains(prompt.CompleteURI, prompt.UserCode) || prompt.Expiry.IsZero() {
			t.Fatalf("prompt: %+v", prompt)
		}
		if poll == 3 {
			return alice().Open(prompt.CompleteURI)
		}
		return nil
	})
	if err := r.LoginDevice(t.Context()); err != nil {
		t.Fatalf("login: %v", err)
	}
	if !slices.Equal(*waits, []time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}) {
		t.Errorf("waits: %v", *waits)
	}
	v := r.Snapshot()
	if v.Status != auth.LoggedIn || v.Device != nil || v.Identity.Username != "alice" {
		t.Errorf("view: %+v", v)
	}
	tok, err := r.Token(t.Context())
	if err != nil || userinfo(t, p.Issuer(), tok) != http.StatusOK {
		t.Errorf("token: %v", err)
	}
	if err := r.Logout(t.Context()); err != nil {
		t.Errorf("logout: %v", err)
	}
}

func TestDeviceSlowsDown(t *testing.T) {
	c := newClock() // stands still: polls without a wait come too early
	p := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now })
	r, waits := deviceRig(t, p.Issuer(), func(poll int, prompt *auth.DevicePrompt) error {
		if poll == 4 {
			return alice().Open(prompt.VerificationURI + "?user_code=" + prompt.UserCode)
		}
		return nil
	})
	if err := r.LoginDevice(t.Context()); err != nil {
		t.Fatalf("login: %v", err)
	}
	s := time.Second
	if want := []time.Duration{5 * s, 5 * s, 10 * s, 15 * s}; !slices.Equal(*waits, want) {
		t.Errorf("waits %v, want %v", *waits, want)
	}
}

func TestDeviceDenied(t *testing.T) {
	p := idptest.Start(t)
	r, _ := deviceRig(t, p.Issuer(), func(_ int, prompt *auth.DevicePrompt) error {
		return idptest.Browser{Username: "alice", Password: "alice", Deny: true}.Open(prompt.CompleteURI)
	})
	wantKind(t, r.LoginDevice(t.Context()), auth.KindDenied, "denied")
	if v := r.Snapshot(); v.Status != auth.LoggedOut || v.Device != nil || v.Err == nil {
		t.Errorf("view: %+v", v)
	}
}

func TestDeviceExpires(t *testing.T) {
	pc := newClock()
	p := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = pc.now })
	r, _ := deviceRig(t, p.Issuer(), func(int, *auth.DevicePrompt) error { pc.forward(11 * time.Minute); return nil })
	wantKind(t, r.LoginDevice(t.Context()), auth.KindCancelled, "expired")

	var r2 *rig
	r2, _ = deviceRig(t, p.Issuer(), func(int, *auth.DevicePrompt) error { r2.clock.forward(11 * time.Minute); return nil })
	wantKind(t, r2.LoginDevice(t.Context()), auth.KindCancelled, "expired before it was used")
}

func TestDeviceCancelled(t *testing.T) {
	p := idptest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := deviceRig(t, p.Issuer(), func(int, *auth.DevicePrompt) error { cancel(); return nil })
	wantKind(t, r.LoginDevice(ctx), auth.KindCancelled, "cancelled")
}

func TestDeviceSurvivesTheNetwork(t *testing.T) {
	c := newClock()
	p := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now })
	var r *rig
	r, waits := deviceRig(t, p.Issuer(), func(poll int, prompt *auth.DevicePrompt) error {
		c.forward(time.Minute)
		switch poll {
		case 1:
			r.wire.disturb(unreachable)
		case 2:
			r.wire.disturb(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 502, Header: http.Header{}, Request: req, Body: io.NopCloser(strings.NewReader("<html>"))}, nil
			})
		case 3:
			r.wire.disturb(nil)
			return alice().Open(prompt.CompleteURI)
		}
		return nil
	})
	if err := r.LoginDevice(t.Context()); err != nil {
		t.Fatalf("login: %v", err)
	}
	s := time.Second
	if want := []time.Duration{5 * s, 10 * s, 20 * s}; !slices.Equal(*waits, want) {
		t.Errorf("waits %v, want %v", *waits, want)
	}
}

func TestDeviceAnswersThatAreNone(t *testing.T) {
	p := newPeer(t)
	for name, c := range map[string]struct {
		status int
		body   string
		kind   auth.Kind
		text   string
	}{
		"not JSON":    {200, "<html>", auth.KindProtocol, "JSON"},
		"no code":     {200, "{}", auth.KindProtocol, "no code"},
		"script URL":  {200, `{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"}`, auth.KindProtocol, "web address"},
		"no URL":      {200, `{"device_code":"d","user_code":"u"}`, auth.KindProtocol, "web address"},
		"not allowed": {400, `{"error":"unauthorized_client"}`, auth.KindProtocol, "unauthorized_client"},
		"503":         {503, "busy", auth.KindUnavailable, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			p.mu.Lock()
			p.handle = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/device" {
					return false
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
				return true
			}
			p.mu.Unlock()
			r := newRig(t, p.URL)
			wantKind(t, r.LoginDevice(t.Context()), c.kind, c.text)
		})
	}
}

func TestOpenBrowserHonoursBROWSER(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script, out := filepath.Join(dir, "browser"), filepath.Join(dir, "out")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s' \"$1\" >'"+out+"'\nexit \"${BROWSER_EXIT:-0}\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	address := "http://127.0.0.1:1/a?b=c&d=$(touch x);e"
	t.Setenv("BROWSER", "/no/such/browser"+string(os.PathListSeparator)+script)
	if err := oidc.OpenBrowser(address); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != address {
		t.Errorf("the browser got %q (%v)", got, err)
	}
	t.Setenv("BROWSER_EXIT", "3")
	if err := oidc.OpenBrowser(address); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a browser that fails: %v", err)
	}
	t.Setenv("BROWSER", "/no/such/browser")
	if err := oidc.OpenBrowser(address); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no browser: %v", err)
	}
	if err := oidc.OpenBrowser("file:///etc/passwd"); err == nil {
		t.Error("a file was opened")
	}
	for entry, want := range map[string][]string{
		"sh":                {"sh", "u"},
		"sh -c":             {"sh", "-c", "u"},
		"sh --url=%s --new": {"sh", "--url=u", "--new"},
		script:              {script, "u"},
	} {
		got, err := oidc.BrowserCommand(entry, "u")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v", entry, got, err)
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add(`{"v":1,"iss":"i","client":"c","refresh":"r","sub":"s","user":"u","groups":["g"]}`)
	f.Add(`{}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		again, ok := oidc.DecodeEntry(text)
		if !ok {
			return
		}
		var e struct{ Refresh, Sub string }
		if err := json.Unmarshal([]byte(again), &e); err != nil || e.Refresh == "" || e.Sub == "" {
			t.Errorf("%q became %q", text, again)
		}
	})
}
