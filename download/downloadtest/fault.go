package downloadtest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault answers a request wrongly.
type Fault func(x *Exchange)

// atByte calls act when n bytes of the body are out; act returns whether the rest follows.
type atByte struct {
	http.ResponseWriter
	left int64
	act  func() bool
	over bool
}

func (a *atByte) Write(b []byte) (int, error) {
	if a.over {
		return a.ResponseWriter.Write(b)
	}
	if int64(len(b)) <= a.left {
		n, err := a.ResponseWriter.Write(b)
		a.left -= int64(n)
		return n, err
	}
	head := b[:a.left]
	if _, err := a.ResponseWriter.Write(head); err != nil {
		return 0, err
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush()
	a.over = true
	if !a.act() {
		panic(http.ErrAbortHandler)
	}
	n, err := a.ResponseWriter.Write(b[len(head):])
	return len(head) + n, err
}

// Unwrap serves http.ResponseController.
func (a *atByte) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func at(n int64, act func(x *Exchange) bool) Fault {
	return func(x *Exchange) {
		x.ServeTo(&atByte{ResponseWriter: x.W, left: n, act: func() bool { return act(x) }})
	}
}

// Reset resets the connection after n bytes of the body.
func Reset(n int64) Fault {
	return at(n, func(x *Exchange) bool {
		if c, _, err := http.NewResponseController(x.W).Hijack(); err == nil {
			if t, ok := c.(*net.TCPConn); ok {
				_ = t.SetLinger(0)
			}
			c.Close()
		}
		return false
	})
}

// Drop closes the connection instead of answering.
func Drop() Fault {
	return func(*Exchange) { panic(http.ErrAbortHandler) }
}

// Truncate ends the body after n bytes although Content-Length promised more.
func Truncate(n int64) Fault { return at(n, func(*Exchange) bool { return false }) }

// TruncateChunked ends the body after n bytes cleanly, without any Content-Length.
func TruncateChunked(n int64) Fault {
	return func(x *Exchange) { x.ServeTo(&headers{ResponseWriter: x.W, edit: noLength, most: n}) }
}

// NoLength gives the right bytes in chunks, without a Content-Length.
func NoLength() Fault {
	return func(x *Exchange) { x.ServeTo(&headers{ResponseWriter: x.W, edit: noLength, most: -1}) }
}

func noLength(h http.Header) { h.Del("Content-Length") }

// headers edits the header before it is sent, and swallows the body after most bytes (-1: all pass).
type headers struct {
	http.ResponseWriter
	edit func(http.Header)
	code func(int) int
	most int64
	sent bool
}

func (h *headers) WriteHeader(code int) {
	if !h.sent {
		h.sent = true
		h.edit(h.Header())
		if h.code != nil {
			code = h.code(code)
		}
	}
	h.ResponseWriter.WriteHeader(code)
}

func (h *headers) Write(b []byte) (int, error) {
	n := len(b)
	if h.most >= 0 {
		b = b[:min(int64(n), h.most)]
		h.most -= int64(len(b))
	}
	if _, err := h.ResponseWriter.Write(b); err != nil {
		return 0, err
	}
	// Without this, net/http gives a short body its length back.
	_ = http.NewResponseController(h.ResponseWriter).Flush()
	return n, nil
}

// Unwrap serves http.ResponseController.
func (h *headers) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// WholeFile ignores the range: 200 with everything.
func WholeFile() Fault {
	return func(x *Exchange) {
		x.R.Header.Del("Range")
		x.Serve()
	}
}

// WholeFileUntil is WholeFile by a connection that ends with the body, cut after n bytes (-1: whole): no length, no chunks.
func WholeFileUntil(n int64) Fault {
	return func(x *Exchange) {
		x.R.Header.Del("Range")
		x.ServeTo(&headers{ResponseWriter: x.W, most: n, edit: func(h http.Header) {
			h.Del("Content-Length")
			h.Set("Transfer-Encoding", "identity")
		}})
	}
}

// Shift gives other bytes than asked, and says so in Content-Range; silently, it claims that they were the right ones.
func Shift(by int64, silently bool) Fault {
	return func(x *Exchange) {
		from, to, ok := span(x.R.Header.Get("Range"), int64(len(x.Object.Data)))
		if !ok {
			x.Serve()
			return
		}
		asked := fmt.Sprintf("bytes %d-%d/%d", from, to, len(x.Object.Data))
		last, by := int64(len(x.Object.Data))-1, by
		if to+by > last && from >= by {
			by = -by // as many bytes as were asked
		}
		x.R.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", min(from+by, last), min(to+by, last)))
		x.R.Header.Del("If-Range")
		x.ServeTo(&headers{ResponseWriter: x.W, most: -1, edit: func(h http.Header) {
			if silently {
				h.Set("Content-Range", asked)
			}
		}})
	}
}

// Overlap gives more than was asked: to the end of the object.
func Overlap() Fault {
	return func(x *Exchange) {
		if from, _, ok := span(x.R.Header.Get("Range"), int64(len(x.Object.Data))); ok {
			x.R.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		}
		x.Serve()
	}
}

// Less gives only the first n bytes of the range, honestly.
func Less(n int64) Fault {
	return func(x *Exchange) {
		if from, to, ok := span(x.R.Header.Get("Range"), int64(len(x.Object.Data))); ok {
			x.R.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, min(to, from+n-1)))
		}
		x.Serve()
	}
}

