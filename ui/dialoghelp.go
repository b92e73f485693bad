package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// shortcuts lists the keys.
func (d *dialogs) shortcuts() {
	p := d.s.p
	keys := []struct{ key, does string }{
		{"F6", p.T("Next part of the window")},
		{"Ctrl+1, 2, 3, 4", p.T("Form, map, results, transfers")},
		{"Ctrl+F", p.T("Search form")},
		{p.T("Enter, Ctrl+Enter"), p.T("Search")},
		{p.T("Arrows, Page, Home, End"), p.T("Move in the results")},
		{p.T("Space, Shift+arrows, Ctrl+A"), p.T("Select one more, a range, all")},
		{p.T("Enter"), p.T("Show the image on the map (in the results)")},
		{"Ctrl+C", p.T("Copy the identifier (in the results)")},
		{"Ctrl+D", p.T("Download the selection")},
		{"Ctrl+0", p.T("Show all results on the map")},
		{"Ctrl+T", p.T("Fold or unfold the transfers")},
		{"Ctrl+L", p.T("Log in")},
		{"Ctrl+O", p.T("Work offline, or not")},
		{p.T("Esc"), p.T("Close, or stop what is under way")},
		{"F1", p.T("This help")},
	}
	rows := make([]fyne.CanvasObject, len(keys))
	for i, k := range keys {
		key := newText(k.key, theme.ColorNameForeground, theme.SizeNameText, cutEnd)
		key.bold = true
		rows[i] = container.New(pairLayout{}, key, newText(k.does, theme.ColorNameForeground, theme.SizeNameText, cutEnd))
	}
	d.show(dialogSpec{title: p.T("Keyboard shortcuts"), body: vbox(5, rows...), width: 560, buttons: []fyne.CanvasObject{d.closeButton(p.T("Close"))}})
}

// about tells what this is and under which licences its parts are.
func (d *dialogs) about() {
	p := d.s.p
	mark := canvas.NewImageFromResource(AppIcon())
	mark.FillMode = canvas.ImageFillContain
	mark.SetMinSize(fyne.NewSquareSize(84))
	name := newText("DINAMIS Desktop", theme.ColorNameForeground, theme.SizeNameHeadingText, cutNever)
	name.bold = true
	what := paragraph(p.T("Find, keep and download the satellite images of DINAMIS and THEIA.")+"\n"+d.s.svc.About, widget.MediumImportance, fyne.TextAlignLeading)
	head := border{left: mark, centre: middle(pad(vbox(2, pad(name, 0, 0, 0, 6), what), 0, 0, 0, 12))}.build()
	body := head
	if d.s.svc.Licences != "" {
		licences := widget.NewLabel(d.s.svc.Licences)
		licences.SizeName = theme.SizeNameCaptionText
		licences.Wrapping = fyne.TextWrapWord
		box := container.NewStack(newSurface(theme.ColorNameHeaderBackground, 6), sized(container.NewVScroll(licences), fyne.NewSize(100, 220)))
		body = vbox(10, head, box)
	}
	d.show(dialogSpec{title: p.T("About"), body: body, width: 560, buttons: []fyne.CanvasObject{d.closeButton(p.T("Close"))}})
}

// document shows the STAC item as it came.
func (d *dialogs) document(st present.DetailState) {
	p := d.s.p
	if st.Raw == "" {
		return
	}
	grid := widget.NewTextGridFromString(st.Raw)
	box := container.NewStack(newSurface(theme.ColorNameHeaderBackground, 6), pad(container.NewScroll(grid), 6, 6, 6, 8))
	copyAll := d.button("document.copy", p.T("Copy"), false, func() {
		d.s.copy(string(st.Item.Raw))
		d.s.status.Say(p.T("The document is on the clipboard."))
	})
	d.show(dialogSpec{title: st.Title, body: box, width: 760, height: 520, buttons: []fyne.CanvasObject{copyAll, d.closeButton(p.T("Close"))}})
}

// Notice tells the person of something that went wrong without stopping the program, such as a damaged catalogue that was set aside. It may
// be called from any goroutine; notices that come while one is open are told in one dialog with it.
func (s *Shell) Notice(text string) {
	s.svc.Dispatch(func() {
		s.notices = append(s.notices, text)
		said := len(s.notices)
		s.dialogs.show(dialogSpec{
			title: s.p.T("Please note"), width: 520,
			body:    paragraph(strings.Join(s.notices, "\n\n"), widget.MediumImportance, fyne.TextAlignLeading),
			buttons: []fyne.CanvasObject{s.dialogs.closeButton(s.p.T("Close"))},
			onClose: func() {
				if len(s.notices) == said {
					s.notices = nil
				}
			},
		})
	})
}
