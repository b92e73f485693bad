package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// fewCandidates is how many items an index may name for them to be looked at one by one. Beyond it, walking in order and
// stopping at a full page is faster (measured on a million items: examples.md D3).
const fewCandidates = 2000

// Search implements catalog.Source.
func (s *Store) Search(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	return s.search(ctx, q, true)
}

// SearchProjection is Search without documents: Item.Raw is nil. It is what a list and a map need, and faster.
func (s *Store) SearchProjection(ctx context.Context, q catalog.Query) (catalog.Page, error) {
	return s.search(ctx, q, false)
}

func (s *Store) search(ctx context.Context, q catalog.Query, documents bool) (catalog.Page, error) {
	var page catalog.Page
	err := s.view(ctx, "search", func(r *reader) error {
		a, err := s.ask(ctx, r, q, q.PageLimit()+1)
		if err != nil {
			return err
		}
		items := make([]catalog.Item, len(a.found))
		rids := make(map[catalog.Key]int64, len(a.found))
		for i, f := range a.found {
			items[i] = f.item
			rids[f.item.Key] = f.rid
		}
		page = catalog.NewPage(q, a.pos, items)
		page.Matched = a.count
		if page.Origin, err = s.origin(ctx, r, q); err != nil {
			return err
		}
		if documents {
			return s.readDocuments(ctx, r, page.Items, rids)
		}
		for i := range page.Items {
			page.Items[i].Raw = nil
		}
		return nil
	})
	if err != nil {
		return catalog.Page{}, err
	}
	return page, nil
}

// asked is one question on its way through the catalogue.
type asked struct {
	s     *Store
	r     querier
	q     catalog.Query
	m     *catalog.Matcher
	pos   *catalog.Position
	limit int
	where where
	stats stats
	// cols is the order in SQL; nil if it needs documents.
	cols    []sortColumn
	withDoc bool

	found []found
	count catalog.Count
}

// ask finds up to limit items from the query's position on, in order of distance from it, and counts.
func (s *Store) ask(ctx context.Context, r querier, q catalog.Query, limit int) (*asked, error) {
	a := &asked{s: s, r: r, q: q, limit: limit}
	var err error
	if a.m, err = catalog.NewMatcher(q); err != nil {
		return nil, err
	}
	if a.pos, err = q.Position(); err != nil {
		return nil, err
	}
	if a.stats, err = readStats(ctx, r); err != nil {
		return nil, err
	}
	numbers, err := numbersOf(ctx, r, q.Collections)
	if err != nil {
		return nil, err
	}
	if len(q.Collections) > 0 && len(numbers) == 0 {
		a.count = catalog.CountOf(q, 0)
		return a, nil
	}
	a.where = conditions(q, a.m, numbers, a.stats)
	cols, ordered := sortColumns(q, a.pos)
	if ordered {
		a.cols = cols
	}
	a.withDoc = !ordered || a.m.NeedsRaw()
	rids, few, err := a.candidates(ctx)
	switch {
	case err != nil:
		return nil, err
	case few:
		err = a.gather(ctx, rids)
	case ordered:
		err = a.walk(ctx)
	default:
		err = a.scanAll(ctx)
	}
	return a, err
}

func readStats(ctx context.Context, r querier) (st stats, err error) {
	if st.reach, err = readReach(ctx, r); err == nil {
		err = r.QueryRowContext(ctx, "SELECT EXISTS(SELECT 1 FROM item WHERE dt IS NULL)").Scan(&st.timeless)
	}
	return st, err
}

func numbersOf(ctx context.Context, r querier, ids []catalog.CollectionID) ([]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return numbers(ctx, r, "SELECT no FROM collection WHERE id IN (SELECT value FROM json_each(?)) ORDER BY no", jsonText(ids))
}

