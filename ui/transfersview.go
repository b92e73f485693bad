package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// transfersView shows the download queue.
type transfersView struct {
	s       *Shell
	root    *fyne.Container
	content *fyne.Container
	summary *text
	total   *bar
	speed   *text
	fold    *hintButton
	pause   *hintButton
	resume  *hintButton
	retry   *hintButton
	tidy    *hintButton
	banner  *bannerView
	list    *widget.List
	empty   *stateView
	folded  bool
	rows    map[*transferRow]int
}

func newTransfersView(s *Shell) *transfersView {
	v := &transfersView{s: s, rows: map[*transferRow]int{}}
	p, m, st := s.p, s.moves, s.status
	title := strong(p.T("Transfers"), cutNever)
	v.summary, v.speed = caption("", cutEnd), newText("", theme.ColorNameForeground, theme.SizeNameCaptionText, cutNever)
	v.total = newBar()
	v.fold = newHintButton(st, "", theme.MenuDropDownIcon(), p.T("Fold or unfold the transfers"), func() { v.setFolded(!v.folded); s.remember() }).quiet()
	v.pause = newHintButton(st, "", theme.MediaPauseIcon(), p.T("Pause all transfers"), func() { m.Pause() }).quiet()
	v.resume = newHintButton(st, "", theme.MediaPlayIcon(), p.T("Let paused transfers go on"), func() { m.Resume() }).quiet()
	v.retry = newHintButton(st, p.T("Retry failed"), theme.ViewRefreshIcon(), p.T("Try the failed transfers again"), func() { m.Retry() }).quiet()
	v.tidy = newHintButton(st, p.T("Clear finished"), theme.ContentClearIcon(), p.T("Take finished transfers off the list; the files stay"), func() { m.Forget() }).quiet()
	left := hbox(10, middle(v.fold), middle(title))
	right := hbox(2, middle(v.speed), newGap(4), middle(sized(v.total, fyne.NewSize(90, barHeight))), newGap(6), v.pause, v.resume, v.retry, v.tidy)
	head := pad(border{left: left, right: right, centre: pad(v.summary, 0, 8, 0, 10)}.build(), 2, 8, 2, 6)

	v.banner = newBannerView(s)
	v.list = widget.NewList(m.Len, func() fyne.CanvasObject { return newTransferRow(v) },
		func(i widget.ListItemID, o fyne.CanvasObject) {
			r := o.(*transferRow)
			v.rows[r] = i
			r.show(m.Row(i))
		})
	v.list.HideSeparators = true
	v.list.OnSelected = func(i widget.ListItemID) { v.list.Unselect(i) }
	v.empty = newStateView(s)
	v.content = container.NewStack(sized(container.NewStack(v.list, v.empty.root), fyne.NewSize(100, 70)))
	top := vbox(0, head, v.banner.root, rule())
	frame := border{top: top, centre: v.content}.tight()
	v.root = panel(frame)
	v.banner.fit = func() { refit(top, frame) }
	placed(s, "transfers.banner", v.banner.root)

	placed(s, "transfers.fold", v.fold)
	placed(s, "transfers.pauseAll", v.pause)
	placed(s, "transfers.resumeAll", v.resume)
	placed(s, "transfers.retry", v.retry)
	placed(s, "transfers.clear", v.tidy)
	s.place("transfers", func() fyne.CanvasObject { return v.root })
	m.Observe(v.show)
	v.show()
	return v
}

func (v *transfersView) show() {
	st, p := v.s.moves.State(), v.s.p
	v.summary.SetText(st.Summary)
	speed := st.Speed
	if st.Left != "" {
		speed += " · " + p.T("{time} left", "time", st.Left)
	}
	v.speed.SetText(speed)
	show(v.total, st.Progress >= 0 && st.Active+st.Waiting > 0)
	v.total.Set(st.Progress, theme.ColorNamePrimary)
	show(v.pause, st.CanPause)
	show(v.resume, st.CanResume)
	show(v.retry, st.CanRetry)
	show(v.tidy, st.CanClearDone)
	v.showBanner(st)
	if st.Total == 0 {
		v.empty.say(nil, "", p.T("What you download appears here. It goes on after a pause, a restart, or a night without network."), present.ActionNone, nil)
	} else {
		v.empty.hide()
	}
	v.list.Refresh()
	v.root.Refresh()
}

func (v *transfersView) showBanner(st present.TransfersState) {
	switch {
	case st.Blocked.Text != "":
		v.banner.show(present.Banner{Text: st.Blocked.Text, Tone: present.ToneWarning, Action: st.Blocked.Action}, func() { v.s.moves.Retry() })
	case st.Onlooker && st.Total > 0:
		v.banner.show(present.Banner{Text: v.s.p.T("Another window works on these transfers; this one looks on."), Tone: present.ToneQuiet}, nil)
	default:
		v.banner.show(present.Banner{}, nil)
	}
}

// setFolded shows the transfers as one line, or whole.
func (v *transfersView) setFolded(folded bool) {
	v.folded = folded
	show(v.content, !folded)
	v.fold.SetIcon(theme.MenuDropDownIcon())
	if folded {
		v.fold.SetIcon(theme.MenuDropUpIcon())
		if v.s.whole != nil {
			v.s.whole.SetOffset(1)
		}
	} else if v.s.whole != nil && v.s.whole.Offset >= 1 {
		v.s.whole.SetOffset(or(v.s.settings.Layout.Bottom, defaultBottom))
	}
	v.root.Refresh()
}

