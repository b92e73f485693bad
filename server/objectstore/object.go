package objectstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
)

// overrides are the parameters by which a signed request sets headers of its answer.
var overrides = map[string]string{
	"response-content-type":        "Content-Type",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-cache-control":       "Cache-Control",
	"response-expires":             "Expires",
}

// storedHeaders are kept with an object and answered with it.
var storedHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"}

// maxMeta bounds the user metadata of an object, as S3 does.
const maxMeta = 2 << 10

func (s *Store) getObject(c *call) error {
	if err := s.requireBucket(c); err != nil {
		return err
	}
	o, f, err := s.fetch(c.r.Context(), c.bucket, c.key)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return errNoSuchKey()
		}
		return err
	}
	defer f.Close()
	h := c.w.Header()
	for k, v := range o.Meta {
		h.Set(k, v)
	}
	h.Set("Content-Type", o.ContentType)
	h.Set("ETag", `"`+o.ETag+`"`)
	for param, name := range overrides {
		if v := c.query.Get(param); v != "" {
			h.Set(name, v)
		}
	}
	// S3 gives the checksum of a whole object only, to a client that asks for it.
	if sum, err := hex.DecodeString(o.SHA256); err == nil && len(sum) > 0 && c.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && c.r.Header.Get("Range") == "" {
		h.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum))
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	if rec, ok := c.w.(*recorder); ok {
		rec.content = true
	}
	http.ServeContent(c.w, c.r, "", o.Modified, f)
	return nil
}

// fetch opens an object, and has it made first if need be.
func (s *Store) fetch(ctx context.Context, bucket, key string) (ObjectInfo, *os.File, error) {
	for attempt := 0; ; attempt++ {
		o, err := s.index.get(ctx, bucket, key)
		if errors.Is(err, fs.ErrNotExist) && s.cfg.Maker != nil {
			o, err = s.make(ctx, bucket, key)
		}
		if err != nil {
			return ObjectInfo{}, nil, err
		}
		f, err := s.blobs.open(o.blob)
		// A write may have replaced the object between the row and its file: then the row names another file by now.
		if errors.Is(err, fs.ErrNotExist) && attempt < 3 {
			continue
		}
		if err != nil {
			// %v: a missing file behind a row is damage, not a missing key.
			return ObjectInfo{}, nil, fmt.Errorf("object %s/%s has lost its file: %v", bucket, key, err) //nolint:errorlint // see above
		}
		return o, f, nil
	}
}

// make has the Maker make an object, once for all who wait. It goes on when the caller goes away: others may wait, and
// the object is wanted again soon.
func (s *Store) make(ctx context.Context, bucket, key string) (ObjectInfo, error) {
	if s.ctx.Err() != nil {
		return ObjectInfo{}, errors.New("the store is closing")
	}
	s.pending.Add(1)
	ch := s.making.DoChan(bucket+"/"+key, func() (any, error) {
		return s.makeNow(s.ctx, bucket, key)
	})
	done := make(chan singleflightResult, 1)
	go func() {
		defer s.pending.Done()
		r := <-ch
		o, _ := r.Val.(ObjectInfo)
		done <- singleflightResult{o, r.Err}
	}()
	select {
	case r := <-done:
		return r.info, r.err
	case <-ctx.Done():
		return ObjectInfo{}, ctx.Err()
	}
}

type singleflightResult struct {
	info ObjectInfo
	err  error
}

