package present_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present/presenttest"
)

func task(id download.TaskID, s download.State, got, total int64) download.Task {
	return download.Task{
		ID: id, State: s, Received: got, Total: total,
		Request: download.Request{Item: "scene", Asset: "src_xs", Title: "Multispectral"},
	}
}

func everyState() []download.Task {
	fetching := task(1, download.Fetching, 250e6, 1000e6)
	fetching.Rate = 10e6
	failed := task(2, download.Failed, 0, 10e6)
	failed.Err, failed.Retryable = &download.Error{Op: "verify", Kind: download.KindChecksum}, true
	done := task(3, download.Done, 5e6, 5e6)
	done.Verified, done.Path = true, "/d/scene/x.tif"
	return []download.Task{
		done, task(4, download.Queued, 0, 1000e6), failed, fetching, task(5, download.Paused, 2e6, 10e6), task(6, download.Cancelled, 0, -1),
		task(7, download.Signing, 0, -1), task(8, download.Verifying, 10e6, 10e6),
	}
}

func newTransfers(t testing.TB, q *presenttest.Queue) (*present.Transfers, *presenttest.Pump) {
	pump := presenttest.NewPump()
	tr := present.NewTransfers(pump.Do, printer(t, present.English), q)
	t.Cleanup(tr.Close)
	return tr, pump
}

func TestTransferRows(t *testing.T) {
	tr, pump := newTransfers(t, presenttest.NewQueue(everyState()...))
	pump.Until(t, "rows", func() bool { return tr.Len() == 8 })
	var got []string
	for i := range tr.Len() {
		r := tr.Row(i)
		can := ""
		for i, is := range []bool{r.CanPause, r.CanResume, r.CanCancel, r.CanRetry, r.CanOpen} {
			if is {
				can += "PRCAO"[i : i+1]
			}
		}
		got = append(got, strings.ReplaceAll(r.State.String()+": "+r.Detail+" ["+can+"]", "\u00a0", " "))
	}
	want := []string{
		"fetching: 250 MB of 1 GB · 10 MB/s · 1 min 15 s left [PC]",
		"signing: Asking for permission [PC]",
		"verifying: Checking the bytes [PC]",
		"failed: The bytes are not those that the catalogue promises. [A]",
		"queued: Waiting [PC]",
		"paused: Paused · 2 MB of 10 MB [RC]",
		"cancelled: Cancelled [A]",
		"done: 5 MB · checksum verified [O]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if tr.Row(0).Progress != 0.25 || tr.Row(7).Progress != 1 || tr.Row(1).Progress >= 0 {
		t.Error("progress is wrong")
	}
	if tr.Row(8).Title != "" || tr.Row(-1).Title != "" {
		t.Error("rows out of range have words")
	}
}

func TestTransferSummary(t *testing.T) {
	q := presenttest.NewQueue()
	tr, pump := newTransfers(t, q)
	if tr.State().Summary != "Nothing to transfer" {
		t.Errorf("%+v", tr.State())
	}
	q.Set(download.View{Tasks: everyState(), Rate: 10e6, Blocked: &download.Error{Kind: download.KindLogin}})
	pump.Until(t, "a summary", func() bool { return tr.State().Total == 8 })
	st := tr.State()
	if st.Summary != "3 running · 1 waiting · 1 paused · 1 failed · 1 done" || strings.ReplaceAll(st.Speed, "\u00a0", " ") != "10 MB/s" {
		t.Errorf("%+v", st)
	}
	if st.Left != "" {
		t.Errorf("a time left of %q, though a size is unknown", st.Left)
	}
	if !st.Onlooker || st.Blocked.Action != present.ActionLogin || !st.CanPause || !st.CanResume || !st.CanRetry || !st.CanClearDone {
		t.Errorf("%+v", st)
	}
}

func TestTransferActions(t *testing.T) {
	q := presenttest.NewQueue(everyState()...)
	tr, pump := newTransfers(t, q)
	tr.Pause(1)
	pump.Until(t, "pause", func() bool { return len(q.Called()) == 1 })
	tr.Resume()
	pump.Until(t, "resume", func() bool { return len(q.Called()) == 2 })
	if d := cmp.Diff([]string{"pause[1]", "resume[]"}, q.Called()); d != "" {
		t.Error(d)
	}
	q.Err = &download.Error{Op: "cancel", Kind: download.KindCorrupt}
	var told present.Problem
	tr.OnProblem = func(p present.Problem) { told = p }
	tr.Cancel(1)
	pump.Until(t, "the problem", func() bool { return told.Text != "" })
}

