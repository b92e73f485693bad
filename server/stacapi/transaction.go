package stacapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// Authorizer says whether a request may change a collection, which need not exist yet. A refusal is a *catalog.Error of
// KindUnauthorized (no login) or KindForbidden, whose message names the rule that is missing.
type Authorizer func(r *http.Request, collection catalog.CollectionID) error

// change lets a write through to f if it is allowed.
func (a *API) change(f func(http.ResponseWriter, *request) error) func(http.ResponseWriter, *request) error {
	return func(w http.ResponseWriter, r *request) error {
		if len(r.path) > 1 {
			if err := a.cfg.Authorize(r.Request, catalog.CollectionID(r.path[1])); err != nil {
				return err
			}
		}
		return f(w, r)
	}
}

// withWrites adds the methods of the transaction extension to a route.
func (a *API) withWrites(path []string, methods route) route {
	if a.cfg.Writer == nil || methods == nil || path == nil || path[0] != "collections" {
		return methods
	}
	switch {
	case len(path) == 1:
		methods[http.MethodPost] = a.createCollection
	case len(path) == 2:
		methods[http.MethodPut] = a.change(a.replaceCollection)
		methods[http.MethodDelete] = a.change(a.deleteCollection)
	case len(path) == 3 && path[2] == "items":
		methods[http.MethodPost] = a.change(a.createItems)
	case len(path) == 4 && path[2] == "items":
		methods[http.MethodPut] = a.change(a.replaceItem)
		methods[http.MethodPatch] = a.change(a.patchItem)
		methods[http.MethodDelete] = a.change(a.deleteItem)
	}
	return methods
}

// noContent answers a change that is done.
func noContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) created(w http.ResponseWriter, r *request, mediaType, location string, body []byte) error {
	w.Header().Set("Location", location)
	return a.replyStatus(w, r, http.StatusCreated, mediaType, body, false)
}

// unreadable says what is wrong with a document that was sent.
func unreadable(err error) error {
	status, code := http.StatusBadRequest, "InvalidParameterValue"
	if catalog.KindOf(err) == catalog.KindTooLarge {
		status, code = http.StatusRequestEntityTooLarge, "TooLarge"
	}
	var ce *catalog.Error
	if errors.As(err, &ce) && ce.Err != nil {
		err = ce.Err
	}
	return &httpError{status: status, code: code, msg: "body: " + err.Error()}
}

func (a *API) readCollection(r *request) (catalog.Collection, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return catalog.Collection{}, err
	}
	c, err := catalog.ParseCollection(raw)
	if err != nil {
		return c, unreadable(err)
	}
	return c, nil
}

func (a *API) createCollection(w http.ResponseWriter, r *request) error {
	c, err := a.readCollection(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Authorize(r.Request, c.ID); err != nil {
		return err
	}
	a.writes.Lock()
	defer a.writes.Unlock()
	if _, err := a.findCollection(r.Context(), string(c.ID)); err == nil {
		return &httpError{status: http.StatusConflict, code: "Conflict", msg: "collection " + string(c.ID) + " exists already; PUT replaces it"}
	} else if !isNotFound(err) {
		return err
	}
	if err := a.cfg.Writer.PutCollections(r.Context(), []catalog.Collection{c}); err != nil {
		return err
	}
	return a.created(w, r, typeJSON, collectionURL(r.base, c.ID), appendCollection(nil, r.base, c))
}

func isNotFound(err error) bool {
	var he *httpError
	return errors.As(err, &he) && he.status == http.StatusNotFound
}

func (a *API) replaceCollection(w http.ResponseWriter, r *request) error {
	c, err := a.readCollection(r)
	if err != nil {
		return err
	}
	if string(c.ID) != r.path[1] {
		return invalid("body", "its id %q is not the %q of the address", c.ID, r.path[1])
	}
	a.writes.Lock()
	defer a.writes.Unlock()
	old, err := a.findCollection(r.Context(), r.path[1])
	if err != nil {
		return err
	}
	if err := ifMatch(r, appendCollection(nil, r.base, old)); err != nil {
		return err
	}
	if err := a.cfg.Writer.PutCollections(r.Context(), []catalog.Collection{c}); err != nil {
		return err
	}
	return noContent(w)
}

func (a *API) deleteCollection(w http.ResponseWriter, r *request) error {
	a.writes.Lock()
	defer a.writes.Unlock()
	old, err := a.findCollection(r.Context(), r.path[1])
	if err != nil {
		return err
	}
	if err := ifMatch(r, appendCollection(nil, r.base, old)); err != nil {
		return err
	}
	if err := a.cfg.Writer.DeleteCollection(r.Context(), old.ID); err != nil {
		return err
	}
	return noContent(w)
}

// createItems takes an item, or a FeatureCollection of them, none of which may exist.
func (a *API) createItems(w http.ResponseWriter, r *request) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var kind struct{ Type string }
	_ = json.Unmarshal(raw, &kind) // what is no JSON is told by the parser below
	var items []catalog.Item
	if kind.Type == "FeatureCollection" {
		items, err = catalog.ParseItems(raw)
	} else {
		var it catalog.Item
		it, err = catalog.ParseItem(raw)
		items = []catalog.Item{it}
	}
	if err != nil {
		return unreadable(err)
	}
	for i := range items {
		if items[i], err = adopt(items[i], r.path[1]); err != nil {
			return err
		}
	}
	a.writes.Lock()
	defer a.writes.Unlock()
	if _, err := a.findCollection(r.Context(), r.path[1]); err != nil {
		return err
	}
	for _, it := range items {
		if _, err := a.cfg.Source.Item(r.Context(), it.Key); err == nil {
			return &httpError{status: http.StatusConflict, code: "Conflict", msg: "item " + it.Key.String() + " exists already; PUT replaces it"}
		} else if catalog.KindOf(err) != catalog.KindNotFound {
			return err
		}
	}
	if err := a.cfg.Writer.PutItems(r.Context(), items); err != nil {
		return err
	}
	if kind.Type == "FeatureCollection" {
		return a.created(w, r, typeJSON, collectionURL(r.base, catalog.CollectionID(r.path[1]))+"/items", []byte("{}"))
	}
	return a.created(w, r, typeGeoJSON, itemURL(r.base, items[0].Key), appendItem(nil, r.base, items[0]))
}

