package idp_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
)

// clock is the provider's time: it stands still until a test moves it, so that no test depends on the machine's speed.
type clock struct {
	start  time.Time
	offset atomic.Int64
}

func newClock() *clock                   { return &clock{start: time.Now()} }
func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.offset.Load())) }
func (c *clock) forward(d time.Duration) { c.offset.Add(int64(d)) }

type deviceStart struct {
	Device   string `json:"device_code"`
	User     string `json:"user_code"`
	URI      string `json:"verification_uri"`
	Complete string `json:"verification_uri_complete"`
	Expires  int    `json:"expires_in"`
	Interval int    `json:"interval"`
	Error    string `json:"error"`
}

func (a *app) device() deviceStart {
	a.t.Helper()
	var d deviceStart
	a.post("auth/device", url.Values{"client_id": {"gdal"}, "scope": {"openid offline_access"}}, &d)
	if d.Device == "" || len(d.User) != 9 || d.Interval != 5 || d.Expires != 600 || d.URI != a.s.Issuer()+"/device" || d.Complete != d.URI+"?user_code="+d.User {
		a.t.Fatalf("device answer: %+v", d)
	}
	return d
}

func (a *app) poll(d deviceStart, change ...string) (tokens, int) {
	a.t.Helper()
	v := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"gdal"}, "device_code": {d.Device}}
	set(v, change)
	var tk tokens
	resp := a.post("token", v, &tk)
	return tk, resp.StatusCode
}

func (a *app) wantPoll(d deviceStart, want string, change ...string) {
	a.t.Helper()
	if tk, status := a.poll(d, change...); status != http.StatusBadRequest || tk.Error != want || tk.Access != "" {
		a.t.Errorf("poll: %d %q %q, want %s", status, tk.Error, tk.Description, want)
	}
}

func TestDeviceGrant(t *testing.T) {
	c := newClock()
	s := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now })
	a := newApp(t, s)
	d := a.device()
	a.wantPoll(d, "authorization_pending")
	a.wantPoll(d, "slow_down")
	c.forward(9 * time.Second)
	a.wantPoll(d, "slow_down") // the interval is 10 s now
	c.forward(16 * time.Second)
	a.wantPoll(d, "authorization_pending")
	a.wantPoll(d, "invalid_grant", "client_id", "dinamis-desktop")
	a.wantPoll(d, "invalid_grant", "device_code", "made-up")

	// The person types the code as people do.
	if err := alice().Open(d.URI + "?user_code=" + url.QueryEscape(strings.ToLower(strings.ReplaceAll(d.User, "-", " ")))); err != nil {
		t.Fatal(err)
	}
	tk, status := a.poll(d)
	if status != http.StatusOK || tk.Refresh == "" || tk.RefreshExpires == 0 || tk.Type != "Bearer" {
		t.Fatalf("poll: %d %+v", status, tk)
	}
	if got := a.claims(tk.Access); got["preferred_username"] != "alice" || got["azp"] != "gdal" {
		t.Errorf("access token: %v", got)
	}
	a.wantPoll(d, "invalid_grant") // once only
	if next, status := a.refresh(tk.Refresh, "client_id", "gdal"); status != http.StatusOK || next.Refresh == "" {
		t.Errorf("refresh: %d %+v", status, next)
	}
}

func TestDeviceDeniedAndExpired(t *testing.T) {
	c := newClock()
	s := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now })
	a := newApp(t, s)
	denied := a.device()
	b := alice()
	b.Deny = true
	if err := b.Open(denied.Complete); err != nil {
		t.Fatal(err)
	}
	a.wantPoll(denied, "access_denied")
	// Cancelling at the password denies too.
	cancelled := a.device()
	if err := (idptest.Browser{Deny: true}).Open(cancelled.Complete); err != nil {
		t.Fatal(err)
	}
	a.wantPoll(cancelled, "access_denied")

	late := a.device()
	c.forward(11 * time.Minute)
	a.wantPoll(late, "expired_token")
	if p, err := alice().Walk(late.Complete); err == nil || p.Status != http.StatusNotFound || !strings.Contains(p.Text, "unknown or expired") {
		t.Errorf("an expired code: %d %v", p.Status, err)
	}
	c.forward(2 * time.Hour)
	a.wantPoll(late, "invalid_grant")

	var e deviceStart
	if resp := a.post("auth/device", url.Values{"client_id": {"unknown"}}, &e); resp.StatusCode != http.StatusUnauthorized || e.Error != "invalid_client" {
		t.Errorf("an unknown client: %d %+v", resp.StatusCode, e)
	}
}

