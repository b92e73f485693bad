package signing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// problem is an answer that isn't a success. Its sentence never holds a query, a token or a key.
type problem struct {
	status int
	detail string
}

func (p *problem) Error() string { return p.detail }

func refuse(status int, format string, args ...any) *problem {
	return &problem{status: status, detail: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers sign, sign_urls, sign_urls_put, openapi.json and docs.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := uuid.NewString()
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	name := strings.Trim(a.stripped(r.URL.Path), "/")
	route, ok := routes[name]
	switch {
	case !ok:
		a.fail(w, id, name, refuse(http.StatusNotFound, "There is nothing at %q; see docs.", name))
		return
	case r.Method == http.MethodOptions:
		h.Set("Allow", route.method+", OPTIONS")
		h.Set("Access-Control-Allow-Methods", route.method+", OPTIONS")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, access-key, secret-key")
		h.Set("Access-Control-Max-Age", "3600")
		w.WriteHeader(http.StatusNoContent)
		return
	case r.Method != route.method && !(r.Method == http.MethodHead && route.method == http.MethodGet):
		h.Set("Allow", route.method+", OPTIONS")
		a.fail(w, id, name, refuse(http.StatusMethodNotAllowed, "%s takes %s.", name, route.method))
		return
	}
	if err := route.run(a, w, r); err != nil {
		a.fail(w, id, name, err)
		return
	}
	a.cfg.Logger.Info("signing", "id", id, "op", name, "status", http.StatusOK)
}

type routeEntry struct {
	method string
	run    func(*API, http.ResponseWriter, *http.Request) error
}

var routes = map[string]routeEntry{
	"sign_urls":     {http.MethodPost, func(a *API, w http.ResponseWriter, r *http.Request) error { return a.signURLs(w, r, http.MethodGet) }},
	"sign_urls_put": {http.MethodPost, func(a *API, w http.ResponseWriter, r *http.Request) error { return a.signURLs(w, r, http.MethodPut) }},
	"sign":          {http.MethodGet, (*API).signOne},
	"openapi.json":  {http.MethodGet, (*API).serveOpenAPI},
	"docs":          {http.MethodGet, (*API).serveDocs},
	"":              {http.MethodGet, (*API).serveDocs},
}

func (a *API) stripped(path string) string {
	if p, ok := strings.CutPrefix(path, a.base); ok {
		return p
	}
	return path
}

func (a *API) fail(w http.ResponseWriter, id, op string, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = refuse(http.StatusInternalServerError, "The signing API failed; its log says why, under %s.", id)
	}
	a.cfg.Logger.Warn("signing", "id", id, "op", op, "status", p.status, "error", err)
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	writeJSON(w, p.status, struct {
		Detail string `json:"detail"`
	}{p.detail})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store") // a signed URL is a secret
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a client that went away needs no answer
}

// ask is a request in either of its forms.
type ask struct {
	urls     []string
	duration time.Duration
}

type signedURLs struct {
	Expiry string            `json:"expiry"`
	Hrefs  map[string]string `json:"hrefs"`
}

func (a *API) signURLs(w http.ResponseWriter, r *http.Request, method string) error {
	q, err := a.readAsk(w, r)
	if err != nil {
		return err
	}
	out, expiry, err := a.sign(r, method, q)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, signedURLs{Expiry: stamp(expiry), Hrefs: out})
	return nil
}

func (a *API) signOne(w http.ResponseWriter, r *http.Request) error {
	q, err := a.queryAsk(r, "url")
	if err != nil {
		return err
	}
	if len(q.urls) != 1 {
		return refuse(http.StatusUnprocessableEntity, "Give exactly one url in the query; sign_urls takes several.")
	}
	out, expiry, err := a.sign(r, http.MethodGet, q)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Href   string `json:"href"`
		Expiry string `json:"expiry"`
	}{out[q.urls[0]], stamp(expiry)})
	return nil
}

// stamp writes RFC 3339 with "+00:00" in place of "Z", which Python before 3.11 cannot read.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

