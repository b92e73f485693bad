package objectstore

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// apiError is an answer of S3 that isn't a success: an HTTP status, the code that clients switch on, and a sentence.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func fail(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func errAccessDenied(format string, args ...any) *apiError {
	return fail(http.StatusForbidden, "AccessDenied", format, args...)
}

func errInvalidArgument(format string, args ...any) *apiError {
	return fail(http.StatusBadRequest, "InvalidArgument", format, args...)
}

func errNoSuchKey() *apiError {
	return fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func errNoSuchBucket() *apiError {
	return fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
}

func errPrecondition() *apiError {
	return fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the preconditions you specified did not hold.")
}

// asAPIError returns the answer for err; one that isn't an apiError is an internal error, whose text stays here.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fail(http.StatusBadRequest, "EntityTooLarge", "The body exceeds %d bytes.", tooLarge.Limit)
	}
	if isDiskFull(err) {
		return fail(http.StatusInsufficientStorage, "InsufficientStorage", "The store's disk is full.")
	}
	return fail(http.StatusInternalServerError, "InternalError", "The store failed; its log says why.")
}

type errorXML struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string `xml:",omitempty"`
	RequestID string `xml:"RequestId"`
}

// writeError answers with e in the XML of S3.
func writeError(w http.ResponseWriter, r *http.Request, id string, e *apiError) {
	writeXML(w, r, e.status, errorXML{Code: e.code, Message: e.message, Resource: r.URL.Path, RequestID: id})
}

func writeXML(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	body = append([]byte(xml.Header), body...)
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}
