package present

import (
	"context"
	"errors"
	"slices"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// KeyRow is one asset key in the download dialog.
type KeyRow struct {
	Key, Title, Type string
	Items            int // how many of the images have it
	Size             int64
	SizeKnown        bool
	Checked          bool
	CountText        string
	SizeText         string
}

// PlanState is what the download dialog shows.
type PlanState struct {
	Phase   Phase
	Heading string
	Keys    []KeyRow
	Folder  string
	Files   int
	Total   string // "42 files, 12.4 GB"
	Free    string
	// Problem says why it cannot start; Warning what might go wrong.
	Problem Problem
	Warning string
	CanStart,
	Starting bool
}

// Plan is the presenter of the download dialog: which files of which images go where.
type Plan struct {
	signal
	// OnStarted is called when the queue took the files.
	OnStarted func(files int)

	do     Dispatcher
	p      *Printer
	source catalog.Source
	queue  Queue
	disk   Disk
	conn   string

	items  []catalog.Item
	assets [][]catalog.Asset // by item
	state  PlanState
	free   int64
	size   int64
	gen    int
	cancel context.CancelFunc
}

// NewPlan reads the assets of the items; keys are checked at the start, or those that hold data if none is named.
func NewPlan(do Dispatcher, p *Printer, w Workspace, q Queue, disk Disk, items []catalog.Item, keys []string, folder string) *Plan {
	ctx, cancel := context.WithCancel(context.Background())
	pl := &Plan{
		do: do, p: p, source: w.Catalog, queue: q, disk: disk, conn: w.Connection.ID, items: slices.Clone(items), free: -1, cancel: cancel,
	}
	pl.state = PlanState{Phase: PhaseLoading, Heading: p.N("Download {n} images", int64(len(items))), Folder: folder}
	go func() {
		items, assets, err := readAssets(ctx, pl.source, pl.items)
		do(func() {
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				pl.state.Phase, pl.state.Problem = PhaseFailed, p.Explain(err)
				pl.changed()
				return
			}
			pl.items, pl.assets = items, assets
			pl.state.Phase = PhaseReady
			pl.state.Keys = p.keyRows(assets, keys)
			if len(pl.state.Keys) == 0 {
				pl.state.Phase = PhaseEmpty
			}
			pl.show()
		})
	}()
	pl.SetFolder(folder)
	return pl
}

func readAssets(ctx context.Context, src catalog.Source, items []catalog.Item) ([]catalog.Item, [][]catalog.Asset, error) {
	whole := make([]catalog.Item, len(items))
	assets := make([][]catalog.Asset, len(items))
	for i, it := range items {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		var err error
		if len(it.Raw) == 0 {
			if it, err = src.Item(ctx, it.Key); err != nil {
				return nil, nil, err
			}
		}
		if assets[i], err = it.Assets(); err != nil {
			return nil, nil, err
		}
		whole[i] = it
	}
	return whole, assets, nil
}

// keyRows makes the union of the keys: data first, each group in the order of the documents.
func (p *Printer) keyRows(assets [][]catalog.Asset, checked []string) []KeyRow {
	at := map[string]int{}
	var rows []KeyRow
	var data []bool
	for _, as := range assets {
		for _, a := range as {
			i, ok := at[a.Key]
			if !ok {
				i = len(rows)
				at[a.Key] = i
				rows = append(rows, KeyRow{Key: a.Key, Title: first(a.Title, a.Key), Type: p.MediaType(a.MediaType), SizeKnown: true})
				data = append(data, isData(a))
				rows[i].Checked = data[i]
				if len(checked) > 0 {
					rows[i].Checked = slices.Contains(checked, a.Key)
				}
			}
			rows[i].Items++
			rows[i].Size += max(a.Size, 0)
			rows[i].SizeKnown = rows[i].SizeKnown && a.Size >= 0
		}
	}
	var out, rest []KeyRow
	for i, r := range rows {
		r.CountText = p.N("in {n} images", int64(r.Items))
		if r.SizeKnown {
			r.SizeText = p.Bytes(r.Size)
		} else {
			r.SizeText = p.T("size unknown")
		}
		if data[i] {
			out = append(out, r)
		} else {
			rest = append(rest, r)
		}
	}
	return append(out, rest...)
}

