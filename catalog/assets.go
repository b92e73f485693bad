package catalog

import (
	"errors"
	"math"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// Assets returns the files of an item in document order. An entry without an href is left out. KindInvalid if the
// item was asked for without its document.
func (it Item) Assets() ([]Asset, error) {
	if len(it.Raw) == 0 {
		return nil, &Error{Op: "read assets", Kind: KindInvalid, Key: it.Key.String(), Err: errors.New("the item was asked for without its document")}
	}
	var out []Asset
	at := map[string]int{}
	eachMember(jsonscan.Get(it.Raw, "assets"), func(k, v []byte) {
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
	a.Key, _ = jsonscan.StringOf(key)
	eachMember(v, func(k, v []byte) {
		s, _ := jsonscan.StringOf(v)
		switch {
		case jsonscan.KeyIs(k, "href"):
			a.Href = s
		case jsonscan.KeyIs(k, "title"):
			a.Title = s
		case jsonscan.KeyIs(k, "description"):
			a.Description = s
		case jsonscan.KeyIs(k, "type"):
			a.MediaType = s
		case jsonscan.KeyIs(k, "roles"):
			a.Roles = stringsOf(v)
		case jsonscan.KeyIs(k, "file:checksum"):
			a.Checksum = s
		case jsonscan.KeyIs(k, "file:size"):
			if f, ok := numberOf(v); ok && f >= 0 && f < 1<<53 {
				a.Size = int64(f)
			}
		case jsonscan.KeyIs(k, "gsd"):
			a.GSD = numberOrNaN(v)
		}
	})
	return a
}
