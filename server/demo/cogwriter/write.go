package cogwriter

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/sync/errgroup"
)

// Write writes the image to path. It calls fill for every tile of the full resolution, several at once and in no
// certain order; what fill does must depend on the tile alone. The bytes of the file follow from the image and the
// pixels, whatever the number of workers. Memory holds the overviews (a third of the image) and a few tiles; full
// tiles wait compressed in a temporary file beside path. On an error, path is removed.
func Write(ctx context.Context, path string, m Image, fill func(ctx context.Context, t *Tile) error) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("write COG: %w", err)
	}
	spool, err := os.CreateTemp(filepath.Dir(path), ".tiles-*")
	if err != nil {
		return fmt.Errorf("write COG: %w", err)
	}
	defer func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}()
	w := newWriter(m)
	if err := w.fillBase(ctx, spool, fill); err != nil {
		return fmt.Errorf("write COG: %w", err)
	}
	if err := w.fillOverviews(ctx); err != nil {
		return fmt.Errorf("write COG: %w", err)
	}
	if err := w.assemble(path, spool); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("write COG: %w", err)
	}
	return nil
}

// plane is an overview before it is compressed.
type plane struct {
	level
	pix  []uint16
	mask []uint8
}

// blocks is one resolution, compressed. Those of the base are in the spool, so data is nil there.
type blocks struct {
	level
	sizes     []int
	data      [][]byte
	maskSizes []int
	maskData  [][]byte
}

type writer struct {
	Image
	workers int
	planes  []plane  // of the overviews, in the order of levels
	blocks  []blocks // of every level
	scratch sync.Pool
}

// scratch is what a worker needs for a tile.
type scratch struct {
	tile Tile
	raw  []byte
	out  bytes.Buffer
	z    *zlib.Writer
}

func newWriter(m Image) *writer {
	w := &writer{Image: m, workers: m.Workers}
	if w.workers == 0 {
		w.workers = runtime.GOMAXPROCS(0)
	}
	if w.Level == 0 {
		w.Level = 3
	}
	n := len(m.Bands)
	for i, l := range m.levels() {
		b := blocks{level: l, sizes: make([]int, l.tiles()), data: make([][]byte, l.tiles())}
		if m.Mask {
			b.maskSizes, b.maskData = make([]int, l.tiles()), make([][]byte, l.tiles())
		}
		w.blocks = append(w.blocks, b)
		if i > 0 {
			p := plane{level: l, pix: make([]uint16, l.w*l.h*n)}
			if m.Mask {
				p.mask = make([]uint8, l.w*l.h)
			}
			w.planes = append(w.planes, p)
		}
	}
	w.scratch.New = func() any {
		s := &scratch{raw: make([]byte, TileSize*TileSize*n*m.Bits/8)}
		s.tile.Pix = make([]uint16, TileSize*TileSize*n)
		if m.Mask {
			s.tile.Mask = make([]uint8, TileSize*TileSize)
		}
		// The level has been validated, and nothing else can be wrong.
		s.z, _ = zlib.NewWriterLevel(&s.out, w.Level)
		return s
	}
	return w
}