func newPlan(t *testing.T, q *presenttest.Queue, disk presenttest.Disk, keys []string, items ...catalog.Item) (*present.Plan, *presenttest.Pump) {
	t.Helper()
	pump := presenttest.NewPump()
	w := present.Workspace{Connection: present.Connection{ID: "a"}, Catalog: &presenttest.Catalog{All: items}}
	pl := present.NewPlan(pump.Do, printer(t, present.English), w, q, disk, items, keys, "/data")
	t.Cleanup(pl.Close)
	pump.Until(t, "the plan", func() bool {
		s := pl.State()
		return s.Phase != present.PhaseLoading && (s.Free != "" || s.Problem.Text != "")
	})
	return pl, pump
}

func TestPlanCountsAndStarts(t *testing.T) {
	q := presenttest.NewQueue()
	pl, pump := newPlan(t, q, presenttest.Disk{FreeBytes: 9e9}, nil, presenttest.Items(2)...)
	st := pl.State()
	var keys []string
	for _, k := range st.Keys {
		keys = append(keys, strings.ReplaceAll(k.Key+" "+k.CountText+" "+k.SizeText, "\u00a0", " "))
	}
	want := []string{"src_xs in 2 images 1.6 GB", "src_pan in 2 images 6.2 GB", "thumbnail in 2 images size unknown"}
	if d := cmp.Diff(want, keys); d != "" {
		t.Error(d)
	}
	if strings.ReplaceAll(st.Total, "\u00a0", " ") != "4 files, 7.8 GB" || !st.CanStart || st.Warning != "" {
		t.Errorf("%+v", st)
	}
	pl.Check("src_pan", false)
	pl.Check("thumbnail", true)
	if got := strings.ReplaceAll(pl.State().Total, "\u00a0", " "); got != "4 files, more than 1.6 GB" {
		t.Errorf("total %q", got)
	}
	started := 0
	pl.OnStarted = func(n int) { started = n }
	pl.Start()
	pump.Until(t, "the start", func() bool { return started == 4 })
	r := q.Snapshot().Tasks[0].Request
	want0 := download.Request{
		Connection: "a", Href: "https://s3.example.org/b/0_xs.tif", Collection: "spot-6-7-drs", Item: "SPOT6_0000", Asset: "src_xs", Title: "Multispectral",
		Dir: "/data", Size: 800000000, Checksum: "1220aa", MediaType: "image/tiff; application=geotiff; profile=cloud-optimized",
	}
	if d := cmp.Diff(want0, r); d != "" {
		t.Error(d)
	}
}

func TestPlanWarnsAndRefuses(t *testing.T) {
	pl, _ := newPlan(t, presenttest.NewQueue(), presenttest.Disk{FreeBytes: 1e6}, []string{"src_xs"}, presenttest.Item(1))
	if pl.State().Warning == "" || !pl.State().CanStart {
		t.Errorf("%+v", pl.State())
	}
	pl.Check("src_xs", false)
	if pl.State().CanStart {
		t.Error("a plan without a file can start")
	}
	pl, _ = newPlan(t, presenttest.NewQueue(), presenttest.Disk{Refuse: errReadOnly}, nil, presenttest.Item(1))
	if pl.State().CanStart || pl.State().Problem.Action != present.ActionFolder {
		t.Errorf("%+v", pl.State())
	}
}

func TestPlanTellsWhatTheQueueRefused(t *testing.T) {
	q := presenttest.NewQueue()
	q.Err = &download.Error{Op: "enqueue", Kind: download.KindDiskFull}
	pl, pump := newPlan(t, q, presenttest.Disk{FreeBytes: 1e12}, nil, presenttest.Item(1))
	pl.Start()
	pump.Until(t, "the refusal", func() bool { return pl.State().Problem.Text == "The disk is full." })
}

func BenchmarkTransfersOf10000(b *testing.B) {
	tasks := make([]download.Task, 10_000)
	for i := range tasks {
		tasks[i] = everyState()[i%8]
		tasks[i].ID = download.TaskID(i)
	}
	tr, pump := newTransfers(b, presenttest.NewQueue(tasks...))
	pump.Until(b, "rows", func() bool { return tr.Len() == 10_000 })
	for i := 0; b.Loop(); i++ {
		if tr.Row(i%10_000).Title == "" {
			b.Fatal("no row")
		}
	}
}