func (s *Store) makeNow(ctx context.Context, bucket, key string) (ObjectInfo, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ObjectInfo{}, ctx.Err()
	}
	// The last flight may have landed since this one was asked for.
	if o, err := s.index.get(ctx, bucket, key); !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	f, err := s.blobs.temp()
	if err != nil {
		return ObjectInfo{}, err
	}
	tmp := f.Name()
	defer os.Remove(tmp) //nolint:errcheck // it is gone where all went well
	if err := f.Close(); err != nil {
		return ObjectInfo{}, err
	}
	if err := s.cfg.Maker.Make(ctx, bucket, key, tmp); err != nil {
		return ObjectInfo{}, fmt.Errorf("make %s/%s: %w", bucket, key, err)
	}
	d, err := digestFile(tmp)
	if err != nil {
		// %v: a Maker that leaves no file is defective; its key isn't missing.
		return ObjectInfo{}, fmt.Errorf("read what was made for %s/%s: %v", bucket, key, err) //nolint:errorlint // see above
	}
	o := ObjectInfo{Bucket: bucket, Key: key, Size: d.size, ETag: d.etag(), SHA256: d.sha256Hex(), ContentType: contentType(key)}
	return s.store(ctx, o, tmp, func(*ObjectInfo) error { return nil })
}

// store moves the temporary file into place and then the row, if check agrees to what is there.
func (s *Store) store(ctx context.Context, o ObjectInfo, tmp string, check func(old *ObjectInfo) error) (ObjectInfo, error) {
	var err error
	if o.blob, err = s.blobs.keep(tmp); err != nil {
		return ObjectInfo{}, err
	}
	o.Modified = s.cfg.Now().UTC()
	old, err := s.index.put(ctx, o, check)
	if err != nil {
		s.blobs.remove(o.blob)
		return ObjectInfo{}, err
	}
	s.blobs.remove(old)
	return o, nil
}

func (s *Store) putObject(c *call) error {
	if c.r.Header.Get("X-Amz-Copy-Source") != "" {
		return fail(http.StatusNotImplemented, "NotImplemented", "CopyObject is not implemented here.")
	}
	if err := s.requireBucket(c); err != nil {
		return err
	}
	o := ObjectInfo{Bucket: c.bucket, Key: c.key, ContentType: c.r.Header.Get("Content-Type")}
	if o.ContentType == "" || o.ContentType == "application/octet-stream" {
		// Most clients know no better than "bytes": the name does.
		o.ContentType = contentType(c.key)
	}
	var err error
	if o.Meta, err = metaOf(c.r.Header); err != nil {
		return err
	}
	tmp, d, err := s.receive(c)
	if err != nil {
		return err
	}
	defer os.Remove(tmp) //nolint:errcheck // it is gone where all went well
	o.Size, o.ETag, o.SHA256 = d.size, d.etag(), d.sha256Hex()
	if o, err = s.store(c.r.Context(), o, tmp, preconditions(c.r.Header)); err != nil {
		return err
	}
	c.w.Header().Set("ETag", `"`+o.ETag+`"`)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// receive writes the body to a temporary file and holds it against everything that was said about it.
func (s *Store) receive(c *call) (tmp string, d digest, err error) {
	body, length, err := s.body(c)
	if err != nil {
		return "", digest{}, err
	}
	dg, err := newDigester(c.r)
	if err != nil {
		return "", digest{}, err
	}
	f, err := s.blobs.temp()
	if err != nil {
		return "", digest{}, err
	}
	n, err := io.Copy(io.MultiWriter(f, dg), body)
	err = errors.Join(err, f.Close())
	if err == nil && length >= 0 && n != length {
		err = fail(http.StatusBadRequest, "IncompleteBody", "The body has %d bytes, not the %d that were announced.", n, length)
	}
	if err == nil {
		var trailers map[string]string
		if ch, ok := body.(*chunkedReader); ok {
			trailers = ch.trailers
		}
		err = dg.check(c.r, c.sig.payload, trailers)
	}
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = incomplete(io.ErrUnexpectedEOF)
		}
		_ = os.Remove(f.Name())
		return "", digest{}, err
	}
	return f.Name(), dg.digest(), nil
}

