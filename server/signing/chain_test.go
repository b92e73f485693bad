package signing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/idp/idptest"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/objectstore"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/server/signing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chain is all that stands between a login and a pixel: provider, store and signing API, each on a port of its own.
type chain struct {
	t       testing.TB
	idp     *idptest.Server
	store   *objectstore.Store
	objects *httptest.Server
	signing *httptest.Server
	sts     atomic.Int32 // calls
	offset  atomic.Int64
}

func (c *chain) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

func newChain(t testing.TB, change func(*signing.Config)) *chain {
	t.Helper()
	c := &chain{t: t, idp: idptest.Start(t)}
	var err error
	c.store, err = objectstore.New(objectstore.Config{Dir: t.TempDir(), Issuer: c.idp.Issuer(), Buckets: []string{"dinamis"}, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	c.objects = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/" {
			c.sts.Add(1)
		}
		c.store.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		c.objects.Close()
		if err := c.store.Close(); err != nil {
			t.Error(err)
		}
	})
	srv := httptest.NewUnstartedServer(nil)
	cfg := signing.Config{
		PublicURL: "http://" + srv.Listener.Addr().String() + "/signing/", ObjectsURL: c.objects.URL, Buckets: []string{"dinamis"},
		RoleARN: objectstore.RoleARN(objectstore.DefaultRole), TokenURL: c.idp.Issuer() + "/protocol/openid-connect/token",
		MaxSession: 7 * 24 * time.Hour, HTTPClient: c.objects.Client(), Now: c.now,
		Authorize: func(_ context.Context, call signing.Call) error {
			return c.store.Policies().Authorize(objectstore.Request{
				Role: objectstore.DefaultRole, Claims: objectstore.NewClaims(call.Claims), Action: call.Action,
				Resource: objectstore.ResourceARN(call.Bucket, call.Key),
			})
		},
	}
	if change != nil {
		change(&cfg)
	}
	api, err := signing.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = api
	srv.Start()
	c.signing = srv
	t.Cleanup(srv.Close)
	return c
}

// login logs in as a person would, with code and PKCE, and returns the access token.
func (c *chain) login(user string) string {
	c.t.Helper()
	codes := make(chan string, 1)
	cb := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		codes <- r.URL.Query().Get("code")
	}))
	defer cb.Close()
	base := c.idp.Issuer() + "/protocol/openid-connect/"
	conf := oauth2.Config{
		ClientID: "gdal", RedirectURL: cb.URL + "/", Scopes: []string{"openid", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: base + "auth", TokenURL: base + "token", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	go func() {
		if err := (idptest.Browser{Username: user, Password: user}).Open(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("nonce", "n"))); err != nil {
			c.t.Error(err)
			codes <- ""
		}
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tok, err := conf.Exchange(context.WithValue(c.t.Context(), oauth2.HTTPClient, client), <-codes, oauth2.VerifierOption(verifier))
	if err != nil {
		c.t.Fatal(err)
	}
	return tok.AccessToken
}

type reply struct {
	status int
	header http.Header
	body   string
	Expiry string            `json:"expiry"`
	Hrefs  map[string]string `json:"hrefs"`
	Href   string            `json:"href"`
	Detail string            `json:"detail"`
}

func (c *chain) do(method, target, token, body string) reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "bearer "+token)
	}
	return c.send(r)
}

func (c *chain) send(r *http.Request) reply {
	c.t.Helper()
	resp, err := c.signing.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(text)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(text, &out); err != nil {
			c.t.Fatalf("%v in %s", err, text)
		}
	}
	return out
}

func (c *chain) api(path string) string    { return c.signing.URL + "/signing/" + path }
func (c *chain) object(path string) string { return c.objects.URL + "/dinamis/" + path }
func asJSON(urls []string, s string) string {
	b, _ := json.Marshal(urls)
	return fmt.Sprintf(`{"urls": %s%s}`, b, s)
}

func (c *chain) sign(endpoint, token string, urls ...string) reply {
	c.t.Helper()
	return c.do("POST", c.api(endpoint), token, asJSON(urls, ""))
}

// put uploads through sign_urls_put and returns the signed URL.
func (c *chain) put(token, href, body string) {
	c.t.Helper()
	got := c.sign("sign_urls_put", token, href)
	if got.status != 200 {
		c.t.Fatalf("sign_urls_put %s: %d %s", href, got.status, got.body)
	}
	if a := c.do("PUT", got.Hrefs[href], "", body); a.status != 200 {
		c.t.Fatalf("PUT %s: %d %s", href, a.status, a.body)
	}
}

