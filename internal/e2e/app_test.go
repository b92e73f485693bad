//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui"
)

// backend is dinamis-server with the sample archive.
type backend struct {
	*process
	server.Addresses
}

func startBackend(t *testing.T, dir string) *backend {
	t.Helper()
	p := start(t, "server", nil, filepath.Join(root(t), "build", "dinamis-server"), "serve", "--state", dir,
		"--listen", "127.0.0.1:0", "--objects-listen", "127.0.0.1:0", "--demo")
	b := &backend{process: p}
	client := http.Client{Timeout: time.Second}
	eventually(t, 60*time.Second, "the backend", func() bool {
		a, err := server.ReadAddresses(dir)
		if err != nil {
			return false
		}
		b.Addresses = a
		resp, err := client.Get(a.STAC)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return b
}

// settings writes the settings that a person would have made: one connection, to the backend.
func (b *backend) settings(t *testing.T, home, downloads string, more map[string]any) {
	t.Helper()
	s := map[string]any{
		"connections": []map[string]any{{
			"id": "lab", "name": "Sample archive", "stac": b.STAC, "signing": b.Signing, "issuer": b.Issuer,
			"client_id": "dinamis-desktop", "scopes": []string{"openid", "profile", "email", "offline_access"},
		}},
		"current": "lab", "download_dir": downloads, "theme": "light",
	}
	for k, v := range more {
		s[k] = v
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, "config", "settings.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// app is the window, and the socket on which it tells what it shows.
type app struct {
	*process
	t      *testing.T
	screen *screen
	window string
	client http.Client
}

func startApp(t *testing.T, s *screen, home string, env ...string) *app {
	t.Helper()
	socket := filepath.Join(home, "debug.sock")
	env = append(append(s.env(),
		"DINAMIS_HOME="+home, "BROWSER="+filepath.Join(root(t), "internal", "e2e", "testdata", "browser"),
		"DINAMIS_E2E_USER=alice", "DINAMIS_E2E_PASSWORD=alice", "DINAMIS_E2E_LOG="+filepath.Join(home, "browser.log"),
		"LANG=en_US.UTF-8", "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(home, "no-bus"),
	), env...)
	a := &app{t: t, screen: s, client: http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
	a.process = start(t, "desktop", env, filepath.Join(root(t), "build", "dinamis-desktop"), "--debug-socket", socket)
	a.window = s.window("DINAMIS Desktop")
	eventually(t, 60*time.Second, "the window's answer", func() bool { return a.get("/state", &ui.Inspection{}) == nil })
	s.xdotool("windowactivate", "--sync", a.window)
	return a
}

func (a *app) get(path string, v any) error {
	resp, err := a.client.Get("http://app" + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

func (a *app) state() ui.Inspection {
	a.t.Helper()
	var i ui.Inspection
	if err := a.get("/state", &i); err != nil {
		a.t.Fatalf("the window does not answer: %v", err)
	}
	return i
}

// until waits until the window shows what is wanted.
func (a *app) until(what string, limit time.Duration, f func(ui.Inspection) bool) ui.Inspection {
	a.t.Helper()
	var last ui.Inspection
	defer func() {
		if a.t.Failed() {
			a.screen.picture("failed")
			a.t.Logf("the window shows: %+v", last)
		}
	}()
	eventually(a.t, limit, what, func() bool { last = a.state(); return f(last) })
	return last
}

// place returns where a widget stands in the window, in pixels.
func (a *app) place(name string) (x, y, w, h int) {
	a.t.Helper()
	var p ui.Place
	defer func() {
		if a.t.Failed() {
			a.screen.picture("failed")
		}
	}()
	eventually(a.t, 20*time.Second, "the widget "+name, func() bool {
		var all map[string]ui.Place
		if err := a.get("/places", &all); err != nil {
			return false
		}
		var ok bool
		p, ok = all[name]
		return ok
	})
	return int(p.X), int(p.Y), int(p.Width), int(p.Height)
}

// press clicks the middle of a widget.
func (a *app) press(name string) {
	a.t.Helper()
	x, y, w, h := a.place(name)
	a.screen.click(a.window, x+w/2, y+h/2)
	time.Sleep(300 * time.Millisecond)
}

// onMap returns the pixel of a place in degrees.
func (a *app) onMap(lon, lat float64) (x, y int) {
	a.t.Helper()
	mx, my, mw, mh := a.place("map")
	v := a.state().Viewport
	merc := func(lat float64) float64 { return math.Asinh(math.Tan(lat * math.Pi / 180)) }
	fx := (lon - v[0]) / (v[2] - v[0])
	fy := (merc(v[3]) - merc(lat)) / (merc(v[3]) - merc(v[1]))
	return mx + int(fx*float64(mw)), my + int(fy*float64(mh))
}

// dinamis runs the command line on the app's folders.
func (a *app) dinamis(home string, args ...string) string {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(root(a.t), "build", "dinamis"), args...)
	cmd.Env = append(os.Environ(), "DINAMIS_HOME="+home, "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(home, "no-bus"))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		a.t.Fatalf("dinamis %s: %v\n%s", args[0], err, errs.String())
	}
	return string(out)
}