// fillBase makes the full resolution in batches: within one, tiles are made in parallel; between two, they are
// written in order, so that the file does not depend on who was first.
func (w *writer) fillBase(ctx context.Context, spool io.Writer, fill func(context.Context, *Tile) error) error {
	base := &w.blocks[0]
	batch := 4 * w.workers
	for from := 0; from < base.tiles(); from += batch {
		to := min(from+batch, base.tiles())
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(w.workers)
		for i := from; i < to; i++ {
			g.Go(func() error {
				if err := gctx.Err(); err != nil {
					return err
				}
				s := w.scratch.Get().(*scratch)
				defer w.scratch.Put(s)
				w.place(&s.tile, base.level, i)
				if err := fill(gctx, &s.tile); err != nil {
					return err
				}
				if len(w.planes) > 0 {
					w.shrinkTile(&s.tile)
				}
				return w.compress(s, base, i)
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			if _, err := spool.Write(base.data[i]); err != nil {
				return err
			}
			base.data[i] = nil
		}
	}
	return nil
}

// place readies a tile for the i-th block of a level.
func (w *writer) place(t *Tile, l level, i int) {
	t.X, t.Y = i%l.across()*TileSize, i/l.across()*TileSize
	t.W, t.H = min(TileSize, l.w-t.X), min(TileSize, l.h-t.Y)
	clear(t.Pix)
	clear(t.Mask)
}

func (w *writer) fillOverviews(ctx context.Context) error {
	for k := range w.planes {
		if k > 0 {
			w.shrinkPlane(&w.planes[k], &w.planes[k-1])
		}
		b := &w.blocks[k+1]
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(w.workers)
		for i := range b.tiles() {
			g.Go(func() error {
				if err := gctx.Err(); err != nil {
					return err
				}
				s := w.scratch.Get().(*scratch)
				defer w.scratch.Put(s)
				w.place(&s.tile, b.level, i)
				w.cut(&s.tile, &w.planes[k])
				return w.compress(s, b, i)
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// cut copies a tile out of a plane.
func (w *writer) cut(t *Tile, p *plane) {
	n := len(w.Bands)
	for y := range t.H {
		from := (t.Y+y)*p.w + t.X
		copy(t.Pix[y*TileSize*n:], p.pix[from*n:(from+t.W)*n])
		if t.Mask != nil {
			copy(t.Mask[y*TileSize:], p.mask[from:from+t.W])
		}
	}
}

// compress packs a tile's pixels and its mask into block i.
func (w *writer) compress(s *scratch, b *blocks, i int) error {
	w.predict(s)
	data, err := s.deflate(s.raw)
	if err != nil {
		return err
	}
	b.data[i], b.sizes[i] = data, len(data)-leader-trailer
	if !w.Mask {
		return nil
	}
	bits := s.raw[:TileSize*TileSize/8]
	clear(bits)
	for j, v := range s.tile.Mask {
		if v != 0 {
			bits[j>>3] |= 0x80 >> (j & 7)
		}
	}
	data, err = s.deflate(bits)
	b.maskData[i], b.maskSizes[i] = data, len(data)-leader-trailer
	return err
}

// A block is led by its size and followed by its last four bytes once more, as the header promises.
const (
	leader  = 4
	trailer = 4
)

func (s *scratch) deflate(raw []byte) ([]byte, error) {
	s.out.Reset()
	s.out.Write(make([]byte, leader))
	s.z.Reset(&s.out)
	if _, err := s.z.Write(raw); err != nil {
		return nil, err
	}
	if err := s.z.Close(); err != nil {
		return nil, err
	}
	// A zlib stream is never shorter than its header and checksum, so there are four bytes to repeat.
	b := bytes.Clone(s.out.Bytes())
	binary.LittleEndian.PutUint32(b, uint32(len(b)-leader))
	return append(b, b[len(b)-trailer:]...), nil
}

// predict writes the differences between neighbours in a row, band by band, to raw (TIFF 6.0, section 14).
func (w *writer) predict(s *scratch) {
	n := len(w.Bands)
	row := TileSize * n
	for y := range TileSize {
		pix := s.tile.Pix[y*row : (y+1)*row]
		if w.Bits == 8 {
			out := s.raw[y*row : (y+1)*row]
			for i := range n {
				out[i] = byte(pix[i])
			}
			for i := n; i < row; i++ {
				out[i] = byte(pix[i] - pix[i-n])
			}
			continue
		}
		out := s.raw[2*y*row : 2*(y+1)*row]
		for i := range n {
			binary.LittleEndian.PutUint16(out[2*i:], pix[i])
		}
		for i := n; i < row; i++ {
			binary.LittleEndian.PutUint16(out[2*i:], pix[i]-pix[i-n])
		}
	}
}
