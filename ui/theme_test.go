package ui

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// luminance is the relative luminance of WCAG 2.2.
func luminance(c color.NRGBA) float64 {
	f := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*f(c.R) + 0.7152*f(c.G) + 0.0722*f(c.B)
}

func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// Text has 4.5:1 on every ground that it appears on, and the marks and frames of controls 3:1 (WCAG 2.2 AA, § 1.4.3 and § 1.4.11).
func TestContrast(t *testing.T) {
	grounds := []fyne.ThemeColorName{
		colorPanel, colorChip, colorMarkGround, colorHoverGround, colorWarnGround, colorErrorGround, theme.ColorNameBackground,
		theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground, theme.ColorNameHeaderBackground, theme.ColorNameInputBackground, theme.ColorNameButton,
	}
	pairs := []struct {
		over, on fyne.ThemeColorName
		least    float64
	}{
		{theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary, 4.5},
		{theme.ColorNameForegroundOnError, theme.ColorNameError, 4.5},
		{theme.ColorNameForegroundOnSuccess, theme.ColorNameSuccess, 4.5},
		{theme.ColorNameForegroundOnWarning, theme.ColorNameWarning, 4.5},
		{theme.ColorNamePlaceHolder, theme.ColorNameInputBackground, 4.5},
		{theme.ColorNameInputBorder, colorPanel, 3},
		{theme.ColorNameInputBorder, theme.ColorNameOverlayBackground, 3},
		{colorMark, colorMarkGround, 3},
		{theme.ColorNameHyperlink, colorPanel, 4.5},
		{theme.ColorNameHyperlink, theme.ColorNameOverlayBackground, 4.5},
		{theme.ColorNamePrimary, colorTrack, 3},
		{theme.ColorNameSuccess, colorTrack, 3},
		{theme.ColorNameError, colorTrack, 3},
		{theme.ColorNameError, colorPanel, 4.5},
		{theme.ColorNameWarning, colorPanel, 3},
		{theme.ColorNameSuccess, colorPanel, 3},
		{theme.ColorNamePrimary, colorPanel, 3},
		{theme.ColorNameError, theme.ColorNameOverlayBackground, 4.5},
	}
	for name, p := range map[string]palette{"light": lightPalette(), "dark": darkPalette()} {
		for _, g := range grounds {
			for _, text := range []fyne.ThemeColorName{theme.ColorNameForeground, colorMuted} {
				if c := contrast(p[text], p[g]); c < 4.5 {
					t.Errorf("%s: %s on %s has %.2f:1, want 4.5", name, text, g, c)
				}
			}
		}
		for _, q := range pairs {
			if c := contrast(p[q.over], p[q.on]); c < q.least {
				t.Errorf("%s: %s on %s has %.2f:1, want %.1f", name, q.over, q.on, c, q.least)
			}
		}
	}
}

// Both variants name the same colours, and an own colour name never falls through to Fyne's theme.
func TestPalettesMatch(t *testing.T) {
	light, dark := lightPalette(), darkPalette()
	for n := range light {
		if _, ok := dark[n]; !ok {
			t.Errorf("dark lacks %s", n)
		}
	}
	if len(light) != len(dark) {
		t.Errorf("light names %d colours, dark %d", len(light), len(dark))
	}
}

func TestForcedVariant(t *testing.T) {
	for _, c := range []struct {
		forced string
		system fyne.ThemeVariant
		want   color.NRGBA
	}{
		{"", theme.VariantLight, lightPalette()[colorPanel]},
		{"", theme.VariantDark, darkPalette()[colorPanel]},
		{"light", theme.VariantDark, lightPalette()[colorPanel]},
		{"dark", theme.VariantLight, darkPalette()[colorPanel]},
	} {
		if got := newLook(c.forced).Color(colorPanel, c.system); got != color.Color(c.want) {
			t.Errorf("%q on a system with variant %d: %v", c.forced, c.system, got)
		}
	}
}
