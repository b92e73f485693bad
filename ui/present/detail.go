package present

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Field is one line of metadata in words.
type Field struct{ Label, Value string }

// BandRow is one spectral band.
type BandRow struct{ Name, Common, Wavelength, Note string }

// AssetRow is one file of the item.
type AssetRow struct {
	Asset   catalog.Asset
	Title   string
	Type    string // in words: "Cloud-optimised GeoTIFF"
	Size    string // empty where unknown
	Note    string // role and resolution
	Checked bool
	// Checksum is true if the bytes can be compared with a promise.
	Checksum bool
}

// DetailState is what the detail panel shows.
type DetailState struct {
	Phase    Phase
	Key      catalog.Key
	Title    string
	Subtitle string
	// Facts are the few that matter most, Fields the others that have words.
	Facts, Fields []Field
	More          []Field // the properties that have no words of their own, as they stand
	Bands         []BandRow
	License       string
	LicenseHref   string
	Assets        []AssetRow
	Checked       int
	CheckedSize   string
	Problem       Problem
	Item          catalog.Item
	// Raw is the document, indented, for a person who wants to see it.
	Raw string
}

// Detail is the presenter of one item.
type Detail struct {
	signal
	do       Dispatcher
	p        *Printer
	source   catalog.Source
	licences func(catalog.CollectionID) (name, href string)
	state    DetailState
	gen      int
	cancel   context.CancelFunc
	timeout  time.Duration
	// lastKeys are the assets that the person chose last, per collection, so that the next image of it starts with them.
	lastKeys map[catalog.CollectionID]map[string]bool
}

// NewDetail returns an empty panel. licences answers for an item without a licence link of its own.
func NewDetail(do Dispatcher, p *Printer, licences func(catalog.CollectionID) (name, href string)) *Detail {
	return &Detail{
		do: do, p: p, licences: licences, cancel: func() {}, timeout: 30 * time.Second,
		lastKeys: map[catalog.CollectionID]map[string]bool{},
	}
}

// State returns what to show now.
func (d *Detail) State() DetailState { return d.state }

// SetSource asks another catalogue from now on, and shows nothing.
func (d *Detail) SetSource(src catalog.Source) {
	d.source = src
	d.Hide()
}

// Hide shows nothing.
func (d *Detail) Hide() {
	d.cancel()
	d.gen++
	d.state = DetailState{}
	d.changed()
}

// Show shows an item. What the list knows of it appears at once, the rest when the document is read.
func (d *Detail) Show(it catalog.Item) {
	if d.state.Key == it.Key && d.state.Phase != PhaseFailed && d.state.Phase != PhaseIdle {
		return
	}
	d.cancel()
	d.gen++
	gen, src, p := d.gen, d.source, d.p
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout)
	d.cancel = cancel
	d.state = DetailState{Phase: PhaseLoading, Key: it.Key, Title: first(it.Title, string(it.Key.Item)), Subtitle: string(it.Key.Collection), Item: it}
	d.changed()
	go func() {
		defer cancel()
		var err error
		if len(it.Raw) == 0 && src != nil {
			it, err = src.Item(ctx, it.Key)
		}
		var state DetailState
		if err == nil {
			state, err = p.detail(it)
		}
		d.do(func() {
			if gen == d.gen {
				d.came(state, err)
			}
		})
	}()
}

func (d *Detail) came(s DetailState, err error) {
	if err != nil {
		d.state.Phase, d.state.Problem = PhaseFailed, d.p.Explain(err)
		d.changed()
		return
	}
	if s.LicenseHref == "" || s.License == "" {
		name, href := d.licences(s.Key.Collection)
		s.License, s.LicenseHref = first(s.License, name), first(s.LicenseHref, href)
	}
	last := d.lastKeys[s.Key.Collection]
	for i := range s.Assets {
		if last != nil {
			s.Assets[i].Checked = last[s.Assets[i].Asset.Key]
		}
	}
	d.state = s
	d.count()
	d.changed()
}

// Again reads the item once more after a failure.
func (d *Detail) Again() {
	it := d.state.Item
	it.Key = d.state.Key
	d.Show(it)
}

// Check chooses an asset, or not.
func (d *Detail) Check(key string, checked bool) {
	assets := make([]AssetRow, len(d.state.Assets))
	copy(assets, d.state.Assets)
	keys := map[string]bool{}
	for i := range assets {
		if assets[i].Asset.Key == key {
			assets[i].Checked = checked
		}
		keys[assets[i].Asset.Key] = assets[i].Checked
	}
	d.state.Assets = assets
	d.lastKeys[d.state.Key.Collection] = keys
	d.count()
	d.changed()
}

// ChosenKeys returns the asset keys that are checked.
func (d *Detail) ChosenKeys() []string {
	var out []string
	for _, a := range d.state.Assets {
		if a.Checked {
			out = append(out, a.Asset.Key)
		}
	}
	return out
}

func (d *Detail) count() {
	var size int64
	known := true
	d.state.Checked = 0
	for _, a := range d.state.Assets {
		if !a.Checked {
			continue
		}
		d.state.Checked++
		size += max(a.Asset.Size, 0)
		known = known && a.Asset.Size >= 0
	}
	d.state.CheckedSize = ""
	switch {
	case known:
		d.state.CheckedSize = d.p.Bytes(size)
	case size > 0:
		d.state.CheckedSize = d.p.T("more than {size}", "size", d.p.Bytes(size))
	}
}

// isData tells the files that a person wants by default from the pictures and the papers that go with them.
func isData(a catalog.Asset) bool {
	for _, r := range a.Roles {
		switch r {
		case "thumbnail", "overview", "metadata":
			return false
		case "data":
			return true
		}
	}
	return isTIFF(a.MediaType)
}

// indent writes a document so that a person can read it; the bytes themselves if they are not JSON.
func indent(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}
