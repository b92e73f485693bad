package engine

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	. "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
)

func state(s download.State) func(download.View) bool {
	return func(v download.View) bool { return len(v.Tasks) > 0 && v.Tasks[0].State == s }
}

// gateFault serves until n bytes are out, and goes on when it is opened.
func gateFault(n int64) (f Fault, reached <-chan struct{}, open func()) {
	hit, gate := make(chan struct{}, 100), make(chan struct{})
	return func(x *Exchange) {
		Pass(n, func() bool {
			hit <- struct{}{}
			select {
			case <-gate:
			case <-x.R.Context().Done():
			}
			return x.R.Context().Err() == nil
		})(x)
	}, hit, func() { close(gate) }
}

func TestPauseKeepsAndResumeGoesOn(t *testing.T) {
	r := newRig(t)
	r.cfg.PerFile, r.cfg.StallTimeout = 1, time.Minute
	o := r.store.Put("a.tif", fileSize)
	f, reached, _ := gateFault(10_000)
	r.store.Strike("a.tif", 1, 2, f)
	e := r.start()
	id := r.enqueue(e, r.request("a.tif"))[0]
	<-reached
	// More than the first range is confirmed, so a part of the second is on the disk.
	r.until(e, "a confirmed part of the second range", func(v download.View) bool { return v.Tasks[0].Received > head })
	if err := e.Pause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	v := e.Snapshot()
	if v.Tasks[0].State != download.Paused {
		t.Fatalf("after Pause it is %s", v.Tasks[0].State)
	}
	if err := e.Retry(t.Context(), id); err != nil || e.Snapshot().Tasks[0].State != download.Paused {
		t.Errorf("Retry changed a paused task: %v", err)
	}
	if err := e.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.whole(r.whenSettled(e).Tasks[0], o)
	if sent := r.store.Sent("a.tif"); sent > fileSize+10_000 {
		t.Errorf("%d bytes were sent", sent)
	}
	if err := e.Cancel(t.Context(), id); err != nil || e.Snapshot().Tasks[0].State != download.Done {
		t.Errorf("Cancel changed a finished task: %v", err)
	}
	if err := e.Pause(t.Context(), id+99); download.KindOf(err) != download.KindNotFound {
		t.Errorf("an unknown id: %v", err)
	}
}

