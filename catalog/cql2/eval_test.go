package cql2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

func mustWKT(t testing.TB, wkt string) geom.Geometry {
	g, err := geom.UnmarshalWKT(wkt, geom.NoValidate{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func scene(t testing.TB) cql2.Resolver {
	at := time.Date(2020, 12, 31, 15, 30, 0, 0, time.UTC)
	values := map[string]any{
		"id": "S2A_x%y", "platform": "Sentinel-2", "ville": "Épernay", "n": 5.0, "m": -7.0, "zero": 0.0, "yes": true, "no": false,
		"datetime": at, "created": "2021-01-01T10:00:00Z", "day": "2020-12-31", "nil": nil,
		"span":     cql2.Period{Start: at, End: at.AddDate(0, 1, 0)},
		"open":     cql2.Period{Start: at},
		"tags":     []any{"a", "b", 3.0},
		"geometry": mustWKT(t, "POLYGON((0 0,10 0,10 10,0 10,0 0))"),
		"bowtie":   mustWKT(t, "POLYGON((0 0,10 10,10 0,0 10,0 0))"),
		"empty":    geom.Geometry{},
	}
	return cql2.ResolverFunc(func(name string) any { return values[name] })
}

func TestEval(t *testing.T) {
	r := scene(t)
	for _, c := range []struct {
		filter string
		want   bool
	}{
		{`n = 5`, true},
		{`n <> 5`, false},
		{`n < 5.5 AND n >= 5`, true},
		{`n = '5'`, false},
		{`n <> '5'`, false}, // unknown, as numbers and strings don't compare
		{`missing = 1`, false},
		{`NOT missing = 1`, false},
		{`missing IS NULL`, true},
		{`nil IS NULL AND n IS NOT NULL AND empty IS NULL`, true},
		{`missing = 1 OR n = 5`, true},
		{`missing = 1 AND n = 4`, false},
		{`NOT (missing = 1 AND n = 4)`, true}, // unknown and false is false
		{`yes`, true},
		{`yes AND NOT no AND yes = TRUE AND no < yes`, true},
		{`n BETWEEN 5 AND 6 AND n NOT BETWEEN 6 AND 7`, true},
		{`n NOT BETWEEN missing AND 4`, true}, // 5 <= 4 is false whatever the other bound is
		{`n BETWEEN missing AND 6`, false},
		{`platform IN ('x', 'Sentinel-2')`, true},
		{`platform NOT IN ('x', 'y')`, true},
		{`platform NOT IN ('x', missing)`, false},
		{`platform IN ()`, false},
		{`platform LIKE 'Sent%l-_'`, true},
		{`platform LIKE 'sent%'`, false},
		{`id LIKE 'S2A%\%y'`, true},
		{`id LIKE 'S2A%\_y'`, false},
		{`ville LIKE '_pernay'`, true},
		{`ville LIKE '%'`, true},
		{`ville LIKE '%y%'`, true},
		{`ville LIKE ''`, false},
		{`CASEI(ville) = CASEI('éPERNAY')`, true},
		{`ACCENTI(ville) = 'Epernay'`, true},
		{`CASEI(ACCENTI(ville)) LIKE CASEI('EPER%')`, true},
		{`CASEI(n) = 'x'`, false},
		{`n + 1 = 6 AND n * 2 - 1 = 9 AND n / 2 = 2.5 AND n ^ 2 = 25`, true},
		{`m DIV 2 = -3 AND m % 2 = -1`, true},
		{`n / zero = 1 OR NOT (n / zero = 1)`, false},
		{`2 ^ 3 ^ 2 = 512 AND -2 ^ 2 = 4`, true},
		{`platform + 1 = 2`, false},
		{`n > m`, true},

		{`datetime = DATE('2020-12-31')`, true},
		{`datetime <= DATE('2020-12-31') AND datetime < DATE('2021-01-01')`, true},
		{`datetime > DATE('2020-12-31')`, false},
		{`datetime >= TIMESTAMP('2020-12-31T15:30:00Z')`, true},
		{`datetime >= '2020-12-31T15:30:00+00:00' AND datetime < '2021-01-01'`, true},
		{`datetime < 'soon' OR datetime >= 'soon'`, false},
		{`created > datetime AND created > DATE('2020-12-31')`, true},
		{`day = DATE('2020-12-31')`, true},
		{`T_AFTER(datetime, DATE('2020-12-30'))`, true},
		{`T_AFTER(datetime, DATE('2020-12-31'))`, false},
		{`T_BEFORE(datetime, INTERVAL('2021-01-01', '..'))`, true},
		{`T_INTERSECTS(datetime, INTERVAL('2020-01-01', '2020-12-31'))`, true},
		{`T_INTERSECTS(span, INTERVAL('2021-01-15', '..'))`, true},
		{`T_DISJOINT(span, INTERVAL('..', '2020-12-30'))`, true},
		{`T_DURING(datetime, INTERVAL('2020-01-01', '2021-01-01'))`, true},
		{`T_DURING(open, INTERVAL('2020-01-01', '..'))`, false},
		{`T_CONTAINS(INTERVAL('2020-01-01', '..'), span)`, true},
		{`T_EQUALS(datetime, DATE('2020-12-31')) AND T_EQUALS(open, INTERVAL(datetime, '..'))`, true},
		{`T_STARTS(span, INTERVAL(datetime, '2022-01-01')) AND T_STARTEDBY(open, span)`, true},
		{`T_FINISHES(open, INTERVAL('2020-01-01', '..')) AND T_FINISHEDBY(INTERVAL('2020-01-01', '..'), open)`, true},
		{`T_MEETS(INTERVAL('2005-01-01', '2010-02-10'), INTERVAL('2010-02-10', '..'))`, true},
		{`T_METBY(INTERVAL('2010-02-10', '..'), INTERVAL('2005-01-01', '2010-02-10'))`, true},
		{`T_OVERLAPS(span, INTERVAL('2021-01-15', '2022-01-01'))`, true},
		{`T_OVERLAPPEDBY(span, INTERVAL('2020-01-01', '2021-01-15'))`, true},
		{`T_INTERSECTS(missing, INTERVAL('..', '..')) OR NOT T_INTERSECTS(missing, INTERVAL('..', '..'))`, false},
		{`T_INTERSECTS(datetime, INTERVAL(missing, '..'))`, false},

		{`S_INTERSECTS(geometry, POINT(10 10))`, true},
		{`S_DISJOINT(geometry, POINT(11 10)) AND S_TOUCHES(geometry, POINT(10 10))`, true},
		{`S_WITHIN(geometry, BBOX(-1, -1, 11, 11)) AND S_CONTAINS(geometry, POINT(1 1))`, true},
		{`S_EQUALS(geometry, POLYGON((10 10,0 10,0 0,10 0,10 10)))`, true},
		{`S_CROSSES(LINESTRING(-1 5, 11 5), geometry)`, true},
		{`S_OVERLAPS(geometry, BBOX(5, 5, 15, 15))`, true},
		{`S_INTERSECTS(geometry, BBOX(170, -10, -170, 10))`, false},
		{`S_INTERSECTS(geometry, BBOX(170, -10, 5, 10))`, true},
		{`S_INTERSECTS(missing, POINT(1 1)) OR NOT S_INTERSECTS(missing, POINT(1 1))`, false},
		{`S_INTERSECTS(n, POINT(1 1)) OR S_INTERSECTS(empty, POINT(1 1))`, false},

		{`A_CONTAINS(tags, ('a', 3)) AND A_CONTAINEDBY(tags, (3, 'b', 'a', 'x'))`, true},
		{`A_EQUALS(tags, ('a', 'b', 3)) AND A_OVERLAPS(tags, ('z', 'b'))`, true},
		{`A_EQUALS(tags, ('a', 3, 'b')) OR A_OVERLAPS(tags, ('z')) OR A_CONTAINS(tags, ('z'))`, false},
		{`A_CONTAINS(tags, ())`, true},
		{`A_OVERLAPS(n, (5)) OR NOT A_OVERLAPS(n, (5))`, false},
	} {
		e, err := cql2.ParseText(c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		if got, err := cql2.Eval(e, r); err != nil || got != c.want {
			t.Errorf("%s is %v, %v; want %v", c.filter, got, err, c.want)
		}
	}
}

func TestEvalSurvivesInvalidGeometry(t *testing.T) {
	for _, op := range []string{"INTERSECTS", "DISJOINT", "WITHIN", "CONTAINS", "EQUALS", "TOUCHES", "CROSSES", "OVERLAPS"} {
		e, err := cql2.ParseText("S_" + op + "(bowtie, BBOX(0, 0, 3, 3))")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cql2.Eval(e, scene(t)); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestUnknownFunction(t *testing.T) {
	e, err := cql2.ParseText(`avg(n) < 4`)
	if err != nil {
		t.Fatal(err)
	}
	if err := cql2.Check(e); err == nil || !strings.Contains(err.Error(), `no function "avg"`) {
		t.Errorf("Check: %v", err)
	}
	if _, err := cql2.Eval(e, scene(t)); err == nil {
		t.Error("Eval takes a function that it doesn't know")
	}
}

func TestSyntaxErrors(t *testing.T) {
	deep := strings.Repeat("NOT (", 200) + "a = 1" + strings.Repeat(")", 200)
	for _, c := range []struct{ src, want string }{
		{``, "empty"},
		{`a = `, "position 5: expected a value"},
		{`a = 'x`, "position 5: the string that begins here has no closing quote"},
		{`a = 1 b`, "position 7: expected AND, OR"},
		{`5`, "it must be a condition"},
		{`a + 1`, "it must be a condition"},
		{`a AND 5`, "position 7: argument 2 of and is a number"},
		{`a BETWEEN 1 OR 2`, "position 13: expected AND between"},
		{`a IN 1`, `position 6: expected "("`},
		{`a IS 1`, "NULL or NOT NULL"},
		{`a = NULL`, "write IS NULL"},
		{`a LIKE 5`, "position 8: argument 2 of like is a number; it takes a string"},
		{`S_INTERSECTS(geometry, 'x')`, "position 24: argument 2 of s_intersects is a string; it takes a geometry or a property"},
		{`S_INTERSECTS(geometry)`, "s_intersects takes 2 arguments, not 1"},
		{`S_INTERSECTS(geometry, POLYGON((0 0, 1 1)))`, "position 24: the geometry is not valid WKT"},
		{`S_INTERSECTS(geometry, BBOX(0, 5, 1, 4))`, "south 5 is greater than north 4"},
		{`S_INTERSECTS(geometry, BBOX(0, 5, 1))`, "4 or 6 numbers"},
		{`a > DATE('2020-13-01')`, "position 10: \"2020-13-01\" is no date; write it as"},
		{`a > TIMESTAMP('2020-01-01')`, "is no timestamp"},
		{`T_DURING(a, INTERVAL('2021-01-01', '2020-01-01'))`, "the interval ends before it starts"},
		{`a = 1e999`, "out of range"},
		{`a = "b" & c`, "unexpected '&'"},
		{`a = ('b', 'c')`, "argument 2 of = is an array"},
		{deep, "nests deeper than 100"},
		{`a = 1` + strings.Repeat(" + 1", 200), "nests deeper than 100"},
		{strings.Repeat("(", 100_000), "nests deeper than 100"},
	} {
		_, err := cql2.ParseText(c.src)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseText(%.60s): %v; want %q", c.src, err, c.want)
		}
	}
}

func TestJSONErrors(t *testing.T) {
	deep := strings.Repeat(`{"op":"not","args":[`, 200) + "true" + strings.Repeat("]}", 200)
	for _, c := range []struct{ src, want string }{
		{``, "position 1: not JSON"},
		{`{"op":"="`, "it ends too early"},
		{`true true`, "something follows the filter"},
		{`{"op":"=","args":[{"property":"a"},null]}`, "filter.args[1]: null is no value"},
		{`{"op":"and","args":[{"op":"<","args":[{"property":"a"}]},true]}`, "filter.args[0]: < takes 2 arguments, not 1"},
		{`{"op":"like","args":[{"property":"a"},5]}`, "filter.args[1]: argument 2 of like is a number"},
		{`{"op":"="}`, `no "args"`},
		{`{"what":1}`, `an object must hold "op" and "args"`},
		{`7`, "it must be a condition"},
		{`{"op":"s_intersects","args":[{"property":"g"},{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}]}`, "not a valid GeoJSON geometry"},
		{`{"op":"t_after","args":[{"property":"d"},{"date":"x"}]}`, `"x" is no date`},
		{`{"op":"a b","args":[]}`, `there is no operator "a b"`},
		{deep, "nests deeper than 100"},
	} {
		_, err := cql2.ParseJSON([]byte(c.src))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseJSON(%.60s): %v; want %q", c.src, err, c.want)
		}
	}
}

func TestDraftForms(t *testing.T) {
	for _, c := range []struct{ draft, want string }{
		{`{"op":"between","args":[{"property":"a"},[1,2]]}`, `a BETWEEN 1 AND 2`},
		{`{"op":"AND","args":[{"op":"eq","args":[{"property":"a"},1]},{"op":"ISNULL","args":[{"property":"b"}]}]}`, `a = 1 AND b IS NULL`},
		{`{"op":"isNull","args":{"property":"b"}}`, `b IS NULL`},
		{`{"and":[{"lte":[{"property":"eo:cloud_cover"},10]},{"anyinteracts":[{"property":"datetime"},{"interval":["2020-01-01",".."]}]}]}`, `eo:cloud_cover <= 10 AND T_INTERSECTS(datetime, INTERVAL('2020-01-01', '..'))`},
		{`{"op":"=","args":[{"function":{"name":"avg","args":[{"property":"a"}]}},1]}`, `avg(a) = 1`},
		{`{"op":"S_INTERSECTS","args":[{"property":"geometry"},{"type":"Point","coordinates":[1,2]}]}`, `S_INTERSECTS(geometry, POINT(1 2))`},
		{`{"op":"and","args":[{"op":"=","args":[{"property":"a"},1]}]}`, `a = 1`},
	} {
		e, err := cql2.ParseJSON([]byte(c.draft))
		if err != nil {
			t.Errorf("%s: %v", c.draft, err)
		} else if got := cql2.Text(e); got != c.want {
			t.Errorf("%s reads as %s; want %s", c.draft, got, c.want)
		}
	}
}

func TestProperties(t *testing.T) {
	e, err := cql2.ParseText(`a = b AND (a > 1 OR T_AFTER(INTERVAL(c, '..'), d) OR A_CONTAINS(e, (f)))`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(cql2.Properties(e), " "); got != "a b c d e f" {
		t.Errorf("Properties: %s", got)
	}
}
