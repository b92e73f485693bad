package cql2_test

import (
	"testing"
	"time"

	"github.com/peterstace/simplefeatures/geom"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

// anyValue draws a scalar expression that nests at most depth levels.
func anyValue(t *rapid.T, depth int) cql2.Expr {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds).Draw(t, "value") {
	case 0:
		return cql2.Property{Name: rapid.StringN(1, 8, -1).Draw(t, "name")}
	case 1:
		return cql2.Number(rapid.Float64Range(-1e300, 1e300).Draw(t, "number"))
	case 2:
		return cql2.String(rapid.OneOf(rapid.String(), rapid.StringMatching(`[\\'a%_]{0,6}`)).Draw(t, "string"))
	case 3:
		sec := rapid.Int64Range(-62_000_000_000, 253_000_000_000).Draw(t, "seconds")
		return cql2.Timestamp{Time: time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()}
	case 4:
		return anyDate(t)
	case 5:
		return cql2.Property{Name: rapid.SampledFrom([]string{"eo:cloud_cover", "date", "point", "AND", "é", "a.b"}).Draw(t, "plain")}
	case 6:
		op := rapid.SampledFrom([]string{"+", "-", "*", "/", "%", "div", "^"}).Draw(t, "arithmetic")
		return cql2.Call{Op: op, Args: []cql2.Expr{anyNumber(t, depth-1), anyNumber(t, depth-1)}}
	default:
		return cql2.Call{Op: "avg", Args: []cql2.Expr{anyValue(t, depth-1), anyArray(t, depth-1), anyCondition(t, depth-1)}}
	}
}

func anyDate(t *rapid.T) cql2.Expr {
	return cql2.Date{Time: time.Unix(86_400*rapid.Int64Range(-700_000, 2_900_000).Draw(t, "day"), 0).UTC()}
}

func anyNumber(t *rapid.T, depth int) cql2.Expr {
	for {
		switch e := anyValue(t, max(0, depth)).(type) {
		case cql2.Number, cql2.Property:
			return e
		case cql2.Call:
			return e
		}
	}
}

func anyString(t *rapid.T) cql2.Expr {
	s := cql2.String(rapid.String().Draw(t, "string"))
	if rapid.Bool().Draw(t, "fold") {
		return cql2.Call{Op: "casei", Args: []cql2.Expr{cql2.Call{Op: "accenti", Args: []cql2.Expr{s}}}}
	}
	return s
}

func anyArray(t *rapid.T, depth int) cql2.Expr {
	list := cql2.Array{}
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		if depth > 0 && rapid.Bool().Draw(t, "nested") {
			list = append(list, anyArray(t, depth-1))
		} else {
			list = append(list, anyValue(t, max(0, depth-1)))
		}
	}
	return list
}

func anyGeometry(t *rapid.T) cql2.Expr {
	f := func(name string) float64 { return rapid.Float64Range(-80, 80).Draw(t, name) }
	p := geom.XY{X: f("x"), Y: f("y")}
	switch rapid.IntRange(0, 2).Draw(t, "geometry") {
	case 0:
		return cql2.Geometry{Geom: geom.NewPoint(geom.Coordinates{XY: p}).AsGeometry()}
	case 1:
		e := geom.NewEnvelope(p, geom.XY{X: p.X + 1, Y: p.Y + 1})
		return cql2.Geometry{Geom: e.AsGeometry()}
	}
	src, err := cql2.ParseText("S_INTERSECTS(geometry, BBOX(170, -10.5, -170, 1e1))")
	if err != nil {
		t.Fatal(err)
	}
	return src.(cql2.Call).Args[1]
}

func anySpan(t *rapid.T) cql2.Expr {
	s := cql2.Span{}
	if rapid.Bool().Draw(t, "start") {
		s.Start = cql2.Property{Name: "start_datetime"}
	}
	if rapid.Bool().Draw(t, "end") {
		s.End = anyDate(t)
	}
	return s
}