func TestCancelRemovesThePartAndRetryStartsClean(t *testing.T) {
	r := newRig(t)
	r.cfg.StallTimeout = time.Minute
	o := r.store.Put("a.tif", fileSize)
	f, reached, _ := gateFault(5_000)
	r.store.Strike("a.tif", 0, 1, f)
	e := r.start()
	id := r.enqueue(e, r.request("a.tif"))[0]
	<-reached
	part := e.Snapshot().Tasks[0].Path + download.PartSuffix
	if err := e.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.until(e, "the removal", func(download.View) bool { _, err := os.Stat(part); return errors.Is(err, os.ErrNotExist) })
	if _, err := os.Stat(filepath.Dir(part)); err == nil {
		t.Error("an empty folder stays")
	}
	if err := e.Retry(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.whole(r.whenSettled(e).Tasks[0], o)
	// A paused task has no worker that could tidy up.
	r.store.Put("b.tif", fileSize)
	if err := os.WriteFile(strings.Replace(part, "a.tif", "b.tif", 1), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.store.Strike("b.tif", 0, 1, HangBefore())
	b := r.enqueue(e, r.request("b.tif"))[0]
	if err := errors.Join(e.Pause(t.Context(), b), e.Cancel(t.Context(), b)); err != nil {
		t.Fatal(err)
	}
	r.until(e, "the removal", func(v download.View) bool {
		_, err := os.Stat(v.Tasks[1].Path + download.PartSuffix)
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestLoginBlocksAndGoesOn(t *testing.T) {
	r := newRig(t)
	r.cfg.BackoffMin, r.cfg.BackoffMax = time.Hour, time.Hour
	o := r.store.Put("a.tif", fileSize)
	r.signer.Fail(&download.Error{Op: "sign", Kind: download.KindLogin, Err: errors.New("the session ended")})
	e := r.start()
	r.enqueue(e, r.request("a.tif"), r.request("b.tif"))
	v := r.until(e, "the block", func(v download.View) bool {
		return v.Blocked != nil && v.Tasks[0].State == download.Queued && v.Tasks[1].State == download.Queued
	})
	if v.Blocked.Kind != download.KindLogin {
		t.Fatalf("blocked by %v", v.Blocked)
	}
	// Two started together; nobody asks a second time.
	if n := len(r.signer.Batches()); n > 2 {
		t.Errorf("%d calls to a signer that wants a human", n)
	}
	r.store.Put("b.tif", 10)
	r.signer.Fail(nil)
	e.Wake()
	v = r.whenSettled(e)
	r.whole(v.Tasks[0], o)
	if v.Blocked != nil {
		t.Errorf("still blocked by %v", v.Blocked)
	}
}

func TestTokenRevokedWhileATransferRuns(t *testing.T) {
	r := newRig(t)
	r.cfg.PerFile = 1
	o := r.store.Put("a.tif", fileSize)
	login := &download.Error{Op: "sign", Kind: download.KindLogin, Err: errors.New("the session ended")}
	r.store.Strike("a.tif", 1, 2, Pass(20_000, func() bool { r.signer.Fail(login); r.store.Revoke("a.tif"); return false }))
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	v := r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil && v.Blocked.Kind == download.KindLogin })
	if v.Tasks[0].State == download.Failed || v.Tasks[0].Received < head {
		t.Errorf("%+v", v.Tasks[0])
	}
	r.signer.Fail(nil)
	e.Wake()
	r.whole(r.whenSettled(e).Tasks[0], o)
	if sent := r.store.Sent("a.tif"); sent != fileSize {
		t.Errorf("%d bytes were sent for %d", sent, fileSize)
	}
}

func TestExpiryInEveryRequestGoesOnAtItsByte(t *testing.T) {
	r := newRig(t)
	r.cfg.PerFile = 1
	o := r.store.Put("a.tif", fileSize)
	r.store.Strike("a.tif", 0, 1<<30, Expire(30_000))
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	r.whole(r.whenSettled(e).Tasks[0], o)
	if sent := r.store.Sent("a.tif"); sent != fileSize {
		t.Errorf("%d bytes were sent for %d", sent, fileSize)
	}
	if r.signer.Forgotten() == 0 {
		t.Error("a refused URL was not forgotten")
	}
}

func TestURLsAreSignedInBatchesAndAgainBeforeTheyExpire(t *testing.T) {
	r := newRig(t)
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	s := &Signer{Store: r.store, Life: time.Minute, Now: func() time.Time { return now }}
	u := newURLs(func(string) (download.Signer, error) { return s, nil }, func() time.Time { return now })
	var many []string
	for range 100 {
		many = append(many, r.store.Href(strings.Repeat("x", len(many)+1)))
	}
	ahead := func() []string { return many }
	a, err := u.get(t.Context(), "c", many[0], ahead)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := u.get(t.Context(), "c", many[63], ahead); b.Href != many[63] || len(s.Batches()) != 1 || len(s.Batches()[0]) != 64 {
		t.Errorf("%d calls", len(s.Batches()))
	}
	now = now.Add(44 * time.Second)
	if b, _ := u.get(t.Context(), "c", many[0], ahead); b.URL != a.URL {
		t.Error("signed again too early")
	}
	now = now.Add(2 * time.Second)
	if b, _ := u.get(t.Context(), "c", many[0], ahead); b.URL == a.URL {
		t.Error("not signed again before the expiry")
	}
	// A clock that is a day ahead sees every URL as expired: each is used once all the same.
	now = now.Add(24 * time.Hour)
	s.Now = func() time.Time { return now.Add(-24 * time.Hour) }
	if b, err := u.get(t.Context(), "c", many[0], ahead); err != nil || b.URL == "" {
		t.Errorf("a wrong clock: %v", err)
	}
}

func TestASecondProcessLooksOnCommandsAndTakesOver(t *testing.T) {
	r := newRig(t)
	r.cfg.StallTimeout = time.Minute
	o := r.store.Put("a.tif", fileSize)
	f, reached, _ := gateFault(5_000)
	r.store.Strike("a.tif", 0, 1, f)
	first := r.start()
	r.until(first, "ownership", func(v download.View) bool { return v.Owner })
	second := r.start()
	id := r.enqueue(second, r.request("a.tif"))[0]
	<-reached
	if again := r.enqueue(first, r.request("a.tif")); again[0] != id {
		t.Errorf("the same request became %d and %d", id, again[0])
	}
	r.until(second, "the view of the other's work", state(download.Fetching))
	if second.Snapshot().Owner {
		t.Fatal("two owners")
	}
	if err := second.Pause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.until(first, "the pause in the owner", state(download.Paused))
	r.until(second, "the pause in the viewer", state(download.Paused))
	if err := second.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.whole(r.until(second, "the end in the viewer", state(download.Done)).Tasks[0], o)
	r.close(first)
	r.until(second, "the take-over", func(v download.View) bool { return v.Owner })
	r.store.Put("b.tif", 100)
	r.enqueue(second, r.request("b.tif"))
	if v := r.whenSettled(second); v.Tasks[1].State != download.Done {
		t.Errorf("the new owner left it %s: %v", v.Tasks[1].State, v.Tasks[1].Err)
	}
	if err := second.Forget(t.Context(), id); err != nil || len(second.Snapshot().Tasks) != 1 {
		t.Errorf("forget: %v", err)
	}
}

func TestRedirects(t *testing.T) {
	r := newRig(t)
	o := r.store.Put("a.tif", fileSize)
	var seen http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		seen = q.Header.Clone()
		(&Exchange{Store: r.store, Object: o, W: w, R: q}).Serve()
	}))
	defer other.Close()
	r.cfg.PerFile = 1
	r.store.Strike("a.tif", 0, 1<<30, Redirect(other.URL+"/elsewhere"))
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	r.whole(r.whenSettled(e).Tasks[0], o)
	for _, h := range []string{"Referer", "Authorization", "Cookie", "If-Range"} {
		if seen.Get(h) != "" {
			t.Errorf("another host was sent %s", h)
		}
	}
}

