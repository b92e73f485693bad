package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"io"
	"iter"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// readable yields the documents of a damaged file's table in the order of its rows, as far as SQLite can read it, and
// reports whether that was all of it.
func readable(ctx context.Context, db *sql.DB, query string, yield func(doc []byte) error) (all bool, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return false, nil //nolint:nilerr // the file is known to be damaged
	}
	defer rows.Close()
	for rows.Next() {
		var doc []byte
		if rows.Scan(&doc) != nil {
			return false, nil
		}
		if err := yield(doc); err != nil {
			return false, err
		}
	}
	return rows.Err() == nil, ctx.Err()
}

// maxBlob bounds a stored document; damage can make one look larger.
const maxBlob = catalog.MaxDocument + 1<<20

// pageScan finds the documents of a file page by page, whatever else of it is damaged: it looks at each leaf of a table
// by itself (https://www.sqlite.org/fileformat2.html § 1.6, 2.1). It also finds what was deleted or replaced and not yet
// overwritten.
type pageScan struct {
	file     io.ReaderAt
	pageSize int64
	usable   int64
}

func newPageScan(file io.ReaderAt) *pageScan {
	s := &pageScan{file: file, pageSize: 4096, usable: 4096}
	head := make([]byte, 100)
	if _, err := file.ReadAt(head, 0); err != nil || string(head[:16]) != "SQLite format 3\x00" {
		return s
	}
	n := int64(binary.BigEndian.Uint16(head[16:]))
	if n == 1 {
		n = 65536
	}
	if reserved := int64(head[20]); n >= 512 && n&(n-1) == 0 && n-reserved >= 480 {
		s.pageSize, s.usable = n, n-reserved
	}
	return s
}

// documents yields every blob that stands in the third of three columns: those of collection and item_doc.
func (s *pageScan) documents() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		page := make([]byte, s.pageSize)
		for no := int64(1); ; no++ {
			if n, err := s.file.ReadAt(page, (no-1)*s.pageSize); err != nil && int64(n) < s.pageSize {
				return
			}
			head := int64(0)
			if no == 1 {
				head = 100
			}
			if page[head] != 0x0d { // not a leaf of a table
				continue
			}
			cells := int64(binary.BigEndian.Uint16(page[head+3:]))
			for i := range cells {
				at := head + 8 + 2*i
				if at+2 > s.usable {
					break
				}
				if doc := third(s.payload(page, int64(binary.BigEndian.Uint16(page[at:])))); doc != nil && !yield(doc) {
					return
				}
			}
		}
	}
}

// payload reads the record of a cell, with the pages that it overflows onto; nil if it makes no sense.
func (s *pageScan) payload(page []byte, at int64) []byte {
	if at < 8 || at >= s.usable {
		return nil
	}
	cell := page[at:s.usable]
	size, n := varint(cell)
	_, m := varint(cell[n:])
	if n == 0 || m == 0 || size <= 0 || size > maxBlob {
		return nil
	}
	cell = cell[n+m:]
	local := size
	if most := s.usable - 35; size > most {
		least := (s.usable-12)*32/255 - 23
		if local = least + (size-least)%(s.usable-4); local > most {
			local = least
		}
	}
	if local == size {
		if local > int64(len(cell)) {
			return nil
		}
		return cell[:local]
	}
	if local+4 > int64(len(cell)) {
		return nil
	}
	out := append(make([]byte, 0, min(size, 1<<20)), cell[:local]...)
	next := int64(binary.BigEndian.Uint32(cell[local:]))
	buf := make([]byte, s.usable)
	for int64(len(out)) < size {
		if next < 2 {
			return nil
		}
		if _, err := s.file.ReadAt(buf, (next-1)*s.pageSize); err != nil {
			return nil
		}
		next = int64(binary.BigEndian.Uint32(buf))
		out = append(out, buf[4:4+min(s.usable-4, size-int64(len(out)))]...)
	}
	return out
}

// third returns the blob in the third of exactly three columns of a record (§ 2.1), or nil.
func third(record []byte) []byte {
	size, n := varint(record)
	if n == 0 || size < int64(n) || size > int64(len(record)) {
		return nil
	}
	header, body := record[n:size], record[size:]
	var types []int64
	for len(header) > 0 && len(types) < 4 {
		t, n := varint(header)
		if n == 0 {
			return nil
		}
		types, header = append(types, t), header[n:]
	}
	if len(types) != 3 || types[2] < 12 || types[2]%2 != 0 {
		return nil
	}
	skip := width(types[0]) + width(types[1])
	length := width(types[2])
	if skip < 0 || length < 0 || skip > int64(len(body)) || length > int64(len(body))-skip {
		return nil
	}
	return append([]byte(nil), body[skip:skip+length]...)
}

// width is how many bytes a value of a serial type takes.
func width(t int64) int64 {
	switch {
	case t >= 12:
		return (t - 12) / 2
	case t == 5:
		return 6
	case t == 6, t == 7:
		return 8
	case t >= 1 && t <= 4:
		return t
	}
	return 0
}

// varint reads SQLite's: up to nine bytes, big end first. Its length is 0 if b is too short.
func varint(b []byte) (v int64, n int) {
	for n < len(b) {
		c := b[n]
		n++
		if n == 9 {
			return v<<8 | int64(c), n
		}
		v = v<<7 | int64(c&0x7f)
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}
