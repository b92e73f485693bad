package store

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog/catalogtest"
)

// damaged makes a closed catalogue of n items and spoils its file.
func damaged(t *testing.T, n int, spoil func(file []byte) []byte) (path string, items []catalog.Item, spoiled []byte) {
	t.Helper()
	path = newPath(t)
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	items = fill(t, s, 41, n)
	if err := s.RecordCoverage(t.Context(), catalog.Coverage{Complete: true, At: s.opts.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoiled = spoil(file)
	if err := os.WriteFile(path, spoiled, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, items, spoiled
}

func TestRecovery(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	noise := func(file []byte, from, n int) []byte {
		for i := range n {
			file[from+i] = byte(r.Uint32())
		}
		return file
	}
	for _, c := range []struct {
		name  string
		least int // of 300 items
		spoil func([]byte) []byte
	}{
		{"one page in the middle", 280, func(f []byte) []byte { return noise(f, len(f)/2/4096*4096, 4096) }},
		{"eight pages here and there", 200, func(f []byte) []byte {
			for i := range 8 {
				noise(f, (i+1)*len(f)/10/4096*4096, 4096)
			}
			return f
		}},
		{"cut short", 80, func(f []byte) []byte { return f[:len(f)*2/3] }},
		{"no header", 300, func(f []byte) []byte { return noise(f, 0, 100) }},
		{"another content", 0, func([]byte) []byte { return bytes.Repeat([]byte("no database "), 5000) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, items, spoiled := damaged(t, 300, c.spoil)
			s, rec, err := OpenOrRecover(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			closeAfter(t, s)
			if rec == nil {
				t.Fatal("the damage was not seen")
			}
			kept, err := os.ReadFile(rec.Damaged)
			if err != nil || !bytes.Equal(kept, spoiled) {
				t.Error("the damaged file was not kept as it was:", err)
			}
			got := all(t, s)
			if len(got) < c.least || int64(len(got)) != rec.Items {
				t.Errorf("%d items saved of %d, reported %+v", len(got), len(items), rec)
			}
			byKey := map[catalog.Key]catalog.Item{}
			for _, it := range items {
				byKey[it.Key] = it
			}
			for _, it := range got {
				if !bytes.Equal(byKey[it.Key].Raw, it.Raw) {
					t.Fatalf("%s was saved as something else", it.Key)
				}
			}
			if p, err := s.Search(t.Context(), catalog.Query{}); err != nil || p.Origin.Complete {
				t.Errorf("%+v %v", p.Origin, err)
			}
			t.Logf("%+v", rec)
			// And it goes on working.
			cs, more := catalogtest.Archive(42, 10)
			catalogtest.Fill(t, s, cs, more)
			if err := s.check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNothingToRecover(t *testing.T) {
	path := newPath(t)
	for range 2 {
		s, rec, err := OpenOrRecover(t.Context(), path, Options{})
		if err != nil || rec != nil {
			t.Fatal(rec, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := filepath.Glob(path + ".*"); len(files) != 0 {
		t.Error(files)
	}
}

// TestDamageMetLater is remembered for the next start.
func TestDamageMetLater(t *testing.T) {
	path, items, _ := damaged(t, 300, func(f []byte) []byte { return f })
	s := open(t, path, Options{})
	if _, err := s.db.RW.Exec("UPDATE item_doc SET doc = x'00112233' WHERE rid = (SELECT rid FROM item WHERE id = ? LIMIT 1)", string(items[5].Key.Item)); err != nil {
		t.Fatal(err)
	}
	var bad int
	for _, it := range items {
		if _, err := s.Item(t.Context(), it.Key); catalog.KindOf(err) == catalog.KindCorrupt {
			bad++
		}
	}
	if bad != 1 {
		t.Errorf("%d damaged documents, want 1", bad)
	}
	if !suspicious(path) {
		t.Error("the damage was forgotten")
	}
	if _, err := os.Stat(path + suspectSuffix); err != nil {
		t.Error(err)
	}
}

// FuzzPageScan reads damaged files, which may hold anything.
func FuzzPageScan(f *testing.F) {
	path := filepath.Join(f.TempDir(), "c.db")
	s, err := Open(f.Context(), path, Options{})
	if err != nil {
		f.Fatal(err)
	}
	fill(f, s, 43, 30)
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	// The header and one leaf of documents are enough; the whole file would only be slow.
	for at := 4096; at < len(file); at += 4096 {
		if page := file[at : at+4096]; page[0] == 0x0d && bytes.Contains(page, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			f.Add(append(bytes.Clone(file[:4096]), page...), uint16(4096), byte(0xff))
			break
		}
	}
	f.Add([]byte{0x0d}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, file []byte, at uint16, v byte) {
		if int(at) < len(file) {
			file = bytes.Clone(file)
			file[at] ^= v
		}
		n := 0
		for doc := range newPageScan(bytes.NewReader(file)).documents() {
			if n++; len(doc) > maxBlob || n > len(file) {
				t.Fatal("more came out than went in")
			}
		}
	})
}
