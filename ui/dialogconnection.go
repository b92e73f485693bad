package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// dialogField is an entry in a dialog: Esc closes the dialog, Enter does what its main button does.
type dialogField struct {
	widget.Entry
	d *dialogs
}

func (d *dialogs) field(value, placeholder string, submit func()) *dialogField {
	f := &dialogField{d: d}
	f.ExtendBaseWidget(f)
	f.Text, f.PlaceHolder = value, placeholder
	f.OnSubmitted = func(string) { submit() }
	return f
}

// TypedKey implements fyne.Focusable.
func (f *dialogField) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape {
		f.d.close()
		return
	}
	f.Entry.TypedKey(e)
}

// editConnection asks for the addresses of a data centre; a connection without an id is a new one.
func (d *dialogs) editConnection(c present.Connection) {
	s, p := d.s, d.s.p
	var save func()
	submit := func() { save() }
	name := d.field(c.Name, p.T("DINAMIS"), submit)
	stac := d.field(c.StacURL, "https://api.stac.teledetection.fr", submit)
	signing := d.field(c.SigningURL, "https://signing.stac.teledetection.fr", submit)
	issuer := d.field(c.Issuer, p.T("asked of the signing API"), submit)
	client := d.field(c.ClientID, p.T("the usual one"), submit)
	note := paragraph("", widget.DangerImportance, fyne.TextAlignLeading)
	note.Hide()
	saveButton := d.button("connection.save", p.T("Save"), true, submit)
	save = func() {
		saveButton.Disable()
		edited := present.Connection{ID: c.ID, Name: name.Text, StacURL: stac.Text, SigningURL: signing.Text, Issuer: issuer.Text, ClientID: client.Text}
		s.conns.Save(edited, func(problem string) {
			saveButton.Enable()
			if problem == "" {
				d.close()
				return
			}
			note.SetText(problem)
			note.Show()
		})
	}
	row := func(name, label, help string, f *dialogField) fyne.CanvasObject {
		d.place(name, f)
		h := newText(label, theme.ColorNameForeground, theme.SizeNameCaptionText, cutNever)
		h.bold = true
		return vbox(3, border{left: h, centre: pad(caption(help, cutEnd), 0, 0, 0, 8)}.build(), f)
	}
	body := vbox(9,
		row("connection.name", p.T("Name"), "", name),
		row("connection.stac", p.T("STAC API"), p.T("where the catalogue is"), stac),
		row("connection.signing", p.T("Signing API"), p.T("empty if all files are public"), signing),
		row("connection.issuer", p.T("Login service"), p.T("OpenID issuer; usually empty"), issuer),
		row("connection.client", p.T("Client id"), p.T("usually empty"), client),
		note,
	)
	title := p.T("Add a connection")
	buttons := []fyne.CanvasObject{d.closeButton(p.T("Cancel")), saveButton}
	if c.ID != "" {
		title = p.T("Connection settings")
		remove := d.button("connection.remove", p.T("Remove"), false, func() { d.removeConnection(c) })
		remove.Importance = widget.DangerImportance
		buttons = []fyne.CanvasObject{remove, d.closeButton(p.T("Cancel")), saveButton}
	}
	d.show(dialogSpec{title: title, body: body, width: 520, buttons: buttons, focus: name})
}

func (d *dialogs) removeConnection(c present.Connection) {
	p := d.s.p
	d.ask(p.T("Remove the connection?"),
		p.T("“{name}” and its login are forgotten. Files and the catalogue on this computer stay.", "name", c.Name),
		p.T("Remove"), p.T("Cancel"), func(yes bool) {
			if yes {
				d.s.conns.Remove(c.ID)
			}
		})
}
