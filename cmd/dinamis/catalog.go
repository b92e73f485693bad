package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// catalogCmd is `dinamis catalog`.
type catalogCmd struct {
	Collections catalogCollections `cmd:"" help:"List the collections."`
	Item        catalogItem        `cmd:"" help:"Print one item's document, byte for byte."`
	Assets      catalogAssets      `cmd:"" help:"List one item's assets."`
	Status      catalogStatus      `cmd:"" help:"Say what the local catalogue holds, and where it lies."`
}

type (
	catalogCollections struct{}
	catalogItem        struct {
		Item string `arg:"" placeholder:"COLLECTION/ITEM"`
	}
	catalogAssets struct {
		Item string `arg:"" placeholder:"COLLECTION/ITEM"`
	}
	catalogStatus struct{}
)

// Run lists collections.
func (catalogCollections) Run(ctx context.Context, a *app) error {
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return usageError{err}
	}
	cs, err := link.Catalog.Collections(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		docs := make([]json.RawMessage, len(cs))
		for i, c := range cs {
			docs[i] = c.Raw
		}
		return json.NewEncoder(a.out).Encode(docs)
	}
	tab := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "COLLECTION\tLICENCE\tTITLE")
	for _, c := range cs {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", c.ID, c.License, c.Title)
	}
	return tab.Flush()
}

// Run prints a document.
func (c catalogItem) Run(ctx context.Context, a *app) error {
	it, err := a.item(ctx, c.Item)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", it.Raw)
	return err
}

func (a *app) item(ctx context.Context, arg string) (catalog.Item, error) {
	key, err := parseKey(arg)
	if err != nil {
		return catalog.Item{}, err
	}
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return catalog.Item{}, usageError{err}
	}
	return link.Catalog.Item(ctx, key)
}

// Run lists assets.
func (c catalogAssets) Run(ctx context.Context, a *app) error {
	it, err := a.item(ctx, c.Item)
	if err != nil {
		return err
	}
	assets, err := it.Assets()
	if err != nil {
		return err
	}
	if a.JSON {
		type row struct {
			Key       string   `json:"key"`
			Href      string   `json:"href"`
			MediaType string   `json:"type,omitempty"`
			Roles     []string `json:"roles,omitempty"`
			Size      *int64   `json:"size,omitempty"`
			Checksum  string   `json:"checksum,omitempty"`
		}
		rows := make([]row, len(assets))
		for i, as := range assets {
			rows[i] = row{Key: as.Key, Href: as.Href, MediaType: as.MediaType, Roles: as.Roles, Checksum: as.Checksum}
			if as.Size >= 0 {
				rows[i].Size = &as.Size
			}
		}
		return json.NewEncoder(a.out).Encode(rows)
	}
	tab := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "ASSET\tTYPE\tHREF")
	for _, as := range assets {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", as.Key, as.MediaType, as.Href)
	}
	return tab.Flush()
}

// Run says, for each collection, how many items of it are on this machine.
func (catalogStatus) Run(ctx context.Context, a *app) error {
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return usageError{err}
	}
	cs, err := link.Store.Collections(ctx)
	if err != nil {
		return err
	}
	type row struct {
		Collection catalog.CollectionID `json:"collection"`
		Items      int64                `json:"items"`
	}
	rows := make([]row, len(cs))
	for i, c := range cs {
		p, err := link.Store.SearchProjection(ctx, catalog.Query{Collections: []catalog.CollectionID{c.ID}, Limit: 1, CountUpTo: math.MaxInt32})
		if err != nil {
			return err
		}
		rows[i] = row{c.ID, p.Matched.N}
	}
	st, err := os.Stat(link.Store.Path())
	if err != nil {
		return err
	}
	if a.JSON {
		return json.NewEncoder(a.out).Encode(map[string]any{
			"connection": link.Connection.ID, "path": link.Store.Path(), "bytes": st.Size(), "collections": rows,
		})
	}
	fmt.Fprintf(a.out, "%s (%s)\n", link.Store.Path(), humanize.IBytes(uint64(st.Size())))
	tab := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "COLLECTION\tITEMS HERE")
	for _, r := range rows {
		fmt.Fprintf(tab, "%s\t%d\n", r.Collection, r.Items)
	}
	return tab.Flush()
}