func numbers(ctx context.Context, r querier, text string, args ...any) ([]int64, error) {
	rows, err := r.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// nameOf returns the id behind a collection's number.
func (a *asked) nameOf(ctx context.Context) func(int64) (catalog.CollectionID, error) {
	return func(no int64) (catalog.CollectionID, error) {
		if id, ok := a.s.names.Load(no); ok {
			return id.(catalog.CollectionID), nil
		}
		var id catalog.CollectionID
		err := a.r.QueryRowContext(ctx, "SELECT id FROM collection WHERE no = ?", no).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return "", &catalog.Error{Op: "search", Kind: catalog.KindCorrupt, Err: errors.New("an item's collection is missing")}
		}
		if err == nil {
			a.s.names.Store(no, id)
		}
		return id, err
	}
}

// candidates asks the most telling index which items come into question; few is false if there are too many of them, or
// no index can tell.
func (a *asked) candidates(ctx context.Context) (rids []int64, few bool, err error) {
	if len(a.q.IDs) > 0 {
		rids, err = numbers(ctx, a.r, "SELECT rid FROM item INDEXED BY item_key WHERE id IN (SELECT value FROM json_each(?))", jsonText(a.q.IDs))
		return rids, true, err
	}
	if words := a.m.Words(); len(words) > 0 {
		rids, err = numbers(ctx, a.r, "SELECT rowid FROM item_fts WHERE item_fts MATCH ? LIMIT ?", matchText(words), a.s.few+1)
		if err != nil || len(rids) <= a.s.few {
			return rids, true, err
		}
	}
	boxes := geo.Boxes(a.m.Area())
	if len(boxes) == 0 {
		return nil, false, nil
	}
	m0, m1 := minutes(span(a.q.Time))
	for _, b := range boxes {
		n := outward(b)
		part, err := numbers(ctx, a.r, "SELECT rid FROM item_rt WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ? AND maxt >= ? AND mint <= ? LIMIT ?",
			n[1], n[0], n[3], n[2], m0, m1, a.s.few+1)
		if err != nil || len(part) > a.s.few {
			return nil, false, err
		}
		rids = append(rids, part...)
	}
	for i := range rids {
		rids[i] &^= 1 // both parts of an item across the antimeridian
	}
	slices.Sort(rids)
	return slices.Compact(rids), true, nil
}

// walk reads items in the order of the answer and stops at a full page.
func (a *asked) walk(ctx context.Context) error {
	if err := a.countAll(ctx); err != nil {
		return err
	}
	w := where{terms: slices.Clone(a.where.terms), args: slices.Clone(a.where.args)}
	before := a.pos != nil && a.pos.Before
	if a.pos != nil {
		w.addPosition(a.cols, before, a.stats.timeless)
	}
	from := "item"
	if a.cols[0].expr == "item.dt" {
		from += " INDEXED BY item_walk"
	}
	text := "SELECT " + a.columns() + " FROM " + from + " CROSS JOIN collection ON collection.no = item.coll" + a.joinDoc() +
		" WHERE " + w.text() + " ORDER BY " + orderBy(a.cols, before)
	return a.each(ctx, text, w.args, func(f found) bool {
		a.found = append(a.found, f)
		return len(a.found) < a.limit
	})
}

func (a *asked) columns() string {
	if a.withDoc {
		return columns + ", item_doc.dict, item_doc.doc"
	}
	return columns
}

func (a *asked) joinDoc() string {
	if a.withDoc {
		return " JOIN item_doc ON item_doc.rid = item.rid"
	}
	return ""
}

// each runs a query and calls f with the rows that match, until it returns false.
func (a *asked) each(ctx context.Context, text string, args []any, f func(found) bool) error {
	rows, err := a.r.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	// A second statement on the connection is fine while this one is open.
	sc := &scanner{withDoc: a.withDoc, docs: a.s.docs, name: a.nameOf(ctx)}
	for rows.Next() {
		one, err := sc.scan(rows)
		if err != nil {
			return err
		}
		ok, err := a.m.Match(one.item)
		if err != nil {
			return err
		}
		if ok && !f(one) {
			return nil
		}
	}
	return rows.Err()
}