// odd are URLs as catalogues hold them, next to the keys that they mean.
var odd = map[string]string{
	"users/alice/plain.tif":           "users/alice/plain.tif",
	"users/alice/a b+c&d=e;f,g.tif":   "users/alice/a b+c&d=e;f,g.tif",
	"users/alice/a%20b%2Bc.tif":       "users/alice/a b+c.tif",
	"users/alice/été.tif":             "users/alice/été.tif",
	"users/alice/%C3%A9t%C3%A9-2.tif": "users/alice/été-2.tif",
	"users/alice/folder/":             "users/alice/folder/",
	"users/alice/what%3Fis%23this":    "users/alice/what?is#this",
	"users/alice/100%25.tif":          "users/alice/100%.tif",
	"users/alice/%252e%252e/x":        "users/alice/%2e%2e/x",
}

func TestFromLoginToBytes(t *testing.T) {
	c := newChain(t, nil)
	alice := c.login("alice")
	for path := range odd {
		href := c.object(path)
		c.put(alice, href, "bytes of "+path)
	}
	var hrefs []string
	for path, key := range odd {
		hrefs = append(hrefs, c.object(path))
		if o, err := c.store.Stat(t.Context(), "dinamis", key); err != nil || o.Size != int64(len("bytes of "+path)) {
			t.Errorf("%q is not at the key %q: %v", path, key, err)
		}
	}
	query := url.Values{"urls": hrefs, "duration_seconds": {"600"}}
	for form, got := range map[string]reply{
		"json":          c.do("POST", c.api("sign_urls"), alice, asJSON(hrefs, `, "duration_seconds": 600`)),
		"query":         c.do("POST", c.api("sign_urls")+"?"+query.Encode(), alice, ""),
		"slash at root": c.do("POST", c.signing.URL+"/sign_urls", alice, asJSON(hrefs, `, "duration_seconds": 600`)),
	} {
		if got.status != 200 || len(got.Hrefs) != len(hrefs) {
			t.Fatalf("%s: %d %s", form, got.status, got.body)
		}
		expiry, err := time.Parse(time.RFC3339, got.Expiry)
		if d := expiry.Sub(c.now()); err != nil || d > 600*time.Second || d < 590*time.Second {
			t.Errorf("%s: expiry %q", form, got.Expiry)
		}
		for path := range odd {
			signed := got.Hrefs[c.object(path)]
			q := mustQuery(t, signed)
			if q.Get("X-Amz-SignedHeaders") != "host" || q.Get("X-Amz-Security-Token") == "" || !strings.HasPrefix(q.Get("X-Amz-Credential"), "ASIA") {
				t.Errorf("%s: the URL's query is %v", form, q)
			}
			if a := c.do("GET", signed, "", ""); a.status != 200 || a.body != "bytes of "+path {
				t.Errorf("%s: GET %q: %d %s", form, path, a.status, a.body)
			}
			if a := c.do("HEAD", signed, "", ""); a.status != 403 {
				t.Errorf("HEAD by a URL for GET: %d", a.status)
			}
		}
	}
	one := c.do("GET", c.api("sign")+"?url="+url.QueryEscape(hrefs[0]), alice, "")
	if a := c.do("GET", one.Href, "", ""); one.status != 200 || a.status != 200 {
		t.Errorf("sign: %d %s, then %d", one.status, one.body, a.status)
	}
	if n := c.sts.Load(); n != 1 {
		t.Errorf("%d calls of STS for one token", n)
	}
	if a := c.do("GET", hrefs[0], "", ""); a.status != 403 {
		t.Errorf("unsigned GET: %d", a.status)
	}
	// A URL that was signed before is signed again.
	if got := c.sign("sign_urls", alice, one.Href); got.status != 200 || got.Hrefs[one.Href] == "" {
		t.Errorf("signing again: %d %s", got.status, got.body)
	}
}

func mustQuery(t testing.TB, u string) url.Values {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	return p.Query()
}

func TestRights(t *testing.T) {
	c := newChain(t, nil)
	alice, bob, admin := c.login("alice"), c.login("bob"), c.login("admin1")
	mine := c.object("users/alice/mine.txt")
	c.put(alice, mine, "mine")
	c.put(admin, c.object("anywhere.txt"), "admin")
	got := c.sign("sign_urls_put", bob, mine)
	if got.status != 403 || !strings.Contains(got.Detail, mine) {
		t.Errorf("bob into alice's folder: %d %s", got.status, got.body)
	}
	if got := c.sign("sign_urls", bob, mine); got.status != 200 {
		t.Errorf("bob reads the archive: %d %s", got.status, got.body)
	}
	blind := newChain(t, func(cfg *signing.Config) { cfg.Authorize = nil })
	signed := blind.sign("sign_urls_put", blind.login("bob"), blind.object("users/alice/x"))
	if signed.status != 200 {
		t.Fatalf("without the hook: %d %s", signed.status, signed.body)
	}
	if a := blind.do("PUT", signed.Hrefs[blind.object("users/alice/x")], "", "evil"); a.status != 403 {
		t.Errorf("the store let bob write: %d", a.status)
	}
}

