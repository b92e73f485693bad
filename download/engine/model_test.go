package engine

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	. "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
)

// model is what must be true of a queue after a history of commands, whatever the network does.
type model struct {
	r       *rig
	e       *Engine
	objects map[download.TaskID]string
	order   []download.TaskID
	paused  map[download.TaskID]bool
	ended   map[download.TaskID]bool // cancelled, or done before that
	n       int
}

// witness watches the changes of an engine: no view may contradict the one before.
type witness struct {
	mu   sync.Mutex
	bad  error
	stop chan struct{}
	done sync.WaitGroup
}

func watch(e *Engine) *witness {
	w := &witness{stop: make(chan struct{})}
	w.done.Go(func() {
		last := map[download.TaskID]download.Task{}
		for {
			for _, t := range e.Snapshot().Tasks {
				if err := contradiction(last[t.ID], t); err != nil {
					w.mu.Lock()
					w.bad = err
					w.mu.Unlock()
				}
				last[t.ID] = t
			}
			select {
			case <-w.stop:
				return
			case <-e.Changes():
			}
		}
	})
	return w
}

func (w *witness) end() error {
	close(w.stop)
	w.done.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bad
}

// contradiction tells what cannot be true of a task.
func contradiction(before, t download.Task) error {
	switch {
	case t.Total >= 0 && t.Received > t.Total, t.Received < 0:
		return fmt.Errorf("task %d has %d bytes of %d", t.ID, t.Received, t.Total)
	case before.ID != 0 && before.State == download.Done && t.State != download.Done:
		return fmt.Errorf("task %d was done and is %s", t.ID, t.State)
	case t.State == download.Failed && t.Err == nil:
		return fmt.Errorf("task %d failed without a reason", t.ID)
	case t.State == download.Done && (t.SHA256 == "" || t.Received != t.Total || t.Err != nil):
		return fmt.Errorf("task %d is done with %d of %d bytes, hash %q, %v", t.ID, t.Received, t.Total, t.SHA256, t.Err)
	case t.State != download.Fetching && t.Rate != 0:
		return fmt.Errorf("task %d is %s at %f bytes per second", t.ID, t.State, t.Rate)
	}
	return nil
}

