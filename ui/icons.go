package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets"
)

// icon returns one of our symbols, in the colour of the theme. A name that does not exist is a mistake of ours, which the
// test of this file finds; the window then shows Fyne's sign for a broken picture.
func icon(name string) fyne.Resource {
	file := "icons/" + name + ".svg"
	b, err := assets.Icons.ReadFile(file)
	if err != nil {
		return theme.BrokenImageIcon()
	}
	return theme.NewThemedResource(fyne.NewStaticResource(name+".svg", b))
}

// AppIcon is the icon of the application and of its windows.
func AppIcon() fyne.Resource { return fyne.NewStaticResource("app.png", assets.AppIcon) }
