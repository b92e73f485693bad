package ui

import (
	"context"
	"fmt"
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// Shell is the window. All its methods belong to the UI goroutine, except those that say otherwise.
type Shell struct {
	app  fyne.App
	win  fyne.Window
	svc  Services
	p    *present.Printer
	look *look

	settings present.Settings
	conns    *present.ConnectionPicker
	account  *present.Account
	search   *present.Search
	results  *present.Results
	detail   *present.Detail
	moves    *present.Transfers
	thumbs   *present.Thumbs // of the list
	pictures *present.Thumbs // of the detail panel

	top      *topBar
	form     *searchForm
	stage    *mapStage
	list     *resultsView
	inspect  *detailView
	transfer *transfersView
	status   *statusBar
	dialogs  *dialogs

	main, sides, right, whole *container.Split
	places                    map[string]func() fyne.CanvasObject
	panels                    []func() // what F6 goes round
	panelNow                  int
	notices                   []string // told in the dialog that is open
	epoch                     int      // counts changes of the theme, for rows that lie recycled meanwhile
	ctx                       context.Context
	stop                      context.CancelFunc
}

// New builds the window. Nothing is asked of a service before Show. The translations are part of the program, so that an error is
// a defect of it.
func New(a fyne.App, svc Services) (*Shell, error) {
	svc = svc.withDefaults()
	settings := svc.Preferences.Load()
	lang := svc.Language
	if settings.Language != "" {
		lang = present.LanguageOf(settings.Language)
	}
	p, err := present.NewPrinter(assets.Translations, "translations", lang)
	if err != nil {
		return nil, fmt.Errorf("window: %w", err)
	}
	s := &Shell{
		app: a, svc: svc, p: p, look: newLook(settings.Theme), settings: settings,
		places: map[string]func() fyne.CanvasObject{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	a.Settings().SetTheme(s.look)
	s.win = a.NewWindow("DINAMIS Desktop")
	s.win.SetIcon(AppIcon())
	s.win.SetPadded(false)
	s.win.SetMaster()
	s.buildPresenters()
	s.buildViews()
	s.connect()
	return s, nil
}

func (s *Shell) buildPresenters() {
	do, p := s.svc.Dispatch, s.p
	s.conns = present.NewConnectionPicker(do, p, s.svc.Connections, s.settings.Offline)
	s.account = present.NewAccount(do, p)
	s.search = present.NewSearch(do, p, s.svc.Now)
	s.results = present.NewResults(do, p)
	s.detail = present.NewDetail(do, p, s.search.LicenceOf)
	s.moves = present.NewTransfers(do, p, s.svc.Queue)
	s.thumbs = present.NewThumbs(do, thumbPixels)
	s.pictures = present.NewThumbs(do, picturePixels)
}

func (s *Shell) buildViews() {
	s.status = newStatusBar()
	s.dialogs = newDialogs(s)
	s.top = newTopBar(s)
	s.form = newSearchForm(s)
	s.stage = newMapStage(s)
	s.list = newResultsView(s)
	s.inspect = newDetailView(s)
	s.transfer = newTransfersView(s)
	s.arrange()
	s.buildMenu()
	s.bindKeys()
}

// connect lets presenters hear of each other. Here is all of it, so that who causes what can be read in one place.
func (s *Shell) connect() {
	s.conns.OnOpen = s.opened
	s.conns.OnOffline = func(offline bool) {
		s.settings.Offline = offline
		s.save()
		s.search.LoadCollections()
		s.results.Again()
	}
	s.results.OnAnswer = s.conns.Answered
	s.results.OnSelection = s.selectionChanged
	s.account.OnLogin = func() {
		s.win.RequestFocus()
		s.search.LoadCollections()
		if s.results.State().Phase == present.PhaseFailed {
			s.results.Again()
		}
	}
	s.account.OnLogout = func(problem present.Problem) {
		if problem.Text != "" {
			s.status.Say(s.p.T("You are logged out here; the login service could not be told.") + " " + problem.Text)
			return
		}
		s.status.Say(s.p.T("You are logged out."))
	}
	s.moves.OnProblem = func(problem present.Problem) { s.status.Say(problem.Text) }
}

func (s *Shell) opened(w present.Workspace) {
	var src catalog.Source
	if w.Catalog != nil {
		src = w.Catalog
	}
	s.results.SetSource(src)
	s.detail.SetSource(src)
	s.thumbs.SetSource(w.Thumbnails)
	s.pictures.SetSource(w.Thumbnails)
	s.account.SetSession(w.Session)
	s.search.SetSource(src)
}

// runSearch asks what the form asks.
func (s *Shell) runSearch() {
	if s.conns.Workspace().Catalog == nil {
		return
	}
	if q, ok := s.search.Query(); ok {
		s.results.Run(q)
	}
}

// selectionChanged brings list, map and detail to the same selection.
func (s *Shell) selectionChanged() {
	s.list.selectionChanged()
	s.stage.selectionChanged()
	if it, ok := s.results.CurrentItem(); ok {
		s.detail.Show(it)
	} else {
		s.detail.Hide()
	}
}

// act does what a problem's button offers; retry is what "Try again" means there.
func (s *Shell) act(a present.Action, retry func()) {
	switch a {
	case present.ActionRetry:
		if retry != nil {
			retry()
		}
	case present.ActionLogin:
		s.account.Login()
	case present.ActionDevice:
		s.account.LoginDevice()
	case present.ActionOffline:
		s.conns.SetOffline(true)
	case present.ActionOnline:
		s.conns.SetOffline(false)
	case present.ActionConnection:
		s.dialogs.editConnection(s.conns.State().Current)
	case present.ActionFolder:
		s.dialogs.chooseFolder(s.settings.DownloadDir, s.setDownloadDir)
	case present.ActionForm:
		s.form.focus()
	}
}

func (s *Shell) setDownloadDir(dir string) {
	s.settings.DownloadDir = dir
	s.save()
}

// Show opens the window and the connection that was current last time.
func (s *Shell) Show() {
	l := s.settings.Layout
	w, h := l.Width, l.Height
	if w < 600 || h < 400 {
		w, h = 1440, 860
	}
	s.win.Resize(fyne.NewSize(w, h))
	s.win.SetCloseIntercept(s.closeRequested)
	s.win.Show()
	s.conns.Start()
	s.form.focus()
}

// Window returns the window, for what only the program's main package does with it.
func (s *Shell) Window() fyne.Window { return s.win }

// Quit closes the window without asking.
func (s *Shell) Quit() {
	s.remember()
	s.close()
	s.win.SetCloseIntercept(nil)
	s.win.Close()
}

// closeRequested closes at once: the queue is on disk and goes on at the next start, so that there is nothing to ask.
func (s *Shell) closeRequested() { s.Quit() }

func (s *Shell) close() {
	s.stop()
	s.moves.Close()
	s.account.Close()
	s.thumbs.Close()
	s.pictures.Close()
	s.results.Stop()
	s.stage.close()
	if w := s.conns.Workspace(); w.Close != nil {
		w.Close()
	}
}

// remember keeps the geometry of the window.
func (s *Shell) remember() {
	size := s.win.Canvas().Size()
	s.settings.Layout = present.Layout{
		Width: size.Width, Height: size.Height, Left: s.sides.Offset, Right: s.main.Offset, Bottom: s.whole.Offset, Detail: s.right.Offset,
		TransfersHidden: s.transfer.folded,
	}
	s.save()
}

func (s *Shell) save() { s.svc.Preferences.Save(s.settings) }

// openURL opens a web page in the browser, if it is one.
func (s *Shell) openURL(href string) {
	u, err := url.Parse(href)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") {
		s.status.Say(s.p.T("This is not a web address: {address}", "address", href))
		return
	}
	if err := s.app.OpenURL(u); err != nil {
		s.status.Say(s.p.T("No browser could be opened; the address is on the clipboard."))
		s.copy(href)
	}
}

func (s *Shell) copy(text string) { s.app.Clipboard().SetContent(text) }

func (s *Shell) openFolder(path string) {
	if s.svc.OpenFolder == nil || path == "" {
		return
	}
	go func() {
		if err := s.svc.OpenFolder(path); err != nil {
			s.svc.Dispatch(func() {
				s.status.Say(s.p.T("The folder could not be shown: {why}", "why", err.Error()))
			})
		}
	}()
}
