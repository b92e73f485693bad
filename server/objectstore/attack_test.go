package objectstore_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/objectstore"
)

// edit changes one parameter of a URL.
func edit(t *testing.T, u, name, value string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	q := p.Query()
	q.Set(name, value)
	p.RawQuery = q.Encode()
	return p.String()
}

func without(t *testing.T, u, name string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	q := p.Query()
	q.Del(name)
	p.RawQuery = q.Encode()
	return p.String()
}

func param(t *testing.T, u, name string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	return p.Query().Get(name)
}

func TestPresignedURLsCannotBeChanged(t *testing.T) {
	b := newBench(t, nil)
	for _, key := range []string{"k.tif", "other.tif"} {
		if _, err := b.s3(b.root()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("dinamis"), Key: &key, Body: strings.NewReader("secret")}); err != nil {
			t.Fatal(err)
		}
	}
	alice, bob := b.user("alice"), b.user("bob")
	u := b.presign(alice, "GET", "k.tif", time.Hour)
	bobs := b.presign(bob, "GET", "k.tif", time.Hour)
	if a := b.do("GET", u, nil, nil); a.status != 200 {
		t.Fatalf("unchanged: %d %s", a.status, a.body)
	}
	for name, c := range map[string]struct {
		method, url string
		header      map[string]string
		code        string
	}{
		"another key":             {"GET", strings.Replace(u, "k.tif", "other.tif", 1), nil, "SignatureDoesNotMatch"},
		"another bucket":          {"GET", strings.Replace(u, "/dinamis/", "/other/", 1), nil, "SignatureDoesNotMatch"},
		"missing key":             {"GET", strings.Replace(u, "k.tif", "missing.tif", 1), nil, "SignatureDoesNotMatch"},
		"dot segments":            {"GET", strings.Replace(u, "k.tif", "%2e%2e/dinamis/k.tif", 1), nil, "SignatureDoesNotMatch"},
		"double encoding":         {"GET", strings.Replace(u, "k.tif", "%256b.tif", 1), nil, "SignatureDoesNotMatch"},
		"double slash":            {"GET", strings.Replace(u, "/k.tif", "//k.tif", 1), nil, "SignatureDoesNotMatch"},
		"put":                     {"PUT", u, nil, "SignatureDoesNotMatch"},
		"delete":                  {"DELETE", u, nil, "SignatureDoesNotMatch"},
		"post":                    {"POST", u, nil, "SignatureDoesNotMatch"},
		"another host":            {"GET", u, map[string]string{"Host": "evil.example"}, "SignatureDoesNotMatch"},
		"host without port":       {"GET", u, map[string]string{"Host": "127.0.0.1"}, "SignatureDoesNotMatch"},
		"longer expiry":           {"GET", edit(t, u, "X-Amz-Expires", "604800"), nil, "SignatureDoesNotMatch"},
		"endless expiry":          {"GET", edit(t, u, "X-Amz-Expires", "604801"), nil, "AuthorizationQueryParametersError"},
		"later date":              {"GET", edit(t, u, "X-Amz-Date", b.clock.now().Add(time.Second).UTC().Format("20060102T150405Z")), nil, ""},
		"another day":             {"GET", edit(t, u, "X-Amz-Date", b.clock.now().Add(-48*time.Hour).UTC().Format("20060102T150405Z")), nil, "SignatureDoesNotMatch"},
		"extra parameter":         {"GET", u + "&response-content-type=text%2Fhtml", nil, "SignatureDoesNotMatch"},
		"subresource":             {"GET", u + "&acl", nil, "SignatureDoesNotMatch"},
		"parameter twice":         {"GET", u + "&X-Amz-Expires=604800", nil, "AuthorizationQueryParametersError"},
		"token twice":             {"GET", u + "&X-Amz-Security-Token=x", nil, "AuthorizationQueryParametersError"},
		"fewer signed headers":    {"GET", edit(t, u, "X-Amz-SignedHeaders", "range"), nil, "AuthorizationQueryParametersError"},
		"more signed headers":     {"GET", edit(t, u, "X-Amz-SignedHeaders", "host;range"), nil, "SignatureDoesNotMatch"},
		"no token":                {"GET", without(t, u, "X-Amz-Security-Token"), nil, "InvalidAccessKeyId"},
		"another user's token":    {"GET", edit(t, u, "X-Amz-Security-Token", param(t, bobs, "X-Amz-Security-Token")), nil, "InvalidToken"},
		"another user's key":      {"GET", edit(t, u, "X-Amz-Credential", param(t, bobs, "X-Amz-Credential")), nil, "InvalidToken"},
		"another's signature":     {"GET", edit(t, u, "X-Amz-Signature", param(t, bobs, "X-Amz-Signature")), nil, "SignatureDoesNotMatch"},
		"the root key's name":     {"GET", edit(t, without(t, u, "X-Amz-Security-Token"), "X-Amz-Credential", b.RootKey().AccessKeyID+param(t, u, "X-Amz-Credential")[20:]), nil, "SignatureDoesNotMatch"},
		"unknown key":             {"GET", edit(t, u, "X-Amz-Credential", "AKIAUNKNOWN"+param(t, u, "X-Amz-Credential")[20:]), nil, "InvalidAccessKeyId"},
		"another service":         {"GET", strings.Replace(u, "%2Fs3%2F", "%2Fsts%2F", 1), nil, "AuthorizationQueryParametersError"},
		"empty signature":         {"GET", edit(t, u, "X-Amz-Signature", ""), nil, "AuthorizationQueryParametersError"},
		"no signature":            {"GET", without(t, u, "X-Amz-Signature"), nil, "AuthorizationQueryParametersError"},
		"nothing":                 {"GET", u[:strings.Index(u, "?")], nil, "AccessDenied"},
		"nothing, missing key":    {"GET", b.srv.URL + "/dinamis/missing", nil, "AccessDenied"},
		"nothing, missing bucket": {"GET", b.srv.URL + "/missing/x", nil, "AccessDenied"},
		"nothing, list":           {"GET", b.srv.URL + "/dinamis?list-type=2", nil, "AccessDenied"},
		"nothing, root":           {"GET", b.srv.URL + "/", nil, "AccessDenied"},
		"header and query":        {"GET", u, map[string]string{"Authorization": "AWS4-HMAC-SHA256 x"}, "InvalidArgument"},
		"unsigned amz header":     {"GET", u, map[string]string{"X-Amz-Copy-Source": "x"}, "AccessDenied"},
		"bearer":                  {"GET", u[:strings.Index(u, "?")], map[string]string{"Authorization": "Bearer x"}, "InvalidRequest"},
	} {
		a := b.do(c.method, c.url, c.header, nil)
		if c.code == "" {
			c.code = "SignatureDoesNotMatch"
		}
		if a.status < 400 || a.status >= 500 || a.code() != c.code {
			t.Errorf("%s: %d %s, want %s", name, a.status, a.body, c.code)
		}
		if strings.Contains(a.body, "secret") {
			t.Errorf("%s: the bytes are out", name)
		}
	}
	if a := b.do("HEAD", u, nil, nil); a.status != 403 || a.body != "" {
		t.Errorf("HEAD by a URL for GET: %d", a.status)
	}
	token := param(t, u, "X-Amz-Security-Token")
	flipped := []byte(token)
	flipped[len(flipped)/2] ^= 1
	if a := b.do("GET", edit(t, u, "X-Amz-Security-Token", string(flipped)), nil, nil); a.code() != "InvalidToken" {
		t.Errorf("a changed token: %d %s", a.status, a.body)
	}
}

