package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

const (
	seqBits  = 23                // low bits of a rid, of which the last is free
	lastSeq  = 1<<seqBits - 2    // the highest even number in them
	noSecond = -(int64(1) << 39) // the second of items without time: before every other

	hasDatetime = 1 // in flags
)

// Ends of open spans, beyond every time that an item can have.
const (
	minMicro = math.MinInt64
	maxMicro = math.MaxInt64
)

// row is an item as it is stored.
type row struct {
	it     catalog.Item
	coll   int64
	second int64
	dt     any // int64 or nil
	flags  int64
	t0, t1 any
	boxes  []geo.BBox
	bbox   any
	geom   any
	doc    []byte
	sum    int64
	words  string
}

func micro(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func (c *codec) encode(it catalog.Item) *row {
	r := &row{it: it, second: noSecond, boxes: geo.Boxes(it.Footprint), doc: c.pack(it.Raw)}
	if v, ok := it.SortValue("datetime").(time.Time); ok {
		r.dt, r.second = v.UnixMicro(), floorDiv(v.UnixMicro(), 1e6)
	}
	if !it.Datetime.IsZero() {
		r.flags = hasDatetime
	}
	if r.dt == nil || !it.Time.Start.Equal(it.Time.End) || it.Time.Start.UnixMicro() != r.dt {
		t0, t1 := span(it.Time)
		r.t0, r.t1 = t0, t1
	}
	if !it.Footprint.IsEmpty() {
		r.geom = it.Footprint.AsBinary()
		if it.BBox != geo.Bounds(it.Footprint) {
			r.bbox = packBox(it.BBox)
		}
	}
	sum := sha256.Sum256(it.Raw)
	r.sum = int64(binary.LittleEndian.Uint64(sum[:8])) //nolint:gosec // bits, not a number
	r.words = joinWords(it.Words())
	return r
}

func joinWords(words []string) string {
	n := 0
	for _, w := range words {
		n += len(w) + 1
	}
	b := make([]byte, 0, n)
	for _, w := range words {
		b = append(append(b, w...), ' ')
	}
	return string(b)
}

// span returns the ends in microseconds, the start rounded up and the end down: items have whole microseconds, so that
// a question that ends within one means the whole ones inside.
func span(i catalog.Interval) (int64, int64) {
	t0, t1 := int64(minMicro), int64(maxMicro)
	if !i.Start.IsZero() {
		if t0 = i.Start.UnixMicro(); i.Start.Nanosecond()%1000 != 0 {
			t0++
		}
	}
	if !i.End.IsZero() {
		t1 = i.End.UnixMicro()
	}
	return t0, t1
}

// reach returns how far the item's span lasts from dt to either side.
func (r *row) reach() int64 {
	if r.t0 == nil {
		return 0
	}
	dt, ok := r.dt.(int64)
	t0, t1 := r.t0.(int64), r.t1.(int64)
	if !ok || t0 == minMicro || t1 == maxMicro {
		return maxMicro
	}
	return max(dt-t0, t1-dt)
}

// boxColumns returns minx, maxx, miny, maxy of the boxes together, or four nils.
func boxColumns(boxes []geo.BBox) [4]any {
	if len(boxes) == 0 {
		return [4]any{}
	}
	n := outward(boxes[0])
	for _, b := range boxes[1:] {
		m := outward(b)
		n = [4]int64{min(n[0], m[0]), max(n[1], m[1]), min(n[2], m[2]), max(n[3], m[3])}
	}
	return [4]any{n[0], n[1], n[2], n[3]}
}

// outward returns minx, maxx, miny, maxy in millionths of a degree.
func outward(b geo.BBox) [4]int64 {
	return [4]int64{
		int64(math.Floor(b.West * 1e6)), int64(math.Ceil(b.East * 1e6)), int64(math.Floor(b.South * 1e6)), int64(math.Ceil(b.North * 1e6)),
	}
}

// minutes returns a span in the unit of item_rt, rounded outward and clamped to 32 bits.
func minutes(t0, t1 int64) (int64, int64) {
	m0, m1 := floorDiv(t0, 60e6), floorDiv(t1, 60e6)
	if m1 < math.MaxInt32 {
		m1++
	}
	return max(math.MinInt32, min(math.MaxInt32, m0)), max(math.MinInt32, min(math.MaxInt32, m1))
}

func (r *row) minutes() (int64, int64) {
	if r.t0 != nil {
		return minutes(r.t0.(int64), r.t1.(int64))
	}
	dt := r.dt.(int64)
	return minutes(dt, dt)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func packBox(b geo.BBox) []byte {
	out := make([]byte, 0, 32)
	for _, v := range b.Array() {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}

func unpackBox(p []byte) geo.BBox {
	f := func(i int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(p[8*i:])) }
	return geo.BBox{West: f(0), South: f(1), East: f(2), North: f(3)}
}

// columns are what scan reads.
const columns = "item.rid, item.coll, item.id, item.dt, item.flags, item.t0, item.t1, item.cloud, item.gsd, item.platform, item.title, item.created, item.updated, item.bbox, item.geom"

// found is an item that was read, with the place of its document.
type found struct {
	rid  int64
	coll int64
	item catalog.Item
}

// scanner reads rows of columns, with dict and doc behind them if withDoc. Its buffers are used again for each row.
type scanner struct {
	withDoc          bool
	docs             *codec
	name             func(no int64) (catalog.CollectionID, error)
	rid, coll, flags int64
	id               string
	dt, t0, t1       sql.NullInt64
	created, updated sql.NullInt64
	cloud, gsd       sql.NullFloat64
	platform, title  sql.NullString
	bbox, geom, doc  sql.RawBytes
	dict             sql.NullInt64
	dest             []any
}

func (sc *scanner) scan(rows *sql.Rows) (found, error) {
	if sc.dest == nil {
		sc.dest = []any{
			&sc.rid, &sc.coll, &sc.id, &sc.dt, &sc.flags, &sc.t0, &sc.t1, &sc.cloud, &sc.gsd, &sc.platform, &sc.title,
			&sc.created, &sc.updated, &sc.bbox, &sc.geom,
		}
		if sc.withDoc {
			sc.dest = append(sc.dest, &sc.dict, &sc.doc)
		}
	}
	if err := rows.Scan(sc.dest...); err != nil {
		return found{}, err
	}
	coll, err := sc.name(sc.coll)
	if err != nil {
		return found{}, err
	}
	f := found{rid: sc.rid, coll: sc.coll, item: catalog.Item{Key: catalog.Key{Collection: coll, Item: catalog.ItemID(sc.id)}}}
	if err := sc.projection(&f.item.Projection); err != nil {
		return found{}, fmt.Errorf("item %s: %w", f.item.Key, err)
	}
	if sc.withDoc {
		f.item.Raw, err = sc.docs.unpack(sc.doc)
	}
	return f, err
}

func (sc *scanner) projection(p *catalog.Projection) error {
	dt := timeOf(sc.dt)
	if sc.flags&hasDatetime != 0 {
		p.Datetime = dt
	}
	p.Time = catalog.Interval{Start: dt, End: dt}
	if sc.t0.Valid {
		p.Time = catalog.Interval{}
		if sc.t0.Int64 != minMicro {
			p.Time.Start = timeOf(sc.t0)
		}
		if sc.t1.Int64 != maxMicro {
			p.Time.End = timeOf(sc.t1)
		}
	}
	p.CloudCover, p.GSD = floatOf(sc.cloud), floatOf(sc.gsd)
	p.Platform, p.Title = sc.platform.String, sc.title.String
	p.Created, p.Updated = timeOf(sc.created), timeOf(sc.updated)
	if len(sc.geom) == 0 {
		return nil
	}
	g, err := geom.UnmarshalWKB(sc.geom, geom.NoValidate{})
	if err != nil {
		return &catalog.Error{Op: "read item", Kind: catalog.KindCorrupt, Err: fmt.Errorf("a stored footprint is damaged: %w", err)}
	}
	p.Footprint, p.HasBBox = g, true
	if len(sc.bbox) == 32 {
		p.BBox = unpackBox(sc.bbox)
	} else {
		p.BBox = geo.Bounds(g)
	}
	return nil
}

func timeOf(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

func floatOf(n sql.NullFloat64) float64 {
	if !n.Valid {
		return math.NaN()
	}
	return n.Float64
}

func nullFloat(f float64) any {
	if f != f || math.IsInf(f, 0) {
		return nil
	}
	return f
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
