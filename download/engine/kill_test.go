package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	. "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"
)

// childEnv makes the test binary a program that downloads what the journal that it names asks for, until it is killed.
const childEnv = "DINAMIS_DOWNLOAD_CHILD"

func child() int {
	var cfg Config
	var want struct{ Journal string }
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &want); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cfg = testConfig(want.Journal)
	cfg.Signers = func(string) (download.Signer, error) { return &fixedSigner{}, nil }
	e, err := Open(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for range e.Changes() {
			if v := e.Snapshot(); v.Owner && settled(v) {
				cancel()
				return
			}
		}
	}()
	// Nobody to talk to any more: the parent is gone.
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(3) }()
	if err := e.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if err := e.Close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return 0
}

func fromEnv(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// TestKilledAtRandomMoments kills a downloading process with SIGKILL again and again. After each kill the journal must
// claim no byte that isn't on the disk; in the end every file must be whole. DINAMIS_KILLS and DINAMIS_SEED choose how
// often and when.
func TestKilledAtRandomMoments(t *testing.T) {
	kills := fromEnv("DINAMIS_KILLS", 20)
	seed := uint64(fromEnv("DINAMIS_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("DINAMIS_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	r := newRig(t)
	r.store.Unsigned = true
	// Enough to do that most of the kills come in the middle of it.
	files, size := max(12, kills), 400_000
	e := r.open()
	objects := map[string]Object{}
	var reqs []download.Request
	for i := range files {
		name := fmt.Sprintf("k%d.tif", i)
		objects[r.store.Href(name)] = r.store.Put(name, size)
		reqs = append(reqs, r.request(name))
	}
	r.enqueue(e, reqs...)
	r.close(e)
	r.store.Strike("", 0, 1<<30, Trickle(2<<10, 500*time.Microsecond))
	finished := false
	killed := 0
	for ; killed < kills && !finished; killed++ {
		before := len(r.store.Requests())
		c := r.child()
		for ended := false; !ended && len(r.store.Requests()) == before; {
			select {
			case err := <-c.ended:
				if err != nil {
					t.Fatalf("the child ended: %v", err)
				}
				ended, finished = true, true
			case <-time.After(time.Millisecond):
			}
		}
		if finished {
			break
		}
		time.Sleep(time.Duration(rng.Int64N(int64(25 * time.Millisecond))))
		if err := c.cmd.Process.Kill(); errors.Is(err, os.ErrProcessDone) {
			finished = true // it was faster
		} else if err != nil {
			t.Fatal(err)
		}
		if err := <-c.ended; finished && err != nil {
			t.Fatalf("the child ended: %v", err)
		}
		r.journalHolds(objects)
	}
	t.Logf("%d kills", killed)
	if killed < kills/2 {
		t.Errorf("only %d of %d kills came before the end", killed, kills)
	}
	r.store.Heal()
	c := r.child()
	if err := <-c.ended; err != nil {
		t.Fatalf("the last child: %v", err)
	}
	v := r.open().Snapshot()
	if len(v.Tasks) != files {
		t.Errorf("%d tasks of %d", len(v.Tasks), files)
	}
	for _, task := range v.Tasks {
		r.whole(task, objects[task.Href])
	}
	if most := int64(files*size) * 3; r.sentAll(objects) > most {
		t.Errorf("%d bytes were sent for %d", r.sentAll(objects), files*size)
	}
}

func (r *rig) sentAll(objects map[string]Object) int64 {
	var n int64
	for _, o := range objects {
		n += r.store.Sent(o.Name)
	}
	return n
}

type childProcess struct {
	cmd   *exec.Cmd
	ended chan error
}

func (r *rig) child() *childProcess {
	r.t.Helper()
	arg, err := json.Marshal(struct{ Journal string }{r.cfg.Journal})
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(arg))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	c := &childProcess{cmd, make(chan error, 1)}
	go func() { c.ended <- cmd.Wait(); stdin.Close() }()
	return c
}

// journalHolds fails the test if the journal claims bytes that are not on the disk.
func (r *rig) journalHolds(objects map[string]Object) {
	r.t.Helper()
	j, err := journal.Open(r.t.Context(), r.cfg.Journal, time.Now)
	if err != nil {
		r.t.Fatal(err)
	}
	defer j.Close()
	if j.SetAside() != "" {
		r.t.Fatal("the journal was damaged")
	}
	recs, _, _, err := j.Changed(r.t.Context(), 0)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, rec := range recs {
		o := objects[rec.Href]
		if rec.State == download.Done {
			if b, err := os.ReadFile(rec.Path); err != nil || string(b) != string(o.Data) {
				r.t.Errorf("%s is said to be done: %v", o.Name, err)
			}
			continue
		}
		segs, err := j.Segments(r.t.Context(), rec.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		part, err := os.ReadFile(rec.Path + download.PartSuffix)
		if err != nil {
			part, err = os.ReadFile(rec.Path) // it was renamed, which the journal did not hear of yet
		}
		var sum int64
		for _, s := range segs {
			sum += s.Done
			if s.Done > 0 && (err != nil || int64(len(part)) < s.Offset+s.Done || string(part[s.Offset:s.Offset+s.Done]) != string(o.Data[s.Offset:s.Offset+s.Done])) {
				r.t.Errorf("%s: the journal claims %d bytes from %d on; the disk has %d in all, %v", o.Name, s.Done, s.Offset, len(part), err)
			}
		}
		if len(segs) > 0 && sum != rec.Received {
			r.t.Errorf("%s: the ranges sum up to %d, received is %d", o.Name, sum, rec.Received)
		}
	}
}

// testConfig is fast and finely split.
func testConfig(path string) Config {
	return Config{
		Journal: filepath.Clean(path), PerFile: 3, Splitter: FixedSplit{Head: head, Parallel: 64 << 10},
		StallTimeout: 300 * time.Millisecond, BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond,
		Poll: 20 * time.Millisecond, Checkpoint: 5 * time.Millisecond, Reserve: 1,
	}
}
