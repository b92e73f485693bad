package cql2

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// parseInstant reads a date (2006-01-02) or a timestamp (RFC 3339) as an expression.
func parseInstant(s string) (Expr, error) {
	if len(s) == len(time.DateOnly) {
		return parseDate(s)
	}
	return parseTimestamp(s)
}

func parseDate(s string) (Expr, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, fmt.Errorf("%q is no date; write it as 2024-05-31", s)
	}
	return Date{Time: t}, nil
}

func parseTimestamp(s string) (Expr, error) {
	t, err := time.Parse(time.RFC3339, strings.ToUpper(s))
	if err != nil {
		return nil, fmt.Errorf("%q is no timestamp; write it as 2024-05-31T12:30:00Z", s)
	}
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("the year of %q leaves 0000 to 9999", s)
	}
	return Timestamp{Time: t}, nil
}

// parseEnd reads an end of an interval: nil for "..".
func parseEnd(s string) (Expr, error) {
	if s == ".." {
		return nil, nil
	}
	return parseInstant(s)
}

func checkSpan(s Span) error {
	for _, e := range [...]Expr{s.Start, s.End} {
		if e != nil && classOf(e)&(isInstant|isAny) == 0 {
			return fmt.Errorf("an interval runs between dates, timestamps, properties or '..', not %s", classOf(e).words())
		}
	}
	start, ok1 := literalEnd(s.Start)
	end, ok2 := literalEnd(s.End)
	if ok1 && ok2 && compareEnds(start, end) > 0 {
		return errors.New("the interval ends before it starts")
	}
	return nil
}

// boxGeometry makes the literal of a BBOX: four numbers, or six with heights, west > east over the antimeridian.
func boxGeometry(v []float64) (Geometry, error) {
	var b geo.BBox
	switch len(v) {
	case 4:
		b = geo.BBox{West: v[0], South: v[1], East: v[2], North: v[3]}
	case 6:
		b = geo.BBox{West: v[0], South: v[1], East: v[3], North: v[4]}
		if v[2] > v[5] {
			return Geometry{}, fmt.Errorf("bbox: the lower height %v is greater than the upper %v", v[2], v[5])
		}
	default:
		return Geometry{}, fmt.Errorf("bbox: it takes 4 or 6 numbers (west, south, east, north), not %d", len(v))
	}
	if err := b.Valid(); err != nil {
		return Geometry{}, err
	}
	return Geometry{Geom: b.Geometry(), BBox: v}, nil
}

// instant reads the rest of DATE('…') or TIMESTAMP('…').
func (p *parser) instant(word string) (Expr, error) {
	t := p.tok
	if t.kind != tokString {
		return nil, p.unexpected("a string in " + strings.ToUpper(word) + "(…)")
	}
	parse := parseTimestamp
	if word == "date" {
		parse = parseDate
	}
	e, err := parse(t.text)
	if err != nil {
		return nil, syntaxAt(t.pos, "%v", err)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return e, p.expect(")", "after the string")
}

func (p *parser) interval() (Expr, error) {
	var ends [2]Expr
	at := p.tok.pos
	for i := range ends {
		t := p.tok
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		if s, ok := e.(String); ok {
			if e, err = parseEnd(string(s)); err != nil {
				return nil, syntaxAt(t.pos, "%v", err)
			}
		}
		ends[i] = e
		if i == 0 {
			if err := p.expect(",", "between the ends of INTERVAL"); err != nil {
				return nil, err
			}
		}
	}
	s := Span{Start: ends[0], End: ends[1]}
	if err := checkSpan(s); err != nil {
		return nil, syntaxAt(at, "%v", err)
	}
	return s, p.expect(")", "after the ends of INTERVAL")
}

func (p *parser) bbox(at int) (Expr, error) {
	var v []float64
	for {
		e, err := p.primary()
		if err != nil {
			return nil, err
		}
		n, ok := e.(Number)
		if !ok {
			return nil, syntaxAt(at, "BBOX takes numbers, not %s", classOf(e).words())
		}
		v = append(v, float64(n))
		if len(v) > 6 {
			return nil, syntaxAt(at, "BBOX takes 4 or 6 numbers")
		}
		if ok, err := p.accept(","); err != nil {
			return nil, err
		} else if !ok {
			break
		}
	}
	g, err := boxGeometry(v)
	if err != nil {
		return nil, syntaxAt(at, "%v", err)
	}
	return g, p.expect(")", "after the numbers of BBOX")
}

// finite reports whether every coordinate of g is a number that can be written.
func finite(g geom.Geometry) bool {
	seq := g.DumpCoordinates()
	for i := range seq.Length() {
		c := seq.Get(i)
		for _, v := range [...]float64{c.X, c.Y, c.Z, c.M} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
	}
	return true
}