// body returns the reader of the object's own bytes, and how many there should be; -1 if nobody said.
func (s *Store) body(c *call) (io.Reader, int64, error) {
	length := c.r.ContentLength
	chunked := strings.HasPrefix(c.sig.payload, "STREAMING-")
	if chunked {
		n, err := strconv.ParseInt(c.r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || n < 0 {
			return nil, 0, fail(http.StatusLengthRequired, "MissingContentLength", "An aws-chunked body needs x-amz-decoded-content-length.")
		}
		length = n
	}
	if length > s.cfg.MaxObjectBytes {
		return nil, 0, fail(http.StatusBadRequest, "EntityTooLarge", "The object has %d bytes; the most is %d.", length, s.cfg.MaxObjectBytes)
	}
	switch c.sig.payload {
	case streamSigned, streamSignedTrailer, streamTrailer:
		// The frame around the chunks adds some bytes to each; the decoded length is checked at the end.
		raw := http.MaxBytesReader(c.w, c.r.Body, 2*length+1<<20)
		return newChunkedReader(raw, c.sig, signingKey(c.secret, c.sig.scope)), length, nil
	}
	if chunked {
		return nil, 0, fail(http.StatusNotImplemented, "NotImplemented", "The payload %q is not implemented here.", clip(c.sig.payload))
	}
	if c.sig.payload != unsignedPayload && len(c.sig.payload) != 64 {
		return nil, 0, errInvalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING-… word, or 64 hexadecimal digits.")
	}
	return http.MaxBytesReader(c.w, c.r.Body, s.cfg.MaxObjectBytes), length, nil
}

// preconditions returns the check of If-Match and If-None-Match on a write.
func preconditions(h http.Header) func(*ObjectInfo) error {
	match, none := strings.Trim(h.Get("If-Match"), `"`), strings.Trim(h.Get("If-None-Match"), `"`)
	return func(old *ObjectInfo) error {
		switch {
		case match != "" && old == nil:
			return errNoSuchKey()
		case match != "" && match != "*" && match != old.ETag,
			none != "" && old != nil && (none == "*" || none == old.ETag):
			return errPrecondition()
		}
		return nil
	}
}

func metaOf(h http.Header) (map[string]string, error) {
	meta, size := map[string]string{}, 0
	for name, vs := range h {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-meta-") {
			meta[name] = strings.Join(vs, ",")
			size += len(name) - len("x-amz-meta-") + len(meta[name])
		}
	}
	if size > maxMeta {
		return nil, fail(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size of %d bytes.", maxMeta)
	}
	for _, name := range storedHeaders {
		v := h.Get(name)
		if name == "Content-Encoding" {
			v = withoutAWSChunked(v)
		}
		if v != "" {
			meta[name] = v
		}
	}
	return meta, nil
}

// withoutAWSChunked drops the encoding that belongs to the transfer, not to the object.
func withoutAWSChunked(v string) string {
	var out []string
	for e := range strings.SplitSeq(v, ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			out = append(out, e)
		}
	}
	return strings.Join(out, ",")
}

func (s *Store) deleteObject(c *call) error {
	if err := s.requireBucket(c); err != nil {
		return err
	}
	blob, err := s.index.remove(c.r.Context(), c.bucket, c.key)
	if err != nil {
		return err
	}
	s.blobs.remove(blob)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// contentType returns the media type for a key's extension. It doesn't ask the system's tables, which differ.
func contentType(key string) string {
	switch strings.ToLower(path.Ext(key)) {
	case ".tif", ".tiff":
		return "image/tiff; application=geotiff; profile=cloud-optimized"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	case ".jp2":
		return "image/jp2"
	case ".json":
		return "application/json"
	case ".geojson":
		return "application/geo+json"
	case ".xml":
		return "application/xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".pdf":
		return "application/pdf"
	case ".zip":
		return "application/zip"
	case ".parquet":
		return "application/vnd.apache.parquet"
	case ".laz", ".copc":
		return "application/vnd.laszip+copc"
	}
	return "application/octet-stream"
}
