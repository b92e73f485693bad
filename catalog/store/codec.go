package store

import (
	"fmt"

	"github.com/klauspost/compress/zstd"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// codec compresses documents with Zstandard (RFC 8878). It is safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true), zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(catalog.MaxDocument+1<<20))
	if err != nil {
		return nil, err
	}
	return &codec{enc: enc, dec: dec}, nil
}

func (c *codec) pack(raw []byte) []byte { return c.enc.EncodeAll(raw, make([]byte, 0, len(raw)/2)) }

func (c *codec) unpack(doc []byte) ([]byte, error) {
	raw, err := c.dec.DecodeAll(doc, nil)
	if err != nil {
		return nil, &catalog.Error{Op: "read document", Kind: catalog.KindCorrupt, Err: fmt.Errorf("a stored document is damaged: %w", err)}
	}
	return raw, nil
}

func (c *codec) close() { c.dec.Close() }
