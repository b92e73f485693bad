package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/ui/mapview/raster"
)

// Colour names of our own, beside those of Fyne.
const (
	// colorPanel is the ground of a panel; colorBackground of Fyne is the ground between panels.
	colorPanel fyne.ThemeColorName = "dinamisPanel"
	// colorMuted is text of second rank, still at 4.5:1.
	colorMuted fyne.ThemeColorName = "dinamisMuted"
	// colorChip is the ground of a chip.
	colorChip fyne.ThemeColorName = "dinamisChip"
	// colorMark is the colour of what is selected, in the list as on the map.
	colorMark fyne.ThemeColorName = "dinamisMark"
	// colorMarkGround is the ground of a selected row.
	colorMarkGround fyne.ThemeColorName = "dinamisMarkGround"
	// colorHoverGround is the ground of the row under the pointer; colorSkeleton of what is still loading.
	colorHoverGround fyne.ThemeColorName = "dinamisHoverGround"
	colorSkeleton    fyne.ThemeColorName = "dinamisSkeleton"
	// colorWarnGround and colorErrorGround are the grounds of banners.
	colorWarnGround  fyne.ThemeColorName = "dinamisWarnGround"
	colorErrorGround fyne.ThemeColorName = "dinamisErrorGround"
	// colorTrack is the ground of a progress bar.
	colorTrack fyne.ThemeColorName = "dinamisTrack"
)

// palette is one variant of our theme.
type palette map[fyne.ThemeColorName]color.NRGBA

func rgb(hex uint32) color.NRGBA { return rgba(hex, 0xff) }

func rgba(hex uint32, alpha uint8) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: alpha}
}

// lightPalette and darkPalette keep text at 4.5:1 and controls at 3:1 against each ground that they appear on (WCAG 2.2 AA,
// § 1.4.3 and § 1.4.11); the test of this file computes it.
func lightPalette() palette {
	return palette{
		theme.ColorNameBackground: rgb(0xe9edf1), colorPanel: rgb(0xffffff), theme.ColorNameForeground: rgb(0x16202a),
		colorMuted: rgb(0x566472), theme.ColorNamePlaceHolder: rgb(0x66737f), theme.ColorNameDisabled: rgb(0x7f8b97),
		theme.ColorNamePrimary: rgb(0x12609f), theme.ColorNameForegroundOnPrimary: rgb(0xffffff), theme.ColorNameHyperlink: rgb(0x12609f),
		theme.ColorNameButton: rgb(0xeef1f4), theme.ColorNameDisabledButton: rgb(0xf0f2f5),
		theme.ColorNameHover: rgba(0x12609f, 0x18), theme.ColorNamePressed: rgba(0x12609f, 0x38), theme.ColorNameFocus: rgba(0x12609f, 0x30),
		theme.ColorNameSelection: rgba(0x12609f, 0x33), theme.ColorNameInputBackground: rgb(0xffffff), theme.ColorNameInputBorder: rgb(0x87939e),
		theme.ColorNameSeparator: rgb(0xdbe1e6), theme.ColorNameShadow: rgba(0x0b1620, 0x55), theme.ColorNameScrollBar: rgba(0x3c4a57, 0x80),
		theme.ColorNameScrollBarBackground: rgba(0, 0), theme.ColorNameMenuBackground: rgb(0xffffff), theme.ColorNameOverlayBackground: rgb(0xffffff),
		theme.ColorNameHeaderBackground: rgb(0xf4f6f8),
		theme.ColorNameSuccess:          rgb(0x1a7445), theme.ColorNameForegroundOnSuccess: rgb(0xffffff),
		theme.ColorNameWarning: rgb(0x8a5300), theme.ColorNameForegroundOnWarning: rgb(0xffffff),
		theme.ColorNameError: rgb(0xb3261e), theme.ColorNameForegroundOnError: rgb(0xffffff),
		colorChip: rgb(0xe9eef3), colorMark: rgb(0xd45500), colorMarkGround: rgb(0xfdefe3), colorHoverGround: rgb(0xf3f6f9),
		colorSkeleton: rgb(0xe6ebef), colorWarnGround: rgb(0xfff3da), colorErrorGround: rgb(0xfdeceb), colorTrack: rgb(0xdde3e9),
	}
}

