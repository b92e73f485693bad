package objectstore_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/objectstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// bench is a running store with its identity provider.
type bench struct {
	*objectstore.Store
	t      testing.TB
	clock  *clock
	idp    *issuer
	srv    *httptest.Server
	client *http.Client
	dir    string
}

type maker func(ctx context.Context, bucket, key, path string) error

func (m maker) Make(ctx context.Context, bucket, key, path string) error {
	return m(ctx, bucket, key, path)
}

// demoMaker makes "made/<n>.tif" of n bytes, and knows no other key.
func demoMaker(_ context.Context, bucket, key, path string) error {
	var n int
	if _, err := fmt.Sscanf(key, "made/%d.tif", &n); err != nil || bucket != "dinamis" {
		return fmt.Errorf("no such asset: %w", fs.ErrNotExist)
	}
	return os.WriteFile(path, bytes.Repeat([]byte{'x'}, n), 0o600)
}

func newBench(t testing.TB, change func(*objectstore.Config)) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{}}
	b.idp = newIssuer(t, b.clock.now)
	b.open(t.TempDir(), change)
	return b
}

func (b *bench) open(dir string, change func(*objectstore.Config)) {
	b.t.Helper()
	b.dir = dir
	cfg := objectstore.Config{Dir: dir, Issuer: b.idp.URL, Buckets: []string{"dinamis", "other"}, Maker: maker(demoMaker), Now: b.clock.now}
	if change != nil {
		change(&cfg)
	}
	var err error
	if b.Store, err = objectstore.New(cfg); err != nil {
		b.t.Fatal(err)
	}
	b.srv = httptest.NewServer(b.Store)
	b.client = b.srv.Client()
	store, srv := b.Store, b.srv
	b.t.Cleanup(func() {
		srv.Close()
		if err := store.Close(); err != nil {
			b.t.Error(err)
		}
	})
}

func (b *bench) s3(c aws.CredentialsProvider, opts ...func(*s3.Options)) *s3.Client {
	o := s3.Options{
		BaseEndpoint: &b.srv.URL, UsePathStyle: true, Region: "us-east-1", Credentials: c, HTTPClient: b.client,
		RetryMaxAttempts: 1,
	}
	return s3.New(o, opts...)
}

func (b *bench) root() aws.CredentialsProvider {
	k := b.RootKey()
	return credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, "")
}

func (b *bench) sts() *sts.Client {
	return sts.New(sts.Options{BaseEndpoint: &b.srv.URL, Region: "us-east-1", HTTPClient: b.client, Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1})
}

func (b *bench) assume(token string, d time.Duration) (aws.Credentials, error) {
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(objectstore.RoleARN(objectstore.DefaultRole)), RoleSessionName: aws.String("test"), WebIdentityToken: &token,
	}
	if d != 0 {
		in.DurationSeconds = aws.Int32(int32(d.Seconds()))
	}
	out, err := b.sts().AssumeRoleWithWebIdentity(b.t.Context(), in)
	if err != nil {
		return aws.Credentials{}, err
	}
	c := out.Credentials
	return aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken, CanExpire: true, Expires: *c.Expiration}, nil
}

// user logs a user in and returns the temporary credentials.
func (b *bench) user(name string, groups ...string) aws.CredentialsProvider {
	b.t.Helper()
	c, err := b.assume(b.idp.user(b.t, name, groups...), 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return credentials.StaticCredentialsProvider{Value: c}
}

// presign makes a URL as server/signing does: with the SDK's signer, host as the only signed header.
func (b *bench) presign(c aws.CredentialsProvider, method, key string, expires time.Duration) string {
	b.t.Helper()
	return b.presignAt(c, method, key, expires, b.clock.now())
}

func (b *bench) presignAt(c aws.CredentialsProvider, method, key string, expires time.Duration, at time.Time) string {
	b.t.Helper()
	creds, err := c.Retrieve(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest(method, objectstore.ObjectURL(b.srv.URL, "dinamis", key), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	q := r.URL.Query()
	q.Set("X-Amz-Expires", fmt.Sprint(int(expires.Seconds())))
	r.URL.RawQuery = q.Encode()
	u, _, err := v4.NewSigner().PresignHTTP(b.t.Context(), creds, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", at, func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// answer is a response, read.
type answer struct {
	status int
	header http.Header
	body   string
}

// code is the S3 error code of an answer.
func (a answer) code() string {
	_, rest, _ := strings.Cut(a.body, "<Code>")
	code, _, _ := strings.Cut(rest, "</Code>")
	return code
}

func (b *bench) do(method, url string, header map[string]string, body io.Reader) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, url, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for k, v := range header {
		if k == "Host" {
			r.Host = v
			continue
		}
		r.Header.Set(k, v)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// codeOf is the error code that the SDK found in an answer.
func codeOf(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// tlsServer serves the store over TLS, where the SDK sends its checksums in trailers.
func (b *bench) tlsServer() *httptest.Server {
	srv := httptest.NewTLSServer(b.Store)
	b.t.Cleanup(srv.Close)
	srv.Client().Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS12
	return srv
}

// countFiles counts the blobs on disk.
func countFiles(t testing.TB, b *bench) (n int) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(b.dir), "blobs", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
