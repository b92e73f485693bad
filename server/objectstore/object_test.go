package objectstore_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/objectstore"
)

// oddKeys are the keys that clients get wrong.
var oddKeys = []string{
	"plain.tif", "a b/c d.tif", "plus+plus.tif", "a&b=c.tif", "été/Montpellier—été.tif", "folder/", "100%25.tif", "a%2Fb.tif", "%2e%2e/x",
	"semi;colon,comma", "quote'\"<>.tif", "hash#frag?query.tif", "CON", "aux.tif", "back\\slash", "~tilde*star!(paren)", "a//b", "日本/東京.tif",
	strings.Repeat("k", 1024), "a/" + strings.Repeat("é", 511), "colon:tif", "dot./.hidden/...", "$@[]{}|^`",
}

func TestEveryKeyGoesInAndComesOut(t *testing.T) {
	b := newBench(t, nil)
	root, alice := b.s3(b.root()), b.user("alice")
	for _, key := range oddKeys {
		body := "bytes of " + key
		if _, err := root.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: &key, Body: strings.NewReader(body)}); err != nil {
			t.Errorf("put %q: %v", key, err)
			continue
		}
		out, err := b.s3(alice).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("dinamis"), Key: &key})
		if err != nil {
			t.Errorf("get %q: %v", key, err)
			continue
		}
		got, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil || string(got) != body {
			t.Errorf("get %q: %q, %v", key, got, err)
		}
		if a := b.do("GET", b.presign(alice, "GET", key, time.Hour), nil, nil); a.status != 200 || a.body != body {
			t.Errorf("presigned get %q: %d %s", key, a.status, a.body)
		}
		p, err := s3.NewPresignClient(b.s3(alice)).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("dinamis"), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		if a := b.do("GET", p.URL, nil, nil); a.status != 200 || a.body != body {
			t.Errorf("get %q, presigned by the SDK: %d %s", key, a.status, a.body)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	b := newBench(t, nil)
	for _, key := range []string{"../x", "a/../b", "users/alice/../bob/x", "./x", "a/.", "..", "nul\x00", "line\nbreak", "\xff\xfe", strings.Repeat("k", 1025)} {
		for _, method := range []string{"GET", "PUT"} {
			a := b.do(method, b.presign(b.root(), method, key, time.Hour), nil, nil)
			if a.status != 400 || a.code() != "InvalidArgument" && a.code() != "KeyTooLongError" {
				t.Errorf("%s %q: %d %s", method, key, a.status, a.body)
			}
		}
	}
}

func TestPutReplacesAndDeletes(t *testing.T) {
	b := newBench(t, nil)
	c := b.s3(b.root())
	in := func(body string) *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: aws.String("x.tif"), Body: strings.NewReader(body), Metadata: map[string]string{"author": "été"}, CacheControl: aws.String("max-age=5")}
	}
	for _, body := range []string{"one", "two", ""} {
		if _, err := c.PutObject(t.Context(), in(body)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.PutObject(t.Context(), in("two")); err != nil {
		t.Fatal(err)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("dinamis"), Key: aws.String("x.tif")})
	if err != nil {
		t.Fatal(err)
	}
	if *head.ETag != `"b8a9f715dbb64fd5c56e7783c6820a61"` || *head.ContentLength != 3 || *head.CacheControl != "max-age=5" {
		t.Errorf("head: %v %v %v", *head.ETag, *head.ContentLength, *head.CacheControl)
	}
	if *head.ContentType != "image/tiff; application=geotiff; profile=cloud-optimized" {
		t.Errorf("content type %q", *head.ContentType)
	}
	never := in("three")
	never.IfNoneMatch = aws.String("*")
	if _, err := c.PutObject(t.Context(), never); codeOf(err) != "PreconditionFailed" {
		t.Errorf("put over an object with If-None-Match: %v", err)
	}
	for range 2 {
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("dinamis"), Key: aws.String("x.tif")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("dinamis"), Key: aws.String("x.tif")}); codeOf(err) != "NoSuchKey" {
		t.Errorf("get after delete: %v", err)
	}
	if n := countFiles(t, b); n != 0 {
		t.Errorf("%d blobs are left of nothing", n)
	}
}

