package engine

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	// SQLite in Go is an order of magnitude slower under the race detector.
	checks := "40"
	if raceEnabled {
		checks = "12"
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// rig is a hostile store with an engine in front of it, all in a folder of the test.
type rig struct {
	t      *testing.T
	store  *downloadtest.Store
	signer *downloadtest.Signer
	dir    string
	cfg    Config
	log    *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// The test's files are split as big ones are: a first range of 16 KiB, then three more.
const (
	head     = 16 << 10
	fileSize = 100_000
)

func newRig(t *testing.T) *rig {
	t.Helper()
	s := downloadtest.New()
	t.Cleanup(s.Close)
	r := &rig{t: t, store: s, signer: &downloadtest.Signer{Store: s}, dir: t.TempDir(), log: &syncBuffer{}}
	r.cfg = testConfig(filepath.Join(r.dir, "state", "queue.db"))
	r.cfg.Signers = func(string) (download.Signer, error) { return r.signer, nil }
	r.cfg.Logger = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	t.Cleanup(func() {
		if err := s.Err(); err != nil {
			t.Error(err)
		}
		if l := r.log.String(); strings.Contains(l, "s3cr3t") || strings.Contains(l, "X-Amz") {
			t.Error("the log shows a signature")
		}
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

func (r *rig) out() string { return filepath.Join(r.dir, "out") }

func (r *rig) request(name string) download.Request {
	return download.Request{
		Connection: "dinamis", Href: r.store.Href(name), Collection: "spot-6-7-drs", Item: "SCENE", Asset: "src_xs",
		Dir: r.out(), Size: -1, MediaType: "image/tiff; application=geotiff; profile=cloud-optimized",
	}
}

// open opens an engine that doesn't run yet.
func (r *rig) open() *Engine {
	r.t.Helper()
	e, err := Open(r.t.Context(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.close(e) })
	return e
}

// start opens and runs an engine until the test's end.
func (r *rig) start() *Engine {
	r.t.Helper()
	e := r.open()
	go func() {
		if err := e.Run(context.Background()); err != nil {
			r.t.Error(err)
		}
	}()
	return e
}

func (r *rig) close(e *Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) enqueue(e *Engine, reqs ...download.Request) []download.TaskID {
	r.t.Helper()
	ids, err := e.Enqueue(r.t.Context(), reqs)
	if err != nil {
		r.t.Fatal(err)
	}
	return ids
}

// until waits for a view, as long as it may take on a busy machine.
func (r *rig) until(e *Engine, what string, ok func(download.View) bool) download.View {
	r.t.Helper()
	deadline := time.After(40 * time.Second)
	for {
		v := e.Snapshot()
		if ok(v) {
			return v
		}
		select {
		case <-e.Changes():
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			for _, t := range v.Tasks {
				if !t.State.Final() {
					r.t.Logf("%d %s is %s, %d of %d, tries %d: %v", t.ID, t.Href, t.State, t.Received, t.Total, t.Attempts, t.Err)
				}
			}
			r.t.Fatalf("%s never came in %d tasks, blocked by %v", what, len(v.Tasks), v.Blocked)
		}
	}
}

func settled(v download.View) bool {
	for _, t := range v.Tasks {
		if !t.State.Final() {
			return false
		}
	}
	return true
}

func (r *rig) whenSettled(e *Engine) download.View {
	r.t.Helper()
	return r.until(e, "the end of all tasks", settled)
}

// whole fails the test unless the task is done and its file is the object, with nothing left beside it.
func (r *rig) whole(t download.Task, o downloadtest.Object) {
	r.t.Helper()
	if t.State != download.Done {
		r.t.Errorf("%s is %s: %v", o.Name, t.State, t.Err)
		return
	}
	got, err := os.ReadFile(t.Path)
	if err != nil {
		r.t.Error(err)
		return
	}
	if string(got) != string(o.Data) {
		r.t.Errorf("%s: the file's %d bytes are not the object's %d", o.Name, len(got), len(o.Data))
	}
	if t.SHA256 != o.SHA256() || t.Received != int64(len(o.Data)) || t.Total != t.Received || t.Err != nil {
		r.t.Errorf("%s: %+v", o.Name, t)
	}
	if _, err := os.Stat(t.Path + download.PartSuffix); err == nil {
		r.t.Errorf("%s: the partial file is still there", o.Name)
	}
}
