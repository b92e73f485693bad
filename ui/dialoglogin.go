package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// loginDialog follows the account presenter: it opens, changes and closes with the steps of a login.
type loginDialog struct {
	s    *Shell
	d    *dialogs
	step present.LoginStep
	key  string
	held bool // another dialog stands in its place until again
}

func newLoginDialog(s *Shell, d *dialogs) *loginDialog {
	l := &loginDialog{s: s, d: d}
	s.account.Observe(l.follow)
	return l
}

func (l *loginDialog) follow() {
	if l.held {
		return
	}
	st := l.s.account.State()
	key := st.LoginURL + st.Device.UserCode + st.Problem.Text
	if st.Step == l.step && key == l.key {
		return
	}
	wasOpen := l.step != present.LoginClosed
	l.step, l.key = st.Step, key
	switch st.Step {
	case present.LoginClosed:
		if wasOpen {
			l.d.onClose = nil
			l.d.close()
		}
	case present.LoginBrowser:
		l.showBrowser(st)
	case present.LoginDeviceWaiting, present.LoginDeviceCode:
		l.showDevice(st)
	case present.LoginFailed:
		l.showFailed(st)
	}
}

// again shows the step of a login under way after another dialog stood in its place.
func (l *loginDialog) again() {
	l.held, l.step, l.key = false, present.LoginClosed, ""
	l.follow()
}

// replace shows another step; closing it by hand gives the login up.
func (l *loginDialog) replace(title string, body fyne.CanvasObject, buttons ...fyne.CanvasObject) {
	l.d.onClose = nil
	l.d.show(dialogSpec{title: title, body: body, buttons: buttons, width: 440, onClose: l.s.account.CancelLogin})
}

func (l *loginDialog) cancelButton() *hintButton {
	return l.d.button("login.cancel", l.s.p.T("Cancel"), false, l.s.account.CancelLogin)
}

func (l *loginDialog) showBrowser(st present.AccountState) {
	p := l.s.p
	busy := widget.NewActivity()
	busy.Start()
	body := vbox(8,
		border{
			left:   middle(pad(sized(busy, fyne.NewSquareSize(24)), 0, 8, 0, 0)),
			centre: paragraph(p.T("Your web browser is open. Log in there, then come back: this window goes on by itself."), widget.MediumImportance, fyne.TextAlignLeading),
		}.build(),
	)
	copyLink := l.d.button("login.copy", p.T("Copy the link"), false, func() {
		l.s.copy(st.LoginURL)
		l.s.status.Say(p.T("The link is on the clipboard: open it in a browser on this computer."))
	})
	enable(copyLink, st.LoginURL != "")
	code := l.d.button("login.device", p.T("Use a code instead"), false, l.s.account.LoginDevice)
	l.replace(p.T("Log in"), body, copyLink, code, l.cancelButton())
}

func (l *loginDialog) showDevice(st present.AccountState) {
	p := l.s.p
	if st.Step == present.LoginDeviceWaiting {
		busy := widget.NewActivity()
		busy.Start()
		body := border{left: sized(busy, fyne.NewSquareSize(24)), centre: paragraph(p.T("Asking for a code…"), widget.MediumImportance, fyne.TextAlignLeading)}.build()
		l.replace(p.T("Log in with a code"), body, l.cancelButton())
		return
	}
	code := newText(st.Device.UserCode, theme.ColorNameForeground, theme.SizeNameHeadingText, cutNever)
	code.bold, code.mono, code.align = true, true, fyne.TextAlignCenter
	ground := container.NewStack(newSurface(colorChip, 8), pad(container.NewCenter(code), 12, 12, 12, 12))
	open := first(st.Device.CompleteURI, st.Device.VerificationURI)
	body := vbox(8,
		paragraph(p.T("On any device with a browser, open this address and type the code:"), widget.MediumImportance, fyne.TextAlignLeading),
		newLink(l.s, st.Device.VerificationURI, open), ground,
		paragraph(p.T("This window goes on by itself. The code is good until {time}.", "time", st.Device.Expiry.Local().Format("15:04")),
			widget.LowImportance, fyne.TextAlignLeading),
	)
	copyCode := l.d.button("login.copyCode", p.T("Copy the code"), false, func() { l.s.copy(strings.TrimSpace(st.Device.UserCode)) })
	openHere := l.d.button("login.openCode", p.T("Open the address here"), true, func() { l.s.openURL(open) })
	l.replace(p.T("Log in with a code"), body, l.cancelButton(), copyCode, openHere)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (l *loginDialog) showFailed(st present.AccountState) {
	p := l.s.p
	why := paragraph(shortDetail(st.Problem), widget.LowImportance, fyne.TextAlignLeading)
	why.SizeName = theme.SizeNameCaptionText
	body := vbox(4, border{
		left:   middle(pad(sized(widget.NewIcon(theme.NewWarningThemedResource(theme.WarningIcon())), fyne.NewSquareSize(24)), 0, 8, 0, 0)),
		centre: paragraph(st.Problem.Text, widget.MediumImportance, fyne.TextAlignLeading),
	}.build(), why)
	again := l.d.button("login.again", p.T("Try again"), true, l.s.account.Login)
	code := l.d.button("login.device", p.T("Use a code instead"), false, l.s.account.LoginDevice)
	l.replace(p.T("You are not logged in"), body, l.d.button("login.cancel", p.T("Close"), false, l.s.account.CancelLogin), code, again)
}

// AskVaultConsent asks whether the login may be kept in an encrypted file, since this computer has no keychain. It blocks and
// may be called from any goroutine but the UI's. Closing the window means no.
func (s *Shell) AskVaultConsent(ctx context.Context) (bool, error) {
	answer := make(chan bool, 1)
	s.svc.Dispatch(func() { s.dialogs.consent(func(yes bool) { answer <- yes }) })
	select {
	case yes := <-answer:
		return yes, nil
	case <-s.ctx.Done():
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// consent asks in the middle of a login: its dialog stands aside meanwhile, which must not give the login up.
func (d *dialogs) consent(answer func(bool)) {
	p := d.s.p
	d.onClose, d.login.held = nil, true
	d.ask(p.T("Stay logged in?"),
		p.T("This computer has no keychain that could keep your login. It can be kept in an encrypted file that only your account can read. Without it you log in again at each start."),
		p.T("Keep it in a file"), p.T("Don't keep it"), func(yes bool) {
			answer(yes)
			d.login.again()
		})
}