func TestBodiesOfTheSDK(t *testing.T) {
	b := newBench(t, nil)
	body := make([]byte, 300_000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range body {
		body[i] = byte(rng.Uint32())
	}
	srv := b.tlsServer()
	tls := func(o *s3.Options) { o.BaseEndpoint, o.HTTPClient = &srv.URL, srv.Client() }
	for _, alg := range append(types.ChecksumAlgorithm("").Values()[:5:5], "") {
		for name, opt := range map[string]func(*s3.Options){"plain": func(*s3.Options) {}, "tls": tls} {
			key := fmt.Sprint("k/", alg, name)
			in := &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: &key, Body: bytes.NewReader(body), ChecksumAlgorithm: alg}
			if _, err := b.s3(b.root(), opt).PutObject(t.Context(), in); err != nil {
				t.Errorf("put with %q over %s: %v", alg, name, err)
				continue
			}
			out, err := b.s3(b.root(), opt).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("dinamis"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(out.Body)
			out.Body.Close()
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("get after put with %q over %s: %d bytes, %v", alg, name, len(got), err)
			}
			if out.ChecksumSHA256 == nil {
				t.Error("no checksum to hold the answer against")
			}
			if out.ContentEncoding != nil {
				t.Errorf("content encoding %q", *out.ContentEncoding)
			}
		}
	}
}

func TestConditionalAndRangedReads(t *testing.T) {
	b := newBench(t, nil)
	if _, err := b.s3(b.root()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: aws.String("r.bin"), Body: strings.NewReader("0123456789")}); err != nil {
		t.Fatal(err)
	}
	u := b.presign(b.user("alice"), "GET", "r.bin", time.Hour)
	whole := b.do("GET", u, nil, nil)
	etag, modified := whole.header.Get("ETag"), whole.header.Get("Last-Modified")
	if etag == "" || modified == "" || whole.header.Get("Accept-Ranges") != "bytes" {
		t.Fatalf("headers of a whole object: %v", whole.header)
	}
	for _, c := range []struct {
		name   string
		header map[string]string
		status int
		body   string // or the code
	}{
		{"first byte", map[string]string{"Range": "bytes=0-0"}, 206, "0"},
		{"from", map[string]string{"Range": "bytes=7-"}, 206, "789"},
		{"last", map[string]string{"Range": "bytes=-2"}, 206, "89"},
		{"beyond", map[string]string{"Range": "bytes=10-"}, 416, "InvalidRange"},
		{"if-range holds", map[string]string{"Range": "bytes=1-2", "If-Range": etag}, 206, "12"},
		{"if-range fails", map[string]string{"Range": "bytes=1-2", "If-Range": `"other"`}, 200, "0123456789"},
		{"if-range by date", map[string]string{"Range": "bytes=1-2", "If-Range": modified}, 206, "12"},
		{"if-none-match", map[string]string{"If-None-Match": etag}, 304, ""},
		{"if-match holds", map[string]string{"If-Match": etag}, 200, "0123456789"},
		{"if-match fails", map[string]string{"If-Match": `"other"`}, 412, "PreconditionFailed"},
		{"if-modified-since", map[string]string{"If-Modified-Since": modified}, 304, ""},
	} {
		a := b.do("GET", u, c.header, nil)
		got := a.body
		if c.status >= 400 {
			got = a.code()
		}
		if a.status != c.status || got != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.name, a.status, got, c.status, c.body)
		}
	}
	if a := b.do("GET", u, map[string]string{"Range": "bytes=10-"}, nil); a.header.Get("Content-Range") != "bytes */10" {
		t.Errorf("416 without the size: %v", a.header)
	}
	a := b.do("GET", u, map[string]string{"Origin": "https://example.org"}, nil)
	if a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Content-Range") {
		t.Errorf("CORS headers: %v", a.header)
	}
	if a := b.do(http.MethodOptions, u, map[string]string{"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}, nil); a.status != 204 || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Range") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
}

