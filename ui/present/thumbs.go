package present

import (
	"container/list"
	"context"
	"image"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

const (
	thumbCache   = 600 // pictures kept; at 96 pixels about 36 kB each
	thumbWorkers = 4
)

// Thumbs fetches the pictures that the rows on screen need, a few at a time, and keeps the latest ones.
type Thumbs struct {
	do     Dispatcher
	source Thumbnails
	size   int
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}

	cache map[string]*list.Element
	order *list.List // front is the latest used
	want  map[string]*thumbWant
}

type thumb struct {
	id  string
	img image.Image // nil: the item has none
}

type thumbWant struct {
	cancel context.CancelFunc
	then   []func(image.Image)
}

// NewThumbs returns a cache of pictures of at most size pixels.
func NewThumbs(do Dispatcher, size int) *Thumbs {
	t := &Thumbs{do: do, size: size, slots: make(chan struct{}, thumbWorkers)}
	t.SetSource(nil)
	return t
}

// SetSource forgets all pictures and fetches from another source from now on.
func (t *Thumbs) SetSource(s Thumbnails) {
	if t.cancel != nil {
		t.cancel()
	}
	t.source = s
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.cache, t.order, t.want = map[string]*list.Element{}, list.New(), map[string]*thumbWant{}
}

// Get returns the picture of an item if it is here (nil for an item without one). Else it is fetched, and then called once it
// came; Forget with the same id takes the wish back.
func (t *Thumbs) Get(item catalog.Item, then func(image.Image)) (image.Image, bool) {
	id := item.Key.String()
	if e, ok := t.cache[id]; ok {
		t.order.MoveToFront(e)
		return e.Value.(thumb).img, true
	}
	if t.source == nil {
		return nil, true
	}
	if w, ok := t.want[id]; ok {
		w.then = append(w.then, then)
		return nil, false
	}
	ctx, cancel := context.WithTimeout(t.ctx, 30*time.Second)
	w := &thumbWant{cancel: cancel, then: []func(image.Image){then}}
	t.want[id] = w
	source, slots, size := t.source, t.slots, t.size
	go func() {
		defer cancel()
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return
		}
		img, err := source.Thumbnail(ctx, item, size)
		t.do(func() { t.came(id, w, img, err) })
	}()
	return nil, false
}

func (t *Thumbs) came(id string, w *thumbWant, img image.Image, err error) {
	if t.want[id] != w {
		return // nobody wants it any more, or another catalogue is open
	}
	delete(t.want, id)
	if err != nil {
		img = nil
	}
	// A failure that may pass is not remembered: the row asks again when it is shown next.
	if err == nil || catalog.KindOf(err) == catalog.KindNotFound {
		t.cache[id] = t.order.PushFront(thumb{id, img})
		for t.order.Len() > thumbCache {
			last := t.order.Back()
			delete(t.cache, t.order.Remove(last).(thumb).id)
		}
	}
	for _, f := range w.then {
		f(img)
	}
}

// Forget takes back the wish for a picture that scrolled out of sight.
func (t *Thumbs) Forget(id string) {
	if w, ok := t.want[id]; ok {
		w.cancel()
		delete(t.want, id)
	}
}

// Close stops all fetches.
func (t *Thumbs) Close() { t.cancel() }
