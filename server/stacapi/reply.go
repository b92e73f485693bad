package stacapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/catalog"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/internal/jsonscan"
)

// httpError is an answer that isn't a success.
type httpError struct {
	status int
	code   string
	msg    string
}

func (e *httpError) Error() string { return e.msg }

// invalid names the parameter that is wrong, and what would be right.
func invalid(param, format string, args ...any) error {
	return &httpError{status: http.StatusBadRequest, code: "InvalidParameterValue", msg: param + ": " + fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &httpError{status: http.StatusNotFound, code: "NotFound", msg: fmt.Sprintf(format, args...)}
}

// statusOf maps a kind of the catalogue to HTTP, once.
func statusOf(k catalog.Kind) (int, string) {
	switch k {
	case catalog.KindInvalid:
		return http.StatusBadRequest, "InvalidParameterValue"
	case catalog.KindNotFound:
		return http.StatusNotFound, "NotFound"
	case catalog.KindConflict:
		return http.StatusConflict, "Conflict"
	case catalog.KindUnauthorized:
		return http.StatusUnauthorized, "Unauthorized"
	case catalog.KindForbidden:
		return http.StatusForbidden, "Forbidden"
	case catalog.KindThrottled:
		return http.StatusTooManyRequests, "TooManyRequests"
	case catalog.KindTooLarge:
		return http.StatusRequestEntityTooLarge, "TooLarge"
	case catalog.KindUnavailable, catalog.KindReadOnly:
		return http.StatusServiceUnavailable, "Unavailable"
	case catalog.KindProtocol:
		return http.StatusBadGateway, "BadGateway"
	}
	return http.StatusInternalServerError, "InternalError"
}

// fail answers with {code, description}. What is our fault is logged, and told without its inner cause.
func (a *API) fail(w http.ResponseWriter, r *request, err error) {
	var he *httpError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &he):
	case errors.As(err, &tooLarge):
		he = &httpError{http.StatusRequestEntityTooLarge, "TooLarge", fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	case r.Context().Err() != nil && !errors.Is(r.Context().Err(), context.DeadlineExceeded):
		return // nobody listens any more
	default:
		status, code := statusOf(catalog.KindOf(err))
		he = &httpError{status, code, err.Error()}
		var ce *catalog.Error
		if status == http.StatusBadRequest && errors.As(err, &ce) && ce.Err != nil {
			he.msg = ce.Err.Error()
		}
		if status >= 500 {
			a.cfg.Logger.Error("stac api: failed", "request", r.id, "path", r.URL.Path, "error", err)
			he.msg = "the catalogue could not answer; the log has it under request " + r.id
		}
	}
	if he.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	b := jsonscan.AppendString([]byte(`{"code":`), he.code)
	b = append(jsonscan.AppendString(append(b, `,"description":`...), he.msg), '}')
	h := w.Header()
	h.Set("Content-Type", typeJSON)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(he.status)
	_, _ = w.Write(b) // a client that is gone needs no answer
}

// reply sends a body of that media type, compressed if the client can read it. With tag it carries an ETag and answers
// If-None-Match.
func (a *API) reply(w http.ResponseWriter, r *request, mediaType string, body []byte, tag bool) error {
	return a.replyStatus(w, r, http.StatusOK, mediaType, body, tag)
}

func (a *API) replyStatus(w http.ResponseWriter, r *request, status int, mediaType string, body []byte, tag bool) error {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Add("Vary", "Accept-Encoding")
	coding := ""
	if len(body) >= 1024 {
		coding = acceptedCoding(r.Header.Values("Accept-Encoding"))
	}
	if tag {
		etag := etagOf(body)
		if coding != "" { // each coding is a representation of its own (RFC 9110 § 8.8.3.3)
			h.Set("ETag", `"`+etag+"-"+coding+`"`)
		} else {
			h.Set("ETag", `"`+etag+`"`)
		}
		h.Set("Cache-Control", "no-cache")
		if matches(r.Header.Values("If-None-Match"), etag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	if coding != "" {
		out := a.mem.compress(coding, a.mem.get(), body)
		defer func() { a.mem.put(out) }()
		h.Set("Content-Encoding", coding)
		body = out
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone needs no answer
	}
	return nil
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:12])
}

// matches reports whether a list of entity tags holds this one, under any content coding.
func matches(lists []string, etag string) bool {
	for _, list := range lists {
		for t := range strings.SplitSeq(list, ",") {
			t = strings.TrimSpace(t)
			if t == "*" {
				return true
			}
			t = strings.Trim(strings.TrimPrefix(t, "W/"), `"`)
			if rest, ok := strings.CutPrefix(t, etag); ok && (rest == "" || rest == "-gzip" || rest == "-zstd") {
				return true
			}
		}
	}
	return false
}

// acceptedCoding returns zstd, gzip or nothing (RFC 9110 § 12.5.3).
func acceptedCoding(headers []string) string {
	best, bestQ := "", 0.0
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(part, ";")
			q := 1.0
			if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
				f, err := strconv.ParseFloat(v, 64)
				if err != nil {
					continue
				}
				q = f
			}
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "*" {
				name = "gzip"
			}
			if (name == "gzip" || name == "zstd") && (q > bestQ || q == bestQ && q > 0 && name == "zstd") {
				best, bestQ = name, q
			}
		}
	}
	return best
}

// statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
	n      int64
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.n += int64(n)
	return n, err
}

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
