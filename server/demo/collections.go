package demo

import (
	"encoding/json"
	"fmt"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/geo"
)

// about is what a person is told of a collection.
type about struct {
	id                 catalog.CollectionID
	title, description string
	keywords           []string
	licence            string // SPDX id, or "other"
	licenceTitle       string
	providers          []provider
}

type provider struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	URL   string   `json:"url"`
}

const sampleNote = " Sample archive: pixels are made, not measured, and stand at one tenth of the real resolution."

func abouts() []about {
	host := provider{"DINAMIS sample archive", []string{"host", "processor"}, "https://dinamis.data-terra.org"}
	return []about{
		{
			id: Sentinel2, title: "Sentinel-2 L2A (Theia)",
			description: "Surface reflectance of Sentinel-2 by MAJA over France: ten bands, masks of clouds, of water and snow, and of the edge of the swath." + sampleNote,
			keywords:    []string{"Sentinel-2", "MAJA", "surface reflectance", "THEIA", "France"},
			licence:     "etalab-2.0", licenceTitle: "Licence Ouverte / Open Licence 2.0",
			providers: []provider{
				{"ESA / Copernicus", []string{"producer", "licensor"}, "https://www.copernicus.eu"},
				{"CNES, THEIA", []string{"processor"}, "https://www.theia-land.fr"},
				host,
			},
		},
		{
			id: SPOT, title: "SPOT 6/7 DRS ortho",
			description: "Orthorectified SPOT 6 and 7 scenes over mainland France, one coverage a year: panchromatic and four bands (red, green, blue, near infrared)." + sampleNote,
			keywords:    []string{"SPOT 6", "SPOT 7", "very high resolution", "ortho", "DINAMIS", "France"},
			licence:     "other", licenceTitle: "DINAMIS charter: authorised institutional users",
			providers: []provider{
				{"Airbus Defence and Space", []string{"producer", "licensor"}, "https://www.airbus.com"},
				{"IGN, DINAMIS", []string{"processor"}, "https://dinamis.data-terra.org"},
				host,
			},
		},
		{
			id: SuperSentinel2, title: "Super-Sentinel-2 L2A",
			description: "Sentinel-2 enhanced to the resolution of SPOT over five sites: red, green, blue and near infrared." + sampleNote,
			keywords:    []string{"Sentinel-2", "super-resolution", "deep learning", "time series"},
			licence:     "etalab-2.0", licenceTitle: "Licence Ouverte / Open Licence 2.0",
			providers: []provider{
				{"ESA / Copernicus", []string{"producer", "licensor"}, "https://www.copernicus.eu"},
				{"INRAE, UMR TETIS", []string{"processor"}, "https://www.umr-tetis.fr"},
				host,
			},
		},
	}
}

type link struct {
	Rel   string `json:"rel"`
	Href  string `json:"href"`
	Type  string `json:"type"`
	Title string `json:"title,omitempty"`
}

// licenceFolder is the key prefix of the objects that hold the collections' terms of use.
const licenceFolder = "licences/"

func licenceLink(terms string, id catalog.CollectionID) link {
	for _, a := range abouts() {
		if a.id == id {
			return link{"license", terms + string(id) + ".txt", "text/plain", a.licenceTitle}
		}
	}
	return link{}
}

// Licence returns the terms of use that a collection's licence link leads to; empty for a collection that isn't in the archive.
func (a *Archive) Licence(id catalog.CollectionID) string { return licenceText(id) }

func licenceText(id catalog.CollectionID) string {
	for _, a := range abouts() {
		if a.id != id {
			continue
		}
		if id == SPOT {
			return a.title + "\n\n" + a.licenceTitle + ".\n\n" +
				"Images SPOT 6/7 : accès réservé aux utilisateurs institutionnels autorisés qui ont signé la charte DINAMIS.\n" +
				"SPOT 6/7 images: reserved to authorised institutional users who signed the DINAMIS charter.\n\n" +
				"The pixels of this sample archive are made by a program and are free of any right on real images.\n"
		}
		return a.title + "\n\n" + a.licenceTitle + ".\nhttps://spdx.org/licenses/etalab-2.0.html\n\n" +
			"The pixels of this sample archive are made by a program and are free of any right on real images.\n"
	}
	return ""
}

