package demo

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/cogwriter"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// render writes the bytes of one asset.
func (a *Archive) render(ctx context.Context, s *acquisition, p product, path string) error {
	switch p.kind {
	case kindMetadata:
		return os.WriteFile(path, metadataXML(s), 0o600)
	case kindThumbnail:
		return a.renderThumbnail(ctx, s, path)
	}
	sc, err := a.sceneOf(s, p.res)
	if err != nil {
		return err
	}
	w, h := s.size(p.res)
	m := cogwriter.Image{
		Width: w, Height: h, Bits: 8, EPSG: s.proj.EPSG(),
		West: s.west, North: s.north, PixelSize: p.res, Overviews: cogwriter.Nearest, Bands: []string{p.key},
		Metadata: map[string]string{
			"TIFFTAG_IMAGEDESCRIPTION": s.id + " " + p.key,
			"NOTE":                     "DINAMIS sample archive: made pixels at one tenth of the real resolution",
			"ACQUISITION":              s.time.Format("2006-01-02T15:04:05.000Z"),
		},
	}
	if p.kind != kindPixels {
		return cogwriter.Write(ctx, path, m, func(_ context.Context, t *cogwriter.Tile) error {
			return fillMask(sc, p.kind, t)
		})
	}
	noData := uint16(0)
	m.Bits, m.Mask, m.NoData, m.Overviews, m.Scale = 16, true, &noData, cogwriter.Average, 1.0/scene.Scale
	m.Bands = nil
	var bands []scene.Band
	for _, b := range p.bands {
		m.Bands = append(m.Bands, b.name)
		bands = append(bands, sensorBand(b.name))
	}
	inks := sc.Inks(bands...)
	return cogwriter.Write(ctx, path, m, func(_ context.Context, t *cogwriter.Tile) error {
		return sc.Reflectance(inks, t.X, t.Y, t.W, t.H, cogwriter.TileSize, t.Pix, t.Mask)
	})
}

// sceneOf prepares the acquisition at a pixel size in metres.
func (a *Archive) sceneOf(s *acquisition, res float64) (*scene.Scene, error) {
	w, h := s.size(res)
	return a.world.NewScene(
		scene.View{Proj: s.proj, West: s.west, North: s.north, Res: res, Width: w, Height: h, Footprint: s.ring},
		scene.Overpass{Time: s.time, Cloud: s.cloud, Sky: s.clouds},
	)
}

// sensorBand returns which light a band of the archive takes in.
func sensorBand(name string) scene.Band {
	switch name {
	case "pan":
		return scene.Panchromatic()
	case "blue":
		return scene.Channel(scene.B02)
	case "green":
		return scene.Channel(scene.B03)
	case "red":
		return scene.Channel(scene.B04)
	case "nir":
		return scene.Channel(scene.B08)
	}
	for i, n := range [...]string{"B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"} {
		if n == name {
			return scene.Channel(i)
		}
	}
	return scene.Band{}
}

// Bits of the masks, laid out after those of MAJA products.
const (
	clmAny      = 1 << 0 // cloud or shadow, but thin cloud
	clmCloud    = 1 << 1
	clmReflects = 1 << 2 // cloud by its reflectance
	clmThin     = 1 << 4
	clmShadow   = 1 << 5

	mg2Water     = 1 << 0
	mg2Cloud     = 1 << 1
	mg2Snow      = 1 << 2
	mg2Shadow    = 1 << 3
	mg2DarkSlope = 1 << 4

	edgOutside = 1 << 0
)

func fillMask(sc *scene.Scene, k kind, t *cogwriter.Tile) error {
	if k == kindEdgeMask {
		for y := range t.H {
			from, to := sc.Span(t.Y + y)
			for x := range t.W {
				if t.X+x < from || t.X+x >= to {
					t.Pix[y*cogwriter.TileSize+x] = edgOutside
				}
			}
		}
		return nil
	}
	bits := cloudBits
	if k == kindGeoMask {
		bits = geoBits
	}
	return sc.Classify(t.X, t.Y, t.W, t.H, func(x, y int, f scene.Flags) {
		t.Pix[y*cogwriter.TileSize+x] = bits(f)
	})
}

