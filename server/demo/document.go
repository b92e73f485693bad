package demo

import (
	"math"
	"strconv"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/demo/scene"
)

// The STAC extensions that the documents use.
const (
	extEO         = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"
	extFile       = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
	extGrid       = "https://stac-extensions.github.io/grid/v1.1.0/schema.json"
	extProjection = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
	extRaster     = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"
	extSat        = "https://stac-extensions.github.io/sat/v1.1.0/schema.json"
	extView       = "https://stac-extensions.github.io/view/v1.0.0/schema.json"
)

// fixed is what all items of a collection share.
type fixed struct {
	id            catalog.CollectionID
	products      []product
	constellation string
	instrument    string
	extensions    string // the JSON array
	licence       string // the JSON link
	gsd           float64
	heads, tails  []string // of each asset: the JSON before and after what is the item's own
}

// documents writes items as JSON. Text that is alike for all items of a collection is prepared once: a first start
// writes twenty thousand documents of some five kilobytes.
type documents struct {
	base       string
	collection map[catalog.CollectionID]*fixed
}

func newDocuments(base, terms string) *documents {
	d := &documents{base: base, collection: map[catalog.CollectionID]*fixed{}}
	for _, c := range []fixed{
		{id: SPOT, constellation: "spot", instrument: "naomi", gsd: 15},
		{id: Sentinel2, constellation: "sentinel-2", instrument: "msi", gsd: 100},
		{id: SuperSentinel2, constellation: "sentinel-2", instrument: "msi", gsd: 15},
	} {
		exts := []string{extEO, extProjection, extRaster, extView}
		if c.id != SPOT {
			exts = append(exts, extSat, extGrid)
		}
		c.products = products(c.id)
		c.extensions = marshal(exts)
		c.licence = marshal(licenceLink(terms, c.id))
		for _, p := range c.products {
			head, tail := assetText(p)
			c.heads = append(c.heads, head)
			c.tails = append(c.tails, tail)
		}
		d.collection[c.id] = &c
	}
	return d
}

// assetText returns an asset's JSON up to its href, and from the title to before the item's own fields.
func assetText(p product) (head, tail string) {
	head = strconv.Quote(p.key) + `:{"href":"`
	b := []byte(`","title":` + strconv.Quote(p.title) + `,"type":` + strconv.Quote(p.mediaType()) +
		`,"roles":["` + p.role() + `"`)
	if p.kind == kindPixels {
		b = append(b, `,"reflectance"`...)
	}
	b = append(b, ']')
	if p.res > 0 {
		b = append(b, `,"gsd":`...)
		b = appendNumber(b, p.res)
		b = append(b, `,"data_type":"`+p.dataType()+`"`...)
	}
	if p.kind == kindPixels {
		b = append(b, `,"nodata":0,"raster:scale":0.0001,"bands":[`...)
		for i, bd := range p.bands {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"name":"`+bd.name+`","eo:common_name":"`+bd.common+`"}`...)
		}
		b = append(b, ']')
	}
	return head, string(b)
}

// objectKey returns the key of an asset in the bucket: collection, item, file, as a download lays them out too.
func objectKey(a *acquisition, p product) string {
	return string(a.collection) + "/" + a.id + "/" + a.id + p.suffix
}

// item writes one document and its projection.
func (a *Archive) item(s *acquisition) catalog.Item {
	c := a.docs.collection[s.collection]
	published := publishedAt(s)
	return catalog.Item{
		Key: catalog.Key{Collection: s.collection, Item: catalog.ItemID(s.id)},
		Raw: a.docs.write(c, s, published),
		Projection: catalog.Projection{
			Time: catalog.Interval{Start: s.time, End: s.time}, Datetime: s.time,
			BBox: s.bbox, HasBBox: true, Footprint: s.footprint,
			CloudCover: s.cloud, GSD: c.gsd, Title: s.title, Platform: s.platform,
			Created: published, Updated: published,
		},
	}
}

// publishedAt returns when the item came into the archive: two days after the overpass.
func publishedAt(s *acquisition) time.Time { return s.time.Add(50 * time.Hour).Truncate(time.Second) }

func (d *documents) write(c *fixed, s *acquisition, published time.Time) []byte {
	b := make([]byte, 0, 1536+512*len(c.products))
	b = append(b, `{"type":"Feature","stac_version":"1.1.0","stac_extensions":`+c.extensions+`,"id":"`...)
	b = append(b, s.id...)
	b = append(b, `","collection":"`+string(c.id)+`","geometry":`...)
	b = append(b, s.geometryJSON...)
	b = append(b, `,"bbox":`+s.bboxJSON+`,"properties":{"datetime":"`...)
	b = s.time.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","title":"`...)
	b = append(b, s.title...)
	b = append(b, `","description":"Sample at one tenth of the real resolution: made pixels, not an image of the Earth."`...)
	b = append(b, `,"created":"`...)
	b = published.AppendFormat(b, time.RFC3339)
	b = append(b, `","updated":"`...)
	b = published.AppendFormat(b, time.RFC3339)
	b = append(b, `","platform":"`+s.platform+`","constellation":"`+c.constellation+`","instruments":["`+c.instrument+`"]`...)
	b = appendField(b, "gsd", c.gsd)
	b = appendField(b, "eo:cloud_cover", s.cloud)
	azimuth, elevation := scene.Sun(s.time, s.centre.X, s.centre.Y)
	b = appendField(b, "view:sun_azimuth", math.Round(azimuth*100)/100)
	b = appendField(b, "view:sun_elevation", math.Round(elevation*100)/100)
	b = appendField(b, "view:off_nadir", s.offNadir)
	if s.orbit > 0 {
		b = append(b, `,"sat:orbit_state":"descending"`...)
		b = appendField(b, "sat:relative_orbit", float64(s.orbit))
	}
	if s.square != "" {
		b = append(b, `,"grid:code":"MGRS-`+s.square+`"`...)
	}
	b = append(b, `,"proj:code":"EPSG:`...)
	b = strconv.AppendInt(b, int64(s.proj.EPSG()), 10)
	b = append(b, `","proj:bbox":`+s.projBBoxJSON...)
	b = append(b, `},"links":[{"rel":"collection","href":"../../`+string(c.id)+`","type":"application/json"},`...)
	b = append(b, c.licence...)
	b = append(b, `],"assets":{`...)
	for i, p := range c.products {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.heads[i]...)
		b = append(b, d.base...)
		b = append(b, objectKey(s, p)...)
		b = append(b, c.tails[i]...)
		if p.res > 0 {
			b = s.appendGrid(b, p.res)
		}
		b = append(b, '}')
	}
	return append(b, `}}`...)
}

// appendGrid appends where the pixels lie: proj:shape is height, width; proj:transform maps column and row to
// easting and northing.
func (f *frame) appendGrid(b []byte, res float64) []byte {
	w, h := f.size(res)
	b = append(b, `,"proj:shape":`...)
	b = appendNumbers(b, float64(h), float64(w))
	b = append(b, `,"proj:transform":`...)
	return appendNumbers(b, res, 0, f.west, 0, -res, f.north)
}

func appendField(b []byte, name string, v float64) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendNumber(b, v)
}
