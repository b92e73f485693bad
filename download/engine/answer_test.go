package engine

import "testing"

func TestParseContentRange(t *testing.T) {
	for in, want := range map[string]contentRange{
		"bytes 0-0/1": {0, 0, 1}, "bytes 5-9/10": {5, 9, 10}, "Bytes 5-9/*": {5, 9, -1}, "bytes */7": {-1, -1, 7}, " bytes  */* ": {-1, -1, -1},
	} {
		if got, err := parseContentRange(in); err != nil || got != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "bytes", "bytes 1-0/5", "bytes 0-5/5", "bytes -1-5/9", "bytes +1-5/9", "items 0-1/2", "bytes 0-1", "bytes a-b/c", "bytes 0-1/2/3",
		"bytes 0-99999999999999999999/*", "bytes 1/2",
	} {
		if got, err := parseContentRange(in); err == nil {
			t.Errorf("%q is read as %v", in, got)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-0/1", "bytes */7", "bytes 5-9/*", "x", "bytes 9-1/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseContentRange(s)
		if err == nil && r.from >= 0 && (r.to < r.from || r.total >= 0 && r.to >= r.total) {
			t.Fatalf("%q: %+v", s, r)
		}
	})
}

func TestFixedSplitCoversEveryByteOnce(t *testing.T) {
	for _, total := range []int64{1, 2, 3, 100, 1 << 20, 32 << 20, 32<<20 + 1, 3 << 30} {
		for _, most := range []int{0, 1, 4, 7} {
			at := min(total, 16)
			segs := FixedSplit{}.Split(at, total, most)
			if len(segs) > max(most, 1) {
				t.Errorf("%d ranges, at most %d", len(segs), most)
			}
			for _, s := range segs {
				if s.Offset != at || s.Length <= 0 {
					t.Fatalf("%d bytes in %d: %v", total, most, segs)
				}
				at += s.Length
			}
			if at != total {
				t.Errorf("%d of %d bytes", at, total)
			}
		}
	}
}