func cloudBits(f scene.Flags) (v uint16) {
	if f&scene.Cloud != 0 {
		v |= clmAny | clmCloud | clmReflects
	}
	if f&scene.ThinCloud != 0 {
		v |= clmThin
	}
	if f&scene.CloudShadow != 0 {
		v |= clmAny | clmShadow
	}
	return v
}

func geoBits(f scene.Flags) (v uint16) {
	for _, b := range [...]struct {
		flag scene.Flags
		bit  uint16
	}{
		{scene.Water, mg2Water},
		{scene.Cloud, mg2Cloud},
		{scene.Snow, mg2Snow},
		{scene.CloudShadow, mg2Shadow},
		{scene.DarkSlope, mg2DarkSlope},
	} {
		if f&b.flag != 0 {
			v |= b.bit
		}
	}
	return v
}

// renderThumbnail writes a preview in true colour: the pixels of the scene, averaged, transparent outside.
func (a *Archive) renderThumbnail(ctx context.Context, s *acquisition, path string) error {
	img, err := a.preview(ctx, s)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(f)
	err = png.Encode(out, img)
	if err == nil {
		err = out.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// preview averages blocks of full-resolution pixels down to thumbnailSide.
func (a *Archive) preview(ctx context.Context, s *acquisition) (*image.NRGBA, error) {
	res := products(s.collection)[0].res
	sc, err := a.sceneOf(s, res)
	if err != nil {
		return nil, err
	}
	w, h := s.size(res)
	factor := max(int(math.Ceil(float64(max(w, h))/thumbnailSide)), 1)
	img := image.NewNRGBA(image.Rect(0, 0, (w+factor-1)/factor, (h+factor-1)/factor))
	inks := sc.Inks(scene.Channel(scene.B04), scene.Channel(scene.B03), scene.Channel(scene.B02))
	rows := max(factor*(128/factor), factor)
	err = inParallel(ctx, (h+rows-1)/rows, func(i int) error {
		y0 := i * rows
		n := min(rows, h-y0)
		pix, mask := make([]uint16, w*n*3), make([]uint8, w*n)
		if err := sc.Reflectance(inks, 0, y0, w, n, w, pix, mask); err != nil {
			return fmt.Errorf("preview: %w", err)
		}
		for y := 0; y < n; y += factor {
			for x := 0; x < w; x += factor {
				shrinkPixel(img, x/factor, (y0+y)/factor, pix, mask, x, y, min(factor, w-x), min(factor, n-y), w)
			}
		}
		return nil
	})
	return img, err
}

func shrinkPixel(img *image.NRGBA, toX, toY int, pix []uint16, mask []uint8, x0, y0, w, h, stride int) {
	var sum [3]float64
	count := 0
	for y := y0; y < y0+h; y++ {
		for x := x0; x < x0+w; x++ {
			at := y*stride + x
			if mask[at] == 0 {
				continue
			}
			count++
			for b := range 3 {
				sum[b] += float64(pix[at*3+b])
			}
		}
	}
	if count == 0 {
		return
	}
	to := img.PixOffset(toX, toY)
	for b := range 3 {
		img.Pix[to+b] = trueColour(sum[b] / float64(count) / scene.Scale)
	}
	img.Pix[to+3] = uint8(255 * count / (w * h))
}

// trueColour stretches reflectance for the eye: dark land opens up, clouds stay white.
func trueColour(r float64) uint8 {
	v := math.Pow(max(r-0.004, 0)/0.42, 1/1.75)
	// A soft shoulder instead of a hard cut.
	v = v / math.Pow(1+math.Pow(v, 5), 0.2)
	return uint8(min(v*262, 255))
}