// adopt puts an item into the collection that the address names; an item may leave that out, but not name another.
func adopt(it catalog.Item, collection string) (catalog.Item, error) {
	switch string(it.Key.Collection) {
	case collection:
		return it, nil
	case "":
		if jsonscan.Get(it.Raw, "collection") == nil {
			return catalog.ParseItem(appendMember(bytes.Clone(it.Raw), "collection", string(jsonscan.AppendString(nil, collection))))
		}
	}
	return it, invalid("body", "item %q names collection %q, not the %q of the address", it.Key.Item, it.Key.Collection, collection)
}

// stored returns the item that the address names, having checked If-Match.
func (a *API) stored(r *request) (catalog.Item, error) {
	key := catalog.Key{Collection: catalog.CollectionID(r.path[1]), Item: catalog.ItemID(r.path[3])}
	it, err := a.cfg.Source.Item(r.Context(), key)
	if err != nil {
		if catalog.KindOf(err) == catalog.KindNotFound {
			err = notFound("there is no item %q in collection %q", r.path[3], r.path[1])
		}
		return it, err
	}
	return it, ifMatch(r, appendItem(nil, r.base, it))
}

func (a *API) replaceItem(w http.ResponseWriter, r *request) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return a.update(w, r, func(catalog.Item) ([]byte, error) { return raw, nil })
}

// patchItem applies a JSON merge patch (RFC 7396).
func (a *API) patchItem(w http.ResponseWriter, r *request) error {
	patch, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if t := bytes.TrimSpace(patch); !json.Valid(t) || t[0] != '{' {
		return invalid("body", "it must be a JSON object to merge into the item (RFC 7396)")
	}
	return a.update(w, r, func(old catalog.Item) ([]byte, error) { return mergePatch(nil, old.Raw, patch), nil })
}

func (a *API) update(w http.ResponseWriter, r *request, f func(old catalog.Item) ([]byte, error)) error {
	a.writes.Lock()
	defer a.writes.Unlock()
	old, err := a.stored(r)
	if err != nil {
		return err
	}
	raw, err := f(old)
	if err != nil {
		return err
	}
	it, err := catalog.ParseItem(raw)
	if err != nil {
		return unreadable(err)
	}
	if it, err = adopt(it, r.path[1]); err != nil {
		return err
	}
	if it.Key != old.Key {
		return invalid("body", "its id %q is not the %q of the address", it.Key.Item, old.Key.Item)
	}
	if err := a.cfg.Writer.PutItems(r.Context(), []catalog.Item{it}); err != nil {
		return err
	}
	return noContent(w)
}

func (a *API) deleteItem(w http.ResponseWriter, r *request) error {
	a.writes.Lock()
	defer a.writes.Unlock()
	it, err := a.stored(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Writer.DeleteItems(r.Context(), []catalog.Key{it.Key}); err != nil {
		return err
	}
	return noContent(w)
}

// ifMatch checks the If-Match header against what a GET would answer (RFC 9110 § 13.1.1).
func ifMatch(r *request, current []byte) error {
	if want := r.Header.Values("If-Match"); len(want) > 0 && !matches(want, etagOf(current)) {
		return &httpError{status: http.StatusPreconditionFailed, code: "PreconditionFailed", msg: "If-Match: it has changed since; read it again"}
	}
	return nil
}

// mergePatch appends doc with a merge patch applied (RFC 7396); what the patch doesn't name stays byte for byte.
func mergePatch(dst, doc, patch []byte) []byte {
	if t := bytes.TrimSpace(patch); len(t) == 0 || t[0] != '{' {
		return append(dst, t...)
	}
	if t := bytes.TrimSpace(doc); len(t) == 0 || t[0] != '{' {
		doc = []byte("{}")
	}
	changes := map[string][]byte{}
	var order []string
	jsonscan.EachMember(patch, 0, func(m jsonscan.Member) {
		name := nameOf(m.Key)
		if _, twice := changes[name]; !twice {
			order = append(order, name)
		}
		changes[name] = patch[m.Start:m.End]
	})
	dst = append(dst, '{')
	begin := len(dst)
	put := func(key []byte, value func([]byte) []byte) {
		if len(dst) > begin {
			dst = append(dst, ',')
		}
		dst = value(append(append(dst, key...), ':'))
	}
	had := map[string]bool{}
	jsonscan.EachMember(doc, 0, func(m jsonscan.Member) {
		name, value := nameOf(m.Key), doc[m.Start:m.End]
		change, ok := changes[name]
		had[name] = true
		switch {
		case !ok:
			put(m.Key, func(b []byte) []byte { return append(b, value...) })
		case string(change) != "null":
			put(m.Key, func(b []byte) []byte { return mergePatch(b, value, change) })
		}
	})
	for _, name := range order {
		if change := changes[name]; !had[name] && string(change) != "null" {
			put(jsonscan.AppendString(nil, name), func(b []byte) []byte { return mergePatch(b, nil, change) })
		}
	}
	return append(dst, '}')
}

func nameOf(key []byte) string {
	var s string
	if json.Unmarshal(key, &s) != nil {
		return strings.Trim(string(key), `"`)
	}
	return s
}
