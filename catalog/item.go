package catalog

import (
	"encoding/json"
	"time"

	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// Item is one STAC item: the document as the service sent it, and the narrow projection that is searched.
// It is immutable once made; ParseItem makes one.
type Item struct {
	Key Key
	// Raw is the whole document, byte for byte. It is nil in an answer that asked for the projection alone.
	Raw json.RawMessage
	Projection
}

// Projection is what is indexed of an item and what a list and a map need.
type Projection struct {
	// Time spans start_datetime to end_datetime, or is the instant of datetime at both ends.
	Time Interval
	// Datetime is the "datetime" property; zero where it is null.
	Datetime time.Time
	// BBox encloses the footprint, from the document or else computed. HasBBox is false for a null geometry.
	BBox    geo.BBox
	HasBBox bool
	// Footprint is the geometry in lon/lat degrees; empty where it is null.
	Footprint geom.Geometry
	// CloudCover is eo:cloud_cover in percent; NaN where absent.
	CloudCover float64
	// GSD is the ground sample distance in metres; NaN where absent.
	GSD float64
	// Title, Platform, Created and Updated are zero where absent.
	Title, Platform  string
	Created, Updated time.Time
}

// Asset is one file of an item.
type Asset struct {
	Key         string
	Href        string
	Title       string
	Description string
	MediaType   string
	Roles       []string
	// Size is file:size in bytes, or -1.
	Size int64
	// Checksum is file:checksum, a hexadecimal multihash; empty where absent.
	Checksum string
	// GSD in metres of this asset, or NaN.
	GSD float64
}

// Collection is one STAC collection: the document and what is shown of it.
type Collection struct {
	ID                 CollectionID
	Raw                json.RawMessage
	Title, Description string
	License            string // SPDX id, "proprietary" or "other"
	LicenseHref        string // of the first link with rel=license
	Keywords           []string
	Extent             geo.BBox
	Time               Interval
}
