// Package cogwriter writes cloud-optimised GeoTIFFs: tiles of 512 pixels, DEFLATE with the horizontal predictor, pixel
// interleave, averaged overviews, an internal mask, and georeference by EPSG code.
//
// A newcomer finds here how such a file is laid out (ifd.go) and how tiles are made and compressed in parallel
// (write.go). Nothing here knows what the pixels show. There is no reader: GDAL is the judge of what is written.
//
// It is our own because github.com/airbusgeo/cogger rewrites a finished TIFF, overviews and all, and so leaves the
// greater part of the work to be done.
package cogwriter

import (
	"errors"
	"fmt"
	"math"
)

// TileSize is the width and height of a tile, in pixels.
const TileSize = 512

// Resampling says how an overview pixel follows from the four below it.
type Resampling uint8

const (
	// Average takes the mean of the valid ones: for measurements.
	Average Resampling = iota
	// Nearest takes the upper left one: for classes and bit fields, which have no mean.
	Nearest
)

// Image says what is to be written.
type Image struct {
	// Width and Height in pixels.
	Width, Height int
	// Bands are the names of the bands, at least one.
	Bands []string
	// Bits per sample: 8 or 16, unsigned.
	Bits int
	// EPSG is the code of the projected reference system; axes are easting and northing in metres.
	EPSG int
	// West and North are the outer corner of the upper left pixel; PixelSize is its width and height, all in metres.
	West, North, PixelSize float64
	// NoData is the value of pixels without data; nil means that every value is data.
	NoData *uint16
	// Mask writes the mask that Fill sets. Without it every pixel is valid.
	Mask bool
	// Overviews says how they are made.
	Overviews Resampling
	// Scale turns stored values into those meant, by multiplication; 0 means 1.
	Scale float64
	// Metadata holds free pairs for GDAL's metadata domain, such as TIFFTAG_DATETIME.
	Metadata map[string]string
	// Level of DEFLATE, 1 to 9; 0 means 3.
	Level int
	// Workers is how many tiles are made at once; 0 means one per processor.
	Workers int
	// BigTIFF forces the 64-bit form, which is otherwise used only for a file that needs it.
	BigTIFF bool
}

// Validate returns an error that names what is wrong.
func (m Image) Validate() error {
	switch {
	case m.Width <= 0 || m.Height <= 0:
		return fmt.Errorf("image of %d × %d pixels: both must be positive", m.Width, m.Height)
	case m.Width > math.MaxInt32 || m.Height > math.MaxInt32:
		return fmt.Errorf("image of %d × %d pixels: too large", m.Width, m.Height)
	case len(m.Bands) == 0 || len(m.Bands) > math.MaxUint16:
		return fmt.Errorf("%d bands: want 1 to %d", len(m.Bands), math.MaxUint16)
	case m.Bits != 8 && m.Bits != 16:
		return fmt.Errorf("%d bits per sample: want 8 or 16", m.Bits)
	case m.EPSG <= 0 || m.EPSG >= 32767:
		return fmt.Errorf("EPSG:%d: want 1 to 32766", m.EPSG)
	case !(m.PixelSize > 0):
		return fmt.Errorf("pixel size %v: must be positive", m.PixelSize)
	case m.Level < 0 || m.Level > 9:
		return fmt.Errorf("DEFLATE level %d: want 1 to 9", m.Level)
	case m.NoData != nil && m.Bits == 8 && *m.NoData > math.MaxUint8:
		return fmt.Errorf("no-data value %d does not fit 8 bits", *m.NoData)
	case m.Workers < 0:
		return errors.New("workers: must not be negative")
	}
	return nil
}

// Tile is a part of the image that Fill fills.
type Tile struct {
	// X and Y are the image coordinates of the upper left pixel; W and H are how much of the tile lies in the image.
	X, Y, W, H int
	// Pix holds TileSize rows of TileSize pixels, the bands of a pixel next to each other. It starts out zero.
	Pix []uint16
	// Mask holds 1 for each valid pixel, TileSize to a row. It starts out zero; nil where the image has no mask.
	Mask []uint8
}

// level is the size of one resolution.
type level struct{ w, h int }

func (l level) across() int { return (l.w + TileSize - 1) / TileSize }
func (l level) down() int   { return (l.h + TileSize - 1) / TileSize }
func (l level) tiles() int  { return l.across() * l.down() }

// levels returns the full resolution and its overviews, each half of the one before, down to a single tile.
func (m Image) levels() []level {
	ls := []level{{m.Width, m.Height}}
	for l := ls[0]; l.w > TileSize || l.h > TileSize; {
		l = level{(l.w + 1) / 2, (l.h + 1) / 2}
		ls = append(ls, l)
	}
	return ls
}
