package engine

import (
	"os"
	"path/filepath"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

func TestDownloadsAndVerifies(t *testing.T) {
	r := newRig(t)
	sizes := map[string]int{"empty.tif": 0, "one.tif": 1, "head.tif": head, "more.tif": head + 1, "mid.tif": 60_000, "big.tif": fileSize}
	e := r.start()
	var reqs []download.Request
	var names []string
	for name, n := range sizes {
		o := r.store.Put(name, n)
		req := r.request(name)
		req.Checksum = o.Multihash()
		reqs, names = append(reqs, req), append(names, name)
	}
	ids := r.enqueue(e, reqs...)
	v := r.whenSettled(e)
	for i, task := range v.Tasks {
		if task.ID != ids[i] {
			t.Errorf("task %d is %d, not %d", i, task.ID, ids[i])
		}
		r.whole(task, r.store.Get(names[i]))
		if !task.Verified {
			t.Errorf("%s is not verified", names[i])
		}
		if want := filepath.Join(r.out(), "spot-6-7-drs", "SCENE", names[i]); task.Path != want {
			t.Errorf("%s lies at %s", names[i], task.Path)
		}
		if sent := r.store.Sent(names[i]); sent != int64(sizes[names[i]]) {
			t.Errorf("%s: %d bytes were sent for %d", names[i], sent, sizes[names[i]])
		}
	}
	if !v.Owner || v.Blocked != nil {
		t.Errorf("owner %v, blocked %v", v.Owner, v.Blocked)
	}
	if n := len(r.signer.Batches()); n > 2 {
		t.Errorf("%d calls to sign 6 files", n)
	}
}

func TestQueueSurvivesARestart(t *testing.T) {
	r := newRig(t)
	o := r.store.Put("a.tif", fileSize)
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	r.whenSettled(e)
	r.close(e)
	e = r.start()
	v := r.until(e, "ownership", func(v download.View) bool { return v.Owner })
	if len(v.Tasks) != 1 {
		t.Fatalf("%d tasks after a restart", len(v.Tasks))
	}
	r.whole(v.Tasks[0], o)
	if err := os.Remove(v.Tasks[0].Path); err != nil {
		t.Fatal(err)
	}
	if err := e.Forget(t.Context()); err != nil || len(e.Snapshot().Tasks) != 0 {
		t.Errorf("forget: %v, %d tasks", err, len(e.Snapshot().Tasks))
	}
	r.enqueue(e, r.request("a.tif"))
	r.whole(r.whenSettled(e).Tasks[0], o)
}