func TestADowngradeIsRefused(t *testing.T) {
	r := newRig(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	tls := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer tls.Close()
	r.store.Unsigned = true
	r.cfg.Transport = tls.Client().Transport
	req := r.request("a.tif")
	req.Href = tls.URL + "/a.tif"
	e := r.start()
	r.enqueue(e, req)
	if task := r.whenSettled(e).Tasks[0]; task.Err == nil || task.Err.Kind != download.KindUnsafe || task.Retryable {
		t.Errorf("%s: %v", task.State, task.Err)
	}
}

func TestOutageIsWaitedForAndGivenUpOnlyAfterLong(t *testing.T) {
	r := newRig(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	req := r.request("a.tif")
	req.Href = gone.URL + "/a.tif"
	s := &fixedSigner{}
	r.cfg.Signers = func(string) (download.Signer, error) { return s, nil }
	r.cfg.GiveUp = 200 * time.Millisecond
	e := r.start()
	r.enqueue(e, req)
	v := r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil })
	if v.Blocked.Kind != download.KindNetwork {
		t.Errorf("blocked by %v", v.Blocked)
	}
	task := r.whenSettled(e).Tasks[0]
	if task.State != download.Failed || task.Err.Kind != download.KindNetwork || !task.Retryable || task.Attempts < 3 {
		t.Errorf("%s after %d: %v", task.State, task.Attempts, task.Err)
	}
}

// fixedSigner passes hrefs through, as the signer does with public ones.
type fixedSigner struct{}

func (*fixedSigner) Sign(_ context.Context, hrefs []string) ([]download.Signed, error) {
	out := make([]download.Signed, len(hrefs))
	for i, h := range hrefs {
		out[i] = download.Signed{Href: h, URL: h}
	}
	return out, nil
}

func (*fixedSigner) Forget(...string) {}

func TestRetryAfterIsObeyed(t *testing.T) {
	r := newRig(t)
	o := r.store.Put("a.tif", 100)
	r.store.Strike("a.tif", 0, 1, Status(http.StatusTooManyRequests, "Retry-After: 1"))
	e := r.start()
	began := time.Now()
	r.enqueue(e, r.request("a.tif"))
	v := r.until(e, "the block", func(v download.View) bool { return v.Blocked != nil })
	if v.Blocked.Kind != download.KindThrottled {
		t.Errorf("blocked by %v", v.Blocked)
	}
	r.whole(r.whenSettled(e).Tasks[0], o)
	if d := time.Since(began); d < time.Second {
		t.Errorf("asked again after %v", d)
	}
}

func TestBandwidthLimit(t *testing.T) {
	r := newRig(t)
	r.cfg.BandwidthLimit = 200_000
	o := r.store.Put("a.tif", fileSize)
	e := r.start()
	began := time.Now()
	r.enqueue(e, r.request("a.tif"))
	r.whole(r.whenSettled(e).Tasks[0], o)
	// A burst of an eighth of a second is free.
	if d := time.Since(began); d < 350*time.Millisecond {
		t.Errorf("100 kB at 200 kB/s took %v", d)
	}
}