// TestAnyHistoryEndsWell draws histories of commands, restarts and faults. In the end, with the faults gone, every task
// that wasn't cancelled is done, and its file is the object.
func TestAnyHistoryEndsWell(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		m := &model{r: r, objects: map[download.TaskID]string{}, paused: map[download.TaskID]bool{}, ended: map[download.TaskID]bool{}}
		m.e = r.start()
		w := watch(m.e)
		steps := rapid.IntRange(3, 14).Draw(rt, "steps")
		for range steps {
			m.step(rt, &w)
		}
		r.store.Heal()
		if err := m.e.Resume(t.Context()); err != nil {
			rt.Fatal(err)
		}
		clear(m.paused)
		// A fault that stayed may have failed a task for good; that is told, and a retry helps.
		for range 3 {
			v := r.whenSettled(m.e)
			for _, task := range v.Tasks {
				if task.State == download.Failed {
					if !task.Retryable {
						rt.Fatalf("task %d cannot be retried: %v", task.ID, task.Err)
					}
					if err := m.e.Retry(t.Context(), task.ID); err != nil {
						rt.Fatal(err)
					}
				}
			}
		}
		m.check(rt, true)
		if err := w.end(); err != nil {
			rt.Fatal(err)
		}
		r.close(m.e)
		r.store.Close()
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func (m *model) some(rt *rapid.T) download.TaskID {
	return rapid.SampledFrom(m.order).Draw(rt, "task")
}

func (m *model) step(rt *rapid.T, w **witness) {
	ctx := m.r.t.Context()
	what := rapid.IntRange(0, 9).Draw(rt, "step")
	if len(m.order) == 0 {
		what = 0
	}
	var err error
	switch what {
	case 0, 1:
		name := fmt.Sprintf("m%d.tif", m.n)
		m.n++
		o := m.r.store.Put(name, rapid.SampledFrom([]int{0, 1, head, head + 1, 70_000}).Draw(rt, "size"))
		m.strike(rt, name)
		req := m.r.request(name)
		if rapid.Bool().Draw(rt, "checksum") {
			req.Checksum = o.Multihash()
		}
		id := m.r.enqueue(m.e, req)[0]
		m.objects[id], m.order = name, append(m.order, id)
	case 2, 3:
		id := m.some(rt)
		if err = m.e.Pause(ctx, id); !m.ended[id] {
			m.paused[id] = true
		}
	case 4:
		id := m.some(rt)
		err = m.e.Resume(ctx, id)
		delete(m.paused, id)
	case 5:
		id := m.some(rt)
		err = m.e.Cancel(ctx, id)
		m.ended[id] = true
		delete(m.paused, id)
	case 6:
		id := m.some(rt)
		m.strike(rt, m.objects[id])
	case 7:
		m.r.store.Revoke("")
	case 8:
		time.Sleep(time.Duration(rapid.IntRange(0, 5).Draw(rt, "ms")) * time.Millisecond)
	case 9:
		if err := (*w).end(); err != nil {
			rt.Fatal(err)
		}
		m.r.close(m.e)
		m.e = m.r.start()
		m.r.until(m.e, "ownership", func(v download.View) bool { return v.Owner })
		*w = watch(m.e)
	}
	if err != nil {
		rt.Fatal(err)
	}
	m.check(rt, false)
}

// strike breaks the next requests for an object.
func (m *model) strike(rt *rapid.T, name string) {
	faults := []Fault{
		Reset(5_000), Truncate(1), TruncateChunked(100), Expire(3_000), Corrupt(20_000), Less(500), Shift(10, false), Drop(), WholeFile(),
		NoLength(), Status(403), Status(416), Status(500), Status(503, "Retry-After: 0"), Portal(true), Gzip(), WrongTotal(3), Garbage(),
	}
	from := rapid.IntRange(0, 3).Draw(rt, "from")
	// Corrupt bytes are noticed only where a checksum is promised, so they aren't among the faults for all.
	f := rapid.IntRange(0, len(faults)-1).Draw(rt, "fault")
	if f == 4 {
		f = 0
	}
	m.r.store.Strike(name, from, from+rapid.IntRange(1, 3).Draw(rt, "times"), faults[f])
}

// check compares the queue with the model.
func (m *model) check(rt *rapid.T, end bool) {
	if !m.e.Owner() {
		m.r.until(m.e, "ownership", func(v download.View) bool { return v.Owner })
	}
	v := m.e.Snapshot()
	if len(v.Tasks) != len(m.order) {
		rt.Fatalf("%d tasks of %d", len(v.Tasks), len(m.order))
	}
	for i, task := range v.Tasks {
		if task.ID != m.order[i] {
			rt.Fatalf("task %d is at the place of %d", task.ID, m.order[i])
		}
		o := m.r.store.Get(m.objects[task.ID])
		switch {
		case task.State == download.Done:
			if b, err := os.ReadFile(task.Path); err != nil || string(b) != string(o.Data) || task.SHA256 != o.SHA256() {
				rt.Fatalf("%s is said to be done: %d bytes, %v", o.Name, len(b), err)
			}
		case m.ended[task.ID] && task.State != download.Cancelled:
			rt.Fatalf("%s was cancelled and is %s", o.Name, task.State)
		case m.paused[task.ID] && task.State != download.Paused && task.State != download.Failed:
			rt.Fatalf("%s was paused and is %s", o.Name, task.State)
		case end && task.State != download.Cancelled:
			rt.Fatalf("%s ends as %s: %v", o.Name, task.State, task.Err)
		}
		_, err := os.Stat(task.Path + download.PartSuffix)
		if end && err == nil {
			rt.Fatalf("%s left its partial file", o.Name)
		}
	}
}
