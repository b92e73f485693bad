package demo

import "forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"

// kind says how the bytes of an asset are made.
type kind uint8

const (
	kindPixels    kind = iota // reflectance, one or more bands
	kindCloudMask             // bit field: cloud and shadow
	kindGeoMask               // bit field: water, snow, shadow of relief
	kindEdgeMask              // 1 outside the swath
	kindMetadata              // XML
	kindThumbnail             // PNG
)

// band is one band of an asset.
type band struct {
	name   string
	common string // eo:common_name, or empty
	centre float64
	width  float64 // full width at half maximum, micrometres
}

// product is one asset that every item of a collection has.
type product struct {
	key    string
	suffix string // of the file's name, after the item's id
	title  string
	kind   kind
	res    float64 // metres per pixel of the sample; 0 where there are none
	real   float64 // metres per pixel of the real product
	bands  []band
}

const (
	typeCOG = "image/tiff; application=geotiff; profile=cloud-optimized"
	typePNG = "image/png"
	typeXML = "application/xml"
)

func (p product) mediaType() string {
	switch p.kind {
	case kindMetadata:
		return typeXML
	case kindThumbnail:
		return typePNG
	}
	return typeCOG
}

func (p product) role() string {
	switch p.kind {
	case kindMetadata:
		return "metadata"
	case kindThumbnail:
		return "thumbnail"
	case kindPixels:
		return "data"
	}
	return "mask"
}

// dataType names the type of a sample, as STAC 1.1 does.
func (p product) dataType() string {
	if p.kind == kindPixels {
		return "uint16"
	}
	return "uint8"
}

// thumbnail is the preview of each item: its longer side has this many pixels.
const thumbnailSide = 343

// products lists the assets of a collection, with the service's own keys.
func products(id catalog.CollectionID) []product {
	red := band{"red", "red", 0.66, 0.07}
	green := band{"green", "green", 0.56, 0.07}
	blue := band{"blue", "blue", 0.485, 0.07}
	nir := band{"nir", "nir", 0.825, 0.13}
	thumb := product{key: "thumbnail", suffix: "_thumbnail.png", title: "Preview in true colour", kind: kindThumbnail}
	switch id {
	case SPOT:
		return []product{
			{key: "src_xs", suffix: "_XS.tif", title: "Multispectral", res: 60, real: 6, bands: []band{red, green, blue, nir}},
			{key: "src_pan", suffix: "_PAN.tif", title: "Panchromatic", res: 15, real: 1.5, bands: []band{{"pan", "pan", 0.6, 0.29}}},
			thumb,
		}
	case SuperSentinel2:
		return []product{
			{key: "img", suffix: ".tif", title: "Four bands", res: 15, real: 1.5, bands: []band{red, green, blue, nir}},
			thumb,
		}
	case Sentinel2:
		return append(sentinel2Products(), thumb)
	}
	return nil
}

func sentinel2Products() []product {
	var out []product
	for _, b := range []struct {
		band
		real float64
	}{
		{band{"B02", "blue", 0.4924, 0.066}, 10},
		{band{"B03", "green", 0.5598, 0.036}, 10},
		{band{"B04", "red", 0.6646, 0.031}, 10},
		{band{"B05", "rededge071", 0.7041, 0.015}, 20},
		{band{"B06", "rededge075", 0.7405, 0.015}, 20},
		{band{"B07", "rededge078", 0.7828, 0.020}, 20},
		{band{"B08", "nir", 0.8328, 0.106}, 10},
		{band{"B8A", "nir08", 0.8647, 0.021}, 20},
		{band{"B11", "swir16", 1.6137, 0.091}, 20},
		{band{"B12", "swir22", 2.2024, 0.175}, 20},
	} {
		file := b.name
		if file[1] == '0' {
			file = "B" + file[2:]
		}
		out = append(out, product{
			key: b.name, suffix: "_FRE_" + file + ".tif", title: "Surface reflectance " + b.name,
			res: b.real * 10, real: b.real, bands: []band{b.band},
		})
	}
	return append(
		out,
		product{key: "CLM_R1", suffix: "_CLM_R1.tif", title: "Clouds and their shadows", kind: kindCloudMask, res: 100, real: 10},
		product{key: "MG2_R2", suffix: "_MG2_R2.tif", title: "Water, snow and relief", kind: kindGeoMask, res: 200, real: 20},
		product{key: "EDG_R2", suffix: "_EDG_R2.tif", title: "Edge of the swath", kind: kindEdgeMask, res: 200, real: 20},
		product{key: "MD", suffix: "_MTD_ALL.xml", title: "Metadata", kind: kindMetadata},
	)
}
