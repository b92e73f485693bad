package engine

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	. "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
)

// BenchmarkOneFile is the throughput on the loopback interface, hashing, flushing and journal included.
func BenchmarkOneFile(b *testing.B) { benchmarkFiles(b, 1, 256<<20) }

// BenchmarkManyFiles is the same for files of 1 MB.
func BenchmarkManyFiles(b *testing.B) { benchmarkFiles(b, 200, 1<<20) }

func benchmarkFiles(b *testing.B, files, size int) {
	s := New()
	defer s.Close()
	for i := range files {
		s.Put(fmt.Sprintf("b%d.tif", i), size)
	}
	b.SetBytes(int64(files) * int64(size))
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		e, err := Open(b.Context(), Config{
			Journal: dir + "/q.db", Reserve: 1,
			Signers: func(string) (download.Signer, error) { return &Signer{Store: s}, nil },
		})
		if err != nil {
			b.Fatal(err)
		}
		var reqs []download.Request
		for i := range files {
			reqs = append(reqs, download.Request{Href: s.Href(fmt.Sprintf("b%d.tif", i)), Collection: "c", Item: "i", Asset: "a", Dir: dir + "/out", Size: -1})
		}
		if _, err := e.Enqueue(b.Context(), reqs); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		go e.Run(b.Context()) //nolint:errcheck // Close ends it
		for !settled(e.Snapshot()) {
			<-e.Changes()
		}
		b.StopTimer()
		for _, t := range e.Snapshot().Tasks {
			if t.State != download.Done {
				b.Fatalf("%s: %v", t.State, t.Err)
			}
		}
		if err := e.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// TestTenThousandTasks holds what a queue of that size may cost. The bounds are wide: they catch a wrong order of growth.
func TestTenThousandTasks(t *testing.T) {
	n := 10_000
	if raceEnabled {
		n = 500
	}
	r := newRig(t)
	e := r.open()
	reqs := make([]download.Request, n)
	for i := range reqs {
		reqs[i] = r.request(fmt.Sprintf("%d.tif", i))
		reqs[i].Item = fmt.Sprint("item", i)
	}
	began := time.Now()
	r.enqueue(e, reqs...)
	enqueued := time.Since(began)
	r.close(e)
	began = time.Now()
	e = r.open()
	opened := time.Since(began)
	began = time.Now()
	for range 100 {
		e.touch()
		if len(e.Snapshot().Tasks) != n {
			t.Fatal("tasks are missing")
		}
	}
	snapshot := time.Since(began) / 100
	if a, b := e.Snapshot(), e.Snapshot(); &a.Tasks[0] != &b.Tasks[0] {
		t.Error("a snapshot of an unchanged queue is a copy")
	}
	began = time.Now()
	if err := e.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	paused := time.Since(began)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("enqueue %v, open %v, snapshot %v, pause %v, heap %d MB", enqueued, opened, snapshot, paused, m.HeapAlloc>>20)
	if opened > 10*time.Second || snapshot > 500*time.Millisecond || m.HeapAlloc > 120<<20 {
		t.Error("too slow or too big")
	}
}
