package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	. "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
)

func TestAFullDiskIsWaitedFor(t *testing.T) {
	r := newRig(t)
	var room atomic.Int64
	r.cfg.FreeSpace = func(string) (int64, error) { return room.Load(), nil }
	r.cfg.Reserve = 1000
	o := r.store.Put("a.tif", fileSize)
	req := r.request("a.tif")
	req.Size = fileSize
	e := r.start()
	room.Store(fileSize)
	r.enqueue(e, req)
	v := r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil })
	if v.Blocked.Kind != download.KindDiskFull || len(r.store.Requests()) != 0 {
		t.Errorf("blocked by %v after %d requests", v.Blocked, len(r.store.Requests()))
	}
	// It fills up again in the middle, and is emptied at last.
	r.store.Strike("a.tif", 1, 2, Pass(100, func() bool { room.Store(10); return true }))
	room.Store(1 << 30)
	e.Wake()
	room.Store(1 << 30)
	r.whole(r.whenSettled(e).Tasks[0], o)
}

func TestAFullDiskInTheMiddleKeepsWhatCame(t *testing.T) {
	r := newRig(t)
	var room atomic.Int64
	room.Store(1 << 30)
	r.cfg.FreeSpace = func(string) (int64, error) { return room.Load(), nil }
	r.cfg.PerFile = 1
	o := r.store.Put("a.tif", fileSize)
	f, reached, _ := gateFault(10_000)
	r.cfg.StallTimeout = 1 << 40
	r.store.Strike("a.tif", 1, 2, f)
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	<-reached
	r.until(e, "a confirmed part", func(v download.View) bool { return v.Tasks[0].Received > head })
	room.Store(0)
	// A checkpoint looks at the disk only after something came; what hangs is ended by the pause.
	if err := errors.Join(e.Pause(t.Context()), e.Resume(t.Context())); err != nil {
		t.Fatal(err)
	}
	v := r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil && v.Tasks[0].Err != nil })
	if v.Blocked.Kind != download.KindDiskFull || v.Tasks[0].Received <= head {
		t.Errorf("blocked by %v with %d bytes", v.Blocked, v.Tasks[0].Received)
	}
	room.Store(1 << 30)
	r.whole(r.whenSettled(e).Tasks[0], o)
}

func TestDiskErrorsHaveTheirKind(t *testing.T) {
	for err, want := range map[error]download.Kind{
		&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}:  download.KindDiskFull,
		&os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}: download.KindFolder,
		os.ErrNotExist: download.KindFolder,
	} {
		if got := diskError("write", "x", err); got.Kind != want {
			t.Errorf("%v is %v", err, got.Kind)
		}
	}
	if free, err := freeSpace(t.TempDir()); err != nil || free <= 0 {
		t.Errorf("%d bytes free, %v", free, err)
	}
}

func TestAMissingFolderIsWaitedFor(t *testing.T) {
	r := newRig(t)
	o := r.store.Put("a.tif", fileSize)
	e := r.open()
	r.enqueue(e, r.request("a.tif"))
	if err := os.Remove(r.out()); err != nil {
		t.Fatal(err)
	}
	go e.Run(t.Context()) //nolint:errcheck // Close ends it
	v := r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil })
	if v.Blocked.Kind != download.KindFolder || v.Blocked.Key != r.out() {
		t.Errorf("blocked by %v", v.Blocked)
	}
	if err := os.Mkdir(r.out(), 0o700); err != nil {
		t.Fatal(err)
	}
	r.whole(r.whenSettled(e).Tasks[0], o)
}

func TestAFileInPlaceOfAFolder(t *testing.T) {
	r := newRig(t)
	if err := os.WriteFile(r.out(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.open().Enqueue(t.Context(), []download.Request{r.request("a.tif")}); download.KindOf(err) != download.KindFolder {
		t.Errorf("a file in place of the download folder: %v", err)
	}
	if err := os.Remove(r.out()); err != nil {
		t.Fatal(err)
	}
	o := r.store.Put("a.tif", 100)
	e := r.start()
	if err := os.Mkdir(r.out(), 0o700); err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(r.out(), "spot-6-7-drs")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.enqueue(e, r.request("a.tif"))
	r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil && v.Blocked.Kind == download.KindFolder })
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	r.whole(r.whenSettled(e).Tasks[0], o)
}