func TestRefusals(t *testing.T) {
	c := newChain(t, nil)
	alice := c.login("alice")
	many := make([]string, 65)
	for i := range many {
		many[i] = c.object(fmt.Sprint(i))
	}
	long := make([]string, 64)
	for i := range long {
		long[i] = c.object(strings.Repeat("long/", 60) + fmt.Sprint(i))
	}
	if got := c.do("POST", c.api("sign_urls")+"?"+url.Values{"urls": long}.Encode(), alice, ""); got.status != 200 || len(got.Hrefs) != 64 {
		t.Errorf("64 long URLs in the query: %d", got.status)
	}
	one := asJSON([]string{c.object("x")}, "")
	for name, tc := range map[string]struct {
		method, path, token, body string
		status                    int
		text                      string
	}{
		"65":                {"POST", "sign_urls", alice, asJSON(many, ""), 422, "65 URLs are too many"},
		"none":              {"POST", "sign_urls", alice, "", 422, "no URL"},
		"not json":          {"POST", "sign_urls", alice, "urls=x", 422, "body must be"},
		"no login":          {"POST", "sign_urls", "", one, 401, "Log in"},
		"rubbish token":     {"POST", "sign_urls", "rubbish", one, 401, "not valid"},
		"forged token":      {"POST", "sign_urls", alice[:len(alice)-8] + "AAAAAAAA", one, 401, "not valid"},
		"foreign host":      {"POST", "sign_urls", alice, asJSON([]string{c.object("x"), "https://evil.example/dinamis/x?secret=1"}, ""), 400, "https://evil.example/dinamis/x is not in this store"},
		"host as user info": {"POST", "sign_urls", alice, asJSON([]string{"http://" + strings.TrimPrefix(c.objects.URL, "http://") + "@evil.example/dinamis/x"}, ""), 400, "not in this store"},
		"longer port":       {"POST", "sign_urls", alice, asJSON([]string{c.objects.URL + "1/dinamis/x"}, ""), 400, "not in this store"},
		"other bucket":      {"POST", "sign_urls", alice, asJSON([]string{c.objects.URL + "/other/x"}, ""), 403, "bucket"},
		"bucket alone":      {"POST", "sign_urls", alice, asJSON([]string{c.objects.URL + "/dinamis/"}, ""), 400, "does not name an object"},
		"dots":              {"POST", "sign_urls_put", alice, asJSON([]string{c.object("users/alice/../bob/x")}, ""), 400, "does not name an object"},
		"encoded dots":      {"POST", "sign_urls_put", alice, asJSON([]string{c.object("users/alice/%2e%2e/bob/x")}, ""), 400, "does not name an object"},
		"encoded slash":     {"POST", "sign_urls_put", alice, asJSON([]string{c.object("users/alice%2f..%2fbob/x")}, ""), 400, "does not name an object"},
		"query":             {"POST", "sign_urls", alice, asJSON([]string{c.object("x?acl")}, ""), 400, "query"},
		"fragment":          {"POST", "sign_urls", alice, asJSON([]string{c.object("x#y")}, ""), 400, "fragment"},
		"bad escape":        {"POST", "sign_urls", alice, asJSON([]string{c.object("x%zz")}, ""), 400, "percent-encoded"},
		"zero":              {"POST", "sign_urls?duration_seconds=0", alice, one, 422, "duration_seconds"},
		"words":             {"POST", "sign_urls?duration_seconds=long", alice, one, 422, "duration_seconds"},
		"two urls":          {"GET", "sign?url=a&url=b", alice, "", 422, "exactly one"},
		"method":            {"GET", "sign_urls", alice, "", 405, "POST"},
		"nowhere":           {"GET", "create_api_key", alice, "", 404, "docs"},
	} {
		got := c.do(tc.method, c.api(tc.path), tc.token, tc.body)
		if got.status != tc.status || !strings.Contains(got.Detail, tc.text) {
			t.Errorf("%s: %d %s, want %d with %q", name, got.status, got.body, tc.status, tc.text)
		}
		if strings.Contains(got.body, "secret") || strings.Contains(got.body, "null") || len(alice) > 0 && strings.Contains(got.body, alice) {
			t.Errorf("%s: the body holds what it must not: %s", name, got.body)
		}
	}
	r, err := http.NewRequest("POST", c.api("sign_urls"), strings.NewReader(one))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("access-key", "a")
	r.Header.Set("secret-key", "b")
	if got := c.send(r); got.status != 403 || !strings.Contains(got.Detail, "API keys are not enabled") {
		t.Errorf("API key: %d %s", got.status, got.body)
	}
	c.objects.Close()
	if got := c.do("POST", c.api("sign_urls"), c.login("bob"), one); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("without a store: %d %s", got.status, got.body)
	}
}

