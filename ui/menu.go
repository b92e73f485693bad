package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

func ctrl(key fyne.KeyName) fyne.Shortcut {
	return &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
}

// item is a menu item with a shortcut, which does nothing while a dialog is open: Fyne gives menu shortcuts to the window in any case.
func (s *Shell) item(label string, shortcut fyne.Shortcut, do func()) *fyne.MenuItem {
	it := fyne.NewMenuItem(label, func() {
		if s.win.Canvas().Overlays().Top() == nil {
			do()
		}
	})
	it.Shortcut = shortcut
	return it
}

func (s *Shell) buildMenu() {
	p := s.p
	quit := s.item(p.T("Quit"), ctrl(fyne.KeyQ), s.Quit)
	quit.IsQuit = true
	file := fyne.NewMenu(p.T("File"),
		s.item(p.T("Search"), ctrl(fyne.KeyReturn), s.runSearch),
		s.item(p.T("Download the selection…"), ctrl(fyne.KeyD), s.downloadSelection),
		s.item(p.T("Download folder…"), nil, func() { s.dialogs.chooseFolder(s.settings.DownloadDir, s.setDownloadDir) }),
		fyne.NewMenuItemSeparator(),
		s.item(p.T("Add a connection…"), nil, func() { s.dialogs.editConnection(present.Connection{}) }),
		s.item(p.T("Connection settings…"), nil, func() { s.dialogs.editConnection(s.conns.State().Current) }),
		fyne.NewMenuItemSeparator(), quit,
	)
	offline := s.item(p.T("Work offline"), ctrl(fyne.KeyO), func() { s.conns.SetOffline(!s.conns.State().Offline) })
	view := fyne.NewMenu(p.T("View"),
		s.item(p.T("Search form"), ctrl(fyne.KeyF), s.form.focus),
		s.item(p.T("Form"), ctrl(fyne.Key1), func() { s.focusPanel(0) }),
		s.item(p.T("Map"), ctrl(fyne.Key2), func() { s.focusPanel(1) }),
		s.item(p.T("Results"), ctrl(fyne.Key3), func() { s.focusPanel(2) }),
		s.item(p.T("Transfers"), ctrl(fyne.Key4), func() { s.focusPanel(3) }),
		fyne.NewMenuItemSeparator(),
		s.item(p.T("Show all results on the map"), ctrl(fyne.Key0), s.stage.fitResults),
		s.item(p.T("Fold or unfold the transfers"), ctrl(fyne.KeyT), func() { s.transfer.setFolded(!s.transfer.folded) }),
		offline,
		fyne.NewMenuItemSeparator(),
		s.themeMenu(), s.languageMenu(),
	)
	account := fyne.NewMenu(p.T("Account"),
		s.item(p.T("Log in"), ctrl(fyne.KeyL), s.loginUnlessIn),
		s.item(p.T("Log in with a code"), nil, s.account.LoginDevice),
		s.item(p.T("Log out"), nil, s.account.Logout),
	)
	help := fyne.NewMenu(p.T("Help"),
		s.item(p.T("Keyboard shortcuts (F1)"), ctrl(fyne.KeySlash), s.dialogs.shortcuts),
		s.item(p.T("About"), nil, s.dialogs.about),
	)
	main := fyne.NewMainMenu(file, view, account, help)
	s.win.SetMainMenu(main)
	s.conns.Observe(func() {
		if on := s.conns.State().Offline; offline.Checked != on {
			offline.Checked = on
			main.Refresh()
		}
	})
}

func (s *Shell) loginUnlessIn() {
	if s.account.State().Status != auth.LoggedIn {
		s.account.Login()
	}
}

func (s *Shell) themeMenu() *fyne.MenuItem {
	p := s.p
	it := fyne.NewMenuItem(p.T("Appearance"), nil)
	add := func(label, value string) *fyne.MenuItem {
		c := fyne.NewMenuItem(label, func() {
			s.settings.Theme = value
			s.save()
			s.look = newLook(value)
			s.app.Settings().SetTheme(s.look)
		})
		c.Checked = s.settings.Theme == value
		return c
	}
	it.ChildMenu = fyne.NewMenu("", add(p.T("As the system"), ""), add(p.T("Light"), "light"), add(p.T("Dark"), "dark"))
	return it
}

func (s *Shell) languageMenu() *fyne.MenuItem {
	p := s.p
	it := fyne.NewMenuItem(p.T("Language"), nil)
	add := func(label, value string) *fyne.MenuItem {
		c := fyne.NewMenuItem(label, func() {
			s.settings.Language = value
			s.save()
			s.status.Say(p.T("The language changes at the next start."))
		})
		c.Checked = s.settings.Language == value
		return c
	}
	it.ChildMenu = fyne.NewMenu("", add(p.T("As the system"), ""), add("English", string(present.English)), add("Français", string(present.French)))
	return it
}
