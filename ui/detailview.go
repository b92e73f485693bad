package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// picturePixels is the longer side of the picture in the detail panel, for screens of up to twice the density.
const picturePixels = 400

// detailView shows one image: its picture, its metadata in words, and its files to choose from.
type detailView struct {
	s        *Shell
	root     fyne.CanvasObject
	title    *text
	subtitle *text
	head     *fyne.Container
	pic      *picture
	facts    *fyne.Container // beside the picture: what matters most
	body     *fyne.Container
	scroll   *container.Scroll
	foot     *fyne.Container
	chosen   *text
	download *hintButton
	state    *stateView
	shown    catalog.Key
	phase    present.Phase
	checks   map[string]*box
}

func newDetailView(s *Shell) *detailView {
	v := &detailView{s: s, checks: map[string]*box{}}
	p := s.p
	v.title = strong("", cutMiddle)
	v.subtitle = caption("", cutEnd)
	zoom := newHintButton(s.status, "", icon("viewport"), p.T("Show it on the map"), func() { s.stage.zoomTo(v.shown.String()) }).quiet()
	copyID := newHintButton(s.status, "", theme.ContentCopyIcon(), p.T("Copy the identifier"), func() {
		s.copy(string(v.shown.Item))
		s.status.Say(p.T("The identifier is on the clipboard."))
	}).quiet()
	raw := newHintButton(s.status, "", icon("code"), p.T("Show the whole STAC document"), func() { s.dialogs.document(s.detail.State()) }).quiet()
	v.head = pad(border{right: hbox(0, zoom, copyID, raw), centre: vbox(0, v.title, v.subtitle)}.build(), 8, 6, 6, 12)

	v.pic = newPicture(fyne.NewSquareSize(112), 6)
	v.facts = vbox(3)
	v.body = container.New(layout.NewCustomPaddedVBoxLayout(10))
	v.scroll = container.NewVScroll(pad(v.body, 2, 14, 14, 12))
	v.chosen = caption("", cutEnd)
	v.download = newHintButton(s.status, p.T("Download the files"), theme.DownloadIcon(), p.T("Download the checked files of this image"), s.downloadCurrent)
	v.foot = vbox(0, rule(), pad(border{right: v.download, centre: v.chosen}.build(), 6, 12, 6, 12))
	v.state = newStateView(s)
	v.root = panel(container.NewStack(border{top: v.head, bottom: v.foot, centre: v.scroll}.tight(), v.state.root))
	placed(s, "detail.download", v.download)
	placed(s, "detail.zoom", zoom)
	placed(s, "detail.json", raw)
	s.place("detail", func() fyne.CanvasObject { return v.root })
	s.detail.Observe(v.show)
	v.show()
	return v
}

func (v *detailView) show() {
	st, p := v.s.detail.State(), v.s.p
	switch st.Phase {
	case present.PhaseIdle:
		v.shown, v.phase = catalog.Key{}, st.Phase
		v.state.say(theme.InfoIcon(), "", p.T("Select an image to see what it is and which files it has."), present.ActionNone, nil)
		return
	case present.PhaseFailed:
		v.shown, v.phase = catalog.Key{}, st.Phase
		v.state.problem(st.Problem, v.s.detail.Again)
		return
	}
	v.state.hide()
	if st.Key != v.shown || st.Phase != v.phase {
		v.fill(st)
	}
	for _, a := range st.Assets {
		if c := v.checks[a.Asset.Key]; c != nil && c.Checked != a.Checked {
			c.SetChecked(a.Checked)
		}
	}
	v.chosen.SetText(p.N("{n} files", int64(st.Checked)))
	if st.CheckedSize != "" && st.Checked > 0 {
		v.chosen.SetText(p.N("{n} files", int64(st.Checked)) + ", " + st.CheckedSize)
	}
	enable(v.download, st.Checked > 0)
}

func (v *detailView) fill(st present.DetailState) {
	if st.Key != v.shown {
		v.scroll.ScrollToTop()
	}
	v.shown, v.phase = st.Key, st.Phase
	v.title.SetText(st.Title)
	v.subtitle.SetText(st.Subtitle)
	v.pic.load(v.s.pictures, st.Item)
	v.checks = map[string]*box{}
	v.facts.RemoveAll()
	for _, f := range st.Facts {
		v.facts.Add(pair(f.Label, f.Value))
	}
	parts := []fyne.CanvasObject{border{left: v.pic, centre: middle(pad(v.facts, 0, 0, 0, 8))}.build()}
	if st.Phase == present.PhaseReady {
		parts = append(parts, v.assets(st), v.fields(st))
		if len(st.Bands) > 0 {
			parts = append(parts, v.bands(st))
		}
		if len(st.More) > 0 {
			parts = append(parts, v.part(v.s.p.T("Further properties")), pairs(st.More))
		}
	}
	v.body.Objects = parts
	v.body.Refresh()
}