func TestDurations(t *testing.T) {
	c := newChain(t, nil)
	alice := c.login("alice")
	for ask, want := range map[string]time.Duration{
		"": 8 * time.Hour, `, "duration_seconds": 60`: time.Minute, `, "duration_seconds": 999999999`: 7 * 24 * time.Hour, `, "duration_seconds": null`: 8 * time.Hour,
	} {
		got := c.do("POST", c.api("sign_urls"), alice, asJSON([]string{c.object("x")}, ask))
		expiry, err := time.Parse(time.RFC3339, got.Expiry)
		if d := want - expiry.Sub(c.now()); err != nil || d < 0 || d > 30*time.Second {
			t.Errorf("%q: %s is %v less than %v", ask, got.Expiry, d, want)
		}
		if e := mustQuery(t, got.Hrefs[c.object("x")]).Get("X-Amz-Expires"); e == "" {
			t.Error("no X-Amz-Expires")
		}
	}
	// The expiry is true: a second before, the URL works; then it doesn't.
	href := c.object("users/alice/x")
	c.put(alice, href, "x")
	got := c.do("POST", c.api("sign_urls"), alice, asJSON([]string{href}, `, "duration_seconds": 3600`))
	expiry, _ := time.Parse(time.RFC3339, got.Expiry)
	c.offset.Store(int64(time.Until(expiry) - 2*time.Second))
	if a := c.do("GET", got.Hrefs[href], "", ""); a.status != 200 {
		t.Errorf("just before the end: %d %s", a.status, a.body)
	}
	c.offset.Store(int64(time.Until(expiry) + 2*time.Second))
	if a := c.do("GET", got.Hrefs[href], "", ""); a.status != 403 || !strings.Contains(a.body, "expired") {
		t.Errorf("just after the end: %d %s", a.status, a.body)
	}
	// An expired token opens nothing, though its temporary credentials live on.
	if got := c.sign("sign_urls", alice, href); got.status != 401 || !strings.Contains(got.Detail, "expired") {
		t.Errorf("an expired token: %d %s", got.status, got.body)
	}
}

func TestOneExchangeForAllWhoWait(t *testing.T) {
	c := newChain(t, nil)
	alice := c.login("alice")
	done := make(chan int, 16)
	for range cap(done) {
		go func() { done <- c.sign("sign_urls", alice, c.object("x")).status }()
	}
	for range cap(done) {
		if s := <-done; s != 200 {
			t.Errorf("status %d", s)
		}
	}
	if n := c.sts.Load(); n != 1 {
		t.Errorf("%d calls of STS", n)
	}
}

func TestDescription(t *testing.T) {
	c := newChain(t, nil)
	got := c.do("GET", c.api("openapi.json"), "", "")
	var doc struct {
		Paths      map[string]any
		Components struct {
			SecuritySchemes struct {
				OAuth2PasswordBearer struct {
					Flows struct{ Password struct{ TokenURL string } }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
		t.Fatal(err)
	}
	if u := doc.Components.SecuritySchemes.OAuth2PasswordBearer.Flows.Password.TokenURL; u != c.idp.Issuer()+"/protocol/openid-connect/token" {
		t.Errorf("tokenUrl %q", u)
	}
	for _, p := range []string{"/sign", "/sign_urls", "/sign_urls_put"} {
		if doc.Paths[p] == nil {
			t.Errorf("no path %s", p)
		}
	}
	if got := c.do("GET", c.api("docs"), "", ""); got.status != 200 || !strings.Contains(got.body, c.objects.URL) {
		t.Errorf("docs: %d %s", got.status, got.body)
	}
	if got := c.do("OPTIONS", c.api("sign_urls"), "", ""); got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight: %d %v", got.status, got.header)
	}
	if _, err := signing.New(signing.Config{PublicURL: "x"}); err == nil || !strings.Contains(err.Error(), "PublicURL") {
		t.Errorf("a bad PublicURL: %v", err)
	}
}

// BenchmarkSign signs 64 URLs a call, with a token that is known.
func BenchmarkSign(b *testing.B) {
	c := newChain(b, nil)
	token := c.login("alice")
	urls := make([]string, 64)
	for i := range urls {
		urls[i] = c.object(fmt.Sprintf("spot-6-7-drs/SPOT6_MS_202207270958074/%d/src_xs.tif", i))
	}
	body := asJSON(urls, "")
	if got := c.do("POST", c.api("sign_urls"), token, body); got.status != 200 {
		b.Fatal(got.body)
	}
	h := c.signing.Config.Handler
	for b.Loop() {
		r := httptest.NewRequest("POST", "/signing/sign_urls", strings.NewReader(body))
		r.Header.Set("Authorization", "bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
	b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "urls/s")
}
