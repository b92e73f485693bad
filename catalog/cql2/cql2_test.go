package cql2_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/planetlabs/go-ogc/filter"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/cql2"
)

// specText holds the examples of OGC 21-065r2 in text (§ 6 to 8 and annex A), and what clients in the field send.
var specText = []string{
	`landsat:scene_id = 'LC82030282019133LGN00'`,
	`eo:instrument LIKE 'OLI%'`,
	`landsat:wrs_path IN ('153','154','15X')`,
	`eo:cloud_cover BETWEEN 0.1 AND 0.2 AND landsat:wrs_row = 28 AND landsat:wrs_path = 203`,
	`eo:cloud_cover BETWEEN 0.1 AND 0.2 OR landsat:wrs_row = 28`,
	`avg(windSpeed) < 4`,
	`city = 'Toronto'`,
	`balance - 150.0 > 0`,
	`updated >= date('1999-11-05')`,
	`geophys:SURVEY_NAME LIKE '%calcutta%'`,
	`geophys:SURVEY_NAME IS NOT NULL`,
	`(NOT (geophys:SURVEY_NAME IS NULL)) AND beep = TRUE`,
	`name LIKE 'Smith%'`,
	`depth BETWEEN 100.0 AND 150.0`,
	`depth NOT BETWEEN 100.0 AND 150.0`,
	`cityName IN ('Toronto', 'Frankfurt', 'Tokyo', 'New York')`,
	`cityName NOT IN ('Toronto', 'Frankfurt')`,
	`category NOT IN (1,2,3,4)`,
	`geophys:SURVEY_NAME NOT LIKE 'Smith%'`,
	`CASEI(road_class) IN (CASEI('Οδος'),CASEI('Straße'))`,
	`ACCENTI(etat_vol) = ACCENTI('débárquér')`,
	`CASEI(ACCENTI(name)) LIKE CASEI(ACCENTI('%Épée%'))`,
	`S_INTERSECTS(geometry,POINT(36.319836 32.288087))`,
	`S_CROSSES(road,LINESTRING(43.72992 -79.2998, 43.73005 -79.2991, 43.73006 -79.2984))`,
	`S_WITHIN(geom, POLYGON((30 10, 40 40, 20 40, 10 20, 30 10)))`,
	`S_DISJOINT(geom, BBOX(-10, 40, 10, 60))`,
	`S_INTERSECTS(geom, BBOX(170, -10, -170, 10))`,
	`S_INTERSECTS(geom, BBOX(1, 2, 0, 3, 4, 500))`,
	`S_EQUALS(geom, MULTIPOINT((10 40), (40 30)))`,
	`S_CONTAINS(geom, GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(3 4, 5 6)))`,
	`S_TOUCHES(geom, POINT Z (1 2 3))`,
	`T_AFTER(built,INTERVAL(DATE('2015-01-01'),'..'))`,
	`T_AFTER(updated, DATE('2010-02-10'))`,
	`T_DURING(INTERVAL(starts_at, ends_at), INTERVAL('2005-01-10', '2010-02-10'))`,
	`T_INTERSECTS(event, INTERVAL('1969-07-16T05:32:00Z', '1969-07-24T16:50:35Z'))`,
	`T_FINISHEDBY(INTERVAL(starts_at, ends_at), INTERVAL('..', '2010-02-10T05:29:20.073225Z'))`,
	`T_METBY(INTERVAL('2006-01-01', now()), INTERVAL('2005-01-01', '2006-01-01'))`,
	`A_CONTAINS(layer:ids, ('layers-ca','layers-us'))`,
	`A_EQUALS(values, ('a', TRUE, 73, DATE('1990-01-01'), ('x','y'), (1)))`,
	`A_OVERLAPS(('one'), (('two')))`,
	`vehicle_height > (bridge_clearance - 1)`,
	`value = foo ^ 2 ^ 3 - (-3) DIV 2 % (a - (b - c)) * 1e-3`,
	`Foo('a', (1, 2), (3), POINT(1 2)) AND TRUE`,
	`"foo bar" = 'it''s' AND "and" <> 'a\'b' AND "q""x" = ''`,
	`NOT (a = 1 OR b = 2) AND NOT (NOT c = 3)`,
	`((((a = 1)))) OR flag`,
	`date = DATE('2020-01-01') OR point = 1`,
	`path = 'C:\dir\\' AND x = 'b\\\'c'`,
	`(a > 5) = TRUE`,
}

func TestTextRoundTrip(t *testing.T) {
	for _, src := range specText {
		e, err := cql2.ParseText(src)
		if err != nil {
			t.Errorf("ParseText(%s): %v", src, err)
			continue
		}
		assertRoundTrips(t, src, e)
	}
}

// assertRoundTrips holds e against what its text and its JSON parse to.
func assertRoundTrips(t interface {
	Errorf(string, ...any)
}, src string, e cql2.Expr,
) {
	text := cql2.Text(e)
	back, err := cql2.ParseText(text)
	if err != nil || !cql2.Equal(e, back) {
		t.Errorf("%s\nprints as %s\nwhich parses to %#v (%v)\ninstead of %#v", src, text, back, err, e)
	}
	data, err := cql2.JSON(e)
	if err != nil {
		t.Errorf("JSON(%s): %v", src, err)
		return
	}
	back, err = cql2.ParseJSON(data)
	if err != nil || !cql2.Equal(e, back) {
		t.Errorf("%s\nprints as %s\nwhich parses to %#v (%v)\ninstead of %#v", src, data, back, err, e)
	}
}

// fixtures returns the CQL2 JSON documents in go-ogc's own tests.
func fixtures(t testing.TB) []string {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/planetlabs/go-ogc").Output()
	if err != nil {
		t.Fatalf("where go-ogc is: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "filter", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var docs []string
	for _, f := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			kv, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			lit, ok := kv.Value.(*ast.BasicLit)
			if key, isIdent := kv.Key.(*ast.Ident); ok && isIdent && key.Name == "data" && lit.Kind == token.STRING {
				s, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				docs = append(docs, s)
			}
			return true
		})
	}
	if len(docs) < 40 {
		t.Fatalf("only %d fixtures in go-ogc", len(docs))
	}
	return docs
}

// notOurs are fixtures of go-ogc that aren't valid filters: boxes that lie about their corners, and the like.
var notOurs = map[string]string{
	`{"bbox":[4,3,2,1]}`: "south 3 is greater than north 1",
}

func TestFixturesOfGoOGC(t *testing.T) {
	for _, doc := range fixtures(t) {
		e, err := cql2.ParseJSON([]byte(doc))
		if err != nil {
			if !refused(doc, err) {
				t.Errorf("ParseJSON(%s): %v", doc, err)
			}
			continue
		}
		assertRoundTrips(t, doc, e)
		data, err := cql2.JSON(e)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if json.Unmarshal(data, &got) != nil || json.Unmarshal([]byte(doc), &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("JSON changed\n%s\nto\n%s", doc, data)
		}
		if err := json.Unmarshal(data, &filter.Filter{}); err != nil {
			t.Errorf("go-ogc refuses %s: %v", data, err)
		}
	}
}

func refused(doc string, err error) bool {
	compact := strings.Join(strings.Fields(doc), "")
	for part, msg := range notOurs {
		if strings.Contains(compact, part) && strings.Contains(err.Error(), msg) {
			return true
		}
	}
	return false
}
