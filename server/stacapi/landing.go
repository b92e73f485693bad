package stacapi

import (
	"encoding/json"
	"net/http"

	"github.com/planetlabs/go-stac"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// FreeTextAllWords is the conformance class of the q parameter here: one term, of which all words must occur.
const FreeTextAllWords = "https://forgemia.inra.fr/cdos-pub/dinamis-desktop/conf/free-text-all-words"

// conformsTo lists what holds. Drafts stand beside the final names where clients still look for those.
func (a *API) conformsTo() []string {
	const (
		api  = "https://api.stacspec.org/v1.0.0/"
		rc2  = "https://api.stacspec.org/v1.0.0-rc.2/"
		rc3  = "https://api.stacspec.org/v1.0.0-rc.3/"
		f1   = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
		f3   = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/"
		cql  = "http://www.opengis.net/spec/cql2/1.0/conf/"
		cql0 = "http://www.opengis.net/spec/cql2/0.0/conf/"
	)
	classes := []string{
		api + "core", api + "browseable", api + "collections", api + "ogcapi-features", api + "item-search",
		"https://api.stacspec.org/v1.0.0-rc.1/children",
		api + "item-search#sort", api + "item-search#fields", api + "item-search#query", api + "item-search#context",
		api + "ogcapi-features#sort", api + "ogcapi-features#fields", api + "ogcapi-features#query",
		api + "item-search#filter", rc2 + "item-search#filter", rc3 + "item-search#filter",
		f1 + "core", f1 + "geojson",
		f3 + "filter", f3 + "features-filter", f3 + "queryables",
		cql + "cql2-text", cql + "cql2-json", cql + "basic-cql2", cql + "advanced-comparison-operators",
		cql + "case-insensitive-comparison", cql + "accent-insensitive-comparison", cql + "basic-spatial-functions",
		cql + "basic-spatial-functions-plus", cql + "spatial-functions", cql + "temporal-functions", cql + "array-functions",
		cql + "property-property", cql + "arithmetic",
		cql + "basic-spatial-operators", cql + "spatial-operators", cql + "temporal-operators", cql + "array-operators",
		cql + "insensitive-comparison",
		cql0 + "cql2-text", cql0 + "cql2-json", cql0 + "basic-cql2",
		FreeTextAllWords,
	}
	if a.cfg.Writer != nil {
		classes = append(classes,
			api+"ogcapi-features/extensions/transaction", api+"collections/extensions/transaction",
			"http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/simpletx")
	}
	return classes
}

func (a *API) landing(w http.ResponseWriter, r *request) error {
	cs, err := a.cfg.Source.Collections(r.Context())
	if err != nil {
		return err
	}
	b := r.base
	doc := &stac.Catalog{
		Version: "1.1.0", Id: a.cfg.ID, Title: a.cfg.Title, Description: a.cfg.Description, ConformsTo: a.conformsTo(),
		Links: []*stac.Link{
			{Rel: "self", Href: r.self, Type: typeJSON},
			{Rel: "root", Href: b, Type: typeJSON},
			{Rel: "service-desc", Href: b + "/api", Type: typeOpenAPI, Title: "OpenAPI description"},
			{Rel: "service-doc", Href: b + "/api.html", Type: typeHTML, Title: "How to use this API"},
			{Rel: "conformance", Href: b + "/conformance", Type: typeJSON},
			{Rel: "http://www.opengis.net/def/rel/ogc/1.0/conformance", Href: b + "/conformance", Type: typeJSON},
			{Rel: "data", Href: b + "/collections", Type: typeJSON},
			{Rel: "http://www.opengis.net/def/rel/ogc/1.0/data", Href: b + "/collections", Type: typeJSON},
			{Rel: "children", Href: b + "/children", Type: typeJSON},
			{Rel: "search", Href: b + "/search", Type: typeGeoJSON, Method: http.MethodGet},
			{Rel: "search", Href: b + "/search", Type: typeGeoJSON, Method: http.MethodPost},
			{Rel: relQueryables, Href: b + "/queryables", Type: typeSchema, Title: "Queryables"},
		},
	}
	for _, c := range cs {
		doc.Links = append(doc.Links, &stac.Link{Rel: "child", Href: collectionURL(b, c.ID), Type: typeJSON, Title: c.Title})
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return a.reply(w, r, typeJSON, body, true)
}

func (a *API) conformance(w http.ResponseWriter, r *request) error {
	body, err := json.Marshal(map[string]any{"conformsTo": a.conformsTo()})
	if err != nil {
		return err
	}
	return a.reply(w, r, typeJSON, body, true)
}

func (a *API) collections(w http.ResponseWriter, r *request) error {
	return a.replyCollections(w, r, "collections")
}

func (a *API) children(w http.ResponseWriter, r *request) error {
	return a.replyCollections(w, r, "children")
}

func (a *API) replyCollections(w http.ResponseWriter, r *request, name string) error {
	cs, err := a.cfg.Source.Collections(r.Context())
	if err != nil {
		return err
	}
	b := append(jsonscan.AppendString([]byte{'{'}, name), ":["...)
	for i, c := range cs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCollection(b, r.base, c)
	}
	b = appendLinks(append(b, `],"links":`...), nil, []link{
		{Rel: "self", Href: r.selfWithQuery(), Type: typeJSON},
		rootLink(r),
		{Rel: "parent", Href: r.base, Type: typeJSON},
	})
	return a.reply(w, r, typeJSON, append(b, '}'), true)
}

func (a *API) collection(w http.ResponseWriter, r *request) error {
	c, err := a.findCollection(r.Context(), r.path[1])
	if err != nil {
		return err
	}
	return a.reply(w, r, typeJSON, appendCollection(nil, r.base, c), true)
}

// queryables describes what a filter can name (OGC API Features part 3, § 6.2), for one collection or all: what every item has,
// and what the summaries of the collections tell.
func (a *API) queryables(w http.ResponseWriter, r *request) error {
	var cs []catalog.Collection
	title := "Queryables"
	if len(r.path) > 1 {
		c, err := a.findCollection(r.Context(), r.path[1])
		if err != nil {
			return err
		}
		cs, title = []catalog.Collection{c}, "Queryables of "+r.path[1]
	} else {
		var err error
		if cs, err = a.cfg.Source.Collections(r.Context()); err != nil {
			return err
		}
	}
	props := baseQueryables()
	for _, c := range cs {
		addSummaries(props, c.Raw)
	}
	body, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2019-09/schema", "$id": r.selfWithQuery(), "type": "object",
		"title": title, "properties": props, "additionalProperties": true,
	})
	if err != nil {
		return err
	}
	return a.reply(w, r, typeSchema, body, true)
}