func TestARemovedPartStartsClean(t *testing.T) {
	r := newRig(t)
	r.cfg.PerFile = 1
	o := r.store.Put("a.tif", fileSize)
	e := r.start()
	var removed atomic.Bool
	r.store.Strike("a.tif", 1, 2, Pass(20_000, func() bool {
		removed.Store(os.Remove(filepath.Join(r.out(), "spot-6-7-drs", "SCENE", "a.tif.part")) == nil)
		return true
	}))
	r.enqueue(e, r.request("a.tif"))
	r.whole(r.whenSettled(e).Tasks[0], o)
	if !removed.Load() {
		t.Error("there was no partial file to remove")
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	r := newRig(t)
	o := r.store.Put("a.tif", 5000)
	path := filepath.Join(r.out(), "spot-6-7-drs", "SCENE", "a.tif")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, have := range map[string]string{"another size": "mine", "the same size": strings.Repeat("m", 5000)} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			if err := os.WriteFile(path, []byte(have), 0o600); err != nil {
				t.Fatal(err)
			}
			req := r.request("a.tif")
			req.Checksum = o.Multihash()
			e := r.start()
			id := r.enqueue(e, req)
			task := r.whenSettled(e).Tasks[0]
			r.whole(task, o)
			if b, _ := os.ReadFile(path); string(b) != have || task.Path == path {
				t.Errorf("the file that was there has %d bytes; ours is at %s", len(b), task.Path)
			}
			if !strings.HasPrefix(filepath.Base(task.Path), "a-") || filepath.Ext(task.Path) != ".tif" {
				t.Errorf("the other name is %s", task.Path)
			}
			if err := errors.Join(e.Forget(t.Context(), id...), os.Remove(task.Path)); err != nil {
				t.Fatal(err)
			}
			r.close(e)
		})
	}
	t.Run("the very file", func(t *testing.T) {
		r.t = t
		if err := os.WriteFile(path, o.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		req := r.request("a.tif")
		req.Checksum = o.Multihash()
		before := len(r.store.Requests())
		e := r.start()
		r.enqueue(e, req)
		task := r.whenSettled(e).Tasks[0]
		r.whole(task, o)
		if n := len(r.store.Requests()) - before; n != 0 || task.Path != path || !task.Verified {
			t.Errorf("%d requests, %+v", n, task)
		}
		r.close(e)
	})
}

// TestAFileThatAppearsMeanwhile is there when the download wants its name.
func TestAFileThatAppearsMeanwhile(t *testing.T) {
	r := newRig(t)
	o := r.store.Put("a.tif", fileSize)
	path := filepath.Join(r.out(), "spot-6-7-drs", "SCENE", "a.tif")
	r.store.Strike("a.tif", 0, 1, Pass(100, func() bool { return os.WriteFile(path, []byte("mine"), 0o600) == nil }))
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	task := r.whenSettled(e).Tasks[0]
	r.whole(task, o)
	if b, _ := os.ReadFile(path); string(b) != "mine" || task.Path == path {
		t.Errorf("the file that appeared is now %d bytes; ours is at %s", len(b), task.Path)
	}
}

func TestHostileNamesStayInside(t *testing.T) {
	r := newRig(t)
	e := r.start()
	r.store.Strike("", 0, 1<<30, func(x *Exchange) { x.Object.Data = []byte("the bytes"); x.Serve() })
	for i, name := range []string{"CON", "aux.tif", "a:b.tif", "trailing. ", "%2e%2e%2f%2e%2e%2fx", strings.Repeat("n", 400) + ".tif", "é\u202e.tif"} {
		req := r.request(name)
		req.Collection, req.Item = "../../x", []string{"..", "/etc", `C:\x`, "", ".", "NUL", "x/../.."}[i]
		req.Href = r.store.URL + "/" + strings.NewReplacer(" ", "%20", "\u202e", "%E2%80%AE", "é", "%C3%A9").Replace(name)
		r.enqueue(e, req)
	}
	for _, task := range r.whenSettled(e).Tasks {
		rel, err := filepath.Rel(r.out(), task.Path)
		if err != nil || !filepath.IsLocal(rel) || strings.Count(filepath.ToSlash(rel), "/") != 2 {
			t.Errorf("%q lies at %q", task.Href, task.Path)
		}
		if b, err := os.ReadFile(task.Path); string(b) != "the bytes" {
			t.Errorf("%q is %s: %v, %v", task.Href, task.State, task.Err, err)
		}
	}
}

func TestRenameWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, p := range []string{a, b} {
		if err := os.WriteFile(p, []byte(p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := renameExclusively(a, b); !errors.Is(err, os.ErrExist) {
		t.Errorf("onto a file: %v", err)
	}
	if got, _ := os.ReadFile(b); string(got) != b {
		t.Error("it was replaced")
	}
	if err := renameExclusively(a, filepath.Join(dir, "c")); err != nil {
		t.Error(err)
	}
	if err := publish(filepath.Join(dir, "none"), filepath.Join(dir, "d")); !errors.Is(err, errPartGone) {
		t.Errorf("nothing to publish: %v", err)
	}
}
