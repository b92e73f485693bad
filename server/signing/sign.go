package signing

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// sign does the work of every signing endpoint: token, temporary credentials, one presigned URL for each of q.urls.
func (a *API) sign(r *http.Request, method string, q ask) (map[string]string, time.Time, error) {
	objects := make([]object, len(q.urls))
	token, err := a.bearer(r)
	if err != nil {
		return nil, time.Time{}, err
	}
	for i, u := range q.urls {
		if objects[i], err = a.locate(u); err != nil {
			return nil, time.Time{}, err
		}
	}
	s, err := a.sessions.get(r.Context(), token, q.duration)
	if err != nil {
		return nil, time.Time{}, err
	}
	if method == http.MethodPut {
		if err := a.authorize(r, s, q.urls, objects); err != nil {
			return nil, time.Time{}, err
		}
	}
	// The signature's time has whole seconds; so has the end of what it opens.
	now := a.cfg.Now().UTC().Truncate(time.Second)
	life := min(q.duration, s.credentials.Expires.Sub(now)).Truncate(time.Second)
	if life < time.Second {
		return nil, time.Time{}, refuse(http.StatusServiceUnavailable, "The temporary credentials have just ended; ask again.")
	}
	out := make(map[string]string, len(q.urls))
	for i, u := range q.urls {
		if out[u], err = a.presign(r, method, objects[i], s.credentials, now, life); err != nil {
			return nil, time.Time{}, err
		}
	}
	return out, now.Add(life), nil
}

// bearer returns the caller's access token.
func (a *API) bearer(r *http.Request) (string, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		token = strings.TrimSpace(token)
		if !strings.EqualFold(scheme, "bearer") || token == "" || len(token) > maxTokenBytes {
			return "", refuse(http.StatusUnauthorized, `The authorization header must be "bearer <access token>".`)
		}
		return token, nil
	}
	access, secret := r.Header.Get("access-key"), r.Header.Get("secret-key")
	switch {
	case access == "" && secret == "":
		return "", refuse(http.StatusUnauthorized, `Log in first: the request needs the header "authorization: bearer <access token>".`)
	case a.cfg.Keys == nil:
		return "", refuse(http.StatusForbidden, "API keys are not enabled here: log in and send a bearer token.")
	}
	token, err := a.cfg.Keys.Token(r.Context(), access, secret)
	if errors.Is(err, ErrUnknownKey) {
		return "", refuse(http.StatusUnauthorized, "The API key is not valid, or is revoked.")
	}
	return token, err
}

// authorize refuses an upload that the store would refuse, where its policies are known.
func (a *API) authorize(r *http.Request, s session, urls []string, objects []object) error {
	if a.cfg.Authorize == nil {
		return nil
	}
	for i, o := range objects {
		if err := a.cfg.Authorize(r.Context(), Call{Claims: s.claims, Action: "s3:PutObject", Bucket: o.bucket, Key: o.key}); err != nil {
			shown, _, _ := strings.Cut(urls[i], "?")
			return refuse(http.StatusForbidden, "You may not write to %s: %v.", clip(shown), err)
		}
	}
	return nil
}

// presign makes one URL, with host as the only signed header.
func (a *API) presign(r *http.Request, method string, o object, c aws.Credentials, now time.Time, life time.Duration) (string, error) {
	u := *a.objects
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + o.bucket + "/" + o.key
	u.RawPath = escapePath(u.Path)
	u.RawQuery = "X-Amz-Expires=" + strconv.Itoa(int(life/time.Second))
	req := &http.Request{Method: method, URL: &u, Host: u.Host, Header: http.Header{}}
	signed, _, err := a.signer.PresignHTTP(r.Context(), c, req, "UNSIGNED-PAYLOAD", "s3", a.cfg.Region, now)
	return signed, err
}

// escapePath percent-encodes all but the unreserved characters and '/', as the canonical path of Signature Version 4 is.
func escapePath(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	return strings.Join(segments, "/")
}
