package objectstore

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// principal is who a request comes from: the root key, or a session.
type principal struct {
	root    bool
	session session
}

func (p principal) subject() string {
	if p.root {
		return "root"
	}
	return p.session.Subject
}

// call is one authenticated request.
type call struct {
	w           http.ResponseWriter
	r           *http.Request
	id          string
	query       url.Values
	who         principal
	sig         *signature
	secret      string // of the key that signed: aws-chunked bodies are signed with it too
	bucket, key string
}

// operation is one action of the API, as it is named in logs, with the right that it needs.
type operation struct {
	name   string
	action string   // empty: the root key alone
	params []string // query parameters that it understands
	run    func(*Store, *call) error
}

// ServeHTTP answers the S3 API, path style, and STS at POST /.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.cfg.Now()
	id := uuid.NewString()
	w.Header().Set("X-Amz-Request-Id", id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	cors(w.Header())
	rec := &recorder{ResponseWriter: w, r: r, id: id}
	c := &call{w: rec, r: r, id: id}
	name, err := s.serve(c)
	level := slog.LevelInfo
	if rec.status >= 500 {
		level = slog.LevelError
	}
	attrs := []any{"id", id, "op", name, "method", r.Method, "path", r.URL.Path, "status", rec.status, "bytes", rec.bytes, "subject", c.who.subject(), "took", s.cfg.Now().Sub(start)}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	s.cfg.Logger.Log(r.Context(), level, "objects", attrs...)
}

func cors(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "ETag, Content-Range, Accept-Ranges, Content-Length, Last-Modified, Date, x-amz-request-id, x-amz-checksum-sha256")
}

func (s *Store) serve(c *call) (name string, err error) {
	switch {
	case c.r.Method == http.MethodOptions:
		h := c.w.Header()
		const methods = "GET, HEAD, PUT, POST, DELETE, OPTIONS"
		h.Set("Allow", methods)
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Range, If-Match, If-None-Match, If-Range, If-Modified-Since, Authorization, Content-Type, Content-MD5, x-amz-date, x-amz-content-sha256, x-amz-security-token")
		h.Set("Access-Control-Max-Age", "3600")
		c.w.WriteHeader(http.StatusNoContent)
		return "Options", nil
	case c.r.Method == http.MethodPost && c.r.URL.Path == "/":
		return "AssumeRoleWithWebIdentity", s.serveSTS(c.w, c.r, c.id)
	}
	name, err = s.serveS3(c)
	if err != nil {
		writeError(c.w, c.r, c.id, asAPIError(err))
	}
	return name, err
}

func (s *Store) serveS3(c *call) (name string, err error) {
	if err := s.authenticate(c); err != nil {
		return "", err
	}
	c.bucket, c.key = splitPath(c.r.URL.Path)
	op, err := route(c)
	if err != nil {
		return "", err
	}
	if err := s.authorize(c, op); err != nil {
		return op.name, err
	}
	return op.name, op.run(s, c)
}

// authenticate finds out whose request it is.
func (s *Store) authenticate(c *call) (err error) {
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return errInvalidArgument("The query cannot be read.")
	}
	if c.sig, err = readSignature(c.r, c.query); err != nil {
		return err
	}
	now := s.cfg.Now()
	if err := c.sig.checkTime(now); err != nil {
		return err
	}
	unknown := fail(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	who := principal{}
	switch {
	case isTemporary(c.sig.accessKey):
		if c.sig.token == "" {
			return unknown
		}
		if who.session, err = s.sealer.open(c.sig.token, c.sig.accessKey, now); err != nil {
			return err
		}
		c.secret = s.sealer.secretOf(c.sig.accessKey)
	case c.sig.accessKey == s.root.AccessKeyID:
		if c.sig.token != "" {
			return fail(http.StatusBadRequest, "InvalidToken", "A permanent key has no session token.")
		}
		who.root, c.secret = true, s.root.SecretAccessKey
	default:
		return unknown
	}
	if err := c.sig.verify(c.r, c.query, c.secret); err != nil {
		return err
	}
	c.who = who
	return nil
}

// authorize asks the policies. What a request names need not exist: whoever has no right to it doesn't learn that.
func (s *Store) authorize(c *call, op operation) error {
	if c.who.root {
		return nil
	}
	if op.action == "" {
		return errAccessDenied("Access Denied: %s is for the root key.", op.name)
	}
	q := Request{
		Role: c.who.session.Role, Claims: c.who.session.Claims, Action: op.action, Resource: ResourceARN(c.bucket, c.key),
		Context: map[string][]string{},
	}
	if op.action == "s3:ListBucket" {
		for _, k := range []string{"prefix", "delimiter"} {
			if c.query.Has(k) {
				q.Context["s3:"+k] = c.query[k]
			}
		}
	}
	if err := s.Policies().Authorize(q); err != nil {
		return errAccessDenied("Access Denied: %s.", strings.TrimPrefix(err.Error(), ErrDenied.Error()+": "))
	}
	return nil
}

