package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
)

// Make writes the whole object at path. It is the object store's maker: the first request for a key runs it, later
// ones read the file. Equal archives make equal bytes. An object that isn't in the archive is an error that wraps
// fs.ErrNotExist. When ctx ends early, Make stops, removes what it wrote and returns the context's error.
func (a *Archive) Make(ctx context.Context, bucket, key, path string) error {
	err := a.make(ctx, bucket, key, path)
	if err != nil {
		return fmt.Errorf("make %s/%s: %w", bucket, key, err)
	}
	return nil
}

func (a *Archive) make(ctx context.Context, bucket, key, path string) error {
	if bucket != a.bucket {
		return fs.ErrNotExist
	}
	if name, ok := strings.CutPrefix(key, licenceFolder); ok {
		text := licenceText(catalog.CollectionID(strings.TrimSuffix(name, ".txt")))
		if text == "" || !strings.HasSuffix(name, ".txt") {
			return fs.ErrNotExist
		}
		return os.WriteFile(path, []byte(text), 0o600)
	}
	s, p, ok := a.find(key)
	if !ok {
		return fs.ErrNotExist
	}
	err := a.render(ctx, s, p, path)
	if err != nil {
		// What is half written must not be taken for the object.
		_ = os.Remove(path)
	}
	return err
}

// find returns the scene and the product that an object key names.
func (a *Archive) find(key string) (*acquisition, product, bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 3 {
		return nil, product{}, false
	}
	i, ok := a.byID[parts[1]]
	if !ok || string(a.scenes[i].collection) != parts[0] {
		return nil, product{}, false
	}
	s := &a.scenes[i]
	suffix, ok := strings.CutPrefix(parts[2], s.id)
	if !ok {
		return nil, product{}, false
	}
	for _, p := range a.docs.collection[s.collection].products {
		if p.suffix == suffix {
			return s, p, true
		}
	}
	return nil, product{}, false
}

// ItemKeyOf returns the item and the asset that an object key of the bucket belongs to; ok is false for a key that is
// no item's asset.
func (a *Archive) ItemKeyOf(objectKey string) (key catalog.Key, assetKey string, ok bool) {
	s, p, ok := a.find(objectKey)
	if !ok {
		return catalog.Key{}, "", false
	}
	return catalog.Key{Collection: s.collection, Item: catalog.ItemID(s.id)}, p.key, true
}

// Describe returns the item with file:size and file:checksum at one asset, once its bytes exist: sha256 is their
// digest in hexadecimal, size their number. The rest of the document stays as it was, byte for byte. An item without
// a document or without that asset is an error that wraps fs.ErrNotExist.
func (a *Archive) Describe(item catalog.Item, assetKey string, size int64, sha256 string) (catalog.Item, error) {
	if len(sha256) != 64 || strings.Trim(sha256, "0123456789abcdef") != "" {
		return item, fmt.Errorf("describe %s: %q is no SHA-256 in lower-case hexadecimal", item.Key, sha256)
	}
	raw, err := describe(item.Raw, assetKey, size, sha256)
	if err != nil {
		return item, fmt.Errorf("describe %s: %w", item.Key, err)
	}
	item.Raw = raw
	return item, nil
}

func describe(raw []byte, assetKey string, size int64, sha256 string) ([]byte, error) {
	open, body, err := member(raw, "assets", assetKey)
	if err != nil {
		return nil, err
	}
	// The prefix 1220 makes a multihash of it: SHA2-256, 32 bytes (file extension v2.1.0).
	fields := `"file:size":` + strconv.FormatInt(size, 10) + `,"file:checksum":"1220` + sha256 + `"`
	var old struct {
		Size     *int64  `json:"file:size"`
		Checksum *string `json:"file:checksum"`
	}
	if err := json.Unmarshal(body, &old); err != nil {
		return nil, err
	}
	if old.Size != nil && old.Checksum != nil {
		// Only what this function wrote before is replaced; the digits of both are ours.
		was := `"file:size":` + strconv.FormatInt(*old.Size, 10) + `,"file:checksum":"` + *old.Checksum + `"`
		at := bytes.Index(body, []byte(was))
		if at < 0 {
			return nil, fmt.Errorf("asset %s carries file fields that this archive did not write", assetKey)
		}
		return splice(raw, open+at, len(was), fields), nil
	}
	if !bytes.Equal(bytes.TrimSpace(body), []byte("{}")) {
		fields += ","
	}
	raw = splice(raw, open+1, 0, fields)
	// The extension is named first where it is used first; the array comes before the assets in our documents.
	if i := bytes.Index(raw, []byte(`"stac_extensions":[`)); i >= 0 && !bytes.Contains(raw, []byte(extFile)) {
		raw = splice(raw, i+len(`"stac_extensions":[`), 0, `"`+extFile+`",`)
	}
	return raw, nil
}

// splice returns b with n bytes at an offset replaced by text.
func splice(b []byte, at, n int, text string) []byte {
	out := make([]byte, 0, len(b)+len(text)-n)
	out = append(out, b[:at]...)
	out = append(out, text...)
	return append(out, b[at+n:]...)
}

// member returns where the object at a path of keys opens, and its text.
func member(raw []byte, path ...string) (open int, body []byte, err error) {
	body = raw
	for _, key := range path {
		at, value, err := field(body, key)
		if err != nil {
			return 0, nil, err
		}
		open += at
		body = value
	}
	return open, body, nil
}

// field returns where the value of a key of a JSON object begins, and its text.
func field(object []byte, key string) (at int, value json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return 0, nil, fmt.Errorf("%q: not in a JSON object", key)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return 0, nil, err
		}
		if err := d.Decode(&value); err != nil {
			return 0, nil, err
		}
		if name == key {
			return int(d.InputOffset()) - len(value), value, nil
		}
	}
	return 0, nil, fmt.Errorf("%q: %w", key, fs.ErrNotExist)
}
