package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// downloadSelection opens the download dialog for what is selected.
func (s *Shell) downloadSelection() {
	items := s.results.Selection()
	if len(items) == 0 {
		s.status.Say(s.p.T("Select images first, in the list or on the map."))
		return
	}
	s.dialogs.download(items, nil)
}

// downloadCurrent opens the download dialog for the image in the detail panel, with the files that are checked there.
func (s *Shell) downloadCurrent() {
	st := s.detail.State()
	if st.Phase == present.PhaseReady {
		s.dialogs.download([]catalog.Item{st.Item}, s.detail.ChosenKeys())
	}
}

// downloadDialog asks which files of which images go where.
type downloadDialog struct {
	d      *dialogs
	plan   *present.Plan
	keys   *fyne.Container
	checks map[string]*box
	folder *text
	total  *text
	free   *text
	note   *text
	start  *hintButton
	state  *stateView
}

func (d *dialogs) download(items []catalog.Item, keys []string) {
	s, p := d.s, d.s.p
	v := &downloadDialog{d: d, checks: map[string]*box{}}
	v.plan = present.NewPlan(s.svc.Dispatch, p, s.conns.Workspace(), s.svc.Queue, s.svc.Disk, items, keys, s.settings.DownloadDir)
	v.keys = vbox(2)
	v.folder = newText("", theme.ColorNameForeground, theme.SizeNameText, cutMiddle)
	v.total, v.free = strong("", cutEnd), caption("", cutNever)
	v.note = newText("", theme.ColorNameError, theme.SizeNameCaptionText, cutEnd)
	v.state = newStateView(s)
	other := d.button("download.folder", p.T("Other folder…"), false, func() {
		d.chooseFolder(v.plan.State().Folder, func(dir string) {
			s.setDownloadDir(dir)
			v.plan.SetFolder(dir)
		})
	})
	box := container.NewStack(newSurface(theme.ColorNameHeaderBackground, 6), container.NewVScroll(pad(v.keys, 6, 10, 6, 8)), v.state.root)
	body := border{
		bottom: vbox(6,
			newGap(1),
			border{left: middle(caption(p.T("Folder")+"  ", cutNever)), right: other, centre: v.folder}.build(),
			border{right: v.free, centre: v.total}.build(), v.note,
		),
		centre: box,
	}.build()
	v.start = d.button("download.start", p.T("Download"), true, v.plan.Start)
	v.plan.OnStarted = func(files int) {
		d.close()
		s.status.Say(p.N("{n} files added to the transfers.", int64(files)))
		s.transfer.setFolded(false)
	}
	v.plan.Observe(v.show)
	d.show(dialogSpec{
		title: v.plan.State().Heading, body: body, width: 560, height: 380, onClose: v.plan.Close,
		buttons: []fyne.CanvasObject{d.closeButton(p.T("Cancel")), v.start},
	})
	v.show()
}

func (v *downloadDialog) show() {
	st, p := v.plan.State(), v.d.s.p
	switch st.Phase {
	case present.PhaseLoading:
		v.state.wait(p.T("Reading what files there are…"))
	case present.PhaseFailed:
		v.state.problem(present.Problem{Text: st.Problem.Text, Detail: st.Problem.Detail}, nil)
	case present.PhaseEmpty:
		v.state.say(nil, "", p.T("These images have no files."), present.ActionNone, nil)
	default:
		v.state.hide()
	}
	if len(v.keys.Objects) != len(st.Keys) {
		v.fill(st)
	}
	for _, k := range st.Keys {
		if c := v.checks[k.Key]; c != nil && c.Checked != k.Checked {
			c.SetChecked(k.Checked)
		}
	}
	v.folder.SetText(st.Folder)
	v.total.SetText(st.Total)
	v.free.SetText(st.Free)
	v.note.SetText(st.Warning)
	if st.Phase == present.PhaseReady && st.Problem.Text != "" {
		v.note.SetText(st.Problem.Text)
	}
	enable(v.start, st.CanStart)
}

func (v *downloadDialog) fill(st present.PlanState) {
	v.keys.RemoveAll()
	for _, k := range st.Keys {
		check := newBox(v.d.s.status, "", nil)
		check.Checked = k.Checked
		check.OnChanged = func(on bool) { v.plan.Check(k.Key, on) }
		v.checks[k.Key] = check
		v.d.placeShown("download.key."+k.Key, check)
		note := k.Key + " · " + k.Type
		if k.Title == k.Key {
			note = k.Type
		}
		words := vbox(0, newText(k.Title, theme.ColorNameForeground, theme.SizeNameText, cutEnd), caption(note, cutEnd))
		size := newText(k.SizeText, theme.ColorNameForeground, theme.SizeNameCaptionText, cutNever)
		size.align = fyne.TextAlignTrailing
		count := caption(k.CountText, cutNever)
		count.align = fyne.TextAlignTrailing
		v.keys.Add(border{left: middle(check), right: middle(vbox(0, size, count)), centre: words}.build())
	}
}
