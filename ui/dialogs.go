package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// dialogs shows what lies over the window. At most one of our own is open at a time.
type dialogs struct {
	s       *Shell
	open    *widget.PopUp
	onClose func()
	login   *loginDialog
	// named are the widgets of dialogs that have a place by name; pending those of the one that is being built, shown those of
	// the one that is open.
	named          map[string]fyne.CanvasObject
	pending, shown map[string]fyne.CanvasObject
}

func newDialogs(s *Shell) *dialogs {
	d := &dialogs{s: s, named: map[string]fyne.CanvasObject{}, pending: map[string]fyne.CanvasObject{}}
	d.login = newLoginDialog(s, d)
	return d
}

// dialogSpec is what a dialog of ours consists of.
type dialogSpec struct {
	title   string
	body    fyne.CanvasObject
	buttons []fyne.CanvasObject
	width   float32
	height  float32 // of the body; 0: as much as it needs
	onClose func()  // called however it closes
	focus   fyne.Focusable
}

// place gives a widget of the dialog that is being built a name, which it loses when the dialog closes.
func (d *dialogs) place(name string, o fyne.CanvasObject) {
	d.named[name], d.pending[name] = o, o
	d.s.place(name, func() fyne.CanvasObject { return d.named[name] })
}

// placeShown names a widget that came into the dialog that is open.
func (d *dialogs) placeShown(name string, o fyne.CanvasObject) {
	d.place(name, o)
	delete(d.pending, name)
	d.shown[name] = o
}

func (d *dialogs) show(spec dialogSpec) {
	d.close()
	d.shown, d.pending = d.pending, map[string]fyne.CanvasObject{}
	title := newText(spec.title, theme.ColorNameForeground, theme.SizeNameSubHeadingText, cutEnd)
	title.bold = true
	row := container.NewHBox(layout.NewSpacer())
	for _, b := range spec.buttons {
		row.Add(b)
	}
	body := sized(spec.body, fyne.NewSize(spec.width, spec.height))
	content := vbox(12, title, body)
	if len(spec.buttons) > 0 {
		content.Add(row)
	}
	d.open = widget.NewModalPopUp(pad(content, 16, 20, 16, 20), d.s.win.Canvas())
	d.onClose = spec.onClose
	d.open.Show()
	if spec.focus != nil {
		d.s.win.Canvas().Focus(spec.focus)
	}
}

// close closes our dialog, and reports whether one was open.
func (d *dialogs) close() bool {
	if d.open == nil {
		return false
	}
	open, onClose := d.open, d.onClose
	d.open, d.onClose = nil, nil
	for name, o := range d.shown {
		if d.named[name] == o {
			delete(d.named, name)
		}
	}
	open.Hide()
	if onClose != nil {
		onClose()
	}
	return true
}

// button makes a button of a dialog; name is for Where.
func (d *dialogs) button(name, label string, important bool, tapped func()) *hintButton {
	b := newHintButton(d.s.status, label, nil, "", tapped)
	if important {
		b.Importance = widget.HighImportance
	}
	d.place(name, b)
	return b
}

func (d *dialogs) closeButton(label string) *hintButton {
	return d.button("dialog.close", label, false, func() { d.close() })
}

// chooseFolder asks for a folder, beginning with one.
func (d *dialogs) chooseFolder(from string, then func(string)) {
	dlg := dialog.NewFolderOpen(func(u fyne.ListableURI, err error) {
		if err == nil && u != nil {
			then(u.Path())
		}
	}, d.s.win)
	if l, err := storage.ListerForURI(storage.NewFileURI(from)); err == nil && from != "" {
		dlg.SetLocation(l)
	}
	dlg.Resize(fyne.NewSize(760, 520))
	dlg.Show()
}

// ask asks a question with two answers.
func (d *dialogs) ask(title, text, yes, no string, answer func(bool)) {
	said := false
	say := func(v bool) {
		if !said {
			said = true
			d.close()
			answer(v)
		}
	}
	d.show(dialogSpec{
		title: title, body: paragraph(text, widget.MediumImportance, fyne.TextAlignLeading), width: 440,
		buttons: []fyne.CanvasObject{
			d.button("dialog.no", no, false, func() { say(false) }), d.button("dialog.yes", yes, true, func() { say(true) }),
		},
		onClose: func() { say(false) },
	})
}
