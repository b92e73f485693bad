package downloadtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

func get(t *testing.T, url string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	resp, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

func TestASoundStore(t *testing.T) {
	s := New()
	defer s.Close()
	o := s.Put("a.tif", 1000)
	other := New()
	defer other.Close()
	if again := other.Put("a.tif", 1000); !bytes.Equal(again.Data, o.Data) || again.ETag != o.ETag {
		t.Error("the same object differs from run to run")
	}
	if next := other.Put("a.tif", 1000); bytes.Equal(next.Data, o.Data) || next.ETag == o.ETag {
		t.Error("another version is the same")
	}
	if resp, _, err := get(t, s.Href("a.tif")); err != nil || resp.StatusCode != 403 {
		t.Errorf("unsigned: %v %v", resp, err)
	}
	g := &Signer{Store: s}
	signed, err := g.Sign(t.Context(), []string{s.Href("a.tif"), s.Href("none")})
	if err != nil || len(signed) != 2 {
		t.Fatal(err)
	}
	if resp, b, err := get(t, signed[0].URL, "Range", "bytes=10-19"); err != nil || resp.StatusCode != 206 || !bytes.Equal(b, o.Data[10:20]) ||
		resp.Header.Get("Content-Range") != "bytes 10-19/1000" {
		t.Errorf("a range: %v %v", resp, err)
	}
	if resp, b, err := get(t, signed[0].URL, "Range", "bytes=10-19", "If-Range", `"old"`); err != nil || resp.StatusCode != 200 || len(b) != 1000 {
		t.Errorf("a stale If-Range: %v %v", resp, err)
	}
	if resp, _, err := get(t, signed[1].URL); err != nil || resp.StatusCode != 404 {
		t.Errorf("a missing object: %v %v", resp, err)
	}
	s.Revoke("a.tif")
	if resp, _, err := get(t, signed[0].URL); err != nil || resp.StatusCode != 403 {
		t.Errorf("after the signature was revoked: %v %v", resp, err)
	}
	if s.Sent("a.tif") != 10+1000 {
		t.Errorf("%d bytes counted", s.Sent("a.tif"))
	}
}

// TestFaultsAreFaults makes sure that each fault breaks something: a harmless one would prove nothing elsewhere.
func TestFaultsAreFaults(t *testing.T) {
	faults := map[string]Fault{
		"reset": Reset(10), "drop": Drop(), "truncate": Truncate(10), "truncate chunked": TruncateChunked(10), "no length": NoLength(),
		"whole": WholeFile(), "whole until": WholeFileUntil(-1), "shift": Shift(5, false), "shift silently": Shift(5, true), "overlap": Overlap(),
		"less": Less(7), "corrupt": Corrupt(3), "change": Change(10, 900), "expire": Expire(10), "status": Status(500), "redirect": Redirect("/other"),
		"portal": Portal(true), "headers": HugeHeaders(), "gzip": Gzip(), "total": WrongTotal(1), "garbage": Garbage(),
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			s := New()
			defer s.Close()
			s.Unsigned = true
			o := s.Put("a.tif", 1000)
			s.Strike("a.tif", 1, 2, f)
			for i, sound := range []bool{true, false} {
				resp, b, err := get(t, s.Href("a.tif"), "Range", "bytes=100-899")
				ok := err == nil && resp.StatusCode == 206 && resp.ContentLength == 800 && bytes.Equal(b, o.Data[100:900]) &&
					resp.Header.Get("Content-Range") == "bytes 100-899/1000" && len(fmt.Sprint(resp.Header)) < 10_000
				if ok != sound {
					t.Errorf("request %d is sound: %v; %v", i, ok, err)
				}
			}
		})
	}
}
