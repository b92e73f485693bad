package workstation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // thumbnails are JPEG …
	_ "image/png"  // … or PNG …
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // … or WebP
	"golang.org/x/sync/singleflight"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/httpx"
)

// Bounds of a thumbnail: what is read, and what is decoded.
const (
	maxThumbnailBytes  = 8 << 20
	maxThumbnailPixels = 16 << 20
	thumbnailTimeout   = 30 * time.Second
)

// Thumbnails fetches the small pictures of items, signs where it must, and keeps the bytes on disk.
type Thumbnails struct {
	dir    string
	signer auth.Signer
	client *http.Client
	flight singleflight.Group
	local  func() bool
}

// Thumbnail returns the item's thumbnail with its longer side at most size pixels. KindNotFound if the item has none, KindUnavailable
// if it isn't on this machine and the service is out of reach.
func (t *Thumbnails) Thumbnail(ctx context.Context, item catalog.Item, size int) (image.Image, error) {
	href, err := thumbnailHref(item)
	if err != nil {
		return nil, err
	}
	data, err := t.bytes(ctx, href)
	if err != nil {
		return nil, err
	}
	img, err := decodeThumbnail(data, size)
	if err != nil {
		return nil, &catalog.Error{Op: "thumbnail", Kind: catalog.KindProtocol, Key: item.Key.String(), Err: err}
	}
	return img, nil
}

func thumbnailHref(item catalog.Item) (string, error) {
	assets, err := item.Assets()
	if err != nil {
		return "", err
	}
	for _, wanted := range []string{"thumbnail", "overview"} {
		for _, a := range assets {
			picture := strings.HasPrefix(a.MediaType, "image/png") || strings.HasPrefix(a.MediaType, "image/jpeg") || strings.HasPrefix(a.MediaType, "image/webp")
			if (a.Key == wanted || slices.Contains(a.Roles, wanted)) && (picture || a.MediaType == "" && wanted == "thumbnail") {
				return a.Href, nil
			}
		}
	}
	return "", &catalog.Error{Op: "thumbnail", Kind: catalog.KindNotFound, Key: item.Key.String()}
}

// bytes returns the file behind href, from disk if it was fetched before.
func (t *Thumbnails) bytes(ctx context.Context, href string) ([]byte, error) {
	sum := sha256.Sum256([]byte(href))
	path := filepath.Join(t.dir, hex.EncodeToString(sum[:1]), hex.EncodeToString(sum[1:16]))
	if data, err := os.ReadFile(path); err == nil {
		return data, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, &catalog.Error{Op: "thumbnail", Kind: catalog.KindReadOnly, Key: path, Err: err}
	}
	if t.local() {
		return nil, &catalog.Error{Op: "thumbnail", Kind: catalog.KindUnavailable, Err: errors.New("not on this machine, and working offline")}
	}
	// The fetch outlives the caller that began it: others may wait for the same picture.
	answer := t.flight.DoChan(href, func() (any, error) {
		alone, cancel := context.WithTimeout(context.WithoutCancel(ctx), thumbnailTimeout)
		defer cancel()
		data, err := t.fetch(alone, href)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			_ = writeAtomically(path, data) // a cache that cannot be written costs only time
		}
		return data, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-answer:
		if got.Err != nil {
			return nil, got.Err
		}
		return got.Val.([]byte), nil
	}
}

func (t *Thumbnails) fetch(ctx context.Context, href string) ([]byte, error) {
	address := href
	if t.signer != nil {
		signed, err := t.signer.Sign(ctx, []string{href})
		if err != nil {
			return nil, err
		}
		address = signed[0].URL.Reveal()
	}
	fail := func(kind catalog.Kind, err error) error {
		return &catalog.Error{Op: "thumbnail", Kind: kind, Key: httpx.Redact(href), Err: httpx.RedactError(err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fail(catalog.KindInvalid, errors.New("the address cannot be read"))
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, fail(catalog.KindUnavailable, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized:
		if t.signer != nil {
			t.signer.Forget(href)
		}
		return nil, fail(catalog.KindForbidden, fmt.Errorf("the store answered %s", resp.Status))
	case resp.StatusCode == http.StatusNotFound:
		return nil, fail(catalog.KindNotFound, fmt.Errorf("the store answered %s", resp.Status))
	case resp.StatusCode != http.StatusOK:
		return nil, fail(catalog.KindUnavailable, fmt.Errorf("the store answered %s", resp.Status))
	}
	data, err := httpx.ReadAll(resp.Body, maxThumbnailBytes)
	if err != nil {
		return nil, fail(catalog.KindUnavailable, err)
	}
	return data, nil
}

// decodeThumbnail decodes a picture of bounded size and scales it down.
func decodeThumbnail(data []byte, size int) (image.Image, error) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if cfg.Width*cfg.Height > maxThumbnailPixels || cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, fmt.Errorf("%d × %d pixels are too many for a thumbnail", cfg.Width, cfg.Height)
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	w, h := cfg.Width, cfg.Height
	if longer := max(w, h); longer > size {
		w, h = max(1, w*size/longer), max(1, h*size/longer)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return dst, nil
}