func TestTimes(t *testing.T) {
	b := newBench(t, nil)
	alice := b.user("alice")
	now := b.clock.now()
	for name, c := range map[string]struct {
		at      time.Time
		expires time.Duration
		status  int
	}{
		"fresh":            {now, time.Minute, 200},
		"nearly over":      {now.Add(-50 * time.Second), time.Minute, 200},
		"over":             {now.Add(-61 * time.Second), time.Minute, 403},
		"a bit ahead":      {now.Add(14 * time.Minute), time.Minute, 200},
		"too far ahead":    {now.Add(16 * time.Minute), time.Hour, 403},
		"old but long":     {now.Add(-6 * 24 * time.Hour), 7 * 24 * time.Hour, 200},
		"older than it is": {now.Add(-8 * 24 * time.Hour), 7 * 24 * time.Hour, 403},
	} {
		if a := b.do("GET", b.presignAt(alice, "GET", "made/1.tif", c.expires, c.at), nil, nil); a.status != c.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	b.clock.advance(16 * time.Minute)
	if _, err := b.s3(b.root()).ListBuckets(t.Context(), &s3.ListBucketsInput{}); codeOf(err) != "RequestTimeTooSkewed" {
		t.Errorf("a skewed header: %v", err)
	}
}

func TestRights(t *testing.T) {
	b := newBench(t, nil)
	alice, admin := b.user("alice", "users"), b.user("admin1", "users", "admin")
	put := func(c aws.CredentialsProvider, key string) answer {
		return b.do("PUT", b.presign(c, "PUT", key, time.Hour), nil, strings.NewReader("x"))
	}
	for _, c := range []struct {
		who    aws.CredentialsProvider
		key    string
		status int
	}{
		{alice, "users/alice/x", 200},
		{alice, "users/alice/deep/er/x", 200},
		{alice, "users/bob/x", 403},
		{alice, "users/alice", 403},
		{alice, "users/alicea/x", 403},
		{alice, "Users/alice/x", 403},
		{alice, "x", 403},
		{alice, "users//alice/x", 403},
		{alice, "/users/alice/x", 403},
		{admin, "users/bob/x", 200},
		{admin, "x", 200},
		{b.user("*"), "users/*/x", 403},
		{b.user("a/../bob"), "users/bob/x", 403},
		{b.user("?"), "users/?/x", 403},
		{b.user(""), "users//x", 403},
		{b.user(".."), "users/x", 403},
		{b.user("${jwt:sub}"), "users/id/x", 403},
		{b.user("été é"), "users/été é/x", 200},
	} {
		if a := put(c.who, c.key); a.status != c.status {
			t.Errorf("put %q: %d %s, want %d", c.key, a.status, a.body, c.status)
		}
	}
	// A delete outside one's folder, and what is for the root key.
	if a := b.do("DELETE", b.presign(alice, "DELETE", "x", time.Hour), nil, nil); a.status != 403 {
		t.Errorf("delete: %d", a.status)
	}
	if _, err := b.s3(admin).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("mine")}); codeOf(err) != "AccessDenied" {
		t.Errorf("create bucket: %v", err)
	}
	if _, err := b.s3(alice).ListBuckets(t.Context(), &s3.ListBucketsInput{}); codeOf(err) != "AccessDenied" {
		t.Errorf("list buckets: %v", err)
	}
	// Whoever has no right to a bucket doesn't learn what is in it, nor that it exists.
	if _, err := b.s3(b.root()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("other"), Key: aws.String("there"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"other", "missing"} {
		for _, key := range []string{"there", "not-there"} {
			if _, err := b.s3(alice).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key}); codeOf(err) != "AccessDenied" {
				t.Errorf("%s/%s: %v", bucket, key, err)
			}
		}
		if _, err := b.s3(alice).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket}); codeOf(err) != "AccessDenied" {
			t.Errorf("list %s: %v", bucket, err)
		}
	}
	if a := b.do("GET", b.presign(alice, "GET", "missing.tif", time.Hour), nil, nil); a.status != 404 || a.code() != "NoSuchKey" {
		t.Errorf("with the right to read, a missing key is missing: %d %s", a.status, a.body)
	}
}

