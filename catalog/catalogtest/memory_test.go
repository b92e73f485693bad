package catalogtest

import (
	"bytes"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) (catalog.Source, catalog.Writer) { m := NewMemory(); return m, m })
}

func TestArchiveIsDeterministicAndOdd(t *testing.T) {
	_, a := Archive(1, 500)
	_, b := Archive(1, 500)
	var noBox, noTime, spans, crossing, shared int
	ids := map[catalog.ItemID]bool{}
	for i := range a {
		if !bytes.Equal(a[i].Raw, b[i].Raw) {
			t.Fatal("the same seed gave different bytes")
		}
		if ids[a[i].Key.Item] {
			shared++
		}
		ids[a[i].Key.Item] = true
		if !a[i].HasBBox {
			noBox++
		} else if a[i].BBox.CrossesAntimeridian() {
			crossing++
		}
		switch {
		case a[i].Datetime.IsZero() && a[i].Time.IsZero():
			noTime++
		case a[i].Datetime.IsZero():
			spans++
		}
	}
	for name, n := range map[string]int{"no box": noBox, "no time": noTime, "spans": spans, "crossing": crossing, "shared ids": shared} {
		if n < 2 {
			t.Errorf("%s: only %d of 500", name, n)
		}
	}
}