func (v *transfersView) addRowPlaces(out map[string]Place) {
	list, ok := v.s.placeOf(v.list)
	if !ok || v.folded {
		return
	}
	for r, i := range v.rows {
		p, ok := v.s.placeOf(r)
		mid := p.Y + p.Height/2
		if !ok || i >= v.s.moves.Len() || mid < list.Y || mid > list.Y+list.Height {
			continue
		}
		name := "transfers.row." + itoa(i)
		out[name] = p
		for part, b := range map[string]fyne.CanvasObject{".pause": r.pause, ".resume": r.resume, ".cancel": r.cancel, ".retry": r.retry, ".open": r.open} {
			if q, ok := v.s.placeOf(b); ok {
				out[name+part] = q
			}
		}
	}
}

func (v *transfersView) rowPlace(name string) (Place, bool) {
	all := map[string]Place{}
	v.addRowPlaces(all)
	p, ok := all[name]
	return p, ok
}

// transferRow is one transfer.
type transferRow struct {
	widget.BaseWidget
	v                                  *transfersView
	row                                present.TransferRow
	epoch                              int
	sign                               *widget.Icon
	title, detail                      *text
	bar                                *bar
	pause, resume, cancel, retry, open *hintButton
	root                               fyne.CanvasObject
}

func newTransferRow(v *transfersView) *transferRow {
	r := &transferRow{v: v, sign: widget.NewIcon(nil), bar: newBar()}
	p, m, st := v.s.p, v.s.moves, v.s.status
	r.title = newText("", theme.ColorNameForeground, theme.SizeNameText, cutMiddle)
	r.detail = caption("", cutEnd)
	r.pause = newHintButton(st, "", theme.MediaPauseIcon(), p.T("Pause"), func() { m.Pause(r.row.ID) }).quiet()
	r.resume = newHintButton(st, "", theme.MediaPlayIcon(), p.T("Resume"), func() { m.Resume(r.row.ID) }).quiet()
	r.retry = newHintButton(st, "", theme.ViewRefreshIcon(), p.T("Try again"), func() { m.Retry(r.row.ID) }).quiet()
	r.cancel = newHintButton(st, "", theme.CancelIcon(), p.T("Cancel, and remove what came so far"), func() { m.Cancel(r.row.ID) }).quiet()
	r.open = newHintButton(st, "", theme.FolderOpenIcon(), p.T("Show the file in its folder"), func() { v.s.openFolder(r.row.Path) }).quiet()
	buttons := hbox(0, r.pause, r.resume, r.retry, r.open, r.cancel)
	progress := middle(sized(r.bar, fyne.NewSize(130, barHeight)))
	names := container.New(splitLayout{}, r.title, r.detail)
	row := border{
		left: hbox(8, middle(sized(r.sign, fyne.NewSquareSize(16)))), right: hbox(8, progress, sized(middle(buttons), fyne.NewSize(92, 26))),
		centre: pad(names, 0, 8, 0, 8),
	}.build()
	r.root = pad(row, 0, 6, 0, 12)
	r.ExtendBaseWidget(r)
	return r
}

// CreateRenderer implements fyne.Widget.
func (r *transferRow) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(r.root) }

func (r *transferRow) show(row present.TransferRow) {
	r.v.s.repaint(&r.epoch, r.root)
	before := r.row
	r.row = row
	r.title.SetText(row.Title)
	r.detail.SetText(row.Detail)
	color := theme.ColorNamePrimary
	detail := colorMuted
	switch row.State {
	case download.Done:
		color = theme.ColorNameSuccess
	case download.Failed:
		color, detail = theme.ColorNameError, theme.ColorNameError
	case download.Paused, download.Cancelled, download.Queued:
		color = colorMuted
	}
	r.detail.SetColor(detail)
	r.bar.Set(row.Progress, color)
	if before.ID == row.ID && before.State == row.State && before.CanRetry == row.CanRetry {
		return
	}
	r.sign.SetResource(stateSign(row.State))
	show(r.pause, row.CanPause)
	show(r.resume, row.CanResume)
	show(r.retry, row.CanRetry)
	show(r.open, row.CanOpen)
	show(r.cancel, row.CanCancel)
	r.Refresh()
}

func stateSign(s download.State) fyne.Resource {
	switch s {
	case download.Done:
		return theme.NewSuccessThemedResource(theme.ConfirmIcon())
	case download.Failed:
		return theme.NewErrorThemedResource(theme.ErrorIcon())
	case download.Paused:
		return theme.NewDisabledResource(theme.MediaPauseIcon())
	case download.Cancelled:
		return theme.NewDisabledResource(theme.CancelIcon())
	case download.Queued:
		return theme.NewDisabledResource(theme.HistoryIcon())
	}
	return theme.NewPrimaryThemedResource(theme.DownloadIcon())
}

// splitLayout shares the width between a title and what is said of it.
type splitLayout struct{}

func (splitLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(120, fyne.Max(o[0].MinSize().Height, o[1].MinSize().Height))
}

func (splitLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	left := s.Width * 0.55
	o[0].Resize(fyne.NewSize(left-8, s.Height))
	o[1].Move(fyne.NewPos(left, 0))
	o[1].Resize(fyne.NewSize(s.Width-left, s.Height))
}