func TestPoliciesAreReplaced(t *testing.T) {
	b := newBench(t, nil)
	u := b.presign(b.user("alice"), "GET", "made/1.tif", time.Hour)
	if a := b.do("GET", u, nil, nil); a.status != 200 {
		t.Fatal(a.body)
	}
	deny := strings.Replace(string(objectstore.DefaultPoliciesJSON("dinamis")), `"Sid": "EveryUserReadsTheArchive",
              "Effect": "Allow"`, `"Sid": "NobodyReads", "Effect": "Deny"`, 1)
	p, err := objectstore.ParsePolicies([]byte(deny))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetPolicies(p); err != nil {
		t.Fatal(err)
	}
	if a := b.do("GET", u, nil, nil); a.status != 403 {
		t.Errorf("after the change: %d", a.status)
	}
	if p, err = objectstore.ParsePolicies([]byte(strings.Replace(deny, `"Federated": "dinamis"`, `"Federated": "elsewhere"`, 1))); err != nil {
		t.Fatal(err)
	}
	if err := b.SetPolicies(p); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("a provider that isn't ours: %v", err)
	}
}

func TestBodiesThatLie(t *testing.T) {
	b := newBench(t, nil)
	root := b.root()
	put := func(header map[string]string, body string) answer {
		return b.do("PUT", b.presign(root, "PUT", "k", time.Hour), header, strings.NewReader(body))
	}
	if a := put(map[string]string{"Content-Md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "not empty"); a.code() != "BadDigest" {
		t.Errorf("another MD5: %d %s", a.status, a.body)
	}
	if a := put(map[string]string{"Content-Md5": "x"}, ""); a.code() != "InvalidDigest" {
		t.Errorf("no MD5: %d %s", a.status, a.body)
	}
	small := newBench(t, func(c *objectstore.Config) { c.MaxObjectBytes = 10 })
	if a := small.do("PUT", small.presign(small.root(), "PUT", "k", time.Hour), nil, strings.NewReader("eleven bytes")); a.code() != "EntityTooLarge" {
		t.Errorf("too large: %d %s", a.status, a.body)
	}
	// Without a length, the bound holds while reading.
	r, err := http.NewRequestWithContext(context.Background(), "PUT", small.presign(small.root(), "PUT", "k", time.Hour), struct{ *strings.Reader }{strings.NewReader("eleven bytes")})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := small.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("too large, without a length: %d", resp.StatusCode)
	}
	if n := countFiles(t, b) + countFiles(t, small); n != 0 {
		t.Errorf("%d refused bodies were kept", n)
	}
}
