package mapview

import (
	_ "embed" // for the icons
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

var (
	//go:embed icons/rectangle.svg
	rectangleSVG []byte
	//go:embed icons/polygon.svg
	polygonSVG []byte
	//go:embed icons/clear.svg
	clearSVG []byte
	//go:embed icons/fit.svg
	fitSVG []byte
)

// controls are the buttons on the map.
type controls struct {
	box                *fyne.Container
	grounds            []*canvas.Rectangle
	rectangle, polygon *control
	clear              *control
}

// control is a button with an icon, whose name the map shows beside it while the pointer or the focus is on it.
type control struct {
	widget.Button
	name  string
	onTip func(c *control, name string)
}

func newControl(m *Map, name string, icon fyne.Resource, tapped func()) *control {
	c := &control{name: name, onTip: m.setTip}
	c.Icon, c.Importance, c.OnTapped = icon, widget.LowImportance, tapped
	c.ExtendBaseWidget(c)
	return c
}

// MouseIn shows the name of the button.
func (c *control) MouseIn(e *desktop.MouseEvent) {
	c.Button.MouseIn(e)
	c.onTip(c, c.name)
}

// MouseOut hides the name of the button.
func (c *control) MouseOut() {
	c.Button.MouseOut()
	c.onTip(c, "")
}

// FocusGained shows the name of the button.
func (c *control) FocusGained() {
	c.Button.FocusGained()
	c.onTip(c, c.name)
}

// FocusLost hides the name of the button.
func (c *control) FocusLost() {
	c.Button.FocusLost()
	c.onTip(c, "")
}

func newControls(m *Map) *controls {
	icon := func(name string, svg []byte) fyne.Resource {
		return theme.NewThemedResource(fyne.NewStaticResource("map-"+name+".svg", svg))
	}
	l := m.opts.Labels
	c := &controls{
		rectangle: newControl(m, l.DrawRectangle, icon("rectangle", rectangleSVG), func() { m.toggle(ToolRectangle) }),
		polygon:   newControl(m, l.DrawPolygon, icon("polygon", polygonSVG), func() { m.toggle(ToolPolygon) }),
		clear:     newControl(m, l.ClearArea, icon("clear", clearSVG), m.ClearArea),
	}
	zoom := c.group(
		newControl(m, l.ZoomIn, theme.ContentAddIcon(), m.ZoomIn),
		newControl(m, l.ZoomOut, theme.ContentRemoveIcon(), m.ZoomOut),
		newControl(m, l.Fit, icon("fit", fitSVG), m.FitFootprints),
	)
	draw := c.group(c.rectangle, c.polygon, c.clear)
	c.clear.Disable()
	c.box = container.NewVBox(zoom, draw)
	c.refresh()
	return c
}

// group puts buttons on one rounded ground with a shadow.
func (c *controls) group(buttons ...fyne.CanvasObject) fyne.CanvasObject {
	ground := canvas.NewRectangle(color.Transparent)
	ground.CornerRadius = 8
	ground.Shadow = canvas.Shadow{Color: color.NRGBA{0, 0, 0, 0x50}, BlurRadius: 6, Offset: fyne.NewPos(0, 1)}
	c.grounds = append(c.grounds, ground)
	return container.NewStack(ground, container.New(&column{}, buttons...))
}

func (c *controls) refresh() {
	for _, g := range c.grounds {
		g.FillColor = theme.Color(theme.ColorNameOverlayBackground)
		g.Refresh()
	}
}

func (c *controls) setTool(t Tool) {
	for _, b := range [...]struct {
		*control
		tool Tool
	}{{c.rectangle, ToolRectangle}, {c.polygon, ToolPolygon}} {
		b.Importance = widget.LowImportance
		if b.tool == t {
			b.Importance = widget.HighImportance
		}
		b.Refresh()
	}
}

func (c *controls) setArea(some bool) {
	if some {
		c.clear.Enable()
	} else {
		c.clear.Disable()
	}
}

// column stacks square buttons without gaps.
type column struct{}

func (*column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	side := float32(0)
	for _, o := range objects {
		side = max(side, o.MinSize().Width, o.MinSize().Height)
	}
	return fyne.NewSize(side, side*float32(len(objects)))
}

func (*column) Layout(objects []fyne.CanvasObject, s fyne.Size) {
	side := s.Height / float32(max(len(objects), 1))
	for i, o := range objects {
		o.Resize(fyne.NewSize(s.Width, side))
		o.Move(fyne.NewPos(0, float32(i)*side))
	}
}

// toggle takes a tool, or puts it back when it is in hand already.
func (m *Map) toggle(t Tool) {
	if m.tool == t {
		t = ToolPan
	}
	m.SetTool(t)
}

// setTip shows the name of a control beside it; "" hides it.
func (m *Map) setTip(c *control, name string) {
	d := fyne.CurrentApp().Driver()
	m.pointer.tip = name
	m.pointer.tipAt = d.AbsolutePositionForObject(c).Subtract(d.AbsolutePositionForObject(m)).
		AddXY(c.Size().Width+theme.Padding()*2, 0)
	m.view.glass.update(m)
}