func TestObjectsAreMadeOnceForAll(t *testing.T) {
	var calls atomic.Int32
	release := make(chan struct{})
	b := newBench(t, func(c *objectstore.Config) {
		c.Maker = maker(func(ctx context.Context, bucket, key, path string) error {
			calls.Add(1)
			select {
			case <-release:
			case <-ctx.Done():
				return ctx.Err()
			}
			return demoMaker(ctx, bucket, key, path)
		})
	})
	u := b.presign(b.user("alice"), "GET", "made/1000.tif", time.Hour)
	// The first caller gives up; the object is made all the same.
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", u, nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		resp, err := b.client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		gone <- err
	}()
	for calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; err == nil {
		t.Error("a cancelled request succeeded")
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if a := b.do("GET", u, nil, nil); a.status != 200 || len(a.body) != 1000 {
				t.Errorf("%d, %d bytes", a.status, len(a.body))
			}
		})
	}
	close(release)
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("made %d times", n)
	}
	if o, err := b.Stat(t.Context(), "dinamis", "made/1000.tif"); err != nil || o.Size != 1000 || o.SHA256 == "" {
		t.Errorf("stat: %+v, %v", o, err)
	}
	if a := b.do("GET", b.presign(b.user("alice"), "GET", "unknown.tif", time.Hour), nil, nil); a.status != 404 || a.code() != "NoSuchKey" {
		t.Errorf("a key that cannot be made: %d %s", a.status, a.body)
	}
}

func TestListings(t *testing.T) {
	b := newBench(t, nil)
	c := b.s3(b.root())
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("scenes/%02d/b&nd é+%d.tif", i/5, i%5)
		want = append(want, key)
		if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	var got, prefixes []string
	p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("dinamis"), Prefix: aws.String("scenes/"), MaxKeys: aws.Int32(4)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			got = append(got, *o.Key)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	p = s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("dinamis"), Prefix: aws.String("scenes/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.CommonPrefixes {
			prefixes = append(prefixes, *o.Prefix)
		}
	}
	if d := cmp.Diff([]string{"scenes/00/", "scenes/01/", "scenes/02/", "scenes/03/", "scenes/04/"}, prefixes); d != "" {
		t.Error(d)
	}
	v1, err := c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: aws.String("dinamis"), Marker: aws.String("scenes/03/"), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		t.Fatal(err)
	}
	if len(v1.Contents) != 10 || *v1.Contents[0].Key != "scenes/03/b%26nd%20%C3%A9%2B0.tif" {
		t.Errorf("version 1: %d keys", len(v1.Contents))
	}
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("new-bucket")}); err != nil {
		t.Error(err)
	}
	if _, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("new-bucket")}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("dinamis")}); codeOf(err) != "BucketNotEmpty" {
		t.Errorf("delete of a full bucket: %v", err)
	}
	all, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(all.Buckets) != 3 {
		t.Errorf("buckets: %v, %v", all, err)
	}
	if _, err := c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String("dinamis")}); err != nil {
		t.Error(err)
	}
}

func TestARestartKeepsObjectsAndURLs(t *testing.T) {
	b := newBench(t, nil)
	dir := t.TempDir()
	b.open(dir, nil)
	if _, err := b.s3(b.root()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: aws.String("k"), Body: strings.NewReader("kept")}); err != nil {
		t.Fatal(err)
	}
	u := b.presign(b.user("alice"), "GET", "k", time.Hour)
	if _, err := objectstore.New(objectstore.Config{Dir: dir, Issuer: b.idp.URL}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second store on the directory: %v", err)
	}
	b.srv.Close()
	if err := b.Store.Close(); err != nil {
		t.Fatal(err)
	}
	orphan := dir + "/blobs/00/00deadbeef"
	if err := os.MkdirAll(dir+"/blobs/00", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(orphan, []byte("cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := objectstore.New(objectstore.Config{Dir: dir, Issuer: b.idp.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(orphan); err == nil {
		t.Error("a blob that no row names was kept")
	}
	if fi, err := os.Stat(dir + "/keys.json"); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("keys.json: %v, %v", fi.Mode(), err)
	}
	r, err := http.NewRequest("GET", u, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != "kept" {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
}