func darkPalette() palette {
	return palette{
		theme.ColorNameBackground: rgb(0x0e141a), colorPanel: rgb(0x182028), theme.ColorNameForeground: rgb(0xe4eaf0),
		colorMuted: rgb(0x9dabb8), theme.ColorNamePlaceHolder: rgb(0x8d9ba8), theme.ColorNameDisabled: rgb(0x71808d),
		theme.ColorNamePrimary: rgb(0x64b1f4), theme.ColorNameForegroundOnPrimary: rgb(0x06131f), theme.ColorNameHyperlink: rgb(0x7dbef7),
		theme.ColorNameButton: rgb(0x27323d), theme.ColorNameDisabledButton: rgb(0x1f2832),
		theme.ColorNameHover: rgba(0x64b1f4, 0x20), theme.ColorNamePressed: rgba(0x64b1f4, 0x40), theme.ColorNameFocus: rgba(0x64b1f4, 0x3c),
		theme.ColorNameSelection: rgba(0x64b1f4, 0x44), theme.ColorNameInputBackground: rgb(0x111820), theme.ColorNameInputBorder: rgb(0x6a7885),
		theme.ColorNameSeparator: rgb(0x2b3641), theme.ColorNameShadow: rgba(0x000000, 0x70), theme.ColorNameScrollBar: rgba(0xa9b7c4, 0x80),
		theme.ColorNameScrollBarBackground: rgba(0, 0), theme.ColorNameMenuBackground: rgb(0x202a34), theme.ColorNameOverlayBackground: rgb(0x1c252e),
		theme.ColorNameHeaderBackground: rgb(0x1d2731),
		theme.ColorNameSuccess:          rgb(0x5cc98d), theme.ColorNameForegroundOnSuccess: rgb(0x04140b),
		theme.ColorNameWarning: rgb(0xeab04c), theme.ColorNameForegroundOnWarning: rgb(0x1a1002),
		theme.ColorNameError: rgb(0xff8a80), theme.ColorNameForegroundOnError: rgb(0x23090a),
		colorChip: rgb(0x2a3642), colorMark: rgb(0xffa03c), colorMarkGround: rgb(0x35291c), colorHoverGround: rgb(0x1f2933),
		colorSkeleton: rgb(0x242f3a), colorWarnGround: rgb(0x3a2e14), colorErrorGround: rgb(0x3b2021), colorTrack: rgb(0x2f3b47),
	}
}

// look is our theme: Fyne's icons and fonts, our colours and sizes.
type look struct {
	fyne.Theme
	forced      string // "light", "dark" or empty for the system's
	light, dark palette
}

// newLook returns the theme; forced is Settings.Theme.
func newLook(forced string) *look {
	return &look{Theme: theme.DefaultTheme(), forced: forced, light: lightPalette(), dark: darkPalette()}
}

func (l *look) variant(v fyne.ThemeVariant) fyne.ThemeVariant {
	switch l.forced {
	case "light":
		return theme.VariantLight
	case "dark":
		return theme.VariantDark
	}
	return v
}

// Color implements fyne.Theme.
func (l *look) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	v = l.variant(v)
	p := l.dark
	if v == theme.VariantLight {
		p = l.light
	}
	if c, ok := p[n]; ok {
		return c
	}
	return l.Theme.Color(n, v)
}

// Size implements fyne.Theme: a little denser than Fyne's, since this is a tool for a large screen.
func (l *look) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameText:
		return 13
	case theme.SizeNameCaptionText:
		return 11.5
	case theme.SizeNameSubHeadingText:
		return 15
	case theme.SizeNameHeadingText:
		return 19
	case theme.SizeNameInnerPadding:
		return 6
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameSplitThickness:
		return 6
	case theme.SizeNameScrollBar:
		return 10
	case theme.SizeNameButtonRadius, theme.SizeNameInputRadius, theme.SizeNamePopupRadius, theme.SizeNameMenuRadius:
		return 6
	case theme.SizeNameDialogRadius, theme.SizeNameCardRadius:
		return 10
	}
	return l.Theme.Size(n)
}

// mapPalette returns the colours of the map that go with the theme.
func (l *look) mapPalette(v fyne.ThemeVariant) raster.Palette {
	if l.variant(v) == theme.VariantLight {
		return raster.Light()
	}
	return raster.Dark()
}

// colorOf looks a colour up in the theme that is in force.
func colorOf(name fyne.ThemeColorName) color.Color {
	s := fyne.CurrentApp().Settings()
	return s.Theme().Color(name, s.ThemeVariant())
}

func sizeOf(name fyne.ThemeSizeName) float32 { return fyne.CurrentApp().Settings().Theme().Size(name) }
