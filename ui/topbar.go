package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// topBar shows the connection, whether we are online, and who is logged in.
type topBar struct {
	s       *Shell
	root    fyne.CanvasObject
	dot     *surface
	picker  *hintButton
	reach   *text
	offline *box
	account *hintButton
	login   *hintButton
}

func newTopBar(s *Shell) *topBar {
	b := &topBar{s: s}
	p := s.p
	mark := canvas.NewImageFromResource(AppIcon())
	mark.FillMode = canvas.ImageFillContain
	mark.SetMinSize(fyne.NewSquareSize(28))
	name := newText("DINAMIS", theme.ColorNameForeground, theme.SizeNameSubHeadingText, cutNever)
	name.bold = true

	b.dot = newDot(colorMuted, 9)
	b.reach = caption("", cutNever)
	b.picker = newHintButton(s.status, "", theme.MenuDropDownIcon(), p.T("Choose the data centre to search in"), b.showConnections)
	b.picker.IconPlacement = widget.ButtonIconTrailingText
	b.picker.Importance = widget.LowImportance
	b.offline = newBox(s.status, p.T("Work offline"), func(on bool) { s.conns.SetOffline(on) })
	b.login = newHintButton(s.status, p.T("Log in"), theme.LoginIcon(), p.T("Log in through your web browser (Ctrl+L)"), s.account.Login)
	b.login.Importance = widget.HighImportance
	b.account = newHintButton(s.status, "", theme.AccountIcon(), p.T("Your account"), b.showAccount)
	b.account.Importance = widget.LowImportance

	left := hbox(8, mark, middle(name), newGap(10), middle(container.NewCenter(b.dot)), middle(b.picker), middle(b.reach))
	who := container.NewStack(b.login, b.account)
	right := hbox(10, middle(b.offline), newGap(4), middle(who))
	bar := container.NewHBox(left, layout.NewSpacer(), right)
	b.root = border{bottom: rule(), centre: panel(pad(bar, 5, 12, 5, 12))}.tight()

	placed(s, "connection", b.picker)
	placed(s, "offline", b.offline)
	placed(s, "login", b.login)
	placed(s, "account", b.account)
	s.conns.Observe(b.showConnection)
	s.account.Observe(b.showWho)
	b.showConnection()
	b.showWho()
	return b
}

func newGap(width float32) fyne.CanvasObject {
	g := newSurface("", 0)
	g.min = fyne.NewSize(width, 1)
	return g
}

func (b *topBar) showConnection() {
	st := b.s.conns.State()
	title := st.Current.Name
	if title == "" {
		title = b.s.p.T("No connection")
	}
	b.picker.SetText(title)
	label, color := b.s.p.ReachLabel(st.Reach), colorMuted
	switch {
	case st.Opening:
		label = b.s.p.T("Opening…")
	case st.Problem.Text != "":
		label, color = st.Problem.Text, theme.ColorNameError
	case st.Reach == present.ReachOnline:
		color = theme.ColorNameSuccess
	case st.Reach == present.ReachDown:
		color = theme.ColorNameWarning
	case st.Reach == present.ReachUnknown:
		label = ""
	}
	b.dot.SetColor(color)
	b.reach.SetText(label)
	if b.offline.Checked != st.Offline {
		b.offline.Checked = st.Offline
		b.offline.Refresh()
	}
	b.root.Refresh()
}

func (b *topBar) showWho() {
	st := b.s.account.State()
	b.login.Hide()
	b.account.Hide()
	switch {
	case !st.Available:
	case st.Status == auth.LoggedIn:
		b.account.SetText(st.Name)
		b.account.Show()
	default:
		text := b.s.p.T("Log in")
		if st.Status == auth.Expired {
			text = b.s.p.T("Log in again")
		}
		b.login.SetText(text)
		b.login.Show()
	}
	b.root.Refresh()
}

func (b *topBar) showConnections() {
	st := b.s.conns.State()
	p := b.s.p
	var items []*fyne.MenuItem
	for _, c := range st.List {
		it := fyne.NewMenuItem(c.Name, func() { b.s.conns.Switch(c.ID) })
		it.Checked = c.ID == st.Current.ID
		items = append(items, it)
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	items = append(items, fyne.NewMenuItemWithIcon(p.T("Add a connection…"), theme.ContentAddIcon(), func() {
		b.s.dialogs.editConnection(present.Connection{})
	}))
	if st.Current.ID != "" {
		items = append(items, fyne.NewMenuItemWithIcon(p.T("Connection settings…"), theme.SettingsIcon(), func() {
			b.s.dialogs.editConnection(st.Current)
		}))
	}
	b.popUp(items, b.picker)
}

func (b *topBar) showAccount() {
	p := b.s.p
	who := fyne.NewMenuItem(b.s.account.State().Who, nil)
	who.Disabled = true
	out := fyne.NewMenuItemWithIcon(p.T("Log out"), theme.LogoutIcon(), b.s.account.Logout)
	b.popUp([]*fyne.MenuItem{who, fyne.NewMenuItemSeparator(), out}, b.account)
}

func (b *topBar) popUp(items []*fyne.MenuItem, under fyne.CanvasObject) {
	b.s.popUpMenu(items, under)
}

// popUpMenu shows a menu under an object, moved left where it would leave the window.
func (s *Shell) popUpMenu(items []*fyne.MenuItem, under fyne.CanvasObject) {
	menu := widget.NewPopUpMenu(fyne.NewMenu("", items...), s.win.Canvas())
	pos := s.app.Driver().AbsolutePositionForObject(under)
	pos.Y += under.Size().Height + 2
	pos.X = max(min(pos.X, s.win.Canvas().Size().Width-menu.MinSize().Width-8), 0)
	menu.ShowAtPosition(pos)
	for i, it := range menu.Items {
		s.place("menu."+itoa(i), func() fyne.CanvasObject {
			if !menu.Visible() {
				return nil
			}
			return it
		})
	}
}
