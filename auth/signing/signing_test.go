package signing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth"
	"forgemia.inra.fr/cdos-pub/dinamis-desktop/auth/signing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const signature = "X-Amz-Signature=5ec7e7"

// api is a signing API whose answers a test bends.
type api struct {
	*httptest.Server
	mu      sync.Mutex
	batches [][]string
	tokens  []string
	calls   atomic.Int32
	life    time.Duration
	answer  func(n int, w http.ResponseWriter, urls []string) bool // true: it answered
}

func newAPI(t testing.TB, answer func(n int, w http.ResponseWriter, urls []string) bool) *api {
	t.Helper()
	a := &api{life: 8 * time.Hour, answer: answer}
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		URLs []string `json:"urls"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/signing/sign_urls" || r.Method != http.MethodPost {
		http.Error(w, `{"detail": "not a call"}`, http.StatusTeapot)
		return
	}
	a.mu.Lock()
	a.batches = append(a.batches, in.URLs)
	a.tokens = append(a.tokens, r.Header.Get("Authorization"))
	a.mu.Unlock()
	if a.answer != nil && a.answer(int(a.calls.Add(1)), w, in.URLs) {
		return
	}
	hrefs := map[string]string{}
	for _, u := range in.URLs {
		hrefs[u] = u + "?" + signature
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"expiry": time.Now().Add(a.life).UTC().Format(time.RFC3339), "hrefs": hrefs})
}

func (a *api) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.batches)
}

// tokens is a token source that renews.
type tokens struct {
	mu      sync.Mutex
	current string
	err     error
	renewed int
}

func (s *tokens) Token(context.Context) (auth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return auth.Token{Access: auth.Secret(s.current)}, s.err
}

func (s *tokens) Renew(_ context.Context, refused auth.Token) (auth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewed++
	s.current = refused.Access.Reveal() + "+"
	return auth.Token{Access: auth.Secret(s.current)}, s.err
}

func newSigner(t testing.TB, a *api, change func(*signing.Config)) *signing.Signer {
	t.Helper()
	c := signing.Config{Endpoint: a.URL + "/signing/", Tokens: &tokens{current: "eyJ.tok.en"}, HTTPClient: a.Client(), Backoff: time.Millisecond}
	if change != nil {
		change(&c)
	}
	return signing.New(c)
}

func hrefs(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("https://s3.example.org/dinamis/a b&%d+é/.tif", i)
	}
	return out
}

func TestBatchesAndCache(t *testing.T) {
	a := newAPI(t, nil)
	s := newSigner(t, a, nil)
	in := hrefs(150)
	in = append(in, in[3], in[140])
	for range 2 {
		out, err := s.Sign(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range out {
			if g.Href != in[i] || g.URL.Reveal() != in[i]+"?"+signature || g.Expiry.IsZero() {
				t.Fatalf("%d: %+v", i, g)
			}
		}
	}
	if a.count() != 3 {
		t.Errorf("%d calls for 150 hrefs, twice", a.count())
	}
	for _, b := range a.batches {
		if len(b) > 64 {
			t.Errorf("a batch of %d", len(b))
		}
	}
	if a.tokens[0] != "bearer eyJ.tok.en" {
		t.Errorf("authorization %q", a.tokens[0])
	}
	s.Forget(in[0], in[1])
	if _, err := s.Sign(t.Context(), in); err != nil || a.count() != 4 || len(a.batches[3]) != 2 {
		t.Errorf("after Forget: %v, %d calls", err, a.count())
	}
	s.Reset()
	if _, err := s.Sign(t.Context(), in[:1]); err != nil || a.count() != 5 {
		t.Errorf("after Reset: %v, %d calls", err, a.count())
	}
}

func TestURLsAreSignedAgainInTime(t *testing.T) {
	for _, c := range []struct {
		life, fresh, stale time.Duration
	}{
		{8 * time.Hour, 7*time.Hour + 29*time.Minute, 7*time.Hour + 31*time.Minute},
		{10 * time.Minute, 4 * time.Minute, 6 * time.Minute}, // half of the life, not the margin
	} {
		a := newAPI(t, nil)
		a.life = c.life
		var offset atomic.Int64
		s := newSigner(t, a, func(cfg *signing.Config) {
			cfg.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		})
		for i, at := range []time.Duration{0, c.fresh, c.stale} {
			offset.Store(int64(at))
			_, err := s.Sign(t.Context(), hrefs(1))
			// The API's clock stands still, so a later answer may be one that has ended: only the calls count.
			if want := max(1, i); a.count() != want || err != nil && auth.KindOf(err) != auth.KindProtocol {
				t.Errorf("life %v, at %v: %d calls, want %d; %v", c.life, at, a.count(), want, err)
			}
		}
	}
}

func TestWhatPassesThrough(t *testing.T) {
	a := newAPI(t, nil)
	s := newSigner(t, a, func(c *signing.Config) {
		c.Hosts = []string{"*.meso.example", "127.0.0.1:8481", "[::1]:8481", "exact.example"}
	})
	for href, signs := range map[string]bool{
		"https://s3-data.meso.example/b/k":                             true,
		"https://S3-DATA.MESO.EXAMPLE/b/k":                             true,
		"https://meso.example/b/k":                                     false,
		"https://evil.example/?x=.meso.example":                        false,
		"https://evil.example/s3.meso.example":                         false,
		"https://s3.meso.example.evil.example/b":                       false,
		"https://s3.meso.example@evil.example/b":                       false,
		"http://127.0.0.1:8481/b/k":                                    true,
		"http://127.0.0.1:9999/b/k":                                    false,
		"http://[::1]:8481/b/k":                                        true,
		"https://exact.example:8443/b/k":                               true,
		"s3://exact.example/k":                                         false,
		"file:///etc/passwd":                                           false,
		"./relative.tif":                                               false,
		"https://exact.example/k?X-Amz-Signature=ab&X-Amz-Expires=100": false,
		"https://exact.example/k?X-Goog-Signature=ab":                  false,
		"https://exact.example/k?sv=1&sig=ab&se=2030-01-02T03:04:05Z":  false,
		"https://exact.example/k?Signature=ab&Expires=1":               false,
		"https://exact.example/k?signature=of-an-artist":               true,
	} {
		before := a.count()
		out, err := s.Sign(t.Context(), []string{href})
		if err != nil {
			t.Errorf("%s: %v", href, err)
			continue
		}
		if got := a.count() > before; got != signs || !signs && out[0].URL.Reveal() != href {
			t.Errorf("%s: signed %v, want %v", href, got, signs)
		}
	}
	out, err := s.Sign(t.Context(), []string{"https://x.org/k?X-Amz-Date=20260102T030405Z&X-Amz-Expires=60&X-Amz-Signature=ab"})
	if err != nil || !out[0].Expiry.Equal(time.Date(2026, 1, 2, 3, 5, 5, 0, time.UTC)) {
		t.Errorf("expiry of a signed URL: %v, %v", out, err)
	}
}

func TestOneCallForAllWhoWait(t *testing.T) {
	release := make(chan struct{})
	a := newAPI(t, func(int, http.ResponseWriter, []string) bool { <-release; return false })
	s := newSigner(t, a, nil)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := s.Sign(ctx, hrefs(10)); first <- err }()
	for a.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var wg sync.WaitGroup
	ready := make(chan struct{}, 8)
	for range 8 {
		wg.Go(func() {
			ready <- struct{}{}
			if _, err := s.Sign(t.Context(), hrefs(10)); err != nil {
				t.Error(err)
			}
		})
	}
	for range 8 {
		<-ready
	}
	time.Sleep(20 * time.Millisecond) // lets them join; where they don't, the cache answers them
	cancel()
	if err := <-first; auth.KindOf(err) != auth.KindCancelled {
		t.Errorf("the one who left: %v", err)
	}
	close(release)
	wg.Wait()
	if a.count() != 1 {
		t.Errorf("%d calls", a.count())
	}
}

func TestTheLastWaiterEndsTheCall(t *testing.T) {
	gone := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(gone)
	}))
	defer srv.Close()
	s := signing.New(signing.Config{Endpoint: srv.URL, Tokens: &tokens{current: "t"}, HTTPClient: srv.Client()})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Sign(ctx, hrefs(1)); auth.KindOf(err) != auth.KindCancelled {
		t.Error(err)
	}
	<-gone
}

func TestRetries(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		a := newAPI(t, func(n int, w http.ResponseWriter, _ []string) bool {
			if n < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(status)
			}
			return n < 3
		})
		if _, err := newSigner(t, a, nil).Sign(t.Context(), hrefs(1)); err != nil || a.count() != 3 {
			t.Errorf("%d twice: %v, %d calls", status, err, a.count())
		}
	}
	always := newAPI(t, func(_ int, w http.ResponseWriter, _ []string) bool { w.WriteHeader(503); return true })
	if _, err := newSigner(t, always, nil).Sign(t.Context(), hrefs(1)); auth.KindOf(err) != auth.KindUnavailable || always.count() != 5 {
		t.Errorf("503 always: %v, %d calls", err, always.count())
	}
	closed := newAPI(t, nil)
	closed.Close()
	if _, err := newSigner(t, closed, nil).Sign(t.Context(), hrefs(1)); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("no server: %v", err)
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	a := newAPI(t, func(n int, w http.ResponseWriter, _ []string) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := newSigner(t, a, nil).Sign(ctx, hrefs(1)); auth.KindOf(err) != auth.KindCancelled || a.count() != 1 {
		t.Errorf("%v, %d calls in a tenth of a second", err, a.count())
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	refuse := func(until int) func(int, http.ResponseWriter, []string) bool {
		return func(n int, w http.ResponseWriter, _ []string) bool {
			if n < until {
				w.WriteHeader(401)
			}
			return n < until
		}
	}
	src := &tokens{current: "old"}
	a := newAPI(t, refuse(2))
	if _, err := newSigner(t, a, func(c *signing.Config) { c.Tokens = src }).Sign(t.Context(), hrefs(1)); err != nil || src.renewed != 1 || a.tokens[1] != "bearer old+" {
		t.Errorf("%v, renewed %d times, then %v", err, src.renewed, a.tokens)
	}
	a = newAPI(t, refuse(100))
	_, err := newSigner(t, a, func(c *signing.Config) { c.Tokens = src }).Sign(t.Context(), hrefs(1))
	if !errors.Is(err, auth.ErrLoginRequired) || a.count() != 2 {
		t.Errorf("%v, %d calls", err, a.count())
	}
	_, err = newSigner(t, a, func(c *signing.Config) { c.Tokens = plain{src} }).Sign(t.Context(), hrefs(1))
	if !errors.Is(err, auth.ErrLoginRequired) || a.count() != 3 {
		t.Errorf("a source that has no other token: %v, %d calls", err, a.count())
	}
	src.err = auth.ErrLoginRequired
	if _, err := newSigner(t, a, func(c *signing.Config) { c.Tokens = src }).Sign(t.Context(), hrefs(1)); !errors.Is(err, auth.ErrLoginRequired) || a.count() != 3 {
		t.Errorf("nobody logged in: %v", err)
	}
}

// plain hides Renew.
type plain struct{ s *tokens }

func (p plain) Token(ctx context.Context) (auth.Token, error) { return p.s.Token(ctx) }

func TestBadAnswers(t *testing.T) {
	expiry := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	href := hrefs(1)[0]
	for name, c := range map[string]struct {
		status int
		body   string
		kind   auth.Kind
		text   string
	}{
		"not json":        {200, "<html>" + signature, auth.KindProtocol, "not the JSON"},
		"cut":             {200, `{"expiry": "` + expiry + `", "hrefs": {"` + href + `": "https://x?` + signature, auth.KindProtocol, "cut short"},
		"lacks a url":     {200, `{"expiry": "` + expiry + `", "hrefs": {}}`, auth.KindProtocol, "lacks a URL for https://s3.example.org/"},
		"no expiry":       {200, `{"hrefs": {"` + href + `": "https://x"}}`, auth.KindProtocol, "expiry"},
		"ended":           {200, `{"expiry": "2020-01-01T00:00:00Z", "hrefs": {"` + href + `": "https://x"}}`, auth.KindProtocol, "clock"},
		"not a url":       {200, `{"expiry": "` + expiry + `", "hrefs": {"` + href + `": "javascript:alert(1)"}}`, auth.KindProtocol, "not a URL"},
		"downgrade":       {200, `{"expiry": "` + expiry + `", "hrefs": {"` + href + `": "http://s3.example.org/?` + signature + `"}}`, auth.KindProtocol, "https to http"},
		"200 MB":          {200, strings.Repeat("x", 5<<20), auth.KindProtocol, "larger"},
		"forbidden":       {403, `{"detail": "You are logged in, but may not use this store."}`, auth.KindForbidden, "may not use"},
		"not found":       {404, ``, auth.KindNotFound, "404"},
		"bad request":     {400, `{"detail": "https://x is not in this store"}`, auth.KindProtocol, "not in this store"},
		"quotes a secret": {422, `{"detail": "bad https://x?` + signature + `"}`, auth.KindProtocol, "422"},
		"fastapi":         {422, `{"detail": [{"msg": "field required"}]}`, auth.KindProtocol, "422"},
		"redirect":        {304, ``, auth.KindProtocol, "304"},
	} {
		a := newAPI(t, func(_ int, w http.ResponseWriter, _ []string) bool {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
			return true
		})
		_, err := newSigner(t, a, nil).Sign(t.Context(), hrefs(1))
		if auth.KindOf(err) != c.kind || err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v (%v), want %v with %q", name, err, auth.KindOf(err), c.kind, c.text)
		}
		if err != nil && (strings.Contains(err.Error(), signature) || strings.Contains(err.Error(), "eyJ")) {
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
		if a.count() != 1 {
			t.Errorf("%s: %d calls", name, a.count())
		}
	}
	_, err := signing.New(signing.Config{Endpoint: "nonsense", Tokens: &tokens{}}).Sign(t.Context(), hrefs(1))
	if err == nil || !strings.Contains(err.Error(), "http or https URL") {
		t.Errorf("an endpoint that is none: %v", err)
	}
}

func TestOneBadHrefFailsForItselfAlone(t *testing.T) {
	bad := hrefs(64)[41]
	a := newAPI(t, func(_ int, w http.ResponseWriter, urls []string) bool {
		for _, u := range urls {
			if u == bad {
				w.WriteHeader(400)
				_, _ = io.WriteString(w, `{"detail": "that one is not in this store"}`)
				return true
			}
		}
		return false
	})
	s := newSigner(t, a, nil)
	if _, err := s.Sign(t.Context(), hrefs(64)); err == nil || !strings.Contains(err.Error(), "that one") {
		t.Fatal(err)
	}
	calls := a.count()
	good := append(hrefs(64)[:41:41], hrefs(64)[42:]...)
	if out, err := s.Sign(t.Context(), good); err != nil || len(out) != 63 || a.count() != calls {
		t.Errorf("the others: %v, %d calls more", err, a.count()-calls)
	}
}

func TestAnswersAreInOrder(t *testing.T) {
	a := newAPI(t, nil)
	s := newSigner(t, a, func(c *signing.Config) { c.Hosts = []string{"s3.example.org"} })
	pool := append(hrefs(100), "https://public.example/x", "https://s3.example.org/k?X-Amz-Signature=1", "")
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOfN(rapid.SampledFrom(pool), 0, 150).Draw(t, "hrefs")
		s.Forget(in[:len(in)/2]...)
		out, err := s.Sign(context.Background(), in)
		if err != nil || len(out) != len(in) {
			t.Fatal(len(out), err)
		}
		for i := range in {
			want := in[i]
			if strings.Contains(want, "/dinamis/") {
				want += "?" + signature
			}
			if out[i].Href != in[i] || out[i].URL.Reveal() != want {
				t.Fatalf("%d: %q", i, out[i].Href)
			}
		}
	})
}
