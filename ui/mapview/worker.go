package mapview

import (
	"image"
	"log/slog"
	"math"
	"sync"

	"fyne.io/fyne/v2"
	"github.com/peterstace/simplefeatures/geom"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets/basemap"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// A picture is larger than the view in each direction, so that a drag has something to show: by oversizeMost, or by less
// where the view is so large that pictures of more than fullPixels would take too much memory and time.
const (
	oversizeMost, oversizeLeast = 1.5, 1.15
	fullPixels                  = 5e6
)

// oversize returns how many times as long as the view the sides of its picture are.
func oversize(view fyne.Size, scale float64) float64 {
	px := float64(view.Width) * float64(view.Height) * scale * scale
	return min(max(math.Sqrt(fullPixels/max(px, 1)), oversizeLeast), oversizeMost)
}

// picture is a finished image of the map, and the camera that it was taken with. The UI goroutine owns it from its
// delivery until it gives the image back.
type picture struct {
	img        *image.RGBA
	cam        camera
	scale      float64
	footprints *raster.Footprints
}

// order asks the worker for a picture. It is a snapshot: nothing in it changes afterwards.
type order struct {
	cam        camera
	scale      float64 // pixels per point
	palette    raster.Palette
	language   string
	footprints []Footprint
	revision   int // of footprints
	selection  []string
	hover      string
	area       geom.Geometry
}

// worker draws pictures on a goroutine of its own. Of several orders only the last is carried out.
type worker struct {
	deliver func(picture) // called on the worker's goroutine
	fonts   raster.Fonts

	mu   sync.Mutex
	next *order

	wake chan struct{}
	free chan *image.RGBA
	quit chan struct{}
	once sync.Once
	done sync.WaitGroup

	bases [3]*raster.Base // guarded by mu
}

// pool is how many images there are: one shown, one on its way, one being drawn.
const pool = 3

func startWorker(fonts raster.Fonts, deliver func(picture)) *worker {
	w := &worker{
		deliver: deliver, fonts: fonts,
		wake: make(chan struct{}, 1), free: make(chan *image.RGBA, pool), quit: make(chan struct{}),
	}
	for range pool {
		w.free <- nil
	}
	w.done.Go(w.run)
	w.done.Go(w.loadBases)
	return w
}

// stop ends the goroutines. It doesn't wait: a base map that is being decoded ends on its own.
func (w *worker) stop() { w.once.Do(func() { close(w.quit) }) }

// submit replaces the waiting order, if any.
func (w *worker) submit(o order) {
	w.mu.Lock()
	w.next = &o
	w.mu.Unlock()
	w.poke()
}

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// giveBack returns the image of a picture that is no longer shown.
func (w *worker) giveBack(img *image.RGBA) {
	select {
	case w.free <- img:
	default:
	}
}

// loadBases decodes the base maps from coarse to fine; each is drawn as soon as it is there.
func (w *worker) loadBases() {
	for _, level := range []basemap.Level{basemap.Coarse, basemap.Medium, basemap.Fine} {
		select {
		case <-w.quit:
			return
		default:
		}
		b, err := raster.LoadBase(level)
		if err != nil {
			// The map goes on with the levels that it has: footprints matter more than the ground below them.
			slog.Error("base map is damaged", "level", level.String(), "error", err)
			continue
		}
		w.mu.Lock()
		w.bases[level] = b
		w.mu.Unlock()
		w.poke()
	}
}

// base returns the wanted level, or the best that is there.
func (w *worker) base(level basemap.Level) *raster.Base {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := int(level); l >= 0; l-- {
		if b := w.bases[l]; b != nil {
			return b
		}
	}
	return nil
}

func (w *worker) run() {
	renderer, err := raster.NewRenderer(w.fonts)
	if err != nil {
		slog.Error("font of the map cannot be read, another is used", "error", err)
		if renderer, err = raster.NewRenderer(raster.Fonts{}); err != nil {
			return
		}
	}
	var last *order
	var shapes *raster.Footprints
	var drawnBase *raster.Base
	revision := -1
	for {
		select {
		case <-w.quit:
			return
		case <-w.wake:
		}
		w.mu.Lock()
		o := w.next
		w.next = nil
		w.mu.Unlock()
		fresh := o != nil
		if !fresh {
			// Woken by a new base map.
			if o = last; o == nil {
				continue
			}
		}
		last = o
		s := o.scene()
		s.Base = w.base(raster.LevelFor(s.View))
		if !fresh && s.Base == drawnBase {
			continue
		}
		drawnBase = s.Base
		if revision != o.revision {
			shapes, revision = project(o.footprints), o.revision
		}
		s.Footprints = shapes
		var img *image.RGBA
		select {
		case <-w.quit:
			return
		case img = <-w.free:
		}
		w.deliver(picture{img: renderer.Render(img, s), cam: o.cam, scale: o.scale, footprints: shapes})
	}
}

func project(list []Footprint) *raster.Footprints {
	out := make([]raster.Footprint, len(list))
	for i, f := range list {
		out[i] = raster.Footprint(f)
	}
	return raster.NewFootprints(out)
}

// scene translates an order for the renderer, without base and footprints.
func (o order) scene() raster.Scene {
	grow := oversize(o.cam.size, o.scale) * o.scale
	return raster.Scene{
		View: raster.View{
			X: o.cam.x, Y: o.cam.y, Zoom: o.cam.zoom, Scale: o.scale,
			Width:  int(math.Ceil(float64(o.cam.size.Width) * grow)),
			Height: int(math.Ceil(float64(o.cam.size.Height) * grow)),
		},
		Palette: o.palette, Graticule: true, Language: o.language,
		Selection: o.selection, Hover: o.hover, Area: o.area,
	}
}
