// Package assets holds what the programs show and carry in themselves: icons and translations.
//
// Only data lives here, and the embed directives that name it. What is read from it, and how, is the business of the packages that
// use it. The base map is in assets/basemap.
package assets

import (
	"embed"
	"strings"
)

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

//go:embed licences/*.txt
var licences embed.FS

// Licences returns the licence of this program, of the base map, and of every Go module that is built in.
func Licences() string {
	var b strings.Builder
	for _, part := range []struct{ title, file string }{
		{"DINAMIS Desktop", "apache-2.0.txt"}, {"Natural Earth", "natural-earth.txt"}, {"Go modules", "third-party.txt"},
	} {
		text, err := licences.ReadFile("licences/" + part.file)
		if err != nil {
			panic("licence texts are part of the program: " + err.Error())
		}
		b.WriteString(part.title + "\n\n" + string(text) + "\n\n")
	}
	return b.String()
}