func span(r string, size int64) (from, to int64, ok bool) {
	a, b, ok := strings.Cut(strings.TrimPrefix(r, "bytes="), "-")
	if !ok {
		return 0, 0, false
	}
	from, err := strconv.ParseInt(a, 10, 64)
	if err != nil || from >= size {
		return 0, 0, false
	}
	if to, err = strconv.ParseInt(b, 10, 64); err != nil || to >= size {
		to = size - 1
	}
	return from, to, true
}

// Corrupt flips a bit of the nth byte of the body.
func Corrupt(n int64) Fault {
	return func(x *Exchange) { x.ServeTo(&flip{ResponseWriter: x.W, at: n}) }
}

type flip struct {
	http.ResponseWriter
	at int64
}

func (f *flip) Write(b []byte) (int, error) {
	if f.at >= 0 && f.at < int64(len(b)) {
		b = append([]byte(nil), b...)
		b[f.at] ^= 0x10
	}
	f.at -= int64(len(b))
	return f.ResponseWriter.Write(b)
}

// Change puts another version of the object of the given size in place after n bytes, and cuts the connection.
func Change(n int64, size int) Fault {
	return at(n, func(x *Exchange) bool {
		x.Store.Put(x.Object.Name, size)
		return false
	})
}

// Expire invalidates the object's signatures after n bytes, and cuts the connection.
func Expire(n int64) Fault {
	return at(n, func(x *Exchange) bool { x.Store.Revoke(x.Object.Name); return false })
}

// Hang sends n bytes of the body and then nothing, until the client goes away.
func Hang(n int64) Fault {
	return at(n, func(x *Exchange) bool { <-x.R.Context().Done(); return false })
}

// HangBefore never answers.
func HangBefore() Fault {
	return func(x *Exchange) { <-x.R.Context().Done() }
}

// Trickle sends the body in pieces of size bytes with pauses.
func Trickle(size int, every time.Duration) Fault {
	return func(x *Exchange) { x.ServeTo(&trickle{x.W, size, every, x.R}) }
}

type trickle struct {
	http.ResponseWriter
	size  int
	every time.Duration
	r     *http.Request
}

func (t *trickle) Write(b []byte) (int, error) {
	n := 0
	for len(b) > 0 {
		k := min(t.size, len(b))
		m, err := t.ResponseWriter.Write(b[:k])
		if n += m; err != nil {
			return n, err
		}
		b = b[k:]
		_ = http.NewResponseController(t.ResponseWriter).Flush()
		select {
		case <-time.After(t.every):
		case <-t.r.Context().Done():
			return n, t.r.Context().Err()
		}
	}
	return n, nil
}

// Unwrap serves http.ResponseController.
func (t *trickle) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Status answers with a code, an error body and headers as "Name: value".
func Status(code int, header ...string) Fault {
	return func(x *Exchange) {
		for _, h := range header {
			k, v, _ := strings.Cut(h, ": ")
			x.W.Header().Set(k, v)
		}
		x.Refuse(code)
	}
}

// Redirect sends the client elsewhere, with the whole query along.
func Redirect(to string) Fault {
	return func(x *Exchange) {
		http.Redirect(x.W, x.R, to, http.StatusTemporaryRedirect)
	}
}

// Portal answers 200 with the page of a captive portal; disguised, it calls the page a TIFF.
func Portal(disguised bool) Fault {
	return func(x *Exchange) {
		t := "text/html; charset=utf-8"
		if disguised {
			t = "image/tiff"
		}
		x.W.Header().Set("Content-Type", t)
		fmt.Fprint(x.W, "\n<!DOCTYPE html><html><body>Welcome to the hotel. Please log in.</body></html>")
	}
}

// HugeHeaders answers with a megabyte of headers.
func HugeHeaders() Fault {
	return func(x *Exchange) {
		for i := range 64 {
			x.W.Header().Set("X-Filler-"+strconv.Itoa(i), strings.Repeat("x", 16<<10))
		}
		x.Serve()
	}
}

// Endless sends zeros until the client goes away.
func Endless() Fault {
	return func(x *Exchange) {
		x.W.Header().Set("Content-Type", "image/tiff")
		buf := make([]byte, 64<<10)
		for x.R.Context().Err() == nil {
			if _, err := x.W.Write(buf); err != nil {
				return
			}
		}
	}
}

// Gzip gives the whole file compressed although nobody asked for it.
func Gzip() Fault {
	return func(x *Exchange) {
		h := x.W.Header()
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Type", "image/tiff")
		z := gzip.NewWriter(x.W)
		_, _ = z.Write(x.Object.Data)
		_ = z.Close()
	}
}

// WrongTotal claims another size of the object in Content-Range.
func WrongTotal(by int64) Fault {
	return func(x *Exchange) {
		x.ServeTo(&headers{ResponseWriter: x.W, most: -1, edit: func(h http.Header) {
			a, b, ok := strings.Cut(h.Get("Content-Range"), "/")
			if n, err := strconv.ParseInt(b, 10, 64); ok && err == nil {
				h.Set("Content-Range", fmt.Sprintf("%s/%d", a, n+by))
			}
		}})
	}
}

// Garbage answers with something that is no HTTP.
func Garbage() Fault {
	return func(x *Exchange) {
		if c, buf, err := http.NewResponseController(x.W).Hijack(); err == nil {
			_, _ = io.WriteString(buf, "220 ftp.example ready\r\n")
			_ = buf.Flush()
			c.Close()
		}
	}
}

// Pass calls f when n bytes of the body are out; f returns whether the rest follows, else the connection is cut.
func Pass(n int64, f func() bool) Fault { return at(n, func(*Exchange) bool { return f() }) }
