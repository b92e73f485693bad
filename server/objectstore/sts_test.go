package objectstore_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/go-jose/go-jose/v4"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/objectstore"
)

func TestTokensThatSTSRefuses(t *testing.T) {
	b := newBench(t, nil)
	i := b.idp
	now := b.clock.now()
	good := i.user(t, "alice", "users")
	head, rest, _ := strings.Cut(good, ".")
	payload, sig, _ := strings.Cut(rest, ".")
	admin, err := json.Marshal(i.claims("admin1", "admin"))
	if err != nil {
		t.Fatal(err)
	}
	noExp := i.claims("alice")
	delete(noExp, "exp")
	for name, c := range map[string]struct{ token, code string }{
		"alg none":                   {unsigned(t, i.claims("alice")), "InvalidIdentityToken"},
		"alg None with a signature":  {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None"}`)) + "." + payload + "." + sig, "InvalidIdentityToken"},
		"key confusion":              {signJWT(t, jose.HS256, i.publicKeyBytes(t), "k1", i.claims("admin1", "admin")), "InvalidIdentityToken"},
		"another key, our kid":       {signJWT(t, jose.RS256, i.other, "k1", i.claims("admin1", "admin")), "InvalidIdentityToken"},
		"another key, unknown kid":   {signJWT(t, jose.RS256, i.other, "k2", i.claims("admin1", "admin")), "InvalidIdentityToken"},
		"changed claims":             {head + "." + base64.RawURLEncoding.EncodeToString(admin) + "." + sig, "InvalidIdentityToken"},
		"wrong issuer":               {i.token(t, i.with(map[string]any{"iss": "https://evil.example"})), "InvalidIdentityToken"},
		"issuer with a slash":        {i.token(t, i.with(map[string]any{"iss": i.URL + "/"})), "InvalidIdentityToken"},
		"wrong audience":             {i.token(t, i.with(map[string]any{"aud": "gdal"})), "InvalidIdentityToken"},
		"audience that starts right": {i.token(t, i.with(map[string]any{"aud": "dinamis-desktop"})), "InvalidIdentityToken"},
		"no audience":                {i.token(t, i.with(map[string]any{"aud": []string{}})), "InvalidIdentityToken"},
		"no subject":                 {i.token(t, i.with(map[string]any{"sub": ""})), "InvalidIdentityToken"},
		"expired":                    {i.token(t, i.with(map[string]any{"exp": now.Add(-time.Second).Unix()})), "ExpiredTokenException"},
		"no expiry":                  {i.token(t, noExp), "ExpiredTokenException"},
		"not yet valid":              {i.token(t, i.with(map[string]any{"nbf": now.Add(2 * time.Minute).Unix()})), "InvalidIdentityToken"},
		"rubbish":                    {"rubbish", "InvalidIdentityToken"},
		"three dots":                 {"....", "InvalidIdentityToken"},
		"too long":                   {strings.Repeat("x", 20_001), "ValidationError"},
	} {
		_, err := b.assume(c.token, 0)
		if codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		if err != nil && (strings.Contains(err.Error(), payload) || strings.Contains(err.Error(), sig)) {
			t.Errorf("%s: the error quotes the token", name)
		}
	}
	if _, err := b.assume(good, 0); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if _, err := b.assume(i.token(t, i.with(map[string]any{"nbf": now.Add(-time.Minute).Unix()})), 0); err != nil {
		t.Errorf("one with nbf: %v", err)
	}
}

func TestRequestsThatSTSRefuses(t *testing.T) {
	b := newBench(t, nil)
	good := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {objectstore.RoleARN(objectstore.DefaultRole)},
		"RoleSessionName": {"test"}, "WebIdentityToken": {b.idp.user(t, "alice")},
	}
	post := func(v url.Values, query string) answer {
		return b.do("POST", b.srv.URL+"/"+query, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, strings.NewReader(v.Encode()))
	}
	if a := post(good, ""); a.status != 200 || a.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for name, c := range map[string]struct {
		key, value, code string
		status           int
	}{
		"another action":   {"Action", "GetCallerIdentity", "InvalidAction", 400},
		"another version":  {"Version", "2010-01-01", "ValidationError", 400},
		"unknown role":     {"RoleArn", objectstore.RoleARN("nobody"), "AccessDenied", 403},
		"no ARN":           {"RoleArn", "dinamis-user", "ValidationError", 400},
		"session name":     {"RoleSessionName", "a b", "ValidationError", 400},
		"too short":        {"DurationSeconds", "899", "ValidationError", 400},
		"too long":         {"DurationSeconds", "604801", "ValidationError", 400},
		"no number":        {"DurationSeconds", "1h", "ValidationError", 400},
		"a session policy": {"Policy", "{}", "ValidationError", 400},
		"policy ARNs":      {"PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/x", "ValidationError", 400},
		"no token":         {"WebIdentityToken", "", "ValidationError", 400},
	} {
		v := url.Values{}
		for k, vs := range good {
			v[k] = vs
		}
		v.Set(c.key, c.value)
		if a := post(v, ""); a.status != c.status || a.code() != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := post(url.Values{}, "?"+good.Encode()); a.status != 400 {
		t.Errorf("a token in the URL: %d", a.status)
	}
	twice := url.Values{"WebIdentityToken": {good.Get("WebIdentityToken"), "x"}}
	for k, vs := range good {
		twice[k] = append(vs[:len(vs):len(vs)], twice[k]...)
	}
	if a := post(twice, ""); a.status != 400 {
		t.Errorf("two tokens: %d", a.status)
	}
	if a := post(url.Values{"Action": {strings.Repeat("x", 200<<10)}}, ""); a.status != 400 {
		t.Errorf("an oversize form: %d", a.status)
	}
}

func TestTemporaryCredentialsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		cap  bool
		want time.Duration
	}{"outlive the token": {false, time.Hour}, "end with the token": {true, 5 * time.Minute}} {
		b := newBench(t, func(cfg *objectstore.Config) { cfg.CapToToken = c.cap })
		creds, err := b.assume(b.idp.user(t, "alice"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if d := creds.Expires.Sub(b.clock.now()); d > c.want || d < c.want-10*time.Second {
			t.Errorf("%s: they live %v", name, d)
		}
		list := func() error {
			_, err := b.s3(credentials.StaticCredentialsProvider{Value: creds}).ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String("dinamis")})
			return err
		}
		if err := list(); err != nil {
			t.Errorf("%s: at the start: %v", name, err)
		}
		b.clock.advance(c.want + time.Second)
		u := b.presign(credentials.StaticCredentialsProvider{Value: creds}, "GET", "made/1.tif", time.Hour)
		if a := b.do("GET", u, nil, nil); a.status != 400 || a.code() != "ExpiredToken" {
			t.Errorf("%s: after the end: %d %s", name, a.status, a.body)
		}
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	b := newBench(t, nil)
	token := b.idp.user(t, "alice")
	b.idp.Close()
	if _, err := b.assume(token, 0); codeOf(err) != "IDPCommunicationError" {
		t.Error(err)
	}
}

func TestSTSParses(t *testing.T) {
	b := newBench(t, nil)
	out, err := b.sts().AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::role/" + objectstore.DefaultRole), RoleSessionName: aws.String("me@home"), WebIdentityToken: aws.String(b.idp.user(t, "alice")),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.SubjectFromWebIdentityToken != "id-of-alice" || *out.Audience != "dinamis" || *out.Provider != b.idp.URL ||
		!strings.HasSuffix(*out.AssumedRoleUser.Arn, "assumed-role/dinamis-user/me@home") || !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") {
		t.Errorf("%+v", out)
	}
}
