package stacapi

import (
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// memory keeps what one answer needs for the next: buffers and compressors.
type memory struct {
	buffers, gzips sync.Pool
	zstd           func() *zstd.Encoder // made on first use; EncodeAll may be called concurrently
}

// keepBuffer is the largest buffer that is kept, in bytes; larger ones go to the garbage collector.
const keepBuffer = 4 << 20

func newMemory() *memory {
	m := &memory{zstd: sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
		if err != nil { // the options are constants that fit
			panic(err)
		}
		return e
	})}
	m.buffers.New = func() any { b := make([]byte, 0, 64<<10); return &b }
	m.gzips.New = func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil { // the level is a constant that exists
			panic(err)
		}
		return w
	}
	return m
}

// get returns an empty buffer.
func (m *memory) get() []byte { return (*m.buffers.Get().(*[]byte))[:0] }

// put takes a buffer back that nobody refers to any more.
func (m *memory) put(b []byte) {
	if cap(b) <= keepBuffer {
		m.buffers.Put(&b)
	}
}

type sliceWriter struct{ b []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// compress appends body in that coding to dst.
func (m *memory) compress(coding string, dst, body []byte) []byte {
	if coding == "zstd" {
		return m.zstd().EncodeAll(body, dst)
	}
	zw := m.gzips.Get().(*gzip.Writer)
	defer m.gzips.Put(zw)
	out := sliceWriter{dst}
	zw.Reset(&out)
	_, _ = zw.Write(body) // neither can fail: they write to memory
	_ = zw.Close()
	return out.b
}
