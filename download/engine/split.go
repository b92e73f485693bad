package engine

import "forgemia.inra.fr/cdos-pub/dinamis-desktop/download/journal"

// Splitter plans how a file is fetched. Implementations must be safe for concurrent use.
type Splitter interface {
	// First is how many bytes the first request asks for, before the file's size is known.
	First() int64
	// Split divides the bytes from offset to total (exclusive) into ranges that follow one another without a gap.
	Split(offset, total int64, most int) []journal.Segment
}

// FixedSplit fetches files from Parallel bytes on over several connections, in equal ranges.
type FixedSplit struct {
	// Head is the size of the first range [8 MiB]; Parallel is from which size on there are several [32 MiB].
	Head, Parallel int64
}

// First implements Splitter.
func (f FixedSplit) First() int64 { or(&f.Head, 8<<20); return f.Head }

// Split implements Splitter.
func (f FixedSplit) Split(offset, total int64, most int) []journal.Segment {
	or(&f.Parallel, 32<<20)
	rest := total - offset
	if rest <= 0 {
		return nil
	}
	n := int64(1)
	if total >= f.Parallel {
		n = min(int64(max(most, 1)), rest)
	}
	var segs []journal.Segment
	for i := range n {
		from, to := offset+rest*i/n, offset+rest*(i+1)/n
		segs = append(segs, journal.Segment{Offset: from, Length: to - from})
	}
	return segs
}