func TestDeviceOutlivesTheBrowser(t *testing.T) {
	s := idptest.Start(t)
	a := newApp(t, s)
	jar, _ := cookiejar.New(nil)
	b := alice()
	b.Jar = jar
	d := a.device()
	if err := b.Open(d.Complete); err != nil {
		t.Fatal(err)
	}
	tk, _ := a.poll(d)
	// The browser stays logged in, and its logout leaves the device alone.
	if err := (idptest.Browser{Jar: jar}).Open(a.authURL()); err != nil || a.got.Get("code") == "" {
		t.Errorf("no single sign-on after a device login: %v", err)
	}
	if err := b.Open(s.Issuer() + "/protocol/openid-connect/logout"); err != nil {
		t.Fatal(err)
	}
	next, status := a.refresh(tk.Refresh, "client_id", "gdal")
	if status != http.StatusOK {
		t.Fatalf("the device was logged out with the browser: %d", status)
	}
	// The device's own logout ends it.
	resp, err := http.PostForm(s.Issuer()+"/protocol/openid-connect/logout", url.Values{"id_token_hint": {next.ID}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, status := a.refresh(next.Refresh, "client_id", "gdal"); status != http.StatusBadRequest {
		t.Errorf("refresh after logout: %d", status)
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	c := newClock()
	s := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now })
	a := newApp(t, s)
	wrong := idptest.Browser{Username: "alice", Password: "wrong"}
	for range 10 {
		if p, _ := wrong.Walk(a.authURL()); p.Status != http.StatusUnauthorized {
			t.Fatalf("got %d", p.Status)
		}
	}
	if p, err := alice().Walk(a.authURL()); err == nil || p.Status != http.StatusTooManyRequests || !strings.Contains(p.Text, "Too many") {
		t.Errorf("the eleventh guess: %d %v", p.Status, err)
	}
	// Others aren't slowed down, and a while later alice isn't either.
	if err := (idptest.Browser{Username: "bob", Password: "bob"}).Open(a.authURL()); err != nil {
		t.Errorf("bob: %v", err)
	}
	c.forward(7 * time.Second)
	if err := alice().Open(a.authURL()); err != nil {
		t.Errorf("alice, later: %v", err)
	}
	d := a.device()
	for range 10 {
		if p, _ := alice().Walk(d.URI + "?user_code=BBBB-BBBB"); p.Status != http.StatusNotFound {
			t.Fatalf("got %d", p.Status)
		}
	}
	if p, _ := alice().Walk(d.Complete); p.Status != http.StatusTooManyRequests {
		t.Errorf("guessing user codes isn't slowed down: %d", p.Status)
	}
}

func TestLifetimes(t *testing.T) {
	c := newClock()
	s := idptest.Start(t, func(cfg *idp.Config) { cfg.Now = c.now; cfg.RefreshLifetime = time.Hour })
	a := newApp(t, s)
	jar, _ := cookiejar.New(nil)
	b := alice()
	b.Jar = jar
	code := a.code(b)
	c.forward(2 * time.Minute)
	if tk, status := a.exchange(code); status != http.StatusBadRequest || tk.Error != "invalid_grant" {
		t.Errorf("a code after two minutes: %d %+v", status, tk)
	}
	tk := a.login(b)
	for range 3 {
		c.forward(50 * time.Minute)
		next, status := a.refresh(tk.Refresh)
		if status != http.StatusOK {
			t.Fatalf("a login that is used doesn't roll: %d", status)
		}
		tk = next
	}
	c.forward(61 * time.Minute)
	if tk, status := a.refresh(tk.Refresh); status != http.StatusBadRequest || tk.Error != "invalid_grant" {
		t.Errorf("a login that wasn't used for an hour: %d", status)
	}
	if err := (idptest.Browser{Username: "x", Password: "y", Jar: jar}).Open(a.authURL()); err == nil {
		t.Error("the browser's session outlives its lifetime")
	}
	resp, err := http.Get(a.authURL())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c.forward(31 * time.Minute)
	resp, err = http.Get(resp.Request.URL.String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("an old login form: %d", resp.StatusCode)
	}
}
