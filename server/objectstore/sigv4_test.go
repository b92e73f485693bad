package objectstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

// The vectors of the Amazon S3 API Reference: "Examples: Signature Calculations in AWS Signature Version 4", "Authenticating
// Requests: Using Query Parameters", and "Transferring Payload in Multiple Chunks".
const (
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	exampleDate   = "20130524T000000Z"
	exampleCred   = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
)

func exampleRequest(t testing.TB, method, target string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "https://examplebucket.s3.amazonaws.com"+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	return r
}

func TestVectorsOfTheReference(t *testing.T) {
	for name, c := range map[string]struct {
		method, target string
		header         map[string]string
		signed, mac    string
	}{
		"GET object": {
			"GET", "/test.txt",
			map[string]string{"Range": "bytes=0-9", "X-Amz-Content-Sha256": emptySHA256, "X-Amz-Date": exampleDate},
			"host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		},
		"PUT object": {
			"PUT", "/test%24file.text",
			map[string]string{"Date": "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Date": exampleDate, "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "X-Amz-Content-Sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
			"date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		"GET bucket lifecycle": {
			"GET", "/?lifecycle",
			map[string]string{"X-Amz-Content-Sha256": emptySHA256, "X-Amz-Date": exampleDate},
			"host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		},
		"list objects": {
			"GET", "/?max-keys=2&prefix=J",
			map[string]string{"X-Amz-Content-Sha256": emptySHA256, "X-Amz-Date": exampleDate},
			"host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		},
	} {
		r := exampleRequest(t, c.method, c.target, c.header)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+exampleCred+",SignedHeaders="+c.signed+",Signature="+c.mac)
		checkExample(t, name, r)
	}
	checkExample(t, "presigned", exampleRequest(t, "GET", "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+url.QueryEscape(exampleCred)+
		"&X-Amz-Date="+exampleDate+"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", nil))
}

func checkExample(t *testing.T, name string, r *http.Request) {
	t.Helper()
	q := r.URL.Query()
	s, err := readSignature(r, q)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := s.checkTime(time.Date(2013, 5, 24, 0, 10, 0, 0, time.UTC)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if err := s.verify(r, q, exampleSecret); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if err := s.verify(r, q, exampleSecret+"x"); err == nil {
		t.Errorf("%s: another secret verifies too", name)
	}
}

// exampleChunks is the reference's body of 65 KiB of 'a' in two chunks.
func exampleChunks() (*signature, string) {
	mac, err := parseMAC("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")
	if err != nil {
		panic(err)
	}
	at, err := time.Parse(amzDateLayout, exampleDate)
	if err != nil {
		panic(err)
	}
	sc, err := parseScope(exampleCred)
	if err != nil {
		panic(err)
	}
	body := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	return &signature{scope: sc, mac: mac, time: at, payload: streamSigned}, body
}

func readChunks(s *signature, r io.Reader) ([]byte, error) {
	return io.ReadAll(newChunkedReader(r, s, signingKey(exampleSecret, s.scope)))
}

func TestChunksOfTheReference(t *testing.T) {
	s, body := exampleChunks()
	for _, r := range []io.Reader{strings.NewReader(body), iotest.OneByteReader(strings.NewReader(body)), iotest.DataErrReader(strings.NewReader(body))} {
		got, err := readChunks(s, r)
		if err != nil || string(got) != strings.Repeat("a", 66560) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	for name, bad := range map[string]string{
		"a changed byte":     strings.Replace(body, "aaa", "aba", 1),
		"chunks swapped":     body[strings.Index(body, "400;"):strings.Index(body, "0;chunk-signature=b6")] + body[:strings.Index(body, "400;")] + body[strings.Index(body, "0;chunk-signature=b6"):],
		"last chunk missing": body[:strings.Index(body, "0;chunk-signature=b6")],
		"cut in a chunk":     body[:1000],
		"cut at the end":     body[:len(body)-2],
		"no signature":       strings.Replace(body, ";chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "", 1),
		"bytes after":        body + "x",
		"a huge chunk":       "ffffffffffffffff;chunk-signature=00\r\n",
		"an endless line":    strings.Repeat("0", 4096),
		"only the end":       "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
		"empty":              "",
	} {
		_, err := readChunks(s, strings.NewReader(bad))
		var e *apiError
		if !errors.As(err, &e) || e.status >= 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSignedTrailers writes bodies as a client does and reads them back.
func TestSignedTrailers(t *testing.T) {
	s, _ := exampleChunks()
	s.payload = streamSignedTrailer
	key := signingKey(exampleSecret, s.scope)
	rapid.Check(t, func(t *rapid.T) {
		chunks := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 50), 0, 4).Draw(t, "chunks")
		var body bytes.Buffer
		w := &chunkSigner{key: key, time: exampleDate, scope: s.scope.String(), prev: hex.EncodeToString(s.mac)}
		for _, c := range append(chunks, nil) {
			mac := w.signChunk(c)
			body.WriteString(strconv.FormatInt(int64(len(c)), 16) + ";chunk-signature=" + mac + "\r\n")
			if len(c) > 0 {
				body.Write(c)
				body.WriteString("\r\n")
			}
		}
		body.WriteString("x-amz-checksum-crc32:AAAA\r\nx-amz-trailer-signature:" + w.signTrailer("x-amz-checksum-crc32:AAAA\n") + "\r\n\r\n")
		r := newChunkedReader(bytes.NewReader(body.Bytes()), s, key)
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, bytes.Join(chunks, nil)) || r.trailers["x-amz-checksum-crc32"] != "AAAA" {
			t.Fatalf("%q, %v, %v", got, r.trailers, err)
		}
		bent := bytes.Replace(body.Bytes(), []byte(":AAAA"), []byte(":AAAB"), 1)
		if _, err := readChunks(s, bytes.NewReader(bent)); err == nil {
			t.Fatal("a changed trailer passed")
		}
		i := bytes.Index(body.Bytes(), []byte("x-amz-trailer-signature"))
		if _, err := readChunks(s, strings.NewReader(body.String()[:i]+"\r\n")); err == nil {
			t.Fatal("trailers without a signature passed")
		}
	})
}

func (s *chunkSigner) signChunk(c []byte) string {
	sum := sha256Hex(c)
	s.prev = hex.EncodeToString(hmacSHA256(s.key, "AWS4-HMAC-SHA256-PAYLOAD\n"+s.time+"\n"+s.scope+"\n"+s.prev+"\n"+emptySHA256+"\n"+sum))
	return s.prev
}

func (s *chunkSigner) signTrailer(text string) string {
	return hex.EncodeToString(hmacSHA256(s.key, "AWS4-HMAC-SHA256-TRAILER\n"+s.time+"\n"+s.scope+"\n"+s.prev+"\n"+sha256Hex([]byte(text))))
}

func FuzzChunkedReader(f *testing.F) {
	s, body := exampleChunks()
	f.Add([]byte(body), true)
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"), false)
	f.Add([]byte("0\r\n\r\n"), false)
	f.Add([]byte("5;a=b\r\nhel"), false)
	f.Fuzz(func(t *testing.T, b []byte, signed bool) {
		v := *s
		if !signed {
			v.payload = streamTrailer
		}
		got, err := readChunks(&v, bytes.NewReader(b))
		if len(got) > len(b) {
			t.Fatal("more came out than went in")
		}
		if signed && err == nil && string(got) != strings.Repeat("a", 66560) {
			t.Fatal("a forged body passed")
		}
	})
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=" + exampleCred + ", SignedHeaders=host;x-amz-date, Signature=" + emptySHA256)
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/20130524/r/s3/aws4_request,SignedHeaders=host,Signature=00")
	f.Add("AWS4-HMAC-SHA256 ,,,")
	f.Add("Bearer x")
	f.Fuzz(func(t *testing.T, h string) {
		a, err := parseAuthorization(h)
		if err != nil {
			return
		}
		if len(a.mac) != 32 || a.service != "s3" || a.accessKey == "" || len(a.signedHeaders) == 0 {
			t.Fatalf("%q passed as %+v", h, a)
		}
		again, err := parseAuthorization("AWS4-HMAC-SHA256 Credential=" + a.accessKey + "/" + a.scope.String() + ",SignedHeaders=" + strings.Join(a.signedHeaders, ";") + ",Signature=" + hex.EncodeToString(a.mac))
		if err != nil || again.scope != a.scope {
			t.Fatalf("%q doesn't survive: %v", h, err)
		}
	})
}

func FuzzKeys(f *testing.F) {
	for _, k := range []string{"/dinamis/a/b.tif", "/dinamis/../x", "/dinamis/a//b", "/dinamis/%2e%2e/x", "/dinamis/\x00", "/", "//", "/b/" + strings.Repeat("é", 600)} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, path string) {
		bucket, key := splitPath(path)
		if checkBucket(bucket) != nil || checkKey(key) != nil {
			return
		}
		u, err := url.Parse(ObjectURL("http://h", bucket, key))
		if err != nil {
			t.Fatal(err)
		}
		if b, k := splitPath(u.Path); b != bucket || k != key {
			t.Fatalf("%q came back as %q", key, k)
		}
		if strings.Contains("/"+key+"/", "/../") || len(key) > maxKeyBytes {
			t.Fatalf("%q passed", key)
		}
	})
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
