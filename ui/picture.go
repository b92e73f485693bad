package ui

import (
	"image"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/present"
)

// load shows the picture of an item from a cache, now or when it comes. A picture that comes for an item that this widget doesn't
// show any more, since its row was recycled, is dropped; the wish for it is taken back when the row changes.
func (p *picture) load(thumbs *present.Thumbs, item catalog.Item) {
	id := item.Key.String()
	if id == p.id {
		return
	}
	if p.id != "" {
		thumbs.Forget(p.id)
	}
	p.id = id
	img, here := thumbs.Get(item, func(img image.Image) {
		if p.id == id {
			p.set(img, true)
		}
	})
	p.set(img, here)
}

func (p *picture) set(img image.Image, known bool) {
	if img == nil {
		p.img.Hide()
		show(p.sign, known)
		return
	}
	p.sign.Hide()
	p.img.Image = img
	p.img.Show()
	p.img.Refresh()
}
