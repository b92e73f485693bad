package present

import (
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// SelectMode says what a click does to the selection.
type SelectMode uint8

// The modes of a click.
const (
	SelectOnly   SelectMode = iota // a plain click
	SelectToggle                   // with Ctrl, or on the box
	SelectRange                    // with Shift
)

// Select acts on a row as a click on it would, and makes it current.
func (r *Results) Select(row int, mode SelectMode) {
	if row < 0 || row >= len(r.items) {
		return
	}
	key := r.items[row].Key
	switch mode {
	case SelectToggle:
		if r.selected[key] {
			delete(r.selected, key)
		} else {
			r.selected[key] = true
		}
		r.anchor = row
	case SelectRange:
		from := max(r.anchor, 0)
		clear(r.selected)
		for i := min(from, row); i <= max(from, row); i++ {
			r.selected[r.items[i].Key] = true
		}
	default:
		clear(r.selected)
		r.selected[key] = true
		r.anchor = row
	}
	r.current = row
	r.tellSelection()
}

// MakeCurrent moves the keyboard's row without touching the selection.
func (r *Results) MakeCurrent(row int) {
	if len(r.items) == 0 {
		return
	}
	r.current = min(max(row, 0), len(r.items)-1)
	r.tellSelection()
}

// SelectIDs selects the items that the map names; extend keeps those selected before. It returns the row to scroll to, or -1.
func (r *Results) SelectIDs(ids []string, extend bool) int {
	if !extend {
		clear(r.selected)
		r.current = -1
	}
	row := -1
	for _, id := range ids {
		i, ok := r.index[id]
		if !ok {
			continue
		}
		key := r.items[i].Key
		if extend && r.selected[key] {
			delete(r.selected, key)
			continue
		}
		r.selected[key] = true
		if row < 0 {
			row = i
		}
	}
	if row >= 0 {
		r.current, r.anchor = row, row
	}
	r.tellSelection()
	return row
}

// SelectAll selects every row that is loaded; SelectNone none.
func (r *Results) SelectAll() {
	for _, it := range r.items {
		r.selected[it.Key] = true
	}
	if r.current < 0 && len(r.items) > 0 {
		r.current = 0
	}
	r.tellSelection()
}

// SelectNone empties the selection and closes the detail.
func (r *Results) SelectNone() {
	clear(r.selected)
	r.current = -1
	r.tellSelection()
}

// Current returns the row that the detail shows, or -1.
func (r *Results) Current() int { return r.current }

// CurrentItem returns the item that the detail shows.
func (r *Results) CurrentItem() (catalog.Item, bool) {
	if r.current < 0 || r.current >= len(r.items) {
		return catalog.Item{}, false
	}
	return r.items[r.current], true
}

// Selection returns the selected items in the order of the list.
func (r *Results) Selection() []catalog.Item {
	out := make([]catalog.Item, 0, len(r.selected))
	if len(r.selected) == 0 {
		return out
	}
	for _, it := range r.items {
		if r.selected[it.Key] {
			out = append(out, it)
		}
	}
	return out
}

// SelectedIDs returns the ids that the map should show as selected.
func (r *Results) SelectedIDs() []string {
	out := make([]string, 0, len(r.selected))
	for k := range r.selected {
		out = append(out, k.String())
	}
	return out
}

// SetHover notes the item under the pointer, in the list or on the map; empty for none.
func (r *Results) SetHover(id string) {
	if id == r.hover {
		return
	}
	r.hover = id
	if r.OnSelection != nil {
		r.OnSelection()
	}
}

// Hover returns the id of the item under the pointer.
func (r *Results) Hover() string { return r.hover }

func (r *Results) tellSelection() {
	r.state.Selected = len(r.selected)
	if r.OnSelection != nil {
		r.OnSelection()
	}
}
