package workstation

import (
	"slices"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/download"
)

// Requests turns an item's assets into download requests: those of the keys named, or where none is named those with the role
// data, or all where none has it. The thumbnail and metadata come only by name.
func Requests(connection string, item catalog.Item, keys []string, dir string) ([]download.Request, error) {
	assets, err := item.Assets()
	if err != nil {
		return nil, err
	}
	isData := func(a catalog.Asset) bool { return slices.Contains(a.Roles, "data") }
	anyData := slices.ContainsFunc(assets, isData)
	var out []download.Request
	for _, a := range assets {
		switch {
		case len(keys) > 0:
			if !slices.Contains(keys, a.Key) {
				continue
			}
		case anyData && !isData(a):
			continue
		}
		out = append(out, download.Request{
			Connection: connection, Href: a.Href,
			Collection: string(item.Key.Collection), Item: string(item.Key.Item), Asset: a.Key,
			Title: a.Title, Dir: dir, Size: a.Size, Checksum: a.Checksum, MediaType: a.MediaType,
		})
	}
	return out, nil
}