func (v *detailView) part(title string) fyne.CanvasObject {
	t := newText(title, colorMuted, theme.SizeNameCaptionText, cutNever)
	t.bold = true
	return t
}

func (v *detailView) assets(st present.DetailState) fyne.CanvasObject {
	rows := []fyne.CanvasObject{v.part(v.s.p.N("{n} files", int64(len(st.Assets))))}
	for _, a := range st.Assets {
		rows = append(rows, v.asset(a))
	}
	return vbox(4, rows...)
}

func (v *detailView) asset(a present.AssetRow) fyne.CanvasObject {
	key := a.Asset.Key
	check := newBox(v.s.status, "", nil)
	check.Checked = a.Checked
	check.OnChanged = func(on bool) { v.s.detail.Check(key, on) }
	v.checks[key] = check
	v.s.place("asset."+key, func() fyne.CanvasObject { return v.checks[key] })
	note := a.Type
	if a.Note != "" {
		note += " · " + a.Note
	}
	if a.Title != key {
		note = key + " · " + note
	}
	size := newText(a.Size, theme.ColorNameForeground, theme.SizeNameCaptionText, cutNever)
	right := hbox(4, middle(size))
	if a.Checksum {
		sign := newHintIcon(v.s.status, icon("verified"), v.s.p.T("The catalogue promises a checksum: the bytes will be compared with it"))
		right.Add(middle(sign))
	}
	words := vbox(0, newText(a.Title, theme.ColorNameForeground, theme.SizeNameText, cutEnd), caption(note, cutEnd))
	return border{left: middle(check), right: right, centre: words}.build()
}

func (v *detailView) fields(st present.DetailState) fyne.CanvasObject {
	rows := []fyne.CanvasObject{v.part(v.s.p.T("Image")), pairs(st.Fields)}
	if st.License != "" || st.LicenseHref != "" {
		rows = append(rows, v.licence(st))
	}
	return vbox(6, rows...)
}

func (v *detailView) licence(st present.DetailState) fyne.CanvasObject {
	name := st.License
	if name == "" {
		name = st.LicenseHref
	}
	var value fyne.CanvasObject = newText(name, theme.ColorNameForeground, theme.SizeNameCaptionText, cutEnd)
	if st.LicenseHref != "" {
		value = newLink(v.s, name, st.LicenseHref)
	}
	return container.New(pairLayout{}, caption(v.s.p.T("Licence"), cutEnd), value)
}

func (v *detailView) bands(st present.DetailState) fyne.CanvasObject {
	rows := []fyne.CanvasObject{v.part(v.s.p.N("{n} bands", int64(len(st.Bands))))}
	for _, b := range st.Bands {
		value := b.Common
		for _, s := range []string{b.Wavelength, b.Note} {
			if s != "" && value != "" {
				value += " · "
			}
			value += s
		}
		rows = append(rows, pair(b.Name, value))
	}
	return vbox(3, rows...)
}

func pairs(fields []present.Field) fyne.CanvasObject {
	rows := make([]fyne.CanvasObject, len(fields))
	for i, f := range fields {
		rows[i] = pair(f.Label, f.Value)
	}
	return vbox(3, rows...)
}

// pair is a label and its value, in two columns.
func pair(label, value string) fyne.CanvasObject {
	return container.New(pairLayout{}, caption(label, cutEnd), newText(value, theme.ColorNameForeground, theme.SizeNameCaptionText, cutMiddle))
}

// pairLayout gives the label a little more than a third.
type pairLayout struct{}

func (pairLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(80, fyne.Max(o[0].MinSize().Height, o[1].MinSize().Height))
}

func (pairLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	label := s.Width * 0.36
	o[0].Resize(fyne.NewSize(label-6, s.Height))
	o[1].Move(fyne.NewPos(label, 0))
	o[1].Resize(fyne.NewSize(s.Width-label, s.Height))
}
