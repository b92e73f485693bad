package objectstore

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The words that x-amz-content-sha256 holds where the body comes in chunks of its own (Amazon S3 API Reference, "Signature
// Calculations for the Authorization Header: Transferring Payload in Multiple Chunks").
const (
	streamSigned        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamSignedTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamTrailer       = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

const (
	maxChunkLine    = 1 << 10
	maxTrailerBytes = 8 << 10
)

// chunkedReader decodes an aws-chunked body. Bytes of a chunk are handed out before its signature is seen, so a caller must
// not use what it read before the reader answered io.EOF.
type chunkedReader struct {
	src      *bufio.Reader
	signer   *chunkSigner // nil where chunks aren't signed
	trailing bool         // trailers follow the last chunk
	trailers map[string]string
	left     int64 // bytes of the current chunk not yet read
	open     bool  // within a chunk
	err      error
}

// chunkSigner verifies the chain of signatures: each covers the one before it.
type chunkSigner struct {
	key         []byte
	time, scope string
	prev        string
	sum         hash.Hash
	mac         []byte // of the current chunk, as sent
}

// newChunkedReader decodes body, whose chunks are signed with key where s.payload says so.
func newChunkedReader(body io.Reader, s *signature, key []byte) *chunkedReader {
	c := &chunkedReader{src: bufio.NewReaderSize(body, 64<<10), trailing: s.payload != streamSigned, trailers: map[string]string{}}
	if s.payload != streamTrailer {
		c.signer = &chunkSigner{key: key, time: s.time.UTC().Format(amzDateLayout), scope: s.scope.String(), prev: hex.EncodeToString(s.mac), sum: sha256.New()}
	}
	return c
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if c.left == 0 {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.signer != nil {
		c.signer.sum.Write(p[:n])
	}
	if err != nil {
		c.err = incomplete(err)
	}
	return n, c.err
}

// next ends the current chunk and opens the one after it; io.EOF after the last.
func (c *chunkedReader) next() error {
	if c.open {
		if err := c.crlf(); err != nil {
			return err
		}
		if err := c.signer.check(); err != nil {
			return err
		}
	}
	line, err := c.line(maxChunkLine)
	if err != nil {
		return err
	}
	size, ext, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 40)
	if err != nil {
		return badChunk("a chunk's size %q is not hexadecimal", clip(size))
	}
	if c.signer != nil {
		sig, ok := strings.CutPrefix(ext, "chunk-signature=")
		if !ok {
			return badChunk("a chunk is not signed")
		}
		if c.signer.mac, err = parseMAC(sig); err != nil {
			return badChunk("%v", err)
		}
	}
	c.left, c.open = int64(n), true
	if n > 0 {
		return nil
	}
	return c.end()
}

func (c *chunkedReader) end() error {
	if err := c.signer.check(); err != nil {
		return err
	}
	if !c.trailing {
		if err := c.crlf(); err != nil {
			return err
		}
		return c.exhausted()
	}
	var canonical strings.Builder
	signed := false
	for total := 0; ; {
		line, err := c.line(maxTrailerBytes)
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if total += len(line); total > maxTrailerBytes {
			return badChunk("the trailers are longer than %d bytes", maxTrailerBytes)
		}
		k, v, ok := strings.Cut(line, ":")
		if !ok {
			return badChunk("a trailer has no colon")
		}
		k, v = strings.ToLower(strings.TrimSpace(k)), strings.TrimSpace(v)
		if k == "x-amz-trailer-signature" {
			if err := c.signer.checkTrailer(canonical.String(), v); err != nil {
				return err
			}
			signed = true
			continue
		}
		if signed {
			return badChunk("a trailer follows the trailers' signature")
		}
		canonical.WriteString(k + ":" + v + "\n")
		c.trailers[k] = v
	}
	if c.signer != nil && !signed && len(c.trailers) > 0 {
		return badChunk("the trailers are not signed")
	}
	return c.exhausted()
}

func (c *chunkedReader) exhausted() error {
	if _, err := c.src.Peek(1); !errors.Is(err, io.EOF) {
		return badChunk("bytes follow the last chunk")
	}
	return io.EOF
}

func (c *chunkedReader) crlf() error {
	var b [2]byte
	if _, err := io.ReadFull(c.src, b[:]); err != nil {
		return incomplete(err)
	}
	if !bytes.Equal(b[:], []byte("\r\n")) {
		return badChunk("a chunk does not end where its size says")
	}
	return nil
}

func (c *chunkedReader) line(most int) (string, error) {
	var b []byte
	for {
		part, err := c.src.ReadSlice('\n')
		b = append(b, part...)
		if len(b) > most {
			return "", badChunk("a line is longer than %d bytes", most)
		}
		switch {
		case err == nil:
			return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return "", incomplete(err)
		}
	}
}

func (s *chunkSigner) check() error {
	if s == nil {
		return nil
	}
	text := sigAlgorithm + "-PAYLOAD\n" + s.time + "\n" + s.scope + "\n" + s.prev + "\n" + emptySHA256 + "\n" + hex.EncodeToString(s.sum.Sum(nil))
	if !hmac.Equal(hmacSHA256(s.key, text), s.mac) {
		return fail(http.StatusForbidden, "SignatureDoesNotMatch", "The signature of a chunk does not match.")
	}
	s.prev = hex.EncodeToString(s.mac)
	s.sum.Reset()
	return nil
}

func (s *chunkSigner) checkTrailer(canonical, sig string) error {
	if s == nil {
		return nil
	}
	mac, err := parseMAC(sig)
	if err != nil {
		return badChunk("%v", err)
	}
	sum := sha256.Sum256([]byte(canonical))
	text := sigAlgorithm + "-TRAILER\n" + s.time + "\n" + s.scope + "\n" + s.prev + "\n" + hex.EncodeToString(sum[:])
	if !hmac.Equal(hmacSHA256(s.key, text), mac) {
		return fail(http.StatusForbidden, "SignatureDoesNotMatch", "The signature of the trailers does not match.")
	}
	return nil
}

func badChunk(format string, args ...any) error {
	return fail(http.StatusBadRequest, "InvalidRequest", "The aws-chunked body is malformed: "+format+".", args...)
}

// incomplete names the end of a body that came too early; other errors of reading stay as they are.
func incomplete(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(http.StatusBadRequest, "IncompleteBody", "The body ended before it was complete.")
	}
	return err
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
