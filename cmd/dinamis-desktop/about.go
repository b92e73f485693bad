package main

import (
	"fmt"
	"runtime"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/assets"
)

// about is what stands under the program's name.
func about() string {
	return fmt.Sprintf("%s (%s/%s, %s) · Apache-2.0", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// licences is the text of our licence and of those of what is built in.
func licences() string { return assets.Licences() }
