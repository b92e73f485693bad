package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download/engine"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/workstation"
)

// downloadCmd is `dinamis download`.
type downloadCmd struct {
	Items      []string `arg:"" optional:"" help:"Items as collection/item. Without them, give search flags." placeholder:"COLLECTION/ITEM"`
	Asset      []string `short:"a" help:"Only these asset keys; without it, the assets with role data (all if none has it)." placeholder:"KEY"`
	Dir        string   `short:"d" help:"The folder to download into; files land in DIR/collection/item/." type:"path" placeholder:"DIR"`
	NoWait     bool     `help:"Only put them into the queue; a running app or a later dinamis fetches them."`
	queryFlags `embed:""`
}

// Run puts the assets into the queue and waits until each is done or failed.
func (c *downloadCmd) Run(ctx context.Context, a *app) error {
	items, err := c.items(ctx, a)
	if err != nil {
		return err
	}
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return usageError{err}
	}
	dir := c.Dir
	if dir == "" {
		dir = a.ws.Settings().DownloadDir
	}
	var reqs []download.Request
	for _, it := range items {
		r, err := workstation.Requests(link.Connection.ID, it, c.Asset, dir)
		if err != nil {
			return err
		}
		reqs = append(reqs, r...)
	}
	if len(reqs) == 0 {
		return &catalog.Error{Op: "download", Kind: catalog.KindNotFound, Err: fmt.Errorf("none of the %d items has such an asset (%s)", len(items), strings.Join(c.Asset, ", "))}
	}
	if err := engine.Writable(dir); err != nil {
		return &download.Error{Op: "download", Kind: download.KindFolder, Key: dir, Err: err}
	}
	open := a.ws.Queue
	if c.NoWait {
		open = a.ws.LookAtQueue
	}
	queue, err := open(ctx)
	if err != nil {
		return err
	}
	ids, err := queue.Enqueue(ctx, reqs)
	if err != nil {
		return err
	}
	if c.NoWait {
		if a.JSON {
			return a.printTasks(pick(queue.Snapshot(), ids))
		}
		fmt.Fprintf(a.err, "%d files are in the queue.\n", len(ids))
		return nil
	}
	return a.follow(ctx, queue, ids)
}

// items returns the items named, or what the search flags find.
func (c *downloadCmd) items(ctx context.Context, a *app) ([]catalog.Item, error) {
	if len(c.Items) > 0 {
		link, err := a.ws.Link(ctx, a.Connection)
		if err != nil {
			return nil, usageError{err}
		}
		var items []catalog.Item
		for _, s := range c.Items {
			key, err := parseKey(s)
			if err != nil {
				return nil, err
			}
			it, err := link.Catalog.Item(ctx, key)
			if err != nil {
				return nil, err
			}
			items = append(items, it)
		}
		return items, nil
	}
	if len(c.Collection)+len(c.IDs) == 0 && c.BBox == "" && c.Area == "" && c.Datetime == "" && c.Filter == "" && c.Text == "" {
		return nil, usagef("name items as collection/item, or say which with search flags such as --collection and --bbox")
	}
	q, err := c.query()
	if err != nil {
		return nil, err
	}
	var items []catalog.Item
	_, _, err = a.walk(ctx, q, c.stop(), func(it catalog.Item) error { items = append(items, it); return nil })
	return items, err
}

func parseKey(s string) (catalog.Key, error) {
	coll, item, ok := strings.Cut(s, "/")
	if !ok || coll == "" || item == "" {
		return catalog.Key{}, usagef("%q: write an item as collection/item", s)
	}
	return catalog.Key{Collection: catalog.CollectionID(coll), Item: catalog.ItemID(item)}, nil
}

// follow shows progress until every task is final, or until the queue is blocked by something that only a person can mend.
func (a *app) follow(ctx context.Context, queue download.Queue, ids []download.TaskID) error {
	bars := newBars(a)
	told := map[string]bool{}
	for {
		view := queue.Snapshot()
		tasks := pick(view, ids)
		bars.show(tasks)
		a.tellWaits(tasks, told)
		if !slices.ContainsFunc(tasks, func(t download.Task) bool { return !t.State.Final() }) {
			bars.close()
			return a.conclude(tasks)
		}
		if view.Blocked != nil && view.Blocked.Kind == download.KindLogin {
			bars.close()
			return view.Blocked
		}
		if !slices.ContainsFunc(tasks, func(t download.Task) bool { return !t.State.Final() && t.State != download.Paused }) {
			bars.close()
			return fmt.Errorf("%w: the rest is paused; go on with: dinamis queue resume", errIncomplete)
		}
		select {
		case <-ctx.Done():
			bars.close()
			return ctx.Err()
		case <-queue.Changes():
		}
	}
}

// tellWaits says, once each, why tasks wait that go on by themselves.
func (a *app) tellWaits(tasks []download.Task, told map[string]bool) {
	for _, t := range tasks {
		if t.Err == nil || t.State.Final() || told[t.Err.Error()] {
			continue
		}
		told[t.Err.Error()] = true
		fmt.Fprintln(a.err, "Waiting:", t.Err)
	}
}

