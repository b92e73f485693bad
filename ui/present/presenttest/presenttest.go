// Package presenttest holds what the tests of the window and of its presenters share: a dispatcher that the test pumps, and fakes
// of the services. Only tests import it.
package presenttest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Pump is a Dispatcher whose functions run when the test says so, on the test's own goroutine.
type Pump struct {
	queue chan func()
}

// NewPump returns an empty pump.
func NewPump() *Pump { return &Pump{queue: make(chan func(), 10_000)} }

// Do implements present.Dispatcher.
func (p *Pump) Do(f func()) { p.queue <- f }

// Run runs what is waiting, and returns without waiting for more.
func (p *Pump) Run() {
	for {
		select {
		case f := <-p.queue:
			f()
		default:
			return
		}
	}
}

// Until runs functions as they come until ok is true. It fails the test after a long while, which only a hang reaches.
func (p *Pump) Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	hang := time.After(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		p.Run()
		if ok() {
			return
		}
		select {
		case f := <-p.queue:
			f()
		case <-tick.C:
		case <-hang:
			t.Fatalf("%s did not happen", what)
		}
	}
}

// Drain keeps the pump empty until stop is called, for goroutines that end after the test does not look any more.
func (p *Pump) Drain() (stop func()) {
	done := make(chan struct{})
	var once sync.Once
	go func() {
		for {
			select {
			case f := <-p.queue:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() { once.Do(func() { close(done) }) }
}

// Item returns a small valid item with two data files and a thumbnail, at a place and day that depend on n.
func Item(n int) catalog.Item {
	lon, lat := float64(n%10)-2, 43+float64(n/10%7)
	raw := fmt.Sprintf(`{"type":"Feature","stac_version":"1.1.0","id":"SPOT6_%04d","collection":"spot-6-7-drs",
"stac_extensions":["https://stac-extensions.github.io/eo/v2.0.0/schema.json"],
"geometry":{"type":"Polygon","coordinates":[[[%[2]g,%[3]g],[%[4]g,%[3]g],[%[4]g,%[5]g],[%[2]g,%[5]g],[%[2]g,%[3]g]]]},
"bbox":[%[2]g,%[3]g,%[4]g,%[5]g],
"properties":{"datetime":"2022-07-%02[6]dT10:02:03Z","eo:cloud_cover":%[7]g,"gsd":1.5,"platform":"SPOT-6","view:sun_elevation":58.25,
"proj:code":"EPSG:2154","proj:shape":[40012,38670],"custom:note":"kept"},
"links":[{"rel":"license","href":"https://example.org/licence","title":"DINAMIS charter"}],
"assets":{
"src_xs":{"href":"https://s3.example.org/b/%[1]d_xs.tif","type":"image/tiff; application=geotiff; profile=cloud-optimized","title":"Multispectral",
"roles":["data"],"file:size":800000000,"file:checksum":"1220aa","gsd":6,
"bands":[{"name":"B1","eo:common_name":"red","eo:center_wavelength":0.66},{"name":"B4","eo:common_name":"nir","eo:center_wavelength":0.825}]},
"src_pan":{"href":"https://s3.example.org/b/%[1]d_pan.tif","type":"image/tiff; application=geotiff; profile=cloud-optimized","roles":["data"],"file:size":3100000000},
"thumbnail":{"href":"https://s3.example.org/b/%[1]d.png","type":"image/png","roles":["thumbnail"]}}}`,
		n, lon, lat, lon+0.7, lat+0.5, n%28+1, float64(n%50))
	it, err := catalog.ParseItem([]byte(raw))
	if err != nil {
		panic(err) // the template above is wrong
	}
	return it
}

// Items returns n items.
func Items(n int) []catalog.Item {
	out := make([]catalog.Item, n)
	for i := range out {
		out[i] = Item(i)
	}
	return out
}
