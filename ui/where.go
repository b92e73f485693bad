package ui

import (
	"context"
	"maps"
	"slices"

	"fyne.io/fyne/v2"
)

// Place is where a widget stands in the window, in canvas pixels (device-independent), its top left corner first.
type Place struct{ X, Y, Width, Height float32 }

// place gives a widget a name for Where. The function may return nil for a widget that is not there just now.
func (s *Shell) place(name string, o func() fyne.CanvasObject) { s.places[name] = o }

// placed names an object that stays, and returns it.
func placed[T fyne.CanvasObject](s *Shell, name string, o T) T {
	s.place(name, func() fyne.CanvasObject { return o })
	return o
}

// Where returns the place of a widget by its name: "login", "search", "results.row.0", "download", "map", "tool.rectangle" and
// so on; PlaceNames lists them. False if there is none, or it can't be seen.
func (s *Shell) Where(name string) (Place, bool) {
	f, ok := s.places[name]
	if !ok {
		if p, ok := s.list.rowPlace(name); ok {
			return p, true
		}
		return s.transfer.rowPlace(name)
	}
	return s.placeOf(f())
}

func (s *Shell) placeOf(o fyne.CanvasObject) (Place, bool) {
	if o == nil || !o.Visible() || o.Size().IsZero() {
		return Place{}, false
	}
	d := s.app.Driver()
	c := d.CanvasForObject(o)
	if c == nil {
		return Place{}, false
	}
	pos, size := d.AbsolutePositionForObject(o), o.Size()
	bounds := c.Size()
	if pos.X+size.Width <= 0 || pos.Y+size.Height <= 0 || pos.X >= bounds.Width || pos.Y >= bounds.Height {
		return Place{}, false
	}
	return Place{X: pos.X, Y: pos.Y, Width: size.Width, Height: size.Height}, true
}

// PlaceNames lists the names that Where knows, apart from those of rows.
func (s *Shell) PlaceNames() []string { return slices.Sorted(maps.Keys(s.places)) }

// Places returns the place of everything that has a name and can be seen, rows included. It may be called from any goroutine: tests
// that drive the window from outside ask it.
func (s *Shell) Places(ctx context.Context) (map[string]Place, error) {
	answer := make(chan map[string]Place, 1)
	s.svc.Dispatch(func() {
		out := map[string]Place{}
		for name := range s.places {
			if p, ok := s.Where(name); ok {
				out[name] = p
			}
		}
		s.list.addRowPlaces(out)
		s.transfer.addRowPlaces(out)
		answer <- out
	})
	select {
	case out := <-answer:
		return out, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
