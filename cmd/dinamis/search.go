package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// searchCmd is `dinamis search`.
type searchCmd struct {
	queryFlags `embed:""`
}

// Run prints the items that match: a table, or with --json one GeoJSON feature collection of the documents as they are.
func (c *searchCmd) Run(ctx context.Context, a *app) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	q.CountUpTo = 10_000
	w := newItemWriter(a)
	origin, count, err := a.walk(ctx, q, c.stop(), w.write)
	if err != nil {
		return err
	}
	return w.close(origin, count)
}

// stop returns how many items are wanted; 0 means all.
func (f queryFlags) stop() int {
	if f.All {
		return 0
	}
	return f.Limit
}

// walk calls f for each item of the answer, page after page, until it has seen stop of them (0: all).
func (a *app) walk(ctx context.Context, q catalog.Query, stop int, f func(catalog.Item) error) (catalog.Origin, catalog.Count, error) {
	link, err := a.ws.Link(ctx, a.Connection)
	if err != nil {
		return catalog.Origin{}, catalog.Count{}, usageError{err}
	}
	var (
		origin catalog.Origin
		count  catalog.Count
		seen   int
	)
	for first := true; ; first = false {
		page, err := link.Catalog.Search(ctx, q)
		if err != nil {
			return origin, count, err
		}
		if first {
			origin, count = page.Origin, page.Matched
		} else if page.Origin.Kind == catalog.OriginLocal {
			origin = page.Origin
		}
		for _, it := range page.Items {
			if err := f(it); err != nil {
				return origin, count, err
			}
			if seen++; seen == stop {
				return origin, count, nil
			}
		}
		if page.Next == "" {
			return origin, count, nil
		}
		q.Cursor = page.Next
	}
}

// itemWriter prints items as they come.
type itemWriter interface {
	write(catalog.Item) error
	close(catalog.Origin, catalog.Count) error
}

func newItemWriter(a *app) itemWriter {
	if a.JSON {
		return &jsonItems{out: bufio.NewWriter(a.out)}
	}
	return &tableItems{tab: tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0), notes: a.err}
}

// jsonItems streams a GeoJSON feature collection; what the answer rests on follows the features.
type jsonItems struct {
	out *bufio.Writer
	n   int
}

func (j *jsonItems) write(it catalog.Item) error {
	sep := ",\n"
	if j.n == 0 {
		sep = `{"type":"FeatureCollection","features":[` + "\n"
	}
	j.n++
	if _, err := j.out.WriteString(sep); err != nil {
		return err
	}
	_, err := j.out.Write(it.Raw)
	return err
}

func (j *jsonItems) close(o catalog.Origin, c catalog.Count) error {
	if j.n == 0 {
		j.out.WriteString(`{"type":"FeatureCollection","features":[`)
	}
	tail := map[string]any{"numberReturned": j.n, "origin": originJSON(o)}
	if c.Kind == catalog.CountExact {
		tail["numberMatched"] = c.N
	}
	text, err := json.Marshal(tail)
	if err != nil {
		return err
	}
	fmt.Fprintf(j.out, "],%s\n", text[1:])
	return j.out.Flush()
}

func originJSON(o catalog.Origin) map[string]any {
	m := map[string]any{"kind": "remote", "complete": o.Complete}
	if o.Kind == catalog.OriginLocal {
		m["kind"] = "local"
		m["missing"] = missingWords(o.Missing)
	}
	if !o.AsOf.IsZero() {
		m["as_of"] = o.AsOf
	}
	if o.Cause != nil {
		m["cause"] = o.Cause.Error()
	}
	return m
}

// tableItems prints a line an item, for people.
type tableItems struct {
	tab   *tabwriter.Writer
	notes io.Writer
	n     int64
}

func (t *tableItems) write(it catalog.Item) error {
	if t.n == 0 {
		fmt.Fprintln(t.tab, "DATE\tCLOUD\tITEM")
	}
	t.n++
	cloud := "-"
	if !math.IsNaN(it.CloudCover) {
		cloud = fmt.Sprintf("%.0f %%", it.CloudCover)
	}
	_, err := fmt.Fprintf(t.tab, "%s\t%s\t%s\n", it.Time.Start.UTC().Format("2006-01-02 15:04"), cloud, it.Key)
	return err
}

func (t *tableItems) close(o catalog.Origin, c catalog.Count) error {
	if err := t.tab.Flush(); err != nil {
		return err
	}
	switch {
	case t.n == 0:
		fmt.Fprintln(t.notes, "Nothing matches.")
	case c.Kind == catalog.CountExact:
		fmt.Fprintf(t.notes, "%d of %d items.\n", t.n, c.N)
	case c.Kind == catalog.CountAtLeast:
		fmt.Fprintf(t.notes, "%d of more than %d items.\n", t.n, c.N)
	default:
		fmt.Fprintf(t.notes, "%d items.\n", t.n)
	}
	if o.Kind == catalog.OriginLocal {
		fmt.Fprintln(t.notes, originSentence(o))
	}
	return nil
}

func originSentence(o catalog.Origin) string {
	s := "From the local catalogue"
	if !o.AsOf.IsZero() {
		s += ", as of " + o.AsOf.Local().Format("2006-01-02 15:04")
	}
	if o.Complete {
		s += "; the answer is complete for what was asked"
	} else {
		s += "; incomplete: " + missingWords(o.Missing)
	}
	if o.Cause != nil {
		s += " (" + o.Cause.Error() + ")"
	}
	return s + "."
}

func missingWords(m catalog.Missing) string {
	switch {
	case m.Everything:
		return "nothing of this was fetched before"
	case len(m.Collections) > 0:
		return fmt.Sprintf("never fetched for the collections %v", m.Collections)
	case m.Area:
		return "part of the area was never fetched"
	case m.Time:
		return "part of the time was never fetched"
	case m.Filter:
		return "only a narrower search was fetched"
	case m.Pages:
		return "the fetch stopped before its last page"
	}
	return ""
}
