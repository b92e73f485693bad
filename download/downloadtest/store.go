// Package downloadtest is a hostile object store for tests: it serves generated objects behind signed URLs, and breaks in
// every way that a network, a proxy or a host can break, when and where it is told.
//
// What must not be here: knowledge of how a client recovers. A test says which fault strikes which request; the store
// counts what was asked of it.
package downloadtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Object is what the store holds under a name.
type Object struct {
	Name string
	Data []byte
	ETag string // may be empty: the store gives none then
}

// SHA256 returns the hexadecimal hash of the object's bytes.
func (o Object) SHA256() string {
	h := sha256.Sum256(o.Data)
	return hex.EncodeToString(h[:])
}

// Multihash returns the hash as file:checksum carries it.
func (o Object) Multihash() string { return "1220" + o.SHA256() }

// Request is what the store remembers of one request.
type Request struct {
	Name, Range, IfRange, Referer string
	Header                        http.Header
	Status                        int
	Sent                          int64
}

// Store is an http.Handler. URLs are /name?X-Amz-Signature=…; a signature that was not issued, is used up or expired gets 403.
type Store struct {
	URL string // of the server that it runs on
	// Unsigned objects need no signature.
	Unsigned bool
	// Modified is the Last-Modified of all answers; none if zero.
	Modified time.Time

	srv *httptest.Server

	mu       sync.Mutex
	objects  map[string]Object
	versions map[string]int
	faults   []*strike
	requests []Request
	count    map[string]int
	valid    map[string]string // signature to object
	issued   int
	bad      error
}

// strike is a fault with where it strikes.
type strike struct {
	name        string // object, "" for all
	from, until int    // requests of the object, counted from 0; until is exclusive
	fault       Fault
}

// New starts a store on the loopback interface.
func New() *Store {
	s := &Store{objects: map[string]Object{}, versions: map[string]int{}, count: map[string]int{}, valid: map[string]string{}}
	s.srv = httptest.NewServer(s)
	s.URL = s.srv.URL
	return s
}

// Close stops the server and cuts what is under way.
func (s *Store) Close() {
	s.srv.CloseClientConnections()
	s.srv.Close()
}

// Put makes an object of size bytes, the same for the same name, version and size; a second Put of a name is another version.
func (s *Store) Put(name string, size int) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.versions[name]
	s.versions[name]++
	o := Object{Name: name, Data: content(name, v, size), ETag: fmt.Sprintf("%q", fmt.Sprintf("%s-%d-%d", name, v, size))}
	s.objects[name] = o
	return o
}

// Set replaces an object by exactly o.
func (s *Store) Set(o Object) {
	s.mu.Lock()
	s.objects[o.Name] = o
	s.mu.Unlock()
}

// Get returns an object as it is now.
func (s *Store) Get(name string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name]
}

// Href returns the unsigned address of an object.
func (s *Store) Href(name string) string { return s.URL + "/" + name }

// content is random enough that a byte in a wrong place is found, and the same at every run.
func content(name string, version, size int) []byte {
	seed := sha256.Sum256(fmt.Appendf(nil, "%s/%d", name, version))
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// Strike lets a fault strike the requests from (counted from 0) up to until (exclusive) for an object, or for all if name
// is empty. The first that applies wins.
func (s *Store) Strike(name string, from, until int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	base := s.count[name]
	s.faults = append(s.faults, &strike{name, base + from, base + until, f})
}

// Heal ends all faults.
func (s *Store) Heal() {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
}

// Requests returns what was asked so far.
func (s *Store) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Sent is the sum of the object's bytes that bodies carried.
func (s *Store) Sent(name string) int64 {
	var n int64
	for _, r := range s.Requests() {
		if r.Name == name && r.Status < 300 {
			n += r.Sent
		}
	}
	return n
}

// Err returns what a client did that no client may do: a signature in a referrer, a HEAD, credentials of ours.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bad
}

// Revoke makes every URL signed so far for an object invalid; for all, if name is empty.
func (s *Store) Revoke(name string) {
	s.mu.Lock()
	maps.DeleteFunc(s.valid, func(_, of string) bool { return name == "" || of == name })
	s.mu.Unlock()
}

func nameOf(href string) string {
	u, err := url.Parse(href)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

func (s *Store) sign(href string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	sig := "s3cr3t" + strconv.Itoa(s.issued)
	s.valid[sig] = nameOf(href)
	sep := "?"
	if strings.Contains(href, "?") {
		sep = "&"
	}
	return href + sep + "X-Amz-Signature=" + sig
}

// ServeHTTP implements http.Handler.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	n, all := s.count[name], s.count[""]
	s.count[name]++
	if name != "" {
		s.count[""]++
	}
	o, exists := s.objects[name]
	of, valid := s.valid[r.URL.Query().Get("X-Amz-Signature")]
	signed := s.Unsigned || valid && of == name
	index := len(s.requests)
	s.requests = append(s.requests, Request{
		Name: name, Range: r.Header.Get("Range"), IfRange: r.Header.Get("If-Range"), Referer: r.Referer(), Header: r.Header.Clone(),
	})
	s.judge(r)
	var fault Fault
	for _, f := range s.faults {
		i := n
		if f.name == "" {
			i = all
		}
		if (f.name == "" || f.name == name) && i >= f.from && i < f.until {
			fault = f.fault
			break
		}
	}
	s.mu.Unlock()
	rec := &recorder{ResponseWriter: w}
	defer func() {
		s.mu.Lock()
		s.requests[index].Status, s.requests[index].Sent = rec.status, rec.sent
		s.mu.Unlock()
	}()
	x := &Exchange{Store: s, Object: o, W: rec, R: r}
	switch {
	case !signed:
		x.Refuse(http.StatusForbidden)
	case fault != nil:
		fault(x)
	case !exists:
		x.Refuse(http.StatusNotFound)
	default:
		x.Serve()
	}
}

func (s *Store) judge(r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		s.bad = fmt.Errorf("a presigned URL was asked with %s", r.Method)
	case strings.Contains(r.Referer(), "X-Amz"):
		s.bad = fmt.Errorf("a signature leaked into a referrer")
	case r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "":
		s.bad = fmt.Errorf("credentials were sent to the store")
	}
}

// Exchange is one request under a fault.
type Exchange struct {
	Store  *Store
	Object Object
	W      http.ResponseWriter
	R      *http.Request
}

// Serve answers as a sound store does: ranges, validators, If-Range.
func (x *Exchange) Serve() { x.ServeTo(x.W) }

// ServeTo is Serve through another writer.
func (x *Exchange) ServeTo(w http.ResponseWriter) {
	h := w.Header()
	if x.Object.ETag != "" {
		h.Set("ETag", x.Object.ETag)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "image/tiff; application=geotiff")
	}
	http.ServeContent(w, x.R, "", x.Store.Modified, bytes.NewReader(x.Object.Data))
}

// Refuse answers as S3 does.
func (x *Exchange) Refuse(code int) {
	x.W.Header().Set("Content-Type", "application/xml")
	x.W.WriteHeader(code)
	fmt.Fprintf(x.W, "<?xml version=\"1.0\"?><Error><Code>%s</Code></Error>", http.StatusText(code))
}

// recorder notes status and length.
type recorder struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (r *recorder) WriteHeader(code int) {
	if r.status == 0 {
		r.status = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.sent += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