// route finds the operation of a request, and refuses those that aren't served here: a parameter that was ignored could
// turn a request for an object's ACL into one for the object.
func route(c *call) (operation, error) {
	var op operation
	var ok bool
	switch {
	case c.bucket == "":
		op, ok = serviceOps[c.r.Method]
	case c.key == "":
		if err := checkBucket(c.bucket); err != nil {
			return operation{}, err
		}
		op, ok = bucketOp(c)
	default:
		if err := checkBucket(c.bucket); err != nil {
			return operation{}, err
		}
		if err := checkKey(c.key); err != nil {
			return operation{}, err
		}
		op, ok = objectOp(c)
	}
	if !ok {
		return operation{}, fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not allowed against this resource.", c.r.Method)
	}
	for k := range c.query {
		if strings.HasPrefix(k, "X-Amz-") || k == "x-id" || slices.Contains(op.params, k) {
			continue
		}
		return operation{}, fail(http.StatusNotImplemented, "NotImplemented", "The parameter %q of %s is not implemented here.", clip(k), op.name)
	}
	return op, nil
}

var serviceOps = map[string]operation{
	http.MethodGet: {name: "ListBuckets", action: "s3:ListAllMyBuckets", run: (*Store).listBuckets},
}

func bucketOp(c *call) (operation, bool) {
	switch c.r.Method {
	case http.MethodGet:
		if c.query.Has("location") {
			return operation{name: "GetBucketLocation", action: "s3:GetBucketLocation", params: []string{"location"}, run: (*Store).bucketLocation}, true
		}
		return operation{
			name: "ListObjects", action: "s3:ListBucket", run: (*Store).listObjects,
			params: []string{"list-type", "prefix", "delimiter", "max-keys", "start-after", "continuation-token", "encoding-type", "fetch-owner", "marker"},
		}, true
	case http.MethodHead:
		return operation{name: "HeadBucket", action: "s3:ListBucket", run: (*Store).headBucket}, true
	case http.MethodPut:
		return operation{name: "CreateBucket", run: (*Store).putBucket}, true
	case http.MethodDelete:
		return operation{name: "DeleteBucket", run: (*Store).deleteBucket}, true
	}
	return operation{}, false
}

func objectOp(c *call) (operation, bool) {
	switch c.r.Method {
	case http.MethodGet:
		return operation{name: "GetObject", action: "s3:GetObject", params: slices.Collect(maps.Keys(overrides)), run: (*Store).getObject}, true
	case http.MethodHead:
		return operation{name: "HeadObject", action: "s3:GetObject", params: slices.Collect(maps.Keys(overrides)), run: (*Store).getObject}, true
	case http.MethodPut:
		return operation{name: "PutObject", action: "s3:PutObject", run: (*Store).putObject}, true
	case http.MethodDelete:
		return operation{name: "DeleteObject", action: "s3:DeleteObject", run: (*Store).deleteObject}, true
	}
	return operation{}, false
}

func (s *Store) requireBucket(c *call) error {
	ok, err := s.index.hasBucket(c.r.Context(), c.bucket)
	if err == nil && !ok {
		err = errNoSuchBucket()
	}
	return err
}

// recorder remembers the answer for the log, and puts S3's XML in the place of the plain text with which http.ServeContent
// answers a range or a precondition that fails.
type recorder struct {
	http.ResponseWriter
	r       *http.Request
	id      string
	status  int
	bytes   int64
	content bool // http.ServeContent is writing
	mute    bool // the rest of the answer is ours already
}

// WriteHeader records the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	var e *apiError
	if w.content {
		switch status {
		case http.StatusRequestedRangeNotSatisfiable:
			e = fail(status, "InvalidRange", "The requested range is not satisfiable.")
		case http.StatusPreconditionFailed:
			e = errPrecondition()
		}
	}
	if e == nil {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.content = false
	writeError(w.ResponseWriter, w.r, w.id, e)
	w.mute = true
}

// Write counts what is written.
func (w *recorder) Write(p []byte) (int, error) {
	if w.mute {
		return len(p), nil
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom lets a file go to the connection without passing through memory of ours.
func (w *recorder) ReadFrom(src io.Reader) (int64, error) {
	if w.mute {
		return io.Copy(io.Discard, src)
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := io.Copy(w.ResponseWriter, src)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