func (a *app) conclude(tasks []download.Task) error {
	if a.JSON {
		if err := a.printTasks(tasks); err != nil {
			return err
		}
	}
	failed := 0
	for _, t := range tasks {
		switch {
		case t.State != download.Done:
			failed++
			if !a.JSON {
				fmt.Fprintf(a.err, "%s/%s/%s: %s\n", t.Collection, t.Item, t.Asset, why(t))
			}
		case !a.JSON:
			fmt.Fprintln(a.out, t.Path)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%w: %d of %d", errIncomplete, failed, len(tasks))
	}
	return nil
}

func why(t download.Task) string {
	if t.Err != nil {
		return t.Err.Error()
	}
	return t.State.String()
}

func pick(v download.View, ids []download.TaskID) []download.Task {
	var out []download.Task
	for _, t := range v.Tasks {
		if slices.Contains(ids, t.ID) {
			out = append(out, t)
		}
	}
	return out
}

// queueCmd is `dinamis queue`.
type queueCmd struct {
	List   queueList   `cmd:"" default:"1" help:"List the tasks."`
	Run    queueRun    `cmd:"" help:"Work on the queue until nothing is left to do."`
	Pause  queuePause  `cmd:"" help:"Pause tasks (all if none is named)."`
	Resume queueResume `cmd:"" help:"Resume paused tasks."`
	Cancel queueCancel `cmd:"" help:"Cancel tasks and remove their partial files."`
	Retry  queueRetry  `cmd:"" help:"Try failed tasks again."`
	Forget queueForget `cmd:"" help:"Remove finished tasks from the list; files stay."`
}

type (
	queueList struct{}
	queueRun  struct{}
	taskIDs   struct {
		IDs []int64 `arg:"" optional:"" help:"Task numbers." placeholder:"TASK"`
	}
	queuePause  struct{ taskIDs }
	queueResume struct{ taskIDs }
	queueCancel struct{ taskIDs }
	queueRetry  struct{ taskIDs }
	queueForget struct{ taskIDs }
)

// Run lists the queue.
func (queueList) Run(ctx context.Context, a *app) error {
	queue, err := a.ws.LookAtQueue(ctx)
	if err != nil {
		return err
	}
	return a.printTasks(queue.Snapshot().Tasks)
}

// Run works until every task is final.
func (queueRun) Run(ctx context.Context, a *app) error {
	queue, err := a.ws.Queue(ctx)
	if err != nil {
		return err
	}
	var ids []download.TaskID
	for _, t := range queue.Snapshot().Tasks {
		if !t.State.Final() {
			ids = append(ids, t.ID)
		}
	}
	return a.follow(ctx, queue, ids)
}

// Run pauses.
func (c queuePause) Run(ctx context.Context, a *app) error {
	return c.act(ctx, a, download.Queue.Pause)
}

// Run resumes.
func (c queueResume) Run(ctx context.Context, a *app) error {
	return c.act(ctx, a, download.Queue.Resume)
}

// Run cancels.
func (c queueCancel) Run(ctx context.Context, a *app) error {
	return c.act(ctx, a, download.Queue.Cancel)
}

// Run retries.
func (c queueRetry) Run(ctx context.Context, a *app) error {
	return c.act(ctx, a, download.Queue.Retry)
}

// Run forgets.
func (c queueForget) Run(ctx context.Context, a *app) error {
	return c.act(ctx, a, download.Queue.Forget)
}

func (c taskIDs) act(ctx context.Context, a *app, f func(download.Queue, context.Context, ...download.TaskID) error) error {
	queue, err := a.ws.LookAtQueue(ctx)
	if err != nil {
		return err
	}
	ids := make([]download.TaskID, len(c.IDs))
	for i, id := range c.IDs {
		ids[i] = download.TaskID(id)
	}
	return f(queue, ctx, ids...)
}

// taskJSON is a task as --json prints it.
type taskJSON struct {
	ID         download.TaskID `json:"id"`
	Collection string          `json:"collection"`
	Item       string          `json:"item"`
	Asset      string          `json:"asset"`
	State      string          `json:"state"`
	Path       string          `json:"path"`
	Received   int64           `json:"received"`
	Total      int64           `json:"total,omitempty"`
	SHA256     string          `json:"sha256,omitempty"`
	Verified   bool            `json:"verified"`
	Error      string          `json:"error,omitempty"`
}

func (a *app) printTasks(tasks []download.Task) error {
	if a.JSON {
		rows := make([]taskJSON, len(tasks))
		for i, t := range tasks {
			rows[i] = taskJSON{
				ID: t.ID, Collection: t.Collection, Item: t.Item, Asset: t.Asset, State: t.State.String(), Path: t.Path,
				Received: t.Received, Total: max(t.Total, 0), SHA256: t.SHA256, Verified: t.Verified,
			}
			if t.Err != nil {
				rows[i].Error = t.Err.Error()
			}
		}
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	if len(tasks) == 0 {
		fmt.Fprintln(a.err, "The queue is empty.")
		return nil
	}
	tab := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "TASK\tSTATE\tSIZE\tFILE\t")
	for _, t := range tasks {
		size := humanize.IBytes(uint64(max(t.Received, 0)))
		if t.Total > 0 && t.State != download.Done {
			size += " of " + humanize.IBytes(uint64(t.Total))
		}
		note := ""
		if t.Err != nil {
			note = t.Err.Error()
		}
		fmt.Fprintf(tab, "%d\t%s\t%s\t%s\t%s\n", t.ID, t.State, size, filepath.Join(t.Collection, t.Item, filepath.Base(t.Path)), note)
	}
	return tab.Flush()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
