package stacapi

import (
	"encoding/json"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// fieldSet is what the fields extension asks for: a tree of names to keep and one of names to leave out.
type fieldSet struct {
	include, exclude fieldTree // include is nil when everything is kept
}

// fieldTree maps a name to what lies below; an empty tree means all of it.
type fieldTree map[string]fieldTree

func (t fieldTree) add(path string) {
	for {
		name, rest, deeper := strings.Cut(path, ".")
		sub, ok := t[name]
		if ok && len(sub) == 0 {
			return // all of it is named already
		}
		if !deeper {
			t[name] = fieldTree{}
			return
		}
		if !ok {
			sub = fieldTree{}
			t[name] = sub
		}
		t, path = sub, rest
	}
}

// defaultFields are those of the fields extension, § "Include/Exclude Semantics": without them it would not be an item.
func defaultFields() []string {
	return []string{"type", "stac_version", "id", "geometry", "bbox", "links", "assets", "properties.datetime", "collection"}
}

// newFieldSet follows the extension: nothing named gives the default set; excludes alone take from everything; with an
// include that is empty but named, excludes take from the default set; what is included wins over what is excluded.
func newFieldSet(include, exclude []string, included bool) *fieldSet {
	f := &fieldSet{exclude: fieldTree{}}
	if len(include) > 0 || included || len(exclude) == 0 {
		f.include = fieldTree{}
	}
	keep := map[string]bool{"id": true, "collection": true}
	if f.include != nil {
		f.include.add("id")
		f.include.add("collection")
	}
	if len(include) == 0 && f.include != nil {
		for _, name := range defaultFields() {
			f.include.add(name)
		}
	}
	for _, name := range include {
		keep[name] = true
		f.include.add(name)
	}
	for _, name := range exclude {
		if !keep[name] && name != "" {
			f.exclude.add(name)
		}
	}
	return f
}

// fieldsText reads "id,+properties.platform,-geometry".
func fieldsText(s string) (*fieldSet, error) {
	var include, exclude []string
	for f := range strings.SplitSeq(s, ",") {
		f = strings.TrimSpace(f)
		if name, ok := strings.CutPrefix(f, "-"); ok {
			exclude = append(exclude, name)
		} else if name := strings.TrimPrefix(f, "+"); name != "" {
			include = append(include, name)
		}
	}
	return newFieldSet(include, exclude, false), nil
}

// fieldsJSON reads {"include": […], "exclude": […]}.
func fieldsJSON(raw json.RawMessage) (*fieldSet, error) {
	var o *struct{ Include, Exclude *[]string }
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return nil, invalid("fields", `it must be an object {"include": [names], "exclude": [names]}`)
	}
	var include, exclude []string
	if o.Include != nil {
		include = *o.Include
	}
	if o.Exclude != nil {
		exclude = *o.Exclude
	}
	return newFieldSet(include, exclude, o.Include != nil), nil
}

// appendTo appends the members of doc that the set keeps; the values stay byte for byte.
func (f *fieldSet) appendTo(dst, doc []byte) []byte {
	return project(dst, doc, f.include, f.exclude)
}

// project appends an object without what include doesn't name (nil names everything) and what exclude names.
func project(dst, doc []byte, include, exclude fieldTree) []byte {
	dst = append(dst, '{')
	first := true
	jsonscan.EachMember(doc, 0, func(m jsonscan.Member) {
		var name string
		if json.Unmarshal(m.Key, &name) != nil {
			return
		}
		var sub fieldTree
		if include != nil {
			s, ok := include[name]
			if !ok {
				return
			}
			if len(s) > 0 {
				sub = s
			}
		}
		without, excluded := exclude[name]
		if excluded && len(without) == 0 && sub == nil {
			return
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, m.Key...), ':')
		value := doc[m.Start:m.End]
		if len(value) > 0 && value[0] == '{' && (sub != nil || len(without) > 0) {
			dst = project(dst, value, sub, without)
		} else {
			dst = append(dst, value...)
		}
	})
	return append(dst, '}')
}
