package present_test

import (
	"context"
	"errors"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present/presenttest"
)

func newAccount(t *testing.T, s *presenttest.Session) (*present.Account, *presenttest.Pump) {
	pump := presenttest.NewPump()
	a := present.NewAccount(pump.Do, printer(t, present.English))
	t.Cleanup(a.Close)
	a.SetSession(s)
	return a, pump
}

func TestLoginByBrowser(t *testing.T) {
	s := presenttest.NewSession(auth.View{})
	a, pump := newAccount(t, s)
	loggedIn := false
	a.OnLogin = func() { loggedIn = true }
	a.Login()
	if a.State().Step != present.LoginBrowser {
		t.Fatalf("%+v", a.State())
	}
	pump.Until(t, "the link", func() bool { return a.State().LoginURL != "" })
	s.Answer <- nil
	pump.Until(t, "a login", func() bool { return a.State().Status == auth.LoggedIn && loggedIn })
	if st := a.State(); st.Name != "Alice Martin" || st.Step != present.LoginClosed {
		t.Errorf("%+v", st)
	}
}

func TestLoginRefused(t *testing.T) {
	s := presenttest.NewSession(auth.View{})
	a, pump := newAccount(t, s)
	a.Login()
	s.Answer <- &auth.Error{Op: "log in", Kind: auth.KindDenied, Err: errors.New("access_denied")}
	pump.Until(t, "a refusal", func() bool { return a.State().Step == present.LoginFailed })
	if p := a.State().Problem; p.Text != "The login was refused." || p.Action != present.ActionLogin || !strings.Contains(p.Detail, "access_denied") {
		t.Errorf("%+v", p)
	}
	a.CancelLogin()
	if a.State().Step != present.LoginClosed {
		t.Error("the dialog stays")
	}
}

// From the browser to a code and back out: each login ends before the next begins, and none of them reports a failure.
func TestLoginChangesItsMind(t *testing.T) {
	s := presenttest.NewSession(auth.View{})
	a, pump := newAccount(t, s)
	a.Login()
	a.LoginDevice()
	pump.Until(t, "a code", func() bool { return a.State().Step == present.LoginDeviceCode })
	if a.State().Device.UserCode != "WDJB-MJHT" {
		t.Errorf("%+v", a.State())
	}
	a.CancelLogin()
	pump.Until(t, "the end", func() bool { return a.State().Status == auth.LoggedOut })
	if a.State().Step != present.LoginClosed || a.State().Problem.Text != "" {
		t.Errorf("%+v", a.State())
	}
}

func TestLogoutTellsWhatTheProviderMissed(t *testing.T) {
	s := presenttest.NewSession(auth.View{Status: auth.LoggedIn, Identity: auth.Identity{Username: "alice", Email: "a@example.org"}})
	s.OnLogout = &auth.Error{Op: "log out", Kind: auth.KindUnavailable}
	a, pump := newAccount(t, s)
	pump.Until(t, "the name", func() bool { return a.State().Name == "alice" })
	var told present.Problem
	a.OnLogout = func(p present.Problem) { told = p }
	a.Logout()
	pump.Until(t, "the news", func() bool { return told.Text != "" && a.State().Status == auth.LoggedOut })
	if a.State().LoggingOut || a.State().Name != "" {
		t.Errorf("%+v", a.State())
	}
}

func TestNoSession(t *testing.T) {
	a := present.NewAccount(presenttest.NewPump().Do, printer(t, present.English))
	a.Login()
	a.Logout()
	if a.State().Available || a.State().Step != present.LoginClosed {
		t.Errorf("%+v", a.State())
	}
}

func twoConnections() *presenttest.Connections {
	return &presenttest.Connections{
		Conns:      []present.Connection{{ID: "a", Name: "A"}, {ID: "b", Name: "B"}},
		Workspaces: map[string]present.Workspace{"a": {Catalog: &presenttest.Catalog{}}, "b": {Catalog: &presenttest.Catalog{}}},
	}
}

func newPicker(t *testing.T, conns *presenttest.Connections) (*present.ConnectionPicker, *presenttest.Pump) {
	pump := presenttest.NewPump()
	return present.NewConnectionPicker(pump.Do, printer(t, present.English), conns, false), pump
}

func TestConnectionsOpenAndClose(t *testing.T) {
	conns := twoConnections()
	c, pump := newPicker(t, conns)
	c.Start()
	pump.Until(t, "the first", func() bool { return c.State().Current.ID == "a" })
	c.Switch("b")
	pump.Until(t, "the second, and the end of the first", func() bool {
		return c.State().Current.ID == "b" && cmp.Equal(conns.ClosedIDs(), []string{"a"})
	})
	c.SetOffline(true)
	if !c.Workspace().Catalog.Offline() || c.State().Reach != present.ReachOffline {
		t.Errorf("%+v", c.State())
	}
	c.Remove("b")
	pump.Until(t, "the first again", func() bool { return c.State().Current.ID == "a" && len(c.State().List) == 1 })
	if !c.Workspace().Catalog.Offline() {
		t.Error("another connection forgot that we work offline")
	}
}