// State returns what to show now.
func (pl *Plan) State() PlanState { return pl.state }

// Close stops what is under way.
func (pl *Plan) Close() { pl.cancel() }

// Check chooses a key, or not.
func (pl *Plan) Check(key string, checked bool) {
	keys := slices.Clone(pl.state.Keys)
	for i := range keys {
		if keys[i].Key == key {
			keys[i].Checked = checked
		}
	}
	pl.state.Keys = keys
	pl.show()
}

// SetFolder chooses another folder and asks how much room it has.
func (pl *Plan) SetFolder(dir string) {
	pl.state.Folder = dir
	pl.free = -1
	pl.gen++
	gen := pl.gen
	disk := pl.disk
	pl.show()
	go func() {
		err := disk.Writable(dir)
		free, freeErr := disk.Free(dir)
		pl.do(func() {
			if gen != pl.gen {
				return
			}
			if freeErr == nil {
				pl.free = free
			}
			pl.state.Problem = Problem{}
			if err != nil {
				pl.state.Problem = Problem{Text: pl.p.T("The folder cannot be written."), Detail: err.Error(), Action: ActionFolder}
			}
			pl.show()
		})
	}()
}

func (pl *Plan) chosen() map[string]bool {
	out := map[string]bool{}
	for _, k := range pl.state.Keys {
		if k.Checked {
			out[k.Key] = true
		}
	}
	return out
}

func (pl *Plan) show() {
	s := &pl.state
	s.Files, pl.size = 0, 0
	known := true
	for _, k := range s.Keys {
		if k.Checked {
			s.Files += k.Items
			pl.size += k.Size
			known = known && k.SizeKnown
		}
	}
	s.Total = pl.p.N("{n} files", int64(s.Files))
	switch {
	case known && s.Files > 0:
		s.Total += ", " + pl.p.Bytes(pl.size)
	case pl.size > 0:
		s.Total += ", " + pl.p.T("more than {size}", "size", pl.p.Bytes(pl.size))
	case s.Files > 0:
		s.Total += ", " + pl.p.T("size unknown")
	}
	s.Free, s.Warning = "", ""
	if pl.free >= 0 {
		s.Free = pl.p.T("{size} free", "size", pl.p.Bytes(pl.free))
		if pl.size > pl.free {
			s.Warning = pl.p.T("These files need more room than the disk has.")
		}
	}
	s.CanStart = s.Phase == PhaseReady && s.Files > 0 && s.Problem.Text == "" && !s.Starting && strings.TrimSpace(s.Folder) != ""
	pl.changed()
}

// Start hands the files to the queue, all or none.
func (pl *Plan) Start() {
	if !pl.state.CanStart {
		return
	}
	reqs := pl.requests()
	pl.state.Starting = true
	pl.show()
	go func() {
		_, err := pl.queue.Enqueue(context.Background(), reqs)
		pl.do(func() {
			pl.state.Starting = false
			if err != nil && !errors.Is(err, context.Canceled) {
				pl.state.Problem = pl.p.Explain(err)
				pl.show()
				return
			}
			if pl.OnStarted != nil {
				pl.OnStarted(len(reqs))
			}
		})
	}()
}

func (pl *Plan) requests() []download.Request {
	keys := pl.chosen()
	var out []download.Request
	for i, as := range pl.assets {
		for _, a := range as {
			if !keys[a.Key] {
				continue
			}
			out = append(out, download.Request{
				Connection: pl.conn, Href: a.Href, Collection: string(pl.items[i].Key.Collection), Item: string(pl.items[i].Key.Item),
				Asset: a.Key, Title: a.Title, Dir: pl.state.Folder, Size: a.Size, Checksum: a.Checksum, MediaType: a.MediaType,
			})
		}
	}
	return out
}
