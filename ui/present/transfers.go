package present

import (
	"context"
	"math"
	"strings"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// TransfersState is what the transfers panel shows above its rows.
type TransfersState struct {
	Total                                     int
	Active, Waiting, Paused, Failed, Finished int
	// Summary is the counts in words; Speed and Left are empty when nothing moves.
	Summary, Speed, Left string
	// Progress of all that is not finished, 0 to 1; negative when unknown.
	Progress float64
	// Blocked says why nothing moves although it should.
	Blocked Problem
	// Onlooker is true when another window works on the queue.
	Onlooker                                    bool
	CanPause, CanResume, CanRetry, CanClearDone bool
}

// TransferRow is one line of the transfers.
type TransferRow struct {
	ID       download.TaskID
	State    download.State
	Title    string // what it is
	Detail   string // where it stands, in words
	Progress float64
	Problem  Problem
	Path     string

	CanPause, CanResume, CanCancel, CanRetry, CanOpen bool
}

// Transfers is the presenter of the download queue.
type Transfers struct {
	signal
	// OnProblem is called when an action on the queue failed.
	OnProblem func(Problem)

	do    Dispatcher
	p     *Printer
	queue Queue
	view  download.View
	state TransfersState
	order []int // row → task: what moves first, then what waits, then the finished ones, newest first
	stop  context.CancelFunc
}

// NewTransfers follows a queue until Close.
func NewTransfers(do Dispatcher, p *Printer, q Queue) *Transfers {
	t := &Transfers{do: do, p: p, queue: q}
	t.state = t.summarise(download.View{Owner: true})
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	type seen struct {
		view  download.View
		order []int
		state TransfersState
	}
	go follow(ctx, q.Changes(), RefreshEvery, do, func() seen {
		v := q.Snapshot()
		return seen{v, displayOrder(v.Tasks), t.summarise(v)}
	}, func(s seen) {
		t.view, t.order, t.state = s.view, s.order, s.state
		t.changed()
	})
	return t
}

// Close stops following the queue.
func (t *Transfers) Close() { t.stop() }

// State returns what to show now.
func (t *Transfers) State() TransfersState { return t.state }

// Len returns the number of rows.
func (t *Transfers) Len() int { return min(len(t.order), MaxRows) }

// displayOrder puts what moves first, then what needs a person, then what waits, then the finished ones, the newest first.
func displayOrder(tasks []download.Task) []int {
	var groups [4][]int
	for i := range tasks {
		g := 2
		switch s := tasks[i].State; {
		case s.Active():
			g = 0
		case s == download.Failed:
			g = 1
		case s == download.Done || s == download.Cancelled:
			g = 3
		}
		groups[g] = append(groups[g], i)
	}
	out := make([]int, 0, len(tasks))
	out = append(append(append(out, groups[0]...), groups[1]...), groups[2]...)
	for i := len(groups[3]) - 1; i >= 0; i-- {
		out = append(out, groups[3][i])
	}
	return out
}

func (t *Transfers) summarise(v download.View) TransfersState {
	s := TransfersState{Total: len(v.Tasks), Onlooker: !v.Owner, Progress: -1}
	var got, all int64
	known := true
	for i := range v.Tasks {
		task := &v.Tasks[i]
		switch {
		case task.State.Active():
			s.Active++
		case task.State == download.Queued:
			s.Waiting++
		case task.State == download.Paused:
			s.Paused++
		case task.State == download.Failed:
			s.Failed++
		case task.State == download.Done:
			s.Finished++
		}
		if task.State.Active() || task.State == download.Queued {
			got += task.Received
			all += max(task.Total, 0)
			known = known && task.Total >= 0
		}
	}
	s.CanPause, s.CanResume = s.Active+s.Waiting > 0, s.Paused > 0
	s.CanRetry, s.CanClearDone = s.Failed > 0, s.Total > s.Active+s.Waiting+s.Paused
	if all > 0 {
		s.Progress = float64(got) / float64(all)
	}
	if v.Rate > 0 {
		s.Speed = t.p.Rate(v.Rate)
		if known {
			s.Left = t.p.Left(time.Duration(float64(all-got) / v.Rate * float64(time.Second)))
		}
	}
	s.Summary = t.p.transferSummary(s)
	if v.Blocked != nil {
		s.Blocked = t.p.Explain(v.Blocked)
	}
	return s
}

func (p *Printer) transferSummary(s TransfersState) string {
	var parts []string
	for _, c := range []struct {
		n    int
		text string
	}{
		{s.Active, p.N("{n} running", int64(s.Active))},
		{s.Waiting, p.N("{n} waiting", int64(s.Waiting))},
		{s.Paused, p.N("{n} paused", int64(s.Paused))},
		{s.Failed, p.N("{n} failed", int64(s.Failed))},
		{s.Finished, p.N("{n} done", int64(s.Finished))},
	} {
		if c.n > 0 {
			parts = append(parts, c.text)
		}
	}
	if len(parts) == 0 {
		return p.T("Nothing to transfer")
	}
	return strings.Join(parts, " · ")
}

// Row returns a row in words; the zero row if there is no such one.
func (t *Transfers) Row(i int) TransferRow {
	if i < 0 || i >= len(t.order) {
		return TransferRow{}
	}
	return t.p.transferRow(&t.view.Tasks[t.order[i]])
}

func (p *Printer) transferRow(task *download.Task) TransferRow {
	s := task.State
	row := TransferRow{
		ID: task.ID, State: s, Path: task.Path, Progress: -1,
		Title:    task.Item + " · " + first(task.Title, task.Asset),
		CanPause: s.Active() || s == download.Queued, CanResume: s == download.Paused, CanCancel: !s.Final(),
		CanRetry: s == download.Failed && task.Retryable || s == download.Cancelled, CanOpen: s == download.Done,
	}
	if task.Total > 0 {
		row.Progress = math.Min(float64(task.Received)/float64(task.Total), 1)
	}
	if s == download.Done {
		row.Progress = 1
	}
	if task.Err != nil {
		row.Problem = p.Explain(task.Err)
	}
	row.Detail = p.transferDetail(task, row.Problem)
	return row
}

func (p *Printer) transferDetail(task *download.Task, problem Problem) string {
	amount := p.Bytes(task.Received)
	if task.Total >= 0 {
		amount = p.T("{got} of {total}", "got", p.Bytes(task.Received), "total", p.Bytes(task.Total))
	}
	switch task.State {
	case download.Fetching:
		parts := []string{amount}
		if task.Rate > 0 {
			parts = append(parts, p.Rate(task.Rate))
			if task.Total > 0 {
				left := time.Duration(float64(task.Total-task.Received) / task.Rate * float64(time.Second))
				parts = append(parts, p.T("{time} left", "time", p.Left(left)))
			}
		}
		return strings.Join(parts, " · ")
	case download.Signing:
		return p.T("Asking for permission")
	case download.Verifying:
		return p.T("Checking the bytes")
	case download.Done:
		text := p.Bytes(max(task.Total, task.Received))
		if task.Verified {
			return text + " · " + p.T("checksum verified")
		}
		return text + " · " + p.T("done")
	case download.Paused:
		return join(p.T("Paused"), amount, problem.Text)
	case download.Failed:
		return problem.Text
	case download.Cancelled:
		return p.T("Cancelled")
	}
	return join(p.T("Waiting"), problem.Text)
}

func join(parts ...string) string {
	var kept []string
	for _, s := range parts {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, " · ")
}

// Pause, Resume, Cancel, Retry and Forget act on the tasks named, or on all to which they apply.
func (t *Transfers) Pause(ids ...download.TaskID) { t.act(t.queue.Pause, ids) }

// Resume lets paused tasks go on.
func (t *Transfers) Resume(ids ...download.TaskID) { t.act(t.queue.Resume, ids) }

// Cancel gives tasks up and removes their partial files.
func (t *Transfers) Cancel(ids ...download.TaskID) { t.act(t.queue.Cancel, ids) }

// Retry tries failed tasks again.
func (t *Transfers) Retry(ids ...download.TaskID) { t.act(t.queue.Retry, ids) }

// Forget takes finished tasks off the list.
func (t *Transfers) Forget(ids ...download.TaskID) { t.act(t.queue.Forget, ids) }

func (t *Transfers) act(f func(context.Context, ...download.TaskID) error, ids []download.TaskID) {
	go func() {
		err := f(context.Background(), ids...)
		if err == nil {
			return
		}
		t.do(func() {
			if t.OnProblem != nil {
				t.OnProblem(t.p.Explain(err))
			}
		})
	}()
}