func TestReach(t *testing.T) {
	c, pump := newPicker(t, twoConnections())
	c.Start()
	pump.Until(t, "a connection", func() bool { return c.State().Current.ID == "a" })
	for _, s := range []struct {
		o    catalog.Origin
		err  error
		want present.Reach
	}{
		{catalog.Origin{}, nil, present.ReachOnline},
		{catalog.Origin{}, &catalog.Error{Kind: catalog.KindUnavailable}, present.ReachDown},
		{catalog.Origin{}, &catalog.Error{Kind: catalog.KindInvalid}, present.ReachOnline},
		{catalog.Origin{Kind: catalog.OriginLocal, Cause: errors.New("x")}, nil, present.ReachDown},
	} {
		c.Answered(s.o, s.err)
		if c.State().Reach != s.want {
			t.Errorf("after %+v, %v: reach %d, want %d", s.o, s.err, c.State().Reach, s.want)
		}
	}
}

func TestSaveConnection(t *testing.T) {
	conns := twoConnections()
	c, pump := newPicker(t, conns)
	bad := ""
	c.Save(present.Connection{Name: "X", StacURL: "ftp://x"}, func(problem string) { bad = problem })
	if !strings.Contains(bad, "not https") || len(conns.List()) != 2 {
		t.Errorf("%q", bad)
	}
	saved := false
	c.Save(present.Connection{Name: " X ", StacURL: "https://x.example.org/stac/"}, func(problem string) { saved = problem == "" })
	pump.Until(t, "the new connection", func() bool { return saved && c.State().Current.Name == "X" })
	if got := c.State().Current.StacURL; got != "https://x.example.org/stac" {
		t.Errorf("address %q", got)
	}
}

func TestCheckConnection(t *testing.T) {
	p := printer(t, present.English)
	for stac, ok := range map[string]bool{
		"https://x.org": true, "http://127.0.0.1:8480/stac": true, "http://localhost:1/": true, "http://[::1]:1/": true,
		"http://x.org": false, "": false, "x.org": false, "https://u:p@x.org": false, "https://": false, "http://127.evil.org": false,
		"http://%zz": false,
	} {
		if _, problem := p.CheckConnection(present.Connection{Name: "n", StacURL: stac}); (problem == "") != ok {
			t.Errorf("%q: %q", stac, problem)
		}
	}
	if _, problem := p.CheckConnection(present.Connection{StacURL: "https://x.org"}); problem == "" {
		t.Error("a connection without a name passes")
	}
	if _, problem := p.CheckConnection(present.Connection{Name: "n", StacURL: "https://x.org", Issuer: "file:///etc"}); problem == "" {
		t.Error("a strange issuer passes")
	}
}

func TestThumbsComeOnceAndAreKept(t *testing.T) {
	pump := presenttest.NewPump()
	th := present.NewThumbs(pump.Do, 32)
	t.Cleanup(th.Close)
	items := presenttest.Items(3)
	th.SetSource(presenttest.Thumbnails{Missing: map[catalog.ItemID]bool{items[1].Key.Item: true}})
	got := map[int]image.Image{}
	for i, it := range items {
		if img, here := th.Get(it, func(img image.Image) { got[i] = img }); here || img != nil {
			t.Fatal("a picture is here before it was fetched")
		}
	}
	pump.Until(t, "pictures", func() bool { return len(got) == 3 })
	if got[0] == nil || got[1] != nil {
		t.Errorf("%v", got)
	}
	if img, here := th.Get(items[0], nil); !here || img == nil {
		t.Error("a picture was not kept")
	}
	if img, here := th.Get(items[1], nil); !here || img != nil {
		t.Error("that an item has none was not kept")
	}
}

// blockingThumbs waits for the context, and says that it ended.
type blockingThumbs chan struct{}

func (b blockingThumbs) Thumbnail(ctx context.Context, _ catalog.Item, _ int) (image.Image, error) {
	<-ctx.Done()
	b <- struct{}{}
	return nil, ctx.Err()
}

func TestForgottenThumbIsCancelled(t *testing.T) {
	pump := presenttest.NewPump()
	th := present.NewThumbs(pump.Do, 32)
	t.Cleanup(th.Close)
	b := make(blockingThumbs, 1)
	th.SetSource(b)
	it := presenttest.Item(0)
	called := false
	th.Get(it, func(image.Image) { called = true })
	th.Forget(it.Key.String())
	select {
	case <-b:
	case <-time.After(50 * time.Millisecond): // the fetch was cancelled before it began: right as well
	}
	pump.Run()
	if called {
		t.Error("a row that went away got a picture")
	}
}