// Collections returns the collections, ordered by id, with extents that are true to the items.
func (a *Archive) Collections() []catalog.Collection {
	var out []catalog.Collection
	for _, ab := range abouts() {
		extent, times := a.extent(ab.id)
		out = append(out, catalog.Collection{
			ID: ab.id, Raw: json.RawMessage(marshal(a.collectionDocument(ab, extent, times))),
			Title: ab.title, Description: ab.description, License: ab.licence,
			LicenseHref: licenceLink(a.terms, ab.id).Href, Keywords: ab.keywords, Extent: extent, Time: times,
		})
	}
	return out
}

func (a *Archive) extent(id catalog.CollectionID) (geo.BBox, catalog.Interval) {
	box := geo.BBox{West: 180, South: 90, East: -180, North: -90}
	var times catalog.Interval
	for i := range a.scenes {
		s := &a.scenes[i]
		if s.collection != id {
			continue
		}
		box.West, box.South = min(box.West, s.bbox.West), min(box.South, s.bbox.South)
		box.East, box.North = max(box.East, s.bbox.East), max(box.North, s.bbox.North)
		if times.Start.IsZero() {
			times.Start = s.time
		}
		times.End = s.time
	}
	return box, times
}

func (a *Archive) collectionDocument(ab about, extent geo.BBox, times catalog.Interval) any {
	type object = map[string]any
	assets := object{}
	gsds, platforms := []float64{}, []string{}
	seen := map[string]bool{}
	for _, p := range products(ab.id) {
		asset := object{"title": p.title, "type": p.mediaType(), "roles": []string{p.role()}}
		if p.kind == kindPixels {
			var bands []object
			for _, b := range p.bands {
				bands = append(bands, object{
					"name": b.name, "eo:common_name": b.common,
					"eo:center_wavelength": b.centre, "eo:full_width_half_max": b.width,
				})
			}
			asset["bands"] = bands
			asset["description"] = fmt.Sprintf("Real product: %g m; here %g m", p.real, p.res)
		}
		if p.res > 0 {
			asset["gsd"] = p.res
			if !seen[fmt.Sprint(p.res)] {
				gsds = append(gsds, p.res)
				seen[fmt.Sprint(p.res)] = true
			}
		}
		assets[p.key] = asset
	}
	for i := range a.scenes {
		if s := &a.scenes[i]; s.collection == ab.id && !seen[s.platform] {
			platforms = append(platforms, s.platform)
			seen[s.platform] = true
		}
	}
	boxes := [][4]float64{extent.Array()}
	if ab.id == SuperSentinel2 {
		for _, st := range sites() {
			boxes = append(boxes, a.siteExtent(st).Array())
		}
	}
	stamp := func(t time.Time) string { return t.Format("2006-01-02T15:04:05.000Z") }
	return object{
		"type": "Collection", "stac_version": "1.1.0", "stac_extensions": []string{extEO, extProjection},
		"id": ab.id, "title": ab.title, "description": ab.description, "keywords": ab.keywords,
		"license": ab.licence, "providers": ab.providers,
		"extent": object{
			"spatial":  object{"bbox": boxes},
			"temporal": object{"interval": [][2]string{{stamp(times.Start), stamp(times.End)}}},
		},
		"summaries":   object{"gsd": gsds, "platform": platforms},
		"item_assets": assets,
		"links":       []link{licenceLink(a.terms, ab.id)},
	}
}

// siteExtent is the box that the images of a site fill: its own, moved outwards to whole pixels.
func (a *Archive) siteExtent(st site) geo.BBox {
	f, err := siteFrame(st)
	if err != nil {
		return st.bbox
	}
	return f.bbox
}

// marshal writes a document made of plain values, for which JSON cannot fail.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("demo: " + err.Error())
	}
	return string(b)
}
