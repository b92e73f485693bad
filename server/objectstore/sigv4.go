package objectstore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature Version 4 of AWS, the reading side: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API
// Reference. The tests hold it against the vectors of that reference and against AWS's own SDK.

const (
	sigAlgorithm    = "AWS4-HMAC-SHA256"
	amzDateLayout   = "20060102T150405Z"
	maxSkew         = 15 * time.Minute
	maxPresign      = 7 * 24 * time.Hour
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptySHA256     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// scope is the credential of a signature: who signed, and what the signing key was derived for.
type scope struct {
	accessKey, date, region, service string
}

func (c scope) String() string { return c.date + "/" + c.region + "/" + c.service + "/aws4_request" }

// signature is what a request says about its own signing.
type signature struct {
	scope
	signedHeaders []string
	mac           []byte
	time          time.Time
	presigned     bool
	expires       time.Duration // presigned only
	token         string        // session token, empty for a permanent key
	payload       string        // hash of the body, or the word that stands for it
}

// authHeader is the Authorization header, taken apart.
type authHeader struct {
	scope
	signedHeaders []string
	mac           []byte
}

// parseAuthorization reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func parseAuthorization(h string) (authHeader, error) {
	malformed := func(format string, args ...any) (authHeader, error) {
		return authHeader{}, fail(http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed: "+format+".", args...)
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(h), " ")
	if name != sigAlgorithm {
		return authHeader{}, fail(http.StatusBadRequest, "InvalidRequest", "The authorization mechanism is not supported: sign with %s.", sigAlgorithm)
	}
	parts := map[string]string{}
	for p := range strings.SplitSeq(rest, ",") {
		k, v, ok := strings.Cut(strings.TrimSpace(p), "=")
		if !ok || v == "" {
			return malformed("it must be Credential=…, SignedHeaders=…, Signature=…")
		}
		if _, twice := parts[k]; twice {
			return malformed("%s occurs twice", k)
		}
		parts[k] = v
	}
	if len(parts) != 3 {
		return malformed("it must have exactly Credential, SignedHeaders and Signature")
	}
	var out authHeader
	var err error
	if out.scope, err = parseScope(parts["Credential"]); err != nil {
		return malformed("%v", err)
	}
	if out.signedHeaders, err = parseSignedHeaders(parts["SignedHeaders"]); err != nil {
		return malformed("%v", err)
	}
	if out.mac, err = parseMAC(parts["Signature"]); err != nil {
		return malformed("%v", err)
	}
	return out, nil
}

func parseScope(s string) (scope, error) {
	// An access key may contain slashes, so the fixed part is counted from the end.
	p := strings.Split(s, "/")
	if len(p) < 5 || p[len(p)-1] != "aws4_request" {
		return scope{}, fmt.Errorf("the credential must be <access key>/<yyyymmdd>/<region>/s3/aws4_request")
	}
	n := len(p)
	c := scope{accessKey: strings.Join(p[:n-4], "/"), date: p[n-4], region: p[n-3], service: p[n-2]}
	if _, err := time.Parse("20060102", c.date); err != nil {
		return scope{}, fmt.Errorf("the credential's date %q is not yyyymmdd", c.date)
	}
	if c.accessKey == "" || c.region == "" {
		return scope{}, fmt.Errorf("the credential lacks its access key or its region")
	}
	if c.service != "s3" {
		return scope{}, fmt.Errorf("the credential is for the service %q, not s3", c.service)
	}
	return c, nil
}

func parseSignedHeaders(s string) ([]string, error) {
	names := strings.Split(s, ";")
	for i, n := range names {
		if n == "" || n != strings.ToLower(n) || strings.ContainsAny(n, " :\n\r\t") {
			return nil, fmt.Errorf("SignedHeaders has the bad name %q", n)
		}
		if i > 0 && names[i-1] >= n {
			return nil, fmt.Errorf("SignedHeaders is not sorted")
		}
	}
	if !slices.Contains(names, "host") {
		return nil, fmt.Errorf("the host header must be signed")
	}
	return names, nil
}

func parseMAC(s string) ([]byte, error) {
	mac, err := hex.DecodeString(s)
	if err != nil || len(mac) != sha256.Size {
		return nil, fmt.Errorf("the signature is not 64 hexadecimal digits")
	}
	return mac, nil
}

// readSignature finds and parses the signature of r. A request without one is refused.
func readSignature(r *http.Request, q url.Values) (*signature, error) {
	inHeader, inQuery := r.Header.Get("Authorization") != "", q.Has("X-Amz-Signature") || q.Has("X-Amz-Algorithm")
	switch {
	case inHeader && inQuery:
		return nil, errInvalidArgument("Only one authentication mechanism is allowed: the Authorization header or the query, not both.")
	case inHeader:
		return headerSignature(r)
	case inQuery:
		return querySignature(q)
	}
	return nil, errAccessDenied("Access Denied: the request is not signed.")
}

func headerSignature(r *http.Request) (*signature, error) {
	if len(r.Header.Values("Authorization")) > 1 {
		return nil, errInvalidArgument("The Authorization header occurs more than once.")
	}
	a, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	s := &signature{scope: a.scope, signedHeaders: a.signedHeaders, mac: a.mac, token: r.Header.Get("X-Amz-Security-Token")}
	if d := r.Header.Get("X-Amz-Date"); d != "" {
		s.time, err = time.Parse(amzDateLayout, d)
	} else {
		s.time, err = http.ParseTime(r.Header.Get("Date"))
	}
	if err != nil {
		return nil, errAccessDenied("The request must carry its time in X-Amz-Date (yyyymmddThhmmssZ) or Date.")
	}
	if s.payload = r.Header.Get("X-Amz-Content-Sha256"); s.payload == "" {
		return nil, fail(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256.")
	}
	return s, nil
}

func querySignature(q url.Values) (*signature, error) {
	bad := func(format string, args ...any) (*signature, error) {
		return nil, fail(http.StatusBadRequest, "AuthorizationQueryParametersError", format+".", args...)
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(q[name]) != 1 {
			return bad("The query must have %s exactly once", name)
		}
	}
	if len(q["X-Amz-Security-Token"]) > 1 {
		return bad("The query must not have X-Amz-Security-Token more than once")
	}
	if q.Get("X-Amz-Algorithm") != sigAlgorithm {
		return bad("X-Amz-Algorithm only supports %s", sigAlgorithm)
	}
	s := &signature{presigned: true, token: q.Get("X-Amz-Security-Token"), payload: unsignedPayload}
	var err error
	if s.scope, err = parseScope(q.Get("X-Amz-Credential")); err != nil {
		return bad("X-Amz-Credential: %v", err)
	}
	if s.signedHeaders, err = parseSignedHeaders(q.Get("X-Amz-SignedHeaders")); err != nil {
		return bad("X-Amz-SignedHeaders: %v", err)
	}
	if s.mac, err = parseMAC(q.Get("X-Amz-Signature")); err != nil {
		return bad("X-Amz-Signature: %v", err)
	}
	if s.time, err = time.Parse(amzDateLayout, q.Get("X-Amz-Date")); err != nil {
		return bad("X-Amz-Date must be yyyymmddThhmmssZ")
	}
	secs, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || secs < 1 || secs > int(maxPresign/time.Second) {
		return bad("X-Amz-Expires must be a number of seconds between 1 and %d", int(maxPresign/time.Second))
	}
	s.expires = time.Duration(secs) * time.Second
	if p := q.Get("X-Amz-Content-Sha256"); p != "" {
		s.payload = p
	}
	return s, nil
}

// checkTime refuses a signature whose time isn't now, or whose day isn't that of its signing key.
func (s *signature) checkTime(now time.Time) error {
	if s.time.UTC().Format("20060102") != s.date {
		return fail(http.StatusForbidden, "SignatureDoesNotMatch", "The credential's date %s is not the day of the request's time.", s.date)
	}
	if s.presigned {
		if s.time.After(now.Add(maxSkew)) {
			return errAccessDenied("Request is not valid yet.")
		}
		if !now.Before(s.time.Add(s.expires)) {
			return errAccessDenied("Request has expired.")
		}
		return nil
	}
	if d := now.Sub(s.time); d > maxSkew || d < -maxSkew {
		return fail(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the server's time is over %d minutes.", int(maxSkew/time.Minute))
	}
	return nil
}

// verify recomputes the signature of r with the secret and compares in constant time.
func (s *signature) verify(r *http.Request, q url.Values, secret string) error {
	for name := range r.Header {
		n := strings.ToLower(name)
		if strings.HasPrefix(n, "x-amz-") && !slices.Contains(s.signedHeaders, n) {
			return errAccessDenied("There were headers present in the request which were not signed: %s.", n)
		}
	}
	want := s.sign(signingKey(secret, s.scope), s.stringToSign(canonicalRequest(r, q, s)))
	if !hmac.Equal(want, s.mac) {
		return fail(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	return nil
}

func (s *signature) stringToSign(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return sigAlgorithm + "\n" + s.time.UTC().Format(amzDateLayout) + "\n" + s.scope.String() + "\n" + hex.EncodeToString(sum[:])
}

func (*signature) sign(key []byte, text string) []byte { return hmacSHA256(key, text) }

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func signingKey(secret string, c scope) []byte {
	k := hmacSHA256([]byte("AWS4"+secret), c.date)
	k = hmacSHA256(k, c.region)
	k = hmacSHA256(k, c.service)
	return hmacSHA256(k, "aws4_request")
}

// canonicalRequest is the text that was signed. The path is encoded afresh from its decoded form, so that it doesn't matter
// which optional characters a client encoded.
func canonicalRequest(r *http.Request, q url.Values, s *signature) string {
	var b strings.Builder
	b.WriteString(r.Method)
	b.WriteByte('\n')
	b.WriteString(awsEscape(r.URL.Path, false))
	b.WriteByte('\n')
	b.WriteString(canonicalQuery(q))
	b.WriteByte('\n')
	for _, name := range s.signedHeaders {
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(canonicalHeader(r, name))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(s.signedHeaders, ";"))
	b.WriteByte('\n')
	b.WriteString(s.payload)
	return b.String()
}

func canonicalQuery(q url.Values) string {
	pairs := make([]string, 0, len(q))
	for k, vs := range q {
		if k == "X-Amz-Signature" {
			continue
		}
		for _, v := range vs {
			pairs = append(pairs, awsEscape(k, true)+"="+awsEscape(v, true))
		}
	}
	// Names are compared before values; '=' sorts after some characters that a name may hold, so it cannot take part.
	slices.SortFunc(pairs, func(a, b string) int {
		ak, av, _ := strings.Cut(a, "=")
		bk, bv, _ := strings.Cut(b, "=")
		if c := strings.Compare(ak, bk); c != 0 {
			return c
		}
		return strings.Compare(av, bv)
	})
	return strings.Join(pairs, "&")
}

func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(max(0, r.ContentLength), 10)
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	vs := r.Header.Values(name)
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(out, ",")
}
