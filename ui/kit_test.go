package ui

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
)

// The small parts, as Fyne would draw them, in both variants.
func TestKitLooksAsBefore(t *testing.T) {
	app := test.NewTempApp(t)
	for _, variant := range []string{"light", "dark"} {
		app.Settings().SetTheme(newLook(variant))
		progress := newBar()
		progress.Set(0.25, theme.ColorNamePrimary)
		w := test.NewTempWindow(t, vbox(6, strong("SPOT6_MS_202207270958074", cutNever), newChip("etalab-2.0"), progress, pair("Cloud cover", "7.5%"), newDot(theme.ColorNameSuccess, 9)))
		w.Resize(fyne.NewSize(260, 160))
		test.AssertRendersToMarkup(t, "kit-"+variant+".xml", w.Canvas())
	}
}

func TestShorten(t *testing.T) {
	test.NewTempApp(t)
	style := fyne.TextStyle{}
	whole := "SPOT6_MS_202207270958074_SPOT6_P_202207270958074"
	width := fyne.MeasureText(whole, 13, style).Width
	for _, c := range []cut{cutEnd, cutMiddle} {
		for share := float32(0.1); share < 1; share += 0.1 {
			s := shorten(whole, width*share, 13, style, c)
			if got := fyne.MeasureText(s, 13, style).Width; got > width*share {
				t.Errorf("%q is %g wide, in %g", s, got, width*share)
			}
		}
		if s := shorten(whole, width, 13, style, c); s != whole {
			t.Errorf("%q was cut without need", s)
		}
	}
	if s := shorten(whole, width/2, 13, style, cutMiddle); s[:5] != "SPOT6" || s[len(s)-3:] != "074" {
		t.Errorf("%q lost an end", s)
	}
}

// Rows that lie recycled while the theme changes are repainted when they come back.
func TestRecycledRowsFollowTheTheme(t *testing.T) {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(newLook("light"))
	label := strong("x", cutNever)
	drawn := test.WidgetRenderer(label).(*textRenderer)
	app.Settings().SetTheme(newLook("dark"))
	s, seen := &Shell{epoch: 1}, 0
	s.repaint(&seen, vbox(0, label))
	if drawn.line.Color != colorOf(theme.ColorNameForeground) || seen != 1 {
		t.Error("a recycled row keeps the colours of the theme before")
	}
}
