// Package assets holds what the programs show and carry in themselves: icons and translations.
//
// Only data lives here, and the embed directives that name it. What is read from it, and how, is the business of the packages that
// use it. The base map is in assets/basemap.
package assets

import "embed"

// AppIcon is the icon of the application: 512 × 512 PNG. AppIconSVG is the drawing that it was made from.
var (
	//go:embed icons/app.png
	AppIcon []byte
	//go:embed icons/app.svg
	AppIconSVG []byte
)

// Icons holds the monochrome symbols of the window, icons/<name>.svg, 24 × 24 units, black on nothing.
//
//go:embed icons/*.svg
var Icons embed.FS

// Translations holds translations/<language>.json: English source text to text, or to {"one": …, "other": …} where it
// depends on a number.
//
//go:embed translations/*.json
var Translations embed.FS