// readAsk reads the query form (dinamis-sdk: empty body) and the JSON form (teledetection); both may be mixed.
func (a *API) readAsk(w http.ResponseWriter, r *http.Request) (ask, error) {
	q, err := a.queryAsk(r, "urls")
	if err != nil {
		return ask{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return ask{}, refuse(http.StatusRequestEntityTooLarge, "The body cannot be read, or is larger than %d bytes.", maxBody)
	}
	if len(body) > 0 {
		var j struct {
			URLs     []string    `json:"urls"`
			Duration json.Number `json:"duration_seconds"`
		}
		if err := json.Unmarshal(body, &j); err != nil {
			return ask{}, refuse(http.StatusUnprocessableEntity, `The body must be {"urls": ["…", …], "duration_seconds": n}.`)
		}
		q.urls = append(q.urls, j.URLs...)
		if j.Duration != "" {
			if q.duration, err = a.parseDuration(j.Duration.String()); err != nil {
				return ask{}, err
			}
		}
	}
	if len(q.urls) == 0 {
		return ask{}, refuse(http.StatusUnprocessableEntity, `There is no URL to sign: give "urls" in the query or in a JSON body.`)
	}
	if len(q.urls) > MaxURLs {
		return ask{}, refuse(http.StatusUnprocessableEntity, "%d URLs are too many: at most %d a call.", len(q.urls), MaxURLs)
	}
	return q, nil
}

func (a *API) queryAsk(r *http.Request, name string) (ask, error) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return ask{}, refuse(http.StatusBadRequest, "The query cannot be read: percent-encode each URL.")
	}
	q := ask{urls: v[name], duration: a.cfg.DefaultDuration}
	if d := v.Get("duration_seconds"); d != "" {
		if q.duration, err = a.parseDuration(d); err != nil {
			return ask{}, err
		}
	}
	return q, nil
}

func (a *API) parseDuration(s string) (time.Duration, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, refuse(http.StatusUnprocessableEntity, "The duration_seconds must be a whole number, 1 or more; more than %d is taken for that.", int(a.cfg.MaxDuration.Seconds()))
	}
	return time.Duration(min(n, int64(a.cfg.MaxDuration/time.Second))) * time.Second, nil
}

// object is a URL of ours, taken apart.
type object struct{ bucket, key string }

// locate finds bucket and key in a URL as it was sent. Characters that should have been percent-encoded may stand as they
// are, since catalogues hold such hrefs, apart from those that would end the path. The query of a URL that was signed before
// is ignored: it may have expired.
func (a *API) locate(raw string) (object, error) {
	shown := raw
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		shown = raw[:i]
	}
	if !utf8.ValidString(raw) {
		return object{}, refuse(http.StatusBadRequest, "A URL is not valid UTF-8.")
	}
	scheme, rest, _ := strings.Cut(shown, "://")
	host, path, _ := strings.Cut(rest, "/")
	prefix := strings.TrimPrefix(strings.TrimSuffix(a.objects.Path, "/"), "/")
	if prefix != "" {
		prefix += "/"
	}
	path, under := strings.CutPrefix(path, prefix)
	if !strings.EqualFold(scheme, a.objects.Scheme) || !strings.EqualFold(host, a.objects.Host) || !under {
		return object{}, refuse(http.StatusBadRequest, "%s is not in this store: only URLs under %s can be signed.", clip(shown), a.cfg.ObjectsURL)
	}
	_, query, _ := strings.Cut(raw, "?")
	if strings.Contains(raw, "#") || query != "" && !strings.Contains(query, "X-Amz-Signature=") {
		return object{}, refuse(http.StatusBadRequest, "%s carries a query or a fragment: encode ? as %%3F and # as %%23 if they belong to the key.", clip(shown))
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		return object{}, refuse(http.StatusBadRequest, "%s is not percent-encoded correctly.", clip(shown))
	}
	bucket, key, _ := strings.Cut(path, "/")
	if bucket == "" || key == "" || badSegment(path) {
		return object{}, refuse(http.StatusBadRequest, "%s does not name an object: it must be %s/<bucket>/<key>, without . and .. segments.", clip(shown), strings.TrimSuffix(a.cfg.ObjectsURL, "/"))
	}
	if len(a.cfg.Buckets) > 0 && !slices.Contains(a.cfg.Buckets, bucket) {
		return object{}, refuse(http.StatusForbidden, "%s is in a bucket that is not signed here.", clip(shown))
	}
	return object{bucket, key}, nil
}

func badSegment(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		if s == "." || s == ".." {
			return true
		}
	}
	return !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func clip(s string) string {
	const most = 300
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
