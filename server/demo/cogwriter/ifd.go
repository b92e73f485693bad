package cogwriter

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
)

// Tags of TIFF 6.0, GeoTIFF 1.1 and GDAL.
const (
	tagNewSubfileType  = 254
	tagImageWidth      = 256
	tagImageLength     = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagSamplesPerPixel = 277
	tagPlanarConfig    = 284
	tagPredictor       = 317
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagModelPixelScale = 33550
	tagModelTiepoint   = 33922
	tagGeoKeyDirectory = 34735
	tagGDALMetadata    = 42112
	tagGDALNoData      = 42113
)

// Field types.
const (
	typeASCII  = 2
	typeShort  = 3
	typeLong   = 4
	typeDouble = 12
	typeLong8  = 16
)

const (
	compressionDeflate  = 8
	photometricBlack    = 1
	photometricMask     = 4
	subfileReduced      = 1
	subfileMask         = 4
	predictorHorizontal = 2
	planarContiguous    = 1
	sampleUnsigned      = 1
	classicLimit        = math.MaxUint32 - 1<<20
	// What the header promises of the layout, so that GDAL reads a tile with one request. A program that edits the file
	// in place overwrites the last line, hence the blank at its end.
	structuralMetadata = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n" +
		"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
	structuralMetaPrefix = "GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n"
)

// field is one entry of an image file directory.
type field struct {
	tag, kind uint16
	count     int
	data      []byte
}

func shorts(tag uint16, vs ...uint16) field {
	b := make([]byte, 0, 2*len(vs))
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return field{tag, typeShort, len(vs), b}
}

func longs(tag uint16, vs ...uint32) field {
	b := make([]byte, 0, 4*len(vs))
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return field{tag, typeLong, len(vs), b}
}

func doubles(tag uint16, vs ...float64) field {
	b := make([]byte, 0, 8*len(vs))
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return field{tag, typeDouble, len(vs), b}
}

func ascii(tag uint16, s string) field {
	return field{tag, typeASCII, len(s) + 1, append([]byte(s), 0)}
}

// offsets writes places in the file: 32 bits each, 64 in a BigTIFF.
func offsets(tag uint16, big bool, vs []int64) field {
	f := field{tag: tag, kind: typeLong, count: len(vs)}
	for _, v := range vs {
		if big {
			f.kind = typeLong8
			f.data = binary.LittleEndian.AppendUint64(f.data, uint64(v))
		} else {
			f.data = binary.LittleEndian.AppendUint32(f.data, uint32(v))
		}
	}
	return f
}

