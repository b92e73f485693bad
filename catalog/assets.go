package catalog

import (
	"errors"
	"math"
)

// Assets returns the files of an item in document order. An entry without an href is left out. KindInvalid if the
// item was asked for without its document.
func (it Item) Assets() ([]Asset, error) {
	if len(it.Raw) == 0 {
		return nil, &Error{Op: "read assets", Kind: KindInvalid, Key: it.Key.String(), Err: errors.New("the item was asked for without its document")}
	}
	var out []Asset
	at := map[string]int{}
	eachMember(member(it.Raw, "assets"), func(k, v []byte) {
		a := assetOf(k, v)
		if a.Href == "" {
			return
		}
		if i, again := at[a.Key]; again {
			out[i] = a
			return
		}
		at[a.Key] = len(out)
		out = append(out, a)
	})
	return out, nil
}

func assetOf(key, v []byte) Asset {
	a := Asset{Size: -1, GSD: math.NaN()}
	a.Key, _ = stringOf(key)
	eachMember(v, func(k, v []byte) {
		s, _ := stringOf(v)
		switch {
		case keyIs(k, "href"):
			a.Href = s
		case keyIs(k, "title"):
			a.Title = s
		case keyIs(k, "description"):
			a.Description = s
		case keyIs(k, "type"):
			a.MediaType = s
		case keyIs(k, "roles"):
			a.Roles = stringsOf(v)
		case keyIs(k, "file:checksum"):
			a.Checksum = s
		case keyIs(k, "file:size"):
			if f, ok := numberOf(v); ok && f >= 0 && f < 1<<53 {
				a.Size = int64(f)
			}
		case keyIs(k, "gsd"):
			a.GSD = numberOrNaN(v)
		}
	})
	return a
}
