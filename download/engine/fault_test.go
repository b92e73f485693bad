package engine

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	. "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/downloadtest"
)

// passing are faults that strike one request; the file must come whole all the same. n is where in the body they strike.
func passingFaults(n int64) map[string]Fault {
	return map[string]Fault{
		"reset":                 Reset(n),
		"truncated":             Truncate(n),
		"truncated, chunked":    TruncateChunked(n),
		"hang":                  Hang(n),
		"expired in the middle": Expire(n),
		"changed, same size":    Change(n, fileSize),
		"changed, smaller":      Change(n, fileSize/2),
		"changed, larger":       Change(n, fileSize*2),
		"bit flipped":           Corrupt(n),
		"less than asked":       Less(n + 1),
		"shifted":               Shift(n+1, false),
		"shifted, denied":       Shift(n+1, true),
	}
}

// plainFaults are those that strike before a body.
func plainFaults() map[string]Fault {
	m := map[string]Fault{
		"dropped":                 Drop(),
		"hang before":             HangBefore(),
		"200 for 206":             WholeFile(),
		"200 until the line ends": WholeFileUntil(-1),
		"more than asked":         Overlap(),
		"wrong total":             WrongTotal(7),
		"smaller total":           WrongTotal(-7),
		"no length":               NoLength(),
		"captive portal":          Portal(false),
		"captive portal as TIFF":  Portal(true),
		"huge headers":            HugeHeaders(),
		"no HTTP":                 Garbage(),
		"gzip":                    Gzip(),
		"trickle":                 Trickle(8<<10, time.Millisecond),
		"retry after 0 seconds":   Status(503, "Retry-After: 0"),
		"retry after a date":      Status(429, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"),
		"redirect to nowhere":     Redirect("http://127.0.0.1:1/"),
	}
	for _, c := range []int{400, 401, 403, 408, 416, 429, 500, 502, 503, 504, 511} {
		m[fmt.Sprint(c)] = Status(c)
	}
	return m
}

// TestEveryFaultInEveryPhase lets each fault strike once, at the first, second and later requests and at several bytes.
func TestEveryFaultInEveryPhase(t *testing.T) {
	r := newRig(t)
	r.cfg.Concurrency, r.cfg.PerHost = 24, 64
	e := r.start()
	names := map[download.TaskID]string{}
	label := map[download.TaskID]string{}
	add := func(what string, phase int, f Fault, until int) {
		name := fmt.Sprintf("f%d.tif", len(names))
		o := r.store.Put(name, fileSize)
		r.store.Strike(name, phase, phase+until, f)
		req := r.request(name)
		// Of a file that changes, no checksum can be promised.
		if !strings.HasPrefix(what, "changed") {
			req.Checksum = o.Multihash()
		}
		id := r.enqueue(e, req)[0]
		names[id], label[id] = name, fmt.Sprintf("%s at request %d", what, phase)
	}
	phases, bytesOut := 4, []int64{0, 1, 5000, head - 1}
	if raceEnabled {
		phases, bytesOut = 2, bytesOut[1:2]
	}
	for phase := range phases {
		for _, n := range bytesOut {
			for what, f := range passingFaults(n) {
				add(fmt.Sprintf("%s at byte %d", what, n), phase, f, 1)
			}
		}
		for what, f := range plainFaults() {
			add(what, phase, f, 1)
		}
	}
	v := r.whenSettled(e)
	for _, task := range v.Tasks {
		o := r.store.Get(names[task.ID])
		got, err := os.ReadFile(task.Path)
		if task.State != download.Done || err != nil || !bytes.Equal(got, o.Data) || task.SHA256 != o.SHA256() {
			t.Errorf("%s: %s, %v; %d bytes of %d, %v", label[task.ID], task.State, task.Err, len(got), len(o.Data), err)
		}
		if task.Received != task.Total || task.Total != int64(len(got)) {
			t.Errorf("%s: %d of %d bytes counted, %d there", label[task.ID], task.Received, task.Total, len(got))
		}
	}
	if len(v.Tasks) != len(names) {
		t.Errorf("%d tasks of %d", len(v.Tasks), len(names))
	}
}

// TestFaultsThatStay are told by their kind, and leave nothing that looks like a file.
func TestFaultsThatStay(t *testing.T) {
	tests := []struct {
		name      string
		fault     Fault
		size      int64
		checksum  bool
		kind      download.Kind
		retryable bool
	}{
		{"404", Status(404), -1, false, download.KindNotFound, true},
		{"410", Status(410), -1, false, download.KindNotFound, true},
		{"403", Status(403), -1, false, download.KindForbidden, true},
		{"401", Status(401), -1, false, download.KindForbidden, true},
		{"400", Status(400), -1, false, download.KindProtocol, true},
		{"418", Status(418), -1, false, download.KindProtocol, true},
		{"portal", Portal(false), -1, false, download.KindProtocol, true},
		{"portal as TIFF", Portal(true), -1, false, download.KindProtocol, true},
		{"headers", HugeHeaders(), -1, false, download.KindProtocol, true},
		{"not HTTP", Garbage(), -1, false, download.KindProtocol, true},
		{"redirects in a circle", func(x *Exchange) { Redirect(x.R.URL.String())(x) }, -1, false, download.KindProtocol, true},
		{"corrupt", Corrupt(100), -1, true, download.KindChecksum, true},
		{"shifted in secret", Shift(10, true), -1, true, download.KindChecksum, true},
		{"endless beyond the promise", Endless(), fileSize, false, download.KindProtocol, true},
		{"shorter than promised", nil, fileSize + 1, false, download.KindProtocol, true},
		{"no length, no end, no promise", WholeFileUntil(500), -1, false, download.KindProtocol, true},
		{"416", Status(416), -1, false, download.KindProtocol, true},
	}
	r := newRig(t)
	r.cfg.Concurrency = 8
	e := r.start()
	var ids []download.TaskID
	for i, tt := range tests {
		name := fmt.Sprintf("stay%d.tif", i)
		o := r.store.Put(name, fileSize)
		if tt.fault != nil {
			r.store.Strike(name, 0, 1<<30, tt.fault)
		}
		req := r.request(name)
		req.Size = tt.size
		if tt.checksum {
			req.Checksum = o.Multihash()
		}
		ids = append(ids, r.enqueue(e, req)...)
	}
	v := r.whenSettled(e)
	for i, task := range v.Tasks {
		tt := tests[i]
		if task.State != download.Failed || task.Err == nil || task.Err.Kind != tt.kind || task.Retryable != tt.retryable {
			t.Errorf("%s: %s, %v (%v)", tt.name, task.State, task.Err, task.Err != nil && task.Err.Kind == tt.kind)
		}
		if _, err := os.Stat(task.Path); err == nil {
			t.Errorf("%s: there is a file", tt.name)
		}
	}
	r.store.Heal()
	if err := e.Retry(t.Context(), ids...); err != nil {
		t.Fatal(err)
	}
	for i, task := range r.whenSettled(e).Tasks {
		if tests[i].size > fileSize {
			continue // that promise stays wrong
		}
		r.whole(task, r.store.Get(fmt.Sprintf("stay%d.tif", i)))
	}
}

// TestResumeSendsOnlyWhatIsMissing counts what the store sent: what a reset cut is asked for again from its byte on.
func TestResumeSendsOnlyWhatIsMissing(t *testing.T) {
	r := newRig(t)
	r.cfg.PerFile = 1
	o := r.store.Put("a.tif", fileSize)
	for i := range 6 {
		r.store.Strike("a.tif", i, i+1, Truncate(9_000))
	}
	e := r.start()
	r.enqueue(e, r.request("a.tif"))
	r.whole(r.whenSettled(e).Tasks[0], o)
	if sent := r.store.Sent("a.tif"); sent != fileSize {
		t.Errorf("%d bytes were sent for %d", sent, fileSize)
	}
	for i, q := range r.store.Requests() {
		if (q.IfRange == o.ETag) != (i > 0) {
			t.Errorf("request %d has If-Range %q", i, q.IfRange)
		}
	}
}

func TestServersOfAllKinds(t *testing.T) {
	tests := map[string]struct {
		fault    Fault
		set      func(*Object)
		modified time.Time
		req      func(*download.Request, Object)
	}{
		"no ranges":                 {fault: WholeFile()},
		"no ranges, no length":      {fault: func(x *Exchange) { x.R.Header.Del("Range"); NoLength()(x) }},
		"no end, but a size":        {fault: WholeFileUntil(-1), req: func(r *download.Request, o Object) { r.Size = int64(len(o.Data)) }},
		"no end, but a checksum":    {fault: WholeFileUntil(-1), req: func(r *download.Request, o Object) { r.Checksum = o.Multihash() }},
		"compressed":                {fault: Gzip()},
		"no validators":             {set: func(o *Object) { o.ETag = "" }},
		"a date only":               {set: func(o *Object) { o.ETag = "" }, modified: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)},
		"a weak ETag":               {set: func(o *Object) { o.ETag = `W/"x"` }},
		"always less than is asked": {fault: Less(7_000)},
		"always more than is asked": {fault: func(x *Exchange) {
			if x.R.Header.Get("If-Range") == "" {
				x.Serve()
			} else {
				NoLength()(x)
			}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.store.Modified = tt.modified
			o := r.store.Put("a.tif", fileSize)
			if tt.set != nil {
				tt.set(&o)
				r.store.Set(o)
			}
			if tt.fault != nil {
				r.store.Strike("a.tif", 0, 1<<30, tt.fault)
			}
			req := r.request("a.tif")
			if tt.req != nil {
				tt.req(&req, o)
			}
			e := r.start()
			r.enqueue(e, req)
			r.whole(r.whenSettled(e).Tasks[0], o)
		})
	}
}