func anyCondition(t *rapid.T, depth int) cql2.Expr {
	d := max(0, depth-1)
	kinds := 9
	if depth <= 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds).Draw(t, "condition") {
	case 0:
		return cql2.Bool(rapid.Bool().Draw(t, "bool"))
	case 1:
		op := rapid.SampledFrom([]string{"=", "<>", "<", ">", "<=", ">="}).Draw(t, "comparison")
		return cql2.Call{Op: op, Args: []cql2.Expr{anyValue(t, d), anyValue(t, d)}}
	case 2:
		return cql2.Call{Op: "like", Args: []cql2.Expr{cql2.Property{Name: "title"}, anyString(t)}}
	case 3:
		return cql2.Call{Op: "between", Args: []cql2.Expr{anyNumber(t, d), anyNumber(t, d), anyNumber(t, d)}}
	case 4:
		op := rapid.SampledFrom([]string{"s_intersects", "s_within", "s_touches"}).Draw(t, "spatial")
		return cql2.Call{Op: op, Args: []cql2.Expr{cql2.Property{Name: "geometry"}, anyGeometry(t)}}
	case 5:
		op := rapid.SampledFrom([]string{"t_after", "t_finishedBy", "t_intersects"}).Draw(t, "temporal")
		return cql2.Call{Op: op, Args: []cql2.Expr{anySpan(t), anyDate(t)}}
	case 6:
		return cql2.Call{Op: "in", Args: []cql2.Expr{anyValue(t, 0), cql2.Array{anyValue(t, 0), anyString(t)}}}
	case 7:
		return cql2.Call{Op: "a_overlaps", Args: []cql2.Expr{cql2.Property{Name: "tags"}, anyArray(t, d)}}
	case 8:
		op := rapid.SampledFrom([]string{"not", "isNull"}).Draw(t, "unary")
		return cql2.Call{Op: op, Args: []cql2.Expr{anyCondition(t, d)}}
	}
	op := rapid.SampledFrom([]string{"and", "or"}).Draw(t, "logic")
	args := []cql2.Expr{anyCondition(t, d), anyCondition(t, d)}
	if rapid.Bool().Draw(t, "three") {
		args = append(args, anyCondition(t, d))
	}
	return cql2.Call{Op: op, Args: args}
}

func TestRandomTreesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyCondition(t, 4)
		assertRoundTrips(t, "a random tree", e)
	})
}

// not(not(x)) must hold exactly where x does, or and and or obey De Morgan: three-valued logic done right.
func TestRandomTreesObeyDeMorgan(t *testing.T) {
	r := scene(t)
	names := []string{"n", "m", "zero", "nil", "yes", "no", "platform", "missing", "datetime", "day"}
	rapid.Check(t, func(t *rapid.T) {
		atom := func(label string) cql2.Expr {
			return cql2.Call{Op: rapid.SampledFrom([]string{"=", "<", "<>"}).Draw(t, label+" op"), Args: []cql2.Expr{
				cql2.Property{Name: rapid.SampledFrom(names).Draw(t, label+" left")},
				cql2.Property{Name: rapid.SampledFrom(names).Draw(t, label+" right")},
			}}
		}
		a, b := atom("a"), atom("b")
		not := func(e cql2.Expr) cql2.Expr { return cql2.Call{Op: "not", Args: []cql2.Expr{e}} }
		left := not(cql2.Call{Op: "and", Args: []cql2.Expr{a, b}})
		right := cql2.Call{Op: "or", Args: []cql2.Expr{not(a), not(b)}}
		for _, pair := range [][2]cql2.Expr{{left, right}, {not(left), not(right)}, {not(not(a)), a}} {
			x, err1 := cql2.Eval(pair[0], r)
			y, err2 := cql2.Eval(pair[1], r)
			if err1 != nil || err2 != nil || x != y {
				t.Fatalf("%s is %v, %s is %v (%v, %v)", cql2.Text(pair[0]), x, cql2.Text(pair[1]), y, err1, err2)
			}
		}
	})
}

func FuzzParseText(f *testing.F) {
	for _, s := range specText {
		f.Add(s)
	}
	r := scene(f)
	f.Fuzz(func(t *testing.T, src string) {
		if e, err := cql2.ParseText(src); err == nil {
			survives(t, src, e, r)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range fixtures(f) {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"and":[{"lte":[{"property":"eo:cloud_cover"},10]},{"op":"between","args":[{"property":"a"},[1,2]]}]}`))
	r := scene(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		if e, err := cql2.ParseJSON(src); err == nil {
			survives(t, string(src), e, r)
		}
	})
}

// survives holds what must be true of every tree that a parser returns.
func survives(t *testing.T, src string, e cql2.Expr, r cql2.Resolver) {
	assertRoundTrips(t, src, e)
	if _, err := cql2.Eval(e, r); err != nil && cql2.Check(e) == nil {
		t.Errorf("%s passes Check but Eval says %v", src, err)
	}
}