// scanAll looks at every item that the conditions leave and keeps the nearest of those that match.
func (a *asked) scanAll(ctx context.Context) error {
	best := nearest{a: a}
	text := "SELECT " + a.columns() + " FROM item" + a.joinDoc() + " WHERE " + a.where.text()
	if err := a.each(ctx, text, a.where.args, best.add); err != nil {
		return err
	}
	best.finish()
	return nil
}

// gather looks at the candidates, newest first. A page of the newest is full once no later candidate can come before its last.
func (a *asked) gather(ctx context.Context, rids []int64) error {
	best := nearest{a: a}
	slices.Sort(rids)
	slices.Reverse(rids)
	keys := a.q.SortKeys()
	newest := keys[0].Desc && a.cols != nil && a.cols[0].expr == "item.dt" && a.q.CountUpTo == 0 && (a.pos == nil || !a.pos.Before)
	text := "SELECT " + a.columns() + " FROM json_each(?) AS wanted CROSS JOIN item ON item.rid = wanted.value" + a.joinDoc()
	for size := 128; len(rids) > 0; size *= 2 {
		part := rids[:min(size, len(rids))]
		rids = rids[len(part):]
		if err := a.each(ctx, text, []any{jsonText(part)}, best.add); err != nil {
			return err
		}
		if newest && len(rids) > 0 && best.fullBefore(rids[0]>>seqBits) {
			break
		}
	}
	best.finish()
	return nil
}

// nearest keeps the items nearest to the position, in any order of arrival, and counts all.
type nearest struct {
	a     *asked
	items []placed
	n     int64
}

type placed struct {
	found
	at catalog.Position
}

func (b *nearest) add(f found) bool {
	b.n++
	at := catalog.PositionOf(b.a.q, f.item, false)
	if b.a.pos != nil && !b.a.pos.Ahead(b.a.q, at) {
		return true
	}
	b.items = append(b.items, placed{f, at})
	if len(b.items) > 2*b.a.limit+256 {
		b.trim()
	}
	return true
}

func (b *nearest) trim() {
	slices.SortFunc(b.items, func(x, y placed) int {
		if b.a.pos != nil && b.a.pos.Before {
			x, y = y, x
		}
		return x.at.Compare(b.a.q, y.at)
	})
	b.items = b.items[:min(len(b.items), b.a.limit)]
}

// fullBefore reports whether the page is full of items that are newer than the second.
func (b *nearest) fullBefore(second int64) bool {
	if len(b.items) < b.a.limit {
		return false
	}
	b.trim()
	dt, ok := b.items[len(b.items)-1].item.SortValue("datetime").(interface{ Unix() int64 })
	return ok && dt.Unix() > second
}

func (b *nearest) finish() {
	b.trim()
	b.a.found = make([]found, len(b.items))
	for i, p := range b.items {
		b.a.found[i] = p.found
	}
	b.a.count = catalog.CountOf(b.a.q, b.n)
}

// countAll counts matches up to what was asked for.
func (a *asked) countAll(ctx context.Context) error {
	most := int64(a.q.CountUpTo)
	if most <= 0 {
		return nil
	}
	var n int64
	if a.where.exact {
		counts, err := numbers(ctx, a.r, "SELECT count(*) FROM (SELECT 1 FROM item WHERE "+a.where.text()+" LIMIT ?)",
			append(slices.Clone(a.where.args), most+1)...)
		if err != nil {
			return err
		}
		n = counts[0]
	} else {
		text := "SELECT " + a.columns() + " FROM item" + a.joinDoc() + " WHERE " + a.where.text()
		if err := a.each(ctx, text, a.where.args, func(found) bool { n++; return n <= most }); err != nil {
			return err
		}
	}
	a.count = catalog.CountOf(a.q, n)
	return nil
}