// assemble writes the file: header, all directories, then the blocks of the smallest overview first and those of the
// full resolution last, each level's mask after its pixels.
func (w *writer) assemble(path string, spool *os.File) (err error) {
	big := w.BigTIFF
	if !big {
		var total int64
		for _, b := range w.blocks {
			total += sum(b.sizes) + sum(b.maskSizes)
		}
		big = total > classicLimit
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	// The first round only measures: no field changes its length with the offsets it holds.
	header := w.header(big, 0)
	if _, err := out.Write(w.header(big, int64(len(header)))); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for k := len(w.blocks) - 1; k >= 0; k-- {
		b := &w.blocks[k]
		if k == 0 {
			if _, err := io.Copy(out, spool); err != nil {
				return err
			}
		} else if err := writeAll(out, b.data); err != nil {
			return err
		}
		if err := writeAll(out, b.maskData); err != nil {
			return err
		}
	}
	return out.Flush()
}

func writeAll(out io.Writer, blocks [][]byte) error {
	for _, b := range blocks {
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// header returns everything before the first block, which lies at data.
func (w *writer) header(big bool, data int64) []byte {
	pixels, masks := make([][]int64, len(w.blocks)), make([][]int64, len(w.blocks))
	for k := len(w.blocks) - 1; k >= 0; k-- {
		pixels[k], data = places(w.blocks[k].sizes, data)
		masks[k], data = places(w.blocks[k].maskSizes, data)
	}
	var dirs [][]field
	for k := range w.blocks {
		dirs = append(dirs, w.pixelFields(k, big, pixels[k]))
		if w.Mask {
			dirs = append(dirs, w.maskFields(k, big, masks[k]))
		}
	}
	var b []byte
	meta := fmt.Sprintf(structuralMetaPrefix, len(structuralMetadata)) + structuralMetadata
	meta += string(make([]byte, len(meta)%2))
	if big {
		b = append(b, 'I', 'I', 43, 0, 8, 0, 0, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(16+len(meta)))
	} else {
		b = append(b, 'I', 'I', 42, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(8+len(meta)))
	}
	b = append(b, meta...)
	for i, d := range dirs {
		b = appendDirectory(b, d, big, i == len(dirs)-1)
	}
	return b
}

// places returns where blocks of these sizes lie from an offset on, and the offset behind them.
func places(sizes []int, at int64) ([]int64, int64) {
	out := make([]int64, len(sizes))
	for i, n := range sizes {
		out[i] = at + leader
		at += leader + int64(n) + trailer
	}
	return out, at
}

func sum(sizes []int) (total int64) {
	for _, n := range sizes {
		total += leader + int64(n) + trailer
	}
	return total
}

func (w *writer) pixelFields(k int, big bool, at []int64) []field {
	b := &w.blocks[k]
	n := len(w.Bands)
	subfile := uint32(0)
	if k > 0 {
		subfile = subfileReduced
	}
	fs := []field{
		longs(tagNewSubfileType, subfile),
		longs(tagImageWidth, uint32(b.w)), longs(tagImageLength, uint32(b.h)),
		shorts(tagBitsPerSample, slices.Repeat([]uint16{uint16(w.Bits)}, n)...),
		shorts(tagCompression, compressionDeflate), shorts(tagPhotometric, photometricBlack),
		shorts(tagSamplesPerPixel, uint16(n)), shorts(tagPlanarConfig, planarContiguous),
		shorts(tagPredictor, predictorHorizontal),
		shorts(tagTileWidth, TileSize), shorts(tagTileLength, TileSize),
		offsets(tagTileOffsets, big, at), counts(b.sizes),
	}
	if n > 1 {
		fs = append(fs, shorts(tagExtraSamples, make([]uint16, n-1)...))
	}
	fs = append(fs, shorts(tagSampleFormat, slices.Repeat([]uint16{sampleUnsigned}, n)...))
	if k == 0 {
		fs = append(
			fs,
			doubles(tagModelPixelScale, w.PixelSize, w.PixelSize, 0),
			doubles(tagModelTiepoint, 0, 0, 0, w.West, w.North, 0),
			// A projected system (GTModelTypeGeoKey 1), pixels as areas, the EPSG code, metres.
			shorts(tagGeoKeyDirectory, 1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, uint16(w.EPSG), 3076, 0, 1, 9001),
			ascii(tagGDALMetadata, w.metadataXML()),
		)
	}
	if w.NoData != nil {
		fs = append(fs, ascii(tagGDALNoData, strconv.Itoa(int(*w.NoData))))
	}
	return fs
}

func (w *writer) maskFields(k int, big bool, at []int64) []field {
	b := &w.blocks[k]
	subfile := uint32(subfileMask)
	if k > 0 {
		subfile |= subfileReduced
	}
	return []field{
		longs(tagNewSubfileType, subfile),
		longs(tagImageWidth, uint32(b.w)), longs(tagImageLength, uint32(b.h)),
		shorts(tagBitsPerSample, 1), shorts(tagCompression, compressionDeflate), shorts(tagPhotometric, photometricMask),
		shorts(tagSamplesPerPixel, 1), shorts(tagPlanarConfig, planarContiguous),
		shorts(tagTileWidth, TileSize), shorts(tagTileLength, TileSize),
		offsets(tagTileOffsets, big, at), counts(b.maskSizes),
		shorts(tagSampleFormat, sampleUnsigned),
	}
}

func counts(sizes []int) field {
	vs := make([]uint32, len(sizes))
	for i, n := range sizes {
		vs[i] = uint32(n)
	}
	return longs(tagTileByteCounts, vs...)
}

// metadataXML is GDAL's own tag: names of the bands, scale, and free pairs.
func (w *writer) metadataXML() string {
	var b bytes.Buffer
	b.WriteString("<GDALMetadata>\n")
	item := func(attributes, value string) {
		// GDAL unescapes what its XML parser has unescaped already, so text is escaped twice. A bytes.Buffer takes
		// every write.
		var once bytes.Buffer
		_ = xml.EscapeText(&once, []byte(value))
		b.WriteString("  <Item " + attributes + ">")
		_ = xml.EscapeText(&b, once.Bytes())
		b.WriteString("</Item>\n")
	}
	keys := make([]string, 0, len(w.Metadata))
	for k := range w.Metadata {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		var name bytes.Buffer
		_ = xml.EscapeText(&name, []byte(k))
		item(`name="`+name.String()+`"`, w.Metadata[k])
	}
	for i, name := range w.Bands {
		item(fmt.Sprintf(`name="DESCRIPTION" sample="%d" role="description"`, i), name)
		if w.Scale != 0 && w.Scale != 1 {
			item(fmt.Sprintf(`name="SCALE" sample="%d" role="scale"`, i), strconv.FormatFloat(w.Scale, 'g', -1, 64))
		}
	}
	b.WriteString("</GDALMetadata>\n")
	return b.String()
}

// appendDirectory appends one directory and, right behind it, the values that don't fit into its entries.
func appendDirectory(b []byte, fs []field, big, last bool) []byte {
	inline, entry, head := 4, 12, 2
	if big {
		inline, entry, head = 8, 20, 8
	}
	word := func(b []byte, v int) []byte {
		if big {
			return binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	extra := len(b) + head + entry*len(fs) + inline
	if big {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(fs)))
	} else {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(fs)))
	}
	var values []byte
	for _, f := range fs {
		b = binary.LittleEndian.AppendUint16(b, f.tag)
		b = binary.LittleEndian.AppendUint16(b, f.kind)
		b = word(b, f.count)
		if len(f.data) <= inline {
			b = append(b, f.data...)
			b = append(b, make([]byte, inline-len(f.data))...)
			continue
		}
		b = word(b, extra+len(values))
		values = append(values, f.data...)
		values = append(values, make([]byte, len(values)%2)...)
	}
	next := 0
	if !last {
		next = extra + len(values)
		if next%2 != 0 {
			next++
		}
	}
	b = word(b, next)
	return append(b, values...)
}
