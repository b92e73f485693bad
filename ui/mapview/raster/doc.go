// Package raster draws maps into images in software: base map, graticule, footprints, area of interest and names.
//
// It takes an immutable Scene and returns pixels. It knows no widgets, no events and no network, and doesn't import Fyne,
// so that everything that can be seen on the map is tested without a window.
//
// Layers, from below: sea and land (later: imagery tiles over them), graticule, coast and borders, footprints (later:
// previews of pixels under them), selection and hover, names, area of interest.
package raster
