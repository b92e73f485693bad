package ui

import (
	"context"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present/presenttest"
)

// stand is a window on fakes, driven by the test driver. Fyne has one application per process: no test here is parallel.
type stand struct {
	*Shell
	t       *testing.T
	pump    *presenttest.Pump
	catalog *presenttest.Catalog
	session *presenttest.Session
	queue   *presenttest.Queue
	prefs   *presenttest.Preferences
}

func newStand(t *testing.T, lang present.Language) *stand {
	t.Helper()
	st := &stand{t: t, pump: presenttest.NewPump(), queue: presenttest.NewQueue()}
	st.catalog = &presenttest.Catalog{All: presenttest.Items(130), List: []catalog.Collection{{ID: "spot-6-7-drs", Title: "SPOT 6/7", License: "proprietary"}}}
	st.session = presenttest.NewSession(auth.View{})
	st.prefs = &presenttest.Preferences{S: present.Settings{Language: string(lang), Theme: "light", DownloadDir: "/data"}}
	conns := &presenttest.Connections{
		Conns:      []present.Connection{{ID: "a", Name: "DINAMIS", StacURL: "https://stac.example.org"}},
		Workspaces: map[string]present.Workspace{"a": {Catalog: st.catalog, Session: st.session, Thumbnails: presenttest.Thumbnails{}}},
	}
	app := test.NewTempApp(t)
	shell, err := New(app, Services{
		Connections: conns, Queue: st.queue, Disk: presenttest.Disk{FreeBytes: 1e12}, Preferences: st.prefs, Dispatch: st.pump.Do,
		Now: func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	st.Shell = shell
	shell.Show()
	t.Cleanup(func() {
		shell.Quit()
		st.pump.Run()
	})
	st.until("collections", func() bool { return st.search.State().CollectionsPhase == present.PhaseReady })
	shell.win.Resize(fyne.NewSize(1440, 860))
	return st
}

func (st *stand) until(what string, ok func() bool) {
	st.t.Helper()
	st.pump.Until(st.t, what, ok)
}

func (st *stand) searchAll() {
	st.t.Helper()
	test.Tap(st.form.search)
	st.until("results", func() bool { return st.results.State().Phase == present.PhaseReady })
}

// row returns the row on screen that shows a result.
func (st *stand) row(i int) *resultRow {
	st.t.Helper()
	for r, n := range st.list.rows {
		if n == i && r.index == i {
			return r
		}
	}
	st.t.Fatalf("result %d is not on screen", i)
	return nil
}

func (st *stand) click(r *resultRow, mod fyne.KeyModifier) {
	r.MouseDown(&desktop.MouseEvent{Button: desktop.MouseButtonPrimary, Modifier: mod})
	st.pump.Run()
}

func TestSearchSelectDownload(t *testing.T) {
	st := newStand(t, present.English)
	st.searchAll()
	if got := st.list.count.value; got != "1–100 of 130" {
		t.Errorf("count %q", got)
	}
	st.click(st.row(1), 0)
	st.until("the detail", func() bool { return st.detail.State().Phase == present.PhaseReady })
	if st.inspect.title.value != "SPOT6_0001" || !st.row(1).check.Checked || st.row(0).check.Checked {
		t.Error("list and detail don't follow a click")
	}
	st.click(st.row(3), fyne.KeyModifierShift)
	st.click(st.row(2), fyne.KeyModifierControl)
	if got := st.results.State().Selected; got != 2 {
		t.Errorf("%d selected, want 2", got)
	}
	test.Tap(st.list.download)
	st.until("the plan", func() bool {
		p, ok := st.Where("download.start")
		return ok && p.Width > 0 && !st.startButton().Disabled()
	})
	test.Tap(st.startButton())
	st.until("tasks", func() bool { return st.moves.Len() == 4 })
	if st.win.Canvas().Overlays().Top() != nil {
		t.Error("the dialog stays open")
	}
	if got := st.queue.Snapshot().Tasks[0].Dir; got != "/data" {
		t.Errorf("folder %q", got)
	}
}

func (st *stand) startButton() *hintButton {
	return st.places["download.start"]().(*hintButton)
}

func TestMapAndListShareTheSelection(t *testing.T) {
	st := newStand(t, present.English)
	st.searchAll()
	st.stage.view.OnSelect([]string{"spot-6-7-drs/SPOT6_0040"}, false)
	st.pump.Run()
	if r := st.row(40); !r.check.Checked || r.ground.color != colorMarkGround {
		t.Error("the list does not scroll to what was clicked on the map and mark it")
	}
	st.stage.view.OnHover("spot-6-7-drs/SPOT6_0041")
	if r := st.row(41); r.ground.color != colorHoverGround {
		t.Error("the list does not show what the pointer is on")
	}
	st.row(41).MouseOut()
	if st.results.Hover() != "" {
		t.Error("the hover stays")
	}
	st.stage.view.OnSelect(nil, false)
	st.pump.Run()
	if st.results.State().Selected != 0 || !st.inspect.state.root.Visible() {
		t.Error("a click beside everything keeps the selection")
	}
}

func TestListKeys(t *testing.T) {
	st := newStand(t, present.English)
	st.searchAll()
	st.focusPanel(2)
	if st.win.Canvas().Focused() != fyne.Focusable(st.list.list) {
		t.Fatal("Ctrl+3 does not reach the list")
	}
	key := func(n fyne.KeyName) { st.list.list.TypedKey(&fyne.KeyEvent{Name: n}) }
	key(fyne.KeyDown)
	key(fyne.KeyDown)
	if st.results.Current() != 2 || st.results.State().Selected != 1 {
		t.Errorf("row %d, %d selected", st.results.Current(), st.results.State().Selected)
	}
	st.list.list.KeyDown(&fyne.KeyEvent{Name: desktop.KeyShiftLeft})
	key(fyne.KeyDown)
	st.list.list.KeyUp(&fyne.KeyEvent{Name: desktop.KeyShiftLeft})
	if st.results.State().Selected != 2 {
		t.Errorf("%d selected after Shift+Down", st.results.State().Selected)
	}
	st.list.list.TypedShortcut(&fyne.ShortcutSelectAll{})
	if st.results.State().Selected != 100 {
		t.Errorf("%d selected after Ctrl+A", st.results.State().Selected)
	}
	key(fyne.KeyEnd)
	st.until("the next page", func() bool { return st.results.Len() == 130 })
	key(fyne.KeyEscape)
	if st.results.State().Selected != 0 {
		t.Error("Esc keeps the selection")
	}
}

func TestStatesHaveTheirAction(t *testing.T) {
	st := newStand(t, present.English)
	fail := true
	st.catalog.SearchFn = func(_ context.Context, q catalog.Query) (catalog.Page, error) {
		if fail {
			return catalog.Page{}, &catalog.Error{Op: "search", Kind: catalog.KindUnavailable}
		}
		return catalog.Page{}, nil
	}
	test.Tap(st.form.search)
	if !st.list.skeleton.Visible() || st.list.count.value != "Searching…" {
		t.Error("a search under way is not shown")
	}
	st.until("a failure", func() bool { return st.results.State().Phase == present.PhaseFailed })
	if st.list.state.title.Text != "The service is out of reach." || st.list.state.button.Text != "Try again" || !st.list.state.button.Visible() {
		t.Errorf("%q, %q", st.list.state.title.Text, st.list.state.button.Text)
	}
	if st.top.reach.value != "Out of reach" {
		t.Errorf("the top bar says %q", st.top.reach.value)
	}
	fail = false
	test.Tap(st.list.state.button)
	st.until("an empty answer", func() bool { return st.results.State().Phase == present.PhaseEmpty })
	if st.list.state.title.Text != "No image matches" {
		t.Errorf("%q", st.list.state.title.Text)
	}
}

func TestOfflineSwitch(t *testing.T) {
	st := newStand(t, present.English)
	test.Tap(st.top.offline)
	st.pump.Run()
	if !st.catalog.Offline() || !st.prefs.Load().Offline || st.top.reach.value != "Working offline" {
		t.Error("the switch does nothing")
	}
}

// The banner pushes the rows down; it never lies over them, however many lines its text takes.
func TestBannerStandsAboveTheRows(t *testing.T) {
	st := newStand(t, present.English)
	st.searchAll()
	for _, text := range []string{"", "Short.", strings.Repeat("A long sentence about the service. ", 6), "Short again.", ""} {
		st.list.banner.show(present.Banner{Text: text, Tone: present.ToneWarning, Action: present.ActionRetry}, nil)
		st.pump.Run()
		list, ok := st.placeOf(st.list.list)
		if !ok {
			t.Fatal("the list cannot be seen")
		}
		banner, shown := st.Where("results.banner")
		if shown != (text != "") {
			t.Errorf("%q: banner shown: %v", text, shown)
		}
		if !shown {
			banner, _ = st.Where("download")
		}
		if list.Y < banner.Y+banner.Height || list.Y > banner.Y+banner.Height+16 {
			t.Errorf("%q: what is above ends at %v, the list begins at %v", text, banner.Y+banner.Height, list.Y)
		}
		if need := st.list.banner.text.MinSize().Height; shown && st.list.banner.text.Size().Height < need {
			t.Errorf("%q: the text has %v of the %v that it needs", text, st.list.banner.text.Size().Height, need)
		}
	}
}

func TestLoginDialogFollowsTheLogin(t *testing.T) {
	st := newStand(t, present.English)
	test.Tap(st.top.login)
	st.until("the dialog", func() bool { _, ok := st.Where("login.cancel"); return ok })
	st.session.Answer <- &auth.Error{Op: "log in", Kind: auth.KindDenied}
	st.until("the refusal", func() bool { _, ok := st.Where("login.again"); return ok })
	test.Tap(st.places["login.again"]().(*hintButton))
	st.session.Answer <- nil
	st.until("the login", func() bool { return st.account.State().Status == auth.LoggedIn })
	if st.win.Canvas().Overlays().Top() != nil {
		t.Error("the dialog stays open")
	}
	if _, ok := st.Where("login"); ok || st.top.account.Text != "Alice Martin" {
		t.Error("the top bar does not show who is logged in")
	}
}

func TestTransfersAreShownAndSteered(t *testing.T) {
	st := newStand(t, present.English)
	st.queue.Set(download.View{Owner: true, Tasks: []download.Task{
		{ID: 1, State: download.Fetching, Received: 5e6, Total: 10e6, Rate: 1e6, Request: download.Request{Item: "scene", Asset: "xs"}},
		{ID: 2, State: download.Done, Total: 10e6, Path: "/data/x.tif", Request: download.Request{Item: "scene", Asset: "pan"}},
	}, Rate: 1e6})
	st.until("rows", func() bool { _, ok := st.Where("transfers.row.0.pause"); return ok })
	for r, i := range st.transfer.rows {
		if i == 0 && r.pause.Visible() {
			test.Tap(r.pause)
		}
	}
	st.until("the call", func() bool { return len(st.queue.Called()) > 0 })
	if got := st.queue.Called()[0]; got != "pause[1]" {
		t.Error(got)
	}
	st.transfer.setFolded(true)
	if st.transfer.list.Visible() && st.transfer.content.Visible() {
		t.Error("the list stays when the transfers are folded")
	}
}

func TestEveryPlaceIsInsideTheWindow(t *testing.T) {
	st := newStand(t, present.French)
	st.searchAll()
	got := make(chan map[string]Place, 1)
	go func() {
		places, err := st.Places(context.Background())
		if err != nil {
			t.Error(err)
		}
		got <- places
	}()
	var places map[string]Place
	st.until("places", func() bool {
		select {
		case places = <-got:
			return true
		default:
			return false
		}
	})
	size := st.win.Canvas().Size()
	for _, name := range []string{"search", "login", "map", "offline", "tool.rectangle", "results.row.0", "results.check.0", "sort", "connection", "words"} {
		p, ok := places[name]
		if !ok {
			t.Errorf("%s has no place", name)
			continue
		}
		if p.X < 0 || p.Y < 0 || p.X+p.Width > size.Width+1 || p.Y+p.Height > size.Height+1 || p.Width <= 0 || p.Height <= 0 {
			t.Errorf("%s is at %+v in a window of %v", name, p, size)
		}
	}
	if _, ok := st.Where("nonsense"); ok {
		t.Error("nonsense has a place")
	}
}

func TestVaultConsent(t *testing.T) {
	st := newStand(t, present.English)
	for _, c := range []struct {
		button string
		want   bool
	}{{"dialog.yes", true}, {"dialog.no", false}} {
		answer := make(chan bool, 1)
		go func() {
			yes, err := st.AskVaultConsent(context.Background())
			if err != nil {
				t.Error(err)
			}
			answer <- yes
		}()
		st.until("the question", func() bool { _, ok := st.Where(c.button); return ok })
		test.Tap(st.places[c.button]().(*hintButton))
		if got := <-answer; got != c.want {
			t.Errorf("%s answers %v", c.button, got)
		}
	}
}

// The question about the vault comes in the middle of a login. Neither answer may give the login up.
func TestVaultConsentKeepsTheLogin(t *testing.T) {
	st := newStand(t, present.English)
	st.account.Login()
	st.until("the login dialog", func() bool { _, ok := st.Where("login.cancel"); return ok })
	answer := make(chan bool, 1)
	go func() {
		yes, err := st.AskVaultConsent(context.Background())
		answer <- yes && err == nil
	}()
	st.until("the question", func() bool { _, ok := st.Where("dialog.yes"); return ok })
	test.Tap(st.places["dialog.yes"]().(*hintButton))
	if !<-answer {
		t.Error("yes was not heard")
	}
	st.until("the login dialog again", func() bool { _, ok := st.Where("login.cancel"); return ok })
	if got := st.account.State().Step; got != present.LoginBrowser {
		t.Errorf("the login is at step %v", got)
	}
}

func TestGeometryIsRemembered(t *testing.T) {
	st := newStand(t, present.English)
	st.main.SetOffset(0.6)
	st.remember()
	if got := st.prefs.Load().Layout; got.Right != 0.6 || got.Width != 1440 {
		t.Errorf("%+v", got)
	}
}

func TestDialogsOpenAndClose(t *testing.T) {
	st := newStand(t, present.French)
	st.searchAll()
	st.click(st.row(0), 0)
	st.until("the detail", func() bool { return st.detail.State().Phase == present.PhaseReady })
	for name, open := range map[string]func(){
		"shortcuts": st.dialogs.shortcuts, "about": st.dialogs.about, "document": func() { st.dialogs.document(st.detail.State()) },
		"new connection": func() { st.dialogs.editConnection(present.Connection{}) },
		"connection":     func() { st.dialogs.editConnection(st.conns.State().Current) },
	} {
		open()
		if st.win.Canvas().Overlays().Top() == nil {
			t.Errorf("%s does not open", name)
		}
		st.windowKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		if st.win.Canvas().Overlays().Top() != nil {
			t.Errorf("%s does not close on Esc", name)
		}
	}
}

// A notice says everything that was not read yet.
func TestNotices(t *testing.T) {
	st := newStand(t, present.English)
	st.Notice("first")
	st.Notice("second")
	st.until("the notice", func() bool { _, ok := st.Where("dialog.close"); return ok })
	if got := len(st.notices); got != 2 {
		t.Errorf("%d notices are told, want 2", got)
	}
	test.Tap(st.places["dialog.close"]().(*hintButton))
	if len(st.notices) != 0 || st.win.Canvas().Overlays().Top() != nil {
		t.Error("a notice that was read stays")
	}
}

// Results that cover a speck of the map are brought nearer, so that footprints can be told apart.
func TestMapFitsTinyResults(t *testing.T) {
	st := newStand(t, present.English)
	st.stage.view.Fit(geo.World())
	before := st.stage.view.Viewport()
	st.searchAll()
	after := st.stage.view.Viewport()
	if after.East-after.West > (before.East-before.West)/2 {
		t.Errorf("the map stays at %v", after)
	}
}

// The window's keys work from the map, too.
func TestWindowKeysFromTheMap(t *testing.T) {
	st := newStand(t, present.French)
	st.focusMap()
	st.stage.view.TypedKey(&fyne.KeyEvent{Name: fyne.KeyF1})
	st.until("the list of keys", func() bool { return st.win.Canvas().Overlays().Top() != nil })
}
