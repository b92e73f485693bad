package main

import (
	"path"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// bars shows a bar per file that moves, on a terminal; in a pipe it shows nothing.
type bars struct {
	progress *mpb.Progress
	byTask   map[download.TaskID]*mpb.Bar
}

func newBars(a *app) *bars {
	if !a.terminal || a.JSON {
		return &bars{}
	}
	return &bars{progress: mpb.New(mpb.WithOutput(a.err), mpb.WithAutoRefresh()), byTask: map[download.TaskID]*mpb.Bar{}}
}

func (b *bars) show(tasks []download.Task) {
	if b.progress == nil {
		return
	}
	for _, t := range tasks {
		bar := b.byTask[t.ID]
		if bar == nil {
			if !t.State.Active() {
				continue
			}
			bar = b.progress.AddBar(max(t.Total, 0),
				mpb.PrependDecorators(decor.Name(path.Join(t.Item, t.Asset)+" ", decor.WCSyncSpaceR)),
				mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.AverageSpeed(decor.SizeB1024(0), "  % .1f")),
			)
			b.byTask[t.ID] = bar
		}
		bar.SetTotal(max(t.Total, 0), false)
		bar.SetCurrent(t.Received)
		switch {
		case t.State == download.Done:
			bar.SetTotal(-1, true)
		case t.State.Final():
			bar.Abort(false)
		}
	}
}

func (b *bars) close() {
	if b.progress == nil {
		return
	}
	for _, bar := range b.byTask {
		bar.Abort(false)
	}
	b.progress.Wait()
}
